"""brat's automatic annotation service against stub services."""

import httpx
import pytest

from tests.support.gateway import Gateway

TEXT = "👩‍👩‍👧 Samia alitembelea Nairobi jana.\n\nWatu wa Nairobi walikutana na Samia"


async def annotate(gateway: Gateway, text: str | bytes, query: str = "lang=sw") -> httpx.Response:
    content = text if isinstance(text, bytes) else text.encode()
    headers = {"content-type": "text/plain; charset=utf-8"}
    response = await gateway.http.post(f"/integrations/brat?{query}", content=content, headers=headers)
    assert response.status_code == 200
    return response


async def test_a_documents_names_are_annotated(gateway: Gateway) -> None:
    found = (await annotate(gateway, TEXT)).json()
    assert list(found) == ["T0", "T1", "T2", "T3"]
    assert found["T0"] == {"type": "PER", "offsets": [[6, 11]], "texts": ["Samia"]}
    for each in found.values():
        assert [TEXT[start:end] for start, end in each["offsets"]] == each["texts"]


async def test_labels_are_chosen_by_the_query(gateway: Gateway) -> None:
    found = (await annotate(gateway, TEXT, "lang=sw&method=heuristic&labels=LOC")).json()
    assert [each["type"] for each in found.values()] == ["LOC", "LOC"]


async def test_a_long_document_is_annotated_to_its_end(gateway: Gateway) -> None:
    text = "Samia yuko Nairobi.\n" * 2_000
    found = (await annotate(gateway, text)).json()
    assert len(found) == 4_000
    assert all([text[start:end] for start, end in each["offsets"]] == each["texts"] for each in found.values())


@pytest.mark.parametrize("text", ["", " ", "\n\n", "hakuna"])
async def test_nothing_to_find_is_no_fault(gateway: Gateway, text: str) -> None:
    response = await annotate(gateway, text)
    assert response.json() == {}
    assert "x-spanbridge-error" not in response.headers


@pytest.mark.parametrize(
    ("text", "query", "told"),
    [
        (TEXT, "lang=xx", "UnknownLanguage: no language has the code 'xx'"),
        (TEXT, "lang=sw&method=none", "UnknownMethod"),
        (TEXT, "lang=sw&labels=NONE", "UnknownLabel"),
        (b"caf\xe9 Samia", "lang=sw", "InvalidText: the body is not UTF-8 (byte 0xe9 at 3)"),
        ("Samia\0", "lang=sw", "InvalidText"),
        (TEXT, "lang=sw&labels=é", "UnknownLabel: no teacher gives the label '\\xe9'"),
    ],
)
async def test_faults_are_told_in_a_header(gateway: Gateway, text: str | bytes, query: str, told: str) -> None:
    """brat shows nothing of an answer that isn't 200, so that this is where a person can find the reason."""
    response = await annotate(gateway, text, query)
    assert response.json() == {}
    assert told in response.headers["x-spanbridge-error"]
