"""Tag schemes and label names."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanbridge_ner_teacher.core.labels import TagScheme, plain_labels, read_tags, starts_from_iob1, tags_for
from spanbridge_shared.errors import ConfigurationError

CONLL_IOB1 = ["B-LOC", "B-MISC", "B-ORG", "I-LOC", "I-MISC", "I-ORG", "I-PER", "O"]


def one_hot(tags: list[str], columns: list[str]) -> np.ndarray:
    return np.eye(len(columns))[[columns.index(tag) for tag in tags]]


def named(rows: np.ndarray, tags: tuple[str, ...]) -> list[str]:
    return [tags[column] for column in rows.argmax(axis=1)]


def test_the_published_xlm_r_tags_are_known_as_iob1_because_b_per_is_missing() -> None:
    columns = read_tags(CONLL_IOB1)
    assert columns.iob1
    assert columns.labels == ("LOC", "MISC", "ORG", "PER")
    own = ["I-PER", "I-PER", "O", "I-LOC", "B-LOC", "I-ORG", "I-PER"]
    assert named(columns.fold(one_hot(own, CONLL_IOB1)), columns.tags) == [
        "B-PER", "I-PER", "O", "B-LOC", "B-LOC", "B-ORG", "B-PER",
    ]  # fmt: skip


def test_iob2_rows_are_only_reordered() -> None:
    own = ["B-PER", "I-PER", "O"]
    columns = read_tags(own)
    assert not columns.iob1
    rows = np.array([[0.2, 0.5, 0.3]])
    assert columns.fold(rows).tolist() == [[0.3, 0.2, 0.5]]


def test_iob1_may_be_forced_where_the_tags_do_not_tell() -> None:
    own = ["O", "B-PER", "I-PER"]
    assert named(read_tags(own, TagScheme.IOB1).fold(one_hot(["I-PER"], own)), ("O", "B-PER", "I-PER")) == ["B-PER"]
    assert not read_tags(CONLL_IOB1, TagScheme.IOB2).iob1


@pytest.mark.parametrize(
    ("own", "sent", "expected"),
    [
        (["O", "PER", "LOC"], ["PER", "PER", "LOC", "O"], ["B-PER", "I-PER", "B-LOC", "O"]),
        (["O", "I-PER"], ["I-PER", "I-PER", "O", "I-PER"], ["B-PER", "I-PER", "O", "B-PER"]),
        (
            ["O", "B-PER", "I-PER", "E-PER", "S-PER"],
            ["S-PER", "B-PER", "I-PER", "E-PER"],
            ["B-PER", "B-PER", "I-PER", "I-PER"],
        ),
        (["O", "U-PER", "B-PER", "I-PER", "L-PER"], ["U-PER", "B-PER", "L-PER"], ["B-PER", "B-PER", "I-PER"]),
    ],
    ids=["IO", "IO with I-", "BIOES", "BILOU"],
)
def test_other_schemes_become_iob2(own: list[str], sent: list[str], expected: list[str]) -> None:
    columns = read_tags(own)
    assert named(columns.fold(one_hot(sent, own)), columns.tags) == expected


def test_ontonotes_tags_are_renamed_merged_and_what_is_unserved_goes_to_o() -> None:
    own = ["O", "B-GPE", "I-GPE", "B-LOC", "I-LOC", "B-NORP", "I-NORP", "B-MONEY", "I-MONEY", "B-PERSON", "I-PERSON"]
    columns = read_tags(own)
    assert columns.tags == ("O", "B-LOC", "I-LOC", "B-MISC", "I-MISC", "B-PER", "I-PER")
    rows = np.array([[0.1, 0.2, 0.0, 0.3, 0.0, 0.0, 0.0, 0.3, 0.1, 0.0, 0.0]])
    assert columns.fold(rows)[0].tolist() == pytest.approx([0.5, 0.5, 0, 0, 0, 0, 0])


def test_a_teacher_of_its_own_kinds_keeps_them() -> None:
    assert plain_labels(["PRODUCT", "PERSON"]) == {"PRODUCT": "PRODUCT", "PERSON": "PER"}


@pytest.mark.parametrize(
    ("own", "told"),
    [(["LABEL_0", "LABEL_1"], "LABEL_0"), (["B-PER", "I-PER"], "no tag O"), (["O"], "none of the checkpoint's tags")],
)
def test_tags_that_cannot_be_understood_are_refused(own: list[str], told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        read_tags(own)


def test_the_iob1_formula_worked_by_hand() -> None:
    # Token 1 is in PER with .1 + .7 = .8, so of token 2's I-PER .5 continue .4 and begin .1.
    rows = np.array([[0.2, 0.1, 0.7], [0.3, 0.2, 0.5]])
    assert starts_from_iob1(rows).ravel().tolist() == pytest.approx([0.2, 0.8, 0.0, 0.3, 0.3, 0.4])


@given(st.integers(1, 12), st.integers(1, 4), st.integers(0, 2**32 - 1))
def test_the_iob1_formula_keeps_every_labels_mass(n_tokens: int, n_labels: int, seed: int) -> None:
    rows = np.random.default_rng(seed).dirichlet(np.ones(2 * n_labels + 1), size=n_tokens)
    moved = starts_from_iob1(rows)
    assert (moved >= 0).all()
    np.testing.assert_allclose(moved[:, 0], rows[:, 0])
    np.testing.assert_allclose(moved[:, 1::2] + moved[:, 2::2], rows[:, 1::2] + rows[:, 2::2])
    assert not moved[0, 2::2].any()


def test_columns_have_o_first() -> None:
    assert tags_for(["A"]) == ("O", "B-A", "I-A")
