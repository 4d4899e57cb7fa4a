"""Words by which accepted rows tell their labels, beside how often the seeds hold them."""

from __future__ import annotations

from typing import Any

from augment.filters.give_away import GiveAways, Term
from augment.records import Example, Json
from evals.subject import Subject

_MOST = 20


class Shortcuts:
    """Counts the words of accepted rows."""

    def __init__(self, subject: Subject) -> None:
        self._labels = subject.seeds.labels
        self._counted = GiveAways(subject.seeds.examples)

    def add(self, row: Example[Any]) -> None:
        """Count an accepted row."""
        self._counted.add(row)

    def figures(self) -> list[Json]:
        """Return the twenty most telling words that rows hold more often than seeds do.

        Words of the label's own name come first.
        """
        found = [term for label in self._labels for term in self._counted.telling(label)]
        found.sort(key=lambda term: (not term.of_name, -term.z, term.word, term.label))
        return [_figures(term) for term in found[:_MOST]]


def _figures(term: Term) -> dict[str, Json]:
    return {
        "word": term.word,
        "label": term.label,
        "of_name": term.of_name,
        "z": round(term.z, 2),
        "rows": {"n": term.rows, "with": term.held},
        "seeds": {"n": term.seeds, "with": term.seeds_held},
        "allowed": round(term.allowed, 4),
        "gives_away": term.gives_away,
    }
