"""What Label Studio 1.23.2 sends to webhooks and exports, field by field as it was seen to."""

from collections.abc import Mapping
from typing import Any

SECRETS = ("IDyRaYBAUZG86EkTE3oXLe5hTPlCW8VLp1lcx6wR", "a-login-of-tasks", "a-password-of-tasks")
CONFIG = (
    '<View><Labels name="label" toName="text"><Label value="PER"/>'
    '<Label value="Organisation" predicted_values="ORG"/><Label value="loc"/><Label value="Myth"/></Labels>'
    '<Text name="text" value="$text"/><Relations><Relation value="r"/></Relations></View>'
)
TEXT = "👩🏽‍🏫 Rais Samia alitembelea Nairobi jana."
RELATION = {"from_id": "a", "to_id": "b", "type": "relation", "direction": "right", "labels": ["r"]}


def region(id_: str, start: int, end: int, text: str, *labels: str, to_name: str = "text") -> dict[str, Any]:
    value = {"start": start, "end": end, "text": text, "labels": list(labels)}
    return {"id": id_, "from_name": "label", "to_name": to_name, "type": "labels", "value": value}


SAMIA, NAIROBI = region("a", 10, 15, "Samia", "PER"), region("b", 28, 35, "Nairobi", "loc")


def annotation(number: int, result: Any, *, task: int = 1, second: int = 6, **more: Any) -> dict[str, Any]:
    time = f"2026-11-23T14:07:{second:02d}.296761Z"
    return {
        "id": number, "result": result, "was_cancelled": False, "ground_truth": False, "created_at": time,
        "updated_at": time, "draft_created_at": None, "lead_time": 3.2, "prediction": {},
        "result_count": len(result) if isinstance(result, list) else 0,
        "unique_id": f"bd55a62c-cef4-4b0a-94c9-{number:012d}", "import_id": None, "last_action": None,
        "bulk_created": False, "task": task, "project": 1, "completed_by": 7, "updated_by": 7,
        "parent_prediction": None, "parent_annotation": None, "last_created_by": None, **more,
    }  # fmt: skip


def copied(number: int, result: Any, **more: Any) -> dict[str, Any]:
    """An annotation as "Create annotations from predictions" makes it."""
    return annotation(number, result, lead_time=None, updated_by=None, parent_prediction=1, **more)


def task(number: int = 1, text: str = TEXT, **data: Any) -> dict[str, Any]:
    return {
        "id": number, "data": {"text": text, **data}, "meta": {}, "created_at": "2026-11-23T14:07:05.957751Z",
        "updated_at": "2026-11-23T14:07:06.324477Z", "is_labeled": True, "allow_skip": True, "overlap": 1,
        "inner_id": number, "total_annotations": 1, "cancelled_annotations": 0, "total_predictions": 0, "project": 1,
        "updated_by": 7, "file_upload": None, "comment_authors": [],
    }  # fmt: skip


def project(config: str = CONFIG) -> dict[str, Any]:
    token, login, password = SECRETS
    return {
        "id": 1, "title": "xyz", "label_config": config, "token": token, "model_version": "v1",
        "created_at": "2026-11-23T14:07:05.931790Z", "task_data_login": login, "task_data_password": password,
        "organization": 1, "created_by": 7,
    }  # fmt: skip


def event(action: str, made: Any, of: Any = None, config: str = CONFIG) -> dict[str, Any]:
    return {"action": action, "annotation": made, "project": project(config), "task": of or task()}


def deleted(*numbers: int) -> dict[str, Any]:
    annotations = [{"id": number} for number in numbers]
    return {"action": "ANNOTATIONS_DELETED", "annotations": annotations, "project": project()}


def exported(of: Mapping[str, Any], *annotations: Mapping[str, Any]) -> dict[str, Any]:
    """A task of an export of type JSON."""
    return {**of, "annotations": list(annotations), "drafts": [], "predictions": []}
