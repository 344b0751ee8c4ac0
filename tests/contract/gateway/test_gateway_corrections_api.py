"""Label Studio's annotation events: kept in the corrections store, without a secret, whatever they hold."""

import json
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from spanbridge_gateway.app import create_app
from spanbridge_gateway.settings import GatewaySettings
from spanbridge_shared.contracts.corrections import Correction, Entry, Reason, Unread, Withdrawal
from spanbridge_shared.corrections.current import read_current
from spanbridge_shared.corrections.store import FILE, CorrectionStore
from spanbridge_shared.errors import ConfigurationError, UpstreamFailed
from tests.support.gateway import STUBS, Gateway
from tests.support.label_studio_events import (
    CONFIG,
    NAIROBI,
    RELATION,
    SAMIA,
    SECRETS,
    TEXT,
    annotation,
    copied,
    deleted,
    event,
    region,
    task,
)

URL = "/integrations/label-studio"
Opened = Callable[..., AbstractAsyncContextManager[Gateway]]


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Opened:
    """Open a gateway whose corrections are kept in the test's folder."""
    for name, value in STUBS.items():
        monkeypatch.setenv(name, value)

    @asynccontextmanager
    async def open_(**settings: Any) -> AsyncIterator[Gateway]:
        given = {"corrections": str(tmp_path / "store"), "log_level": "ERROR", **settings}
        app = create_app(GatewaySettings(**given))
        async with app.router.lifespan_context(app):
            transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://gateway", timeout=None) as http:
                yield Gateway(app, http)

    return open_


@pytest.fixture
def store(tmp_path: Path) -> CorrectionStore:
    return CorrectionStore(tmp_path / "store")


async def tell(gateway: Gateway, *events: Any) -> None:
    for each in events:
        headers = {"content-type": "application/json"}
        response = await gateway.http.post(f"{URL}/webhook", content=json.dumps(each), headers=headers)
        assert (response.status_code, response.json()) == (200, {"status": "ok"}), response.text


def kept(store: CorrectionStore) -> list[Entry]:
    found = store.read()
    assert found.damaged == ()
    return list(found.entries)


def only(store: CorrectionStore) -> Any:
    (entry,) = kept(store)
    return entry


async def test_an_annotation_is_kept_with_the_labels_of_both(opened: Opened, store: CorrectionStore) -> None:
    company = region("c", 5, 9, "Rais", "Organisation")
    myth = region("d", 16, 27, "alitembelea", "Myth")
    made = annotation(1, [SAMIA, NAIROBI, company, myth, RELATION], prediction={"model_version": "spanbridge-x"})
    async with opened() as gateway:
        await tell(gateway, event("ANNOTATION_CREATED", made, task(4, lang="sw")))
    found = only(store)
    assert (found.project, found.task, found.annotation, found.text) == ("1", "4", "1", TEXT)
    assert (found.lang, found.model_version, found.annotator, found.others) == (
        "swh_Latn", "spanbridge-x", "", [RELATION],
    )  # fmt: skip
    assert [(each.tool_label, each.label) for each in found.spans] == [
        ("Organisation", "ORG"), ("PER", "PER"), ("Myth", "Myth"), ("loc", "LOC"),
    ]  # fmt: skip


async def test_a_life_of_annotations(opened: Opened, store: CorrectionStore) -> None:
    second = task(2, "Hakuna mtu hapa.")
    async with opened(label_studio_lang="sw") as gateway:
        await tell(
            gateway,
            event("ANNOTATION_CREATED", annotation(1, [SAMIA, NAIROBI], second=1)),
            event("ANNOTATION_UPDATED", annotation(1, [SAMIA], second=5)),
            event("ANNOTATION_CREATED", annotation(2, [], task=2, second=6, was_cancelled=True), second),
            event("ANNOTATION_CREATED", annotation(3, [], task=2, second=7), second),
            event("ANNOTATION_CREATED", annotation(4, [region("z", 0, 6, "Hakuna", "PER")], task=2, second=8), second),
            deleted(4),
            event("ANNOTATIONS_CREATED", [copied(5, [region("z", 0, 6, "Hakuna", "PER")], task=2)], [second]),
        )
    found = read_current(store)
    assert [(each.task, len(each.spans), each.lang) for each in found.corrections] == [
        ("1", 1, "swh_Latn"), ("2", 0, "swh_Latn"),
    ]  # fmt: skip
    assert (found.replaced, found.withdrawn, found.unreviewed) == (1, 1, 1)
    reasons = [each.reason for each in kept(store) if isinstance(each, Withdrawal)]
    assert reasons == [Reason.SKIPPED, Reason.DELETED]


async def test_many_annotations_find_their_tasks(opened: Opened, store: CorrectionStore) -> None:
    tasks = [task(2, "Nairobi"), task(1, "Samia")]
    made = [annotation(8, [region("a", 0, 5, "Samia", "PER")]), annotation(9, [], task=2), annotation(10, [], task=3)]
    async with opened() as gateway:
        await tell(gateway, event("ANNOTATIONS_CREATED", made, tasks))
    first, second, third = kept(store)
    assert isinstance(first, Correction)
    assert isinstance(second, Correction)
    assert (first.text, second.text) == ("Samia", "Nairobi")
    assert isinstance(third, Unread)


