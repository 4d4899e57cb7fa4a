"""What a run starts from: seeds, hold-out, recipe and templates, all checked beforehand."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from augment.errors import InputError, InputFault
from augment.formats.check import Columns, read_holdout, read_seeds
from augment.formats.given import Given, read_given
from augment.plan.given import all_of
from augment.plan.goal import Goal, in_total, per_label
from augment.protocols import Task
from augment.recipe import Recipe
from augment.records import Example, SeedSet, labels_of
from augment.rendering import Decoding, Renderer
from augment.tasks.classification import OFFERED, REQUIRED, Classification, Guidance
from prompts.templates import Template, TemplateError, load

ROWS_UNLESS_SAID = 50
_HUB_NAME = re.compile(r"(?:\w[\w.-]*/)?\w[\w.-]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A run's input.

    Attributes:
        recipe: with everything resolved that it left open, but for the engine's model.
        seeds: all of them; `used` are those that prompts and fits may see.
        templates: of each strategy in use, by its name.
        rows: the file's, where rows are checked and not made.
    """

    recipe: Recipe
    seeds: SeedSet
    used: SeedSet
    holdout: tuple[Example[Any], ...]
    task: Task[Any]
    goal: Goal
    templates: Mapping[str, Template]
    rows: Given | None = None

    @property
    def warnings(self) -> tuple[str, ...]:
        """What was noticed in the input and let through."""
        return self.seeds.warnings + (() if self.rows is None else self.rows.warnings)


def prepare(seeds: Path, recipe: Recipe) -> Setting:
    """Read and check everything that a run starts from.

    Raises:
        InputError: with every fault of whichever input is at fault first.
    """
    _refuse_missing_encoder(recipe.encoder)
    columns = _columns(recipe)
    labels = None if recipe.labels is None else tuple(recipe.labels)
    everything = read_seeds(seeds, columns=columns, labels=labels, lenient=recipe.lenient)
    used = without_reserve(everything, share=recipe.reserve, random_seed=recipe.random_seed)
    recipe, goal = _resolved(recipe, used)
    return Setting(
        recipe=recipe,
        seeds=everything,
        used=used,
        holdout=() if recipe.holdout is None else read_holdout(recipe.holdout, columns=columns),
        task=_task(used, recipe),
        goal=goal,
        templates={
            name: load_template(name, folder=recipe.templates)
            for name, weight in recipe.strategies.items()
            if weight > 0
        },
    )


def prepare_check(rows: Path, seeds: Path, recipe: Recipe) -> Setting:
    """Read and check what rows from anywhere are to be held against, and the rows themselves.

    Raises:
        InputError: as `prepare`, and where the file of rows as a whole cannot be used.
    """
    setting = prepare(seeds, recipe)
    given = read_given(
        rows,
        columns=_columns(recipe),
        several=setting.seeds.several,
        pairs=setting.seeds.pairs,
        lenient=recipe.lenient,
    )
    return replace(
        setting,
        recipe=setting.recipe.model_copy(
            update={"engine": "file", "per_label": None, "max_requests": len(given.labels) + 1}
        ),
        goal=all_of(given.labels, several=setting.seeds.several),
        templates={},
        rows=given,
    )


def renderer_of(setting: Setting) -> Renderer:
    """Return what turns the run's asks into requests."""
    sampling = setting.recipe.sampling
    return Renderer(
        setting.task,
        setting.templates,
        seeds=setting.used,
        decoding=Decoding(
            temperature=sampling.temperature,
            top_p=sampling.top_p,
            max_tokens=sampling.max_tokens,
        ),
        random_seed=setting.recipe.random_seed,
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


def load_template(strategy: str, *, folder: Path | None) -> Template:
    """Load a template of the classification task.

    Raises:
        InputError: everything that is wrong with it.
    """
    try:
        return load(
            Classification.name, strategy, folder=folder, offered=OFFERED, required=REQUIRED
        )
    except TemplateError as error:
        raise InputError(
            [InputFault(where="template", what=problem) for problem in error.problems]
        ) from error


def _refuse_missing_encoder(encoder: str) -> None:
    """Refuse a path where nothing lies: as a name it would be looked for on a hub, for a minute.

    A hub's names are `model` or `owner/model`, of letters, digits, dots, dashes and underscores.
    """
    if not _HUB_NAME.fullmatch(encoder) and not Path(encoder).is_dir():
        raise InputError.one("--encoder", f"{encoder!r} is no folder, and cannot be a hub's name")


def _columns(recipe: Recipe) -> Columns:
    return Columns(
        text=recipe.text_field, text_pair=recipe.text_pair_field, label=recipe.label_field
    )


def _resolved(recipe: Recipe, seeds: SeedSet) -> tuple[Recipe, Goal]:
    quota = recipe.per_label
    if quota is None and recipe.total is None:
        quota = ROWS_UNLESS_SAID
    goal = (
        in_total(seeds, rows=recipe.total)
        if recipe.total is not None
        else per_label(seeds, rows=quota or ROWS_UNLESS_SAID)
    )
    found = {
        "task": Classification.name,
        "per_label": quota,
        "engine": recipe.engine or ("endpoint" if recipe.endpoint else "seedlm"),
        "max_requests": recipe.max_requests or 20 * goal.rows + 200,
    }
    return recipe.model_copy(update=found), goal


def _task(seeds: SeedSet, recipe: Recipe) -> Classification:
    return Classification(
        seeds.labels,
        several=seeds.several,
        pairs=seeds.pairs,
        guidance=Guidance(
            descriptions={name: text for name, text in (recipe.labels or {}).items() if text},
            guidelines=recipe.guidelines,
            glossary=recipe.glossary,
            language=recipe.language,
        ),
    )
