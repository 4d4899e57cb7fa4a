"""Goals of the extraction tasks: so many mentions of each type, or so many rows.

What is counted is what the task is about: mentions of entities, relations, or events. Rows that
have none (negatives) are made as often as the seeds have them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from augment.plan.goal import Goal, LabelSet
from augment.records import SeedSet
from augment.spans.ordering import counted

WITHOUT = "(nothing to mark)"
WITH = "(something to mark)"


def per_type(seeds: SeedSet, *, mentions: int) -> Goal:
    """Return at least so many accepted mentions of each type, in as few rows as may be.

    Types are asked for together as the seeds have them together. Negatives are so many beside the
    rows that this takes, if each is as full as the seeds of its types, as they are among the seeds.
    """
    sets = _type_sets(seeds)
    shown = {name for types in sets for name in types}
    choices: dict[LabelSet, tuple[str, ...]] = {types: types for types in sorted(sets) if types}
    choices |= {(name,): (name,) for name in seeds.labels if name not in shown}
    wanted = dict.fromkeys(seeds.labels, mentions)
    positive = sum(count for types, count in sets.items() if types)
    least = _rows_needed(seeds, list(choices), wanted=wanted)
    negatives = round(least * sets[()] / positive) if positive else 0
    if negatives:
        wanted[WITHOUT] = negatives
        choices[()] = (WITHOUT,)
    return Goal(
        wanted=wanted,
        choices=choices,
        rows=mentions * len(seeds.labels) + negatives,
        each=True,
    )


def rows_in_total(seeds: SeedSet, *, rows: int) -> Goal:
    """Return so many rows, types and negatives shared among them as among the seeds."""
    sets = _type_sets(seeds)
    whole = sum(sets.values())
    negatives = min(round(rows * sets[()] / whole), rows) if whole else 0
    positive: dict[LabelSet, tuple[str, ...]] = {types: (WITH,) for types in sorted(sets) if types}
    positive = positive or {(name,): (WITH,) for name in seeds.labels}
    if negatives == rows:
        positive = {}
    wanted = {WITH: rows - negatives} | ({WITHOUT: negatives} if negatives else {})
    return Goal(
        wanted={cell: count for cell, count in wanted.items() if count},
        choices=positive | ({(): (WITHOUT,)} if negatives else {}),
        rows=rows,
        otherwise=(WITH,) if positive else (),
        weights=sets,
    )


def _rows_needed(seeds: SeedSet, choices: Sequence[LabelSet], *, wanted: Mapping[str, int]) -> int:
    """Return how many rows it takes if the choice that fills most is always taken."""
    found: dict[LabelSet, list[Counter[str]]] = {}
    order = {name: place for place, name in enumerate(seeds.labels)}
    for seed in seeds.examples:
        own = Counter(name for name in counted(seed.target, seeds.task) if name in order)
        found.setdefault(tuple(sorted(own, key=order.__getitem__)), []).append(own)
    fill = {
        types: {
            name: sum(row[name] for row in found[types]) / len(found[types])
            if types in found
            else 1.0
            for name in types
        }
        for types in choices
    }
    missing = {name: float(count) for name, count in wanted.items()}
    rows = 0
    while any(count > 0 for count in missing.values()):
        best = max(choices, key=lambda types: sum(missing[name] > 0 for name in types))
        for name, count in fill[best].items():
            missing[name] -= count
        rows += 1
    return rows


def _type_sets(seeds: SeedSet) -> Counter[LabelSet]:
    """Count the seeds' sets of types, each in the order of `seeds.labels`."""
    order = {name: place for place, name in enumerate(seeds.labels)}
    found: Counter[LabelSet] = Counter()
    for seed in seeds.examples:
        types = {name for name in counted(seed.target, seeds.task) if name in order}
        found[tuple(sorted(types, key=order.__getitem__))] += 1
    return found
