"""What a run is to reach: how many accepted rows in each cell, and the ways to ask for them.

A cell is what a quota counts: a label where every row has one, a label that rows may share with
others, or a whole label set. A row that advances no unfilled cell is not wanted. For one label a
row that makes quotas exact; for several it makes every quota a floor.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from augment.records import SeedSet, labels_of

LabelSet = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """The cells and the label sets that an ask may want.

    Attributes:
        wanted: accepted rows wanted of each cell, by its name.
        choices: label sets to ask for, each with the cells it advances.
        rows: how many accepted rows that takes, where it can be told beforehand; else the most.
        otherwise: the cells that a row with any other labels advances.
        each: whether a row advances the cell of each of its labels, once for every time that it
            bears it, and not those of its label set.
        weights: how often each choice is to be asked for, beside the others that are as good; 1
            where nothing is said.
    """

    wanted: Mapping[str, int]
    choices: Mapping[LabelSet, tuple[str, ...]]
    rows: int
    otherwise: tuple[str, ...] = ()
    each: bool = False
    weights: Mapping[LabelSet, int] = field(default_factory=dict[LabelSet, int])
    by_set: Mapping[frozenset[str], tuple[str, ...]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        by_set = {frozenset(labels): cells for labels, cells in self.choices.items()}
        object.__setattr__(self, "by_set", by_set)

    def cells_of(self, labels: Sequence[str]) -> tuple[str, ...]:
        """Return the cells that a row with these labels advances, each as often as it does."""
        if self.each and labels:
            return tuple(label for label in labels if label in self.wanted)
        return self.by_set.get(frozenset(labels), self.otherwise)


def per_label(seeds: SeedSet, *, rows: int) -> Goal:
    """`rows` of each label; where rows carry several labels, at least so many carrying each."""
    wanted = dict.fromkeys(seeds.labels, rows)
    if seeds.several:
        sets = {labels for labels in _label_sets(seeds) if labels}
        sets |= {(label,) for label in set(seeds.labels).difference(*sets)}
        choices = {labels: labels for labels in sorted(sets)}
    else:
        choices = {(label,): (label,) for label in seeds.labels}
    return Goal(wanted=wanted, choices=choices, rows=rows * len(seeds.labels))


def in_total(seeds: SeedSet, *, rows: int) -> Goal:
    """`rows` altogether, shared among labels or label sets as in the seeds."""
    counts: Counter[LabelSet] = _label_sets(seeds)
    if not seeds.several:
        counts.update({(label,): 0 for label in seeds.labels})
    shares = largest_remainder(counts, rows=rows)
    return Goal(
        wanted={cell_name(labels): share for labels, share in shares.items()},
        choices={labels: (cell_name(labels),) for labels in shares},
        rows=rows,
    )


def cell_name(labels: LabelSet) -> str:
    """Return the name of the cell that counts rows with exactly these labels."""
    return " + ".join(labels) if labels else "(no label)"


def largest_remainder(counts: Mapping[LabelSet, int], *, rows: int) -> dict[LabelSet, int]:
    """Share `rows` in proportion to `counts` (Hamilton's method); ties go to the earlier one."""
    total = sum(counts.values())
    if total == 0:
        counts = dict.fromkeys(counts, 1)
        total = len(counts)
    shares = {key: rows * count // total for key, count in counts.items()}
    left = rows - sum(shares.values())
    by_remainder = sorted(counts, key=lambda key: -(rows * counts[key] % total))
    for key in by_remainder[:left]:
        shares[key] += 1
    return shares


def _label_sets(seeds: SeedSet) -> Counter[LabelSet]:
    """Count the seeds' label sets, each in one order: that of `seeds.labels`."""
    order = {label: place for place, label in enumerate(seeds.labels)}
    return Counter(
        tuple(sorted(labels_of(example.target), key=order.__getitem__))
        for example in seeds.examples
    )
