"""INCEpTION's documents: offsets survive UTF-16, predictions don't overlap, XMI can be read again."""

import itertools

import pytest
from cassis import load_cas_from_xmi
from cassis.typesystem import TypeSystem
from hypothesis import given, settings
from hypothesis import strategies as st

from spanbridge_gateway.integrations.inception.codec import Case, Prediction, predictions, read_case, write_case
from spanbridge_gateway.integrations.inception.messages import PredictionRequest
from spanbridge_shared.contracts.gateway import Entity
from spanbridge_shared.errors import InvalidRequest
from spanbridge_shared.text.spans import Span
from tests.support.cas import ENTITY, make_cas, request_of, type_system

TYPES = type_system()
PIECES = [
    "Samia",
    "👩‍👩‍👧",
    "🇰🇪",
    "Ẹ̀kọ́",
    "שלום",
    "\u200f",
    "東京",
    "𐍈",
    "&",
    "<a>",
    '"',
    " ",
    "  ",
    "\t",
    "\r",
    "\u2028",
    ".",
]
LINES = st.lists(st.sampled_from(PIECES), max_size=8).map("".join)


def case_of(lines: list[str], types: TypeSystem = TYPES, **metadata: object) -> Case:
    return read_case(PredictionRequest.model_validate(request_of(make_cas(types, lines), types, **metadata)))


@given(st.lists(LINES, max_size=4), st.data())
def test_what_is_added_is_found_again_at_its_place(lines: list[str], data: st.DataObject) -> None:
    case = case_of(lines)
    assert case.texts == [line.strip() for line in lines if line.strip()]
    chosen = data.draw(st.lists(st.sampled_from(case.tokens), unique=True)) if case.tokens else []
    added = [Prediction(span, "PER", 0.5, "v") for span in sorted(chosen)]
    found = load_cas_from_xmi(write_case(case, added), typesystem=TYPES)
    assert found.sofa_string == "\n".join(lines)
    assert [(each.begin, each.end, each.value) for each in found.select(ENTITY)] == [
        (*span, "PER") for span in sorted(chosen)
    ]
    again = load_cas_from_xmi(write_case(case, []), typesystem=TYPES)
    assert len(again.select(ENTITY)) == len(chosen)


@given(st.lists(LINES.filter(str.strip), min_size=1, max_size=3), st.data())
def test_predictions_never_overlap_and_are_whole_tokens(lines: list[str], data: st.DataObject) -> None:
    case = case_of(lines)
    labelled = []
    for sentence, text in zip(case.sentences, case.texts, strict=True):
        ends = st.integers(0, len(text) - 1)
        entities = []
        for start in data.draw(st.lists(ends, max_size=4)):
            end = data.draw(st.integers(start + 1, len(text)))
            score = data.draw(st.floats(0, 1))
            entities.append(Entity(start=start, end=end, text=text[start:end], label="PER", score=score))
        labelled.append((sentence, entities))
    found = predictions(case, labelled, "v")
    starts, ends_ = {each.start for each in case.tokens}, {each.end for each in case.tokens}
    assert all(each.span.start in starts and each.span.end in ends_ for each in found)
    assert all(a.span.end <= b.span.start for a, b in itertools.pairwise(found))


@given(LINES, LINES, st.data())
def test_a_range_in_utf16_units_finds_its_sentence(first: str, second: str, data: st.DataObject) -> None:
    first, second = f"x{first}x", f"y{second}y"
    units = len(first.encode("utf-16-le")) // 2
    begin = data.draw(st.integers(0, units - 1))
    case = case_of([first, second], range={"begin": begin, "end": begin + 1})
    assert case.texts == [first]


def test_the_better_of_two_predictions_for_a_token_stays() -> None:
    case = case_of(["Rais Samia"])
    entities = [
        Entity(start=0, end=5, text="Rais ", label="LOC", score=0.4),
        Entity(start=3, end=10, text="s Samia", label="PER", score=0.7),
    ]
    assert predictions(case, [(case.sentences[0], entities)], "v") == [Prediction(Span(0, 10), "PER", 0.7, "v")]


@pytest.mark.parametrize("number", [1, 3])
def test_ids_are_unique(number: int) -> None:
    case = case_of(["Samia yuko Nairobi"] * number)
    xmi = write_case(case, [Prediction(each, "PER", 0.5, "v") for each in case.tokens])
    found = load_cas_from_xmi(xmi, typesystem=TYPES)
    ids = [each.xmiID for each in found.select_all_fs()]
    assert len(ids) == len(set(ids)) > 3 * number


BODY = request_of(make_cas(TYPES, ["👩 Samia yuko", "Nairobi jana"]), TYPES)
SCRAPS = [
    "",
    '"',
    "<",
    ">",
    "/",
    "0",
    "-1",
    "xmi:id",
    "sofa",
    'members=""',
    "<a/>",
    "<cas:View/>",
    "<cas:Sofa/>",
    "type",
]


@settings(max_examples=80)
@given(st.sampled_from(["xmi", "typeSystem"]), st.data())
def test_what_is_damaged_is_read_or_refused(part: str, data: st.DataObject) -> None:
    body = BODY | {"document": dict(BODY["document"])}
    place = body["document"] if part == "xmi" else body
    written = place[part]
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(written)))
        end = start + data.draw(st.sampled_from([0, 1, 2, 5, 30]))
        written = written[:start] + data.draw(st.sampled_from(SCRAPS)) + written[end:]
    place[part] = written
    try:
        case = read_case(PredictionRequest.model_validate(body))
        xmi = write_case(case, [Prediction(each, "PER", 0.5, "v") for each in case.tokens])
    except InvalidRequest:
        return
    load_cas_from_xmi(xmi, typesystem=case.cas.typesystem)
