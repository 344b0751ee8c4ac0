"""The vocabulary in NLLB's layout: `<s> <pad> </s> <unk>`, pieces, FLORES-200 codes, `<mask>`, padding words."""

from collections.abc import Sequence

BOS, PAD, EOS, UNK = "<s>", "<pad>", "</s>", "<unk>"
BOS_ID, PAD_ID, EOS_ID, UNK_ID = 0, 1, 2, 3
MASK = "<mask>"
SPECIALS = (BOS, PAD, EOS, UNK)

# CTranslate2's int8 kernels and tensor cores both want the vocabulary in multiples of this.
VOCABULARY_MULTIPLE = 64


def nllb_vocabulary(pieces: Sequence[str], languages: Sequence[str]) -> list[str]:
    """The tokens in id order; a sentencepiece id i ≥ 3 becomes i + 1.

    Padding words carry the name that CTranslate2's converter gives them, so that files of both origins agree.
    """
    tokens = [*SPECIALS, *pieces, *sorted(languages), MASK]
    missing = -len(tokens) % VOCABULARY_MULTIPLE
    return tokens + [f"madeupword{number}" for number in range(missing)]
