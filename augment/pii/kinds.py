"""What a kind of personal data is: how it looks, and what tells it from what only looks so."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, TypeAlias

Standing: TypeAlias = Literal["real", "placeholder"]
"""Somebody may hold it, or it is set aside so that nobody does."""

Hint: TypeAlias = Literal["at", "spoken", "number", "dots", "colons", "token", "password", "pem"]
"""What a cheap look sees of a text, without which no pattern of some kinds can match."""

Check: TypeAlias = Callable[[re.Match[str]], Standing | None]
"""What a match is; None where it is nothing of its kind after all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One way in which a kind of personal data is written.

    Attributes:
        name: `email`, `phone`, ...; several ways to write it share one.
        pattern: of a text whose digits are ASCII; bounded, so that no text makes it slow. What is
            found is the group `found` where there is one, otherwise all that matched.
        check: of a match.
        hint: without which the pattern need not be tried.
        digits: so many the text must hold.
    """

    name: str
    pattern: re.Pattern[str]
    check: Check
    hint: Hint = "number"
    digits: int = 0


def digits_of(text: str) -> str:
    """Return the ASCII digits of a text."""
    return "".join(filter(str.isdigit, text))


def is_filler(digits: str) -> bool:
    """Tell whether digits are one digit again and again, or count up or down: 1234567890."""
    if len(set(digits)) == 1:
        return True
    steps = {(int(b) - int(a)) % 10 for a, b in pairwise(digits)}
    return steps in ({1}, {9})


def always(_: re.Match[str]) -> Standing:
    """Take whatever matches for real."""
    return "real"
