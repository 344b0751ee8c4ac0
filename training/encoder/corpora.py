"""Read what is counted: training text below a data folder, and word lists for languages without text at hand.

The lists are the word frequencies of the PyPI package wordfreq (code Apache-2.0, data CC BY-SA 4.0) and, for Estonian,
which it lacks, the word forms of simplemma (MIT), which have no frequencies.
"""

import lzma
import math
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import wordfreq
from tokenizers import Tokenizer

from training.encoder.tokenizer import encode_words, piece_scores

COUNTED = ("parallel/*.tsv.xz", "ner/masakhaner2/*/unlabelled.txt", "ner/english/*/*.txt")
HELD_OUT_NAMES = frozenset({"dev.txt", "test.txt"})
FREQUENCY_LANGUAGES = tuple(
    "bg ca cs da de en es fi fil fr hu id is it lt lv mk ms nb nl pl pt ro ru sh sk sl sv tr uk vi".split()
)
LEXICON_LANGUAGES = ("et",)
LEXICON_TEMPERATURE = 2.0
LEXICON_WORDS = 200_000
WORDS_PER_LIST = 100_000_000
CAPITALISED_SHARE = 0.15

Text = tuple[str, str]
WordCounts = Counter[tuple[str, str]]


class CorpusFormatError(ValueError):
    """A line does not have the columns its file kind should have."""


def counted_files(data: Path) -> list[Path]:
    """List the files to count below `data`: training text only, never a dev, test or gold-alignment file."""
    found = {path for pattern in COUNTED for path in data.glob(pattern)}
    return sorted(path for path in found if path.name not in HELD_OUT_NAMES)


def read_texts(path: Path) -> Iterator[Text]:
    """Yield (language, text) from a parallel, a plain-text or a token-and-tag file; languages are ISO 639-3."""
    if path.name.endswith(".tsv.xz"):
        yield from _parallel(path)
    elif path.name == "unlabelled.txt":
        with path.open(encoding="utf-8") as lines:
            yield from ((path.parent.name, line) for line in lines)
    else:
        with path.open(encoding="utf-8") as lines:
            yield from (("eng", line.split()[0]) for line in lines if line.strip())


def _parallel(path: Path) -> Iterator[Text]:
    with lzma.open(path, "rt", encoding="utf-8", newline="\n") as lines:
        for number, line in enumerate(lines, start=1):
            fields = line.rstrip("\n").split("\t")
            if len(fields) != 4:
                raise CorpusFormatError(f"{path.name}, line {number}: expected 4 columns, found {len(fields)}")
            source, target, text, translation = fields
            yield source.split("_")[0], text
            yield target.split("_")[0], translation


def count_words(path: Path) -> WordCounts:
    """Count (language, whitespace-separated word). No piece reaches across a space, so this loses nothing."""
    words: WordCounts = Counter()
    for language, text in read_texts(path):
        words.update((language, word) for word in text.split())
    return words


def frequency_words(language: str) -> WordCounts:
    """Return wordfreq's list as counts out of WORDS_PER_LIST, with a share of each word capitalised.

    The lists are lower case, while names and first words are not: without that share their pieces would go.
    """
    words: WordCounts = Counter()
    tag = f"wordfreq-{language}"
    for word, frequency in wordfreq.get_frequency_dict(language, "best").items():
        words[tag, word] += round(frequency * WORDS_PER_LIST * (1 - CAPITALISED_SHARE))
        words[tag, word.capitalize()] += round(frequency * WORDS_PER_LIST * CAPITALISED_SHARE)
    return +words


def lexicon_words(language: str, tokenizer: Tokenizer) -> WordCounts:
    """Return simplemma's likeliest word forms as counts out of WORDS_PER_LIST.

    Without frequencies, a form weighs as much as the tokenizer's unigram model thinks of it, its probability to the
    power 1 / LEXICON_TEMPERATURE: so the long tail of compounds does not outweigh the words that people use.
    """
    from simplemma.strategies.dictionaries import DefaultDictionaryFactory

    forms = [form for form in DefaultDictionaryFactory().get_dictionary(language) if form.isalpha()]
    scores = piece_scores(tokenizer)
    weights = {
        form: math.exp(sum(scores[i] for i in ids) / LEXICON_TEMPERATURE)
        for form, ids in zip(forms, encode_words(tokenizer, forms), strict=True)
    }
    best = sorted(weights, key=lambda form: (-weights[form], form))[:LEXICON_WORDS]
    mass = sum(weights[form] for form in best)
    tag = f"simplemma-{language}"
    return +Counter({(tag, form): round(weights[form] / mass * WORDS_PER_LIST) for form in best})
