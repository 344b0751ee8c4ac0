"""Stage `evaluate`: AER, precision, recall, F1 and speed of one or more encoders on gold alignments."""

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from tokenizers import Encoding, Tokenizer

from training.encoder.encoders import Encoder, load_encoder
from training.encoder.links import Link, argmax_intersection, similarity, word_vectors
from training.encoder.metrics import AlignmentCounts
from training.encoder.report import alignment_table
from training.encoder.stages import Stamp, checkpoint_files, fingerprints, run_stage, write_json, write_text
from training.encoder.wheel import FloatArray


@dataclass(frozen=True)
class GoldPair:
    """One sentence pair with its links, source being English."""

    source: list[str]
    target: list[str]
    sure: set[Link]
    possible: set[Link]


@dataclass(frozen=True)
class Score:
    """One model on one file; percentages, and pairs per second of the encoder alone."""

    model: str
    file: str
    pairs: int
    aer: float
    precision: float
    recall: float
    f1: float
    pairs_per_second: float


def evaluate(
    models: Mapping[str, Path], data: Path, patterns: list[str], out: Path, *, layer: int, threads: int,
    force: bool = False,
) -> bool:  # fmt: skip
    """Write `scores.json` and `scores.md` for every model on every file of `data` that a pattern matches."""
    files = sorted({path for pattern in patterns for path in data.glob(pattern)})
    if not files:
        raise FileNotFoundError(f"no file below --data matches {', '.join(patterns)}")
    inputs = fingerprints(data, files)
    for name, folder in models.items():
        inputs |= {f"{name}:{file}": digest for file, digest in fingerprints(folder, checkpoint_files(folder)).items()}
    stamp = Stamp("evaluate", {"models": list(models), "layer": layer, "threads": threads}, inputs)

    def build(folder: Path) -> None:
        scores: list[Score] = []
        for name, path in models.items():
            tokenizer = Tokenizer.from_file(str(path / "tokenizer.json"))
            encoder = load_encoder(path, layer=layer, threads=threads)
            encoder.encode([encoding.ids for encoding in _encodings(tokenizer, [["warm", "up"]])])
            for file in files:
                scores.append(score(name, file.relative_to(data).as_posix(), read_gold(file), tokenizer, encoder))
        write_json(folder / "scores.json", [asdict(row) for row in scores])
        write_text(folder / "scores.md", alignment_table([asdict(row) for row in scores]))

    return run_stage(out, stamp, build, force=force)


def read_gold(path: Path) -> list[GoldPair]:
    """Read English tokens, target tokens, sure links, sure and possible links; tab-separated, 0-based."""
    pairs = []
    for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1):
        fields = line.split("\t")
        if len(fields) != 4:
            raise ValueError(f"{path.name}, line {number}: expected 4 columns, found {len(fields)}")
        pairs.append(GoldPair(fields[0].split(), fields[1].split(), parse_links(fields[2]), parse_links(fields[3])))
    return pairs


def parse_links(text: str) -> set[Link]:
    """Parse links.

    >>> sorted(parse_links("0-0 1-2"))
    [(0, 0), (1, 2)]
    """
    return {(int(i), int(j)) for i, j in (link.split("-") for link in text.split())}


def score(model: str, file: str, pairs: list[GoldPair], tokenizer: Tokenizer, encoder: Encoder) -> Score:
    """Align one file's pairs and score them."""
    sources = _encodings(tokenizer, [pair.source for pair in pairs])
    targets = _encodings(tokenizer, [pair.target for pair in pairs])
    started = time.perf_counter()
    states = encoder.encode([encoding.ids for encoding in sources + targets])
    seconds = time.perf_counter() - started
    counts = []
    for i, pair in enumerate(pairs):
        source = word_vectors(states[i], sources[i].word_ids, len(pair.source))
        target = word_vectors(states[len(pairs) + i], targets[i].word_ids, len(pair.target))
        counts.append(AlignmentCounts.of(links(source, target), pair.sure, pair.possible))
    total = AlignmentCounts.total(counts)
    aer, precision, recall, f1 = (round(100 * v, 2) for v in (total.aer, total.precision, total.recall, total.f1))
    return Score(model, file, len(pairs), aer, precision, recall, f1, round(len(pairs) / seconds, 1))


def links(source: FloatArray, target: FloatArray) -> set[Link]:
    """Return the links of one pair from its word vectors."""
    return argmax_intersection(similarity(source, target))


def _encodings(tokenizer: Tokenizer, sentences: list[list[str]]) -> list[Encoding]:
    encode: Callable[..., list[Encoding]] = tokenizer.encode_batch
    return encode(sentences, is_pretokenized=True)
