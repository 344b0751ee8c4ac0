"""docs/reliability.md: each line has a test, each test is there, and each setting is one."""

import ast
import re
from functools import cache
from pathlib import Path

from spanbridge_gateway.settings import GatewaySettings

ROOT = Path(__file__).resolve().parents[2]
TABLE = ROOT / "docs" / "reliability.md"
_TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


@cache
def names_in(path: Path) -> frozenset[str]:
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return frozenset(each.name for each in ast.parse(path.read_text()).body if isinstance(each, functions))


def rows() -> list[list[str]]:
    """The lines of all tables, without their heads."""
    lines = [each for each in TABLE.read_text().splitlines() if each.startswith("|")]
    cells = [[cell.strip() for cell in each.strip("|").split("|")] for each in lines]
    return [each for each in cells if each[0] != "fault" and not set(each[0]) <= {"-"}]


def test_every_line_of_the_table_has_tests_that_exist() -> None:
    assert len(rows()) >= 30
    for fault, *told, tests in rows():
        assert all(told), fault
        named = _TEST.findall(tests)
        assert named, fault
        for path, name in named:
            assert name in names_in(ROOT / path), f"{path} has no {name}"


def test_every_test_of_a_failing_part_is_in_the_table() -> None:
    named = set(_TEST.findall(TABLE.read_text()))
    for file in ("test_faults_services.py", "test_faults_endings.py"):
        path = ROOT / "tests" / "faults" / file
        for name in names_in(path):
            assert not name.startswith("test_") or (f"tests/faults/{file}", name) in named, name


def test_every_setting_of_the_table_is_one() -> None:
    shown = set(re.findall(r"`([A-Z_]+_S)`", TABLE.read_text()))
    assert shown >= {"HANG_S", "READY_S", "TIMEOUT_S"}
    assert shown <= {each.upper() for each in GatewaySettings.model_fields}
