"""Labelled English: label folding, noise and what is held out."""

import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.nmt.errors import DataError, RecipeError
from training.teacher.english import DEV, HELD_OUT, TAGS, TRAINED, Labelled, english_sentences, folded, read_columns
from training.teacher.noise import mention_spans, mentions_of, noisy
from training.teacher.recipe import load_recipe

OWN = ["O", "B-person", "I-person", "B-creative-work", "I-creative-work", "B-group", "I-LOC", "B-LOC", "I-MISC"]


@given(st.lists(st.sampled_from(OWN), max_size=12))
def test_folded_tags_are_valid_iob2_of_the_known_labels(tags: list[str]) -> None:
    found = folded(tags)
    assert set(found) <= set(TAGS)
    for place, tag in enumerate(found):
        if tag.startswith("I-"):
            assert found[place - 1][2:] == tag[2:]
    assert [tag == "O" for tag in found] == [tag == "O" or tag[2:] in ("creative-work", "MISC") for tag in tags]


def test_iob1_neighbours_stay_apart_only_where_the_set_says_so() -> None:
    assert folded(["I-PER", "B-PER", "I-PER", "I-ORG"]) == ("B-PER", "B-PER", "I-PER", "B-ORG")


@given(st.integers(0, 10_000))
def test_noise_keeps_labels_on_names(seed: int) -> None:
    sentence = Labelled("x", TRAINED, ("Rev", "Al", "Green", "saw", "Lagos"), ("O", "B-PER", "I-PER", "O", "B-LOC"))
    mentions = mentions_of([sentence, Labelled("x", TRAINED, ("Ada", "Obi", "Eze"), ("B-PER", "I-PER", "I-PER"))])
    copy = noisy(sentence, mentions, random.Random(seed))
    assert len(copy.words) == len(copy.tags)
    assert [label for *_, label in mention_spans(copy.tags)] == ["PER", "LOC"]
    assert all(copy.words)


def write(path: Path, *rows: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")


def test_the_last_part_of_wikigold_and_the_other_splits_are_not_trained_on(tmp_path: Path) -> None:
    folder = tmp_path / "ner" / "english"
    write(folder / "wikigold" / "all.txt", *(row for n in range(10) for row in (f"w{n} O", "")))
    write(folder / "ewt" / "dev.txt", "Lagos B-LOC")
    write(folder / "btc" / "a.txt", "@ B-PER", "ada B-PER", "", "hi O", "@ B-PER", "ada B-PER", "Lagos B-LOC")
    found = english_sentences(tmp_path, 0.4)
    wikigold = [each for each in found if each.source == "wikigold"]
    assert [each.words[0] for each in wikigold if each.split == HELD_OUT] == ["w6", "w7", "w8", "w9"]
    assert [each.words for each in found if each.split == DEV] == [("Lagos",)]
    assert [each.words for each in found if each.source == "btc"] == [("hi", "Lagos")]


def test_a_line_without_a_tag_is_refused_by_number(tmp_path: Path) -> None:
    write(tmp_path / "x.txt", "Lagos B-LOC", "Kano")
    with pytest.raises(DataError, match="line 2"):
        list(read_columns(tmp_path / "x.txt"))


def test_the_recipe_refuses_keys_that_it_does_not_know(tmp_path: Path) -> None:
    write(tmp_path / "x.toml", "[[train.rounds]]", "steps = 3", "shares = { gold = 1.0 }", "speed = 2")
    with pytest.raises(RecipeError, match="speed"):
        load_recipe(tmp_path / "x.toml")


def test_the_shipped_recipe_loads_and_starts_with_english_alone() -> None:
    rounds = load_recipe().train.rounds
    assert dict(rounds[0].shares) == {"gold": 1.0}
    assert rounds[-1].models == 1
