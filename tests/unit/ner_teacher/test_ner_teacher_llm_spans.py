"""Mentions become spans only where they stand in the sentence, in any script; samples vote."""

import itertools

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from spanbridge_ner_teacher.core.llm_answers import Mention
from spanbridge_ner_teacher.core.llm_spans import agreed, located, running_text
from spanbridge_ner_teacher.core.sentences import Sentence
from spanbridge_shared.text.bio import LabelledSpan
from spanbridge_shared.text.spans import Span

LABELS = st.sampled_from(["PER", "ORG", "LOC"])
PIECES = st.sampled_from(
    ["Samia", "Ali", "Nairobi", "e\u0301", "é", "\u0301", "👩‍👩‍👧", "👍🏽", "🇰🇪", "שרה", "ירושלים", "\u200f", "محمد",
     "مُحَمَّد", "東京", "ไทย", "क्षि", "a", "b", " ", " ", "  ", "-", "’", ".", "\u200d", "ǹ", "Ọ̀ṣun", "\t"]
)  # fmt: skip
TEXTS = st.lists(PIECES, min_size=1, max_size=14).map("".join).filter(lambda text: text.strip() != "")
TOKENS = st.lists(
    st.lists(PIECES, min_size=1, max_size=3).map("".join).map(lambda word: regex.sub(r"\s", "", word)).filter(bool),
    min_size=1, max_size=8,
)  # fmt: skip
SENTENCES = st.one_of(
    TEXTS.map(lambda text: Sentence("swh_Latn", text=text)),
    TOKENS.map(lambda tokens: Sentence("swh_Latn", tokens=tuple(tokens))),
)


@st.composite
def asked(draw: st.DrawFn) -> tuple[Sentence, list[Mention]]:
    """A sentence, and mentions of which most are cut from it and some are invented."""
    sentence = draw(SENTENCES)
    text = running_text(sentence)
    mentions = []
    for _ in range(draw(st.integers(0, 6))):
        start = draw(st.integers(0, len(text) - 1))
        cut = text[start : draw(st.integers(start + 1, len(text)))].strip()
        name = draw(st.sampled_from([cut, draw(PIECES).strip()]))
        if name:
            mentions.append(Mention(name, draw(LABELS)))
    return sentence, mentions


@given(asked())
def test_no_span_is_invented_and_none_overlap(given_: tuple[Sentence, list[Mention]]) -> None:
    sentence, mentions = given_
    found = located(sentence, mentions)
    assert len(found.spans) + found.dropped == len(mentions)
    left = list(mentions)
    for span, label in found.spans:
        covered = sentence.cover(span)
        if sentence.tokens is None:
            left.remove(Mention(covered, label))  # Letter by letter, each mention once.
        else:
            assert 0 <= span.start < span.end <= len(sentence.tokens)
            assert any(each.text in covered and each.label == label for each in mentions)
    for (one, _), (other, _) in itertools.pairwise(found.spans):
        assert one.end <= other.start


@given(TEXTS, st.data())
def test_a_whole_word_alone_is_always_found(text: str, data: st.DataObject) -> None:
    sentence = Sentence("swh_Latn", text=text)
    words, places = sentence.words()
    number = data.draw(st.integers(0, len(words) - 1))
    ((span, _),) = located(sentence, [Mention(words[number], "PER")]).spans
    assert text[span.start : span.end] == words[number]
    assert span in places
    assert span.start <= places[number].start


