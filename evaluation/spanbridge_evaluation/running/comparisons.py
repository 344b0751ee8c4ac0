"""The named settings that `--compare` runs: every method of the literature that the server has, in one place.

Names say candidates, score, solver. Published ones use links of both directions alone (`one_sided_weight` 0), as
METHODS of the literature do; "weighted" ones add what one direction proposes. All but `default` and `our-heuristic`
leave out what the gateway's defaults add to the published methods.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from spanbridge_evaluation.running.settings import Setting
from spanbridge_shared.contracts.alignment import AlignMethod
from spanbridge_shared.contracts.gateway import DEFAULT_METHOD, MethodInfo
from spanbridge_shared.errors import UnknownMethod, UnknownOption

CANDIDATES, HEURISTIC, TRANSFER = "candidates", "heuristic", "transfer"
STUDENT, ENSEMBLE = "student", "ensemble"
DIRECT = frozenset({TRANSFER, STUDENT})
"""Methods that label the sentence itself, whatever its English side says."""

_AS_PUBLISHED = {"align_method": "argmax", "trim_source": False, "punctuation_links": True}
_PLAIN = {"one_sided_weight": 0.0}
_WEIGHTED = {"one_sided_weight": 0.4}
_BEST_HEURISTIC = {**_AS_PUBLISHED, "max_gap": 1, "max_runs": None, "min_ratio": 0.8}
_BEST_SPANS = {**_AS_PUBLISHED, "candidates": "ngram", "score": "align", "solver": "exact", "min_score": 0.0,
               "score_power": 1.0}  # fmt: skip
_PUBLISHED_NMT = {"nmt_threshold": 0.1, "nmt_min_self": 0.0}


@dataclass(frozen=True, slots=True)
class Preset:
    """A method with the options that make it what `told` says; options that it doesn't name keep their defaults."""

    name: str
    method: str
    told: str
    options: Mapping[str, Any] = field(default_factory=dict)


def _spans(name: str, told: str, **options: Any) -> Preset:
    return Preset(name, CANDIDATES, told, {**_BEST_SPANS, **options})


def _fused(name: str, told: str, **weights: float) -> Preset:
    zero = {"weight_align": 0.0, "weight_ner": 0.0, "weight_ner_spans": 0.0, "weight_nmt": 0.0}
    published = _PUBLISHED_NMT if weights.get("weight_nmt") else {}
    return _spans(name, told, score="fused", **_PLAIN, **published, **{**zero, **weights})


PRESETS: tuple[Preset, ...] = (
    Preset("default", DEFAULT_METHOD, "what a request gets that names nothing"),
    Preset("our-heuristic", HEURISTIC, "what a request gets that names the heuristic alone"),
    Preset("heuristic", HEURISTIC, "runs of aligned words, best published setting", {**_BEST_HEURISTIC, **_PLAIN}),
    Preset("heuristic-weighted", HEURISTIC, "the same with one-sided links", {**_BEST_HEURISTIC, **_WEIGHTED}),
    Preset("heuristic-no-threshold", HEURISTIC, "every run counts", {**_BEST_HEURISTIC, "min_ratio": 0.0, **_PLAIN}),
    Preset("heuristic-itermax", HEURISTIC, "links by itermax", {**_BEST_HEURISTIC, "align_method": "itermax"}),
    _spans("ngram-align-greedy", "n-grams, align score, greedy", solver="greedy", **_PLAIN),
    _spans("ngram-align-exact", "n-grams, align score, exact", **_PLAIN),
    _spans("ngram-align-weighted-greedy", "with one-sided links, greedy", solver="greedy", **_WEIGHTED),
    _spans("ngram-align-weighted-exact", "with one-sided links, exact", **_WEIGHTED),
    *(
        _spans(f"ngram-align-{aligner}", f"links by {aligner}", align_method=str(aligner))
        for aligner in AlignMethod
        if aligner is not AlignMethod.ARGMAX
    ),
    _spans("ngram-align-two", "at most two projections of an entity", n_proj=2, **_PLAIN),
    _spans("ngram-align-exactly", "exactly one projection of an entity", n_proj_form="exactly", **_PLAIN),
    _spans("ngram-align-at-least", "at least one projection of an entity", n_proj_form="at_least", **_PLAIN),
    _spans("aligned-align-exact", "parts of the range of aligned words", candidates="aligned", **_PLAIN),
    _spans("ner-align-greedy", "a teacher's spans, greedy", candidates="ner", solver="greedy", **_PLAIN),
    _spans("ner-align-exact", "a teacher's spans, exact", candidates="ner", **_PLAIN),
    _spans("ngram-ner-exact", "ner score", score="ner", **_PLAIN),
    _spans("ngram-ner-spans-exact", "ner score of any label", score="ner_spans", **_PLAIN),
    _spans("ngram-nmt-greedy", "nmt score, greedy", score="nmt", solver="greedy", **_PLAIN, **_PUBLISHED_NMT),
    _spans("ngram-nmt-exact", "nmt score, exact", score="nmt", **_PLAIN, **_PUBLISHED_NMT),
    _fused("fused-align-ner", "align and ner", weight_align=0.5, weight_ner=0.5),
    _fused("fused-align-ner-spans", "align and ner_spans", weight_align=0.5, weight_ner_spans=0.5),
    _fused("fused-align-nmt", "align and nmt", weight_align=0.5, weight_nmt=1.0),
    _fused("fused-ner-spans-nmt", "ner_spans and nmt", weight_ner_spans=0.5, weight_nmt=1.0),
    _fused("fused-all", "align, ner_spans, nmt: the best published", weight_align=0.5, weight_ner_spans=0.5,
           weight_nmt=1.0),
    _spans("back-translation", "links refined by back-translation", back_translation=True),
    Preset("heuristic-back-translation", HEURISTIC, "the same for runs", {**_BEST_HEURISTIC, "back_translation": True}),
    Preset("transfer", TRANSFER, "a multilingual teacher alone"),
    Preset("student", STUDENT, "a distilled student alone"),
    Preset("ensemble", ENSEMBLE, "members, merged by calibrated scores"),
)  # fmt: skip


