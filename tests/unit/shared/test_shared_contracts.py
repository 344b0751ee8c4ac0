import json

import pytest
from pydantic import BaseModel, ValidationError

from spanbridge_shared.contracts import alignment, gateway, ner, projection, translate_train, translation
from spanbridge_shared.contracts.alignment import Alignment, AlignRequest
from spanbridge_shared.contracts.base import MAX_ITEMS, ErrorBody, WireModel, one_or_many
from spanbridge_shared.contracts.gateway import ProjectSentencesRequest, Sentence
from spanbridge_shared.contracts.ner import NerItem, NerRequest
from spanbridge_shared.contracts.projection import CandidatesItem, ProjectRequest
from spanbridge_shared.contracts.translation import Hypothesis, TranslateRequest

MODELS = sorted(
    {
        kind
        for module in (alignment, gateway, ner, projection, translate_train, translation)
        for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, BaseModel)
    },
    key=lambda kind: kind.__qualname__,
)


@pytest.mark.parametrize("kind", MODELS, ids=lambda kind: kind.__name__)
def test_every_wire_model_is_frozen_strict_and_documented(kind):
    assert issubclass(kind, WireModel)
    assert kind.model_config["frozen"]
    assert kind.model_config["extra"] == "forbid"
    assert kind.model_config["allow_inf_nan"] is False
    assert kind.__doc__
    json.dumps(kind.model_json_schema())


def test_frozen_means_frozen():
    body = ErrorBody(error="EmptyText", detail="x")
    with pytest.raises(ValidationError, match="frozen"):
        body.detail = "y"


def test_unknown_fields_are_refused():
    with pytest.raises(ValidationError, match="Extra inputs"):
        TranslateRequest.model_validate({"texts": ["a"], "source_lang": "swh_Latn", "beams": 4})


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_numbers_that_json_cannot_carry_are_refused(number):
    with pytest.raises(ValidationError, match="finite"):
        Hypothesis.model_validate(json.loads(f'{{"text": "a", "score": {number}}}'))
    with pytest.raises(ValidationError, match="finite"):
        Alignment.model_validate(json.loads(f'{{"links": [[0, 0, {number.removeprefix("-")}]]}}'))
    with pytest.raises(ValidationError, match="finite"):
        CandidatesItem.model_validate(
            {"source_entities": [], "links": [], "target_tokens": [], "probabilities": [[float(number)]]}
        )


def test_lone_surrogates_do_not_refuse_the_batch():
    body = {"sentences": [{"text": "\ud800"}, {"tokens": ["a", "\udfff"]}], "lang": "sw"}
    parsed = ProjectSentencesRequest.model_validate(body)
    assert parsed.sentences[0].text == "\ud800"
    assert parsed.sentences[1].tokens == ["a", "\udfff"]


@pytest.mark.parametrize("value", [1, 1.5, True, ["a"], {}, b"a"])
def test_raw_text_takes_strings_only(value):
    with pytest.raises(ValidationError, match="must be a string, not"):
        NerItem(text=value)


def test_counts_are_bounded():
    for count in (0, MAX_ITEMS + 1):
        with pytest.raises(ValidationError, match=r"at (least|most)"):
            TranslateRequest(texts=["a"] * count, source_lang="swh_Latn")
    with pytest.raises(ValidationError, match="at most"):
        ProjectSentencesRequest(sentences=[Sentence(text="a")] * 10_001, lang="sw")


@pytest.mark.parametrize("identifier", ["1", 1, "x" * 200, -5])
def test_identifiers_keep_their_type(identifier):
    assert Sentence(id=identifier).id == identifier
    assert type(Sentence(id=identifier).id) is type(identifier)


@pytest.mark.parametrize("identifier", [1.5, True, "x" * 201, [], {}])
def test_other_identifiers_are_refused(identifier):
    with pytest.raises(ValidationError):
        Sentence(id=identifier)


def test_a_single_item_needs_no_list():
    flat = AlignRequest.model_validate({"source_tokens": ["a"], "target_tokens": ["b"], "method": "itermax"})
    listed = AlignRequest.model_validate(
        {"pairs": [{"source_tokens": ["a"], "target_tokens": ["b"]}], "method": "itermax"}
    )
    assert flat == listed
    assert NerRequest.model_validate({"text": "a"}).sentences == [NerItem(text="a")]
    assert NerRequest.model_validate({"tokens": ["a"]}).sentences == [NerItem(tokens=["a"])]
    item = {"source_entities": [], "links": [[0, 0, 1.0]], "target_tokens": ["a"]}
    assert len(ProjectRequest.model_validate(item).sentences) == 1


@pytest.mark.parametrize("data", [None, [], "a", {}, {"other": 1}, {"pairs": [], "text": "a"}])
def test_what_is_not_flat_passes_through(data):
    assert one_or_many(data, "pairs", ("text", "tokens")) is data


def test_flat_and_listed_at_once_is_refused():
    with pytest.raises(ValidationError, match="Extra inputs"):
        NerRequest.model_validate({"sentences": [{"text": "a"}], "text": "b"})


def test_posting_only_what_is_set_means_the_same():
    """Clients send `exclude_unset`; the service fills in the same defaults."""
    request = AlignRequest.model_validate({"source_tokens": ["a"], "target_tokens": ["b"], "options": {}})
    assert AlignRequest.model_validate_json(request.model_dump_json(exclude_unset=True)) == request
