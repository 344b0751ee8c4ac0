"""The starting weights in 4 bits: nothing is lost, and what isn't 4-bit is told apart."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from training.encoder.wheel import dequantise
from training.teacher.blocks import blocks_of, packed, restored_blocks, unpacked


@given(st.integers(0, 2**32 - 1), st.integers(1, 4))
def test_any_q4_blocks_come_back_bit_for_bit(seed: int, n_blocks: int) -> None:
    random = np.random.default_rng(seed)
    scales = random.normal(0, 0.02, n_blocks).astype(np.float16)
    codes = random.integers(0, 256, (n_blocks, 16)).astype(np.uint8)
    values = restored_blocks(codes, scales)
    raw = b"".join(scale.tobytes() + code.tobytes() for scale, code in zip(scales, codes, strict=True))
    np.testing.assert_array_equal(values, dequantise(raw))
    found = blocks_of(values)
    if found is None:  # A block whose codes share a factor may have no scale that float16 holds.
        return
    np.testing.assert_array_equal(restored_blocks(*found), values)


def test_a_block_made_by_the_rule_is_always_found() -> None:
    random = np.random.default_rng(0)
    scales = random.normal(0, 0.02, 500).astype(np.float16)
    codes = random.integers(0, 256, (500, 16)).astype(np.uint8)
    codes[:, 0] &= 0xF0  # k = -8: the largest weight of a block, as the quantiser leaves it.
    found = blocks_of(restored_blocks(codes, scales))
    assert found is not None
    np.testing.assert_array_equal(found[0], codes)


def test_other_weights_travel_as_float16_and_vectors_as_they_are() -> None:
    random = np.random.default_rng(1)
    weights = {"matrix": random.normal(size=(2, 32)).astype(np.float32), "vector": np.float32([1.00001, 2])}
    arrays = packed(weights)
    assert arrays["matrix"].dtype == np.float16
    back = unpacked(arrays)
    np.testing.assert_allclose(back["matrix"], weights["matrix"], rtol=1e-3, atol=1e-6)
    np.testing.assert_array_equal(back["vector"], weights["vector"])
