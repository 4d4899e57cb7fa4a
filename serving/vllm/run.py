"""A run with a vLLM of its own, which lives as long as the run."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterable
from typing import TYPE_CHECKING

from augment.answering import engine_of
from augment.app import EngineOf, Say
from augment.errors import EngineGone
from augment.protocols import CachesPrefixes, Engine
from augment.recipe import Recipe
from augment.records import Completion, Failure, PrefixCache, Request
from augment.setting import Inputs, Setting

if TYPE_CHECKING:
    from serving.vllm.server import Server


@contextlib.asynccontextmanager
async def with_server(
    inputs: Inputs | None, recipe: Recipe, *, say: Say
) -> AsyncGenerator[tuple[Recipe, EngineOf]]:
    """Hold the server that the recipe wants, if any.

    Yields:
        The recipe, with the server's endpoint in it, and what holds the engine of the run, which
        is gone when the server is. Without `serve` both are as ever.

    Raises:
        InputError, EngineUnusable: as `served`, and as a run without a server of its own.
    """
    name = recipe.serve
    if name is None:
        yield recipe, engine_of
        return
    from serving.vllm.place import held
    from serving.vllm.up import served

    log = recipe.out.with_name(f"{recipe.out.name}.vllm.log")
    with held() as place:
        recipe = recipe.model_copy(update={"endpoint": place.endpoint})
        async with served(name, recipe, place, inputs=inputs, log=log, say=say) as up:
            yield recipe, _watched(up.server)


def _watched(server: Server) -> EngineOf:
    @contextlib.asynccontextmanager
    async def holding(setting: Setting) -> AsyncGenerator[Engine]:
        async with engine_of(setting) as engine:
            yield Watched(engine, server)

    return holding


class Watched:
    """An engine that is gone once its server is not started again, and is waited for until then."""

    def __init__(self, engine: Engine, server: Server) -> None:
        self.name = engine.name
        self.model = engine.model
        self._engine = engine
        self._server = server

    @property
    def revision(self) -> str | None:
        """The engine's."""
        return self._engine.revision

    async def prefix_cache(self) -> PrefixCache | None:
        """Return what the engine tells, if it does."""
        engine = self._engine
        return await engine.prefix_cache() if isinstance(engine, CachesPrefixes) else None

    async def complete(
        self, requests: AsyncIterable[Request]
    ) -> AsyncGenerator[tuple[Request, Completion | Failure]]:
        """Answer as the engine does; see `augment.protocols.Engine`.

        Raises:
            EngineGone: also when the server has been given up.
        """
        gone = self._server.gone
        async with contextlib.aclosing(self._engine.complete(requests)) as answers:
            while True:
                answer = asyncio.ensure_future(anext(answers, None))
                try:
                    await asyncio.wait({answer, gone}, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    if not answer.done():
                        answer.cancel()
                        await asyncio.gather(answer, return_exceptions=True)
                if answer.cancelled():
                    raise EngineGone(gone.result())
                if (found := answer.result()) is None:
                    return
                yield found
