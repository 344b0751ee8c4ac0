"""spaCy's DocBin: one Doc per result, with the result's own text, tokens and entities."""

import json
import zlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, BinaryIO

from spanbridge.formats.documents import Document, Mark, in_order, read_id, read_lang
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
        raise CorpusError("spaCy isn't installed here: pip install spacy, or write another format") from fault
    vocab = Vocab()
    bin_ = DocBin(store_user_data=True)
    for line in lines:
        result: dict[str, Any] = json.loads(line)
        if result.get("error") is not None:
            continue
        words, spaces = words_and_spaces(result["text"], result["tokens"])
        try:
            doc = Doc(vocab, words=words, spaces=spaces)
            doc.set_ents([_span(doc, entity) for entity in result["entities"]])
            doc.user_data |= {"id": result["id"], "lang": result["lang"], "result": json.dumps(result)}
            bin_.add(doc)
        except UnicodeEncodeError as fault:
            raise CorpusError(f"{result['id']!r} has a lone surrogate, which spaCy can't hold") from fault
    found: bytes = bin_.to_bytes()
    return found


def read_docbin(file: BinaryIO, name: str) -> Iterator[Document]:
    """Give each Doc: its own text and tokens, less those of white space; `id` and `lang` are its `user_data`'s."""
    try:
        from spacy.tokens import DocBin
        from spacy.vocab import Vocab
    except ImportError as fault:
        raise CorpusError("spaCy isn't installed here: pip install spacy") from fault
    try:
        docs = list(DocBin(store_user_data=True).from_bytes(file.read()).get_docs(Vocab()))
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, zlib.error) as fault:
        raise CorpusError(f"{name} is no DocBin that this spaCy reads: {str(fault)[:200]}") from fault
    for number, doc in enumerate(docs, start=1):
        known = doc.user_data
        result = _result(known.get("result"))
        entities = [each for each in result.get("entities", []) if isinstance(each, dict)]
        scores = {(e.get("start"), e.get("end"), e.get("label")): e.get("score") for e in entities}
        marks = in_order(
            Mark(e.start_char, e.end_char, e.label_, scores.get((e.start_char, e.end_char, e.label_))) for e in doc.ents
        )
        # Somebody may have worked on the entities since.
        unchanged = result.get("text") == doc.text and set(scores) == {(m.start, m.end, m.label) for m in marks}
        place = f"{name}, document {number}"
        yield Document(
            place,
            read_id(place, known.get("id"), str(number)),
            doc.text,
            marks,
            # Not `is_space`, which a vocabulary without a language never sets.
            tuple(token.text for token in doc if not token.text.isspace()),
            lang=read_lang(place, known.get("lang")),
            meta=result.get("meta") or {},
            result=result if unchanged else None,
        )


def _result(written: Any) -> dict[str, Any]:
    try:
        found = json.loads(written) if isinstance(written, str) else None
    except ValueError:
        found = None
    return found if isinstance(found, dict) else {}


def _span(doc: Any, entity: dict[str, Any]) -> Any:
    span = doc.char_span(entity["start"], entity["end"], label=entity["label"])
    if span is None:
        raise CorpusError(f"entity [{entity['start']}, {entity['end']}) of {doc.text[:40]!r} doesn't end with a token")
    return span
