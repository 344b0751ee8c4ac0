"""How long a translation may grow: a small model that loops must not hold its batch until the model's own limit."""

_SHORTEST = 32


def length_class(n_tokens: int) -> int:
    """Return the power of two, at least 32, that a length lies under; sentences of one class may share a model call.

    >>> length_class(5), length_class(32), length_class(33)
    (32, 32, 64)
    """
    return max(_SHORTEST, 1 << (n_tokens - 1).bit_length())


def decoding_limit(n_tokens: int, longest: int) -> int:
    """Return the most sub-words that the translation of a source of `n_tokens` may have.

    It depends on the class alone, so that a sentence's translation is the same in whatever company it is decoded. Twice
    the class leaves room for the longest real translations seen (1.3 times their source).

    >>> decoding_limit(5, longest=250), decoding_limit(100, longest=250), decoding_limit(200, longest=250)
    (64, 250, 250)
    """
    return min(longest, 2 * length_class(n_tokens))
