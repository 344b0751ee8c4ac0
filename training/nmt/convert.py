"""From a trained network to the folder that the translation service reads."""

import json
import logging
import shutil
from collections.abc import Sequence
from pathlib import Path

from ctranslate2.converters.transformers import M2M100Loader
from tokenizers import Tokenizer
from transformers import M2M100ForConditionalGeneration

from training.nmt.corpus import META
from training.nmt.errors import ModelFileError, StageError
from training.nmt.layout import BOS, EOS, UNK
from training.nmt.manifest import write_manifest
from training.nmt.recipe import ConvertRecipe, Recipe

logger = logging.getLogger(__name__)


def vocabulary_of(tokenizer_file: Path) -> list[str]:
    """The tokens of a tokenizer.json in id order."""
    tokenizer = Tokenizer.from_file(str(tokenizer_file))
    size = tokenizer.get_vocab_size()
    tokens = [token for index in range(size) if (token := tokenizer.id_to_token(index)) is not None]
    if len(tokens) != size:
        raise ModelFileError(f"{tokenizer_file.name} has gaps in its ids")
    return tokens


def write_ctranslate2(
    network: M2M100ForConditionalGeneration, tokens: Sequence[str], recipe: ConvertRecipe, output: Path
) -> None:
    """Write model.bin, config.json and shared_vocabulary.json.

    The library's own converter wants a transformers tokenizer; tokens are given here instead.
    """
    if network.config.vocab_size != len(tokens):
        raise ModelFileError(f"the network has {network.config.vocab_size} tokens, the tokenizer {len(tokens)}")
    loader = M2M100Loader()
    spec = loader.get_model_spec(network.eval())
    loader.set_vocabulary(spec, list(tokens))
    spec.config.bos_token, spec.config.eos_token, spec.config.unk_token = BOS, EOS, UNK
    spec.config.decoder_start_token = EOS
    spec.validate()
    spec.optimize(quantization=recipe.quantization)
    spec.save(str(output))


def trained_pairs(encoded: Path) -> list[tuple[str, str]]:
    """The (language, pivot) pairs that have at least one training sentence."""
    shards = json.loads((encoded / META).read_text(encoding="utf-8"))["shards"]
    return [(name.split("-")[0], name.split("-")[1]) for name, count in sorted(shards.items()) if count["pairs"]]


def convert(recipe: Recipe, final: Path, tokenizer_file: Path, encoded: Path, output: Path) -> None:
    """Fill `output` with the CTranslate2 model, its tokenizer and its manifest."""
    if not final.is_dir():
        raise StageError("training has not finished: run `train` until it says so")
    network = M2M100ForConditionalGeneration.from_pretrained(final)
    write_ctranslate2(network, vocabulary_of(tokenizer_file), recipe.convert, output)
    shutil.copyfile(tokenizer_file, output / "tokenizer.json")
    write_manifest(output, recipe.convert, trained_pairs(encoded), recipe.train.widths[-1])
    logger.info("%s: model.bin has %.1f MB", recipe.convert.name, (output / "model.bin").stat().st_size / 1e6)
