"""A warm start of another depth: a deeper encoder that computes the same, a decoder of fewer layers.

An encoder reads a sentence once, a decoder runs once a word: layers in the encoder cost little time, and a shallow
decoder little quality (Kasai et al. 2021, arXiv 2006.10369).
"""

from collections.abc import Mapping

from torch import Tensor, zeros_like

from training.nmt.errors import StageError

_ENCODER, _DECODER = "model.encoder.layers.", "model.decoder.layers."
# What a pre-norm layer adds to its input passes through these last: with them at zero it adds nothing.
_OUTPUTS = ("self_attn.out_proj.weight", "self_attn.out_proj.bias", "fc2.weight", "fc2.bias")


def spread(has: int, wants: int) -> list[tuple[int, bool]]:
    """Which layer each of `wants` ones is taken from, and whether it is a further copy, which shall add nothing.

    >>> spread(3, 5)
    [(0, False), (0, True), (1, False), (1, True), (2, False)]
    """
    if wants < has:
        raise StageError(f"an encoder of {has} layers can be made deeper, not cut to {wants}")
    copies = [wants // has + (place < wants % has) for place in range(has)]
    return [(place, number > 0) for place, count in enumerate(copies) for number in range(count)]


def kept(has: int, wants: int) -> list[int]:
    """Which of a decoder's layers stay: the last, which has the alignment head, the first, and others between evenly.

    >>> kept(3, 1), kept(3, 2), kept(6, 3)
    ([2], [0, 2], [0, 2, 5])
    """
    if not 1 <= wants <= has:
        raise StageError(f"a decoder of {has} layers can be cut, not made {wants} deep")
    return [has - 1] if wants == 1 else [round(place * (has - 1) / (wants - 1)) for place in range(wants)]


def with_depth(weights: Mapping[str, Tensor], encoder_layers: int, decoder_layers: int) -> dict[str, Tensor]:
    """The weights of an M2M100 network under the names of one of another depth.

    The encoder's output stays the same: further layers are copies that add nothing before they are trained. Raises
    StageError for a shallower encoder and a deeper decoder.
    """
    encoder, decoder = (
        len({name.split(".")[3] for name in weights if name.startswith(side)}) for side in (_ENCODER, _DECODER)
    )
    sources = [(_DECODER, place, number, False) for number, place in enumerate(kept(decoder, decoder_layers))]
    sources += [
        (_ENCODER, place, number, silent) for number, (place, silent) in enumerate(spread(encoder, encoder_layers))
    ]
    found = {name: value for name, value in weights.items() if not name.startswith((_ENCODER, _DECODER))}
    for side, place, number, silent in sources:
        for name, value in weights.items():
            if name.startswith(f"{side}{place}."):
                part = name.removeprefix(f"{side}{place}.")
                found[f"{side}{number}.{part}"] = zeros_like(value) if silent and part in _OUTPUTS else value
    return found
