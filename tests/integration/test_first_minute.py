"""What a new user sees: the installed command, its first answer, and what the default install holds."""

import importlib.metadata
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from packaging.requirements import Requirement

from tests.support.processes import free_port, wait_until_ready

ROOT = Path(__file__).resolve().parents[2]
MAX_INSTALL_BYTES = 700_000_000


@pytest.fixture(scope="module")
def served() -> Iterator[str]:
    port = free_port()
    command = [str(Path(sys.executable).with_name("spanbridge")), "serve", "--port", str(port)]
    process = subprocess.Popen(command, cwd=ROOT)
    try:
        wait_until_ready(f"http://127.0.0.1:{port}", process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 0


@pytest.mark.models
@pytest.mark.processes
def test_the_first_request_finds_the_place_and_the_person(served: str) -> None:
    request = {
        "sentences": [{"id": "1", "text": "Rais Samia alitembelea Nairobi jana."}],
        "lang": "swh_Latn",
        "method": "candidates",
        "labels": ["PER", "ORG", "LOC"],
        "options": {},
        "include": ["translation", "alignment", "tokens", "scores"],
    }
    response = httpx.post(f"{served}/v1/project", json=request, timeout=60)
    assert response.status_code == 200
    (result,) = response.json()["results"]
    found = {(each["text"], each["label"], each["start"], each["end"]) for each in result["entities"]}
    assert found == {("Samia", "PER", 5, 10), ("Nairobi", "LOC", 23, 30)}
    assert result["tags"] == ["O", "B-PER", "O", "B-LOC", "O", "O"]


@pytest.mark.models
@pytest.mark.processes
def test_the_readmes_request_gives_the_readmes_answer(served: str) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    request = re.search(r"-d '(\{.*?\})'", readme, re.DOTALL)
    answer = re.search(r"```json\n(.*?)```", readme, re.DOTALL)
    assert request is not None
    assert answer is not None
    response = httpx.post(f"{served}/v1/project", content=request[1], headers={"content-type": "application/json"})
    shown, given = json.loads(answer[1]), response.json()
    for each in (shown, given):
        del each["model_version"]
        for result in each["results"]:
            del result["timings_ms"], result["cached"]
    # Scores differ in the last digits between processors.
    assert _rounded(given) == _rounded(shown)


@pytest.mark.models
def test_the_readmes_python_runs(tmp_path: Path) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    assert blocks
    for block in blocks:
        done = subprocess.run([sys.executable, "-c", block], cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert "Nairobi" in done.stdout


def test_the_default_install_is_small_and_has_no_torch() -> None:
    closure = _closure("spanbridge")
    assert {"fastapi", "uvicorn", "ctranslate2", "httpx", "spacy"} <= closure
    assert not closure & {"torch", "transformers", "sentencepiece", "scipy"}
    size = sum(_size(name) for name in closure)
    assert size <= MAX_INSTALL_BYTES, f"{size / 1e6:.0f} MB"


def test_serving_imports_no_torch() -> None:
    code = (
        "import sys, importlib\n"
        "for name in ('gateway', 'translation', 'alignment', 'projection', 'ner_teacher'):\n"
        "    importlib.import_module(f'spanbridge_{name}.app').create_app()\n"
        "print([name for name in ('torch', 'transformers') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ)
    assert done.stdout.strip() == "[]"


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_rounded(each) for each in value]
    return pytest.approx(value, abs=0.05) if isinstance(value, float) else value


def _closure(name: str) -> set[str]:
    """Return the distributions that a plain install of `name` brings, extras left out."""
    found: set[str] = set()
    todo = [(name, "")]
    while todo:
        current, extra = todo.pop()
        for written in importlib.metadata.requires(current) or []:
            needed = Requirement(written)
            if needed.marker is not None and not needed.marker.evaluate({"extra": extra}):
                continue
            fresh = needed.name.lower() not in found
            found.add(needed.name.lower())
            todo += [(needed.name, each) for each in ([""] * fresh + sorted(needed.extras))]
    return found


def _size(name: str) -> int:
    files = importlib.metadata.files(name) or []
    return sum(path.stat().st_size for file in files if (path := Path(str(file.locate()))).is_file())
