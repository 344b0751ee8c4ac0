"""Datasaur's documents: every sentence gets the labels of its own result."""

from hypothesis import given
from hypothesis import strategies as st

from spanbridge_gateway.integrations.datasaur.codec import DatasaurRequest, response_of, texts_of
from spanbridge_shared.contracts.base import ErrorBody
from spanbridge_shared.contracts.gateway import Entity, SentenceResult

KEYS = st.integers(0, 99) | st.text(max_size=4)
TEXTS = st.lists(st.sampled_from(["Samia", "👩‍👩‍👧", "\u0301", "שלום", " ", "\n"]), max_size=5).map("".join)
SENTENCES = st.lists(st.fixed_dictionaries({"id": KEYS, "text": TEXTS}), max_size=4)
PROJECTS = st.lists(st.fixed_dictionaries({"id": KEYS, "sentences": SENTENCES}), max_size=4)


@given(PROJECTS)
def test_labels_belong_to_their_sentences(documents: list[dict[str, object]]) -> None:
    request = DatasaurRequest.model_validate({"id": "p", "documents": documents})
    texts = texts_of(request)
    results = [result_of(text) for text in texts]
    answer = response_of(request, results)
    assert answer.id == "p"
    assert len(answer.documents) == len(request.documents)
    for before, after in zip(request.documents, answer.documents, strict=True):
        assert (before.id, [each.id for each in before.sentences]) == (after.id, [each.id for each in after.labels])
        for sentence, labels in zip(before.sentences, after.labels, strict=True):
            found = [(sentence.text[each.start_char : each.end_char], each.label) for each in labels.entities]
            assert found == ([(sentence.text, "PER")] if sentence.text.strip() else [])


def result_of(text: str) -> SentenceResult:
    """Return a result whose only entity is all of the text; one without words failed."""
    if not text.strip():
        error = ErrorBody(error="EmptyText", detail="the text is empty")
        return SentenceResult(id="", text=text, lang="swh_Latn", entities=[], error=error)
    entity = Entity(start=0, end=len(text), text=text, label="PER", score=1.0)
    return SentenceResult(id="", text=text, lang="swh_Latn", entities=[entity])
