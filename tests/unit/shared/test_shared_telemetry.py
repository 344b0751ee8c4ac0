import io
import json
import logging
import sys

import pytest

from spanbridge_shared.serving.telemetry import REQUEST_ID, JsonFormatter, new_request_id, set_up_logging

SECRET = "Siri ya mtumiaji"


@pytest.fixture
def fresh():
    """The `spanbridge` logger as a new process has it."""
    logger, exporting = logging.getLogger("spanbridge"), logging.getLogger("opentelemetry")
    kept = [(each, each.handlers[:], each.level, each.propagate) for each in (logger, exporting)]
    for each in (logger, exporting):
        each.handlers[:], each.propagate = [], True
    yield logger
    for each, handlers, level, propagate in kept:
        each.handlers[:], each.level, each.propagate = handlers, level, propagate


def failing():
    try:
        int(SECRET)
    except ValueError as fault:
        raise RuntimeError(SECRET) from fault


def record_of(fault=None, **fields):
    record = logging.LogRecord("spanbridge.x", logging.INFO, "x.py", 1, "did %s", ("this",), None)
    record.exc_info = (type(fault), fault, fault.__traceback__) if fault else None
    record.fields = fields
    return record


def test_a_line_is_one_json_object_with_the_request_id():
    token = REQUEST_ID.set("r-1")
    try:
        line = JsonFormatter().format(record_of(route="/x", ms=1.5, odd=object()))
    finally:
        REQUEST_ID.reset(token)
    told = json.loads(line)
    assert "\n" not in line
    assert told["time"].endswith("Z")
    del told["time"]
    assert told.pop("odd").startswith("<object")
    assert told == {
        "level": "info", "logger": "spanbridge.x", "message": "did this", "request_id": "r-1", "trace_id": None,
        "route": "/x", "ms": 1.5,
    }  # fmt: skip


def test_an_exception_shows_where_but_not_what():
    with pytest.raises(RuntimeError) as caught:
        failing()
    line = JsonFormatter().format(record_of(caught.value))
    assert SECRET not in line
    told = json.loads(line)["exception"]
    assert told.startswith("RuntimeError\n")
    assert "from ValueError\n" in told
    assert "in failing" in told


@pytest.mark.parametrize("log_format", ["json", "text"])
def test_neither_format_quotes_an_exception(fresh, monkeypatch, log_format):
    stderr = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stderr)
    set_up_logging("info", log_format)
    try:
        failing()
    except RuntimeError:
        logging.getLogger("spanbridge.x").exception("broke")
    told = stderr.getvalue()
    assert "broke" in told
    assert "RuntimeError" in told
    assert SECRET not in told
    assert told.startswith("{") == (log_format == "json")


def test_the_first_app_of_a_process_decides(fresh):
    """Regression: an embedded service undid the gateway's log settings."""
    set_up_logging("WARNING", "text")
    handlers = fresh.handlers[:]
    set_up_logging("DEBUG", "json")
    assert fresh.handlers == handlers
    assert fresh.level == logging.WARNING
    assert not fresh.propagate


def test_made_request_ids_differ():
    assert len({new_request_id(None) for _ in range(100)}) == 100


def test_what_the_exporter_complains_of_is_json_too(fresh, monkeypatch):
    stderr = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stderr)
    set_up_logging("info", "json")
    logging.getLogger("opentelemetry.exporter").warning("no collector")
    assert json.loads(stderr.getvalue())["message"] == "no collector"
