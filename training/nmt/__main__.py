"""The command line: `python -m training.nmt <stage> --data DATA --work WORK`."""

import argparse
import logging
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from training.nmt.errors import EXPECTED, StageError
from training.nmt.recipe import DEFAULT_RECIPE, Recipe, load_recipe
from training.nmt.stages import run_stage

logger = logging.getLogger("training.nmt")


@dataclass(frozen=True)
class Workspace:
    """The folders of a run: DATA is read, WORK holds one folder per stage."""

    data: Path
    work: Path

    def __getitem__(self, stage: str) -> Path:
        return self.work / stage

    @property
    def tokenizer_file(self) -> Path:
        return self.work / "tokenizer" / "tokenizer.json"


Command = Callable[[argparse.Namespace, Workspace, Recipe], None]


def _prepare(arguments: argparse.Namespace, space: Workspace, recipe: Recipe) -> None:
    from training.nmt.prepare import corpus_files, prepare

    held_out = [path for path in (space.data / "mt_dev",) if path.is_dir()]
    run_stage(
        space["prepared"],
        inputs=[*corpus_files(space.data, recipe.prepare), *held_out],
        options=recipe.options("prepare"),
        build=lambda output: prepare(space.data, recipe.prepare, output),
        force=arguments.force,
    )


def _tokenizer(arguments: argparse.Namespace, space: Workspace, recipe: Recipe) -> None:
    from training.nmt.encode import make_tokenizer

    run_stage(
        space["tokenizer"],
        inputs=[space["prepared"]],
        options=recipe.options("tokenizer"),
        build=lambda output: make_tokenizer(space["prepared"], recipe.tokenizer, output),
        force=arguments.force,
    )


def _link(arguments: argparse.Namespace, space: Workspace, recipe: Recipe) -> None:
    from training.nmt.links import link

    run_stage(
        space["linked"],
        inputs=[space["prepared"]],
        options=recipe.options("link"),
        build=lambda output: link(space["prepared"], recipe.link, output),
        force=arguments.force,
    )


def _encode(arguments: argparse.Namespace, space: Workspace, recipe: Recipe) -> None:
    from training.nmt.encode import encode

    options = recipe.options("encode") | {"max_pieces": recipe.train.widths[-1] - 2}
    tokenizer_file = arguments.tokenizer or space.tokenizer_file
    linked = [space["linked"]] if space["linked"].is_dir() else []
    run_stage(
        space["encoded"],
        inputs=[space["prepared"], *linked, tokenizer_file],
        options=options,
        build=lambda output: encode(space["prepared"], space["linked"], tokenizer_file, recipe, output),
        force=arguments.force,
    )


def _train(arguments: argparse.Namespace, space: Workspace, recipe: Recipe) -> None:
    import shutil

    from training.nmt.train import train

    if arguments.force and space["checkpoints"].exists():
        shutil.rmtree(space["checkpoints"])
    train(
        recipe,
        space["encoded"],
        space["checkpoints"],
        minutes=arguments.minutes,
        warm_start=arguments.warm_start,
    )


def _convert(arguments: argparse.Namespace, space: Workspace, recipe: Recipe) -> None:
    from training.nmt.convert import convert
    from training.nmt.train import FINAL

    if arguments.card and not space.data.is_dir():
        raise StageError("--card reads the licences in DATA/parallel/README.md: give --data too")
    final = space["checkpoints"] / FINAL
    tokenizer_file = arguments.tokenizer or space.tokenizer_file
    run_stage(
        space["model"],
        inputs=[final, tokenizer_file, space["encoded"]],
        options=recipe.options("convert"),
        build=lambda output: convert(recipe, final, tokenizer_file, space["encoded"], output),
        force=arguments.force,
    )
    if arguments.card:
        from training.nmt.card import card

        evaluation = space["evaluation"] if space["evaluation"].is_dir() else None
        arguments.card.write_text(card(space["model"], space["prepared"], evaluation, space.data), encoding="utf-8")


def _evaluate(arguments: argparse.Namespace, space: Workspace, recipe: Recipe) -> None:
    from training.nmt.evaluate import TABLE, evaluate

    model = arguments.model or space["model"]
    run_stage(
        space["evaluation"],
        inputs=[model, space.data / "mt_dev"],
        options=recipe.options("evaluate"),
        build=lambda output: evaluate(model, space.data, recipe.evaluate, output),
        force=arguments.force,
    )
    sys.stdout.write((space["evaluation"] / TABLE).read_text(encoding="utf-8"))


