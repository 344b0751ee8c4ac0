"""The recipe of `models/nmt`: a small translation model in NLLB's layout, from parallel text to CTranslate2.

One subcommand per stage, run in this order as `python -m training.nmt <stage>`: prepare, tokenizer, encode, train,
convert, evaluate. `dequantise` goes the other way, from a shipped model.bin to a transformers checkpoint.
"""
