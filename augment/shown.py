"""Values as messages show them: short, and safe on any terminal."""

from __future__ import annotations

import reprlib
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import Any

_SHOWN_CHARS = 80
_LIKE = 0.7
"""From which share of characters in common a word may have been meant (difflib's ratio)."""
_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = _SHOWN_CHARS


def shown(value: Any) -> str:
    """Return the value's repr, at most 80 characters: safe on any terminal."""
    text = _SHORT.repr(value)
    return text if len(text) <= _SHOWN_CHARS else f"{text[: _SHOWN_CHARS - 3]}..."


def listed(values: Sequence[str], *, limit: int = _SHOWN_CHARS) -> str:
    """Return as many values as fit in about `limit` characters, and how many are left out."""
    parts: list[str] = []
    while len(parts) < len(values) and sum(map(len, parts)) + 2 * len(parts) < limit - 20:
        parts.append(shown(values[len(parts)]))
    left = len(values) - len(parts)
    return f"[{', '.join(parts)}{f', ... {left} more' if left else ''}]"


def meant(word: str, allowed: Iterable[str]) -> str:
    """Return ` (did you mean 'x'?)` of the allowed word that is closest; nothing if none is."""
    close = get_close_matches(word.lower(), list(allowed), n=1, cutoff=_LIKE)
    return f" (did you mean {shown(close[0])}?)" if close else ""
