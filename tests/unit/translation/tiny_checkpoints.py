"""Tiny random checkpoints in the exact layouts of facebook/nllb-200-distilled-600M and facebook/m2m100_418M."""

import io
import json
from pathlib import Path

TEXTS = [
    "Rais Samia alitembelea Nairobi jana.",
    "Habari ya leo",
    "Nairobi",
    "The president visited the capital of Kenya yesterday, and spoke with the mayor.",
    "Wananchi walikusanyika katika uwanja wa mji mkuu wa Kenya.",
]
_SPECIAL = ["<s>", "<pad>", "</s>", "<unk>"]


def nllb(folder: Path) -> Path:
    """Write tokenizer.json, tokenizer_config.json, special_tokens_map.json, sentencepiece.bpe.model and the model."""
    from tokenizers import AddedToken, Tokenizer, processors
    from transformers.models.nllb.tokenization_nllb import FAIRSEQ_LANGUAGE_CODES

    from spanbridge_translation.backends.sentencepiece import tokenizer_json

    codes = FAIRSEQ_LANGUAGE_CODES
    model = _sentencepiece(folder)
    pieces = [piece for piece in _pieces(model) if piece not in _SPECIAL]
    vocabulary = {token: place for place, token in enumerate(_SPECIAL + pieces)}
    last = len(vocabulary)
    tokenizer = Tokenizer.from_str(tokenizer_json(model, vocabulary, {}, last))
    tokenizer.add_special_tokens([AddedToken(code, special=True, normalized=False) for code in codes])
    tokenizer.add_special_tokens([AddedToken("<mask>", lstrip=True, normalized=True, special=True)])
    tokenizer.post_processor = processors.TemplateProcessing(
        single=["eng_Latn", "$A", "</s>"], special_tokens=[("eng_Latn", last + codes.index("eng_Latn")), ("</s>", 2)]
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    special = {
        "bos_token": "<s>",
        "cls_token": "<s>",
        "eos_token": "</s>",
        "sep_token": "</s>",
        "pad_token": "<pad>",
        "unk_token": "<unk>",
        "mask_token": {"content": "<mask>", "lstrip": True, "normalized": True, "rstrip": False, "single_word": False},
    }
    more = {"src_lang": None, "tgt_lang": None, "sp_model_kwargs": None, "tokenizer_class": "NllbTokenizer"}
    _write(folder / "special_tokens_map.json", special | {"additional_special_tokens": codes})
    _write(folder / "tokenizer_config.json", special | more | {"model_max_length": 1024})
    _save_model(folder, vocab_size=last + len(codes) + 1)
    return folder


def m2m100(folder: Path) -> Path:
    """Write vocab.json, sentencepiece.bpe.model, tokenizer_config.json, special_tokens_map.json and the model."""
    from transformers.models.m2m_100.tokenization_m2m_100 import FAIRSEQ_LANGUAGE_CODES

    model = _sentencepiece(folder)
    pieces = [piece for piece in _pieces(model) if piece not in _SPECIAL]
    # Another order than SentencePiece's, and two pieces short: fairseq counts its dictionary on its own.
    vocabulary = {token: place for place, token in enumerate([*_SPECIAL, *sorted(pieces)[:-2]])}
    _write(folder / "vocab.json", vocabulary)
    codes = FAIRSEQ_LANGUAGE_CODES["m2m100"]
    special = {"bos_token": "<s>", "eos_token": "</s>", "sep_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"}
    languages = {"additional_special_tokens": [f"__{code}__" for code in codes]}
    more = {"src_lang": None, "tgt_lang": None, "num_madeup_words": 8, "language_codes": "m2m100"}
    _write(folder / "special_tokens_map.json", special | languages)
    _write(folder / "tokenizer_config.json", special | languages | more | {"tokenizer_class": "M2M100Tokenizer"})
    _save_model(folder, vocab_size=len(vocabulary) + len(codes) + 8)
    return folder


def _sentencepiece(folder: Path) -> bytes:
    import sentencepiece

    folder.mkdir(parents=True, exist_ok=True)
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(TEXTS * 4),
        model_writer=model,
        model_type="bpe",
        vocab_size=160,
        character_coverage=1.0,
        minloglevel=2,
    )
    (folder / "sentencepiece.bpe.model").write_bytes(model.getvalue())
    return model.getvalue()


def _pieces(model: bytes) -> list[str]:
    import sentencepiece

    processor = sentencepiece.SentencePieceProcessor(model_proto=model)
    return [processor.id_to_piece(place) for place in range(processor.get_piece_size())]


def _save_model(folder: Path, *, vocab_size: int) -> None:
    import torch
    from transformers import M2M100Config, M2M100ForConditionalGeneration

    torch.manual_seed(3)
    config = M2M100Config(
        vocab_size=vocab_size,
        d_model=32,
        encoder_layers=2,
        decoder_layers=2,
        encoder_ffn_dim=64,
        decoder_ffn_dim=64,
        encoder_attention_heads=4,
        decoder_attention_heads=4,
        max_position_embeddings=128,
        activation_function="relu",
        scale_embedding=True,
        init_std=0.25,  # Large, so that a random model says different things of different sentences.
        encoder_layerdrop=0.0,
        decoder_layerdrop=0.0,
        bos_token_id=0,
        pad_token_id=1,
        eos_token_id=2,
        decoder_start_token_id=2,
    )
    M2M100ForConditionalGeneration(config).eval().save_pretrained(folder)


def _write(path: Path, content: object) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
