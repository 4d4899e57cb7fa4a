"""What a run starts from: seeds, hold-out, recipe and templates, all checked beforehand."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from augment.errors import InputError, InputFault
from augment.formats.check import Columns, read_holdout, read_seeds
from augment.plan.exemplars import Exemplars
from augment.plan.goal import Goal, in_total, labels_of, per_label
from augment.plan.strategies import FewShot, Paraphrase
from augment.protocols import Strategy, Task
from augment.recipe import Recipe
from augment.records import Example, SeedSet
from augment.rendering import Decoding, Renderer
from augment.tasks.classification import OFFERED, REQUIRED, Classification, Guidance
from prompts.templates import Template, TemplateError, load

ROWS_UNLESS_SAID = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A run's input.

    Attributes:
        recipe: with everything resolved that it left open, but for the engine's model.
        given: all seeds; `used` are those that prompts and fits may see.
        strategies: with their weights.
        templates: by strategy.
    """

    recipe: Recipe
    given: SeedSet
    used: SeedSet
    holdout: tuple[Example[Any], ...]
    task: Task[Any]
    goal: Goal
    strategies: tuple[tuple[Strategy, float], ...]
    templates: Mapping[str, Template]


def prepare(seeds: Path, recipe: Recipe) -> Setting:
    """Read and check everything that a run starts from.

    Raises:
        InputError: with every fault of whichever input is at fault first.
    """
    columns = Columns(
        text=recipe.text_field, text_pair=recipe.text_pair_field, label=recipe.label_field
    )
    labels = None if recipe.labels is None else tuple(recipe.labels)
    given = read_seeds(seeds, columns=columns, labels=labels, lenient=recipe.lenient)
    used = without_reserve(given, share=recipe.reserve, random_seed=recipe.random_seed)
    recipe, goal = _resolved(recipe, used)
    strategies = _strategies(recipe, used)
    return Setting(
        recipe=recipe,
        given=given,
        used=used,
        holdout=() if recipe.holdout is None else read_holdout(recipe.holdout, columns=columns),
        task=_task(used, recipe),
        goal=goal,
        strategies=strategies,
        templates={
            strategy.name: load_template(strategy.name, folder=recipe.templates)
            for strategy, _ in strategies
        },
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


def _strategies(recipe: Recipe, seeds: SeedSet) -> tuple[tuple[Strategy, float], ...]:
    exemplars = Exemplars(seeds)
    k = recipe.rows_per_request
    ways: dict[str, Strategy] = {
        "fewshot": FewShot(exemplars, shots=recipe.shots, k=k),
        "paraphrase": Paraphrase(exemplars, k=k),
    }
    return tuple((ways[name], weight) for name, weight in recipe.strategies.items() if weight > 0)


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
