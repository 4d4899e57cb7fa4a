"""Seeds and other rows, read as a run's recipe has them."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from augment.errors import InputError, InputFault
from augment.formats.check import Columns, Source, no_seeds, read_holdout, read_seeds
from augment.formats.given import read_given
from augment.recipe import Recipe
from augment.records import Example, SeedSet, TaskName, labels_of
from augment.tasking import allowed_types, described_task, types_of


def accepted_of(folder: Path) -> Iterator[Example[Any]]:
    """Yield the rows that a run left, under the name of its folder.

    Raises:
        InputError: it is no folder of a run, or its rows are damaged.
    """
    if not (folder / "accepted.jsonl").is_file():
        raise InputError.one(f"--against {folder}", "is no folder that a run left")
    for row in read_holdout(folder, columns=Columns()):
        yield replace(row, id=f"{folder.resolve().name}/{row.id}")


def seeds_of(source: Source | None, recipe: Recipe, *, columns: Columns) -> SeedSet:
    """Return the seeds, or those of a run without any: what its labels or types mean.

    Raises:
        InputError: with every fault; without seeds, where the recipe describes too little.
    """
    labels = None if recipe.labels is None else tuple(recipe.labels)
    if source is not None:
        return read_seeds(
            source,
            columns=columns,
            labels=labels,
            lenient=recipe.lenient,
            task=recipe.task,
            types=allowed_types(recipe),
        )
    task = described_task(recipe)
    if task != "classification":
        return _described(task, recipe)
    if labels is None or len(labels) < 2:
        what = "without seeds there must be a recipe that names two labels or more under `labels`"
        raise InputError.one("SEEDS", what)
    _refuse_bare("labels", recipe.labels or {})
    return no_seeds(labels)


def labels_of_rows(rows: Source, recipe: Recipe, *, columns: Columns) -> SeedSet:
    """Return the seeds for rows that are checked without any: their labels alone are known.

    Raises:
        InputError: no row can be read, or rows are annotated and no types are described.
    """
    found = read_seeds(rows, columns=columns, labels=None, lenient=True, task=recipe.task)
    if found.task != "classification":
        what = f"rows of the task {found.task} need seeds, or a recipe that describes their types"
        raise InputError.one("--seeds", what)
    given = read_given(
        rows, columns=columns, several=found.several, pairs=found.pairs, lenient=recipe.lenient
    )
    borne = dict.fromkeys(label for own in given.labels for label in own)
    labels = tuple(borne) if recipe.labels is None else tuple(recipe.labels)
    return replace(no_seeds(labels), several=found.several, pairs=found.pairs)


def _described(task: TaskName, recipe: Recipe) -> SeedSet:
    """Return the seeds of a run that has types and their descriptions only."""
    seeds = replace(no_seeds(()), task=task)
    counted = types_of(seeds, recipe).counted
    where = "entities" if task == "ner" else task
    if not counted or not recipe.entities:
        what = f"without seeds there must be a recipe that describes types under `{where}`"
        what += "" if task == "ner" else " and `entities`"
        raise InputError.one("SEEDS", what)
    _refuse_bare(where, counted)
    return replace(seeds, labels=tuple(counted))


def _refuse_bare(where: str, described: Mapping[str, str | None]) -> None:
    bare = [name for name, description in described.items() if not description]
    if bare:
        raise InputError(
            [
                InputFault(where=where, what=f"{name!r} has no description: no seed shows it")
                for name in bare
            ]
        )


def without_reserve(seeds: SeedSet, *, share: float, random_seed: int) -> SeedSet:
    """Leave out a share of each label's seeds, drawn at random; each label keeps one at least."""
    if share == 0:
        return seeds
    groups: dict[tuple[str, ...], list[Example[Any]]] = {}
    for example in seeds.examples:
        groups.setdefault(labels_of(example.target), []).append(example)
    kept: set[str] = set()
    for labels, group in groups.items():
        rng = random.Random(f"{random_seed} reserve {labels}")
        count = max(1, round(len(group) * (1 - share)))
        kept.update(example.id for example in rng.sample(group, count))
    return replace(seeds, examples=tuple(e for e in seeds.examples if e.id in kept))


def columns_of(recipe: Recipe) -> Columns:
    """Return in which columns the recipe says that texts and labels stand."""
    return Columns(
        text=recipe.text_field, text_pair=recipe.text_pair_field, label=recipe.label_field
    )
