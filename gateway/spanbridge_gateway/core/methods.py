"""The methods that a request may name, and the reading of their options."""

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeGuard

from pydantic import ValidationError

from spanbridge_shared.contracts.alignment import AlignMethod, AlignOptions
from spanbridge_shared.contracts.base import WireModel
from spanbridge_shared.contracts.gateway import MethodInfo, OptionInfo
from spanbridge_shared.contracts.options import (
    CandidatesMethodOptions,
    EnsembleMethodOptions,
    HeuristicMethodOptions,
    LinkingOptions,
    Member,
    StudentMethodOptions,
    TransferMethodOptions,
)
from spanbridge_shared.contracts.projection import CandidateOptions, CandidateSource, HeuristicOptions, Score
from spanbridge_shared.errors import UnknownMethod, UnknownOption


class Method(StrEnum):
    """How entities reach the sentence."""

    CANDIDATES = "candidates"
    HEURISTIC = "heuristic"
    TRANSFER = "transfer"
    STUDENT = "student"
    ENSEMBLE = "ensemble"


DirectOptions = TransferMethodOptions | StudentMethodOptions
"""Options of the methods that label the sentence itself."""
SingleOptions = CandidatesMethodOptions | HeuristicMethodOptions | DirectOptions
AnyOptions = SingleOptions | EnsembleMethodOptions


@dataclass(frozen=True, slots=True)
class MethodSpec:
    """A method, what it does in one sentence, and the model of its options."""

    method: Method
    description: str
    options: type[AnyOptions]


METHODS = {
    spec.method: spec
    for spec in (
        MethodSpec(
            Method.CANDIDATES,
            "Translate, label, align; then match English entities with candidate spans by score, at the best total.",
            CandidatesMethodOptions,
        ),
        MethodSpec(
            Method.HEURISTIC,
            "Translate, label, align; then take the runs of words aligned with each English entity.",
            HeuristicMethodOptions,
        ),
        MethodSpec(
            Method.TRANSFER,
            "Model transfer: a multilingual teacher labels the sentence itself; nothing is translated.",
            TransferMethodOptions,
        ),
        MethodSpec(
            Method.STUDENT,
            "A student distilled from the other methods labels the sentence itself, at once; nothing is translated.",
            StudentMethodOptions,
        ),
        MethodSpec(
            Method.ENSEMBLE,
            "Label by candidates, transfer and student, those that serve the language; then keep the spans that are "
            "together most probable, by calibrated scores. Where only one of them serves, its answer.",
            EnsembleMethodOptions,
        ),
    )
}


def find_method(name: str) -> MethodSpec:
    """Return the method of a name; raises `UnknownMethod`, which lists them."""
    if name not in list(Method):
        raise UnknownMethod(f"no method is called {name[:40]!r}; there are {', '.join(Method)}")
    return METHODS[Method(name)]


def read_options(spec: MethodSpec, options: dict[str, Any]) -> AnyOptions:
    """Return a method's options, defaults filled in; raises `UnknownOption` for a name or a value that doesn't fit."""
    for name in options:
        if name not in spec.options.model_fields:
            known = ", ".join(sorted(spec.options.model_fields))
            raise UnknownOption(f"{spec.method} has no option {name[:40]!r}; it has {known}")
    try:
        # Through JSON, because only there strictness lets a string be an enum but not a number.
        found = spec.options.model_validate_json(json.dumps(options), strict=True)
    except ValidationError as fault:
        told = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in fault.errors())
        raise UnknownOption(f"options of {spec.method}: {told}") from fault
    _check_together(found)
    return _fitting_nmt(found)


def _check_together(options: AnyOptions) -> None:
    """Refuse single options that fit, but not together."""
    if isinstance(options, EnsembleMethodOptions):
        ensemble_candidates(options)
        _check_parameters(options)
    if not isinstance(options, LinkingOptions):
        return
    if options.back_translation and options.align_method is AlignMethod.ATTENTION:
        raise UnknownOption(
            "back_translation: no model translates the sentence into its back-translation, so that there is no "
            "attention to align them by; choose another align_method"
        )


def _check_parameters(options: EnsembleMethodOptions) -> None:
    if options.parameters is None:
        return
    members = set(options.parameters.members)
    if not members <= set(Member):
        raise UnknownOption(
            f"parameters: {sorted(members - set(Member))[0]!r} is no member; there are {', '.join(Member)}"
        )
    if options.members is not None and set(options.members) != members:
        raise UnknownOption(f"parameters: they are for {', '.join(sorted(members))}, and members names others")


