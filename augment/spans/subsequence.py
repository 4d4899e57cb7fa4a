"""The words of a mention in a text that has them in this order, though not all and not together."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from augment.spans.folding import Folded
from augment.tokens import SPACELESS

COVERAGE = 0.75
"""Share of the mention's words that must be found."""
DENSITY = 1 / 3
"""Share of the words in the window of the text that must be the mention's."""
_WORD = re.compile(rf"[{SPACELESS}]|(?:(?![{SPACELESS}])[\w\u0300-\u036f])+")
_MOST_WORDS = 64
_LEAST_WORDS = 2
"""A single word is found or not: it has no part that would do."""


@dataclass(frozen=True, slots=True)
class _Run:
    """Words found in order: how many, and where in the text's words they begin and end."""

    matched: int
    first: int
    last: int


def best_window(text: Folded, mention: Folded, *, after: int) -> tuple[int, int] | None:
    """Return the place in the text that has most of the mention's words, or None.

    Of places with as many the shorter is taken, then the first that begins at `after` or later.
    """
    wanted = [found[0] for found in _WORD.finditer(mention.form)]
    if not _LEAST_WORDS <= len(wanted) <= _MOST_WORDS:
        return None
    words = [(found[0], found.start(), found.end()) for found in _WORD.finditer(text.form)]
    least = math.ceil(COVERAGE * len(wanted))
    known = set(wanted)
    if sum(word in known for word, _, _ in words) < least:
        return None
    runs = [
        run
        for run in _runs([word for word, _, _ in words], wanted, least=least)
        if run.matched >= DENSITY * (run.last - run.first + 1)
    ]

    def rank(run: _Run) -> tuple[int, int, bool, int]:
        early = text.starts[words[run.first][1]] < after
        return (-run.matched, run.last - run.first, early, run.first)

    for run in sorted(runs, key=rank):
        place = text.place(words[run.first][1], words[run.last][2])
        if place is not None:
            return place
    return None


def _runs(words: list[str], wanted: list[str], *, least: int) -> list[_Run]:
    """Return, for each word of the text and each length from `least` on, the shortest run to it.

    `latest[n]` maps a count of matches within the first n wanted words to the latest word of the
    text at which so many can begin; counts that the words after n cannot bring to `least` are
    not kept.
    """
    size, slack = len(wanted), len(wanted) - least
    places: dict[str, list[int]] = {}
    for n in range(size, 0, -1):
        places.setdefault(wanted[n - 1], []).append(n)
    latest: list[dict[int, int]] = [{} for _ in range(size + 1)]
    found: list[_Run] = []
    for at, word in enumerate(words):
        for n in places.get(word, ()):
            grown = {count + 1: first for count, first in latest[n - 1].items()}
            if n <= 1 + slack:
                grown[1] = at
            for count, first in grown.items():
                if count >= least:
                    found.append(_Run(count, first, at))
                for own in latest[n : min(count + slack, size) + 1]:
                    if first > own.get(count, -1):
                        own[count] = first
    return found
