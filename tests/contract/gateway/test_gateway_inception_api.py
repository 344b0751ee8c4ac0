"""INCEpTION's external recommender against stub services."""

import json
from typing import Any

import pytest
from cassis import Cas, load_cas_from_xmi
from cassis.typesystem import TypeSystem

from spanbridge_gateway.integrations.inception import predicting
from spanbridge_shared.errors import Overloaded
from tests.support.cas import CUSTOM, ENTITY, SENTENCE, TOKEN, make_cas, request_of, type_system
from tests.support.gateway import Gateway

TEXTS = ["👩‍👩‍👧 Samia alitembelea Nairobi jana.", "Watu wa 🇰🇪 Nairobi walikutana na Samia"]
URL = "/integrations/inception/swh_Latn/predict"


@pytest.fixture(scope="module")
def types() -> TypeSystem:
    return type_system()


async def predict(gateway: Gateway, body: dict[str, Any], url: str = URL) -> tuple[int, Any]:
    response = await gateway.http.post(url, json=body)
    return response.status_code, response.json()


async def marks(gateway: Gateway, cas: Cas, types: TypeSystem, url: str = URL, **metadata: Any) -> list[Any]:
    status, answer = await predict(gateway, request_of(cas, types, **metadata), url)
    assert status == 200, answer
    assert set(answer) == {"document"}
    layer = metadata.get("layer", ENTITY)
    found = load_cas_from_xmi(answer["document"], typesystem=types)
    assert found.sofa_string == cas.sofa_string
    return list(found.select(layer))


async def test_names_are_marked_as_predictions(gateway: Gateway, types: TypeSystem) -> None:
    found = await marks(gateway, make_cas(types, TEXTS), types)
    assert [(each.get_covered_text(), each.value) for each in found] == [
        ("Samia", "PER"), ("Nairobi", "LOC"), ("Nairobi", "LOC"), ("Samia", "PER"),
    ]  # fmt: skip
    assert all(each.inception_internal_predicted is True for each in found)
    assert all(0 < each.value_score <= 1 for each in found)
    assert all(each.value_score_explanation.startswith("spanbridge-") for each in found)


async def test_offsets_on_the_wire_count_utf16_units(gateway: Gateway, types: TypeSystem) -> None:
    _, answer = await predict(gateway, request_of(make_cas(types, TEXTS[:1]), types))
    units = len("👩‍👩‍👧 ".encode("utf-16-le")) // 2
    assert f'begin="{units}" end="{units + 5}" value="PER"' in answer["document"]


async def test_method_and_labels_stand_in_the_path(gateway: Gateway, types: TypeSystem) -> None:
    cas = make_cas(types, TEXTS)
    found = await marks(gateway, cas, types, "/integrations/inception/swh_Latn/heuristic/LOC/predict")
    assert {each.value for each in found} == {"LOC"}
    assert len(await marks(gateway, cas, types, "/integrations/inception/sw/heuristic/PER,LOC/predict")) == 4
    assert len(await marks(gateway, cas, types, "/integrations/inception/sw/heuristic/predict")) == 4


async def test_annotations_of_others_stay_as_they_are(gateway: Gateway, types: TypeSystem) -> None:
    cas = make_cas(types, TEXTS)
    cas.add(types.get_type(ENTITY)(begin=0, end=5, value="OTH", inception_internal_predicted=False))
    found = await marks(gateway, cas, types)
    assert [(each.value, each.inception_internal_predicted) for each in found][:1] == [("OTH", False)]
    assert len(found) == 5


@pytest.mark.parametrize(
    ("anchoring", "expected"),
    [("characters", "Nairobi"), ("tokens", "(Nairobi)"), ("singleToken", "(Nairobi)")],
)
async def test_spans_fit_the_layers_tokens(gateway: Gateway, types: TypeSystem, anchoring: str, expected: str) -> None:
    text = "alitembelea (Nairobi) jana"
    cas = Cas(types, sofa_string=text)
    cas.add(types.get_type(SENTENCE)(begin=0, end=len(text)))
    for begin, end in ((0, 11), (12, 21), (22, 26)):
        cas.add(types.get_type(TOKEN)(begin=begin, end=end))
    found = await marks(gateway, cas, types, anchoringMode=anchoring)
    assert [each.get_covered_text() for each in found] == [expected]


