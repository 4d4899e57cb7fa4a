"""Functions that numba compiles; numba has no types that a checker knows."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable
from pickle import UnpicklingError
from typing import Any, TypeVar, cast

import numba  # pyright: ignore[reportMissingTypeStubs]
import numpy as np
import numpy.typing as npt
from numba.core import caching  # pyright: ignore[reportMissingTypeStubs]

_log = logging.getLogger(__name__)
_FEW = 64
_DAMAGE = (OSError, UnpicklingError, EOFError, AttributeError, ImportError, IndexError)
"""What reading a file of numba's raises that a crash or a full disk has cut (see `pickle`)."""
T = TypeVar("T", bound=np.generic)
F = TypeVar("F", bound=Callable[..., Any])
_njit: Callable[..., Callable[[Any], Any]] = cast("Any", numba).njit


def compiled(function: F) -> F:
    """Compile a function when it is first called, and keep the result where that is possible."""
    made = _njit(nogil=True)(function)
    with contextlib.suppress(RuntimeError):  # no folder can be written to
        made._cache = _Kept(function)  # as `enable_caching` does
    return cast("F", made)


class _Kept(cast("Any", caching).FunctionCache):
    """What was compiled before; numba's own has a run fail where a file of it is damaged."""

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        numbas: Any = super()
        try:
            return numbas.load_overload(sig, target_context)
        except _DAMAGE as error:
            _log.warning("%s cannot be used and is made anew: %s", self.cache_path, error)
        with contextlib.suppress(OSError):
            self.flush()
        return None

    def save_overload(self, sig: Any, data: Any) -> None:
        numbas: Any = super()
        try:
            numbas.save_overload(sig, data)
        except _DAMAGE as error:
            _log.warning("what was compiled cannot be kept in %s: %s", self.cache_path, error)


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
