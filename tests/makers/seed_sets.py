"""Small seed sets for tests."""

from __future__ import annotations

from augment.records import Example, SeedSet


def seeds(*targets, labels=None, several=False):
    found = labels or tuple(
        dict.fromkeys(x for t in targets for x in ((t,) if isinstance(t, str) else t))
    )
    return SeedSet(
        examples=tuple(
            Example(id=f"s{n}", text=f"text {n}", target=target) for n, target in enumerate(targets)
        ),
        labels=found,
        several=several,
        pairs=False,
        digest="",
    )
