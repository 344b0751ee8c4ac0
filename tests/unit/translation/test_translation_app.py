"""Composition: settings choose the backend, faults of settings name themselves, and entry points lead here."""

from importlib.metadata import entry_points
from pathlib import Path

import pytest

from spanbridge_shared.errors import ConfigurationError
from spanbridge_shared.serving.config import load_settings
from spanbridge_translation.app import create_app, open_backend
from spanbridge_translation.backends.stub import StubBackend
from spanbridge_translation.settings import BackendKind, TranslationSettings


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPANBRIDGE_TRANSLATION_BACKEND", "stub")
    monkeypatch.setenv("SPANBRIDGE_TRANSLATION_NO_REPEAT_NGRAM", "3")
    settings = load_settings(TranslationSettings)
    assert (settings.backend, settings.no_repeat_ngram, settings.port) == (BackendKind.STUB, 3, 8001)


def test_a_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPANBRIDGE_TRANSLATION_BACKEND", "moses")
    with pytest.raises(ConfigurationError, match="SPANBRIDGE_TRANSLATION_BACKEND"):
        load_settings(TranslationSettings)


def test_the_stub_needs_no_model() -> None:
    assert isinstance(open_backend(TranslationSettings(backend=BackendKind.STUB, model="nowhere")), StubBackend)


async def test_a_missing_model_stops_the_start_and_is_told(tmp_path: Path) -> None:
    app = create_app(TranslationSettings(model=str(tmp_path), log_level="CRITICAL"))
    with pytest.raises(ConfigurationError, match="no model at"):
        async with app.router.lifespan_context(app):
            pytest.fail("it started without a model")


@pytest.mark.parametrize(
    ("group", "name", "place"),
    [
        ("spanbridge.services", "translation", "spanbridge_translation.app:create_app"),
        ("spanbridge.converters", "m2m_100", "spanbridge_translation.backends.convert:convert"),
    ],
)
def test_entry_points_lead_here(group: str, name: str, place: str) -> None:
    found = entry_points(group=group)[name]
    assert found.value == place
    assert callable(found.load())
