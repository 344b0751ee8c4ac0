"""The command line: `python -m training.teacher <stage> --work WORK`."""

import argparse
import logging
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from training.nmt.errors import EXPECTED
from training.nmt.stages import run_stage, write_json
from training.teacher.recipe import DEFAULT_RECIPE, Recipe, load_recipe

logger = logging.getLogger("training.teacher")

Command = Callable[[argparse.Namespace, Path, Recipe], None]


def _prepare(arguments: argparse.Namespace, work: Path, recipe: Recipe) -> None:
    from training.teacher.prepare import prepare

    run_stage(
        work / "prepared",
        inputs=[arguments.data / "ner" / "english", arguments.data / "parallel"],
        options=recipe.options("prepare") | recipe.options("align"),
        build=lambda output: prepare(arguments.data, recipe.prepare, recipe.align.extra_pairs, output),
        force=arguments.force,
    )


def _translate(arguments: argparse.Namespace, work: Path, recipe: Recipe) -> None:
    from training.teacher.translate import translate

    run_stage(
        work / "translated",
        inputs=[arguments.data / "ner" / "masakhaner2", arguments.nmt],
        options=recipe.options("translate"),
        build=lambda output: translate(arguments.data, arguments.nmt, recipe.prepare, recipe.translate, output),
        force=arguments.force,
    )


def _pair_files(work: Path) -> list[Path]:
    from training.teacher.pairs import PAIRS

    return [work / "prepared" / PAIRS, work / "translated" / PAIRS]


def _align(arguments: argparse.Namespace, work: Path, recipe: Recipe) -> None:
    from training.teacher.align import align
    from training.teacher.pairs import STATISTICS

    run_stage(
        work / "aligned",
        inputs=[work / "prepared", work / "translated"],
        options=recipe.options("align"),
        build=lambda output: align(_pair_files(work), work / "prepared" / STATISTICS, recipe.align, output),
        force=arguments.force,
    )


def _encode(arguments: argparse.Namespace, work: Path, recipe: Recipe) -> None:
    from training.teacher.encode import encode

    run_stage(
        work / "encoded",
        inputs=[
            *(work / stage for stage in ("prepared", "translated", "aligned")),
            arguments.checkpoint,
            *([arguments.texts] if arguments.texts else []),
        ],
        options={},
        build=lambda output: encode(
            work / "prepared",
            _pair_files(work),
            work / "aligned",
            arguments.data,
            arguments.checkpoint,
            output,
            texts=arguments.texts,
        ),
        force=arguments.force,
    )


def _train(arguments: argparse.Namespace, work: Path, recipe: Recipe) -> None:
    import shutil

    from training.teacher.train import train

    if arguments.force:
        shutil.rmtree(work / "trained", ignore_errors=True)
    train(
        recipe,
        arguments.encoded or work / "encoded",
        work / "trained",
        minutes=arguments.minutes,
        start=arguments.start,
        labellers=arguments.labeller,
    )


def _pack(arguments: argparse.Namespace, work: Path, recipe: Recipe) -> None:
    from training.teacher.parcel import pack

    pack(work / "trained", arguments.parcel)


def _unpack(arguments: argparse.Namespace, work: Path, recipe: Recipe) -> None:
    from training.teacher.parcel import unpack

    unpack(arguments.parcel, work / "trained")


def _convert(arguments: argparse.Namespace, work: Path, recipe: Recipe) -> None:
    from training.teacher.calibrate import CALIBRATION, calibrate
    from training.teacher.convert import convert, set_temperature
    from training.teacher.train import FINAL

    def build(output: Path) -> None:
        convert(work / "trained", work / "encoded", arguments.checkpoint, recipe.convert, output / "model")
        found = calibrate(output / "model", arguments.data, recipe.convert.threads)
        set_temperature(output / "model", float(str(found["temperature"])))
        write_json(output / CALIBRATION, found)

    run_stage(
        work / "converted",
        inputs=[work / "trained" / FINAL, work / "encoded", arguments.checkpoint / "tokenizer.json"],
        options=recipe.options("convert"),
        build=build,
        force=arguments.force,
    )


