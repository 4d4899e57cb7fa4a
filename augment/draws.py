"""Seeds for everything that is drawn at random for one ask."""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b

_MASK = 2**31 - 1  # servers differ in how wide a seed they take; all take 31 bits


def draw_seed(random_seed: int, number: int, purpose: str) -> int:
    """Return a seed from 0 to 2**31 - 1 for one kind of draw of one ask.

    For a given random seed and purpose, different numbers below 2**31 get different seeds, always:
    each round multiplies by an odd number, adds, and folds the high bits into the low ones, and
    each of these permutes the 31-bit integers. Hence no two asks of a run share a request key.

    Args:
        random_seed: the run's.
        number: the ask's.
        purpose: what is drawn; draws for different purposes have nothing to do with each other.
    """
    value = number & _MASK
    for factor, offset in _rounds(random_seed, purpose):
        value = (value * factor + offset) & _MASK
        value ^= value >> 16
    return value


@lru_cache(maxsize=64)
def _rounds(random_seed: int, purpose: str) -> tuple[tuple[int, int], ...]:
    digest = blake2b(f"{random_seed}/{purpose}".encode(), digest_size=24).digest()
    words = [int.from_bytes(digest[at : at + 4]) for at in range(0, 24, 4)]
    return tuple((words[at] | 1, words[at + 1]) for at in (0, 2, 4))
