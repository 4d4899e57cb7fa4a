"""How long the prompts of a run can be, before any is sent."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from augment.recipe import Recipe
from augment.records import Ask, Example
from augment.setting import Setting, renderer_of
from serving.vllm.choice import Work

Tokens = Callable[[Sequence[str]], int]
"""Counts those of a prompt, given its turns."""


def work_of(setting: Setting, tokens: Tokens) -> Work:
    """Return what the server of this run has to do.

    The longest prompt of a strategy is taken to be the one with the longest seeds, whatever their
    labels, the longest label and the longest attributes: no prompt of the run is longer.
    """
    renderer = renderer_of(setting)
    asks = [_longest_ask(setting, strategy) for strategy in setting.templates]
    prompts = [[turn.content for turn in renderer.request(ask).messages] for ask in asks]
    return _work(setting.recipe, max(map(tokens, prompts)) if prompts else None)


def unknown_work(recipe: Recipe) -> Work:
    """Return what a server has to do whose prompts are not known."""
    return _work(recipe, None)


def _work(recipe: Recipe, prompt_tokens: int | None) -> Work:
    return Work(
        prompt_tokens=prompt_tokens,
        answer_tokens=recipe.sampling.max_tokens,
        concurrency=recipe.concurrency,
    )


def _longest_ask(setting: Setting, strategy: str) -> Ask:
    recipe, seeds = setting.recipe, setting.used.examples
    shown = {"zeroshot": 0, "paraphrase": 1}.get(strategy, recipe.shots)
    texts = () if setting.unlabelled is None else setting.unlabelled.examples
    choices = setting.goal.choices or {(): ()}
    return Ask(
        number=max(range(len(texts)), key=lambda place: _length(texts[place]), default=0),
        strategy=strategy,
        labels=() if texts else max(choices, key=lambda labels: len(" ".join(labels))),
        exemplars=tuple(seed.id for seed in sorted(seeds, key=_length, reverse=True)[:shown]),
        attributes=_longest_values(recipe.attributes),
        k=recipe.rows_per_request,
    )


def _length(example: Example[Any]) -> int:
    return len(example.whole.encode("utf-8", "replace"))


def _longest_values(attributes: Mapping[str, Any]) -> dict[str, str]:
    """Return the longest value of each attribute, of whichever label."""
    return {name: max(_all(values), key=len) for name, values in attributes.items()}


def _all(values: Sequence[str] | Mapping[str, Iterable[str]]) -> list[str]:
    if isinstance(values, Mapping):
        return [value for own in values.values() for value in own]
    return list(values)
