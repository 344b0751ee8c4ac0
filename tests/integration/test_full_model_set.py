"""The full model set, from checkpoints as the hub has them to an answer: the command is the models container's own."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import yaml

from tests.support.processes import free_port, wait_until_ready

pytestmark = [pytest.mark.torch, pytest.mark.processes]

ROOT = Path(__file__).resolve().parents[2]
TOKENS = ["Rais", "Samia", "alitembelea", "Nairobi", "jana", "."]
SOURCE = {
    "tokens": ["President", "Samia", "visited", "Nairobi", "yesterday", "."],
    "entities": [{"start": 1, "end": 2, "label": "PER"}, {"start": 3, "end": 4, "label": "LOC"}],
}


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("torch")
    from tests.support import hub_checkpoints as make

    root = tmp_path_factory.mktemp("hub")
    for each in (make.make_nllb_600m, make.make_nllb_3b, make.make_conll, make.make_mbert, make.make_labse):
        each(root)
    return root


def fetch(hub: Path, output: Path, translation: str, alignment: str, *more: str) -> subprocess.CompletedProcess[str]:
    """Run what the models container runs, with folders for sources and another folder for the result."""
    told: list[str] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]["models"]["entrypoint"]
    assert told[0] == "spanbridge"
    assert told[-1] == "/opt/models/full"
    sources = {
        "translation": hub / translation,
        "alignment": hub / alignment,
        "teacher": hub / "FacebookAI/xlm-roberta-large-finetuned-conll03-english",
    }
    command = [str(Path(sys.executable).with_name("spanbridge")), *told[1:-1], str(output)]
    command += [part for name, folder in sources.items() for part in (f"--{name}", str(folder))]
    return subprocess.run([*command, *more], capture_output=True, text=True, check=False, timeout=300)


SETS = {
    "defaults": ("facebook/nllb-200-distilled-600M", "bert-base-multilingual-cased"),
    "larger": ("facebook/nllb-200-3.3B", "sentence-transformers/LaBSE"),
}


@pytest.fixture(scope="module", params=list(SETS))
def made(request: pytest.FixtureRequest, hub: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, str]:
    translation, alignment = SETS[request.param]
    output = tmp_path_factory.mktemp("models") / "full"
    done = fetch(hub, output, translation, alignment)
    assert done.returncode == 0, done.stderr
    return output, translation.rpartition("/")[2], alignment.rpartition("/")[2]


@pytest.fixture(scope="module")
def url(made: tuple[Path, str, str]) -> Iterator[str]:
    port = free_port()
    environment = os.environ | {
        "SPANBRIDGE_MODELS_DIR": str(made[0]),
        "SPANBRIDGE_GATEWAY_PORT": str(port),
        "SPANBRIDGE_TRANSLATION_THREADS": "1",
        "SPANBRIDGE_ALIGNMENT_THREADS": "1",
        "SPANBRIDGE_NER_TEACHER_THREADS": "1",
    }
    process = subprocess.Popen([sys.executable, "-m", "spanbridge_gateway"], env=environment)
    try:
        wait_until_ready(f"http://127.0.0.1:{port}", process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=60)


def project(url: str, sentence: dict[str, Any], **fields: Any) -> dict[str, Any]:
    body = {"sentences": [sentence], "lang": "swh_Latn", "include": ["tokens", "translation", "alignment"], **fields}
    response = httpx.post(f"{url}/v1/project", json=body, timeout=120)
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    assert found["results"][0]["error"] is None
    return found


def test_a_sentence_goes_through_all_three_models(url: str, made: tuple[Path, str, str]) -> None:
    _, translation, alignment = made
    answer = project(url, {"text": "Rais Samia alitembelea Nairobi jana."})
    versions = answer["model_version"]
    assert f"{translation}-" in versions
    assert f"{alignment}-" in versions
    assert "xlm-roberta-large-finetuned-conll03-english-" in versions
    assert answer["results"][0]["tokens"] == TOKENS
    assert answer["results"][0]["translation"]["lang"] == "eng_Latn"


def test_the_teacher_that_came_labels_the_sentence(url: str) -> None:
    (result,) = project(url, {"tokens": TOKENS}, method="transfer")["results"]
    assert result["tags"] == ["O", "B-PER", "O", "B-LOC", "O", "O"]


def test_the_encoder_that_came_links_words_to_themselves(url: str) -> None:
    sentence = {"tokens": SOURCE["tokens"], "source": SOURCE}
    (result,) = project(url, sentence, options={"align_method": "argmax"})["results"]
    assert result["tags"] == ["O", "B-PER", "O", "B-LOC", "O", "O"]


def test_what_is_there_is_kept_and_what_is_not_asked_for_is_replaced(hub: Path, tmp_path: Path) -> None:
    first = fetch(hub, tmp_path / "full", *SETS["defaults"])
    assert first.stdout.count(" made\n") == 3
    again = fetch(hub, tmp_path / "full", *SETS["defaults"])
    assert (again.returncode, again.stdout.count(" is there already\n")) == (0, 3)
    other = fetch(hub, tmp_path / "full", *SETS["larger"])
    assert "nllb-200-3.3B made" in other.stdout
    assert "LaBSE made" in other.stdout
    assert "conll03-english is there already" in other.stdout
    assert sorted(path.name for path in (tmp_path / "full").iterdir()) == ["encoder", "nmt", "teacher"]


def test_a_checkpoint_that_nobody_knows_is_refused_before_anything_is_fetched(hub: Path, tmp_path: Path) -> None:
    done = fetch(
        hub, tmp_path / "full", "facebook/nllb-200-distilled-600M", "bert-base-multilingual-cased", "--teacher", "x/y"
    )
    assert done.returncode == 1
    assert "x/y isn't known as a model for teacher" in done.stderr
    assert not (tmp_path / "full").exists()


def test_layer_norms_under_their_old_names_reach_the_encoder(hub: Path, made: tuple[Path, str, str]) -> None:
    """mBERT's file calls them gamma and beta; lost, they would be ones and zeros and the vectors others."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    from spanbridge_alignment.backends.ctranslate2 import CTranslate2Encoder

    folder, _, alignment = made
    source = next(path for path in hub.rglob("config.json") if path.parent.name == alignment).parent
    encoder = CTranslate2Encoder(folder / "encoder", threads=1)
    model, tokenizer = AutoModel.from_pretrained(source).eval(), AutoTokenizer.from_pretrained(source)
    norm = model.embeddings.LayerNorm
    assert not torch.equal(norm.weight, torch.ones_like(norm.weight))
    assert not torch.equal(norm.bias, torch.zeros_like(norm.bias))
    (pieces,) = encoder.tokenize([tuple(TOKENS)])
    (vectors,) = encoder.encode([pieces.ids])
    ids = tokenizer(TOKENS, is_split_into_words=True, return_tensors="pt")
    layer = {"bert-base-multilingual-cased": 8, "LaBSE": 6}[alignment]
    with torch.inference_mode():
        wanted = model(**ids, output_hidden_states=True).hidden_states[layer][0, 1:-1].numpy()
    cosine = (vectors * wanted).sum(1) / (np.linalg.norm(vectors, axis=1) * np.linalg.norm(wanted, axis=1))
    assert cosine.min() > 0.98  # int8, at a width of 16.
