"""What people finish in a real Label Studio reaches the corrections store, by its webhook and by its export."""

import json
from pathlib import Path
from typing import Any

import pytest

from spanbridge_shared.contracts.corrections import Correction
from spanbridge_shared.corrections.current import Current, read_current
from spanbridge_shared.corrections.store import CorrectionStore
from tests.tools.label_studio import TOKEN, LabelStudio
from tests.tools.servers import cli, spanbridge

pytestmark = pytest.mark.tools

TEXT = "👩🏽‍🏫 Rais Samia alitembelea Nairobi jana."


def region(id_: str, start: int, end: int, label: str) -> dict[str, Any]:
    value = {"start": start, "end": end, "text": TEXT[start:end], "labels": [label]}
    return {"id": id_, "from_name": "label", "to_name": "text", "type": "labels", "value": value}


def shown(found: Current) -> list[tuple[str, str, list[tuple[str, str, str]], str]]:
    return [
        (each.text, each.lang or "", [(each.text[s.start : s.end], s.label, s.tool_label) for s in each.spans],
         each.model_version or "")
        for each in found.corrections
    ]  # fmt: skip


def annotate(studio: LabelStudio, project: int) -> None:
    """Correct one task, twice, say that another has no entities, skip a third, delete, and copy predictions."""
    first, second, third, fourth = (task["id"] for task in studio.tasks(project))
    made = studio.ask("POST", f"/api/tasks/{first}/annotations", {"result": [region("a", 10, 15, "PER")]})
    both = [region("a", 10, 15, "PER"), region("b", 28, 35, "loc")]
    studio.ask("PATCH", f"/api/annotations/{made['id']}", {"result": both})
    studio.ask("POST", f"/api/tasks/{second}/annotations", {"result": []})
    studio.ask("POST", f"/api/tasks/{third}/annotations?was_cancelled=true", {"result": []})
    gone = studio.ask("POST", f"/api/tasks/{third}/annotations", {"result": []})
    studio.ask("DELETE", f"/api/annotations/{gone['id']}")
    selected = {"selectedItems": {"all": False, "included": [fourth]}}
    studio.ask("POST", f"/api/dm/actions?id=predictions_to_annotations&project={project}", selected)


def test_annotations_come_back(studio: LabelStudio, tmp_path: Path) -> None:
    texts = [TEXT, "Hakuna mtu hapa.", "Karibu tena.", "Rais Samia alitembelea Kampala."]
    project = studio.project("corrections", [{"text": text, "lang": "swh_Latn"} for text in texts])
    by_webhook, by_export = CorrectionStore(tmp_path / "webhook"), CorrectionStore(tmp_path / "export")
    with spanbridge(tmp_path, SPANBRIDGE_GATEWAY_CORRECTIONS=str(by_webhook.folder)) as gateway:
        options = ["--url", studio.server.url, "--project", str(project), "--backend-url", gateway.url]
        connected = cli("label-studio", "connect", *options, "--method", "student", LABEL_STUDIO_API_KEY=TOKEN)
        assert connected.returncode == 0, connected.stderr
        studio.retrieve(project)
        # Only of the version that a project shows does Label Studio tell whose prediction was corrected.
        (version,) = {each["model_version"] for task in studio.tasks(project) for each in task["predictions"]}
        studio.ask("PATCH", f"/api/projects/{project}", {"model_version": version})
        annotate(studio, project)
        logged = gateway.logged()
    expected = [
        (TEXT, "swh_Latn", [("Samia", "PER", "PER"), ("Nairobi", "LOC", "loc")], version),
        ("Hakuna mtu hapa.", "swh_Latn", [], version),
    ]
    found = read_current(by_webhook)
    assert shown(found) == expected
    assert (found.replaced, found.withdrawn, found.unreviewed, found.unread, found.damaged) == (1, 1, 1, (), 0)
    kept = by_webhook.path.read_text(encoding="utf-8")
    assert "token" not in kept  # Each event has the project's.
    assert TOKEN not in kept + logged
    assert "Hakuna" not in logged

    export = tmp_path / "export.json"
    tasks = studio.ask("GET", f"/api/projects/{project}/export?exportType=JSON&download_all_tasks=true")
    export.write_text(json.dumps(tasks), encoding="utf-8")
    added = cli("corrections", "add", str(export), "--store", str(by_export.folder))
    assert added.returncode == 0, added.stderr
    assert shown(read_current(by_export)) == expected
    # Both ways know an annotation by the same numbers.
    assert cli("corrections", "add", str(export), "--store", str(by_webhook.folder)).returncode == 0
    assert shown(read_current(by_webhook)) == expected
    identities = [
        [(each.project, each.task, each.annotation, each.field, each.time) for each in store.read().entries
         if isinstance(each, Correction) and each.spans and each.reviewed][-1]
        for store in (by_webhook, by_export)
    ]  # fmt: skip
    assert identities[0] == identities[1]