def _evaluate(arguments: argparse.Namespace, work: Path, recipe: Recipe) -> None:
    from training.teacher.evaluate import TABLE, evaluate

    model = arguments.model or work / "converted" / "model"
    run_stage(
        work / "evaluated",
        inputs=[model, arguments.data / "ner"],
        options={"spacy": arguments.spacy, "held_out": recipe.prepare.held_out},
        build=lambda output: evaluate(
            model,
            arguments.data,
            recipe.prepare.held_out,
            output,
            spacy=arguments.spacy,
            threads=recipe.convert.threads,
        ),
        force=arguments.force,
    )
    sys.stdout.write((work / "evaluated" / TABLE).read_text(encoding="utf-8"))


def _card(arguments: argparse.Namespace, work: Path, recipe: Recipe) -> None:
    from training.teacher.card import card

    arguments.out.write_text(card(work, arguments.data), encoding="utf-8")


_STAGES: dict[str, tuple[Command, str]] = {
    "prepare": (_prepare, "labelled English with noisy copies, and sentence pairs"),
    "translate": (_translate, "English that a translation model makes of unlabelled sentences"),
    "align": (_align, "word links of all pairs, by eflomal"),
    "encode": (_encode, "everything as sub-word ids in one small file, and the starting weights"),
    "train": (_train, "train, or go on training"),
    "pack": (_pack, "trained weights as int8 in small files, to carry them from another machine"),
    "unpack": (_unpack, "the weights of such files as the final weights of WORK"),
    "convert": (_convert, "write the folder that the service loads, with its temperature"),
    "evaluate": (_evaluate, "F1 on English sets and MasakhaNER 2's development sets"),
    "card": (_card, "the model card's tables"),
}
_READS_DATA = ("prepare", "translate", "encode", "convert", "evaluate", "card")
_NEEDS_CHECKPOINT = ("encode", "convert")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training.teacher", description=__doc__)
    stages = parser.add_subparsers(dest="stage", required=True)
    for name, (_, purpose) in _STAGES.items():
        stage = stages.add_parser(name, help=purpose, description=purpose)
        stage.add_argument("--work", type=Path, required=True, help="the folder of this run")
        stage.add_argument("--recipe", type=Path, default=DEFAULT_RECIPE, help="TOML with the hyper-parameters")
        stage.add_argument("--force", action="store_true", help="do it again even when it is up to date")
        if name in _READS_DATA:
            stage.add_argument("--data", type=Path, required=True)
        if name in _NEEDS_CHECKPOINT:
            stage.add_argument("--checkpoint", type=Path, required=True, help="the pruned encoder, or a served tagger")
        if name == "encode":
            stage.add_argument("--texts", type=Path, help="LANG.txt of unlabelled words, as training.student selects")
        if name == "translate":
            stage.add_argument("--nmt", type=Path, default=Path("models/nmt"), help="a converted translation model")
        if name == "train":
            stage.add_argument("--minutes", type=float, help="stop after so long; run again to go on")
            stage.add_argument("--encoded", type=Path, help="what to read instead of WORK's")
            stage.add_argument("--start", type=Path, help="a served tagger to start from")
            stage.add_argument(
                "--labeller", type=Path, action="append", default=[], help="a served tagger that labels; repeatable"
            )
        if name in ("pack", "unpack"):
            stage.add_argument("--parcel", type=Path, required=True, help="the folder of the small files")
        if name == "card":
            stage.add_argument("--out", type=Path, required=True, help="the Markdown file to write")
        if name == "evaluate":
            stage.add_argument("--model", type=Path, help="a converted folder to use instead of WORK's")
            stage.add_argument("--spacy", default="", help="a spaCy model to score beside it on English")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one stage; 1 and one line on stderr for what the recipe expects to go wrong."""
    arguments = _parser().parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    command, _ = _STAGES[arguments.stage]
    try:
        command(arguments, arguments.work, load_recipe(arguments.recipe))
    except EXPECTED as failure:
        logger.error("%s: %s", type(failure).__name__, failure)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
