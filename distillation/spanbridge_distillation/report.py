"""What a distillation did and what came out of it, as JSON and as a page of Markdown."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from spanbridge_distillation.corrections import Told
from spanbridge_distillation.gather import Gathered
from spanbridge_shared.contracts.manifest import MANIFEST_FILE, TokenClassifierManifest

REPORT = "report"


def write_report(
    out: Path,
    gathered: Sequence[Gathered],
    log: Sequence[Mapping[str, Any]],
    model: Path,
    corrections: Told | None = None,
) -> Path:
    """Write `report.json` and `report.md` to `out`, and return the latter; `log` is a trained student's."""
    manifest = TokenClassifierManifest.model_validate_json((model / MANIFEST_FILE).read_bytes())
    about, steps = dict(log[0]), [dict(each) for each in log[1:]]
    found = {
        "model": {
            "name": manifest.name,
            "folder": model.name,
            "megabytes": round(sum(path.stat().st_size for path in model.iterdir()) / 1e6, 1),
            "licence": manifest.licence,
            "labels": manifest.labels,
            "languages": manifest.languages,
        },
        "gold_labels_read": sum(corrections.added.values()) if corrections else 0,
        "corrections": corrections.as_json() if corrections else None,
        "gathered": [asdict(each) for each in gathered],
        "recipe": about["recipe"],
        "languages": about.get("languages", []),
        "device": about.get("device"),
        "log": steps,
    }
    written = json.dumps(found, ensure_ascii=False, indent=1)
    out.joinpath(f"{REPORT}.json").write_text(written + "\n", encoding="utf-8")
    page = out / f"{REPORT}.md"
    told = corrections.lines() if corrections else []
    page.write_text("\n".join(_page(found, told)) + "\n", encoding="utf-8")
    return page


def _page(found: Mapping[str, Any], corrections: Sequence[str]) -> list[str]:
    model, steps, gold = found["model"], found["log"], found["gold_labels_read"]
    read = f"Gold labels of {gold:,} corrected sentences were learnt, as asked," if gold else "No gold label was read,"
    return [
        f"# {model['name']}",
        "",
        f"{model['megabytes']} MB in `{model['folder']}`; labels {', '.join(model['labels'])}; licence "
        f"{model['licence']}.",
        "",
        f"{read} and nothing was stopped early: agreement is the share of words of held-out sentences "
        "to which the student gives the tag of its teachers; it does not say how right they are.",
        *(["", "## Corrections", "", *(f"- {line}" for line in corrections)] if corrections else []),
        "",
        "## Teachers",
        "",
        *_table(("teacher", "language", "sentences", "failed", "models"), map(_teacher, found["gathered"])),
        "",
        "## Languages",
        "",
        *_table(("language", "sentences", "learnt", "teachers agree", "weights"), map(_language, found["languages"])),
        "",
        f"## Training, on {found['device'] or 'another machine'}",
        "",
        *_table(("step", "loss", "agreement"), [(each["step"], each["loss"], each["agreement"]) for each in steps]),
        "",
        "## Recipe",
        "",
        *_table(("choice", "value"), [(name, json.dumps(value)) for name, value in found["recipe"].items()]),
    ]


def _teacher(each: Mapping[str, Any]) -> tuple[object, ...]:
    failed = ", ".join(f"{count} {name}" for name, count in sorted(each["failures"].items())) or "none"
    return each["teacher"], each["lang"], each["sentences"], failed, each["model_version"]


def _language(each: Mapping[str, Any]) -> tuple[object, ...]:
    weights = ", ".join(f"{name} {weight}" for name, weight in each["weights"].items())
    return each["lang"], each["sentences"], each["learnt"], each["agreement"], weights


def _table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    """Return the lines of a Markdown table.

    >>> _table(("a", "b"), [(1, "x")])
    ['| a | b |', '|---|---|', '| 1 | x |']
    """
    shown = [f"| {' | '.join(map(str, line))} |" for line in (heads, *rows)]
    return [shown[0], "|" + "---|" * len(heads), *shown[1:]]
