"""Sub-words, windows and offsets around a model that is seen through: its logits name the sub-word they stand on."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from spanbridge_ner_teacher.backends.base import TeacherCard
from spanbridge_ner_teacher.backends.token_classifier import TokenClassifier
from spanbridge_ner_teacher.backends.word_encoder import WordEncoder
from spanbridge_ner_teacher.core.labels import read_tags
from spanbridge_ner_teacher.core.sentences import Sentence
from spanbridge_shared.errors import ConfigurationError, SentenceError
from spanbridge_shared.text.checks import check_text

VOCABULARY = {
    piece: place for place, piece in enumerate(["[PAD]", "[UNK]", "<<", ">>", "a", "##b", "N", "##x", "query"])
}
TAGS = ["O", "B-PER", "I-PER"]


def tokenizer_json() -> str:
    tokenizer = Tokenizer(models.WordPiece(VOCABULARY, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.add_special_tokens(["[PAD]", "<<", ">>"])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<< << $A >>", special_tokens=[("<<", VOCABULARY["<<"]), (">>", VOCABULARY[">>"])]
    )
    tokenizer.enable_truncation(2)
    tokenizer.enable_padding(length=9)
    return str(tokenizer.to_str())


class NamesAreN:
    """Says B-PER on the piece N and O elsewhere; remembers what it was given."""

    def __init__(self) -> None:
        self.batches: list[list[list[int]]] = []

    def logits(self, batch: Sequence[Sequence[int]]) -> list[np.ndarray]:
        self.batches.append([list(ids) for ids in batch])
        return [np.array([[0.0, 9.0, 0.0] if i == VOCABULARY["N"] else [9.0, 0.0, 0.0] for i in ids]) for ids in batch]


def classifier(max_tokens: int = 12, max_batch_tokens: int = 24, prefix: str = "") -> tuple[TokenClassifier, NamesAreN]:
    model, columns = NamesAreN(), read_tags(TAGS)
    card = TeacherCard("fake", "fake-1", columns.labels, ("*",), columns.tags)
    encoder = WordEncoder(tokenizer_json(), max_tokens, prefix)
    return TokenClassifier(card, model, encoder, columns, max_batch_tokens=max_batch_tokens), model


def test_the_template_is_the_tokenizers_own_and_its_padding_and_truncation_are_not() -> None:
    teacher, model = classifier()
    teacher.probabilities([Sentence("eng_Latn", tokens=("ab", "N", "Nx"))])
    begin, end = VOCABULARY["<<"], VOCABULARY[">>"]
    assert model.batches == [[[begin, begin, *(VOCABULARY[each] for each in ("a", "##b", "N", "N", "##x")), end]]]


def test_the_models_prefix_comes_first_and_has_no_row() -> None:
    teacher, model = classifier(prefix="query N")
    rows = teacher.probabilities([Sentence("eng_Latn", tokens=("a", "N"))])[0]
    assert model.batches[0][0][2:5] == [VOCABULARY["query"], VOCABULARY["N"], VOCABULARY["a"]]
    assert rows.argmax(axis=1).tolist() == [0, 1]


def test_a_words_row_is_its_first_sub_words() -> None:
    teacher, _ = classifier()
    rows = teacher.probabilities([Sentence("eng_Latn", tokens=("Nx", "ab"))])[0]
    assert rows.argmax(axis=1).tolist() == [1, 0]


def test_special_tokens_of_the_user_become_unknown_words() -> None:
    teacher, model = classifier()
    teacher.probabilities([Sentence("eng_Latn", tokens=("<<", ">>", "[PAD]", "N"))])
    inner = model.batches[0][0][2:-1]
    assert not {VOCABULARY["<<"], VOCABULARY[">>"], VOCABULARY["[PAD]"]} & set(inner)
    assert inner[-1] == VOCABULARY["N"]


@given(st.lists(st.sampled_from(["a", "ab", "N", "Nx", "?"]), max_size=60))
def test_every_word_gets_its_row_however_long_the_sentence(words: list[str]) -> None:
    teacher, model = classifier()
    rows = teacher.probabilities([Sentence("eng_Latn", tokens=tuple(words)), Sentence("eng_Latn", tokens=("N",))])
    assert rows[0].argmax(axis=1).tolist() == [int(word.startswith("N")) for word in words]
    assert rows[1].argmax(axis=1).tolist() == [1]
    for batch in model.batches:
        assert max(map(len, batch)) <= 12
        assert max(map(len, batch)) * len(batch) <= 24


@given(st.text(max_size=60))
def test_entities_of_any_text_are_where_the_text_has_them(text: str) -> None:
    text = f"{text} N 😀 e\u0301 Nx"
    try:
        check_text(text)
    except SentenceError:
        return
    sentence = Sentence("amh_Ethi", text=text)
    found = classifier()[0].entities([sentence])[0]
    words, spans = sentence.words()
    expected = [span for word, span in zip(words, spans, strict=True) if word in ("N", "Nx")]
    assert [each.span for each in found if sentence.cover(each.span) in ("N", "Nx")] == expected
    assert {"N", "Nx"} <= {sentence.cover(each.span) for each in found}


def test_a_length_without_room_for_words_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="leaves no room"):
        classifier(max_tokens=3)
