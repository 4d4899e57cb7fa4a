"""Rows whose words give their label away, as in the seeds they do not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from augment.filters.give_away import LEAST_Z, LEAST_Z_OF_NAMES, GiveAways, Term
from augment.protocols import Vectors
from augment.records import Calibration, Candidate, Example, Verdict, labels_of

_LEAST_SEEDS = 5
_MOST_AVOIDED = 10
_STATEMENT = (
    f"A word that tells a label's rows from others (z of {LEAST_Z:g}, of the label's own name "
    f"{LEAST_Z_OF_NAMES:g}) may stand in as many of them as its seeds allow."
)
_NO_BASIS = {0: "no_seeds", 1: "one_label"}
"""Why nothing is judged, by the number of labels that seeds bear."""


class Shortcuts:
    """Rejects a row with which a word would give its label away.

    A student that learns from rows in which a word stands for a label learns the prompt and not
    the task. A word gives a label away where it tells its accepted rows from those of other labels
    and stands in more of them than the seeds allow (`augment.filters.give_away`): rows with it are
    then rejected until enough others have come. The label's own name is suspected first, on less
    evidence. The score is the z of the worst word, None where no word of the row stands in more
    rows than the seeds allow.

    Abstains where there are fewer than two labels, or fewer than five seeds of each of the row's.
    """

    name = "shortcuts"
    sequential = True
    by_meaning = False

    def __init__(self) -> None:
        self._counted = GiveAways([])
        self._judged: frozenset[str] = frozenset()

    @property
    def calibration(self) -> Calibration | None:
        """How it judges; None without a basis."""
        if not self._judged:
            return None
        return Calibration(
            filter=self.name,
            basis="the words of accepted rows and seeds",
            statement=_STATEMENT,
            scores=(),
            thresholds=(LEAST_Z_OF_NAMES, LEAST_Z),
        )

    def fit(self, seeds: Sequence[Example[Any]], vectors: Vectors | None) -> None:  # noqa: ARG002 - the Protocol's
        """Learn which words the seeds of each label hold."""
        self._counted = GiveAways(seeds)
        labels = self._counted.labels
        judged = [label for label in labels if self._counted.seeds_of(label) >= _LEAST_SEEDS]
        self._judged = frozenset(judged if len(labels) > 1 else [])

    def judge(self, candidates: Sequence[Candidate], vectors: Vectors | None) -> list[Verdict]:  # noqa: ARG002 - the Protocol's
        """Return one verdict each, in order."""
        return [self._on(row.example) for row in candidates]

    def observe(self, accepted: Sequence[Example[Any]]) -> None:
        """Count the words of these rows."""
        for row in accepted:
            self._counted.add(row)

    def to_avoid(self, labels: Sequence[str]) -> tuple[str, ...]:
        """Return the words with which the next row of these labels would be rejected."""
        found = [
            term
            for label in labels
            if label in self._judged
            for term in self._counted.at_the_limit(label)
        ]
        found.sort(key=lambda term: (not term.of_name, -term.z))
        return tuple(dict.fromkeys(term.word for term in found))[:_MOST_AVOIDED]

    def _on(self, row: Example[Any]) -> Verdict:
        if not self._judged.intersection(labels_of(row.target)):
            reason = _NO_BASIS.get(len(self._counted.labels), "too_few_seeds")
            return Verdict(filter=self.name, outcome="abstained", reason=reason)
        found = [term for term in self._counted.with_it(row) if term.label in self._judged]
        if not found:
            return Verdict(filter=self.name, outcome="passed", threshold=LEAST_Z)
        worst = found[0]
        return Verdict(
            filter=self.name,
            outcome="rejected",
            score=worst.z,
            threshold=LEAST_Z_OF_NAMES if worst.of_name else LEAST_Z,
            reason="shortcut",
            detail=f"{_told(worst)}, which allow {worst.allowed:.0%}",
        )


def _told(term: Term) -> str:
    return (
        f"{term.word!r} would stand in {term.held} of {term.rows} rows of {term.label}, "
        f"and does in {term.seeds_held} of {term.seeds} seeds"
    )
