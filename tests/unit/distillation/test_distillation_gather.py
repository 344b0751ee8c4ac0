"""Gathering soft labels: parts that outlive an interruption, failures, and whose answers they are."""

from pathlib import Path

import numpy as np
import pytest

from spanbridge_distillation.columns import ScoredSpan, rows_of_spans
from spanbridge_distillation.faults import DataFault
from spanbridge_distillation.gather import PART_SENTENCES, gather, labels_file
from spanbridge_distillation.soft_labels import load_soft_labels
from spanbridge_distillation.teachers import spans_in_words
from spanbridge_distillation.texts import Sentence, Texts
from spanbridge_shared.contracts.gateway import Entity
from spanbridge_shared.errors import ConfigurationError, SpanbridgeError
from tests.unit.distillation.student_world import LABELS, FakeTeacher


def _texts(n: int, digest: str = "a") -> Texts:
    return Texts("swh_Latn", tuple(Sentence((f"w{number}", "Samia")) for number in range(n)), digest)


async def _gather(teacher: FakeTeacher, texts: Texts, folder: Path) -> list[int]:
    seen: list[int] = []
    await gather(teacher, texts, LABELS, folder, parallel=1, seen=seen.append)
    return seen


async def test_an_interrupted_run_asks_only_for_the_rest(tmp_path: Path) -> None:
    texts = _texts(2 * PART_SENTENCES + 5)
    first = FakeTeacher()
    first.breaks_after = 1
    with pytest.raises(ConnectionError):
        await _gather(first, texts, tmp_path)
    second = FakeTeacher()
    assert sum(await _gather(second, texts, tmp_path)) == len(texts.sentences)
    assert second.asked == [PART_SENTENCES, 5]
    labels, about = load_soft_labels(labels_file(tmp_path, "transfer", "swh_Latn"))
    assert labels.rows.shape == (2 * len(texts.sentences), 7)
    assert labels.rows[:2].tolist() == [[1, 0, 0, 0, 0, 0, 0], [0.25, 0.75, 0, 0, 0, 0, 0]]
    assert about["model_version"] == "fake-1"
    third = FakeTeacher()
    await _gather(third, texts, tmp_path)
    assert third.asked == []


async def test_other_texts_are_asked_for_anew(tmp_path: Path) -> None:
    await _gather(FakeTeacher(), _texts(3), tmp_path)
    again = FakeTeacher()
    await _gather(again, _texts(3, "b"), tmp_path)
    assert again.asked == [3]


async def test_models_that_change_midway_end_the_run(tmp_path: Path) -> None:
    texts = _texts(PART_SENTENCES + 1)
    first = FakeTeacher()
    first.breaks_after = 1
    with pytest.raises(ConnectionError):
        await _gather(first, texts, tmp_path)
    with pytest.raises(ConfigurationError, match="fake-2"):
        await _gather(FakeTeacher("fake-2"), texts, tmp_path)


async def test_sentences_that_fail_are_counted_and_not_sound(tmp_path: Path) -> None:
    texts = Texts("swh_Latn", (Sentence(("fail",)), Sentence(("Samia", "jana"))), "a")
    found = await gather(FakeTeacher(), texts, LABELS, tmp_path, parallel=2, seen=lambda _: None)
    assert found.failures == {"EmptyText": 1}
    labels, _ = load_soft_labels(labels_file(tmp_path, "transfer", "swh_Latn"))
    assert labels.sound.tolist() == [False, True]
    assert not labels.rows[0].any()


def test_a_damaged_file_is_told(tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    np.savez(path, rows=np.zeros((2, 3)))
    with pytest.raises(DataFault, match=r"x\.npz"):
        load_soft_labels(path)


def test_entities_in_code_points_become_rows_of_words() -> None:
    words = ["Rais", "Samia", "Suluhu", "Mj́i"]
    entity = Entity(start=5, end=17, text="Samia Suluhu", label="PER", score=0.5)
    spans = spans_in_words(words, [entity])
    assert spans == [ScoredSpan(1, 3, "PER", 0.5)]
    rows = rows_of_spans(spans, 4, ("O", "B-PER", "I-PER"))
    assert rows.tolist() == [[1, 0, 0], [0.5, 0.5, 0], [0.5, 0, 0.5], [1, 0, 0]]
    with pytest.raises(SpanbridgeError, match="begin and end"):
        spans_in_words(words, [entity.model_copy(update={"start": 6})])
    with pytest.raises(ValueError, match="outside"):
        rows_of_spans([ScoredSpan(3, 5, "PER", 1.0)], 4, ("O", "B-PER", "I-PER"))
