"""Rows that repeat an accepted row; and what any filter says of a row that repeats another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from augment.filters.foreseen import ForeseenIndex
from augment.filters.near_index import Near
from augment.filters.seed_threshold import seed_threshold
from augment.protocols import Vectors
from augment.records import Candidate, Example, Verdict


class NearDuplicate:
    """Rejects what an accepted row has said in nearly the same words.

    `duplicate` has the same words in the same order, `near_duplicate` shares as many of them as
    the threshold says. The score is the Jaccard similarity to the nearest accepted row, None where
    no row was close enough to be measured.

    Args:
        threshold: Jaccard similarity from which a row is rejected; None takes it from the seeds.
        against: rows of other runs, which are compared with as accepted ones are.
    """

    name = "near_duplicate"
    sequential = True
    for_good: Literal[True] = True
    by_meaning = False
    calibration = None

    def __init__(
        self, *, threshold: float | None = None, against: Sequence[Example[Any]] = ()
    ) -> None:
        self._given = threshold
        self._threshold = 1.0 if threshold is None else threshold
        self._accepted = ForeseenIndex(threshold)
        self.observe(against)

    def fit(self, seeds: Sequence[Example[Any]], vectors: Vectors | None) -> None:  # noqa: ARG002 - the Protocol's
        """Take the threshold from the seeds unless it was given."""
        if self._given is None:
            self._threshold = seed_threshold(seeds)

    def foresee(self, candidates: Sequence[Candidate]) -> None:
        """Look for all of these in one go."""
        self._accepted.foresee([row.example for row in candidates])

    def judge(self, candidates: Sequence[Candidate], vectors: Vectors | None) -> list[Verdict]:  # noqa: ARG002 - the Protocol's
        """Return one verdict each, in order."""
        verdicts: list[Verdict] = []
        for row in candidates:
            near = self._accepted.nearest(row.example)
            reason = "duplicate" if near is not None and near.same_words else "near_duplicate"
            verdicts.append(
                on_nearness(near, name=self.name, threshold=self._threshold, reason=reason)
            )
        return verdicts

    def observe(self, accepted: Sequence[Example[Any]]) -> None:
        """Compare with these rows from now on."""
        self._accepted.add(accepted)


def on_nearness(near: Near | None, *, name: str, threshold: float, reason: str) -> Verdict:
    """Reject a row whose nearest other row reaches the threshold, naming that row."""
    if near is None or near.jaccard < threshold:
        score = None if near is None else near.jaccard
        return Verdict(filter=name, outcome="passed", score=score, threshold=threshold)
    return Verdict(
        filter=name,
        outcome="rejected",
        score=near.jaccard,
        threshold=threshold,
        reason=reason,
        detail=f"repeats {near.id}",
    )