def _fitting_nmt(options: AnyOptions) -> AnyOptions:
    """Return the options with what suits nmt scores, where they count, in place of defaults that weren't chosen.

    Aligned candidates did better than all n-grams, which are ten times the work. The default of `min_score` fits scores
    that are near 1 for most names; those of a small translation model are lower, and `nmt_threshold` is their limit.
    """
    changes: dict[str, Any] = {}
    if needs_nmt(options):
        changes["candidates"] = CandidateSource.ALIGNED
        if options.score is Score.NMT:
            changes["min_score"] = 0.0
    missing = {name: value for name, value in changes.items() if name not in options.model_fields_set}
    return options.model_copy(update=missing) if missing else options


def ensemble_candidates(options: EnsembleMethodOptions) -> CandidatesMethodOptions:
    """Return the options of an ensemble's member candidates; raises `UnknownOption` as `read_options` does."""
    found = read_options(METHODS[Method.CANDIDATES], options.candidates)
    if not isinstance(found, CandidatesMethodOptions):
        raise TypeError("the method candidates has other options")
    return found


def align_options(options: LinkingOptions) -> AlignOptions:
    """Return the part of the options that the alignment service reads."""
    return AlignOptions(**_part(options, AlignOptions))


def projection_options(options: CandidatesMethodOptions | HeuristicMethodOptions) -> dict[str, Any]:
    """Return the part of the options that the projection service reads."""
    kind = CandidateOptions if isinstance(options, CandidatesMethodOptions) else HeuristicOptions
    return _part(options, kind)


def needs_probabilities(options: LinkingOptions) -> bool:
    """Say whether the options ask for a multilingual teacher's view of the target sentence."""
    if not isinstance(options, CandidatesMethodOptions):
        return False
    fused = options.score is Score.FUSED and (options.weight_ner > 0 or options.weight_ner_spans > 0)
    return options.candidates is CandidateSource.NER or options.score in (Score.NER, Score.NER_SPANS) or fused


def without_probabilities(options: SingleOptions) -> SingleOptions:
    """Return the options for a language for which no teacher gives probabilities.

    The default weight of the ner score goes; one that was chosen stays, and is refused where it can't be had.
    """
    if not isinstance(options, CandidatesMethodOptions) or "weight_ner" in options.model_fields_set:
        return options
    changes: dict[str, float] = {"weight_ner": 0.0}
    if "weight_align" not in options.model_fields_set:
        changes["weight_align"] = 1.0
    return options.model_copy(update=changes)


def for_given_entities(options: SingleOptions) -> SingleOptions:
    """Return the options for sentences that bring their own entities, where their score wasn't chosen: align.

    Given entities are taken for right; a teacher that sees the sentence otherwise would lose some of them.
    """
    chosen = options.model_fields_set & {"score", "weight_ner"}
    if not isinstance(options, CandidatesMethodOptions) or chosen:
        return options
    return options.model_copy(update={"score": Score.ALIGN})


def needs_nmt(options: AnyOptions) -> TypeGuard[CandidatesMethodOptions]:
    """Say whether the options ask for nmt scores, which the translation model gives."""
    if not isinstance(options, CandidatesMethodOptions):
        return False
    return options.score is Score.NMT or (options.score is Score.FUSED and options.weight_nmt > 0)


def _part(options: WireModel, kind: type[WireModel]) -> dict[str, Any]:
    return options.model_dump(mode="json", include=set(kind.model_fields))


def describe(spec: MethodSpec) -> MethodInfo:
    """Return a method and its options as `GET /v1/methods` shows them."""
    schema = spec.options.model_json_schema()
    infos = [_describe_option(name, schema["properties"][name], schema) for name in spec.options.model_fields]
    return MethodInfo(name=spec.method, description=spec.description, options=infos)


def _describe_option(name: str, found: dict[str, Any], schema: dict[str, Any]) -> OptionInfo:
    forms = [_resolved(form, schema) for form in found.get("anyOf", [found])]
    types = [form["type"] for form in forms]
    main = forms[0]
    listed = _resolved(main["items"], schema) if "items" in main else main
    return OptionInfo(
        name=name,
        type=" or ".join(types),
        default=found.get("default"),
        description=found.get("description", ""),
        choices=listed.get("enum"),
        minimum=main.get("minimum"),
        maximum=main.get("maximum"),
    )


def _resolved(form: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    reference: str | None = form.get("$ref")
    resolved: dict[str, Any] = schema["$defs"][reference.rpartition("/")[2]] if reference else form
    return resolved
