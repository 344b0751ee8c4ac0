"""Every variable that the documentation names is one that something reads, and every setting says what it is."""

import re
from pathlib import Path

import pytest

from spanbridge_alignment.settings import AlignmentSettings
from spanbridge_gateway.settings import GatewaySettings
from spanbridge_ner_teacher.settings import NerTeacherSettings
from spanbridge_projection.settings import ProjectionSettings
from spanbridge_shared.serving.config import ServiceSettings
from spanbridge_translation.settings import TranslationSettings

ROOT = Path(__file__).resolve().parents[3]
PAGES = [
    ROOT / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "docs" / "integrations").glob("*.md")),
]
KINDS: tuple[type[ServiceSettings], ...] = (
    GatewaySettings,
    TranslationSettings,
    AlignmentSettings,
    ProjectionSettings,
    NerTeacherSettings,
)
NAMES = {f"{kind.model_config['env_prefix']}{name}".upper() for kind in KINDS for name in kind.model_fields}
READ_BY_NAME = {"SPANBRIDGE_API_KEY", "SPANBRIDGE_MODELS_DIR", "SPANBRIDGE_SECRET"}
"""Read where no settings class is."""
ANY = re.compile(r"<(?:SERVICE|MEMBER)>")


def compose_names() -> set[str]:
    return set(re.findall(r"\$\{(SPANBRIDGE_\w+)", (ROOT / "docker-compose.yml").read_text("utf-8")))


def written(page: Path) -> set[str]:
    """The names in a page; of the end of one, such as `_LOG_FORMAT` after another, nothing is known."""
    return set(re.findall(r"SPANBRIDGE_[A-Z0-9_<>]*[A-Z0-9_>]…?", page.read_text("utf-8")))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_names_variables_that_exist(page: Path) -> None:
    known = NAMES | READ_BY_NAME | compose_names()
    for name in written(page):
        pattern = ANY.sub(r"(GATEWAY|TRANSLATION|ALIGNMENT|PROJECTION|NER_TEACHER)", name.replace("<NAME>", r"\w+"))
        pattern = pattern.replace("…", r"\w+")
        assert any(re.fullmatch(pattern, each) for each in known), f"{page.name} names {name}"


def test_names_are_found_where_they_are() -> None:
    assert {"SPANBRIDGE_GATEWAY_KEYS", "SPANBRIDGE_<SERVICE>_CACHE_URL"} <= written(ROOT / "README.md")


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_setting_says_what_it_is(kind: type[ServiceSettings]) -> None:
    assert [name for name, field in kind.model_fields.items() if not field.description] == []
