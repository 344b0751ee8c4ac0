"""Small checkpoints with the files, the tensor names and the shards of those that the full model set is made from.

Each function writes a folder named like its hub repository below `root` and returns it; all need the `convert` extra.
"""

import json
from pathlib import Path
from typing import Any

from tests.support.ner_checkpoint import Layout, make_token_classifier, sentences
from tests.unit.translation.tiny_checkpoints import nllb

NLLB_600M = "facebook/nllb-200-distilled-600M"
NLLB_3B = "facebook/nllb-200-3.3B"
CONLL = "FacebookAI/xlm-roberta-large-finetuned-conll03-english"
MBERT = "bert-base-multilingual-cased"
LABSE = "sentence-transformers/LaBSE"
_WIDTH, _LAYERS, _POSITIONS = 16, 12, 512


def make_nllb_600m(root: Path) -> Path:
    """One pytorch_model.bin, no safetensors; the tied embedding stands in it four times."""
    import torch

    folder = nllb(root / NLLB_600M)
    torch.save(_nllb_tensors(folder), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    return folder


def make_nllb_3b(root: Path) -> Path:
    """Three pytorch_model-0000N-of-00003.bin with an index."""
    import torch

    folder = nllb(root / NLLB_3B)
    tensors = _nllb_tensors(folder)
    names = sorted(tensors)
    places: dict[str, str] = {}
    for shard in range(3):
        file = f"pytorch_model-0000{shard + 1}-of-00003.bin"
        part = {name: tensors[name].clone() for name in names[shard::3]}
        torch.save(part, folder / file)
        places |= dict.fromkeys(part, file)
    total = sum(each.numel() * each.element_size() for each in tensors.values())
    _write(folder / "pytorch_model.bin.index.json", {"metadata": {"total_size": total}, "weight_map": places})
    (folder / "model.safetensors").unlink()
    return folder


def make_conll(root: Path) -> Path:
    """A trained teacher, in IOB1 with eight labels, as model.safetensors and as pytorch_model.bin."""
    import torch
    from safetensors.torch import load_file

    folder = make_token_classifier(root / CONLL, layout=Layout.XLM_ROBERTA)
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    return folder


def make_mbert(root: Path) -> Path:
    """A masked language model: the encoder below `bert.`, heads beside it, layer norms as gamma and beta."""
    from safetensors.torch import save_file
    from transformers import BertForMaskedLM

    folder = root / MBERT
    vocabulary = _write_bert_tokenizer(folder)
    encoder, config = _bert(len(vocabulary))
    masked = BertForMaskedLM(config).state_dict()
    tensors = {f"bert.{name}": each for name, each in encoder.state_dict().items()}
    tensors |= {name: each for name, each in masked.items() if name.startswith("cls.")}
    renamed = {_as_in_tensorflow(name): each.clone().contiguous() for name, each in tensors.items()}
    save_file(renamed, folder / "model.safetensors", metadata={"format": "pt"})
    told = config.to_dict() | {"architectures": ["BertForMaskedLM"], "directionality": "bidi", "model_type": "bert"}
    _write(folder / "config.json", told)
    return folder


def make_labse(root: Path) -> Path:
    """A BertModel with its pooler, and the modules of sentence-transformers beside it."""
    import torch
    from safetensors.torch import save_file

    folder = root / LABSE
    vocabulary = _write_bert_tokenizer(folder)
    encoder, _ = _bert(len(vocabulary))
    encoder.save_pretrained(folder)
    kinds = ["Transformer", "Pooling", "Dense", "Normalize"]
    modules = [
        {"idx": place, "name": str(place), "path": f"{place}_{kind}" if place else "",
         "type": f"sentence_transformers.models.{kind}"}
        for place, kind in enumerate(kinds)
    ]  # fmt: skip
    _write(folder / "modules.json", modules)
    _write(folder / "sentence_bert_config.json", {"max_seq_length": 256, "do_lower_case": False})
    _write(folder / "config_sentence_transformers.json", {"__version__": {"sentence_transformers": "2.0.0"}})
    _write(folder / "1_Pooling" / "config.json", {"word_embedding_dimension": _WIDTH, "pooling_mode_cls_token": True})
    dense = {"in_features": _WIDTH, "out_features": _WIDTH, "bias": True, "activation_function": "torch.nn.Tanh"}
    _write(folder / "2_Dense" / "config.json", dense)
    save_file(torch.nn.Linear(_WIDTH, _WIDTH).state_dict(), folder / "2_Dense" / "model.safetensors")
    return folder


def _nllb_tensors(folder: Path) -> dict[str, Any]:
    from transformers import AutoModelForSeq2SeqLM

    found: dict[str, Any] = AutoModelForSeq2SeqLM.from_pretrained(folder).state_dict()
    shared = found["model.shared.weight"]
    return found | {f"model.{each}.embed_tokens.weight": shared for each in ("encoder", "decoder")}


def _bert(n_pieces: int) -> tuple[Any, Any]:
    import torch
    from transformers import BertConfig, BertModel

    config = BertConfig(
        vocab_size=n_pieces, hidden_size=_WIDTH, num_hidden_layers=_LAYERS, num_attention_heads=2,
        intermediate_size=32, max_position_embeddings=_POSITIONS, initializer_range=0.5,
    )  # fmt: skip
    with torch.random.fork_rng():
        torch.manual_seed(11)
        encoder = BertModel(config).eval()
        with torch.no_grad():
            for weights in encoder.parameters():
                weights.add_(0.1 * torch.randn_like(weights))  # So that a layer norm that gets lost shows.
    return encoder, config


def _as_in_tensorflow(name: str) -> str:
    return name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta")


def _write_bert_tokenizer(folder: Path) -> list[str]:
    from transformers import BertTokenizerFast

    words = sorted({token for tokens, _ in sentences(0, 400) for token in tokens})
    letters = sorted({letter for word in words for letter in word})
    special = ["[PAD]", *[f"[unused{n}]" for n in range(1, 100)], "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    vocabulary = [*special, *dict.fromkeys([*letters, *(f"##{each}" for each in letters), *words])]
    tokenizer = BertTokenizerFast(vocab={each: n for n, each in enumerate(vocabulary)}, do_lower_case=False)
    tokenizer.model_max_length = _POSITIONS
    tokenizer.save_pretrained(folder)
    (folder / "vocab.txt").write_text("".join(f"{each}\n" for each in vocabulary), encoding="utf-8")
    _write(folder / "tokenizer_config.json", {"do_lower_case": False, "model_max_length": _POSITIONS})
    return vocabulary


def _write(path: Path, content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
