"""The JSON object in an answer, for engines whose answers are not guided by a schema."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import islice
from typing import Final, cast

_STRING: Final = r'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)'
_BRACE_OR_STRING: Final = re.compile(_STRING + "|[{}]", re.DOTALL)
_TRAILING_COMMA: Final = re.compile(rf"({_STRING})|,(?=\s*+[}}\]])", re.DOTALL)

_STRICT: Final = json.JSONDecoder()
_LENIENT: Final = json.JSONDecoder(strict=False)
_MOST: Final = 8
_SHOWN: Final = 80


def read_object(answer: str) -> dict[str, object] | None:
    """Return the JSON object that the answer is or holds, or None.

    Where the answer is no object, the first in its prose or markdown is taken, with line breaks
    inside strings and trailing commas forgiven. An object that is cut off is never completed: a
    text without its end is no row. A key that stands twice has its last value. Time grows with
    the answer's length only, whatever it holds.
    """
    found = _decoded(answer, _STRICT)
    if found is not None:
        return found
    for braced in islice(_braced(answer), _MOST):
        found = _decoded(braced, _LENIENT)
        if found is None:
            found = _decoded(_TRAILING_COMMA.sub(r"\1", braced), _LENIENT)
        if found is not None:
            return found
    return None


def shown(value: object) -> str:
    """Return the beginning of a value from an answer, printable whatever it holds."""
    if not isinstance(value, list):
        return _shown_item(value)
    items = cast(list[object], value)
    more = ", ..." if len(items) > _MOST else ""
    return f"[{', '.join(_shown_item(each) for each in items[:_MOST])}{more}]"


def _shown_item(value: object) -> str:
    if isinstance(value, str):
        return repr(value[:_SHOWN]) + ("..." if len(value) > _SHOWN else "")
    return type(value).__name__


def _decoded(text: str, decoder: json.JSONDecoder) -> dict[str, object] | None:
    try:
        found: object = decoder.decode(text)
    except (ValueError, RecursionError):  # ValueError: also of an integer with too many digits
        return None
    return cast(dict[str, object], found) if isinstance(found, dict) else None


def _braced(answer: str) -> Iterator[str]:
    """Yield what stands between outermost braces that match, strings aside."""
    start = answer.find("{")
    while start >= 0:
        end = _closing(answer, start)
        if end is None:
            return
        yield answer[start:end]
        start = answer.find("{", end)


def _closing(answer: str, start: int) -> int | None:
    depth = 0
    for match in _BRACE_OR_STRING.finditer(answer, start):
        mark = answer[match.start()]
        depth += (mark == "{") - (mark == "}")
        if depth == 0:
            return match.end()
    return None
