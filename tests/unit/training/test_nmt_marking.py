"""Marked copies and links of sub-words: what is written into the encoded folder, and what a batch makes of it."""

import lzma
import random
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("sentencepiece", reason="sentencepiece is in the training extra")
pytest.importorskip("tqdm", reason="tqdm is in the training extra")

from tokenizers import Tokenizer

from spanbridge_gateway.core.markers import read_markers
from spanbridge_shared.text.spans import Span
from training.nmt.batches import BatchStream
from training.nmt.corpus import Shard, load_corpus
from training.nmt.encode import encode, piece_halves
from training.nmt.layout import EOS_ID, PAD_ID
from training.nmt.links import link
from training.nmt.marking import LinkedPair, choose_phrases, marked, phrase_of
from training.nmt.piece_links import piece_links
from training.nmt.prepare import read_shard
from training.nmt.recipe import EncodeRecipe, LinkRecipe, Recipe, TrainRecipe
from training.nmt.respelling import Sentences, offsets_of, respelled
from training.nmt.stages import write_json

TOKENIZER = Path(__file__).parents[3] / "models" / "nmt" / "tokenizer.json"
CODES = ("swh_Latn", "eng_Latn")
TEXT, TRANSLATION = "Rais Samia alitembelea Dar es Salaam jana.", "President Samia visited Dar es Salaam yesterday."
WORDS = [(number, number) for number in range(8)]
TRAIN = TrainRecipe(batch_tokens=512, widths=(64, 128), from_pivot=0.5, guide_weight=0.1, marked_share=0.25)


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer.from_file(str(TOKENIZER))


@pytest.fixture(scope="module")
def encoded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """40 pairs, the even ones linked word by word; one linked pair has brackets of its own."""
    root = tmp_path_factory.mktemp("marking")
    for folder in ("prepared", "linked", "encoded"):
        (root / folder).mkdir()
    name = "swh_Latn-eng_Latn.tsv.xz"
    # In front: pieces such as `▁4.` are two words in one.
    rows = [f"news\t{number} {TEXT}\t{number} {TRANSLATION}\n" for number in range(39)]
    rows.append(f"news\t[sic] {TEXT}\t[sic] {TRANSLATION}\n")
    (root / "prepared" / name).write_bytes(lzma.compress("".join(rows).encode()))
    write_json(root / "prepared" / "summary.json", {"corpora": {"news": 40}})
    lines = [f"{number}\t{' '.join(f'{i}-{i}' for i in range(9))}\n" for number in [*range(0, 39, 2), 39]]
    (root / "linked" / name).write_bytes(lzma.compress("".join(lines).encode()))
    encode(root / "prepared", root / "linked", TOKENIZER, Recipe(encode=EncodeRecipe(), train=TRAIN), root / "encoded")
    return root / "encoded"


def test_both_sides_of_a_marked_pair_have_the_same_phrases_between_brackets() -> None:
    pair = LinkedPair.of(TEXT, TRANSLATION, CODES, WORDS)
    seen = set()
    for seed in range(20):
        both = marked(pair, 3, random.Random(seed))
        assert both is not None
        sides = [read_markers(side) for side in (both.text, both.translation)]
        assert [side.text for side in sides] == [TEXT, TRANSLATION]
        texts, translations = ([side.text[span.start : span.end] for span in side.spans] for side in sides)
        assert len(texts) == len(translations) >= 1
        assert set(translations) <= {"President Samia", "Dar", "Salaam"}
        seen |= set(zip(texts, translations, strict=True))
    assert ("Rais Samia", "President Samia") in seen


def test_the_links_of_a_marked_pair_join_the_same_words_and_brackets() -> None:
    pair = LinkedPair.of("leo Samia aliondoka", "Samia left today", CODES, [(0, 1), (1, 2), (2, 0)])
    both = marked(pair, 1, random.Random(2))
    assert both is not None
    joined = {
        (both.translation[a.start : a.end], both.text[b.start : b.end])
        for a, b in ((both.translation_words[i], both.text_words[j]) for i, j in both.links)
    }
    assert joined == {("Samia", "Samia"), ("left", "aliondoka"), ("today", "leo"), ("[", "["), ("]", "]")}


@pytest.mark.parametrize(
    ("links", "found"),
    [
        ([(0, 0), (1, 1)], Span(0, 2)),
        ([(0, 0), (1, 2)], None),
        ([(0, 0)], None),
        ([(0, 0), (1, 1), (2, 1)], None),
        ([], None),
    ],
)
def test_a_phrase_is_linked_whole_and_within_itself(links: list[tuple[int, int]], found: Span | None) -> None:
    phrase = phrase_of(Span(0, 2), links)
    assert (phrase and phrase.target) == found


def test_a_text_with_brackets_of_its_own_is_not_marked() -> None:
    assert marked(LinkedPair.of(f"[{TEXT}]", TRANSLATION, CODES, WORDS), 3, random.Random(0)) is None


def test_no_phrase_ends_in_a_comma() -> None:
    pair = LinkedPair.of("Ndiyo , Samia", "Samia said yes", CODES, [(0, 1), (2, 0)])
    assert all(choose_phrases(pair, 3, random.Random(seed))[0].source == Span(2, 3) for seed in range(5))


