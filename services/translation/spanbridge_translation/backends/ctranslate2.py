"""CTranslate2 models in NLLB or M2M100 layout, as `models/` holds and `spanbridge models convert` makes them."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from spanbridge_shared.contracts.manifest import TranslationManifest
from spanbridge_shared.errors import ConfigurationError
from spanbridge_shared.serving.batching import plan_batches
from spanbridge_shared.serving.manifests import model_version, read_manifest
from spanbridge_translation.backends.base import Decoded, Decoding, settings_version
from spanbridge_translation.backends.subwords import END, Subwords
from spanbridge_translation.core.directions import Directions


class CTranslate2Backend:
    """Translates with a folder that holds a CTranslate2 model, `tokenizer.json` and a manifest."""

    def __init__(
        self,
        folder: Path,
        *,
        device: str,
        compute_type: str,
        threads: int,
        parallel_calls: int = 1,
        no_repeat_ngram: int = 0,
        score_tokens: int = 256,
    ) -> None:
        manifest = read_manifest(folder, TranslationManifest)
        self.model_version = settings_version(
            model_version(manifest), no_repeat_ngram=no_repeat_ngram, compute_type=compute_type
        )
        self.max_source_tokens = manifest.max_source_tokens
        self.max_target_tokens = manifest.max_target_tokens
        pairs = None if manifest.pairs is None else frozenset(manifest.pairs)
        self.directions = Directions(frozenset(manifest.languages), pairs)
        self._languages = manifest.languages
        self._no_repeat_ngram = no_repeat_ngram
        self._score_tokens = score_tokens
        self._subwords = Subwords(
            (folder / "tokenizer.json").read_text(encoding="utf-8"), reserved=manifest.languages.values()
        )
        vocabulary: list[str] = json.loads((folder / "shared_vocabulary.json").read_text(encoding="utf-8"))
        _check_languages(folder, manifest, set(vocabulary))
        # A model may predict padding, another language or a row that only fills the matrix; none is a translation.
        words = (self._subwords.ids.keys() - self._subwords.special) | {END}
        self._never = [[token] for token in vocabulary if token not in words]
        self.parallel_calls = parallel_calls
        self._translator = _open(folder, device, compute_type, threads, parallel_calls)

    def pieces(self, text: str) -> list[str]:
        """Return a text's sub-words."""
        return self._subwords.encode(text)

    def translate(self, decoding: Decoding, sources: Sequence[Sequence[str]]) -> list[list[Decoded]]:
        """Return hypotheses per source; the end token is asked for, because it tells whole from cut-off ones."""
        results = self._translator.translate_batch(
            [self._framed(decoding.source, source) for source in sources],
            target_prefix=[[self._languages[decoding.target]]] * len(sources),
            beam_size=decoding.beam,
            num_hypotheses=decoding.num_hypotheses,
            max_decoding_length=decoding.max_tokens + 2,  # The language and the end token count.
            no_repeat_ngram_size=self._no_repeat_ngram,
            suppress_sequences=self._never,
            return_end_token=True,
            return_scores=True,
            return_attention=decoding.attention,
        )
        return [
            [
                self._decoded(
                    result.hypotheses[rank],
                    result.scores[rank],
                    result.attention[rank] if decoding.attention else None,
                )
                for rank in range(len(result.hypotheses))
            ]
            for result in results
        ]

    def log_probs(
        self, source: str, target: str, pairs: Sequence[tuple[Sequence[str], Sequence[str]]]
    ) -> list[list[float]]:
        """Return each target's log-probabilities, the language token's own left out.

        A forced pass holds the whole vocabulary's probabilities of all tokens of its call at once, so that calls larger
        than `score_tokens` spend their time on fresh memory: they are cut.
        """
        found: list[list[float]] = [[]] * len(pairs)
        for part in plan_batches([max(map(len, pair)) + 2 for pair in pairs], self._score_tokens):
            results = self._translator.score_batch(
                [self._framed(source, pairs[place][0]) for place in part],
                [[self._languages[target], *pairs[place][1]] for place in part],
            )
            for place, result in zip(part, results, strict=True):
                found[place] = result.log_probs[1:]
        return found

    def _framed(self, language: str, pieces: Sequence[str]) -> list[str]:
        return [self._languages[language], *pieces, END]

    def _decoded(self, hypothesis: list[str], score: float, attention: list[list[float]] | None) -> Decoded:
        """Return a hypothesis without its language and end tokens.

        CTranslate2's score is the sum of log-probabilities, the given prefix's not among them, over the number of
        tokens, prefix and end among them. Attention has a row per token of the hypothesis; the prefix's, which beam
        search garbles in batches of mixed length, goes with its token.
        """
        whole = hypothesis[-1] == END
        tokens = tuple(hypothesis[1:-1] if whole else hypothesis[1:])
        steps = max(1, len(hypothesis) - 1)
        rows = None if attention is None else [row[1:-1] for row in attention[1 : len(tokens) + 1]]
        return Decoded(tokens, self._subwords.decode(tokens), score * len(hypothesis) / steps, rows)


def _open(folder: Path, device: str, compute_type: str, threads: int, parallel_calls: int) -> Any:
    import ctranslate2

    if compute_type == "auto":
        compute_type = "int8" if device == "cpu" else "default"
    try:
        return ctranslate2.Translator(
            str(folder),
            device=device,
            compute_type=compute_type,
            inter_threads=parallel_calls,
            intra_threads=threads,
        )
    except (ValueError, RuntimeError) as fault:
        raise ConfigurationError(
            f"SPANBRIDGE_TRANSLATION_MODEL, _DEVICE or _COMPUTE_TYPE: CTranslate2 can't open {folder} on {device} as "
            f"{compute_type}: {fault}"
        ) from fault


def _check_languages(folder: Path, manifest: TranslationManifest, known: set[str]) -> None:
    """Raise `ConfigurationError` where the vocabulary lacks a language token: CTranslate2 would read it as `<unk>`."""
    missing = sorted(code for code, token in manifest.languages.items() if token not in known)
    if missing:
        raise ConfigurationError(
            f"the vocabulary of {folder} lacks the tokens of {', '.join(missing)}, which the manifest names"
        )
