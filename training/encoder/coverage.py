"""Stage `coverage`: `<unk>` share and tokens per word by language, on text that the count did not see."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from tokenizers import Tokenizer

from training.encoder.report import coverage_table
from training.encoder.stages import Stamp, fingerprints, run_stage, write_json, write_text
from training.encoder.tokenizer import UNK_ID, encode_words

MAX_WORDS = 20_000


@dataclass(frozen=True)
class Coverage:
    """One tokenizer on one language."""

    model: str
    language: str
    words: int
    unk_percent: float
    tokens_per_word: float


def coverage(models: Mapping[str, Path], data: Path, out: Path, *, force: bool = False) -> bool:
    """Write `coverage.json` and `coverage.md` for the tokenizers of `models`."""
    files = held_out_files(data)
    paths = [path for language in files.values() for path in language]
    inputs = fingerprints(data, paths)
    for name, folder in models.items():
        inputs |= {f"{name}:{key}": digest for key, digest in fingerprints(folder, [folder / "tokenizer.json"]).items()}

    def build(folder: Path) -> None:
        rows = []
        for language, sources in files.items():
            words = [word for path in sources for word in read_words(path)][:MAX_WORDS]
            for name, model in models.items():
                tokenizer = Tokenizer.from_file(str(model / "tokenizer.json"))
                rows.append(asdict(measure(name, language, words, tokenizer)))
        write_json(folder / "coverage.json", rows)
        write_text(folder / "coverage.md", coverage_table(rows))

    return run_stage(out, Stamp("coverage", {"models": list(models)}, inputs), build, force=force)


def held_out_files(data: Path) -> dict[str, list[Path]]:
    """Map languages to their dev, test and gold-alignment files, none of which the count reads."""
    found: dict[str, list[Path]] = {}
    for path in sorted((data / "mt_dev").glob("*.tsv")):
        found.setdefault(path.stem, []).append(path)
    for path in sorted((data / "ner" / "masakhaner2").glob("*/dev.txt")):
        found.setdefault(path.parent.name, []).append(path)
    for path in sorted((data / "align").glob("en-*/*.tsv")):
        found.setdefault(path.parent.name.removeprefix("en-"), []).append(path)
    return found


def read_words(path: Path) -> Iterator[str]:
    """Yield the words of the language that the file is held for."""
    for line in path.read_text("utf-8").split("\n"):
        if path.parent.parent.name == "align":
            yield from line.split("\t")[1].split() if line else ()
        elif path.suffix == ".tsv":
            yield from line.split("\t")[0].split()
        else:
            yield from line.split()[:1]


def measure(model: str, language: str, words: list[str], tokenizer: Tokenizer) -> Coverage:
    """Count tokens and unknown tokens; raises ValueError without words."""
    if not words:
        raise ValueError(f"no words to measure for {language}")
    ids = [piece_id for word in encode_words(tokenizer, words) for piece_id in word]
    unknown = sum(piece_id == UNK_ID for piece_id in ids)
    return Coverage(model, language, len(words), round(100 * unknown / len(ids), 3), round(len(ids) / len(words), 3))
