"""Mentions marked where they stand: `a table in <city>San Jose</city>`.

Where relations or events speak of mentions these have numbers too: `<city 1>San Jose</city>`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from augment.records import Span
from augment.shown import listed, shown

_LOOSE = re.compile(r"<([^<>/\s][^<>/]{0,63})>[^<>]*</")
"""What looks like a mark of a type that nobody knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Marked:
    """A marked text, read.

    Attributes:
        spans: in the order in which they are closed, white space at their ends taken off.
        numbers: of each span, 0 where it has none.
        faults: code and words of everything that is wrong.
    """

    text: str
    spans: tuple[Span, ...]
    numbers: tuple[int, ...]
    faults: tuple[tuple[str, str], ...]


def pattern_of(types: Iterable[str], *, numbered: bool) -> str:
    """Return what a marked text is, as a regular expression of a JSON schema.

    Every mark is of one of the types and closed by its own; none stands within another, and no
    other angle bracket anywhere.
    """
    number = " [0-9]{1,4}" if numbered else ""
    names = [re.sub(r"[\\^$.|?*+()\[\]{}]", r"\\\g<0>", name) for name in types]
    marked = "".join(f"|<{name}{number}>[^<>]+</{name}>" for name in names)
    return f"^([^<>]{marked})+$"


def write_marks(text: str, spans: Sequence[Span], *, numbered: bool) -> str:
    """Return the text with its mentions between marks, numbered from 1 in their order."""
    inserted: list[tuple[int, int, int, str]] = []
    for at, span in enumerate(spans):
        number = f" {at + 1}" if numbered else ""
        # At one place what ends stands before what begins; of these the longer begins first, of
        # those the shorter ends first.
        inserted.append((span.start, 1, -span.end, f"<{span.label}{number}>"))
        inserted.append((span.end, 0, -span.start, f"</{span.label}>"))
    parts: list[str] = []
    done = 0
    for place, _, _, mark in sorted(inserted, key=lambda each: each[:3]):
        parts += [text[done:place], mark]
        done = place
    return "".join([*parts, text[done:]])


class MarkReader:
    """Reads marked texts.

    Args:
        types: of the mentions; only their marks are marks, everything else is text.
        strict: whether what looks like a mark of another type is a fault.
    """

    def __init__(self, types: Iterable[str], *, strict: bool) -> None:
        self._types = list(types)
        longest_first = sorted(self._types, key=len, reverse=True)
        names = "|".join(map(re.escape, longest_first)) or r"(?!)"
        self._mark = re.compile(rf"<(/?)({names})(?: (\d{{1,4}}))?>")
        self._strict = strict

    def read(self, marked: str) -> Marked:
        """Return the text without its marks, and what they mark."""
        parts: list[str] = []
        length = done = 0
        open_: list[tuple[str, int, int]] = []
        found: list[tuple[Span, int]] = []
        faults: list[tuple[str, str]] = []
        for mark in self._mark.finditer(marked):
            parts.append(marked[done : mark.start()])
            length += mark.start() - done
            done = mark.end()
            if not mark[1]:
                open_.append((mark[2], length, int(mark[3] or 0)))
                continue
            place = next((at for at in range(len(open_))[::-1] if open_[at][0] == mark[2]), None)
            if place is None:
                faults.append(("marks", f"{shown(mark[0])} closes what was not opened"))
                continue
            label, start, number = open_.pop(place)
            found.append((Span(start=start, end=length, label=label), number))
        text = "".join([*parts, marked[done:]])
        faults += [("marks", f"{shown(f'<{label}>')} is not closed") for label, _, _ in open_]
        if self._strict and (loose := _LOOSE.search(text)):
            what = f"{shown(loose[1])} is not one of {listed(self._types)}"
            faults.append(("unknown_type", what))
        return _trimmed(text, found, faults)


def _trimmed(text: str, found: Sequence[tuple[Span, int]], faults: list[tuple[str, str]]) -> Marked:
    """Take white space off the ends of the text and of its mentions."""
    kept: list[tuple[Span, int]] = []
    shift = len(text) - len(text.lstrip())
    for span, number in found:
        mention = text[span.start : span.end]
        if not mention.strip():
            faults.append(("marks", f"{shown(f'<{span.label}>')} marks nothing"))
            continue
        start = span.start + len(mention) - len(mention.lstrip()) - shift
        end = start + len(mention.strip())
        kept.append((Span(start=start, end=end, label=span.label), number))
    return Marked(
        text=text.strip(),
        spans=tuple(span for span, _ in kept),
        numbers=tuple(number for _, number in kept),
        faults=tuple(faults),
    )
