"""The command line: `python -m training.student <stage> --work WORK`."""

import argparse
import logging
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from training.nmt.errors import EXPECTED
from training.nmt.stages import run_stage

logger = logging.getLogger("training.student")

SENTENCES, MIN_WORDS, MAX_WORDS, SEED = 3000, 4, 60, 0
BEAM, BATCH_TOKENS = 4, 24_576
NO_ENGLISH = ("bbj",)
"""Languages that models/nmt has no English for."""


def _select(arguments: argparse.Namespace) -> None:
    from training.student.texts import select

    options = {
        "sentences": arguments.sentences,
        "min_words": MIN_WORDS,
        "max_words": MAX_WORDS,
        "seed": SEED,
        "leave_out": NO_ENGLISH,
    }
    run_stage(
        arguments.work / "selected",
        inputs=[arguments.data / "ner" / "masakhaner2"],
        options=options,
        build=lambda output: select(arguments.data, output, **options),
        force=arguments.force,
    )


def _translate(arguments: argparse.Namespace) -> None:
    from training.student.translate import translate

    options = {"beam": BEAM, "batch_tokens": BATCH_TOKENS, "minutes": arguments.minutes}
    run_stage(
        arguments.work / "translated",
        inputs=[arguments.work / "selected", arguments.nmt],
        options=options,
        build=lambda output: translate(arguments.work / "selected", arguments.nmt, output, **options),
        force=arguments.force,
    )


_STAGES: dict[str, tuple[Callable[[argparse.Namespace], None], str]] = {
    "select": (_select, "choose unlabelled sentences of each language"),
    "translate": (_translate, "translate them to English, on a GPU where there is one"),
}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training.student", description=__doc__)
    stages = parser.add_subparsers(dest="stage", required=True)
    for name, (_, purpose) in _STAGES.items():
        stage = stages.add_parser(name, help=purpose, description=purpose)
        stage.add_argument("--work", type=Path, required=True, help="the folder of this run")
        stage.add_argument("--force", action="store_true", help="do it again even when it is up to date")
        if name == "select":
            stage.add_argument("--data", type=Path, required=True, help="the folder with ner/masakhaner2")
            stage.add_argument("--sentences", type=int, default=SENTENCES, help="of each language, at most")
        else:
            stage.add_argument("--nmt", type=Path, default=Path("models/nmt"), help="the translation model")
            stage.add_argument("--minutes", type=float, help="leave out the longest sentences after so long")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one stage; 1 and one line on stderr for what the recipe expects to go wrong."""
    arguments = _parser().parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    command, _ = _STAGES[arguments.stage]
    try:
        command(arguments)
    except EXPECTED as failure:
        logger.error("%s: %s", type(failure).__name__, failure)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
