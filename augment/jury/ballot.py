"""The votes on one row, counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from augment.records import EMPTY, Completion, Failure
from augment.tasks.judging import vote_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Ballot:
    """What votes come to.

    Attributes:
        shares: mean probability of each label; empty where no vote told any.
        votes: that told.
        void: how many told nothing, by reason.
    """

    shares: Mapping[str, float] = field(default_factory=lambda: EMPTY)
    votes: int = 0
    void: Mapping[str, int]

    @property
    def named(self) -> str:
        """The label of the largest share; of equals the first."""
        return max(self.shares, key=self.shares.__getitem__)

    def with_own(self, label: str, probability: float | None) -> float:
        """Return the share of a label; whoever chose it for the row, and told how surely, votes."""
        if probability is None:
            return self.shares[label]
        return (self.shares[label] * self.votes + probability) / (self.votes + 1)


def ballot_of(outcomes: Iterable[Completion | Failure], labels: Sequence[str]) -> Ballot:
    """Count the votes on a row that could choose from these labels."""
    votes = [vote_of(outcome, labels) for outcome in outcomes]
    told = [vote for vote in votes if not isinstance(vote, str)]
    void = Counter(vote for vote in votes if isinstance(vote, str))
    shares = {label: sum(vote[label] for vote in told) / len(told) for label in labels if told}
    return Ballot(shares=shares, votes=len(told), void=void)
