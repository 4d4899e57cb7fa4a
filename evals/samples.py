"""Rows shown to a reader: a fair draw of a stream, in a form short enough to keep."""

from __future__ import annotations

import math
import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

from augment.pii.replace import mask, replaced
from augment.records import Candidate, Fault, Json, Verdict
from augment.tasks.exchanged import exchanged

_SURROGATE = re.compile("[\ud800-\udfff]")

REASON_CHARS = 300
ROW_CHARS = 1_000


class Reservoir:
    """So many values of a stream of unknown length, each subset of them as likely as any other.

    Vitter's algorithm R (ACM Transactions on Mathematical Software 11(1), 1985). A value is only
    built if it is drawn, so that a run of any length takes the memory of those shown.

    Attributes:
        seen: how many values were offered.
    """

    def __init__(self, size: int, *, draw_seed: str) -> None:
        self._size = size
        self._random = random.Random(draw_seed)
        self._drawn: list[tuple[int, Json]] = []
        self.seen = 0

    def offer(self, build: Callable[[], Json]) -> None:
        """Draw or leave the next value."""
        self.seen += 1
        if len(self._drawn) < self._size:
            self._drawn.append((self.seen, build()))
        elif (place := self._random.randrange(self.seen)) < self._size:
            self._drawn[place] = (self.seen, build())

    @property
    def drawn(self) -> list[Json]:
        """What was drawn, in the order in which it was offered."""
        return [value for _, value in sorted(self._drawn, key=lambda pair: pair[0])]


def masked(text: str) -> str:
    """Return a text of a rejected row as a report may show it: without personal data."""
    return replaced(text, mask)[0]


def row_masked(row: Candidate | Fault) -> Candidate | Fault:
    """Return a rejected row as a report may show it; its file has it as it came."""
    if isinstance(row, Candidate):
        return replace(row, example=exchanged(row.example, mask))
    pair = None if row.text_pair is None else masked(row.text_pair)
    return replace(row, text=masked(row.text), text_pair=pair)


def shorten(text: str, *, limit: int = REASON_CHARS) -> str:
    """Return at most `limit` characters and how many are left out; no lone surrogates."""
    kept = mended(text[:limit])
    return kept if len(text) <= limit else f"{kept}… [{len(text) - limit:,} more characters]"


def mended(text: str) -> str:
    """Return the text with U+FFFD for every lone surrogate, so that it can be written and read."""
    return _SURROGATE.sub("\ufffd", text)


def shortened(value: Json, *, limit: int = ROW_CHARS) -> Json:
    """Return a JSON value with every text in it shortened; sequences become lists."""
    if isinstance(value, str):
        return shorten(value, limit=limit)
    if isinstance(value, Mapping):
        pairs = cast("Mapping[str, Any]", value).items()
        return {shorten(key, limit=limit): shortened(each, limit=limit) for key, each in pairs}
    if isinstance(value, Sequence):
        return [shortened(each, limit=limit) for each in cast("Sequence[Any]", value)]
    return value


def rejection_fields(verdict: Verdict) -> dict[str, Json]:
    """Return what a rejected row says of its end."""
    return {
        "filter": verdict.filter,
        "reason": verdict.reason or verdict.filter,
        "detail": None if verdict.detail is None else shorten(masked(verdict.detail)),
        "score": _finite(verdict.score),
        "threshold": _finite(verdict.threshold),
    }


def _finite(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)
