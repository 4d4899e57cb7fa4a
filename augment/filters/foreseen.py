"""An index of accepted rows that looks for many rows at once, although each waits for the last.

Whether a row is accepted decides what the next one is compared with, and later filters have a say
in that. So rows that will be asked about are compared beforehand with the index, and each with
each; when it is a row's turn, those of the others that were accepted by then count as well. They
are put into the index when the next rows are foreseen.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from augment.filters.near_index import Near, NearIndex, floor_for
from augment.filters.pairs import Pairs
from augment.records import Example

_MOST = 2048
"""Rows foreseen at once, since each is compared with each; others are looked for one by one."""


class ForeseenIndex:
    """Finds the nearest accepted row as `NearIndex` does, whether or not it was foreseen.

    Args:
        threshold: Jaccard similarity that is of interest; None where it is not known yet.
    """

    def __init__(self, threshold: float | None) -> None:
        self._floor = floor_for(threshold)
        self._index = NearIndex(floor=self._floor)
        self._coming: Sequence[Example[Any]] = ()
        self._places: dict[int, int] = {}
        self._nearest: list[Near | None] = []
        self._pairs = Pairs((), floor=self._floor)
        self._added: set[int] = set()

    def foresee(self, rows: Sequence[Example[Any]]) -> None:
        """Compare these, in the order in which they may be added, with all that were."""
        self._settle()
        self._coming = rows[:_MOST]
        self._places = {id(row): place for place, row in enumerate(self._coming)}
        texts = [row.whole for row in self._coming]
        self._nearest = self._index.nearest(texts)
        self._pairs = Pairs(texts, floor=self._floor)

    def nearest(self, row: Example[Any]) -> Near | None:
        """Return the row most similar to this one, as `NearIndex.nearest` does."""
        place = self._places.get(id(row))
        if place is None:
            self._settle()
            return self._index.nearest([row.whole])[0]
        best = self._nearest[place]
        for other, jaccard, same in self._pairs.before(place):
            if other in self._added and (
                best is None or (same, jaccard) > (best.same_words, best.jaccard)
            ):
                best = Near(id=self._coming[other].id, jaccard=jaccard, same_words=same)
        return best

    def add(self, rows: Sequence[Example[Any]]) -> None:
        """Compare with these rows from now on."""
        places = [self._places.get(id(row)) for row in rows]
        if None in places:
            self._settle()
            self._index.add([row.id for row in rows], [row.whole for row in rows])
        else:
            self._added.update(place for place in places if place is not None)

    def _settle(self) -> None:
        """Put what was added into the index, and forget what was foreseen."""
        rows = [self._coming[place] for place in sorted(self._added)]
        if rows:
            self._index.add([row.id for row in rows], [row.whole for row in rows])
        self._coming, self._places, self._added = (), {}, set()
