"""Functions that numba compiles; numba has no types that a checker knows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba  # pyright: ignore[reportMissingTypeStubs]
import numpy as np
import numpy.typing as npt

_FEW = 64
T = TypeVar("T", bound=np.generic)
F = TypeVar("F", bound=Callable[..., Any])
_njit: Callable[..., Callable[[Any], Any]] = cast("Any", numba).njit


def compiled(function: F) -> F:
    """Compile a function when it is first called, and keep the result where that is possible."""
    try:
        return cast("F", _njit(nogil=True, cache=True)(function))
    except RuntimeError:  # no folder can be written to
        return cast("F", _njit(nogil=True)(function))


def inlined(function: F) -> F:
    """Put a function's body in the place of its calls."""
    return cast("F", _njit(inline="always")(function))


@compiled
def mixed(x: np.uint64) -> np.uint64:
    """Return a 64-bit number in which each bit depends on all of x's (rrmxmx, Evensen 2018)."""
    x ^= x >> np.uint64(32)
    x *= np.uint64(0xD6E8FEB86659FD93)
    x ^= x >> np.uint64(32)
    x *= np.uint64(0xD6E8FEB86659FD93)
    return x ^ (x >> np.uint64(32))


@compiled
def sort(numbers: npt.NDArray[T]) -> None:
    """Sort in place; a few numbers by insertion, which for them is several times as fast."""
    if len(numbers) > _FEW:
        numbers.sort()
        return
    for each in range(1, len(numbers)):
        value, place = numbers[each], each
        while place > 0 and numbers[place - 1] > value:
            numbers[place] = numbers[place - 1]
            place -= 1
        numbers[place] = value
