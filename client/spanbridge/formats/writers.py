"""Writing results: each becomes bytes that can be appended to a file."""

import json
from collections.abc import Callable

from spanbridge.formats.records import AnyRecord, CorpusError, OutputFormat
from spanbridge_shared.contracts.gateway import SentenceResult
from spanbridge_shared.contracts.translate_train import TranslatedSentence

Result = SentenceResult | TranslatedSentence


def encode_jsonl(record: AnyRecord, result: Result) -> bytes:
    """Return a line with the result as the server gives it, and the input's other keys as `meta`."""
    fields = result.model_dump(mode="json", exclude_unset=True)
    if record.meta:
        fields["meta"] = record.meta
    # A lone surrogate, which only an escape in the input can have brought, leaves as the same escape.
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "backslashreplace") + b"\n"


def encode_conll(record: AnyRecord, result: Result) -> bytes:
    """Return the lines `token TAG` and a blank one, the input's comments before them; nothing for a failed sentence."""
    if result.error is not None:
        return b""
    if result.tokens is None or result.tags is None:
        raise CorpusError("the server left out the tokens, without which there is no CoNLL")
    comments = record.meta.get("comments", [])
    # A combining mark on a space is a token with white space in it, which a column can't hold.
    rows = [f"{''.join(token.split())} {tag}" for token, tag in zip(result.tokens, result.tags, strict=True)]
    return "".join(f"{row}\n" for row in [*comments, *rows, ""]).encode()


ENCODERS: dict[OutputFormat, Callable[[AnyRecord, Result], bytes]] = {
    OutputFormat.JSONL: encode_jsonl,
    OutputFormat.CONLL: encode_conll,
}
"""What can be appended to. All other formats are built in the end, from results kept as JSONL."""
