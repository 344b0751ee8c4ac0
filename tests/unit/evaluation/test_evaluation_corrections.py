"""`spanbridge evaluate corrections`: annotators' work as gold."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from spanbridge.cli import main
from spanbridge_evaluation.data.corrections import is_store, read_corrections
from spanbridge_evaluation.data.lines import DataError
from spanbridge_shared.contracts.corrections import Correction, Reason, Withdrawal
from spanbridge_shared.corrections.current import Annotations
from spanbridge_shared.corrections.store import CorrectionStore
from tests.unit.evaluation.contest_fakes import ContestClient
from tests.unit.evaluation.evaluation_fakes import FakeClient

Evaluate = Callable[..., Result]
TIME = datetime(2026, 1, 1, tzinfo=UTC)


def made(task: int, text: str, *spans: tuple[int, int, str], **more: Any) -> Correction:
    kept = [{"start": start, "end": end, "label": label, "tool_label": label} for start, end, label in spans]
    fields = {"tool": "t", "project": "p", "task": str(task), "annotation": str(task), "lang": "swh_Latn", **more}
    return Correction.model_validate(fields | {"text": text, "spans": kept, "time": TIME})


@pytest.fixture
def store(tmp_path: Path) -> CorrectionStore:
    found = CorrectionStore(tmp_path / "store")
    found.append(
        [
            made(1, "Rais Samia amefika. Nairobi ni mji.", (5, 10, "PER"), (20, 27, "LOC")),
            made(2, "hakuna mtu hapa"),
            made(3, "Yule amefika. Karibu tena sana.", (0, 2, "PER")),  # Half a word.
            made(4, "Lagos", (0, 5, "LOC"), lang="yor_Latn", project="q"),
            made(5, "Samia", (0, 5, "PER"), lang=None),
            made(6, "Samia", (0, 5, "PER"), reviewed=False),
            made(7, "Samia", (0, 5, "PER")),
            Withdrawal(tool="t", project="p", annotation="7", time=TIME, reason=Reason.DELETED),
        ]
    )
    return found


def rows(result: Result) -> list[dict[str, Any]]:
    assert result.exit_code == 0, result.output
    found: list[dict[str, Any]] = json.loads(result.stdout)["results"]
    return found


def test_corrections_are_scored(evaluate: Evaluate, client: FakeClient, store: CorrectionStore) -> None:
    ended = evaluate("corrections", "--data", "store", "--lang", "sw", "--method", "heuristic", "--json")
    (row,) = rows(ended)
    # Predicted as PER: Rais, Samia, Nairobi, Karibu; right is Samia alone, and Nairobi is a place.
    assert {name: row[name] for name in ("dataset", "lang", "split", "method", "sentences", "failed")} == {
        "dataset": "corrections", "lang": "sw", "split": "all", "method": "heuristic", "sentences": 4, "failed": 0,
    }  # fmt: skip
    assert (row["precision"], row["recall"], row["f1"]) == (0.25, 0.5, 0.333333)
    (call,) = client.calls
    assert (call["lang"], call["method"]) == ("swh_Latn", "heuristic")
    assert [" ".join(each.tokens) for each in call["sentences"]] == [
        "Rais Samia amefika .", "Nairobi ni mji .", "hakuna mtu hapa", "Karibu tena sana .",
    ]  # fmt: skip
    for line in (
        "left out: 1 withdrawn in the tool",
        "left out: 1 copied from predictions",
        "left out: 1 sentences with 1 entities that aren't whole words of one sentence, such as 'Yu' in task 3",
        "left out: 1 that name no language",
    ):
        assert line in ended.stderr


def test_all_languages_or_one_project(evaluate: Evaluate, store: CorrectionStore) -> None:
    assert [row["lang"] for row in rows(evaluate("corrections", "--data", "store", "--json"))] == [
        "swh_Latn", "yor_Latn",
    ]  # fmt: skip
    (row,) = rows(evaluate("corrections", "--data", "store", "--project", "q", "--json"))
    assert (row["lang"], row["split"], row["per_label"]["LOC"]["gold"]) == ("yor_Latn", "q", 1)


def test_every_annotator_may_be_heard(store: CorrectionStore) -> None:
    store.append([made(2, "hakuna mtu hapa", (7, 10, "PER"), annotation="99")])
    (latest,) = read_corrections(store.folder, ["sw"], None).sets
    (everybody,) = read_corrections(store.folder, ["sw"], None, Annotations.ALL).sets
    assert (len(latest.sentences), len(everybody.sentences)) == (4, 5)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--lang", "zul"), "no corrections of zul to score; it has swh_Latn, yor_Latn"),
        (("--project", "none"), "no corrections to score; it has none of a known language"),
        (("--lang", "xx-nowhere"), "no language has the code"),
    ],
)
def test_what_is_not_there_is_told(
    arguments: tuple[str, ...], said: str, evaluate: Evaluate, store: CorrectionStore
) -> None:
    ended = evaluate("corrections", "--data", "store", *arguments)
    assert ended.exit_code == 1
    assert said in ended.stderr


def test_a_store_without_entities_or_none_at_all_is_told(evaluate: Evaluate, tmp_path: Path) -> None:
    assert "no corrections store" in evaluate("corrections", "--data", ".", "--lang", "sw").stderr
    CorrectionStore(tmp_path).append([made(1, "mtu")])
    assert "no entity" in evaluate("corrections", "--data", ".", "--lang", "sw").stderr
    assert not is_store(tmp_path / "nowhere")
    with pytest.raises(DataError):
        read_corrections(tmp_path / "nowhere", [], None)


def test_labels_that_nobody_asked_for_are_told(evaluate: Evaluate, tmp_path: Path) -> None:
    CorrectionStore(tmp_path).append([made(1, "Samia na joka", (0, 5, "PER"), (9, 13, "Mythical being"))])
    ended = evaluate("corrections", "--data", ".", "--lang", "sw", "--json")
    assert "not asked for: Mythical being" in ended.stderr
    assert rows(ended)[0]["f1"] == 1.0


def test_methods_are_compared_on_corrections(
    contest_client: ContestClient, store: CorrectionStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = ["--data", "store", "--lang", "swa", "--methods", "transfer,student", "--json"]
    ended = CliRunner().invoke(main, ["compare", *arguments])
    assert ended.exit_code == 0, ended.output
    assert "left out: 1 withdrawn in the tool" in ended.stderr
    shown = json.loads(ended.stdout)
    assert '"corrections"' in json.dumps(shown)
