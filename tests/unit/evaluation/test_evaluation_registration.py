"""How `spanbridge` finds `compare` and `evaluate`, and what it says without them."""

import subprocess
import sys
from importlib.metadata import EntryPoints

import pytest
from click.testing import CliRunner

from spanbridge.cli import main


def test_the_command_lists_it() -> None:
    shown = CliRunner().invoke(main, ["--help"])
    assert "evaluate " in shown.stdout
    assert "compare " in shown.stdout
    assert CliRunner().invoke(main, ["compare", "--help"]).exit_code == 0
    assert "project " in shown.stdout
    listed = CliRunner().invoke(main, ["evaluate", "--help"]).stdout
    for name in ("europarl-ner", "masakhaner2", "conll", "alignment", "translation", "xtreme", "calibrate"):
        assert name in listed
        assert CliRunner().invoke(main, ["evaluate", name, "--help"]).exit_code == 0


@pytest.mark.parametrize("command", ["compare", "evaluate"])
def test_without_the_package_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    monkeypatch.setattr("spanbridge.cli.entry_points", lambda **_: EntryPoints())
    ended = CliRunner().invoke(main, [command, "conll"])
    assert ended.exit_code == 1
    assert ended.stderr == f"spanbridge: {command} isn't installed here; pip install 'spanbridge[evaluation]' adds it\n"
    assert command not in CliRunner().invoke(main, ["--help"]).stdout
    assert "No such command 'evaluat'" in CliRunner().invoke(main, ["evaluat"]).stderr


def test_it_is_loaded_only_when_asked_for() -> None:
    code = "import sys, spanbridge.cli; sys.exit(any('spanbridge_evaluation' in name for name in sys.modules))"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_help_loads_no_metrics() -> None:
    code = "import sys, spanbridge_evaluation.commands; sys.exit(bool({'seqeval', 'sacrebleu'} & sys.modules.keys()))"
    subprocess.run([sys.executable, "-c", code], check=True)
