"""From an annotator's correction to a score and to a student's text, with the shipped models."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner, Result

from spanbridge.cli import main
from spanbridge_gateway.app import create_app
from spanbridge_gateway.settings import GatewaySettings
from tests.conftest import MODELS
from tests.support.gateway import STUBS
from tests.support.label_studio_events import NAIROBI, SAMIA, TEXT, annotation, deleted, event, exported, region, task

URL = "/integrations/label-studio/webhook"
SECOND = "Rais Samia alitembelea Kampala leo."


@pytest.fixture
async def gateway(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[httpx.AsyncClient]:
    """A gateway that keeps corrections in the test's folder; its services aren't asked for anything here."""
    with monkeypatch.context() as stubs:
        for name, value in STUBS.items():
            stubs.setenv(name, value)
        app = create_app(GatewaySettings(corrections=str(tmp_path / "store"), label_studio_lang="sw"))
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway", timeout=None) as http:
            yield http


async def spanbridge(*arguments: str) -> Result:
    # In a thread, as commands have event loops of their own.
    ended = await asyncio.to_thread(CliRunner().invoke, main, list(arguments))
    assert ended.exit_code == 0, ended.output
    return ended


@pytest.mark.models
async def test_a_correction_is_scored_and_left_out_of_the_text(
    gateway: httpx.AsyncClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[dict[str, Any]] = [
        event("ANNOTATION_CREATED", annotation(1, [NAIROBI], second=1)),
        event("ANNOTATION_UPDATED", annotation(1, [SAMIA, NAIROBI], second=2)),
        event("ANNOTATION_CREATED", annotation(2, [NAIROBI], second=3)),
        deleted(2),
    ]
    for each in events:
        assert (await gateway.post(URL, json=each)).status_code == 200
    monkeypatch.setenv("SPANBRIDGE_MODELS_DIR", str(MODELS))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    store, file = str(tmp_path / "store"), tmp_path / "export.json"
    wrong = annotation(3, [region("a", 0, 4, "Rais", "PER"), region("b", 23, 30, "Kampala", "loc")], task=2)
    file.write_text(json.dumps([exported(task(2, SECOND, lang="swh_Latn"), wrong)]), encoding="utf-8")
    await spanbridge("corrections", "add", str(file), "--store", store)
    counts = json.loads((await spanbridge("corrections", "list", "--store", store, "--json")).stdout)
    assert [(each["lang"], each["texts"], each["entities"]) for each in counts["corrections"]] == [("swh_Latn", 2, 4)]

    scored = await spanbridge(
        "evaluate", "corrections", "--data", store, "--lang", "swh_Latn", "--method", "student", "--json"
    )
    (row,) = json.loads(scored.stdout)["results"]
    # The student finds Samia twice, Nairobi and Kampala; the second annotator took the title for a person.
    per = row["per_label"]
    assert (row["method"], row["sentences"], per["LOC"]["f1"]) == ("student", 2, 1.0)
    assert (per["PER"]["gold"], per["PER"]["predicted"], per["PER"]["correct"]) == (2, 2, 1)

    (tmp_path / "text.txt").write_text(f"{TEXT}\nRais Ruto amefika Lagos.\n{SECOND}\n", encoding="utf-8")
    gathered = await spanbridge(
        "distill", "--lang", "sw", "--unlabelled", str(tmp_path / "text.txt"), "--out", str(tmp_path / "out"),
        "--teacher", "transfer", "--stop-after", "gather", "--corrections", store,
    )  # fmt: skip
    assert "swh_Latn: 2 sentences of the text left out" in gathered.stderr
    assert "transfer: swh_Latn, 1 sentences" in gathered.stderr