def test_pieces_of_linked_words_are_linked(tokenizer: Tokenizer) -> None:
    pair = LinkedPair.of(TEXT, TRANSLATION, CODES, [(1, 1), (7, 7)])
    text, translation = (tokenizer.encode(side, add_special_tokens=False) for side in (TEXT, TRANSLATION))
    found = piece_links(pair, text.offsets, translation.offsets)
    assert found is not None
    groups = [np.cumsum(starts) - 1 for starts in found.starts]
    spelled = {
        tuple(
            tokenizer.decode(np.array(side.ids)[groups[place] == group].tolist())
            for place, (side, group) in enumerate(zip((text, translation), link, strict=True))
        )
        for link in found.links
    }
    assert spelled == {("Samia", "Samia"), (".", ".")}


def test_linked_pairs_have_marked_copies_and_the_others_none(encoded: Path, tokenizer: Tokenizer) -> None:
    [shard] = load_corpus(encoded, TRAIN)
    texts = [tokenizer.decode(row.tolist()) for row in np.split(shard.text.ids, shard.text.offsets[1:-1])]
    marks = [text.count("[") for text in texts]
    assert len(texts) == 40 + 20
    assert sum(count > 0 for count in marks) == 20 + 1
    assert sum(shard.links.counts > 0) == 21 + 20
    assert marks[0] == marks[2] == 0
    assert marks[1] > 0
    shares = np.diff(shard.shares, prepend=0)
    assert shares[1] == pytest.approx(0.25 * 40 / 20)
    assert shares[2] == pytest.approx(0.75)
    assert shares.sum() == pytest.approx(40)


def _linked_tokens(shard: Shard, stream: BatchStream) -> set[tuple[int, tuple[int, ...], tuple[int, ...]]]:
    """Of each linked (label, source) group: the direction's code, the label's tokens, the source's tokens."""
    found = set()
    for batch, _ in zip(stream, range(80), strict=False):
        guide = batch.guide
        assert guide is not None
        width = batch.source.shape[1]
        for cell in guide.cells:
            row, target, source = cell // width**2, cell // width % width, cell % width
            labels = batch.labels[guide.rows[row]][guide.target_groups[row] == target]
            read = batch.source[guide.rows[row]][guide.source_groups[row] == source]
            assert not {EOS_ID, PAD_ID, -100} & {*labels.tolist(), *read.tolist()}
            found.add((int(batch.labels[guide.rows[row], 0]), tuple(labels.tolist()), tuple(read.tolist())))
    return found


@pytest.mark.parametrize("copies", [0, 2])
def test_a_batch_links_the_same_words_in_both_directions(encoded: Path, tokenizer: Tokenizer, copies: int) -> None:
    recipe = TrainRecipe(**{**vars(TRAIN), "respelled": copies, "cut": 0.3})
    [shard] = shards = load_corpus(encoded, recipe)
    codes = {shard.text.code: 0, shard.translation.code: 1}
    found: dict[int, set[tuple[str, str]]] = {0: set(), 1: set()}
    for code, labels, read in _linked_tokens(shard, BatchStream(shards, recipe)):
        found[codes[code]].add((tokenizer.decode(list(labels)), tokenizer.decode(list(read))))
    same = {"Samia", "Dar", "es", "Salaam", ".", "[", "]"} | {str(number) for number in range(0, 39, 2)}
    other = {("President", "Rais"), ("visited", "alitembelea"), ("yesterday", "jana")}
    expected = {(word, word) for word in same} | other
    assert {pair for pair in found[1] if pair[0] != "sic"} == expected
    assert {pair for pair in found[0] if pair[0] != "sic"} == {(b, a) for a, b in expected}


def test_without_links_there_is_no_guide(encoded: Path) -> None:
    recipe = TrainRecipe(**{**vars(TRAIN), "guide_weight": 0.0})
    batch = next(iter(BatchStream(load_corpus(encoded, recipe), recipe)))
    assert batch.guide is None


def test_respelling_keeps_the_text_and_can_be_seeded(tokenizer: Tokenizer) -> None:
    table = piece_halves(tokenizer)
    rows = [tokenizer.encode(text, add_special_tokens=False).ids for text in (TEXT, TRANSLATION)]
    ids = np.concatenate(rows).astype(np.uint16)
    sentences = Sentences(ids, offsets_of(np.array([len(row) for row in rows])), np.arange(len(ids), dtype=np.uint8))
    first, again, third = (respelled(sentences, table, 0.5, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(first.ids, again.ids)
    assert not np.array_equal(first.ids, third.ids)
    assert len(first.ids) > len(ids)
    spelled = [tokenizer.decode(row.tolist()) for row in np.split(first.ids, first.offsets[1:-1])]
    assert spelled == [TEXT, TRANSLATION]
    for group, piece in enumerate(ids):
        parts = first.ids[first.groups == group].tolist()
        whole = "".join(str(tokenizer.id_to_token(part)) for part in parts)
        assert whole == tokenizer.id_to_token(int(piece))


def test_links_are_made_of_the_corpora_that_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "prepared").mkdir()
    (tmp_path / "linked").mkdir()
    rows = "".join(
        f"{corpus}\tneno moja {number}\tone word {number}\n"
        for number, corpus in enumerate(["bible", "news", "talks", "news", "news"])
    )
    path = tmp_path / "prepared" / "swh_Latn-eng_Latn.tsv.xz"
    path.write_bytes(lzma.compress(rows.encode()))
    monkeypatch.setattr("training.nmt.links.statistical_links", lambda pairs: [{(2, 0), (0, 2)} for _ in pairs])
    link(tmp_path / "prepared", LinkRecipe(corpora=("talks", "news"), cap=3), tmp_path / "linked")
    lines = lzma.decompress((tmp_path / "linked" / path.name).read_bytes()).decode().splitlines()
    assert lines == ["1\t0-2 2-0", "2\t0-2 2-0", "3\t0-2 2-0"]
    assert len(list(read_shard(path))) == 5
