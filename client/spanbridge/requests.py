"""From what a caller gives to wire models, cut into requests that a server takes."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from spanbridge_shared.contracts.alignment import TokenPair
from spanbridge_shared.contracts.base import ErrorBody
from spanbridge_shared.contracts.gateway import Sentence, SentenceResult
from spanbridge_shared.contracts.ner import NerItem
from spanbridge_shared.contracts.translate_train import EnglishSentence, TranslatedSentence
from spanbridge_shared.errors import InvalidRequest, TextTooLong
from spanbridge_shared.text.checks import replace_surrogates
from spanbridge_shared.text.languages import resolve_language

SentenceLike = str | Sequence[str] | Sentence | Mapping[str, Any]
EnglishSentenceLike = EnglishSentence | Mapping[str, Any]
NerItemLike = str | Sequence[str] | NerItem
PairLike = TokenPair | tuple[Sequence[str], Sequence[str]]

AUTO = "auto"
MAX_PART_ITEMS = 1_000
"""Items of one request: as many as a service takes in one call, and few enough for one time limit."""
MAX_PART_BYTES = 8_000_000
"""Bytes of one request's items, below the servers' limit of 10 MB for the whole body."""

Item = TypeVar("Item")
Model = TypeVar("Model", bound=BaseModel)


def build(kind: type[Model], fields: Mapping[str, Any], what: str) -> Model:
    """Return a wire model; raises `InvalidRequest`, saying where, instead of pydantic's error."""
    try:
        return kind.model_validate(dict(fields))
    except ValidationError as fault:
        told = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in fault.errors())
        raise InvalidRequest(f"{what}: {told}") from fault


def as_sentence(given: SentenceLike, place: int) -> Sentence:
    """Return a sentence with an id: its own, or its place, which a cut into parts would change.

    >>> as_sentence(["Rais", "Samia"], 7)
    Sentence(id='7', text=None, tokens=['Rais', 'Samia'], source=None)
    """
    if isinstance(given, Sentence):
        sentence = given
    elif isinstance(given, str):
        sentence = build(Sentence, {"text": given}, f"sentence {place}")
    elif isinstance(given, Mapping):
        sentence = build(Sentence, given, f"sentence {place}")
    else:
        sentence = build(Sentence, {"tokens": list(given)}, f"sentence {place}")
    return sentence if sentence.id is not None else sentence.model_copy(update={"id": str(place)})


def as_english_sentence(given: EnglishSentenceLike, place: int) -> EnglishSentence:
    """Return a labelled English sentence with an id: its own, or its place."""
    sentence = given if isinstance(given, EnglishSentence) else build(EnglishSentence, given, f"sentence {place}")
    return sentence if sentence.id is not None else sentence.model_copy(update={"id": str(place)})


def as_ner_item(given: NerItemLike, place: int) -> NerItem:
    """Return an item of `/v1/ner` for a text, for tokens, or as it is."""
    if isinstance(given, NerItem):
        return given
    fields: dict[str, Any] = {"text": given} if isinstance(given, str) else {"tokens": list(given)}
    return build(NerItem, fields, f"sentence {place}")


def as_pair(given: PairLike, place: int) -> TokenPair:
    """Return an item of `/v1/align` for two lists of tokens, English first, or as it is."""
    if isinstance(given, TokenPair):
        return given
    source, target = given
    return build(TokenPair, {"source_tokens": list(source), "target_tokens": list(target)}, f"pair {place}")


def as_list(given: Iterable[Item] | str) -> list[Item | str]:
    """Return the items of a batch; a bare string is a batch of one, because its characters are never meant.

    >>> as_list("Rais"), as_list(["Rais", "Samia"])
    (['Rais'], ['Rais', 'Samia'])
    """
    return [given] if isinstance(given, str) else list(given)


def wire_size(item: BaseModel | str) -> int:
    """Return the most bytes that an item takes in a request's body: one lone surrogate has all of it escaped."""
    return len(json.dumps(item if isinstance(item, str) else item.model_dump(mode="json", exclude_unset=True)))


def cut(
    items: Iterable[Item],
    size: Callable[[Item], int],
    *,
    max_items: int = MAX_PART_ITEMS,
    max_bytes: int = MAX_PART_BYTES,
) -> Iterator[list[Item]]:
    """Cut items into parts within both limits, in order; an item above the limit gets a part of its own.

    >>> list(cut(["a", "bb", "ccc", "d"], len, max_items=2, max_bytes=4))
    [['a', 'bb'], ['ccc', 'd']]
    """
    part: list[Item] = []
    bytes_ = 0
    for item in items:
        more = size(item)
        if part and (len(part) == max_items or bytes_ + more > max_bytes):
            yield part
            part, bytes_ = [], 0
        part.append(item)
        bytes_ += more
    if part:
        yield part


def unsendable(sentence: Sentence, size: int, lang: str) -> SentenceResult:
    """Return the error of a sentence that no request can hold, so that its neighbours are sent without it."""
    return SentenceResult(
        id=sentence.id if sentence.id is not None else "",
        text=_text_of(sentence),
        lang=lang if lang == AUTO else resolve_language(lang),
        entities=[],
        error=_too_large(size),
    )


def untranslatable(sentence: EnglishSentence, size: int, lang: str) -> TranslatedSentence:
    """Return the error of a labelled English sentence that no request can hold."""
    return TranslatedSentence(
        id=sentence.id if sentence.id is not None else "",
        text="",
        lang=resolve_language(lang),
        source_text=_text_of(sentence),
        error=_too_large(size),
    )


def _text_of(sentence: Sentence | EnglishSentence) -> str:
    return replace_surrogates(sentence.text if sentence.text is not None else " ".join(sentence.tokens or []))


def _too_large(size: int) -> ErrorBody:
    fault = TextTooLong(f"the sentence takes {size:,} bytes, at most {MAX_PART_BYTES:,} can be sent; split it")
    return ErrorBody(error=type(fault).__name__, detail=fault.detail)
