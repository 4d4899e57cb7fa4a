"""What an engine proposes for a recipe, for a person to edit: attributes and their values.

Names are asked for first, then the values of each, as AttrPrompt does (Yu et al. 2023,
arXiv 2306.15895).
"""

from __future__ import annotations

import json
import random
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from augment.answering import engine_of
from augment.draws import draw_seed
from augment.errors import EngineUnusable, InputError
from augment.protocols import Engine
from augment.recipe import Recipe
from augment.records import Ask, Completion, Failure, Json, Message, Request, Sampling, labels_of
from augment.setting import Inputs, Setting, prepare
from augment.tasking import classification
from augment.tasks.classification import closed
from augment.tasks.objects import read_object
from augment.tasks.templates import load_template

_SHOWN = 24
_TRIES = 3
_LONGEST = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """Attributes with their values, and who proposed them."""

    attributes: Mapping[str, Sequence[str]]
    model: str
    seeds: int


async def propose_attributes(
    inputs: Inputs, recipe: Recipe, *, attributes: int, values: int
) -> Proposal:
    """Ask an engine how rows like the seeds differ.

    Args:
        inputs: the seeds.
        recipe: names the engine and guides it.
        attributes: how many to ask for.
        values: how many of each.

    Raises:
        InputError, EngineUnusable: as for a run; also where no answer can be used.
    """
    setting = prepare(inputs, recipe)
    if setting.recipe.engine == "seedlm":
        what = "seedlm writes rows and nothing else; name an engine, such as --endpoint URL"
        raise InputError.one("--engine", what)
    async with engine_of(setting) as engine:
        asker = _Asker(setting, engine)
        (names,) = await asker.lists("attributes", [{"count": attributes}])
        found = await asker.lists(
            "values", [{"count": values, "attribute": name} for name in names]
        )
        return Proposal(
            attributes=dict(zip(names, found, strict=True)),
            model=engine.model,
            seeds=len(setting.used.examples),
        )


class _Asker:
    """Asks for lists of short texts."""

    def __init__(self, setting: Setting, engine: Engine) -> None:
        self._recipe = setting.recipe
        self._engine = engine
        self._asked = 0
        task = classification(setting.used, setting.recipe)
        self._constants = task.constants()
        self._examples = [
            task.example_variables(setting.used.by_id[each]) for each in _some(setting)
        ]

    async def lists(self, template: str, wanted: Sequence[Mapping[str, Any]]) -> list[list[str]]:
        """Return a list for each set of variables; one that cannot be used is asked for again.

        Raises:
            EngineUnusable: an answer could not be used in three tries; with the last reason.
        """
        found: dict[int, list[str]] = {}
        why = ""
        for _ in range(_TRIES):
            missing = [place for place in range(len(wanted)) if place not in found]
            requests = {place: self._request(template, wanted[place]) for place in missing}
            places = {request.ask.number: place for place, request in requests.items()}
            async for request, outcome in self._engine.complete(_handed(list(requests.values()))):
                place = places[request.ask.number]
                texts = _texts(outcome, key=template)
                if isinstance(texts, str):
                    why = texts
                else:
                    found[place] = texts[: wanted[place]["count"]]
            if len(found) == len(wanted):
                return [found[place] for place in range(len(wanted))]
        raise EngineUnusable(f"{self._engine.model} gave no {template} that can be used: {why}")

    def _request(self, template: str, wanted: Mapping[str, Any]) -> Request:
        schema: dict[str, Json] = closed(
            {
                template: {
                    "type": "array",
                    "items": {"type": "string", "minLength": 1},
                    "minItems": wanted["count"],
                    "maxItems": wanted["count"],
                }
            }
        )
        shape = json.dumps({template: ["...", "..."]})
        bound = load_template(template, folder=self._recipe.templates).bind(self._constants)
        turns = bound.render({**wanted, "examples": self._examples, "answer_shape": shape})
        number, self._asked = self._asked, self._asked + 1
        sampling = self._recipe.sampling
        return Request(
            key=sha256(repr((turns, number)).encode()).hexdigest(),
            messages=tuple(Message(role=role, content=content) for role, content in turns),
            schema=schema,
            sampling=Sampling(
                temperature=sampling.temperature,
                top_p=sampling.top_p,
                max_tokens=sampling.max_tokens,
                seed=draw_seed(self._recipe.random_seed, number, "proposals"),
            ),
            ask=Ask(number=number, strategy=template, labels=()),
        )


def _some(setting: Setting) -> list[str]:
    """Return the ids of seeds to show: drawn from one label after the other."""
    rng = random.Random(f"{setting.recipe.random_seed} proposals")
    by_label: dict[tuple[str, ...], list[str]] = {}
    for seed in rng.sample(setting.used.examples, len(setting.used.examples)):
        by_label.setdefault(labels_of(seed.target), []).append(seed.id)
    rounds = max(map(len, by_label.values()), default=0)
    every = [ids[turn] for turn in range(rounds) for ids in by_label.values() if turn < len(ids)]
    return every[:_SHOWN]


async def _handed(requests: Sequence[Request]) -> AsyncIterator[Request]:
    for request in requests:
        yield request


def _texts(outcome: Completion | Failure, *, key: str) -> list[str] | str:
    """Return the short texts of an answer, each once, or why there are none."""
    if isinstance(outcome, Failure):
        return f"{outcome.code}, {outcome.detail}"
    found = read_object(outcome.text)
    items: Any = None if found is None else found.get(key)
    if not isinstance(items, list):
        return f"the answer holds no list {key!r}"
    texts: dict[str, str] = {}
    for item in items:  # pyright: ignore[reportUnknownVariableType] # JSON
        text = " ".join(item.split()) if isinstance(item, str) else ""
        if text and text.isprintable() and len(text) <= _LONGEST:
            texts.setdefault(text.casefold(), text)
    return list(texts.values()) or f"the list {key!r} of the answer holds no short text"
