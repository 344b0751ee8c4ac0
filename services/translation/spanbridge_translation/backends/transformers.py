"""Any NLLB or M2M100 checkpoint through transformers: slow, but needs no conversion. Needs the `convert` extra."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from spanbridge_shared.errors import ConfigurationError
from spanbridge_translation.backends.base import Decoded, Decoding, settings_version
from spanbridge_translation.backends.checkpoint import Checkpoint, open_checkpoint
from spanbridge_translation.backends.subwords import END, UNKNOWN, Subwords
from spanbridge_translation.core.directions import Directions


class TransformersBackend:
    """Generates, then reads scores and attention off one forced pass over what was generated.

    Attention is the mean over heads of the last cross-attention layer.
    """

    def __init__(self, source: str, *, device: str, threads: int, no_repeat_ngram: int = 0) -> None:
        checkpoint = open_checkpoint(source)
        torch, self._model = _load(source, device, threads)
        self._torch = torch
        self.parallel_calls = 1
        version = _version(source, checkpoint, self._model)
        self.model_version = settings_version(version, no_repeat_ngram=no_repeat_ngram)
        self.directions = Directions(frozenset(checkpoint.languages))
        self.max_source_tokens = self.max_target_tokens = checkpoint.max_tokens
        self._languages = checkpoint.languages
        self._tokens = checkpoint.vocabulary
        self._ids = {token: place for place, token in enumerate(checkpoint.vocabulary)}
        self._subwords = Subwords(checkpoint.tokenizer_json, reserved=checkpoint.languages.values())
        words = (self._subwords.ids.keys() - self._subwords.special) | {END}
        self._never = [place for token, place in self._ids.items() if token not in words]
        self._no_repeat_ngram = no_repeat_ngram

    def pieces(self, text: str) -> list[str]:
        """Return a text's sub-words."""
        return self._subwords.encode(text)

    def translate(self, decoding: Decoding, sources: Sequence[Sequence[str]]) -> list[list[Decoded]]:
        """Return hypotheses per source."""
        n = decoding.num_hypotheses
        inputs = self._padded([self._framed(decoding.source, source) for source in sources])
        with self._torch.inference_mode():
            generated = self._model.generate(
                **inputs,
                decoder_input_ids=self._torch.tensor([self._start(decoding.target)] * len(sources)).to(
                    self._model.device
                ),
                forced_bos_token_id=None,
                num_beams=decoding.beam,
                num_return_sequences=n,
                max_new_tokens=decoding.max_tokens + 1,
                no_repeat_ngram_size=self._no_repeat_ngram,
                suppress_tokens=self._never,
                do_sample=False,
                early_stopping=False,
                length_penalty=1.0,
            ).tolist()
        hypotheses = [self._stripped(row) for row in generated]
        repeated = [source for source in sources for _ in range(n)]
        pairs = [(source, tokens) for source, (tokens, _) in zip(repeated, hypotheses, strict=True)]
        logs, attentions = self._forced(decoding.source, decoding.target, pairs, [end for _, end in hypotheses])
        decoded = [
            Decoded(tuple(tokens), self._subwords.decode(tokens), fmean(steps), rows if decoding.attention else None)
            for (_, tokens), steps, rows in zip(pairs, logs, attentions, strict=True)
        ]
        return [decoded[first : first + n] for first in range(0, len(decoded), n)]

    def log_probs(
        self, source: str, target: str, pairs: Sequence[tuple[Sequence[str], Sequence[str]]]
    ) -> list[list[float]]:
        """Return each target's log-probabilities."""
        return self._forced(source, target, pairs, [True] * len(pairs))[0]

    def _forced(
        self,
        source: str,
        target: str,
        pairs: Sequence[tuple[Sequence[str], Sequence[str]]],
        ended: Sequence[bool],
    ) -> tuple[list[list[float]], list[list[list[float]]]]:
        """Return each target's log-probabilities, the end token's last where `ended`, and attention."""
        inputs = self._padded([self._framed(source, given) for given, _ in pairs])
        wanted = [[self._id(piece) for piece in pieces] + [self._ids[END]] for _, pieces in pairs]
        decoder = self._padded([[*self._start(target), *ids[:-1]] for ids in wanted])
        with self._torch.inference_mode():
            output = self._model(
                **inputs,
                decoder_input_ids=decoder["input_ids"],
                decoder_attention_mask=decoder["attention_mask"],
                output_attentions=True,
            )
        logs = output.logits.float().log_softmax(-1)
        attention = output.cross_attentions[-1].float().mean(1)
        found: list[list[float]] = []
        rows: list[list[list[float]]] = []
        for place, ((given, pieces), ids, end) in enumerate(zip(pairs, wanted, ended, strict=True)):
            counted = len(ids) if end else max(1, len(ids) - 1)
            steps = self._torch.arange(1, counted + 1)  # Step 0 predicts the language token.
            found.append(logs[place, steps, self._torch.tensor(ids[:counted])].tolist())
            rows.append(attention[place, 1 : len(pieces) + 1, 1 : len(given) + 1].tolist())
        return found, rows

    def _framed(self, language: str, pieces: Sequence[str]) -> list[int]:
        return [self._ids[self._languages[language]], *map(self._id, pieces), self._ids[END]]

    def _start(self, language: str) -> list[int]:
        return [self._model.config.decoder_start_token_id, self._ids[self._languages[language]]]

    def _id(self, piece: str) -> int:
        return self._ids.get(piece, self._ids[UNKNOWN])

    def _stripped(self, row: list[int]) -> tuple[list[str], bool]:
        """Return a generated row's tokens, without start, language and what follows the end, and whether it ended."""
        body = row[2:]
        end = self._ids[END]
        whole = end in body
        return [self._tokens[each] for each in (body[: body.index(end)] if whole else body)], whole

    def _padded(self, rows: Sequence[Sequence[int]]) -> dict[str, Any]:
        longest = max(map(len, rows))
        pad = self._model.config.pad_token_id
        ids = [[*row, *[pad] * (longest - len(row))] for row in rows]
        mask = [[1] * len(row) + [0] * (longest - len(row)) for row in rows]
        place = self._model.device
        return {
            "input_ids": self._torch.tensor(ids, device=place),
            "attention_mask": self._torch.tensor(mask, device=place),
        }


def _load(source: str, device: str, threads: int) -> tuple[Any, Any]:
    import torch
    from transformers import AutoModelForSeq2SeqLM

    torch.set_num_threads(threads)
    place = ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device
    try:
        # Eager: the fused kinds of attention return no weights.
        model = AutoModelForSeq2SeqLM.from_pretrained(source, attn_implementation="eager").to(place).eval()
    except (OSError, ValueError, RuntimeError) as fault:
        raise ConfigurationError(f"SPANBRIDGE_TRANSLATION_MODEL: can't load {source}: {fault}") from fault
    return torch, model


def _version(source: str, checkpoint: Checkpoint, model: Any) -> str:
    """Return a name that changes with the weights: from the hub's commit, else from the files' own checksums."""
    digest = hashlib.sha256(checkpoint.tokenizer_json.encode())
    folder = Path(source)
    if folder.is_dir():
        for path in sorted([folder / "config.json", *folder.glob("*.safetensors"), *folder.glob("*.bin")]):
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
    else:
        digest.update(str(getattr(model.config, "_commit_hash", None)).encode())
    return f"{folder.resolve().name if folder.is_dir() else source.replace('/', '--')}-{digest.hexdigest()[:8]}"
