"""Pruning keeps the vectors of kept pieces. Needs torch: skipped without the training extra."""

import pytest

torch = pytest.importorskip("torch", reason="torch comes with the training extra")
transformers = pytest.importorskip("transformers", reason="transformers comes with the training extra")

from training.encoder.prune import prune_model
from training.encoder.tokenizer import SPECIALS, build_tokenizer

PIECES = [(name, 0.0) for name in SPECIALS] + [("▁", -2.0), ("a", -3.0), ("b", -3.0), ("▁ab", -3.0), ("▁ba", -3.0)]
KEPT = [0, 1, 2, 3, 4, 5, 6, 8]


@pytest.fixture(name="model")
def tiny_bert():  # type: ignore[no-untyped-def]
    torch.manual_seed(0)
    config = transformers.BertConfig(
        vocab_size=len(PIECES), hidden_size=8, num_hidden_layers=3, num_attention_heads=2, intermediate_size=16
    )
    return transformers.BertModel(config).eval()


def test_rows_of_kept_pieces_are_identical(model) -> None:  # type: ignore[no-untyped-def]
    pruned = prune_model(model, KEPT, layers=2)
    before = model.embeddings.word_embeddings.weight
    after = pruned.embeddings.word_embeddings.weight
    assert after.shape == (len(KEPT), 8)
    assert torch.equal(after, before[torch.tensor(KEPT)])


def test_text_of_kept_pieces_has_the_same_hidden_states(model) -> None:  # type: ignore[no-untyped-def]
    full = build_tokenizer(PIECES).encode("ba b")
    small = build_tokenizer([PIECES[i] for i in KEPT]).encode("ba b")
    assert small.tokens == full.tokens
    assert small.ids != full.ids
    with torch.inference_mode():
        expected = model(torch.tensor([full.ids]), output_hidden_states=True).hidden_states[2]
        actual = prune_model(model, KEPT, layers=2)(torch.tensor([small.ids])).last_hidden_state
    assert torch.allclose(actual, expected, atol=1e-6)


@pytest.mark.parametrize("layers", [0, 4])
def test_a_depth_the_model_lacks_is_refused(model, layers: int) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match="layers must be 1 to 3"):
        prune_model(model, KEPT, layers=layers)
