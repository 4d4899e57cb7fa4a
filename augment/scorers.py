"""Who judges toxicity in place of our own model: a classifier in this process, or a guard."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from augment.api_keys import key_of
from augment.recipe_fields import listed
from augment.setting import Setting

if TYPE_CHECKING:
    from augment.engines.endpoint import EndpointSettings
    from augment.recipe import Recipe


@contextlib.asynccontextmanager
async def with_scorer(setting: Setting, *, say: Callable[[str], None]) -> AsyncGenerator[Setting]:
    """Hold who scores texts, where the recipe names one, and yield the setting with it.

    Args:
        setting: of a run.
        say: told what is going on, where that takes long.

    Raises:
        InputError: a classifier cannot be loaded, or is none of toxic texts.
        EngineUnusable: there is no guard at the endpoint, no access, or no such model.
    """
    recipe = setting.recipe
    if setting.guard is not None:
        from augment.guard.model import answering

        async with answering(_guard_settings(recipe), setting.guard) as guard:
            say(f"Toxicity is judged by the guard {guard.name}.")
            recipe = recipe.model_copy(update={"guard_model": guard.name})
            yield replace(setting, recipe=recipe, scorer=guard)
    elif recipe.toxicity_model is not None:
        from augment.decoding.classifier import Classifier

        say(f"Loading the toxicity model {recipe.toxicity_model} ...")
        classes = recipe.filters.toxicity_classes
        scorer = await asyncio.to_thread(Classifier, recipe.toxicity_model, classes=classes)
        yield replace(setting, scorer=scorer)
    else:
        yield setting


def _guard_settings(recipe: Recipe) -> EndpointSettings:
    from augment.engines.endpoint import EndpointSettings

    url, *also = listed(recipe.guard_endpoint)
    return EndpointSettings(
        url=url,
        also=tuple(also),
        model=recipe.guard_model,
        api_key=key_of(recipe, "guard_api_key_env"),
        extra_body={"seed": None},  # nothing is drawn, and a seed keeps some servers from batching
        concurrency=recipe.concurrency,
        timeout_s=recipe.timeout_s,
        max_wait_s=recipe.max_wait_s,
        prefix="guard-",
    )
