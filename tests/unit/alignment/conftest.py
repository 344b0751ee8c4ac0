"""Tiny checkpoints in the exact layouts of bert-base-multilingual-cased and xlm-roberta-base."""

import json

import pytest

LAYERS = 4
WORDS = ["Rais", "Samia", "ali", "##tem", "##belea", "Nairobi", ".", "[", "]", "SEP", "a", "the"]
PIECES = ["▁Rais", "▁Samia", "▁ali", "tem", "belea", "▁Nairobi", ".", "▁", "a", "▁a", "<", "/", "s", ">", "n", "i"]


def _bert():
    from transformers import BertConfig, BertModel, BertTokenizerFast

    vocabulary = ["[PAD]", *[f"[unused{n}]" for n in range(1, 100)], "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]
    tokenizer = BertTokenizerFast(vocab={each: n for n, each in enumerate(vocabulary)}, do_lower_case=False)
    tokenizer.model_max_length = 64
    config = BertConfig(
        vocab_size=len(vocabulary), hidden_size=16, num_hidden_layers=LAYERS, num_attention_heads=2,
        intermediate_size=32, max_position_embeddings=64, initializer_range=0.5,
    )  # fmt: skip
    return tokenizer, BertModel(config)


def _xlm_roberta():
    from transformers import XLMRobertaConfig, XLMRobertaModel, XLMRobertaTokenizerFast

    pieces = ["<s>", "<pad>", "</s>", "<unk>", *PIECES, "<mask>"]
    special = {*pieces[:4], "<mask>"}
    scored = [(each, 0.0 if each in special else -float(n)) for n, each in enumerate(pieces)]
    tokenizer = XLMRobertaTokenizerFast(vocab=scored)
    tokenizer.model_max_length = 62
    config = XLMRobertaConfig(
        vocab_size=len(pieces), hidden_size=16, num_hidden_layers=LAYERS, num_attention_heads=2,
        intermediate_size=32, max_position_embeddings=64, type_vocab_size=1, pad_token_id=1, bos_token_id=0,
        eos_token_id=2, initializer_range=0.5,
    )  # fmt: skip
    return tokenizer, XLMRobertaModel(config)


@pytest.fixture(scope="session", params=["bert", "xlm-roberta"])
def checkpoint(request, tmp_path_factory):
    """A folder with a random checkpoint; no bias and no embedding is zero, so that a lost one shows."""
    torch = pytest.importorskip("torch")
    pytest.importorskip("transformers")
    torch.manual_seed(7)
    folder = tmp_path_factory.mktemp(request.param)
    tokenizer, model = (_bert if request.param == "bert" else _xlm_roberta)()
    with torch.no_grad():
        for weights in model.parameters():
            weights.add_(0.1 * torch.randn_like(weights))
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    assert json.loads((folder / "config.json").read_text())["model_type"] == request.param
    return folder
