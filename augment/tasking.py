"""Which task a run has, made from its seeds and its recipe; and the goal that goes with it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from augment.engines.embedded import BUNDLED
from augment.errors import InputError, InputFault
from augment.plan.goal import Goal, in_total, per_label
from augment.plan.mentions import per_type, rows_in_total
from augment.protocols import Task
from augment.recipe import Recipe
from augment.records import COUNTERFACTUAL, Example, SeedSet, TaskName
from augment.spans.reading import Allowed
from augment.spans.skeletons import ENTITIES_FIRST, REPLACEMENT, Skeletons
from augment.spans.types import EventType, RelationType, Types, learnt
from augment.tasks.annotating import Annotating
from augment.tasks.classification import Classification, Guidance
from augment.tasks.extraction import Extraction

ROWS_UNLESS_SAID = 50
_CLOSING, _ANGLES = "</", frozenset("<>")


def task_of(seeds: SeedSet, recipe: Recipe) -> Task[Any]:
    """Return the task of writing rows like the seeds, guided by the recipe."""
    if seeds.task == "classification":
        return classification(seeds, recipe)
    return extraction(seeds, recipe)


def classification(seeds: SeedSet, recipe: Recipe) -> Classification:
    """Return the task of writing rows of these labels, guided by the recipe."""
    return Classification(
        seeds.labels,
        several=seeds.several,
        pairs=seeds.pairs,
        guidance=_guidance(recipe),
    )


def skeletons_of(seeds: SeedSet, recipe: Recipe) -> Skeletons:
    """Return what knows the mentions that asks give beforehand."""
    return Skeletons(
        seeds,
        listed=recipe.mentions,
        repeated=types_of(seeds, recipe).repeated,
        random_seed=recipe.random_seed,
    )


def annotating(seeds: SeedSet, recipe: Recipe, texts: Sequence[Example[Any]]) -> Annotating:
    """Return the task of annotating texts as the seeds are, guided by the recipe."""
    return Annotating(extraction(seeds, recipe, also=texts), texts=texts)


def extraction(seeds: SeedSet, recipe: Recipe, *, also: Sequence[Example[Any]] = ()) -> Extraction:
    """Return the task of writing annotated rows, guided by the recipe.

    Args:
        seeds: of the task.
        recipe: the run's.
        also: other texts in which may stand what looks like a mark.
    """
    texts = [each.text for each in (*seeds.examples, *also)]
    said = (*texts, *(words for own in recipe.mentions.values() for words in own))
    return Extraction(
        types_of(seeds, recipe),
        skeleton=skeletons_of(seeds, recipe).of,
        form=recipe.answer_form,
        most=max((len(seed.target.entities) for seed in seeds.examples), default=0),
        strict=not any(_CLOSING in text for text in texts),
        bare=_knows_patterns(recipe) and not any(map(_ANGLES.intersection, said)),
        guidance=_guidance(recipe),
    )


def types_of(seeds: SeedSet, recipe: Recipe) -> Types:
    """Return the types of annotations: the recipe's, with what it leaves open from the seeds."""
    given = recipe.entities
    relations = recipe.relations
    events = recipe.events
    return learnt(
        seeds.examples,
        task=seeds.task,
        entities=None if given is None else {name: text or "" for name, text in given.items()},
        relations=None
        if relations is None
        else {
            name: RelationType(heads=each.head, tails=each.tail, description=each.description)
            for name, each in relations.items()
        },
        events=None
        if events is None
        else {
            name: EventType(
                triggers=each.trigger,
                required=dict.fromkeys(each.required, ()),
                optional=dict.fromkeys(each.optional, ()),
                description=each.description,
            )
            for name, each in events.items()
        },
    )


def allowed_types(recipe: Recipe) -> Allowed:
    """Return the names that annotations may hold, as far as the recipe says."""
    names = (recipe.entities, recipe.relations, recipe.events)
    entities, relations, events = (None if each is None else tuple(each) for each in names)
    return Allowed(entities=entities, relations=relations, events=events)


