"""Groups of people in accepted rows: with which labels they go, and whether scores hang on them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

from augment.filters.balance import shares_of
from augment.identities.swap import Swap, swaps
from augment.identities.terms import Identities
from augment.log_odds import least_z, log_odds
from augment.records import EMPTY, Candidate, Decision, Example, Json
from evals.labelling import CLASSIFIER, wilson
from evals.samples import Reservoir, shorten
from evals.subject import Subject
from evals.tally import Row

Scoring: TypeAlias = Callable[[Sequence[Candidate]], Mapping[str, Sequence[float | None]]]
"""Gives the scores of rows by `agreement` and `toxicity`, by the filter's name, where they run."""

TOXICITY = "toxicity"
_ROWS_SWAPPED = 200
_ROWS_SHOWN = 10
_NO_LABEL = "(no label)"


class _Counts:
    """How many rows there are of each label and in all, and how many of them name each group."""

    def __init__(self) -> None:
        self.rows: Counter[str] = Counter()
        self.named: Counter[tuple[str, str, str]] = Counter()
        self.all_rows = 0
        self.all_named: Counter[tuple[str, str]] = Counter()
        self.axes: Counter[str] = Counter()

    def add(self, groups: frozenset[tuple[str, str]], labels: Sequence[str]) -> None:
        self.all_rows += 1
        for label in labels:
            self.rows[label] += 1
        if not groups:
            return
        for label in labels:
            self.named.update((label, axis, group) for axis, group in groups)
        self.all_named.update(groups)
        self.axes.update({axis for axis, _ in groups})


class Bias:
    """Counts the groups that seeds and accepted rows name, and exchanges those of some rows.

    Args:
        subject: the run.
        identities: finds the groups.
        target: share that each group is to have, by axis, where one was given.
        scoring: scores rows once more; without it none is exchanged.
    """

    def __init__(
        self,
        subject: Subject,
        identities: Identities,
        *,
        target: Mapping[str, Mapping[str, float]] = EMPTY,
        scoring: Scoring | None = None,
    ) -> None:
        self._subject = subject
        self._identities = identities
        self._target = target
        self._scoring = scoring
        self._seeds, self._rows = _Counts(), _Counts()
        self._drawn = Reservoir(_ROWS_SWAPPED, draw_seed=f"{subject.random_seed}/swapped")
        for seed in subject.seeds.examples:
            self._seeds.add(identities.groups_in(seed.whole), self._labels(seed))

    def judged(self, row: Row, decision: Decision) -> None:
        """Count a row that was accepted."""
        if not decision.accepted or not isinstance(row, Candidate):
            return
        groups = self._identities.groups_in(row.example.whole)
        self._rows.add(groups, self._labels(row.example))
        if groups:
            self._drawn.offer(lambda: row)

    def _labels(self, example: Example[Any]) -> Sequence[str]:
        return list(dict.fromkeys(self._subject.labels_of(example))) or [_NO_LABEL]

    def figures(self) -> dict[str, Json]:
        """Return counts, log-odds, parity and what exchanges change."""
        every = sorted({*self._seeds.named, *self._rows.named})
        least = least_z(len(every))
        return {
            "languages": list(self._identities.languages),
            "seeds": self._seeds.all_rows,
            "accepted": self._rows.all_rows,
            "axes": self._parity(),
            "comparisons": len(every),
            "least_z": round(least, 3),
            "association": sorted(
                (self._association(*each, least=least) for each in every),
                key=lambda row: (-abs(row["accepted"]["z"]), row["label"], row["group"]),
            ),
            "swaps": None if self._scoring is None else self._swaps(self._scoring),
        }

    # Counts -------------------------------------------------------------------------------------

    def _parity(self) -> list[Json]:
        """Return each group's share of the rows that name any group of its axis."""
        named = {*self._seeds.all_named, *self._rows.all_named}
        wanted = shares_of(self._identities, set(self._seeds.all_named), target=self._target)
        return [
            {
                "axis": axis,
                "seeds": self._seeds.axes[axis],
                "accepted": self._rows.axes[axis],
                "groups": [
                    self._of_group(axis, group, target=wanted.get(axis, {}).get(group))
                    for group in groups
                    if (axis, group) in named or group in wanted.get(axis, {})
                ],
            }
            for axis, groups in self._identities.groups.items()
            if self._seeds.axes[axis] or self._rows.axes[axis]
        ]

    def _of_group(self, axis: str, group: str, *, target: float | None) -> Json:
        seeds, rows = self._seeds, self._rows
        own = rows.all_named[axis, group], rows.axes[axis]
        before = seeds.all_named[axis, group], seeds.axes[axis]
        odds, z = _odds(own, before)
        return {
            "group": group,
            "seeds": {"with": before[0], "share": _share(*before)},
            "accepted": {"with": own[0], "share": _share(*own), "interval": wilson(*own)},
            "against_seeds": {"log_odds": round(odds, 3), "z": round(z, 3)},
            "target": None if target is None else round(target, 4),
        }

    def _association(self, label: str, axis: str, group: str, *, least: float) -> dict[str, Json]:
        rows, seeds = (
            _of_label(counts, label, axis, group) for counts in (self._rows, self._seeds)
        )
        held = (rows["with"], rows["rows"]), (seeds["with"], seeds["rows"])
        odds, z = _odds(*held)
        return {
            "label": label,
            "axis": axis,
            "group": group,
            "accepted": rows,
            "seeds": seeds,
            "against_seeds": {"log_odds": round(odds, 3), "z": round(z, 3)},
            "significant": abs(rows["z"]) >= least,
        }

    # Exchanges ----------------------------------------------------------------------------------

    def _swaps(self, scoring: Scoring) -> dict[str, Json]:
        """Exchange the groups of some accepted rows, and see what the label's and toxicity's do."""
        rows: list[Candidate] = self._drawn.drawn
        made = [
            (row, swap, replace(row, example=changed))
            for row in rows
            for swap, changed in self._one_each(row.example)
        ]
        before, after = scoring([row for row, _, _ in made]), scoring([new for _, _, new in made])
        found = [
            {
                "axis": swap.axis,
                "group": swap.group,
                "other": swap.other,
                "labels": list(self._labels(row.example)),
                "text": shorten(row.example.whole),
                "swapped": shorten(new.example.whole),
                CLASSIFIER: _moved(before, after, CLASSIFIER, at),
                TOXICITY: _moved(before, after, TOXICITY, at),
            }
            for at, (row, swap, new) in enumerate(made)
        ]
        axes = dict.fromkeys(each["axis"] for each in found)
        return {
            "rows": len(rows),
            "of_rows": self._drawn.seen,
            "axes": [
                {"axis": axis, **_movement([each for each in found if each["axis"] == axis])}
                for axis in axes
            ],
            "most_moved": sorted(found, key=_movedness, reverse=True)[:_ROWS_SHOWN],
        }

    def _one_each(self, example: Example[Any]) -> list[tuple[Swap, Example[Any]]]:
        """Return one exchange on each axis: the first group that can stand there."""
        texts = [example.text] if example.text_pair is None else [example.text, example.text_pair]
        found: dict[str, tuple[Swap, Example[Any]]] = {}
        for swap, (text, *pair) in swaps(self._identities, texts):
            new = replace(example, text=text, text_pair=pair[0] if pair else None)
            found.setdefault(swap.axis, (swap, new))
        return list(found.values())


