"""Aligners through the gateway: what is asked of the translation model, and what reaches the aligner."""

from typing import Any

import pytest

from spanbridge_shared.contracts.alignment import AlignMethod, AlignRequest
from spanbridge_shared.contracts.translation import TranslateRequest
from tests.support.gateway import Gateway

TEXT = "President Samia visited Nairobi ."
GIVEN = {"text": TEXT, "source": {"tokens": ["President", "Samia", "visited", "Nairobi", "."]}}


class Seen:
    """The requests that the gateway made."""

    def __init__(self, gateway: Gateway) -> None:
        self.translated: list[TranslateRequest] = []
        self.aligned: list[AlignRequest] = []
        upstreams = gateway.app.state.engine.upstreams
        upstreams.translation.translate = self._keeping(self.translated, upstreams.translation.translate)
        upstreams.alignment.align = self._keeping(self.aligned, upstreams.alignment.align)

    def _keeping(self, seen: list[Any], call: Any) -> Any:
        async def kept(request: Any) -> Any:
            seen.append(request)
            return await call(request)

        return kept


@pytest.mark.parametrize("method", list(AlignMethod))
async def test_every_aligner_projects(gateway: Gateway, method: AlignMethod) -> None:
    seen = Seen(gateway)
    (result,) = await gateway.results([{"text": TEXT}], options={"align_method": method}, include=["alignment"])
    assert {each["text"] for each in result["entities"]} == {"Samia", "Nairobi"}
    links = {(i, j) for i, j, weight in result["alignment"]["links"] if weight > 0}
    assert {(1, 1), (3, 3)} <= links
    read = method in (AlignMethod.ATTENTION, AlignMethod.FUSED)
    assert seen.translated[0].include == (["tokens", "attention"] if read else [])
    # The stub's translation copies the text, and each piece looks at itself.
    diagonal = [[float(i == j) for j in range(5)] for i in range(5)]
    assert seen.aligned[0].pairs[0].attention == (diagonal if read else None)


async def test_links_by_attention_come_from_the_translation_model(gateway: Gateway) -> None:
    (result,) = await gateway.results([{"text": TEXT}], options={"align_method": "attention"}, include=["alignment"])
    assert result["alignment"]["links"] == [[place, place, 1.0] for place in range(5)]
    assert result["error"] is None


async def test_attention_without_weight_is_not_asked_for(gateway: Gateway) -> None:
    seen = Seen(gateway)
    options = {"align_method": "fused", "weight_attention": 0}
    (result,) = await gateway.results([{"text": TEXT}], options=options)
    assert result["entities"]
    assert seen.translated[0].include == []
    assert seen.aligned[0].pairs[0].attention is None


async def test_a_given_english_side_has_no_attention_and_fails_alone_where_it_is_needed(gateway: Gateway) -> None:
    bad, good = await gateway.results([GIVEN, {"text": TEXT}], options={"align_method": "attention"})
    assert bad["error"]["error"] == "InvalidAttention"
    assert "given English side" in bad["error"]["detail"]
    assert bad["entities"] == []
    assert {each["text"] for each in good["entities"]} == {"Samia", "Nairobi"}
    both = await gateway.results([GIVEN, {"text": TEXT}], options={"align_method": "fused"})
    assert [{each["text"] for each in result["entities"]} for result in both] == [{"Samia", "Nairobi"}] * 2


async def test_a_way_through_another_language_has_no_attention(gateway: Gateway) -> None:
    upstreams = gateway.app.state.engine.upstreams
    translate = upstreams.translation.translate

    async def pivoted(request: TranslateRequest) -> Any:
        answer = await translate(request)
        through = [each.model_copy(update={"via": ["fra_Latn"]}) for each in answer.translations]
        return answer.model_copy(update={"translations": through})

    upstreams.translation.translate = pivoted
    (result,) = await gateway.results([{"text": TEXT}], options={"align_method": "attention"})
    assert result["error"]["error"] == "InvalidAttention"
    assert "fra_Latn" in result["error"]["detail"]
    seen = Seen(gateway)
    (result,) = await gateway.results([{"text": TEXT}], options={"align_method": "fused"})
    assert {each["text"] for each in result["entities"]} == {"Samia", "Nairobi"}
    assert seen.aligned[0].pairs[0].attention is None


async def test_a_sentence_without_entities_needs_no_attention(gateway: Gateway) -> None:
    sentence = {"text": "Hapana kitu", "source": {"tokens": ["nothing"], "entities": []}}
    (result,) = await gateway.results([sentence], options={"align_method": "attention"})
    assert result["error"] is None
    assert result["entities"] == []


async def test_tokens_and_several_segments_get_each_their_own_attention(gateway: Gateway) -> None:
    seen = Seen(gateway)
    tokens = ["Samia", "alitembelea", "Nairobi", ",", "leo", "."]
    sentences = [{"tokens": tokens}, {"text": "Samia alifika. Nairobi ni mji."}]
    first, second = await gateway.results(sentences, options={"align_method": "attention"})
    assert {each["text"] for each in first["entities"]} == {"Samia", "Nairobi"}
    assert {each["text"] for each in second["entities"]} == {"Samia", "Nairobi"}
    shapes = [(len(pair.attention or []), len(pair.target_tokens)) for pair in seen.aligned[0].pairs]
    assert shapes == [(6, 6), (3, 3), (4, 4)]


async def test_a_batch_equals_single_requests(gateway: Gateway) -> None:
    sentences = [{"text": f"Samia visited Nairobi {n} times ."} for n in range(5)] + [GIVEN]
    for method in ("attention", "fused"):
        together = await gateway.results(sentences, options={"align_method": method}, include=["alignment", "scores"])
        for sentence, expected in zip(sentences, together, strict=True):
            (alone,) = await gateway.results(
                [sentence], options={"align_method": method}, include=["alignment", "scores"]
            )
            for key in ("entities", "alignment", "text"):
                assert alone.get(key) == expected.get(key)


async def test_the_options_of_the_aligners_are_listed(gateway: Gateway) -> None:
    methods = (await gateway.http.get("/v1/methods")).json()["methods"]
    for name in ("candidates", "heuristic"):
        (method,) = [each for each in methods if each["name"] == name]
        options = {each["name"]: each for each in method["options"]}
        assert options["align_method"]["choices"] == list(AlignMethod)
        assert {"attention_threshold", "fused_temperature", "fused_rounds", "weight_attention"} <= options.keys()