def _markers(arguments: argparse.Namespace, space: Workspace, recipe: Recipe) -> None:
    from spanbridge_shared.contracts.options import MarkerStyle
    from training.nmt.markers import TABLE, measure

    model, style = arguments.model or space["model"], MarkerStyle(arguments.style)
    run_stage(
        space["markers"],
        inputs=[model, space.data / "mt_dev"],
        options=recipe.options("evaluate") | {"style": style.value},
        build=lambda output: measure(model, space.data, recipe.evaluate, style, output),
        force=arguments.force,
    )
    sys.stdout.write((space["markers"] / TABLE).read_text(encoding="utf-8"))


def _pack(arguments: argparse.Namespace, space: Workspace, recipe: Recipe) -> None:
    from training.nmt.parcel import pack

    pack(space["checkpoints"], space["encoded"], recipe.train.average, arguments.parcel)


def _unpack(arguments: argparse.Namespace, space: Workspace, recipe: Recipe) -> None:
    from training.nmt.parcel import unpack

    unpack(arguments.parcel, recipe.model, space["checkpoints"], space["encoded"])


def _dequantise(arguments: argparse.Namespace, space: Workspace, recipe: Recipe) -> None:
    from training.nmt.dequantise import dequantise

    model_file = (arguments.model or space["model"]) / "model.bin"
    run_stage(
        space["dequantised"],
        inputs=[model_file],
        options={},
        build=lambda output: dequantise(model_file, output),
        force=arguments.force,
    )


_STAGES: dict[str, tuple[Command, str]] = {
    "prepare": (_prepare, "filter and de-duplicate DATA/parallel into shards"),
    "tokenizer": (_tokenizer, "learn the pieces and write tokenizer.json"),
    "link": (_link, "word links of the pairs of the corpora of [link], by eflomal (optional)"),
    "encode": (_encode, "tokenise the shards once"),
    "train": (_train, "train, or go on training"),
    "pack": (_pack, "trained weights as int8 in small files, to carry them from another machine"),
    "unpack": (_unpack, "the weights of such files as the final checkpoint of WORK"),
    "convert": (_convert, "write the CTranslate2 model with its manifest"),
    "evaluate": (_evaluate, "BLEU and chrF on DATA/mt_dev"),
    "markers": (_markers, "how many markers around names survive a translation of DATA/mt_dev"),
    "dequantise": (_dequantise, "a CTranslate2 model back to transformers float32"),
}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training.nmt", description=__doc__)
    stages = parser.add_subparsers(dest="stage", required=True)
    for name, (_, purpose) in _STAGES.items():
        stage = stages.add_parser(name, help=purpose, description=purpose)
        stage.add_argument(
            "--data", type=Path, required=name in ("prepare", "evaluate", "markers"), default=Path("DATA")
        )
        stage.add_argument("--work", type=Path, required=True, help="the folder of this run")
        stage.add_argument("--recipe", type=Path, default=DEFAULT_RECIPE, help="TOML with the hyper-parameters")
        stage.add_argument("--force", action="store_true", help="do it again even when it is up to date")
        if name in ("encode", "convert"):
            stage.add_argument("--tokenizer", type=Path, help="a tokenizer.json to use instead of WORK's")
        if name in ("evaluate", "markers", "dequantise"):
            stage.add_argument("--model", type=Path, help="a converted model to use instead of WORK's")
        if name == "markers":
            stage.add_argument("--style", choices=("brackets", "parentheses", "quotes"), default="brackets")
        if name == "train":
            stage.add_argument("--minutes", type=float, help="stop after so long; run again to go on")
            stage.add_argument("--warm-start", type=Path, help="a transformers folder to start from")
        if name in ("pack", "unpack"):
            stage.add_argument("--parcel", type=Path, required=True, help="the folder of the small files")
        if name == "convert":
            stage.add_argument("--card", type=Path, help="write the model card's tables to this file")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one stage; 1 and one line on stderr for what the recipe expects to go wrong."""
    arguments = _parser().parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    command, _ = _STAGES[arguments.stage]
    try:
        command(arguments, Workspace(arguments.data, arguments.work), load_recipe(arguments.recipe))
    except EXPECTED as failure:
        logger.error("%s: %s", type(failure).__name__, failure)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