async def test_single_token_layers_get_a_mark_a_token(gateway: Gateway, types: TypeSystem) -> None:
    cas = make_cas(types, ["Alisema Rais Samia jana"])
    whole = await marks(gateway, cas, types)
    single = await marks(gateway, cas, types, anchoringMode="singleToken")
    assert [each.get_covered_text() for each in single] == [
        word for each in whole for word in each.get_covered_text().split()
    ]


async def test_a_range_limits_what_is_labelled(gateway: Gateway, types: TypeSystem) -> None:
    cas = make_cas(types, TEXTS)
    start = len(f"{TEXTS[0]}\n".encode("utf-16-le")) // 2
    found = await marks(gateway, cas, types, range={"begin": start, "end": start + 3})
    assert [each.get_covered_text() for each in found] == ["Nairobi", "Samia"]
    assert await marks(gateway, cas, types, range={"begin": 0, "end": 0}) == []
    assert len(await marks(gateway, cas, types, range={"begin": -5, "end": 10**9})) == 4


async def test_without_sentences_lines_are_labelled(gateway: Gateway, types: TypeSystem) -> None:
    found = await marks(gateway, make_cas(types, TEXTS, tokens=False, marked=False), types)
    assert [each.get_covered_text() for each in found] == ["Samia", "Nairobi", "Nairobi", "Samia"]


@pytest.mark.parametrize("cas_texts", [[], [""], ["", "  ", ""]])
async def test_an_empty_document_comes_back_as_it_is(gateway: Gateway, types: TypeSystem, cas_texts: list[str]) -> None:
    assert await marks(gateway, make_cas(types, cas_texts), types) == []


async def test_a_custom_layer_works(gateway: Gateway, types: TypeSystem) -> None:
    found = await marks(gateway, make_cas(types, TEXTS), types, layer=CUSTOM)
    assert [each.value for each in found] == ["PER", "LOC", "LOC", "PER"]
    several = await marks(gateway, make_cas(types, TEXTS), types, layer=CUSTOM, feature="several")
    assert several[0].several.elements == ["PER"]


async def test_a_type_system_without_marks_of_predictions_gets_valid_xmi(gateway: Gateway) -> None:
    bare = type_system(predicted=False)
    assert [each.value for each in await marks(gateway, make_cas(bare, TEXTS), bare)] == ["PER", "LOC", "LOC", "PER"]


async def test_labels_are_written_as_the_tagset_has_them(gateway: Gateway, types: TypeSystem) -> None:
    body = request_of(make_cas(types, TEXTS), types)
    tags = [{"tag": "per", "description": None}, {"tag": "Loc"}]
    other = {"tags": [{"tag": "pEr"}], "targets": [{"layer": "another", "feature": "value"}]}
    targets = [{"layer": ENTITY, "feature": "value"}]
    body["tagsets"] = [other, {"description": "mine", "tags": tags, "targets": targets}]
    status, answer = await predict(gateway, body)
    assert status == 200
    found = load_cas_from_xmi(answer["document"], typesystem=types).select(ENTITY)
    assert [each.value for each in found] == ["per", "Loc", "Loc", "per"]


async def test_fields_that_are_not_known_are_no_fault(gateway: Gateway, types: TypeSystem) -> None:
    body = request_of(make_cas(types, TEXTS), types)
    body |= {"new": 1, "metadata": body["metadata"] | {"newer": [2]}}
    assert (await predict(gateway, body))[0] == 200


