"""Words that give a label away: how far they tell its rows from others, and what the seeds allow.

A word tells the rows of a label from the others by the z of its log-odds ratio with an informative
Dirichlet prior (Monroe, Colaresi and Quinn 2008, "Fightin' Words"), counted in rows that hold it:
the prior is worth ten rows in which it is as frequent as in all rows and seeds together. It stands
in more rows of a label than the seeds allow where the 99 % interval (Wilson 1927) of its share of
the rows lies above that of its share of the seeds, and above one row in ten; five rows at least
must hold it.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from augment.log_odds import log_odds
from augment.records import Example, labels_of
from augment.tokens import words

LEAST_Z = 3.0
LEAST_Z_OF_NAMES = 2.0
"""Of the words of the label's own name, which are looked at whatever the rows hold."""
_LEAST_PRIOR = 0.05
"""Share of rare words: with less, one that no other row holds has a variance that hides it."""
_LEAST_SHARE = 0.1
_LEAST_HELD = 5
_WILSON_Z = 2.5758
_CASES = re.compile(r"(?<=[a-z])(?=[A-Z])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """A word, or the name of a label, as rows and seeds of that label hold it.

    Attributes:
        of_name: whether it is the label's name or part of it.
        z: of its log-odds in rows of the label against other rows.
        held: rows of the label that hold it, of `rows`; `seeds_held` of `seeds` likewise.
        allowed: largest share that the seeds allow: the upper end of its interval there.
    """

    label: str
    word: str
    of_name: bool
    z: float
    held: int
    rows: int
    seeds_held: int
    seeds: int
    allowed: float

    @property
    def telling(self) -> bool:
        """Whether the word tells the label's rows from others."""
        return self.z >= (LEAST_Z_OF_NAMES if self.of_name else LEAST_Z)

    @property
    def gives_away(self) -> bool:
        """Whether it tells the label, and in more rows than the seeds allow."""
        beyond = share_interval(self.held, self.rows)[0] > self.allowed
        return beyond and self.held >= _LEAST_HELD and self.telling


class _Counts:
    """How many rows there are, and in how many of them each word stands: by label, and of all."""

    def __init__(self) -> None:
        self.rows = Counter[str]()
        self.held: dict[str, Counter[str]] = {}
        self.all_rows = 0
        self.all_held = Counter[str]()

    def add(self, found: Iterable[str], labels: Sequence[str]) -> None:
        for label in labels:
            self.rows[label] += 1
            self.held.setdefault(label, Counter()).update(found)
        self.all_rows += 1
        self.all_held.update(found)

    def of(self, label: str, word: str) -> int:
        held = self.held.get(label)
        return 0 if held is None else held[word]


class GiveAways:
    """Counts the words of seeds and rows, and tells which of them give labels away."""

    def __init__(self, seeds: Sequence[Example[Any]]) -> None:
        self._seeds, self._rows = _Counts(), _Counts()
        self._names: dict[str, tuple[str, frozenset[str]]] = {}
        self._near: dict[str, set[str]] = {}
        for seed in seeds:
            labels = labels_of(seed.target)
            self._seeds.add(self.terms_of(seed), labels)

    def seeds_of(self, label: str) -> int:
        """Return how many seeds bear a label."""
        return self._seeds.rows[label]

    @property
    def labels(self) -> Sequence[str]:
        """The labels of the seeds."""
        return list(self._seeds.rows)

    def terms_of(self, row: Example[Any]) -> frozenset[str]:
        """Return the words of a row, and those names of its labels that stand in it whole."""
        found = words(row.whole)
        whole = f" {' '.join(found)} "
        names = (self._name(label)[0] for label in labels_of(row.target))
        return frozenset(found).union(
            name for name in names if " " in name and f" {name} " in whole
        )

    def add(self, row: Example[Any]) -> None:
        """Count a row."""
        found, labels = self.terms_of(row), labels_of(row.target)
        self._rows.add(found, labels)
        for label in labels:
            self._near.setdefault(label, set()).update(found)

    def with_it(self, row: Example[Any]) -> list[Term]:
        """Return what would give labels away if the row were counted, the most telling first."""
        found = self.terms_of(row)
        return _sorted(
            term
            for label in labels_of(row.target)
            for word in self._exceeding(label, found)
            if (term := self.term(label, word, more=1)).gives_away
        )

    def at_the_limit(self, label: str) -> list[Term]:
        """Return what would give the label away if the next row held it too.

        A word's share only falls until a row holds it again: those below what is allowed are not
        looked at before that, and as each takes a tenth of the rows they are few.
        """
        near = self._near[label] = {*self._exceeding(label, self._near.get(label, ()))}
        terms = (self.term(label, word, more=1) for word in near)
        return _sorted(term for term in terms if term.gives_away)

    def telling(self, label: str) -> list[Term]:
        """Return what tells the label's rows from others and is more frequent than in its seeds."""
        every = (self.term(label, word) for word in self._rows.held.get(label, ()))
        return _sorted(
            term
            for term in every
            if term.telling and term.held * term.seeds > term.seeds_held * term.rows
        )

    def term(self, label: str, word: str, *, more: int = 0) -> Term:
        """Return what is known of a word, as if `more` rows of the label held it too."""
        rows, seeds = self._rows, self._seeds
        held, n = rows.of(label, word) + more, rows.rows[label] + more
        all_held, all_rows = rows.all_held[word] + more, rows.all_rows + more
        pooled = all_held + seeds.all_held[word] + 0.5
        share = max(pooled / (all_rows + seeds.all_rows + 1.0), _LEAST_PRIOR)
        name, parts = self._name(label)
        return Term(
            label=label,
            word=word,
            of_name=word == name or word in parts,
            z=log_odds((held, n), (all_held - held, all_rows - n), share=share)[1],
            held=held,
            rows=n,
            seeds_held=seeds.of(label, word),
            seeds=seeds.rows[label],
            allowed=allowed_share(seeds.of(label, word), seeds.rows[label]),
        )

    def _exceeding(self, label: str, words: Iterable[str]) -> Iterator[str]:
        """Yield those that the next row would put into more rows than the seeds allow."""
        held, in_seeds = (each.held.get(label) or {} for each in (self._rows, self._seeds))
        rows, seeds = self._rows.rows[label] + 1, self._seeds.rows[label]
        for word in words:
            if held.get(word, 0) + 1 > allowed_share(in_seeds.get(word, 0), seeds) * rows:
                yield word

    def _name(self, label: str) -> tuple[str, frozenset[str]]:
        """Return the words of a label's name: as they would stand in a text, and each."""
        known = self._names.get(label)
        if known is None:
            parts = words(_CASES.sub(" ", label))
            known = self._names[label] = (" ".join(parts), frozenset(parts))
        return known


@lru_cache(maxsize=1 << 14)
def allowed_share(held: int, seeds: int) -> float:
    """Return the share that the seeds allow of rows with what so many of the seeds hold."""
    return max(_LEAST_SHARE, share_interval(held, seeds)[1])


def share_interval(held: int, rows: int) -> tuple[float, float]:
    """Return the 99 % interval of a share (Wilson 1927); all of 0 to 1 where there are no rows."""
    if rows == 0:
        return 0.0, 1.0
    share, square = held / rows, _WILSON_Z**2
    middle = share + square / (2 * rows)
    spread = _WILSON_Z * math.sqrt(share * (1 - share) / rows + square / (4 * rows**2))
    return (middle - spread) / (1 + square / rows), (middle + spread) / (1 + square / rows)


def _sorted(terms: Iterable[Term]) -> list[Term]:
    return sorted(terms, key=lambda term: (-term.z, term.word, term.label))