@given(TEXTS, st.data())
def test_no_span_cuts_a_grapheme_cluster_of_a_word(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    name = text[start : data.draw(st.integers(start + 1, len(text)))].strip()
    sentence = Sentence("swh_Latn", text=text)
    if not name:
        return
    for span, _ in located(sentence, [Mention(name, "PER")]).spans:
        for place in sentence.words()[1]:
            ends = {place.start, *(place.start + each.end() for each in regex.finditer(r"\X", text[slice(*place)]))}
            assert {edge for edge in span if place.start < edge < place.end} <= ends


def spans(text: str, *names: str) -> list[str]:
    found = located(Sentence("swh_Latn", text=text), [Mention(name, "PER") for name in names])
    return [text[slice(*span)] for span, _ in found.spans]


@pytest.mark.parametrize(
    ("text", "names", "found"),
    [
        ("Alitembelea Ali", ["Ali"], ["Ali"]),
        ("Alitembelea", ["Ali"], []),
        ("Nairobini kuna mvua", ["Nairobi"], ["Nairobi"]),
        ("e\u0301 na mwalimu", ["e"], []),
        ("Ọ\u0300ṣun", ["Ọ"], []),
        ("Jose\u0301", ["Jose"], []),
        ("Jose\u0301", ["Jos\u00e9"], []),
        ("👩‍👩‍👧 Samia", ["👩"], []),
        ("🇰🇪🇺🇬", ["🇺🇬"], ["🇺🇬"]),
        ("🇰🇪🇺🇬", ["🇪🇺"], []),
        ("ביקרה שרה בירושלים", ["ירושלים", "שרה"], ["שרה", "ירושלים"]),
        ("زار محمد القاهرة", ["القاهرة", "محمد"], ["محمد", "القاهرة"]),
        ("東京に行く", ["東京"], ["東京"]),
        ("New York, York", ["York", "New York"], ["New York", "York"]),
        ("New York", ["York", "New York"], ["New York"]),
        ("aa aa", ["aa", "aa", "aa"], ["aa", "aa"]),
        ("Samia", ["samia", "Samia Suluhu", "Rais"], []),
    ],
)
def test_mentions_find_their_places(text: str, names: list[str], found: list[str]) -> None:
    assert spans(text, *names) == found


def test_a_mention_within_a_token_is_the_token() -> None:
    sentence = Sentence("eng_Latn", tokens=("Samia's", "New", "York", "."))
    found = located(sentence, [Mention("Samia", "PER"), Mention("New York", "LOC"), Mention("New York", "ORG")])
    assert found.spans == [LabelledSpan(Span(0, 1), "PER"), LabelledSpan(Span(1, 3), "LOC")]
    assert found.dropped == 1


def test_the_labels_of_a_repeated_name_keep_their_order() -> None:
    text = "Jordan alizaliwa Jordan"
    found = located(Sentence("swh_Latn", text=text), [Mention("Jordan", "PER"), Mention("Jordan", "LOC")])
    assert found.spans == [LabelledSpan(Span(0, 6), "PER"), LabelledSpan(Span(17, 23), "LOC")]


LABELLED = st.builds(
    lambda start, size, label: LabelledSpan(Span(start, start + size), label),
    st.integers(0, 8), st.integers(1, 4), LABELS,
)  # fmt: skip
SAMPLES = st.lists(st.lists(LABELLED, max_size=4, unique=True), min_size=1, max_size=6)


@given(SAMPLES, st.floats(0.01, 1))
def test_a_score_is_the_share_of_samples_and_the_likelier_stays(
    samples: list[list[LabelledSpan]], min_share: float
) -> None:
    kept = agreed(samples, min_share)
    shares = {each: sum(each in sample for sample in samples) / len(samples) for each in itertools.chain(*samples)}
    for entity in kept:
        assert entity.score == pytest.approx(shares[LabelledSpan(entity.span, entity.label)], abs=1e-6)
        assert entity.score >= min_share - 1e-6
    for one, other in itertools.pairwise(kept):
        assert one.span.end <= other.span.start
    for (span, label), share in shares.items():
        if share >= min_share and (span, label) not in [(each.span, each.label) for each in kept]:
            assert any(span.overlaps(each.span) and each.score >= share - 1e-6 for each in kept)


def test_samples_in_any_order_agree_on_the_same() -> None:
    one, other = LabelledSpan(Span(0, 2), "PER"), LabelledSpan(Span(1, 3), "LOC")
    orders = itertools.permutations([[one], [other], [one, LabelledSpan(Span(5, 6), "ORG")], []])
    assert len({tuple(agreed(order, 0.25)) for order in orders}) == 1


def test_two_thirds_are_worth_two_thirds() -> None:
    """Worked example: two of three samples say PER, one says LOC, for the same words."""
    person, place = LabelledSpan(Span(0, 2), "PER"), LabelledSpan(Span(0, 2), "LOC")
    (entity,) = agreed([[person], [place], [person]], 0.1)
    assert (entity.label, entity.score) == ("PER", 0.666667)
    assert agreed([[person], [place], []], 0.5) == []
    assert [each.score for each in agreed([[person, person], []], 0.1)] == [0.5]
    with pytest.raises(ValueError, match="no samples"):
        agreed([], 0.5)