async def test_what_does_not_fit_the_time_is_left_out(
    gateway: Gateway, types: TypeSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(predicting, "BATCH", 1)
    assert len(await marks(gateway, make_cas(types, TEXTS), types)) == 4
    monkeypatch.setattr(predicting, "ANSWER_WITHIN_S", 0.0)
    assert [each.begin for each in await marks(gateway, make_cas(types, TEXTS), types)] == [6, 24]


async def test_a_documents_language_is_found_once(
    gateway: Gateway, types: TypeSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(predicting, "BATCH", 1)
    # Alone, a name is of no language that could be told.
    cas = make_cas(types, ["Rais Samia alitembelea Nairobi jana pamoja na wananchi wa Kenya.", "Nairobi"])
    found = await marks(gateway, cas, types, "/integrations/inception/auto/predict")
    assert found[-1].begin == len("Rais Samia alitembelea Nairobi jana pamoja na wananchi wa Kenya.\n")


async def test_what_was_labelled_before_a_fault_is_answered(
    gateway: Gateway, types: TypeSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(predicting, "BATCH", 1)
    original, asked = predicting.label_texts, 0

    async def overloaded(*arguments: Any) -> Any:
        nonlocal asked
        asked += 1
        if asked % 2 == 0:
            raise Overloaded("the queue is full")
        return await original(*arguments)

    monkeypatch.setattr(predicting, "label_texts", overloaded)
    assert len(await marks(gateway, make_cas(types, TEXTS), types)) == 2
    asked = 1
    status, answer = await predict(gateway, request_of(make_cas(types, TEXTS), types))
    assert (status, answer["error"]) == (429, "Overloaded")


@pytest.mark.parametrize("path", ["sw", "sw/student", "sw/student/PER", "nonsense"])
@pytest.mark.parametrize("content", [b"", b"{}", b"\xff", b'{"documents": []}'])
async def test_training_always_succeeds(gateway: Gateway, path: str, content: bytes) -> None:
    headers = {"content-type": "application/json"}
    response = await gateway.http.post(f"/integrations/inception/{path}/train", content=content, headers=headers)
    assert (response.status_code, response.content) == (204, b"")


class TestFaults:
    @pytest.mark.parametrize(
        ("metadata", "told"),
        [
            ({"layer": "no.Such"}, "typeSystem has no layer 'no.Such'"),
            ({"layer": "uima.cas.TOP"}, "isn't a span layer"),
            ({"feature": "colour"}, "has no feature 'colour'"),
            ({"layer": CUSTOM, "feature": "count"}, "labels need a String"),
            ({"anchoringMode": "sentences"}, "a layer anchored to 'sentences' can't hold names"),
        ],
    )
    async def test_a_layer_that_can_hold_no_names_is_told(
        self, gateway: Gateway, types: TypeSystem, metadata: dict[str, str], told: str
    ) -> None:
        status, answer = await predict(gateway, request_of(make_cas(types, TEXTS), types, **metadata))
        assert (status, answer["error"]) == (422, "InvalidRequest")
        assert told in answer["detail"]

    async def test_a_remote_url_without_a_language_is_told(self, gateway: Gateway, types: TypeSystem) -> None:
        """INCEpTION makes this of a Remote URL that ends in `?method=student`."""
        body = request_of(make_cas(types, TEXTS), types)
        status, answer = await predict(gateway, body, "/integrations/inception/predict")
        assert status == 404
        assert "must end with a language" in answer["detail"]

    @pytest.mark.parametrize(
        ("url", "error"),
        [("xx", "UnknownLanguage"), ("sw/none", "UnknownMethod"), ("sw/candidates/NONE", "UnknownLabel")],
    )
    async def test_wrong_choices_are_told(self, gateway: Gateway, types: TypeSystem, url: str, error: str) -> None:
        body = request_of(make_cas(types, TEXTS), types)
        status, answer = await predict(gateway, body, f"/integrations/inception/{url}/predict")
        assert (status, answer["error"]) == (422, error)

    @pytest.mark.parametrize("missing", ["typeSystem", "metadata", "document"])
    async def test_missing_parts_are_told(self, gateway: Gateway, types: TypeSystem, missing: str) -> None:
        body = request_of(make_cas(types, TEXTS), types)
        del body[missing]
        status, answer = await predict(gateway, body)
        assert status == 422
        assert missing in answer["detail"]

    @pytest.mark.parametrize(
        ("before", "after"),
        [
            ("</xmi:XMI>", ""),
            ("<xmi:XMI", "<xmi:XML"),
            ('sofa="1"', 'sofa="77"'),
            ('begin="0"', 'begin="-1"'),
            ('begin="0"', 'begin="1"'),  # Inside the first emoji.
            ('begin="0"', 'begin="x"'),
            ('end="', 'end="9999'),
            ("type:Token", "type:NoSuchType"),
            ("<type:Token ", '<type:Token strange="1" '),
            ('members="', 'members="4711 '),
            ('xmi:id="1"', ""),
        ],
    )
    async def test_broken_xmi_is_told(self, gateway: Gateway, types: TypeSystem, before: str, after: str) -> None:
        body = request_of(make_cas(types, TEXTS), types)
        xmi = body["document"]["xmi"]
        assert before in xmi
        body["document"]["xmi"] = xmi.replace(before, after)
        status, answer = await predict(gateway, body)
        assert status == 422, answer
        assert "document.xmi" in answer["detail"]

    @pytest.mark.parametrize(
        "content", ["", "no xml", "<a", "<a/>", "\ud800", '<?xml version="1.0" encoding="UTF-7"?><a/>']
    )
    @pytest.mark.parametrize("part", ["typeSystem", "xmi"])
    async def test_what_is_no_xml_is_told(self, gateway: Gateway, types: TypeSystem, content: str, part: str) -> None:
        body = request_of(make_cas(types, TEXTS), types)
        if part == "xmi":
            body["document"]["xmi"] = content
        else:
            body["typeSystem"] = content
        response = await gateway.http.post(URL, content=json.dumps(body), headers={"content-type": "application/json"})
        assert 400 <= response.status_code < 500 or (content == "<a/>" and part == "xmi")
        assert "Internal" not in response.text


BILLION = '<!DOCTYPE a [<!ENTITY l0 "lol">' + "".join(
    f'<!ENTITY l{each} "{f"&l{each - 1};" * 10}">' for each in range(1, 10)
)


class TestAttacks:
    @pytest.mark.parametrize("part", ["typeSystem", "xmi"])
    @pytest.mark.parametrize(
        "doctype",
        [
            f"{BILLION}]>",
            '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
            '<!DOCTYPE a SYSTEM "http://127.0.0.1:9/x.dtd">',
        ],
    )
    async def test_entities_are_refused(self, gateway: Gateway, types: TypeSystem, part: str, doctype: str) -> None:
        body = request_of(make_cas(types, TEXTS), types)
        content = body["typeSystem"] if part == "typeSystem" else body["document"]["xmi"]
        head, _, rest = content.partition("?>")
        rest = rest.replace("Samia", "&l9;").replace("<description/>", "<description>&x;</description>")
        attack = f"{head}?>{doctype}{rest}"
        if part == "typeSystem":
            body["typeSystem"] = attack
        else:
            body["document"]["xmi"] = attack
        status, answer = await predict(gateway, body)
        assert status == 422
        assert "DOCTYPE" in answer["detail"]
        assert "root:" not in json.dumps(answer)

    @pytest.mark.parametrize(
        "name", ["x=1", "x):\n  import os", "__init__(self): pass\n#", "a b", "", "café()", "x;y", "a" * 50 + "'"]
    )
    async def test_names_never_become_code(self, gateway: Gateway, types: TypeSystem, name: str) -> None:
        """Regression: cassis compiles a class from a type's feature names, which whoever sends the request chooses."""
        body = request_of(make_cas(types, TEXTS), types)
        assert "<name>several</name>" in body["typeSystem"]
        body["typeSystem"] = body["typeSystem"].replace("<name>several</name>", f"<name>{name}</name>")
        status, answer = await predict(gateway, body)
        assert status == 422
        assert "is no name of a type or feature" in answer["detail"]

    @pytest.mark.parametrize(
        ("supertypes", "features", "told"),
        [
            ([f"a.T{n - 1}" for n in range(30_000)], 0, "more than 1,000 types"),
            ([f"a.T{n - 1}" for n in range(900)], 0, "more than 50 types above it, or itself"),
            (["a.T1", "a.T0"], 0, "more than 50 types above it, or itself"),
            (["uima.tcas.Annotation", *["a.T0"] * 800], 50, "types inherit 40,050 features"),
        ],
    )
    async def test_a_type_system_that_would_take_minutes_is_refused(
        self, gateway: Gateway, types: TypeSystem, supertypes: list[str], features: int, told: str
    ) -> None:
        """Regression: cassis copies each feature to all types below, so that a small request can take minutes."""
        named = "".join(
            f"<featureDescription><name>f{n}</name><rangeTypeName>uima.cas.String</rangeTypeName></featureDescription>"
            for n in range(features)
        )
        every = "".join(
            f"<typeDescription><name>a.T{n}</name><supertypeName>{supertype}</supertypeName>"
            f"<features>{named if n == 0 else ''}</features></typeDescription>"
            for n, supertype in enumerate(supertypes)
        )
        body = request_of(make_cas(types, TEXTS), types)
        body["typeSystem"] = f"<typeSystemDescription><types>{every}</types></typeSystemDescription>"
        status, answer = await predict(gateway, body)
        assert status == 422
        assert told in answer["detail"]

    async def test_an_annotation_listed_twice_is_refused(self, gateway: Gateway, types: TypeSystem) -> None:
        """Regression: its offsets would be converted twice, and each wrong one warned of at the cost of the text."""
        body = request_of(make_cas(types, TEXTS), types)
        xmi = body["document"]["xmi"]
        members = xmi.partition('members="')[2].partition('"')[0]
        body["document"]["xmi"] = xmi.replace(f'members="{members}"', f'members="{members} {members.split()[0]}"')
        status, answer = await predict(gateway, body)
        assert (status, answer["detail"]) == (422, "document.xmi: a view lists a member twice")