def chosen_presets(names: Sequence[str], methods: Sequence[MethodInfo], method: str | None) -> list[Preset]:
    """Return the presets of these names, in their order, or else all, with one for each method that none is of.

    `method` keeps those of one method. Raises `UnknownMethod` for a name or a method that isn't there.
    """
    covered = {preset.method for preset in PRESETS}
    others = [Preset(each.name, each.name, each.description) for each in methods if each.name not in covered]
    known = {preset.name: preset for preset in (*PRESETS, *others)}
    if unknown := [name for name in names if name not in known]:
        raise UnknownMethod(f"no preset is called {unknown[0]!r}; there are {', '.join(known)}")
    found = [known[name] for name in names or known]
    kept = [preset for preset in found if method in (None, preset.method)]
    if not kept:
        raise UnknownMethod(f"no preset is of the method {method!r}; `spanbridge evaluate presets` lists them")
    return kept


def preset_settings(
    presets: Sequence[Preset], methods: Sequence[MethodInfo], given: Mapping[str, Any]
) -> tuple[list[Setting], list[str]]:
    """Return the settings that a server with these methods can run, and a line for each preset that it can't.

    `given` options hold for all presets of the methods that have them; settings that come to the same are listed once.
    Raises `UnknownOption` for one that no method has.
    """
    if unknown := given.keys() - {option.name for method in methods for option in method.options}:
        raise UnknownOption(f"no method has the option {min(unknown)!r}; `spanbridge methods` lists them")
    by_name = {method.name: method for method in methods}
    found: list[Setting] = []
    told: list[str] = []
    seen: list[tuple[str, dict[str, Any]]] = []
    for preset in presets:
        if missing := lacking(preset, methods):
            told.append(f"{preset.name}: skipped: the server has no {missing}")
            continue
        defaults = {option.name: option.default for option in by_name[preset.method].options}
        own = {name: value for name, value in given.items() if name in defaults}
        setting = Setting(preset.method, preset.options, preset.name).with_options(own)
        whole = (preset.method, {**defaults, **setting.options})
        if whole not in seen:
            seen.append(whole)
            found.append(setting)
    return found, told


def lacking(preset: Preset, methods: Sequence[MethodInfo]) -> str:
    """Return what a server lacks of a preset first; empty where it has all.

    Whether it has the models, such as a multilingual teacher, shows only when it is asked.
    """
    method = next((each for each in methods if each.name == preset.method), None)
    if method is None:
        return f"method {preset.method}"
    options = {option.name: option for option in method.options}
    for name, value in preset.options.items():
        if name not in options:
            return f"option {name} of {method.name}"
        if value not in (options[name].choices or [value]):
            return f"{name}={value} of {method.name}"
    return ""
