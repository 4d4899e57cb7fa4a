"""`augment.as_runnable`: a run as a step of a LangChain chain."""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from langchain_core.runnables import Runnable, RunnableConfig

from augment.app import Outcome, carry_out
from augment.errors import InputError, QuotaNotMet
from augment.runs import (
    LOOK_EVERY_S,
    RecipeLike,
    Row,
    in_a_loop,
    in_a_thread,
    interruption,
    run_of,
    settle,
    waited_for,
)
from augment.setting import Setting

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

_NAMED_BY = 12


def as_runnable(
    recipe: RecipeLike = None, *, chat_model: BaseChatModel | None = None
) -> Runnable[Any, list[Row]]:
    """Return a `Runnable` from seeds to accepted rows.

    Its input is what `augment.run` takes as seeds. `invoke` gives all accepted rows; `stream`
    gives each as it is accepted, in lists of one that add up to the same. Where a quota is not
    met, both raise `QuotaNotMet` in the end, which knows the run. Each input has a folder of its
    own below the recipe's `out`, named by the seeds' digest: the same input again continues it,
    and costs nothing where it was done.

    Args:
        recipe: a path to a YAML file, or what would stand in it.
        chat_model: a LangChain chat model that answers, in place of the recipe's engine.
    """
    return _Augmentation(recipe, chat_model)


class _Augmentation(Runnable[Any, list[Row]]):
    """The Runnable; made by `as_runnable`."""

    name = "augment"

    def __init__(self, recipe: RecipeLike, chat_model: BaseChatModel | None) -> None:
        self._recipe = recipe
        self._chat_model = chat_model
        self._locks: dict[Path, threading.Lock] = {}

    def invoke(
        self,
        input: Any,
        config: RunnableConfig | None = None,
        **kwargs: Any,  # noqa: ARG002 - LangChain's
    ) -> list[Row]:
        """Return all accepted rows."""
        return self._call_with_config(self._rows, input, config)

    async def ainvoke(
        self,
        input: Any,
        config: RunnableConfig | None = None,
        **kwargs: Any,  # noqa: ARG002 - LangChain's
    ) -> list[Row]:
        """Return all accepted rows."""
        return await self._acall_with_config(self._arows, input, config)

    def batch(
        self,
        inputs: list[Any],
        config: RunnableConfig | list[RunnableConfig] | None = None,
        *,
        return_exceptions: bool = False,
        **kwargs: Any,
    ) -> list[list[Row]]:
        """Return all accepted rows of each input, in one event loop, which Ctrl-C ends."""
        return waited_for(
            lambda: self.abatch(inputs, config, return_exceptions=return_exceptions, **kwargs)
        )

    def stream(
        self,
        input: Any,
        config: RunnableConfig | None = None,  # noqa: ARG002 - a stream is not traced
        **kwargs: Any,  # noqa: ARG002 - LangChain's
    ) -> Iterator[list[Row]]:
        """Yield each row as it is accepted; whoever stops early ends the run in good order."""
        yield from _streamed(self._setting(input))

    async def astream(
        self,
        input: Any,
        config: RunnableConfig | None = None,  # noqa: ARG002 - a stream is not traced
        **kwargs: Any,  # noqa: ARG002 - LangChain's
    ) -> AsyncIterator[list[Row]]:
        """Yield each row as it is accepted; whoever stops early ends the run in good order."""
        setting = await asyncio.to_thread(self._setting, input)
        async with contextlib.aclosing(_astreamed(setting)) as streamed:
            async for rows in streamed:
                yield rows

    def _rows(self, seeds: Any) -> list[Row]:
        setting = self._setting(seeds)
        lock = self._lock(setting)
        if not lock.acquire(blocking=not in_a_loop()):  # its holder may be a task of this loop
            raise InputError.one(str(setting.recipe.out), "another run is at work in this folder")
        try:
            return [row for rows in _streamed(setting) for row in rows]
        finally:
            lock.release()

    async def _arows(self, seeds: Any) -> list[Row]:
        setting = await asyncio.to_thread(self._setting, seeds)
        lock = self._lock(setting)
        while not lock.acquire(blocking=False):  # perhaps it is held by a task of this very loop
            await asyncio.sleep(LOOK_EVERY_S)
        try:
            return [row async for rows in _astreamed(setting) for row in rows]
        finally:
            lock.release()

    def _lock(self, setting: Setting) -> threading.Lock:
        """Return what the folder's run is held by: equal inputs at a time follow each other."""
        return self._locks.setdefault(setting.recipe.out, threading.Lock())

    def _setting(self, seeds: Any) -> Setting:
        setting = settle(seeds, self._recipe, chat_model=self._chat_model)
        out = setting.recipe.out / setting.seeds.digest[:_NAMED_BY]
        return replace(setting, recipe=setting.recipe.model_copy(update={"out": out}))


def _streamed(setting: Setting) -> Iterator[list[Row]]:
    rows: queue.SimpleQueue[Row | None] = queue.SimpleQueue()
    interrupted = interruption()
    with in_a_thread(lambda: carry_out(setting, accepted=rows.put)) as future:
        future.add_done_callback(lambda _: rows.put(None))
        while not interrupted():
            with contextlib.suppress(queue.Empty):
                row = rows.get(timeout=LOOK_EVERY_S)
                if row is None:
                    return _must_be_done(future.result())
                yield [row]
        raise KeyboardInterrupt


async def _astreamed(setting: Setting) -> AsyncGenerator[list[Row]]:
    rows: asyncio.Queue[Row | None] = asyncio.Queue()
    task = asyncio.create_task(carry_out(setting, accepted=rows.put_nowait))
    task.add_done_callback(lambda _: rows.put_nowait(None))
    try:
        while (row := await rows.get()) is not None:
            yield [row]
        _must_be_done(await task)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def _must_be_done(outcome: Outcome) -> None:
    if outcome.finish == "interrupted":
        raise KeyboardInterrupt
    if outcome.finish != "done":
        raise QuotaNotMet(f"{outcome.out}: {outcome.detail}", run=run_of(outcome))
