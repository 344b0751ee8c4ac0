"""The public data sets: where each can be had, under which licence, and where it is looked for."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from spanbridge_evaluation.data.lines import is_folder


@dataclass(frozen=True, slots=True)
class Source:
    """One data set; `places` are folders below DATA, tried in turn, and `holds` says what lies in there."""

    name: str
    title: str
    licence: str
    pages: tuple[str, ...]
    places: tuple[str, ...]
    holds: str

    def find(self, data: Path) -> Path | None:
        """Return its folder, if it is there."""
        return next((data / place for place in self.places if is_folder(data / place)), None)

    def told(self) -> Iterator[str]:
        """Give lines that say where to get it, and where to put it."""
        yield f"{self.name}: {self.title} ({self.licence})"
        yield from (f"    {page}" for page in self.pages)
        yield f"    as {self.places[0]}: {self.holds}"


EUROPARL = Source(
    "europarl-ner",
    "Europarl-NER, 799 parallel sentences, gold on every side",
    "see its page",
    ("https://github.com/ixa-ehu/ner-evaluation-corpus-europarl",),
    ("ner/europarl_ner", "europarl_ner", "europarl-ner", "ner-evaluation-corpus-europarl"),
    "en.txt, de.txt, es.txt, it.txt, or the names that they are published by",
)
MASAKHANER = Source(
    "masakhaner2",
    "MasakhaNER 2.0, 20 African languages",
    "CC BY-NC 4.0",
    ("https://github.com/masakhane-io/masakhane-ner",),
    ("ner/masakhaner2", "masakhaner2", "MasakhaNER2.0/data"),
    "<lang>/dev.txt, the repository's MasakhaNER2.0/data",
)
CONLL = Source(
    "conll2002",
    "CoNLL-2002, Spanish and Dutch",
    "research",
    ("https://www.clips.uantwerpen.be/conll2002/ner/",),
    ("ner/conll2002", "conll2002"),
    "es.dev.txt and nl.dev.txt, esp.testa and ned.testa converted to UTF-8",
)
ALIGNMENT = Source(
    "alignment",
    "gold word alignments: XL-WA, and the examples of awesome-align",
    "XL-WA CC BY-NC-SA; the others are for research",
    ("https://github.com/SapienzaNLP/XL-WA", "https://github.com/neulab/awesome-align"),
    ("align", "alignment"),
    "en-xx/<file>.tsv with English tokens, xx tokens, sure links, sure and possible links, parted by tabs",
)
TRANSLATION = Source(
    "translation",
    "MAFAND, news in 15 African languages and English",
    "CC BY-NC 4.0",
    ("https://github.com/masakhane-io/lafand-mt",),
    ("mt_dev", "translation"),
    "<lang>.tsv with text and English, parted by a tab, without a header",
)
XTREME = Source(
    "xtreme",
    "PAN-X (WikiANN), the named entities of XTREME, 39 languages",
    "see its page",
    ("https://huggingface.co/datasets/unimelb-nlp/wikiann", "https://github.com/afshinrahimi/mmner"),
    ("ner/xtreme", "ner/panx", "ner/wikiann", "xtreme", "panx", "wikiann"),
    "<lang>/test as <lang>.tar.gz unpacks, or JSON Lines or Parquet of that name",
)

SOURCES = (EUROPARL, MASAKHANER, CONLL, ALIGNMENT, TRANSLATION, XTREME)
