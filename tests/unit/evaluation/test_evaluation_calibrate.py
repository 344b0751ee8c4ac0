"""`spanbridge evaluate calibrate` on tiny data: what is asked, fitted, written and told."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from spanbridge.cli import main
from spanbridge_gateway.calibration import load_calibration
from spanbridge_gateway.core.methods import find_method, read_options
from spanbridge_shared.contracts.merging import CalibrationTable
from spanbridge_shared.contracts.options import EnsembleMethodOptions
from tests.unit.evaluation.contest_fakes import ContestClient
from tests.unit.evaluation.test_evaluation_contest import write

Calibrate = Callable[..., Result]
# transfer is always right, candidates and student half of the time.
TAGGED = "Ct B-PER\nna O\nc O\nS O\n\nst B-PER\nt B-PER\nC O\n\nT B-PER\ns O\n\n" * 4


@pytest.fixture
def calibrate(contest_client: ContestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Calibrate:
    monkeypatch.chdir(tmp_path)
    for lang in ("swa", "yor"):
        write(tmp_path / "data" / lang / "dev.txt", TAGGED)
    start = ["evaluate", "calibrate", "--data", "data", "--out", "c.json"]
    return lambda *arguments: CliRunner().invoke(main, [*start, *arguments])


def table(path: Path) -> CalibrationTable:
    return CalibrationTable.model_validate_json((path / "c.json").read_bytes())


def test_every_set_of_served_members_is_fitted(
    calibrate: Calibrate, contest_client: ContestClient, tmp_path: Path
) -> None:
    contest_client.student = True
    ended = calibrate()
    assert ended.exit_code == 0, ended.output
    sets = table(tmp_path).root
    assert list(sets) == [
        "candidates+student", "candidates+transfer", "student+transfer", "candidates+student+transfer"
    ]  # fmt: skip
    whole = sets["candidates+student+transfer"]
    assert whole.members["transfer"].present > whole.members["candidates"].present
    assert whole.fitted_on.startswith("masakhaner2 dev: 24 sentences of 2 languages (swa, yor), PER, ORG, LOC; ")
    assert whole.model_versions == {"candidates": "nmt-1-a:teacher-1-b+small-1.0-c:multi-1-d", "student": "fake-1",
                                    "transfer": "multi-1-d"}  # fmt: skip


def test_without_a_student_there_is_one_set(calibrate: Calibrate, tmp_path: Path) -> None:
    ended = calibrate()
    assert ended.exit_code == 0, ended.output
    assert list(table(tmp_path).root) == ["candidates+transfer"]
    # A gateway takes it, and has the other sets from what it ships.
    loaded = load_calibration(str(tmp_path / "c.json"))
    assert loaded.table.root["candidates+transfer"] == table(tmp_path).root["candidates+transfer"]
    assert "candidates+student" in loaded.table.root
    assert "swa student: skipped: no teacher 'student' is configured" in ended.stderr


def test_the_ensemble_is_shown_beside_its_members(calibrate: Calibrate) -> None:
    ended = calibrate()
    lines = {line.split()[0]: line.split()[1:] for line in ended.stdout.splitlines() if line.strip()}
    assert lines["transfer"] == ["1.000", "1.000", "1.000"]
    assert lines["ensemble"] == ["1.000", "1.000", "1.000"]
    assert float(lines["candidates"][0]) < 0.6
    assert "numbers cross-fitted over 5 folds of sentences" in ended.stdout


def test_each_member_labels_a_sentence_once(calibrate: Calibrate, contest_client: ContestClient) -> None:
    assert calibrate("--lang", "swa").exit_code == 0
    asked = [(call["method"], len(call["sentences"])) for call in contest_client.calls]
    assert asked[:2] == [("candidates", 12), ("transfer", 12)]
    assert asked[2:] == [("ensemble", n) for n in (3, 2, 3, 2, 2)]
    for call in contest_client.calls[2:]:
        options = read_options(find_method("ensemble"), call["options"])
        assert isinstance(options, EnsembleMethodOptions)
        assert set(options.parameters.members if options.parameters else ()) == {"candidates", "transfer"}


def test_a_stopped_run_continues(calibrate: Calibrate, contest_client: ContestClient, tmp_path: Path) -> None:
    assert calibrate().exit_code == 0
    whole = (tmp_path / "c.json").read_text(encoding="utf-8")
    contest_client.calls.clear()
    contest_client.fail_at = 7
    assert calibrate().exit_code == 1
    contest_client.fail_at = None
    contest_client.calls.clear()
    assert calibrate().exit_code == 0
    assert {call["method"] for call in contest_client.calls} == {"ensemble"}
    assert (tmp_path / "c.json").read_text(encoding="utf-8") == whole


def test_a_sentence_that_a_member_fails_on_teaches_nothing(
    calibrate: Calibrate, contest_client: ContestClient, tmp_path: Path
) -> None:
    assert calibrate().exit_code == 0
    before = table(tmp_path).root["candidates+transfer"]
    for lang in ("swa", "yor"):
        write(tmp_path / "data" / lang / "dev.txt", TAGGED + "FAIL-t O\nCc B-PER\n\n")
    assert calibrate().exit_code == 0
    after = table(tmp_path).root["candidates+transfer"]
    assert (after.bias, after.members) == (before.bias, before.members)


def test_a_language_with_one_member_teaches_nothing_of_it(
    calibrate: Calibrate, contest_client: ContestClient, tmp_path: Path
) -> None:
    contest_client.unbridged = ("yor_Latn",)
    assert calibrate().exit_code == 0
    assert "12 sentences of 1 languages (swa)" in table(tmp_path).root["candidates+transfer"].fitted_on


def test_rows(calibrate: Calibrate) -> None:
    told = json.loads(calibrate("--json").stdout)
    assert [row["method"] for row in told["results"]].count("ensemble") == 2
    assert list(told["calibration"]) == ["candidates+transfer"]
    assert told["folds"] == "5 folds of sentences"


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["--members", "x,transfer"], 1, "no member is called 'x'; there are candidates, student, transfer"),
        (["--members", "student,transfer"], 1, "no teacher 'student' is configured"),
        (["--members", "transfer"], 1, "an ensemble needs two members, and only transfer served"),
        (["--out", "no/c.json"], 2, "there is no folder"),
        (["--folds", "60"], 1, "--folds takes fewer"),
    ],
)
def test_wrong_calls_are_told(calibrate: Calibrate, tmp_path: Path, arguments: list[str], code: int, told: str) -> None:
    ended = calibrate(*arguments)
    assert (ended.exit_code, ended.stdout) == (code, "")
    assert told in ended.stderr.replace("\n", " ")
    assert not (tmp_path / "c.json").exists()


def test_a_label_that_one_member_lacks_is_right_of_another(
    calibrate: Calibrate, contest_client: ContestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lacking = [
        each.model_copy(update={"labels": ["LOC"] if each.name == "candidates" else None})
        for each in contest_client.methods()
    ]
    monkeypatch.setattr(contest_client, "methods", lambda: lacking)
    assert calibrate().exit_code == 0
    found = table(tmp_path).root["candidates+transfer"]
    # Persons are nothing that candidates looks for, and transfer is always right about them.
    assert found.bias + found.members["transfer"].present + found.members["candidates"].absent > 1
