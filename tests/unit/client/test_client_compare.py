"""`compare` of the Python client, against a gateway without models."""

import pytest

from spanbridge import AsyncSpanbridge, Sentence, Spanbridge
from spanbridge_shared.contracts.compare import CompareRequest
from spanbridge_shared.errors import InvalidRequest
from tests.unit.client.fake_gateway import FakeGateway


def sent(gateway: FakeGateway) -> CompareRequest:
    (request,) = gateway.others
    assert isinstance(request, CompareRequest)
    return request


def test_every_argument_reaches_the_gateway_and_answers_come_by_method(gateway: FakeGateway) -> None:
    with Spanbridge() as spanbridge:
        first, second = spanbridge.compare(
            ["Samia", Sentence(id="x", tokens=["Rais"])],
            "swh_Latn",
            methods=["student", "llm"],
            labels=["PER"],
            options={"student": {"min_score": 0.5}},
        )
    request = sent(gateway)
    assert (request.lang, request.methods, request.labels) == ("swh_Latn", ["student", "llm"], ["PER"])
    assert request.options == {"student": {"min_score": 0.5}}
    assert [each.id for each in request.sentences] == ["0", "x"]
    assert (first.id, second.id) == ("0", "x")
    assert {name: answer.tags for name, answer in first.answers.items()} == {"student": ["O"], "llm": ["O"]}


async def test_methods_are_the_gateways_choice_unless_named(gateway: FakeGateway) -> None:
    async with AsyncSpanbridge() as spanbridge:
        (found,) = await spanbridge.compare("Samia", "sw")
    assert sent(gateway).methods is None
    assert list(found.answers) == ["candidates", "transfer"]


@pytest.mark.parametrize("sentences", [[], ["a"] * 17])
def test_a_number_of_sentences_that_cannot_be_compared_is_refused(gateway: FakeGateway, sentences: list[str]) -> None:
    with Spanbridge() as spanbridge, pytest.raises(InvalidRequest, match="sentences"):
        spanbridge.compare(sentences, "sw")
    assert gateway.others == []
