import pytest
from pydantic import Field
from pydantic_settings import SettingsConfigDict

from spanbridge_shared.errors import ConfigurationError
from spanbridge_shared.serving.config import ServiceSettings, load_settings, model_path, models_dir


class DemoSettings(ServiceSettings):
    """Settings of a service that doesn't exist."""

    model_config = SettingsConfigDict(env_prefix="SPANBRIDGE_DEMO_")

    port: int = Field(8009, ge=0, le=65535)
    names: list[str] = []


def test_the_environment_wins_over_defaults(monkeypatch):
    monkeypatch.setenv("SPANBRIDGE_DEMO_PORT", "9")
    monkeypatch.setenv("SPANBRIDGE_DEMO_NAMES", '["a", "b"]')
    monkeypatch.setenv("SPANBRIDGE_DEMO_LOG_LEVEL", "debug")
    settings = load_settings(DemoSettings)
    assert (settings.port, settings.names, settings.host) == (9, ["a", "b"], "127.0.0.1")


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("PORT", "eighty"),
        ("PORT", "70000"),
        ("LOG_FORMAT", "xml"),
        ("LOG_LEVEL", "LOUD"),
        ("MAX_QUEUE", "0"),
        ("MAX_BODY_BYTES", "-1"),
        ("BATCH_WAIT_MS", "nan"),
        ("THREADS", "0"),
        ("NAMES", "[1, {}]"),
    ],
)
def test_a_bad_value_names_its_variable(monkeypatch, variable, value):
    monkeypatch.setenv(f"SPANBRIDGE_DEMO_{variable}", value)
    with pytest.raises(ConfigurationError, match=rf"SPANBRIDGE_DEMO_{variable}: "):
        load_settings(DemoSettings)


def test_every_bad_value_is_named(monkeypatch):
    monkeypatch.setenv("SPANBRIDGE_DEMO_PORT", "x")
    monkeypatch.setenv("SPANBRIDGE_DEMO_THREADS", "x")
    with pytest.raises(ConfigurationError, match=r"(?s)_PORT.*_THREADS"):
        load_settings(DemoSettings)


def test_a_list_that_is_not_json_is_a_wrong_setting(monkeypatch):
    """Regression: pydantic-settings raises an exception of its own here, which ended in a traceback."""
    monkeypatch.setenv("SPANBRIDGE_DEMO_NAMES", "a,b")
    with pytest.raises(ConfigurationError, match=r"SPANBRIDGE_DEMO_.*names.*JSON"):
        load_settings(DemoSettings)


def test_models_are_found_by_variable_then_here_then_in_the_checkout(monkeypatch, tmp_path):
    monkeypatch.delenv("SPANBRIDGE_MODELS_DIR", raising=False)
    monkeypatch.chdir(tmp_path)
    checkout = models_dir()
    assert checkout.name == "models"
    assert (checkout.parent / "shared" / "spanbridge_shared").is_dir()
    (tmp_path / "models").mkdir()
    assert models_dir() == tmp_path / "models"
    monkeypatch.setenv("SPANBRIDGE_MODELS_DIR", "/elsewhere")
    assert str(models_dir()) == "/elsewhere"


def test_a_model_is_a_path_or_a_name(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SPANBRIDGE_MODELS_DIR", str(tmp_path / "all"))
    (tmp_path / "mine").mkdir()
    assert model_path("nmt") == tmp_path / "all" / "nmt"
    assert model_path(str(tmp_path / "nowhere")) == tmp_path / "nowhere"
    assert model_path("mine").resolve() == tmp_path / "mine"
