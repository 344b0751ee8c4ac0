"""From a sentencepiece BPE model to `tokenizer.json`: the one function that made models/nmt/tokenizer.json.

The result gives the ids of sentencepiece (shifted into NLLB's layout) without sentencepiece. Text cannot inject
a special token: codes, `</s>` and the rest stand in the vocabulary but are neither added tokens nor the result
of a merge, so the text "eng_Latn" or "</s>" is split into ordinary pieces. The caller adds the language code
and `</s>` as tokens.
"""

import logging
from collections.abc import Iterable, Sequence
from pathlib import Path

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers

from training.nmt.charsmap import BOUNDARY, decode_charsmap, unit_pattern
from training.nmt.layout import UNK, nllb_vocabulary
from training.nmt.recipe import TokenizerRecipe
from training.nmt.sentencepiece_model import SentencepieceModel, read_sentencepiece_model

logger = logging.getLogger(__name__)

_SPACE = "▁"
# NFKC composes each unit. It also folds the full-width tilde, which nmt_nfkc leaves alone: carried past it as a
# noncharacter. That noncharacter in a text becomes its neighbour: both are unknown to every model.
_TILDE, _TILDE_STAND_IN, _NEIGHBOUR = "\uff5e", "\ufdd0", "\ufdd1"


def merges(pieces: Sequence[str]) -> list[tuple[str, str]]:
    """Every way to join two pieces into a third, best piece first.

    sentencepiece stores no merge list: it joins whichever neighbours form the best piece. Example:
    `merges(["ab", "abc", "a", "b", "c", "bc"]) == [("a", "b"), ("a", "bc"), ("ab", "c"), ("b", "c")]`.
    """
    known = set(pieces)
    return [
        (piece[:cut], piece[cut:])
        for piece in pieces
        for cut in range(1, len(piece))
        if piece[:cut] in known and piece[cut:] in known
    ]


def normalizer(charsmap: bytes) -> normalizers.Normalizer:
    """sentencepiece's normalisation: the map, extra white space removed, a dummy prefix, and spaces shown as `▁`."""
    keys = decode_charsmap(charsmap)
    units = unit_pattern(key for key in keys if len(key) > 1)
    return normalizers.Sequence(
        [
            normalizers.Replace(_TILDE_STAND_IN, _NEIGHBOUR),
            normalizers.Replace(_TILDE, _TILDE_STAND_IN),
            normalizers.Replace(Regex(units), BOUNDARY),
            normalizers.NFKC(),
            normalizers.Precompiled(charsmap),
            normalizers.Replace(_TILDE_STAND_IN, _TILDE),
            normalizers.Replace(Regex("^ +| +$"), ""),
            normalizers.Replace(Regex(" {2,}"), " "),
            normalizers.Replace(" ", _SPACE),
            normalizers.Prepend(_SPACE),
        ]
    )


def build_tokenizer(model: SentencepieceModel, languages: Sequence[str]) -> Tokenizer:
    """The tokenizer in NLLB's layout; its ids are positions in `nllb_vocabulary(model.pieces, languages)`."""
    vocabulary = {token: index for index, token in enumerate(nllb_vocabulary(model.pieces, languages))}
    bpe = models.BPE(vocab=vocabulary, merges=merges(model.pieces), unk_token=UNK, fuse_unk=True)
    tokenizer = Tokenizer(bpe)
    tokenizer.normalizer = normalizer(model.charsmap)
    # No piece holds an inner ▁, so that cutting before each one changes nothing but the speed.
    tokenizer.pre_tokenizer = pre_tokenizers.Split(_SPACE, "merged_with_next")
    tokenizer.decoder = decoders.Metaspace(replacement=_SPACE, prepend_scheme="always")
    return tokenizer


def train_sentencepiece(sentences: Iterable[str], recipe: TokenizerRecipe, prefix: Path) -> Path:
    """Train the BPE and write `<prefix>.model`; the same sentences give the same file."""
    import sentencepiece

    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(sentences),
        model_prefix=str(prefix),
        model_type="bpe",
        vocab_size=recipe.pieces,
        character_coverage=recipe.character_coverage,
        max_sentence_length=recipe.max_line_bytes,
        normalization_rule_name="nmt_nfkc",
        num_threads=recipe.threads,
        minloglevel=1,
    )
    return prefix.with_name(prefix.name + ".model")


def write_tokenizer(sentencepiece_model: Path, languages: Sequence[str], output: Path) -> None:
    """Write `output` (tokenizer.json) for the model at `sentencepiece_model`."""
    tokenizer = build_tokenizer(read_sentencepiece_model(sentencepiece_model), languages)
    tokenizer.save(str(output), pretty=False)
    logger.info("%s: %d tokens", output.name, tokenizer.get_vocab_size())
