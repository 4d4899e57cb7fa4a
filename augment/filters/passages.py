"""Passages that a text shares word for word with other texts.

Near-duplicates are alike as a whole; a long row with somebody's sentence in the middle is like
nothing, and repeats it all the same. Held against are runs of 8 words, by the share that two texts
have in common (from 0.7: Chowdhery et al. 2022, "PaLM", section 8), and of 13, of which one is
enough (Brown et al. 2020, "Language Models are Few-Shot Learners", appendix C). In scripts without
spaces a word is a pair of characters (`augment.tokens`).
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from operator import itemgetter

import numpy as np
import numpy.typing as npt

from augment.records import Verdict
from augment.tokens import words

SHORT = 8
"""Words in a run by which passages are found: shorter ones are everybody's."""
LONG = 13
LEAST_SHARE = 0.7
_MOST_PLACES = 64
"""So many places of one run are remembered: what stands everywhere was copied from nowhere."""
_AT_ONCE = 4096
"""Runs that are compared with those of their hash at a time."""
_UNKNOWN = 0xFFFFFFFF
"""The number of a word that no text holds."""
_SMALL = 1 << 32
_SPREAD = np.uint64(0x9E3779B97F4A7C15)
_STEP = np.uint64(0xD1342543DE82EF95)
"""Odd: Knuth's golden ratio, and a multiplier of good spectrum (Steele and Vigna 2021)."""


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


class Passages:
    """Finds what texts share with those that were added.

    Kept are the number of each word (4 bytes) and, of each run of 8, a hash and its place (12): the
    hashes find runs that may be the same, and their words tell which are.
    """

    def __init__(self) -> None:
        self._ids: list[str] = []
        self._starts = array("q")
        self._numbers: dict[str, int] = {}
        self._words = array("I")
        self._index: _Index | None = None

    def add(self, name: str, text: str) -> None:
        """Remember a text under an id."""
        numbers = self._numbers
        self._ids.append(name)
        self._starts.append(len(self._words))
        self._words.extend([numbers.setdefault(word, len(numbers)) for word in words(text)])
        self._index = None

    def shared(
        self, texts: Sequence[str], *, but: Sequence[str | None] | None = None
    ) -> list[Passage | None]:
        """Return what each text shares with another than `but`; None without a run of 8 words."""
        if self._index is None:
            self._index = _Index.of(_Runs.of(self._words, self._starts))
        starts, numbers = array("q"), array("I")
        for text in texts:
            starts.append(len(numbers))
            numbers.extend([self._numbers.get(word, _UNKNOWN) for word in words(text)])
        found: list[Passage | None] = [None] * len(texts)
        hits = self._index.hits(_Runs.of(numbers, starts))
        starts.append(len(numbers))
        for row, own in groupby(hits, key=lambda hit: bisect_right(starts, hit[0]) - 1):
            size = starts[row + 1] - starts[row]
            found[row] = self._most(own, size=size, but=None if but is None else but[row])
        return found

    def _most(
        self, hits: Iterable[tuple[int, int]], *, size: int, but: str | None
    ) -> Passage | None:
        """Return the longest of what one text of so many words shares with others."""
        count = Counter[int]()
        longest: dict[int, int] = {}
        before: dict[int, int] = {}
        last = -1
        for run, places in groupby(hits, key=itemgetter(0)):
            if run > last + 1:
                before = {}
            before = {place: before.get(place - 1, SHORT - 1) + 1 for _, place in places}
            last, of_run = run, set[int]()
            for place, length in before.items():
                number = bisect_right(self._starts, place) - 1
                of_run.add(number)
                longest[number] = max(longest.get(number, 0), length)
            count.update(of_run)
        passages = [
            self._passage(number, count[number], run, size=size)
            for number, run in longest.items()
            if self._ids[number] != but
        ]
        return max(passages, key=lambda one: (one.run, one.share), default=None)

    def _passage(self, number: int, hits: int, run: int, *, size: int) -> Passage:
        last = number + 1 == len(self._ids)
        end = len(self._words) if last else self._starts[number + 1]
        shorter = min(end - self._starts[number], size) - SHORT + 1
        return Passage(id=self._ids[number], run=run, share=min(1.0, hits / shorter))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Runs:
    """The runs of 8 words of some texts.

    Attributes:
        words: the numbers of all words, one text after the other.
        hashes: of each run.
        starts: the place of each run's first word.
    """

    words: npt.NDArray[np.uint32]
    hashes: npt.NDArray[np.uint64]
    starts: npt.NDArray[np.uint32 | np.int64]

    @classmethod
    def of(cls, numbers: array[int], texts: array[int]) -> _Runs:
        """Return the runs of texts whose words begin at these places."""
        every = np.array(numbers, dtype=np.uint32)
        spread = (every.astype(np.uint64) + np.uint64(1)) * _SPREAD
        spread ^= spread >> np.uint64(32)
        hashes = np.zeros(max(0, len(every) - SHORT + 1), dtype=np.uint64)
        for at in range(SHORT):
            hashes = hashes * _STEP + spread[at : at + len(hashes)]
        whole = np.ones(len(hashes), dtype=np.bool_)
        for before in range(1, SHORT):  # no run goes from one text into the next
            across = np.array(texts, dtype=np.int64) - before
            whole[across[(across >= 0) & (across < len(whole))]] = False
        starts = np.flatnonzero(whole)
        if len(every) < _SMALL:
            starts = starts.astype(np.uint32)
        return cls(words=every, hashes=hashes[whole], starts=starts)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Index:
    """Runs by their hash, ascending; of one hash 64 at most."""

    runs: _Runs

    @classmethod
    def of(cls, runs: _Runs) -> _Index:
        order = np.argsort(runs.hashes, kind="stable")
        hashes, starts = runs.hashes[order], runs.starts[order]
        near = np.ones(len(hashes), dtype=np.bool_)
        near[_MOST_PLACES:] = hashes[_MOST_PLACES:] != hashes[:-_MOST_PLACES]
        return cls(runs=replace(runs, hashes=hashes[near], starts=starts[near]))

    def hits(self, own: _Runs) -> Iterator[tuple[int, int]]:
        """Yield the place of each run that is here too, in order, with each of its places here."""
        here, each = self.runs, np.arange(SHORT)
        left = np.searchsorted(here.hashes, own.hashes, side="left")
        count = np.searchsorted(here.hashes, own.hashes, side="right") - left
        found = np.flatnonzero(count)
        for at in range(0, len(found), _AT_ONCE):
            some = found[at : at + _AT_ONCE]
            pairs = np.repeat(some, count[some])
            first = np.cumsum(count[some]) - count[some]
            nth = np.arange(len(pairs)) - np.repeat(first, count[some])
            ones = own.starts[pairs].astype(np.int64)
            others = here.starts[left[pairs] + nth].astype(np.int64)
            one, other = own.words[ones[:, None] + each], here.words[others[:, None] + each]
            same = (one == other).all(axis=1)
            yield from zip(ones[same].tolist(), others[same].tolist(), strict=True)


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
