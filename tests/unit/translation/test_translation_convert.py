"""Checkpoints in both hub layouts: converted, they say what transformers says, token for token."""

import itertools
import json
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("sentencepiece")

from spanbridge_shared.contracts.manifest import TranslationManifest
from spanbridge_shared.errors import ConfigurationError
from spanbridge_shared.serving.manifests import read_manifest
from spanbridge_translation.backends.base import Decoding
from spanbridge_translation.backends.convert import convert
from spanbridge_translation.backends.ctranslate2 import CTranslate2Backend
from spanbridge_translation.backends.transformers import TransformersBackend
from tests.unit.translation import tiny_checkpoints
from tests.unit.translation.tiny_checkpoints import TEXTS

pytestmark = pytest.mark.torch
LAYOUTS = {"nllb": tiny_checkpoints.nllb, "m2m100": tiny_checkpoints.m2m100}
NOT_SEEN = ["Xhosa ÿ 漢字 😀!", "  two   spaces ", "tabs\tand\nlines", "ﬁne ｆｕｌｌ", "é e\u0301"]


class Trio:
    """One checkpoint three ways: transformers' own classes, our transformers backend, and converted."""

    def __init__(self, layout: str, folder: Path) -> None:
        from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

        self.layout = layout
        self.source = LAYOUTS[layout](folder / "tiny")
        self.output = convert(str(self.source), folder / "converted", quantization="float32", licence="CC-BY-NC-4.0")
        self.tokenizer: Any = AutoTokenizer.from_pretrained(str(self.source))
        self.model: Any = AutoModelForSeq2SeqLM.from_pretrained(str(self.source)).eval()
        self.converted = CTranslate2Backend(self.output, device="cpu", compute_type="float32", threads=1)
        self.checkpoint = TransformersBackend(str(self.source), device="cpu", threads=1)

    def code(self, flores: str) -> str:
        return flores if self.layout == "nllb" else {"swh_Latn": "sw", "eng_Latn": "en"}[flores]

    def own_pieces(self, text: str) -> list[str]:
        self.tokenizer.src_lang = self.code("swh_Latn")
        ids = self.tokenizer(text).input_ids
        return [self.vocabulary[each] for each in ids[1:-1]]

    @property
    def vocabulary(self) -> list[str]:
        loaded: list[str] = json.loads((self.output / "shared_vocabulary.json").read_text(encoding="utf-8"))
        return loaded

    def own_greedy(self, text: str, max_tokens: int) -> list[str]:
        """Return what `generate` gives, special tokens kept from it as from ours."""
        import torch

        self.tokenizer.src_lang = self.code("swh_Latn")
        token = self.converted._languages["eng_Latn"]
        never = [self.vocabulary.index(each) for (each,) in self.converted._never]
        with torch.inference_mode():
            row = self.model.generate(
                **self.tokenizer(text, return_tensors="pt"),
                decoder_input_ids=torch.tensor([[2, self.vocabulary.index(token)]]),
                num_beams=1,
                do_sample=False,
                max_new_tokens=max_tokens + 1,
                suppress_tokens=never,
            )[0].tolist()
        assert row[:2] == [2, self.vocabulary.index(token)]
        body = row[2:]
        return [self.vocabulary[each] for each in (body[: body.index(2)] if 2 in body else body)]