def described_task(recipe: Recipe) -> TaskName:
    """Return the task that a recipe without seeds describes: the richest."""
    if recipe.task is not None:
        return recipe.task
    named: dict[TaskName, object] = {
        "events": recipe.events, "relations": recipe.relations, "ner": recipe.entities,
    }  # fmt: skip
    found: list[TaskName] = [task for task, types in named.items() if types]
    return found[0] if found else "classification"


def goal_of(seeds: SeedSet, recipe: Recipe) -> Goal:
    """Return how much is wanted of what."""
    rows = recipe.per_label or ROWS_UNLESS_SAID
    if seeds.task == "classification":
        return (
            per_label(seeds, rows=rows)
            if recipe.total is None
            else in_total(seeds, rows=recipe.total)
        )
    if recipe.total is None:
        return per_type(seeds, mentions=rows)
    return rows_in_total(seeds, rows=recipe.total)


def refuse_foreign(seeds: SeedSet, recipe: Recipe) -> None:
    """Refuse what in a recipe belongs to other tasks than that of the seeds.

    Raises:
        InputError: everything that does.
    """
    if faults := list(_foreign(seeds.task, recipe)):
        raise InputError(faults)


def _foreign(task: TaskName, recipe: Recipe) -> Iterator[InputFault]:
    if task == "classification":
        for name in ("entities", "relations", "events"):
            if getattr(recipe, name) is not None:
                what = f"the seeds are rows of the task {task}, which has labels"
                yield InputFault(where=name, what=what)
        for name in (ENTITIES_FIRST, REPLACEMENT):
            if name in recipe.ways:
                yield InputFault(where="strategies", what=f"{name} is for annotated rows")
        if recipe.mentions:
            yield InputFault(where="mentions", what="is for annotated rows")
        return
    if COUNTERFACTUAL in recipe.ways:
        yield InputFault(where="strategies", what=f"{COUNTERFACTUAL} is for labelled rows")
    if recipe.labels is not None:
        where = "entities" if task == "ner" else task
        what = f"the seeds are rows of the task {task}: describe its types under `{where}`"
        yield InputFault(where="labels", what=what)
    yield from _beyond_the_bundled_model(task, recipe)


def _beyond_the_bundled_model(task: TaskName, recipe: Recipe) -> Iterator[InputFault]:
    """Yield what the bundled model cannot do with annotated seeds, if it is asked for."""
    if recipe.serve == BUNDLED:
        what = f"the bundled model writes no rows of the task {task} without the n-grams of seedlm"
        yield InputFault(where="--serve", what=what)
    embedded = recipe.endpoint is None and recipe.engine in {None, "seedlm"}
    if embedded and recipe.model == BUNDLED and (why := unwritten(task, recipe.answer_form)):
        what = f"the bundled model {why}; --model ngram does"
        yield InputFault(where="--model", what=what)


def _knows_patterns(recipe: Recipe) -> bool:
    """Tell whether llguidance decodes: other servers' patterns leave out quotation marks, or more.

    xgrammar, which vLLM takes unless told otherwise, allows no escape in a string with a pattern.
    """
    ours = recipe.engine in {"vllm", "transformers", "seedlm"} or recipe.serve is not None
    return ours or (recipe.engine is None and recipe.endpoint is None)


def unwritten(task: TaskName, form: str, texts: Iterable[str] = ()) -> str | None:
    """Return what the bundled model lacks for a task, a form of answer and seeds, if anything."""
    if task not in {"classification", "ner"}:
        return f"writes no rows of the task {task}"
    if task == "ner" and form != "marks":
        return f"marks mentions, and does not answer in {form}"
    if task == "ner" and any(map(_ANGLES.intersection, texts)):
        return "cannot tell marks from the angle brackets that stand in the seeds"
    return None


def _guidance(recipe: Recipe) -> Guidance:
    return Guidance(
        descriptions={name: text for name, text in (recipe.labels or {}).items() if text},
        guidelines=recipe.guidelines,
        glossary=recipe.glossary,
        language=recipe.language,
    )
