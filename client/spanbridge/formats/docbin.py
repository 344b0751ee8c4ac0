"""spaCy's DocBin: one Doc per result, with the result's own text, tokens and entities."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from spanbridge.formats.records import CorpusError


def words_and_spaces(text: str, tokens: Sequence[str]) -> tuple[list[str], list[bool]]:
    """Return spaCy's spelling of a tokenized text: its words, and whether a space follows each.

    White space other than one space after a token becomes a word, so that joining gives exactly `text` again. Raises
    `ValueError` where the tokens aren't in the text, in order, with only white space between them.

    >>> words_and_spaces("Rais  Samia.", ["Rais", "Samia", "."])
    (['Rais', ' ', 'Samia', '.'], [True, False, False, False])
    """
    words: list[str] = []
    spaces: list[bool] = []
    place = 0
    for token in [*tokens, ""]:
        start = text.find(token, place) if token else len(text)
        gap = text[place:start]
        if start < 0 or gap.strip():
            raise ValueError(f"token {token!r} doesn't follow in the text")
        if words and gap.startswith(" "):
            spaces[-1] = True
            gap = gap[1:]
        for word in (gap, token):
            if word:
                words.append(word)
                spaces.append(False)
        place = start + len(token)
    return words, spaces


def build_docbin(lines: Iterable[bytes]) -> bytes:
    """Return the DocBin of results in JSONL; failed ones are left out.

    Each Doc's `user_data` holds `id`, `lang`, and `result`, the whole line as JSON.
    """
    try:
        from spacy.tokens import Doc, DocBin
        from spacy.vocab import Vocab
    except ImportError as fault:
        raise CorpusError("spaCy isn't installed here: pip install spacy, or write --format jsonl") from fault
    vocab = Vocab()
    bin_ = DocBin(store_user_data=True)
    for line in lines:
        result: dict[str, Any] = json.loads(line)
        if result.get("error") is not None:
            continue
        words, spaces = words_and_spaces(result["text"], result["tokens"])
        doc = Doc(vocab, words=words, spaces=spaces)
        doc.set_ents([_span(doc, entity) for entity in result["entities"]])
        doc.user_data |= {"id": result["id"], "lang": result["lang"], "result": json.dumps(result)}
        bin_.add(doc)
    found: bytes = bin_.to_bytes()
    return found


def _span(doc: Any, entity: dict[str, Any]) -> Any:
    span = doc.char_span(entity["start"], entity["end"], label=entity["label"])
    if span is None:
        raise CorpusError(f"entity [{entity['start']}, {entity['end']}) of {doc.text[:40]!r} doesn't end with a token")
    return span
