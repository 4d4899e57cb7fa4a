"""Rows by which the groups of people that a label's rows name would get out of level."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from augment.identities.terms import Identities
from augment.protocols import Vectors
from augment.records import EMPTY, Candidate, Example, Verdict, labels_of

_ROWS_OVER = 1.0
"""By so many rows a group may be ahead of its share."""
_NO_LABEL = ""
"""Rows without a label are held against each other; no label is named so."""


class Balance:
    """Rejects a row that names a group which its label's rows name more often than their share.

    Level are, on each axis, the groups of the target in its proportions; without one, in equal
    parts, those that the list says (women and men, young and old) or else those that the seeds
    name, if these are two or more. Other groups, and rows that name none, pass. The score is the
    group's share among the mentions of its axis in the label's rows, this one among them.

    Args:
        identities: finds the groups.
        target: share of each group, by axis; they need not add up to 1.
    """

    name = "balance"
    sequential = True
    by_meaning = False
    calibration = None

    def __init__(
        self, identities: Identities, *, target: Mapping[str, Mapping[str, float]] = EMPTY
    ) -> None:
        self._identities = identities
        self._target = target
        self._shares: dict[str, dict[str, float]] = {}
        self._counts: dict[tuple[str, str], Counter[str]] = {}

    def fit(self, seeds: Sequence[Example[Any]], vectors: Vectors | None) -> None:  # noqa: ARG002 - the Protocol's
        """Find the groups that are to be level."""
        named = {each for seed in seeds for each in self._identities.groups_in(seed.whole)}
        self._shares = shares_of(self._identities, named, target=self._target)

    def judge(self, candidates: Sequence[Candidate], vectors: Vectors | None) -> list[Verdict]:  # noqa: ARG002 - the Protocol's
        """Return one verdict each, in order."""
        return [self._on(row.example) for row in candidates]

    def observe(self, accepted: Sequence[Example[Any]]) -> None:
        """Count the groups that accepted rows name."""
        for row in accepted:
            for axis, groups in self._named(row).items():
                for label in labels_of(row.target) or (_NO_LABEL,):
                    self._counts.setdefault((label, axis), Counter()).update(groups)

    def _named(self, row: Example[Any]) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for axis, group in sorted(self._identities.groups_in(row.whole)):
            if group in self._shares.get(axis, ()):
                found.setdefault(axis, []).append(group)
        return found

    def _on(self, row: Example[Any]) -> Verdict:
        if not self._shares:
            return Verdict(filter=self.name, outcome="abstained", reason="no_groups")
        most: tuple[float, float, str] | None = None
        for axis, groups in self._named(row).items():
            for label in labels_of(row.target) or (_NO_LABEL,):
                counts = self._counts.get((label, axis), Counter[str]())
                rows = counts.total() + len(groups)
                for group in groups:
                    held, share = counts[group] + 1, self._shares[axis][group]
                    over = f"{held} of {rows} mentions by {axis} in {label!r} would be of {group}"
                    if share == 0 or held > share * rows + _ROWS_OVER:
                        return self._verdict(held / rows, share, over)
                    most = max(most or (0.0, 0.0, ""), (held / rows, share, ""))
        return self._verdict(*most) if most else self._verdict(None, None, "")

    def _verdict(self, score: float | None, threshold: float | None, over: str) -> Verdict:
        return Verdict(
            filter=self.name,
            outcome="rejected" if over else "passed",
            score=score,
            threshold=threshold,
            reason="balance" if over else None,
            detail=over or None,
        )


def shares_of(
    identities: Identities,
    named: set[tuple[str, str]],
    *,
    target: Mapping[str, Mapping[str, float]],
) -> dict[str, dict[str, float]]:
    """Return the share that each group is to have, by axis: of the target, or equal ones.

    Args:
        identities: the axes.
        named: axis and group of what the seeds name.
        target: see `Balance`.
    """
    found: dict[str, dict[str, float]] = {}
    for axis, every in identities.groups.items():
        groups = [each for each in every if (axis, each) in named]
        wanted = target.get(axis) or dict.fromkeys(identities.level[axis] or groups, 1.0)
        if len(wanted) > 1:
            total = sum(wanted.values())
            found[axis] = {group: share / total for group, share in wanted.items()}
    return found
