"""Where the files of each data set lie, and what is read from them."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from spanbridge_evaluation.data.lines import DataError, is_file, is_folder
from spanbridge_evaluation.data.panx import read_panx
from spanbridge_evaluation.data.tagged import TaggedSentence, read_tagged
from spanbridge_shared.errors import UnknownLanguage
from spanbridge_shared.text.languages import resolve_language

EUROPARL_TUNING = 200
"""Sentences at the start of Europarl-NER on which settings may be tuned."""

XTREME = tuple(
    "af ar bg bn de el es et eu fa fi fr he hi hu id it ja jv ka kk ko ml mr ms my nl pt ru sw ta te th tl tr ur vi yo "
    "zh".split()
)
"""The 39 languages of PAN-X in XTREME beside English."""

_SPLIT_NAMES = {"dev": ("dev", "validation"), "validation": ("validation", "dev")}
"""Parts go by different names in the archives (dev) and in the exports (validation)."""


_EUROPARL = ("{}.txt", "{}-europarl.test.conll02")
"""What its files are called here, and where it is published."""


class EuroparlSplit(StrEnum):
    """Parts of Europarl-NER: its first 200 sentences for tuning, the other 599, or all 799."""

    DEV = "dev"
    TEST = "test"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class NerSet:
    """Gold sentences of one language; `lang` is as it was typed, `sources` their labelled English, if any."""

    dataset: str
    lang: str
    split: str
    sentences: list[TaggedSentence]
    sources: list[TaggedSentence] | None = None

    @property
    def code(self) -> str:
        """The FLORES code."""
        return resolve_language(self.lang)

    def first(self, limit: int | None) -> "NerSet":
        """Return the set cut to its first sentences."""
        return self.part(slice(limit))

    def part(self, place: slice) -> "NerSet":
        """Return some of the set's sentences."""
        sources = None if self.sources is None else self.sources[place]
        return replace(self, sentences=self.sentences[place], sources=sources)


def read_europarl(
    root: Path, langs: Sequence[str], split: EuroparlSplit, labels: AbstractSet[str] = frozenset()
) -> list[NerSet]:
    """Read `root/en.txt` and each language's file beside it; their sentences are each other's translations.

    The files may also have their published names, such as `en-europarl.test.conll02`.
    """
    _check_folder(root)
    shape = next((each for each in _EUROPARL if is_file(root / each.format("en"))), None)
    if shape is None:
        raise DataError(f"there is no {root / 'en.txt'}; --data names the folder of Europarl-NER, with de.txt …")
    english = root / shape.format("en")
    names = langs or [name for name in _names(root, shape) if _is_language(name) and name != "en"]
    if not names:
        raise DataError(f"{root} has no {shape.format('de')} or another translation of {english.name}")
    files = {lang: _named(root, lang, shape) for lang in names}
    sources = read_tagged(english, labels=labels)
    part = {
        EuroparlSplit.DEV: slice(EUROPARL_TUNING),
        EuroparlSplit.TEST: slice(EUROPARL_TUNING, None),
        EuroparlSplit.ALL: slice(None),
    }[split]
    found = []
    for lang, path in files.items():
        sentences = read_tagged(path, labels=labels)
        check_parallel(path, sentences, english, sources)
        found.append(NerSet("europarl-ner", lang, split, sentences, sources).part(part))
    return found


def read_masakhaner(
    root: Path, langs: Sequence[str], split: str, labels: AbstractSet[str] = frozenset()
) -> list[NerSet]:
    """Read `root/<lang>/<split>.txt` of each language, of all that there are without `langs`."""
    _check_folder(root)
    shape = f"{{}}/{split}.txt"
    names = langs or [name for name in _names(root, shape) if _is_language(name)]
    if not names:
        raise DataError(f"{root} has no <lang>/{split}.txt; --data names the folder of MasakhaNER 2, with swa/ yor/ …")
    return [NerSet("masakhaner2", lang, split, read_tagged(_named(root, lang, shape), labels=labels)) for lang in names]


