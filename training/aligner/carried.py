"""The folder that `encode` writes and training reads, small enough to be carried to another machine.

| file | what |
|---|---|
| pairs.tsv.xz | supervision, language, pivot, source words, target words, links |
| lists.tsv.xz | language, word: the likeliest words of languages without running text |
| checks.tsv.xz | name, source words, target words, sure links, possible links: gold alignments to measure rounds by |
| student.json.xz, teacher.json.xz | tokenizers: the shared vocabulary, and the full one less what no text here uses |
| weights.npz.xz | the teacher's first layers and used embedding rows, in their 4 bits; `kept`, the student's rows |
| meta.json | the network's configuration |
"""

import lzma
from collections.abc import Iterable, Iterator
from pathlib import Path

PAIRS, LISTS, CHECKS = "pairs.tsv.xz", "lists.tsv.xz", "checks.tsv.xz"
STUDENT, TEACHER = "student.json.xz", "teacher.json.xz"
WEIGHTS, META = "weights.npz.xz", "meta.json"
EMBEDDINGS = "embeddings.word_embeddings.weight"


def write_lines(path: Path, lines: Iterable[str]) -> None:
    """Write compressed lines; a dictionary of 64 MiB finds the sentences that several languages share."""
    with lzma.open(path, "wt", encoding="utf-8", newline="\n", preset=9) as file:
        file.writelines(line + "\n" for line in lines)


def read_lines(path: Path) -> Iterator[list[str]]:
    """Give the tab-separated fields of each line."""
    with lzma.open(path, "rt", encoding="utf-8", newline="\n") as file:
        for line in file:
            yield line.rstrip("\n").split("\t")