async def test_no_secret_is_kept_or_logged(
    opened: Opened, store: CorrectionStore, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger("spanbridge"), "propagate", True)
    overlapping = annotation(2, [SAMIA, region("c", 9, 12, " Sa", "ORG")])
    async with opened(log_level="DEBUG", corrections_annotators="hashed") as gateway:
        caplog.set_level(logging.DEBUG, logger="spanbridge")
        for made in (annotation(1, [SAMIA]), overlapping):
            await tell(gateway, event("ANNOTATION_CREATED", made))
        await tell(gateway, event("ANNOTATION_CREATED", annotation(3, []), config="<View/>"), deleted(1))
    on_disk = b"".join(path.read_bytes() for path in store.folder.iterdir()).decode("utf-8", "replace")
    for each in SECRETS:
        assert each not in on_disk
        assert each not in caplog.text
    assert "Samia" in on_disk
    assert "Samia" not in caplog.text
    assert "kept 1 corrections" in caplog.text
    first, second, third, _ = kept(store)
    assert isinstance(first, Correction)
    assert len(first.annotator) == 16
    assert isinstance(second, Unread)
    assert "overlap" in second.error
    assert isinstance(third, Unread)
    assert third.raw["data"] == {"text": TEXT}


@pytest.mark.parametrize(
    "odd",
    [
        {"action": "ANNOTATION_CREATED"},
        {"action": "ANNOTATION_UPDATED", "annotation": [], "task": [], "project": []},
        {"action": "ANNOTATIONS_DELETED", "annotations": [None, {}, 3]},
        {"action": "TASKS_CREATED", "tasks": [{"data": {"text": TEXT}}]},
        {"action": "START", "annotation": annotation(1, [SAMIA]), "task": task()},
    ],
)
async def test_events_without_an_annotation_keep_nothing(odd: Any, opened: Opened, store: CorrectionStore) -> None:
    async with opened() as gateway:
        await tell(gateway, odd)
    assert kept(store) == []


@pytest.mark.parametrize(
    "odd",
    [
        event("ANNOTATION_CREATED", annotation(1, None)),
        event("ANNOTATION_CREATED", annotation(1, [SAMIA]), {"id": "\ud800", "data": []}),
        event("ANNOTATION_CREATED", annotation(1, [SAMIA]), task(1, "\ud800 short")),
        {"action": "ANNOTATION_CREATED", "annotation": {}, "task": 4},
        event("ANNOTATION_CREATED", annotation(1, [SAMIA]), config="<!DOCTYPE x><View/>"),
        event("ANNOTATION_CREATED", annotation(1, [json.loads("[" * 400 + "]" * 400)])),
    ],
)
async def test_what_cannot_be_read_is_kept_as_it_came(odd: Any, opened: Opened, store: CorrectionStore) -> None:
    async with opened() as gateway:
        await tell(gateway, odd)
    found = only(store)
    assert isinstance(found, Unread)
    assert "\ud800" in str(found) or json.dumps(found.raw["annotation"].get("result")) == json.dumps(
        odd["annotation"].get("result")
    )
    assert read_current(store).unread == (found,)


async def test_the_language_is_the_tasks_the_projects_or_what_is_found(opened: Opened, store: CorrectionStore) -> None:
    english = "The president of Kenya has visited the city of Mombasa, where she has met many people."
    body = {"project": "1.1795443625", "schema": CONFIG, "extra_params": {"lang": "zu"}}
    async with opened() as gateway:
        await tell(gateway, event("ANNOTATION_CREATED", annotation(1, []), task(1, english)))
        await tell(gateway, event("ANNOTATION_CREATED", annotation(2, []), task(2, "Samia 2023")))
        assert (await gateway.http.post(f"{URL}/setup", json=body)).status_code == 200
        await tell(gateway, event("ANNOTATION_CREATED", annotation(3, []), task(3)))
        await tell(gateway, event("ANNOTATION_CREATED", annotation(4, []), task(4, language="yor")))
        await tell(gateway, event("ANNOTATION_CREATED", annotation(5, []), task(5, lang="Kiswahili")))
    found = [each.lang for each in kept(store) if isinstance(each, Correction)]
    assert found == ["eng_Latn", None, "zul_Latn", "yor_Latn", None]


async def test_services_that_are_down_lose_no_annotation(
    opened: Opened, store: CorrectionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def down() -> Any:
        raise UpstreamFailed("translation is down")

    async with opened(label_studio_lang="sw") as gateway:
        monkeypatch.setattr(gateway.app.state.engine.upstreams, "infos", down)
        await tell(gateway, event("ANNOTATION_CREATED", annotation(1, [NAIROBI])))
    found = only(store)
    assert (found.lang, found.spans[0].label) == ("swh_Latn", "LOC")


async def test_without_a_store_events_are_acknowledged_and_that_is_told_once(
    opened: Opened, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with opened(corrections="", log_level="WARNING") as gateway:
        monkeypatch.setattr(logging.getLogger("spanbridge"), "propagate", True)
        caplog.set_level(logging.WARNING, logger="spanbridge")
        await tell(gateway, *[event("ANNOTATION_CREATED", annotation(number, [SAMIA])) for number in (1, 2)])
    # Several handlers may see one record.
    told = {id(each) for each in caplog.records if "CORRECTIONS names no folder" in each.getMessage()}
    assert len(told) == 1
    assert not CorrectionStore(tmp_path).is_there


async def test_a_store_that_cannot_be_written_is_told(opened: Opened, store: CorrectionStore) -> None:
    async with opened() as gateway:
        store.path.unlink()
        store.path.mkdir()
        response = await gateway.http.post(f"{URL}/webhook", json=event("ANNOTATION_CREATED", annotation(1, [])))
    assert response.status_code == 500
    assert response.json()["error"] == "ConfigurationError"
    assert FILE in response.json()["detail"]


def test_a_wrong_folder_stops_the_gateway_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match="SPANBRIDGE_GATEWAY_CORRECTIONS"):
        create_app(GatewaySettings(corrections=str(tmp_path / "file")))