def read_xtreme(root: Path, langs: Sequence[str], split: str, labels: AbstractSet[str] = frozenset()) -> list[NerSet]:
    """Read PAN-X as it is published.

    `<lang>/<split>` is what `<lang>.tar.gz` unpacks to, `<lang>-<split>` and `<split>-<lang>.tsv` are what XTREME's
    scripts make of it, `<lang>/<split>.jsonl` and `<lang>/<split>-00000-of-00001.parquet` the exports.
    """
    _check_folder(root)
    shapes = [
        shape.replace("SPLIT", name)
        for name in _SPLIT_NAMES.get(split, (split,))
        for shape in ("{}/SPLIT", "{}/SPLIT.txt", "{}/SPLIT.tsv", "{}/SPLIT.conll", "SPLIT-{}.tsv", "{}-SPLIT",
                      "{}/SPLIT.jsonl", "{}/SPLIT-00000-of-00001.parquet")
    ]  # fmt: skip
    names = langs or [lang for lang in XTREME if any(is_file(root / shape.format(lang)) for shape in shapes)]
    if not names:
        raise DataError(
            f"{root} has no <lang>/{split} of any XTREME language ({' '.join(XTREME)}); unpack <lang>.tar.gz into a "
            "folder of that name"
        )
    return [
        NerSet("xtreme", lang, split, read_panx(_named(root, lang, *shapes), resolve_language(lang), labels))
        for lang in names
    ]


def read_conll(
    path: Path, lang: str, parallel: Path | None, split: str, labels: AbstractSet[str] = frozenset()
) -> NerSet:
    """Read one file, and the labelled English that it translates, if there is one; raises for an unknown language."""
    resolve_language(lang)
    sentences = read_tagged(path, labels=labels)
    if parallel is None:
        return NerSet("conll", lang, split, sentences)
    sources = read_tagged(parallel, labels=labels)
    check_parallel(path, sentences, parallel, sources)
    return NerSet("conll", lang, split, sentences, sources)


def check_parallel(
    path: Path, sentences: Sequence[TaggedSentence], other: Path, others: Sequence[TaggedSentence]
) -> None:
    """Raise `DataError` where two files that should translate each other differ in their number of sentences."""
    if len(sentences) == len(others):
        return
    few, many = (path, sentences), (other, others)
    if len(sentences) > len(others):
        few, many = many, few
    place = many[1][len(few[1])].line
    raise DataError(
        f"{many[0]}:{place}: sentence {len(few[1]) + 1} has no partner: {few[0]} has {len(few[1]):,} sentences, "
        f"{many[0]} {len(many[1]):,}"
    )


def _check_folder(root: Path) -> None:
    if not is_folder(root):
        raise DataError(f"{root} is no folder; --data names the folder of the data set")


def _is_language(name: str) -> bool:
    try:
        resolve_language(name)
    except UnknownLanguage:
        return False
    return True


def _names(root: Path, shape: str) -> list[str]:
    """Return what stands in the place of `{}` in the names of the files there."""
    before, _, after = shape.partition("{}")
    found = (path.relative_to(root).as_posix() for path in sorted(root.glob(shape.format("*"))))
    return [each.removeprefix(before).removesuffix(after) for each in found]


def _named(root: Path, lang: str, *shapes: str) -> Path:
    """Return a language's file, whichever of its codes the file goes by."""
    code = resolve_language(lang)
    for shape in shapes:
        if is_file(root / shape.format(lang)):
            return root / shape.format(lang)
    for shape in shapes:
        for name in _names(root, shape):
            if _is_language(name) and resolve_language(name) == code and is_file(root / shape.format(name)):
                return root / shape.format(name)
    raise DataError(f"{root} has no {' or '.join(shape.format(lang) for shape in shapes)}")