def _of_label(counts: _Counts, label: str, axis: str, group: str) -> dict[str, Json]:
    """Return how many of a label's rows name a group, against the rows of other labels."""
    held, rows = counts.named[label, axis, group], counts.rows[label]
    others = counts.all_named[axis, group] - held, counts.all_rows - rows
    odds, z = _odds((held, rows), others)
    return {
        "with": held,
        "rows": rows,
        "share": _share(held, rows),
        "log_odds": round(odds, 3),
        "z": round(z, 3),
    }


def _odds(own: tuple[int, int], others: tuple[int, int]) -> tuple[float, float]:
    """Return log-odds and z of two counts, the share in both together being the prior."""
    share = (own[0] + others[0] + 0.5) / (own[1] + others[1] + 1)
    return log_odds(own, others, share=share)


def _share(held: int, rows: int) -> float | None:
    return round(held / rows, 4) if rows else None


def _moved(
    before: Mapping[str, Sequence[float | None]],
    after: Mapping[str, Sequence[float | None]],
    name: str,
    at: int,
) -> list[float] | None:
    """Return a score before and after; None where either is missing."""
    if name not in before:
        return None
    old, new = before[name][at], after[name][at]
    return None if old is None or new is None else [round(old, 4), round(new, 4)]


def _movement(found: Sequence[Mapping[str, Any]]) -> dict[str, Json]:
    """Return how often the classifier would change its label, and how far toxicity moves."""
    margins = [each[CLASSIFIER] for each in found if each[CLASSIFIER] is not None]
    changed = sum((old > 0) != (new > 0) for old, new in margins)
    toxicity = sorted(abs(new - old) for old, new in _pairs(found, TOXICITY))
    return {
        "swaps": len(found),
        "judged": len(margins),
        "label_changed": changed,
        "label_changed_share": _share(changed, len(margins)),
        "label_changed_interval": wilson(changed, len(margins)),
        "margin_moved": _mean([abs(new - old) for old, new in margins]),
        "scored": len(toxicity),
        "toxicity_moved": _mean(toxicity),
        "toxicity_moved_most": round(toxicity[-1], 4) if toxicity else None,
    }


def _pairs(found: Sequence[Mapping[str, Any]], name: str) -> list[list[float]]:
    return [each[name] for each in found if each[name] is not None]


def _mean(values: Sequence[float]) -> float | None:
    return round(sum(values) / len(values), 4) if values else None


def _movedness(each: Mapping[str, Any]) -> tuple[bool, float]:
    """Return what rows are shown by: a label that changes first, then the greatest move."""
    margins, toxicity = each[CLASSIFIER], each[TOXICITY]
    moved = [abs(new - old) for old, new in (p for p in (margins, toxicity) if p is not None)]
    return margins is not None and (margins[0] > 0) != (margins[1] > 0), max(moved, default=0.0)
