"""Who answers in a run: the engine that its recipe names, made from its setting."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Any

from augment.api_keys import key_of
from augment.engines.embedded import NGRAM
from augment.engines.file import FileRows
from augment.engines.seed_rows import MarkedRows, PlainRows, SeedRows
from augment.engines.seedlm import SeedLM
from augment.engines.slotted import Answers, SlottedLM
from augment.errors import InputError
from augment.protocols import Engine
from augment.recipe import Recipe
from augment.setting import Setting
from augment.tasking import skeletons_of, types_of

if TYPE_CHECKING:
    from augment.engines.endpoint import EndpointSettings


@contextlib.asynccontextmanager
async def engine_of(setting: Setting) -> AsyncGenerator[Engine]:
    """Hold the engine that the recipe names, or the file whose rows are checked without a judge.

    Raises:
        EngineUnusable: there is nothing at the endpoint, no access, or no such model.
    """
    recipe = setting.recipe
    if setting.rows is not None and not recipe.judge:
        yield FileRows(setting.rows.answers, model=setting.rows.name)
        return
    if recipe.engine == "seedlm" and recipe.model == NGRAM:
        yield _ngrams(setting)
        return
    if recipe.engine == "seedlm":
        from augment.engines.bundled import bundled

        rows = _seed_rows(setting)
        async with bundled(setting.used, rows=rows, concurrency=recipe.concurrency) as model:
            yield model
        return
    if recipe.engine == "langchain":
        yield _langchain(setting)
        return
    if recipe.engine == "transformers":
        from augment.engines.transformers import loaded

        dtype = recipe.model_options.get("dtype")
        async with loaded(recipe.model or "", concurrency=recipe.concurrency, dtype=dtype) as model:
            yield model
        return
    if recipe.engine == "vllm":
        async with _vllm(recipe) as model:
            yield model
        return
    from augment.engines.endpoint import connected

    async with connected(endpoint_settings(recipe)) as endpoint:
        yield endpoint


def _seed_rows(setting: Setting) -> SeedRows:
    if setting.seeds.task == "classification":
        return PlainRows()
    return MarkedRows(
        setting.used,
        row_of=setting.task.row_of,
        parse=setting.task.parse,
        repeated=types_of(setting.used, setting.recipe).repeated,
    )


def _ngrams(setting: Setting) -> Engine:
    task, random_seed = setting.task, setting.recipe.random_seed
    if setting.seeds.task == "classification":
        return SeedLM(setting.used, random_seed=random_seed)
    answers = Answers(
        row_of=task.row_of,
        fits=task.can_carry,
        repeated=types_of(setting.used, setting.recipe).repeated,
        skeleton=skeletons_of(setting.used, setting.recipe).of,
    )
    return SlottedLM(setting.used, answers, random_seed=random_seed)


def _vllm(recipe: Recipe) -> contextlib.AbstractAsyncContextManager[Engine]:
    from augment.engines.vllm import VLLMSettings, started

    return started(
        VLLMSettings(
            model=recipe.model or "",
            options=recipe.model_options,
            concurrency=recipe.concurrency,
            max_wait_s=recipe.max_wait_s,
            key_variable=recipe.api_key_env,
        )
    )


def _langchain(setting: Setting) -> Engine:
    from augment.engines.langchain import LangChain, LangChainSettings, chat_model

    recipe = setting.recipe
    settings = LangChainSettings(
        concurrency=recipe.concurrency, timeout_s=recipe.timeout_s, max_wait_s=recipe.max_wait_s
    )
    if setting.chat_model is not None:
        return LangChain(setting.chat_model, settings)
    name = recipe.model or ""
    return LangChain(chat_model(name, recipe.model_options), settings, name=name)


def chat_model_name(chat_model: Any) -> str:
    """Return what a LangChain chat model says of itself.

    Raises:
        InputError: it is none.
    """
    from langchain_core.language_models import BaseChatModel

    from augment.engines.langchain import name_of

    if not isinstance(chat_model, BaseChatModel):
        what = f"must be a LangChain chat model, and is {type(chat_model).__name__}"
        raise InputError.one("chat_model", what)
    return name_of(chat_model)


def endpoint_settings(recipe: Recipe) -> EndpointSettings:
    """Return how the recipe's endpoint is to be spoken to.

    Raises:
        InputError: the variable that is named for the key is not set.
    """
    from augment.engines.endpoint import EndpointSettings

    api_key = key_of(recipe, "api_key_env")
    if recipe.endpoint is None and recipe.serve is not None:
        what = "is for the command; from Python start `augment serve MODEL`, and give its endpoint"
        raise InputError.one("serve", what)
    return EndpointSettings(
        url=(recipe.endpoints or ("",))[0],
        also=recipe.endpoints[1:],
        model=recipe.model,
        api_key=api_key,
        headers=recipe.headers,
        extra_body=recipe.extra_body,
        concurrency=recipe.concurrency,
        timeout_s=recipe.timeout_s,
        max_wait_s=recipe.max_wait_s,
    )
