"""Goals of the extraction tasks: so many mentions of each type, or so many rows.

What is counted is what the task is about: mentions of entities, relations, or events. Rows that
have none (negatives) are made as often as the seeds have them.
"""

from __future__ import annotations

import math
from collections import Counter

from augment.plan.goal import Goal, LabelSet
from augment.records import SeedSet
from augment.spans.ordering import counted

WITHOUT = "(nothing to mark)"
WITH = "(something to mark)"


def per_type(seeds: SeedSet, *, mentions: int) -> Goal:
    """Return at least so many accepted mentions of each type, in as few rows as may be.

    Types are asked for together as the seeds have them together. Negatives have their share in the
    rows that are needed if each has as many mentions as a seed.
    """
    sets = _type_sets(seeds)
    shown = {name for types in sets for name in types}
    choices: dict[LabelSet, tuple[str, ...]] = {types: types for types in sorted(sets) if types}
    choices |= {(name,): (name,) for name in seeds.labels if name not in shown}
    wanted = dict.fromkeys(seeds.labels, mentions)
    positive = sum(count for types, count in sets.items() if types)
    each = sum(len(counted(row.target, seeds.task)) for row in seeds.examples)
    least = math.ceil(mentions * len(wanted) / max(each / max(positive, 1), 1.0))
    negatives = round(least * sets[()] / positive) if positive else 0
    if negatives:
        wanted[WITHOUT] = negatives
        choices[()] = (WITHOUT,)
    return Goal(
        wanted=wanted,
        choices=choices,
        rows=mentions * len(seeds.labels) + negatives,
        each=True,
        weights=sets,
    )


def rows_in_total(seeds: SeedSet, *, rows: int) -> Goal:
    """Return so many rows, types and negatives shared among them as among the seeds."""
    sets = _type_sets(seeds)
    whole = sum(sets.values())
    negatives = min(round(rows * sets[()] / whole), rows) if whole else 0
    positive: dict[LabelSet, tuple[str, ...]] = {types: (WITH,) for types in sorted(sets) if types}
    positive = positive or {(name,): (WITH,) for name in seeds.labels}
    wanted = {WITH: rows - negatives} | ({WITHOUT: negatives} if negatives else {})
    return Goal(
        wanted={cell: count for cell, count in wanted.items() if count},
        choices=positive | ({(): (WITHOUT,)} if negatives else {}),
        rows=rows,
        otherwise=(WITH,),
        weights=sets,
    )


def _type_sets(seeds: SeedSet) -> Counter[LabelSet]:
    """Count the seeds' sets of types, each in the order of `seeds.labels`."""
    order = {name: place for place, name in enumerate(seeds.labels)}
    found: Counter[LabelSet] = Counter()
    for seed in seeds.examples:
        types = {name for name in counted(seed.target, seeds.task) if name in order}
        found[tuple(sorted(types, key=order.__getitem__))] += 1
    return found
