"""Stage `prune`: a smaller vocabulary and fewer layers, the kept weights unchanged."""

import copy
import json
import tomllib
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import cast

import torch
from tokenizers import Tokenizer
from transformers import BertModel

from training.encoder.count import COUNTS_NAME, read_table
from training.encoder.rebuild import save_checkpoint
from training.encoder.selection import VocabularyRecipe, piece_rates, select
from training.encoder.stages import Stamp, checkpoint_files, fingerprints, run_stage, write_json
from training.encoder.tokenizer import ScoredPiece, build_tokenizer, save_tokenizer


def read_recipe(path: Path) -> VocabularyRecipe:
    """Read a vocabulary recipe; an unknown or missing key raises TypeError."""
    return VocabularyRecipe(**tomllib.loads(path.read_text("utf-8")))


def prune(
    checkpoint: Path, counts: Path, out: Path, recipe: VocabularyRecipe, layers: int, *, force: bool = False
) -> bool:
    """Write the pruned checkpoint `out`, with `selection.json` telling how the pieces were chosen."""
    inputs = fingerprints(checkpoint, checkpoint_files(checkpoint)) | fingerprints(counts, [counts / COUNTS_NAME])
    stamp = Stamp("prune", {**asdict(recipe), "layers": layers}, inputs)
    return run_stage(out, stamp, partial(_build, checkpoint, counts, recipe, layers), force=force)


def _build(checkpoint: Path, counts: Path, recipe: VocabularyRecipe, layers: int, folder: Path) -> None:
    pieces = scored_pieces(Tokenizer.from_file(str(checkpoint / "tokenizer.json")))
    chosen = select(pieces, piece_rates(pieces, read_table(counts / COUNTS_NAME), recipe), size=recipe.size)
    save_checkpoint(prune_model(BertModel.from_pretrained(checkpoint), chosen.kept, layers), folder)
    save_tokenizer(build_tokenizer([pieces[i] for i in chosen.kept]), folder)
    write_json(folder / "selection.json", {"layers": layers, "by_rule": chosen.by_rule, "kept": chosen.kept})


def scored_pieces(tokenizer: Tokenizer) -> list[ScoredPiece]:
    """Return a Unigram tokenizer's pieces and scores by id."""
    return [(piece, score) for piece, score in json.loads(tokenizer.to_str())["model"]["vocab"]]


def prune_model(model: BertModel, kept: list[int], layers: int) -> BertModel:
    """Return a copy with the embedding rows `kept`, in that order, and the first `layers` layers.

    The copy's last hidden state is the original's hidden state number `layers` (0 being the embeddings).
    """
    if not 1 <= layers <= model.config.num_hidden_layers:
        raise ValueError(f"layers must be 1 to {model.config.num_hidden_layers}, got {layers}")
    config = copy.deepcopy(model.config)
    config.num_hidden_layers = layers
    config.vocab_size = len(kept)
    pruned = BertModel(config).eval()
    weights = {name: value for name, value in model.state_dict().items() if name in pruned.state_dict()}
    rows = cast(torch.nn.Embedding, model.embeddings.word_embeddings).weight.detach()
    weights["embeddings.word_embeddings.weight"] = rows[torch.tensor(kept)].clone()
    pruned.load_state_dict(weights, strict=True)
    return pruned
