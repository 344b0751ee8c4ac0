"""INCEpTION's recommender with the shipped models: a large document within the time that INCEpTION waits."""

import itertools
import time
from collections.abc import AsyncIterator

import httpx
import pytest
from cassis import load_cas_from_xmi

from spanbridge_gateway.app import create_app
from spanbridge_gateway.settings import GatewaySettings
from tests.support.cas import ENTITY, SENTENCE, make_cas, request_of, type_system

pytestmark = [pytest.mark.tools, pytest.mark.models]

PEOPLE = ["Rais Samia", "Waziri Mkuu Majaliwa", "Amina Juma", "William Ruto", "Wangari Maathai", "Paul Kagame"]
PLACES = ["Nairobi", "Dodoma", "Kampala", "Kigali", "Mombasa", "Arusha", "Zanzibar"]
BODIES = ["UNESCO", "Safaricom", "Umoja wa Mataifa", "Benki ya Dunia"]
TEMPLATES = [
    "{person} alitembelea {place} jana pamoja na ujumbe wa {body}.",
    "{body} ilifungua ofisi mpya mjini {place}, alisema {person}.",
    "Wananchi wa {place} walimpokea {person} kwa shangwe 🎉.",
    "Mkutano wa {body} na {person} utafanyika {place} wiki ijayo.",
]


def sentences(number: int) -> list[str]:
    """Return so many different sentences."""
    found = (
        template.format(person=person, place=place, body=body)
        for place, body, person, template in itertools.product(PLACES, BODIES, PEOPLE, TEMPLATES)
    )
    return list(itertools.islice(found, number))


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(GatewaySettings(log_level="ERROR"))
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway", timeout=None) as client:
            yield client


async def test_several_hundred_sentences_are_answered_in_time(http: httpx.AsyncClient) -> None:
    """On two idle cores the first answer has all of them; on busy ones each is in time, and goes on from the last."""
    types = type_system()
    texts = sentences(400)
    body = request_of(make_cas(types, texts), types)
    covered: list[int] = []
    while not covered or (covered[-1] < 390 and len(covered) < 10):
        started = time.monotonic()
        response = await http.post("/integrations/inception/swh_Latn/predict", json=body)
        seconds = time.monotonic() - started
        assert response.status_code == 200, response.text[:500]
        assert seconds < 30
        found = load_cas_from_xmi(response.json()["document"], typesystem=types)
        assert found.sofa_string == "\n".join(texts)
        marks = found.select(ENTITY)
        assert all(each.inception_internal_predicted and each.value in ("PER", "ORG", "LOC") for each in marks)
        ids = [each.xmiID for each in found.select_all_fs()]
        assert len(ids) == len(set(ids))
        covered.append(sum(bool(found.select_covered(ENTITY, each)) for each in found.select(SENTENCE)))
        print(f"{seconds:.1f} s: {covered[-1]} of {len(texts)} sentences have names, {len(marks)} in all")
    assert covered == sorted(covered)
    assert covered[-1] >= 390
    assert {"Nairobi", "UNESCO"} <= {each.get_covered_text() for each in marks}
