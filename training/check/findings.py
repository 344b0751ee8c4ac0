"""What was looked at, what was found, and what was wanted."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One line of the check; `wanted` is written as a reader would, `met` says whether it holds."""

    model: str
    what: str
    measured: str
    wanted: str
    met: bool


def at_most(model: str, what: str, measured: float, limit: float, unit: str) -> Finding:
    """Find a quantity that has an upper limit.

    >>> at_most("nmt", "size", 46.7, 60, "MB").met
    True
    """
    return Finding(model, what, f"{measured:,.5g} {unit}", f"at most {limit:,g} {unit}", measured <= limit)


def near(model: str, what: str, measured: float, value: float, within: float) -> Finding:
    """Find a figure that a card gives: it may be better or worse by `within`, since kernels differ between processors.

    >>> near("nmt", "BLEU", 14.3, 14.2, 0.3).met, near("nmt", "BLEU", 13.0, 14.2, 0.3).met
    (True, False)
    """
    return Finding(model, what, f"{measured:.4g}", f"{value:g} ± {within:g}", abs(measured - value) <= within + 1e-9)


def table(findings: Sequence[Finding]) -> str:
    """Return the findings as Markdown, then one line that counts them."""
    lines = ["| model | what | measured | wanted | met |", "|---|---|---|---|---|"]
    for each in findings:
        lines.append(
            f"| {each.model} | {each.what} | {each.measured} | {each.wanted} | {'yes' if each.met else 'NO'} |"
        )
    missed = sum(not each.met for each in findings)
    return "\n".join([*lines, "", f"models-check: {len(findings)} checks, {missed} missed"]) + "\n"