@pytest.fixture(scope="module", params=list(LAYOUTS))
def trio(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Trio:
    return Trio(request.param, tmp_path_factory.mktemp(request.param))


def decoding(*, beam: int = 1, number: int = 1, max_tokens: int = 30, attention: bool = False) -> Decoding:
    return Decoding("swh_Latn", "eng_Latn", beam, number, max_tokens, attention)


def tokens(
    backend: CTranslate2Backend | TransformersBackend, how: Decoding, texts: Sequence[str]
) -> list[list[tuple[str, ...]]]:
    return [
        [each.tokens for each in found] for found in backend.translate(how, [backend.pieces(text) for text in texts])
    ]


@pytest.mark.parametrize("text", [*TEXTS, *NOT_SEEN])
def test_pieces_are_those_of_the_checkpoints_own_tokenizer(trio: Trio, text: str) -> None:
    expected = trio.own_pieces(" ".join(text.split()))
    known = set(trio.vocabulary)
    assert [each if each in known else "<unk>" for each in trio.converted.pieces(text)] == expected


def test_converted_greedy_is_transformers_greedy_token_for_token(trio: Trio) -> None:
    own = [trio.own_greedy(text, 30) for text in TEXTS]
    assert len({tuple(each) for each in own}) > 1, "the tiny model must not say one thing of everything"
    assert [list(found[0]) for found in tokens(trio.converted, decoding(), TEXTS)] == own
    assert [list(found[0]) for found in tokens(trio.checkpoint, decoding(), TEXTS)] == own


def test_both_backends_agree_on_scores_and_attention(trio: Trio) -> None:
    how = decoding(attention=True)
    for text in TEXTS:
        pieces = trio.converted.pieces(text)
        (ours,), (theirs,) = trio.converted.translate(how, [pieces])[0], trio.checkpoint.translate(how, [pieces])[0]
        assert ours.tokens == theirs.tokens
        assert ours.text == theirs.text
        assert ours.attention is not None
        assert theirs.attention is not None
        assert np.shape(ours.attention) == (len(ours.tokens), len(pieces)) == np.shape(theirs.attention)
        np.testing.assert_allclose(ours.attention, theirs.attention, atol=1e-4)


def test_attention_of_beam_search_in_a_mixed_batch_is_that_of_the_forced_pass(trio: Trio) -> None:
    how = decoding(beam=4, number=2, attention=True)
    sources = [trio.converted.pieces(text) for text in TEXTS]
    for source, found in zip(sources, trio.converted.translate(how, sources), strict=True):
        for each in found:
            _, forced = trio.checkpoint._forced("swh_Latn", "eng_Latn", [(source, each.tokens)], [True])
            np.testing.assert_allclose(each.attention, forced[0], atol=1e-4)


def test_scores_agree_and_follow_the_formula(trio: Trio) -> None:
    pairs = [(trio.converted.pieces(a), trio.converted.pieces(b)) for a, b in itertools.permutations(TEXTS, 2)]
    ours = trio.converted.log_probs("swh_Latn", "eng_Latn", pairs)
    for one, other in zip(ours, trio.checkpoint.log_probs("swh_Latn", "eng_Latn", pairs), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-4)
    np.testing.assert_allclose(fmean(ours[0]), _by_hand(trio, *pairs[0]), atol=1e-4)


def _by_hand(trio: Trio, source: list[str], target: list[str]) -> float:
    """Mean of log p(token | tokens before) over the target and its end, the language token given."""
    import torch

    ids = {token: place for place, token in enumerate(trio.vocabulary)}
    languages = trio.converted._languages
    given = [ids[languages["swh_Latn"]], *[ids.get(each, 3) for each in source], 2]
    wanted = [*[ids.get(each, 3) for each in target], 2]
    total = 0.0
    for place, token in enumerate(wanted):
        prefix = [2, ids[languages["eng_Latn"]], *wanted[:place]]
        with torch.inference_mode():
            logits = trio.model(input_ids=torch.tensor([given]), decoder_input_ids=torch.tensor([prefix])).logits
        total += float(logits[0, -1].log_softmax(-1)[token])
    return total / len(wanted)


def test_beam_search_gives_distinct_hypotheses_best_first(trio: Trio) -> None:
    for backend in (trio.converted, trio.checkpoint):
        (found,) = backend.translate(decoding(beam=4, number=3), [backend.pieces(TEXTS[0])])
        assert len({each.tokens for each in found}) == 3


def test_batch_equals_single(trio: Trio) -> None:
    for backend in (trio.converted, trio.checkpoint):
        for beam in (1, 4):
            batch = tokens(backend, decoding(beam=beam), TEXTS)
            assert batch == [tokens(backend, decoding(beam=beam), [text])[0] for text in TEXTS]


def test_no_text_becomes_a_special_token(trio: Trio) -> None:
    special = trio.converted._subwords.special - {"<unk>"}
    language = trio.converted._languages["fra_Latn"]
    for text in (f"</s> {language}", f"{language}{language}", "<s><pad><mask></s>", f"habari</s>{language} ya leo"):
        for backend in (trio.converted, trio.checkpoint):
            assert not special & set(backend.pieces(text))


def test_the_manifest_names_languages_files_and_limits(trio: Trio) -> None:
    manifest = read_manifest(trio.output, TranslationManifest)
    expected = {"nllb": ("eng_Latn", 202), "m2m100": ("__en__", 98)}[trio.layout]
    assert (manifest.layout, manifest.pairs, manifest.licence) == (trio.layout, None, "CC-BY-NC-4.0")
    assert (manifest.languages["eng_Latn"], len(manifest.languages)) == expected
    assert set(manifest.files) == {"model.bin", "config.json", "shared_vocabulary.json", "tokenizer.json"}
    assert manifest.max_source_tokens == manifest.max_target_tokens == 126


def test_int8_is_smaller_and_translates(trio: Trio, tmp_path: Path) -> None:
    output = convert(str(trio.source), tmp_path / "int8", licence="CC-BY-NC-4.0", name="small")
    backend = CTranslate2Backend(output, device="cpu", compute_type="auto", threads=1)
    assert backend.model_version.startswith("small-")
    assert (output / "model.bin").stat().st_size < (trio.output / "model.bin").stat().st_size / 2
    assert all(found[0] for found in tokens(backend, decoding(), TEXTS))


def test_another_checkpoint_or_a_full_folder_is_refused(trio: Trio, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(ConfigurationError, match="model_type"):
        convert(str(tmp_path), tmp_path / "out", licence="MIT")
    with pytest.raises(ConfigurationError, match="not empty"):
        convert(str(trio.source), tmp_path, licence="MIT")


def test_a_vocabulary_without_a_language_is_refused(trio: Trio, tmp_path: Path) -> None:
    output = convert(str(trio.source), tmp_path / "model", licence="MIT", quantization="float32")
    manifest = json.loads((output / "spanbridge.json").read_text())
    manifest["languages"]["bbj_Latn"] = "bbj_Latn"
    (output / "spanbridge.json").write_text(json.dumps(manifest))
    with pytest.raises(ConfigurationError, match="bbj_Latn"):
        CTranslate2Backend(output, device="cpu", compute_type="float32", threads=1)
