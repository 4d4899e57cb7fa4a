"""Texts, to be found again by others that share most of their words.

The index is exact: what has the least similarity or more is always found. How, and why a million
texts are not too many, is told in `augment.filters.join`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from augment.filters.join import ADD, LOOK, SHORT, SIFT, Filed, Keys, join, refile, rehash
from augment.filters.sketch import Sketches, sketched

T = TypeVar("T", bound=np.generic)

FLOOR = 0.7
"""Jaccard similarity below which two texts are never near-duplicates, unless a user says so."""
_MOST_KEYS = SHORT * SHORT // 2 + SHORT
_FIRST = 1 << 10
_PART = 20_000
"""Texts that are joined at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Near:
    """The most similar of the texts in an index.

    Attributes:
        id: the one it was added under.
        jaccard: words shared over words in either, 0 to 1.
        same_words: whether both have the same words in the same order.
    """

    id: str
    jaccard: float
    same_words: bool


class NearIndex:
    """Texts to be found by what is similar to them, one by one or a million at once.

    Attributes:
        seen: how many texts that share a key with another were looked at so far.
    """

    def __init__(self, *, floor: float = FLOOR) -> None:
        """Find what has a Jaccard similarity of `floor` or more, which is above 0."""
        self._floor = floor
        self._ids: list[str] = []
        self._longest = 0
        self._filed: Filed = Filed(
            vocabulary=np.zeros(_FIRST, np.uint64),
            ranks=np.zeros(_FIRST, np.int32),
            tokens=np.empty(0, np.int32),
            starts=np.empty(0, np.int64),
            sizes=np.empty(0, np.int32),
            bits=np.empty(0, np.uint64),
            sequences=np.empty(0, np.uint64),
            slots=np.zeros(_FIRST, np.int32),
            nodes=np.empty((1, 3), np.int32),
            used=np.zeros(4, np.int64),
        )
        self._seen = np.zeros(1, np.int64)

    @property
    def seen(self) -> int:
        """How many texts that share a key with another were looked at so far."""
        return int(self._seen[0])

    def add(self, ids: Sequence[str], texts: Sequence[str]) -> None:
        """Add texts, unless one with the same words in the same order is there: that one stays."""
        self._joined(texts, ids, mode=ADD)

    def nearest(self, texts: Sequence[str], *, but: Sequence[str | None] = ()) -> list[Near | None]:
        """Return the most similar text of each, or None where none is similar enough.

        A text with the same words in the same order comes before all others; otherwise the first
        added wins a tie.

        Args:
            texts: to be looked for.
            but: for each of them, the id of a text that it may resemble but not be the same as.
        """
        return self._joined(texts, (), mode=LOOK, but=but)

    def sift(self, ids: Sequence[str], texts: Sequence[str]) -> list[Near | None]:
        """Return the same for each in turn, and add those that repeat none before them."""
        return self._joined(texts, ids, mode=SIFT)

    def _joined(
        self,
        texts: Sequence[str],
        ids: Sequence[str],
        *,
        mode: int,
        but: Sequence[str | None] = (),
    ) -> list[Near | None]:
        """Join part after part, while the next one is being cut into words."""
        parts = -(-len(texts) // _PART)
        passed_over = np.full(len(texts), -1, np.int64)
        for place, name in enumerate(but):
            if name is not None and name in self._ids:
                passed_over[place] = self._ids.index(name)
        found: list[Near | None] = []
        for number, sketches in enumerate(_ahead(texts)):
            self._make_room(sketches, rooms=0 if mode == LOOK else parts - number)
            some = slice(number * _PART, (number + 1) * _PART)
            found += self._join(sketches, ids[some], mode=mode, but=passed_over[some])
        return found

    def _join(
        self, sketches: Sketches, ids: Sequence[str], *, mode: int, but: npt.NDArray[np.int64]
    ) -> list[Near | None]:
        count = len(sketches)
        rows, alike = np.empty(count, np.int64), np.empty(count, np.float64)
        same = np.empty(count, np.bool_)
        join(
            self._filed,
            sketches.hashes,
            sketches.counts,
            sketches.sequences,
            but,
            mode,
            self._floor,
            self._keys(),
            rows,
            alike,
            same,
            self._seen,
        )
        if mode != LOOK:
            left_out = (rows >= 0 if mode == SIFT else same).tolist()
            self._ids += [each for each, out in zip(ids, left_out, strict=True) if not out]
        return [
            None if row < 0 else Near(id=self._ids[row], jaccard=jaccard, same_words=equal)
            for row, jaccard, equal in zip(
                rows.tolist(), alike.tolist(), same.tolist(), strict=True
            )
        ]

    def _make_room(self, sketches: Sketches, *, rooms: int) -> None:
        """Make room for these texts and for so many times as much; for none, to read them alone."""
        filed, total = self._filed, int(sketches.counts.sum())
        self._longest = max(self._longest, int(sketches.counts.max(initial=0)))
        sets, nodes, tokens, known = filed.used.tolist()
        room = total * rooms + self._longest
        filed = filed._replace(tokens=_larger(filed.tokens, tokens, room))
        if rooms:
            more = len(sketches) * rooms
            filed = filed._replace(
                starts=_larger(filed.starts, sets, more),
                sizes=_larger(filed.sizes, sets, more),
                bits=_larger(filed.bits, sets, more),
                sequences=_larger(filed.sequences, sets, more),
                nodes=_larger(filed.nodes, nodes + 1, rooms * self._key_count(sketches)),
            )
            # Not for so many times as much: what is used of this table is scattered over it.
            filed = _with_words(filed, known + total)
        crowded = len(filed.nodes) > 2 * len(filed.slots)
        if crowded:
            filed = filed._replace(slots=np.zeros(_power_of_two(len(filed.nodes)), np.int32))
        self._filed = filed
        if crowded:
            refile(filed, self._floor, self._keys())

    def _key_count(self, sketches: Sketches) -> int:
        """Return how many keys the texts have at most."""
        sizes, numbers = np.unique(sketches.counts, return_counts=True)
        counts = (_key_count(size, self._floor) for size in sizes.tolist())
        return sum(count * number for count, number in zip(counts, numbers.tolist(), strict=True))

    def _keys(self) -> Keys:
        """Return room for the keys of any text that was seen so far."""
        size = self._longest + _MOST_KEYS
        return Keys(np.empty(size, np.uint64), np.empty(size, np.int64), np.empty(size, np.int64))


def index_for(threshold: float | None) -> NearIndex:
    """Return an index in which a similarity below FLOOR is found if the threshold is so low."""
    return NearIndex(floor=floor_for(threshold))


def floor_for(threshold: float | None) -> float:
    """Return the similarity from which texts are to be found, where this is the threshold."""
    return FLOOR if threshold is None else min(FLOOR, threshold)


def _ahead(texts: Sequence[str]) -> Iterator[Sketches]:
    """Yield the sketches of parts of the texts, the next one made while one is being used."""
    if len(texts) <= _PART:
        yield sketched(texts)
        return
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(sketched, texts[:_PART])
        for start in range(_PART, len(texts), _PART):
            made = coming.result()
            coming = pool.submit(sketched, texts[start : start + _PART])
            yield made
        yield coming.result()


def _larger(array: npt.NDArray[T], used: int, more: int) -> npt.NDArray[T]:
    """Return the array, or a larger one that begins with what is used of it."""
    if used + more <= len(array):
        return array
    larger = np.empty((max(used + more, 2 * len(array)), *array.shape[1:]), array.dtype)
    larger[:used] = array[:used]
    return larger


def _with_words(filed: Filed, words: int) -> Filed:
    """Return the same with a vocabulary that so many words fill by half at most."""
    if len(filed.vocabulary) >= 2 * words:
        return filed
    size = _power_of_two(4 * words)
    vocabulary, ranks = np.zeros(size, np.uint64), np.zeros(size, np.int32)
    rehash(filed, vocabulary, ranks)
    return filed._replace(vocabulary=vocabulary, ranks=ranks)


def _key_count(size: int, floor: float) -> int:
    """Return how many keys a set of so many words has at most."""
    prefix = size - int(floor * size) + 1
    pairs = min(prefix, SHORT) * (min(prefix, SHORT) + 1) // 2 if size <= SHORT else 0
    return pairs + (prefix if size > int(floor * SHORT) or floor * size <= 1 else 0)


def _power_of_two(least: int) -> int:
    return 1 << (least - 1).bit_length()
