"""Labels that the engine was not sure of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from augment.protocols import Vectors
from augment.records import Candidate, Example, Verdict


class Confidence:
    """Rejects rows whose label the engine chose with less than a stated probability.

    Where the engine did not tell how sure it was, that is no more than any probability: it
    abstains if all are allowed, and rejects otherwise.

    Args:
        least: probability that passes.
    """

    name = "confidence"
    sequential = False
    by_meaning = False
    calibration = None

    def __init__(self, *, least: float) -> None:
        self._least = least

    def fit(self, seeds: Sequence[Example[Any]], vectors: Vectors | None) -> None:
        """Learn nothing: how sure is sure enough is the recipe's to say."""

    def judge(self, candidates: Sequence[Candidate], vectors: Vectors | None) -> list[Verdict]:  # noqa: ARG002 - the Protocol's
        """Return one verdict each, in order; the score is the probability."""
        return [self._on(row.probability) for row in candidates]

    def observe(self, accepted: Sequence[Example[Any]]) -> None:
        """Learn nothing."""

    def _on(self, probability: float | None) -> Verdict:
        if probability is None:
            outcome = "rejected" if self._least else "abstained"
            return Verdict(filter=self.name, outcome=outcome, reason="no_probability")
        rejected = probability < self._least
        return Verdict(
            filter=self.name,
            outcome="rejected" if rejected else "passed",
            score=probability,
            threshold=self._least,
            reason="unsure" if rejected else None,
        )
