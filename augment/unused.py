"""Options that a run has no use for: said, so that nobody waits for their effect."""

from __future__ import annotations

from collections.abc import Iterator

from augment.recipe import Recipe
from augment.recipe_fields import dashed

_OF_ANNOTATIONS = ("answer_form", "max_variants")
_OF_ENDPOINTS = ("headers", "extra_body", "timeout_s", "api_key_env")


def unused(recipe: Recipe) -> tuple[str, ...]:
    """Return a sentence for each option that is given and does nothing.

    Args:
        recipe: as it was given but for its task and engine, which are resolved.
    """
    return tuple(
        f"{dashed(name)} has no effect: {why}"
        for name, why in _idle(recipe)
        if name in recipe.model_fields_set
    )


def _idle(recipe: Recipe) -> Iterator[tuple[str, str]]:
    if recipe.task == "classification":
        yield from ((name, "the rows hold no mentions") for name in _OF_ANNOTATIONS)
    if recipe.engine in {"vllm", "transformers", "seedlm"}:
        yield from (
            (name, f"{recipe.engine} calls no server")
            for name in _OF_ENDPOINTS
            if name != "timeout_s" or recipe.guard_endpoint is None  # a guard heeds it
        )
    if recipe.serve is None:
        yield "serving", "it goes with --serve"
    if recipe.guard_endpoint is None:
        yield "guard_api_key_env", "it goes with --guard-endpoint"
    if not recipe.judge:
        yield "judge_votes", "it goes with --judge"
    if "pii" in recipe.filters.without:
        yield "pii_placeholders", "the filter pii is left out"
