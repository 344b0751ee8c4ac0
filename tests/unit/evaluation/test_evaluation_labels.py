"""Which labels count: those that the method itself can give, not those of every teacher."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from spanbridge_evaluation.data.layouts import NerSet
from spanbridge_evaluation.data.tagged import TaggedSentence
from spanbridge_evaluation.running.labels import TaughtLabels, counted_labels, taught_labels
from spanbridge_evaluation.running.settings import Setting
from spanbridge_shared.errors import UnknownLabel
from tests.unit.evaluation.contest_fakes import ContestClient
from tests.unit.evaluation.test_evaluation_commands import rows, write

TAUGHT = TaughtLabels(["DATE", "LOC", "PER"], {"transfer": ["LOC", "PER"], "candidates": None})


def test_a_method_has_labels_of_its_own() -> None:
    assert TAUGHT.of(Setting("transfer")) == ["LOC", "PER"]
    assert TAUGHT.of(Setting("candidates")) == TAUGHT.of(Setting("new")) == ["DATE", "LOC", "PER"]
    # The list is of the teacher that answers where none is named.
    assert TAUGHT.of(Setting("transfer", {"teacher": "llm"})) == ["DATE", "LOC", "PER"]


def test_the_server_is_asked() -> None:
    found = taught_labels(ContestClient())  # type: ignore[arg-type]
    assert (found.together, found.by_method["transfer"]) == (["LOC", "ORG", "PER"], ["LOC", "PER"])


@pytest.mark.parametrize("method", ["transfer", "student"])
def test_gold_english_helps_no_method_that_does_not_read_it(method: str) -> None:
    sentence = TaggedSentence(("Rais",), ("O",), 1)
    data = NerSet("europarl-ner", "de", "all", [sentence], [sentence])
    assert counted_labels(data, Setting("candidates"), ["PER", "MISC"], ["PER"]) == ["PER", "MISC"]
    assert counted_labels(data, Setting(method), ["PER", "MISC"], ["PER"]) == ["PER"]
    with pytest.raises(UnknownLabel):
        counted_labels(data, Setting(method), ["MISC"], ["PER"])


def test_a_label_that_transfer_lacks_is_not_missed(
    evaluate: Callable[..., Result], contest_client: ContestClient, tmp_path: Path
) -> None:
    write(tmp_path / "f", "Ct B-PER\nna O\nMSC B-ORG\n")
    ended = evaluate("conll", "--data", "f", "--lang", "sw", "--method", "transfer", "--json")
    (row,) = rows(ended)
    assert (row["f1"], row["labels"], row["left_out"]) == (1.0, ["PER", "LOC"], ["ORG"])
    assert contest_client.calls[0]["labels"] == ["PER", "LOC"]
    (other,) = rows(evaluate("conll", "--data", "f", "--lang", "sw", "--method", "candidates", "--json"))
    assert (other["recall"], other["labels"]) == (0.5, ["PER", "ORG", "LOC"])
