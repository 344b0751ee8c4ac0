"""The command line: `python -m training.aligner <stage> --work WORK`."""

import argparse
import json
import logging
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from training.aligner.recipe import DEFAULT_RECIPE, Recipe, load_recipe
from training.nmt.errors import EXPECTED, StageError
from training.nmt.stages import run_stage

logger = logging.getLogger("training.aligner")

Command = Callable[[argparse.Namespace, Recipe], None]


def _prepare(arguments: argparse.Namespace, recipe: Recipe) -> None:
    from training.aligner.prepare import prepare

    corpora = [arguments.data / "parallel" / f"{name}.tsv.xz" for name in recipe.prepare.corpora]
    run_stage(
        arguments.work / "prepared",
        inputs=[*corpora, arguments.data / "mt_dev"],
        options=recipe.options("prepare"),
        build=lambda output: prepare(arguments.data, recipe.prepare, output),
        force=arguments.force,
    )


def _link(arguments: argparse.Namespace, recipe: Recipe) -> None:
    from training.aligner.link import link
    from training.aligner.prepare import PAIRS
    from training.encoder.stages import Stamp, fingerprints
    from training.encoder.stages import run_stage as run_resumable

    prepared = arguments.work / "prepared"
    run_resumable(
        arguments.work / "linked",
        Stamp("link", recipe.options("link"), fingerprints(prepared, [prepared / PAIRS])),
        lambda output: link(prepared, frozenset(recipe.link.known), output),
        force=arguments.force,
    )


def _encode(arguments: argparse.Namespace, recipe: Recipe) -> None:
    from training.aligner.encode import Sources, encode

    align = arguments.data / "align"
    folders = (
        arguments.work / "prepared",
        arguments.work / "linked",
        arguments.full,
        arguments.shared,
        arguments.counts,
    )
    checks = [path for pattern in recipe.encode.checks for path in sorted(align.glob(pattern))]
    run_stage(
        arguments.work / "encoded",
        inputs=[*folders, *checks],
        options=recipe.options("encode") | recipe.options("link"),
        build=lambda output: encode(Sources(*folders, align), recipe.encode, frozenset(recipe.link.known), output),
        force=arguments.force,
    )


def _train(arguments: argparse.Namespace, recipe: Recipe) -> None:
    from training.aligner.train import train

    encoded = arguments.encoded or arguments.work / "encoded"
    done = train(
        recipe.train,
        encoded,
        arguments.work / "trained",
        minutes=arguments.minutes,
        anneal=arguments.anneal,
        sample=arguments.sample,
    )
    if not done:
        logger.info("stopped by the time budget: run again to go on")


def _pack(arguments: argparse.Namespace, recipe: Recipe) -> None:
    import torch

    from training.aligner.carried import META
    from training.aligner.parcel import pack
    from training.aligner.train import FINAL, snapshot_name

    encoded = arguments.encoded or arguments.work / "encoded"
    name = FINAL if arguments.step is None else snapshot_name(arguments.step)
    trained = arguments.work / "trained" / name
    if not trained.is_file():
        raise StageError(f"there is no {name}: run `train` first")
    weights = torch.load(trained, map_location="cpu", weights_only=True)
    config = json.loads((encoded / META).read_text("utf-8"))["config"]
    vocabulary = len(weights["embeddings.word_embeddings.weight"])
    config |= {"num_hidden_layers": recipe.train.layers, "vocab_size": vocabulary}
    pack(weights, {"config": config}, arguments.parcel)


def _unpack(arguments: argparse.Namespace, recipe: Recipe) -> None:
    from training.aligner.parcel import unpack

    run_stage(
        arguments.work / "checkpoint",
        inputs=[arguments.parcel, arguments.shared / "tokenizer.json"],
        options={},
        build=lambda output: unpack(arguments.parcel, arguments.shared / "tokenizer.json", output),
        force=arguments.force,
    )


_STAGES: dict[str, tuple[Command, str, tuple[str, ...]]] = {
    "prepare": (_prepare, "choose pairs of DATA/parallel and cut them into words", ("data",)),
    "link": (_link, "word links by eflomal", ()),
    "encode": (_encode, "gather all that training reads in a small folder", ("data", "full", "shared", "counts")),
    "train": (_train, "train, or go on training", ("encoded", "minutes", "sample")),
    "pack": (_pack, "trained weights as int8 in small files, to carry them", ("encoded", "parcel", "step")),
    "unpack": (_unpack, "a checkpoint for `training.encoder convert` of such files", ("shared", "parcel")),
}
_OPTIONS: dict[str, tuple[type, str]] = {
    "data": (Path, "the folder with parallel, mt_dev and align"),
    "full": (Path, "checkpoint of `training.encoder rebuild`"),
    "shared": (Path, "checkpoint of `training.encoder prune`"),
    "counts": (Path, "folder of `training.encoder count`"),
    "encoded": (Path, "the folder of `encode`, where it is not WORK's"),
    "parcel": (Path, "the folder of the small files"),
    "minutes": (float, "stop after so long; run again to go on"),
    "step": (int, "pack the snapshot of this step instead of the last"),
    "sample": (int, "train on every n-th pair alone, to try things"),
}
_OPTIONAL = frozenset({"encoded", "minutes", "sample", "step"})


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training.aligner", description=__doc__)
    stages = parser.add_subparsers(dest="stage", required=True)
    for name, (_, purpose, options) in _STAGES.items():
        stage = stages.add_parser(name, help=purpose, description=purpose)
        stage.add_argument("--work", type=Path, required=True, help="the folder of this run")
        stage.add_argument("--recipe", type=Path, default=DEFAULT_RECIPE, help="TOML with the hyper-parameters")
        stage.add_argument("--force", action="store_true", help="do it again even when it is up to date")
        if name == "train":
            stage.add_argument(
                "--anneal", action="store_true", help="end the run in --minutes, its rate falling to zero"
            )
        for option in options:
            kind, text = _OPTIONS[option]
            stage.add_argument(f"--{option}", type=kind, required=option not in _OPTIONAL, help=text)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one stage; 1 and one line on stderr for what the recipe expects to go wrong."""
    arguments = _parser().parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    command, _, _ = _STAGES[arguments.stage]
    try:
        command(arguments, load_recipe(arguments.recipe))
    except EXPECTED as failure:
        logger.error("%s: %s", type(failure).__name__, failure)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
