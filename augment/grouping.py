"""Which groups of people a run looks for, made from its seeds and recipe."""

from __future__ import annotations

from collections.abc import Iterator

from augment.errors import InputError, InputFault
from augment.identities.terms import Axis, Identities, axes_of, language_of
from augment.recipe import Recipe
from augment.recipe_fields import IdentityAxis
from augment.records import SeedSet

_ENOUGH_SEEDS = 1_000
"""So many tell the language."""


def identities_of(seeds: SeedSet, recipe: Recipe) -> Identities:
    """Return what finds the groups: the lists of the seeds' language, and the recipe's own.

    Raises:
        InputError: every axis or group of the recipe that does not exist or does not fit.
    """
    said = recipe.identities
    texts = [seed.whole for seed in seeds.examples[:_ENOUGH_SEEDS]]
    languages = language_of(texts) if said.languages is None else said.languages
    own: list[Axis] = []
    faults: list[InputFault] = []
    for name, axis in said.axes.items():
        rows = tuple(
            tuple(
                () if cell is None else (cell,) if isinstance(cell, str) else cell for cell in row
            )
            for row in axis.terms
        )
        wrong = [row for row in axis.terms if len(row) != len(axis.groups)]
        faults += [
            InputFault(
                where=f"identities, axes, {name}",
                what=f"{list(row)} has {len(row)} cells for {len(axis.groups)} groups",
            )
            for row in wrong
        ]
        faults += _unfit(name, axis)
        if not wrong:
            own.append(Axis(name=name, groups=axis.groups, rows=rows, level=axis.level))
    if faults:
        raise InputError(faults)
    found = Identities(
        [*(axis for language in languages for axis in axes_of(language)), *own],
        languages=languages,
    )
    if faults := list(_unknown(found, recipe)):
        raise InputError(faults)
    return found


def _unfit(name: str, axis: IdentityAxis) -> Iterator[InputFault]:
    """Yield groups that are named twice or not at all, and terms that no text can hold."""
    where = f"identities, axes, {name}"
    if len(set(axis.groups)) < len(axis.groups):
        yield InputFault(where=where, what=f"names a group twice: {list(axis.groups)}")
    for group in axis.level:
        if group not in axis.groups:
            what = f"level: {group!r} is none of {list(axis.groups)}"
            yield InputFault(where=where, what=what)
    cells = (cell for row in axis.terms for cell in row if cell is not None)
    for term in (each for cell in cells for each in ((cell,) if isinstance(cell, str) else cell)):
        if not any(map(str.isalnum, term)):
            yield InputFault(where=where, what=f"{term!r} is no term: it has no letter or digit")


def _unknown(found: Identities, recipe: Recipe) -> Iterator[InputFault]:
    for axis, target in recipe.identities.target.items():
        where = f"identities, target, {axis}"
        if axis not in found.groups:
            yield InputFault(where=where, what=f"is none of the axes {list(found.groups)}")
            continue
        allowed = list(found.groups[axis])
        yield from (
            InputFault(where=where, what=f"{group!r} is none of {allowed}")
            for group in target
            if group not in allowed
        )
        if sum(share > 0 for share in target.values()) < 2:
            yield InputFault(where=where, what="needs shares above 0 for two groups at least")
