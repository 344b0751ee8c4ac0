"""The command line: `python -m training.check [--data DATA]`; exits with 1 where something is not as it should be."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from training.check.figures import check_figures, read_figures
from training.check.findings import table
from training.check.folders import check_folders


def main(argv: Sequence[str] | None = None) -> int:
    """Print the table of findings; figures are measured again only where `--data` says on what."""
    parser = argparse.ArgumentParser(prog="python -m training.check", description=__doc__)
    parser.add_argument("--models", type=Path, default=Path("models"))
    parser.add_argument("--data", type=Path, help="the folder with mt_dev, align and ner: the cards' figures, again")
    arguments = parser.parse_args(argv)
    figures = read_figures(arguments.models)
    findings = check_folders(arguments.models)
    if arguments.data is not None:
        findings += check_figures(arguments.models, arguments.data, figures)
    sys.stdout.write(table(findings))
    if arguments.data is None:
        sys.stdout.write(f"with DATA=folder, {len(figures)} figures of the cards are measured again\n")
    return 0 if all(each.met for each in findings) else 1


if __name__ == "__main__":
    sys.exit(main())
