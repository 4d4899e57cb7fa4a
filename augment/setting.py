"""What a run starts from: seeds, hold-out, recipe and templates, all checked beforehand."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from augment.api_keys import key_of
from augment.engines.embedded import (
    BUNDLED,
    BUNDLED_ANSWER_TOKENS,
    BUNDLED_PRECISION,
    BUNDLED_SAMPLING,
    BUNDLED_SHOTS,
    NGRAM,
    unfit,
)
from augment.errors import InputError, InputFault
from augment.formats.check import (
    Source,
    Unlabelled,
    read_holdout,
    read_unlabelled,
)
from augment.formats.given import Given, read_annotated, read_given
from augment.grouping import identities_of
from augment.identities.terms import Identities
from augment.jury.engine import MOST_SEEDS
from augment.pii.find import Finder, find_all
from augment.pii.names import Names
from augment.pii.replace import Exchange, mask, surrogates
from augment.plan.counterparts import Counterparts
from augment.plan.given import ANY_MENTIONS, all_of, all_texts
from augment.plan.goal import Goal
from augment.protocols import Scorer, Task
from augment.reading import (
    accepted_of,
    columns_of,
    labels_of_rows,
    seeds_of,
    without_reserve,
)
from augment.recipe import ENCODER, FAST_ENCODER, NO_ENCODER, Recipe
from augment.recipe_fields import PiiAction
from augment.records import COUNTERFACTUAL, Example, Kind, SeedSet, TaskName
from augment.rendering import Decoding, Renderer
from augment.shown import meant
from augment.spans.skeletons import ENTITIES_FIRST, REPLACEMENT
from augment.tasking import (
    ROWS_UNLESS_SAID,
    annotating,
    classification,
    described_task,
    goal_of,
    refuse_foreign,
    task_of,
    types_of,
    unwritten,
)
from augment.tasks.exchanged import Exchanged
from augment.tasks.guarding import GUARD
from augment.tasks.judging import JUDGE
from augment.tasks.labelling import RIVALS, Labelling
from augment.tasks.templates import load_template
from augment.unused import unused
from prompts.templates import Template

_FROM_SEEDS = {"fewshot": 0.8, "paraphrase": 0.2}
_FROM_ANNOTATED = {"fewshot": 0.6, "entities-first": 0.2, "paraphrase": 0.2}
_FROM_TEMPLATES = {"fewshot": 1.0}
"""Of annotated seeds by their n-grams, which say nothing in other words."""
_LABELLING = {"annotate": 1.0}
_FROM_LABELS = {"zeroshot": 1.0}
_COUNTERPARTS = 0.25
"""What counterparts weigh beside the other strategies, where groups are to be level."""
ENGINELESS = frozenset({REPLACEMENT, COUNTERFACTUAL})
"""Strategies whose asks no engine is to answer."""
_REQUESTS_A_ROW = 20
_EXCHANGES: Mapping[PiiAction, Callable[[int], Exchange | None]] = {
    "reject": lambda _: None,
    "mask": lambda _: mask,
    "surrogate": surrogates,
}
"""What is done about personal data in rows, given the run's random seed."""
_HUB_NAME = re.compile(r"(?:\w[\w.-]*/)?\w[\w.-]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """The rows that a run is given.

    Attributes:
        seeds: None where there are none: the recipe's labels must do.
        rows: to be checked; then nothing is made.
        holdout: in place of the recipe's file; `unlabelled` likewise.
    """

    seeds: Source | None = None
    rows: Source | None = None
    holdout: Source | None = None
    unlabelled: Source | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A run's input.

    Attributes:
        recipe: with everything resolved that it left open, but for the model of an endpoint.
        seeds: all of them; `used` are those that prompts and fits may see.
        templates: of each strategy that may be used, by its name.
        judge: the template by which labels are judged; None where no judge is asked for.
        guard: the template by which a guard is asked; None where none is.
        judged_by: the model that judges checked rows, once it is there; of others the run's does.
        identities: the groups of people that are looked for.
        against: accepted rows of other runs, which are not to be repeated.
        rows: the file's, where rows are checked and not made.
        unlabelled: texts, where these are given labels and no rows are made.
        notices: what was chosen for these seeds that one may want to know.
        chat_model: a LangChain model that answers, in place of one that the recipe names.
        revision: of the engine's model, once it is there.
        shown: ids of the seeds that prompts may show.
        scorer: who judges toxicity in place of our own model, once it is there.
        order: places of the checked rows in the order in which they are judged; None: as they are.
        finder: finds personal data.
    """

    recipe: Recipe
    seeds: SeedSet
    used: SeedSet
    holdout: tuple[Example[Any], ...]
    task: Task[Any]
    goal: Goal
    templates: Mapping[str, Template]
    identities: Identities
    judge: Template | None = None
    guard: Template | None = None
    judged_by: str | None = None
    against: tuple[Example[Any], ...] = ()
    rows: Given | None = None
    unlabelled: Unlabelled | None = None
    notices: tuple[str, ...] = ()
    chat_model: Any = None
    revision: str | None = None
    shown: frozenset[str] = frozenset()
    scorer: Scorer | None = None
    order: Sequence[int] | None = None
    finder: Finder = find_all

    @property
    def kind(self) -> Kind:
        """What the run does."""
        if self.rows is not None:
            return "checked"
        return "made" if self.unlabelled is None else "labelled"

    @property
    def warnings(self) -> tuple[str, ...]:
        """What was noticed in the input and let through."""
        return (
            *self.seeds.warnings,
            *(() if self.rows is None else self.rows.warnings),
            *(() if self.unlabelled is None else self.unlabelled.warnings),
            *self.notices,
        )


def prepare(inputs: Inputs, recipe: Recipe) -> Setting:
    """Read and check everything that a run starts from.

    Raises:
        InputError: with every fault of whichever input is at fault first.
    """
    setting = _prepared(inputs, recipe)
    if recipe.pii_model is not None:
        names = Names(recipe.pii_model, kinds=recipe.filters.pii_names)
        setting = replace(setting, finder=names)
    if recipe.guard_endpoint is not None:
        key_of(recipe, "guard_api_key_env")  # before an engine is started, which may take minutes
        setting = replace(setting, guard=load_template(GUARD, folder=recipe.templates))
    exchange = _EXCHANGES[recipe.pii](recipe.random_seed)
    if exchange is None:
        return setting
    task = Exchanged(setting.task, exchange, finder=setting.finder)
    return replace(setting, task=task)


def _prepared(inputs: Inputs, recipe: Recipe) -> Setting:
    _refuse_missing_encoder(recipe.encoder)
    columns = columns_of(recipe)
    plain = described_task(recipe) == "classification"
    if inputs.seeds is None and inputs.rows is not None and plain:
        seeds = labels_of_rows(inputs.rows, recipe, columns=columns)
    else:
        seeds = seeds_of(inputs.seeds, recipe, columns=columns)
    refuse_foreign(seeds, recipe)
    used = without_reserve(seeds, share=recipe.reserve, random_seed=recipe.random_seed)
    holdout = inputs.holdout or recipe.holdout
    setting = Setting(
        recipe=recipe,
        seeds=seeds,
        used=used,
        holdout=() if holdout is None else read_holdout(holdout, columns=columns),
        against=tuple(row for folder in recipe.against for row in accepted_of(folder)),
        task=task_of(used, recipe),
        goal=goal_of(used, recipe),
        templates={},
        identities=identities_of(used, recipe),
    )
    unlabelled = inputs.unlabelled or recipe.unlabelled
    if inputs.rows is not None:
        return _judged(_checking(setting, inputs.rows))
    if recipe.keep == "best":
        what = "is for `augment check`: a run cannot hold a row against those that are yet to come"
        raise InputError.one("--keep best", what)
    if unlabelled is not None:
        setting = _labelling(setting, unlabelled)
    recipe = _resolved(setting)
    setting = replace(setting, notices=(*setting.notices, *unused(recipe)))
    if faults := list(_faults(setting, recipe)):
        raise InputError(faults)
    setting = replace(setting, recipe=recipe, templates=_templates(setting, recipe))
    setting = _judged(_showable(setting))
    if recipe.serve == BUNDLED:
        return replace(setting, recipe=_as_it_was_trained(recipe, task=setting.seeds.task))
    return _embedded(setting) if recipe.engine == "seedlm" else setting


def _checking(setting: Setting, rows: Source) -> Setting:
    """Return the setting in which rows from anywhere are held against the seeds."""
    recipe, seeds = setting.recipe, setting.seeds
    columns, lenient = columns_of(recipe), recipe.lenient
    if seeds.task == "classification":
        given = read_given(
            rows, columns=columns, several=seeds.several, pairs=seeds.pairs, lenient=lenient
        )
        goal = all_of(given.labels, several=seeds.several)
    else:
        given = read_annotated(rows, columns=columns, task=seeds.task, lenient=lenient)
        goal = all_texts(len(given.labels), cell=ANY_MENTIONS)
    found = {
        "task": setting.seeds.task,
        "engine": "file",
        "per_label": None,
        "max_requests": len(given.labels) + 1 + _votes(recipe, rows=len(given.labels)),
    }
    return replace(
        setting,
        recipe=recipe.model_copy(update=found),
        goal=goal,
        rows=given,
    )


def _labelling(setting: Setting, texts: Source) -> Setting:
    """Return the setting in which texts are given their labels or annotations."""
    recipe, seeds = setting.recipe, setting.seeds
    unlabelled = read_unlabelled(
        texts, columns=columns_of(recipe), pairs=seeds.pairs, lenient=recipe.lenient
    )
    given = unlabelled.examples
    if seeds.task == "classification":
        task = Labelling(
            classification(seeds, recipe), labels=seeds.labels, several=seeds.several, texts=given
        )
        return replace(setting, task=task, goal=all_texts(len(given)), unlabelled=unlabelled)
    return replace(
        setting,
        task=annotating(setting.used, recipe, given),
        goal=all_texts(len(given), cell=ANY_MENTIONS),
        unlabelled=unlabelled,
    )


def _resolved(setting: Setting) -> Recipe:
    """Return the recipe with what it leaves open filled in."""
    recipe, labelling = setting.recipe, setting.unlabelled is not None
    engine = recipe.engine or ("endpoint" if recipe.endpoint or recipe.serve else "seedlm")
    quota = None if labelling or recipe.total is not None else recipe.per_label or ROWS_UNLESS_SAID
    asks = _REQUESTS_A_ROW * setting.goal.rows + 200
    found: dict[str, Any] = {
        "task": setting.seeds.task,
        "per_label": quota,
        "engine": engine,
        "max_requests": recipe.max_requests or asks + _votes(recipe, rows=asks),
        "strategies": recipe.strategies or _ways(setting, engine),
    }
    if labelling:
        found["rows_per_request"] = 1
        if "temperature" not in recipe.sampling.model_fields_set:  # the likeliest label is wanted
            found["sampling"] = recipe.sampling.model_copy(update={"temperature": 0.0})
    return recipe.model_copy(update=found)


def _votes(recipe: Recipe, *, rows: int) -> int:
    """Return how often a judge is asked at most, about seeds and so many rows."""
    return recipe.judge_votes * (rows + MOST_SEEDS) if recipe.judge else 0


def _ways(setting: Setting, engine: str) -> Mapping[str, float]:
    """Return the strategies for a recipe that names none."""
    if setting.unlabelled is not None:
        return _LABELLING
    if not setting.used.examples:
        return _FROM_LABELS
    if setting.seeds.task == "classification":
        level = setting.recipe.balance_identities and counterparts_of(setting)
        return {**_FROM_SEEDS, COUNTERFACTUAL: _COUNTERPARTS} if level else _FROM_SEEDS
    return _FROM_TEMPLATES if engine == "seedlm" else _FROM_ANNOTATED


def counterparts_of(setting: Setting) -> Counterparts:
    """Return the seeds in which people can be exchanged."""
    random_seed = setting.recipe.random_seed
    return Counterparts(setting.used, setting.identities, random_seed=random_seed)


def _judged(setting: Setting) -> Setting:
    """Return the setting with the template of the judge, where one is asked for."""
    recipe = setting.recipe
    if not recipe.judge:
        return setting
    if faults := list(_judge_faults(setting)):
        raise InputError([InputFault(where="--judge", what=what) for what in faults])
    return replace(setting, judge=load_template(JUDGE, folder=recipe.templates))


def _judge_faults(setting: Setting) -> Iterator[str]:
    """Yield why no judge can be asked."""
    recipe, seeds = setting.recipe, setting.seeds
    if seeds.task != "classification" or seeds.several:
        yield "is for rows with one label each"
    if setting.rows is not None and not recipe.endpoints:
        yield "needs an engine to ask: --endpoint URL"
    elif recipe.engine == "seedlm" or recipe.serve == BUNDLED:
        yield "seedlm cannot tell labels apart; name an engine that can, such as --endpoint URL"
    votes = recipe.judge_votes * min(len(setting.used.examples), MOST_SEEDS)
    if recipe.max_requests is not None and recipe.max_requests <= votes:
        yield (
            f"is asked {votes} times about the seeds before the first row: --max-requests "
            f"{recipe.max_requests} leaves nothing for rows"
        )


def _showable(setting: Setting) -> Setting:
    """Return the setting with the seeds that prompts may show, and how many they may not."""
    task, form = setting.task, setting.recipe.answer_form
    shown = frozenset(seed.id for seed in setting.used.examples if task.can_carry(seed))
    hidden = len(setting.used.examples) - len(shown)
    what = f"seeds that an answer in {form} cannot say, not shown in prompts: {hidden}"
    return replace(setting, shown=shown, notices=(*setting.notices, *([what] if hidden else [])))


def _embedded(setting: Setting) -> Setting:
    """Return the setting with the model of `seedlm` that suits the seeds, sampled as it should."""
    recipe, notices = setting.recipe, setting.notices
    model = recipe.model or BUNDLED
    texts = [seed.text for seed in setting.used.examples]
    lacks = unwritten(setting.seeds.task, recipe.answer_form, texts)
    reason = None if lacks is None else f"it {lacks}"
    if reason is None and setting.seeds.task == "ner" and recipe.model is None:
        reason = "a student learns more of theirs; --model bundled has it write"
    if reason is None and recipe.model is None:
        reason = unfit(
            setting.used,
            shots=recipe.shots,
            rows=recipe.rows_per_request,
            said=lambda seed: str(setting.task.row_of(seed)["text"]),
        )
    if reason is not None and recipe.model is None:
        notices = (*notices, f"the n-grams of the seeds write, not the bundled model: {reason}")
    model = NGRAM if reason is not None else model
    recipe = recipe.model_copy(update={"model": model})
    if model == BUNDLED:
        recipe = _as_it_was_trained(recipe, task=setting.seeds.task)
    return replace(setting, recipe=recipe, notices=notices)


def _as_it_was_trained(recipe: Recipe, *, task: TaskName) -> Recipe:
    """Return the recipe with what suits the bundled model, where the recipe says nothing else."""
    said = {name: getattr(recipe.sampling, name) for name in recipe.sampling.model_fields_set}
    suits = BUNDLED_SAMPLING | ({"max_tokens": BUNDLED_ANSWER_TOKENS} if recipe.serve else {})
    found: dict[str, Any] = {"sampling": recipe.sampling.model_copy(update=suits | said)}
    if "shots" not in recipe.model_fields_set:
        found["shots"] = BUNDLED_SHOTS
    if task == "classification" and "agreement_precision" not in recipe.filters.model_fields_set:
        precision = {"agreement_precision": BUNDLED_PRECISION}
        found["filters"] = recipe.filters.model_copy(update=precision)
    return recipe.model_copy(update=found)


def _faults(setting: Setting, recipe: Recipe) -> Iterator[InputFault]:
    """Yield what in the recipe does not go with the rows that are given."""
    if recipe.engine == "seedlm" and setting.unlabelled is not None:
        plain = setting.seeds.task == "classification"
        cannot = "tell labels apart" if plain else "find mentions"
        what = f"seedlm cannot {cannot}; name an engine that can, such as --endpoint URL"
        yield InputFault(where="--unlabelled", what=what)
    elif recipe.serve == BUNDLED and setting.unlabelled is not None:
        what = "the bundled model cannot tell labels apart; serve one that can"
        yield InputFault(where="--serve", what=what)
    elif recipe.engine == "seedlm" and not setting.used.examples:
        what = "seedlm learns from seeds; without them name an engine, such as --endpoint URL"
        yield InputFault(where="--engine", what=what)
    if setting.seeds.task != "classification":
        yield from _annotated_faults(setting, recipe)
    known = set(setting.seeds.labels)
    for name, values in recipe.attributes.items():
        strange = [label for label in values if label not in known]
        if isinstance(values, Mapping) and strange:
            what = f"{strange} are none of the labels {list(setting.seeds.labels)}"
            yield InputFault(where=f"attributes, {name}", what=what)


def _annotated_faults(setting: Setting, recipe: Recipe) -> Iterator[InputFault]:
    """Yield what does not go with annotated seeds: mentions of no type, nothing but drawn ones."""
    types = list(types_of(setting.used, recipe).entities)
    if strange := [name for name in recipe.mentions if name not in types]:
        yield InputFault(where="mentions", what=f"{strange} are none of the types {types}")
    ways = set(recipe.ways)
    if () in setting.goal.choices and ways <= {ENTITIES_FIRST, REPLACEMENT}:
        what = f"seeds without mentions want rows like them, which {' and '.join(sorted(ways))} "
        yield InputFault(where="strategies", what=f"{what}cannot ask for; add fewshot")


def _templates(setting: Setting, recipe: Recipe) -> dict[str, Template]:
    """Load a template for each strategy in use; a label without seeds can only be described."""
    names = list(recipe.ways)
    shown = {label for seed in setting.used.examples for label in setting.task.labels_of(seed)}
    if "annotate" not in names and "zeroshot" not in names and set(setting.seeds.labels) - shown:
        names.append("zeroshot")
    task = setting.seeds.task
    return {
        name: load_template(name, folder=recipe.templates, task=task)
        for name in names
        if name not in ENGINELESS
    }


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
            logprobs=RIVALS if isinstance(setting.task, Labelling) else None,
        ),
        random_seed=setting.recipe.random_seed,
    )


def _refuse_missing_encoder(encoder: str) -> None:
    """Refuse a path where nothing lies: as a name it would be looked for on a hub, for a minute.

    A hub's names are `model` or `owner/model`, of letters, digits, dots, dashes and underscores.
    """
    own = (ENCODER, FAST_ENCODER, NO_ENCODER)
    if encoder in own or Path(encoder).is_dir():
        return
    if like := meant(encoder, own):
        what = f"{encoder!r} is no folder{like}; a name of a hub's has its owner's before it"
        raise InputError.one("--encoder", what)
    if not _HUB_NAME.fullmatch(encoder):
        raise InputError.one("--encoder", f"{encoder!r} is no folder, and cannot be a hub's name")
