"""Stage `convert`: the trained tagger as the folder that the NER teacher service loads."""

import json
import shutil
import tempfile
from pathlib import Path

import torch
from tokenizers import Tokenizer
from transformers import BertConfig, BertForTokenClassification, PreTrainedTokenizerFast

from spanbridge_ner_teacher.backends.convert import convert as convert_checkpoint
from training.nmt.stages import sha256, write_json
from training.teacher.arrays import META
from training.teacher.english import TAGS
from training.teacher.recipe import ConvertRecipe
from training.teacher.train import FINAL

MANIFEST = "spanbridge.json"
VOCABULARY = "vocabulary.json"


def save_checkpoint(trained: Path, encoded: Path, tokenizer_file: Path, max_tokens: int, folder: Path) -> None:
    """Write a transformers token-classification folder."""
    config = json.loads((encoded / META).read_text(encoding="utf-8"))["config"]
    config.pop("architectures", None)
    names = dict(enumerate(TAGS))
    weights = torch.load(trained / FINAL, map_location="cpu", weights_only=True)
    layers = len({name.split(".")[3] for name in weights if name.startswith("encoder.encoder.layer.")})
    settings = {key: value for key, value in config.items() if key not in ("id2label", "label2id", "num_labels")}
    settings["num_hidden_layers"] = layers
    bert = BertConfig(**settings, id2label=names, label2id={tag: number for number, tag in names.items()})
    model = BertForTokenClassification(bert)
    renamed = {
        name.replace("encoder.", "bert.", 1) if name.startswith("encoder.") else name.replace("head.", "classifier."): v
        for name, v in weights.items()
    }
    model.load_state_dict(renamed, strict=True)
    model.save_pretrained(folder)
    write_json(folder / "config.json", {**model.config.to_dict(), "position_embedding_type": "absolute"})
    PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer.from_file(str(tokenizer_file)),
        model_max_length=max_tokens,
        bos_token="<s>", pad_token="<pad>", eos_token="</s>", unk_token="<unk>",
    ).save_pretrained(folder)  # fmt: skip


def convert(trained: Path, encoded: Path, checkpoint: Path, recipe: ConvertRecipe, output: Path) -> None:
    """Write encoder, head, tokenizer and manifest to the new folder `output`; `checkpoint` holds `tokenizer.json`."""
    output.mkdir(parents=True)
    tokenizer_file = checkpoint / "tokenizer.json"
    with tempfile.TemporaryDirectory(dir=output) as scratch:
        tagger, converted = Path(scratch, "tagger"), Path(scratch, "converted")
        save_checkpoint(trained, encoded, tokenizer_file, recipe.max_tokens, tagger)
        convert_checkpoint(
            str(tagger),
            converted,
            quantization=recipe.quantization,
            licence=recipe.licence,
            name=recipe.name,
        )
        for path in converted.iterdir():
            path.replace(output / path.name)
    shutil.copyfile(tokenizer_file, output / "tokenizer.json")
    _compact(output / VOCABULARY)
    _renew_checksums(output)


def set_temperature(folder: Path, temperature: float) -> None:
    """Write a temperature into a folder's manifest."""
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    write_json(folder / MANIFEST, manifest | {"temperature": temperature})


def _compact(path: Path) -> None:
    """Rewrite CTranslate2's vocabulary without indentation or escapes: it is a third of its size then."""
    pieces = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(pieces, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")


def _renew_checksums(folder: Path) -> None:
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    files = {name: sha256(folder / name) for name in sorted(manifest["files"])}
    write_json(folder / MANIFEST, manifest | {"files": files})
