"""Random numbers that come out the same compiled and interpreted: xorshift64 (Marsaglia 2003)."""

# numba infers all types here; annotations would be decoration
# ruff: noqa: ANN001, ANN201

from __future__ import annotations

import numpy as np

from .compiled import inner

S13 = np.uint64(13)
S7 = np.uint64(7)
S17 = np.uint64(17)
S32 = np.uint64(32)
S20 = np.uint64(20)
TO_UNIT = 1.0 / 4294967296.0


@inner
def bits32(rng):
    """Draw 32 random bits as uint64."""
    x = rng[0]
    x ^= x << S13
    x ^= x >> S7
    x ^= x << S17
    rng[0] = x
    return x >> S32


@inner
def below(rng, bound):
    """Draw an integer from 0 up to but not including ``bound`` (1 <= bound < 2**32)."""
    return np.int64((bits32(rng) * np.uint64(bound)) >> S32)


@inner
def unit(rng):
    """Draw a number in [0, 1)."""
    return np.float64(bits32(rng)) * TO_UNIT


@inner
def exponential(rng, minus_log):
    """Draw -ln(U) from a table, so that no logarithm differs between machines."""
    return minus_log[np.int64(bits32(rng) >> S20)]
