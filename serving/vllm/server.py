"""A vLLM that is started, kept up for as long as it is wanted, and ended."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Callable

import aiohttp

from augment.engines.vllm_faults import SERVING, explained, failure, last_line
from augment.errors import EngineUnusable
from serving.vllm.process import Process, Start, healthy, started

_LOOK_EVERY_S = 0.25
_HEALTH_EVERY_S = 2.0
_SAID_EVERY_S = 20.0
_SHORT_LIFE_S = 120.0
_MOST_SHORT_LIVES = 3
"""So many times in a row it may fail to start, or die within two minutes of having started."""
_UNWELL = 2
"""So many times in a row it may say that it is unwell before it is ended."""
_SILENT = 30
"""So many times in a row it may not answer, each after ten seconds: a busy server is slow to."""

Say = Callable[[str], None]


class Server:
    """A vLLM that is started again when it dies; made by `serving`.

    Attributes:
        starts: how many times it became ready.
        gone: done, with the reason, once it is not started any more.
    """

    def __init__(self, start: Start, base: str, *, within_s: float, say: Say) -> None:
        self.starts = 0
        self.gone: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._start = start
        self._base = base
        self._within_s = within_s
        self._say = say
        self._session = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())
        self._process: Process | None = None
        self._ready_at = 0.0

    @property
    def pid(self) -> int:
        """The process id of the server's first process; 0 where there is none."""
        return 0 if self._process is None else self._process.pid

    async def begin(self) -> None:
        """Start it and wait until it is healthy.

        Raises:
            EngineUnusable: it does not start, and why.
        """
        process = self._process = started(self._start)
        began = said = time.monotonic()
        while await healthy(self._session, self._base) is not True:
            now = time.monotonic()
            code = process.code
            if code is not None or now - began > self._within_s:
                await process.end()
                raise EngineUnusable(self._failure(process, code))
            if now - said > _SAID_EVERY_S:
                said = now
                self._say(f"  {now - began:.0f} s: {last_line(process.log())[:120] or 'loading'}")
            await asyncio.sleep(_LOOK_EVERY_S)
        self.starts += 1
        self._ready_at = time.monotonic()
        self._say(f"vLLM is ready after {self._ready_at - began:.0f} s.")

    def _failure(self, process: Process, code: int | None) -> str:
        log = process.log()
        head = "vLLM did not start" if code is not None else (
            f"vLLM was not ready within {self._within_s:g} s (start-within-s)"
        )  # fmt: skip
        return failure(head, log, code=code, knobs=SERVING, where=str(self._start.log))

    async def keep(self) -> None:
        """Watch over it and start it again when it dies, until it is not worth while any more."""
        short_lives = 0
        while True:
            why = "" if self._process is None else await self._until_it_ends(self._process)
            long = time.monotonic() - self._ready_at > _SHORT_LIFE_S
            short_lives = 0 if long else short_lives + 1
            while True:
                if short_lives >= _MOST_SHORT_LIVES:
                    self._say(f"vLLM is given up: {why}")
                    self.gone.set_result(f"vLLM died {short_lives} times in a row: {why}")
                    return
                self._say(f"vLLM died ({why.splitlines()[0]}); starting it again ...")
                try:
                    await self.begin()
                    break
                except EngineUnusable as error:
                    why, short_lives = str(error), short_lives + 1

    def abandoned(self, keeping: asyncio.Task[None]) -> None:
        """Say that it is gone where the watch over it has failed."""
        if not keeping.cancelled() and (error := keeping.exception()) and not self.gone.done():
            self.gone.set_result(f"nobody watches over vLLM any more: {error}")

    async def _until_it_ends(self, process: Process) -> str:
        """Return why it has ended, or had to be ended."""
        unwell = silent = 0
        asked = time.monotonic()
        while (code := process.code) is None:
            if time.monotonic() - asked > _HEALTH_EVERY_S:
                well = await healthy(self._session, self._base)
                asked = time.monotonic()
                unwell = unwell + 1 if well is False else 0
                silent = silent + 1 if well is None else 0
                if unwell >= _UNWELL or silent >= _SILENT:
                    await process.end()
                    return explained(process.log(), code=None, knobs=SERVING)
            await asyncio.sleep(_LOOK_EVERY_S)
        await process.end()
        return explained(process.log(), code=code, knobs=SERVING)

    async def end(self) -> None:
        """End it and whatever it has started."""
        try:
            if self._process is not None:
                await self._process.end()
        finally:
            await self._session.close()


@contextlib.asynccontextmanager
async def serving(start: Start, base: str, *, within_s: float, say: Say) -> AsyncGenerator[Server]:
    """Hold a server that is healthy, and started again when it dies, for the length of the block.

    Args:
        start: what is started.
        base: the address that it will have.
        within_s: for each start.
        say: told how it fares.

    Raises:
        EngineUnusable: it does not start the first time; the text says why.
    """
    server = Server(start, base, within_s=within_s, say=say)
    try:
        await server.begin()
        keeping = asyncio.create_task(server.keep())
        keeping.add_done_callback(server.abandoned)
        try:
            yield server
        finally:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)
    finally:
        await server.end()
