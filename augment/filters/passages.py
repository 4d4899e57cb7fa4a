"""Passages that a text shares word for word with other texts.

Near-duplicates are alike as a whole; a long row with somebody's sentence in the middle is like
nothing, and repeats it all the same. Held against are runs of 8 words, by the share that two texts
have in common (from 0.7: Chowdhery et al. 2022, "PaLM", section 8), and of 13, of which one is
enough (Brown et al. 2020, "Language Models are Few-Shot Learners", appendix C). In scripts without
spaces a word is a pair of characters (`augment.tokens`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from augment.records import Verdict
from augment.tokens import words

SHORT = 8
"""Words in a run by which passages are found: shorter ones are everybody's."""
LONG = 13
LEAST_SHARE = 0.7
_MOST_PLACES = 64
"""So many places of one run are remembered: what stands everywhere was copied from nowhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """What a text shares with the one that it shares most with.

    Attributes:
        id: of that text.
        run: words in the longest run that both hold.
        share: of the runs of 8 words of the shorter one that the other holds too.
    """

    id: str
    run: int
    share: float

    @property
    def repeats(self) -> bool:
        """Whether so much is no chance."""
        return self.run >= LONG or self.share >= LEAST_SHARE


@dataclass(slots=True)
class _Text:
    id: str
    words: list[str] = field(repr=False)

    @property
    def runs(self) -> int:
        return max(0, len(self.words) - SHORT + 1)


class Passages:
    """Finds what texts share with those that were added."""

    def __init__(self) -> None:
        self._texts: list[_Text] = []
        self._places: dict[tuple[str, ...], list[tuple[int, int]]] = {}

    def add(self, name: str, text: str) -> None:
        """Remember a text under an id."""
        number = len(self._texts)
        own = _Text(name, words(text))
        self._texts.append(own)
        for at, run in enumerate(_runs(own.words)):
            places = self._places.setdefault(run, [])
            if len(places) < _MOST_PLACES:
                places.append((number, at))

    def shared(self, text: str, *, but: str | None = None) -> Passage | None:
        """Return what a text shares with another than `but`; None without a run of 8 words."""
        found = words(text)
        hits = Counter[int]()
        longest: dict[int, int] = {}
        before: dict[tuple[int, int], int] = {}
        for run in _runs(found):
            now: dict[tuple[int, int], int] = {}
            for number, at in self._places.get(run, ()):
                length = now[number, at] = before.get((number, at - 1), SHORT - 1) + 1
                longest[number] = max(longest.get(number, 0), length)
            hits.update({number for number, _ in now})
            before = now
        passages = [
            self._passage(number, hits[number], run, size=len(found))
            for number, run in longest.items()
            if self._texts[number].id != but
        ]
        return max(passages, key=lambda one: (one.run, one.share), default=None)

    def _passage(self, number: int, hits: int, run: int, *, size: int) -> Passage:
        text = self._texts[number]
        shorter = min(text.runs, size - SHORT + 1)
        return Passage(id=text.id, run=run, share=min(1.0, hits / shorter))


def on_passage(passage: Passage | None, otherwise: Verdict, *, reason: str) -> Verdict:
    """Reject what passed but repeats a passage; the score is then its words."""
    if otherwise.outcome == "rejected" or passage is None or not passage.repeats:
        return otherwise
    return Verdict(
        filter=otherwise.filter,
        outcome="rejected",
        score=float(passage.run),
        threshold=float(min(LONG, passage.run)),
        reason=reason,
        detail=f"repeats {passage.run} words in a row of {passage.id}, "
        f"{passage.share:.0%} of the shorter text's runs of {SHORT} words",
    )


def _runs(found: Sequence[str]) -> Iterator[tuple[str, ...]]:
    return zip(*(found[start:] for start in range(SHORT)), strict=False)
