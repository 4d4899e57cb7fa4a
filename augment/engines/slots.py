"""Keeping as many requests in flight as there is room for, for engines that answer one by one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Coroutine
from typing import Any, Protocol, TypeAlias

from augment.errors import EngineGone
from augment.records import Completion, Failure, Request

Outcome: TypeAlias = Completion | Failure


class Room(Protocol):
    """How many requests may be under way."""

    async def acquire(self) -> None:
        """Wait for room and take it."""
        ...

    def release(self) -> None:
        """Give back what `acquire` took."""
        ...


class Slots:
    """The requests that are in flight, and those that came back.

    A slot is free again once the consumer of `complete` has come back for the next answer, so
    that what it does with an answer is done before another request takes the slot.
    """

    def __init__(
        self,
        answer: Callable[[Request], Awaitable[Outcome]],
        room: Room,
        *,
        max_wait_s: float,
    ) -> None:
        self._answer = answer
        self._room = room
        self._max_wait_s = max_wait_s
        self._quiet_since = time.monotonic()
        self._last = ""
        self._in_flight = 0
        self._done: list[tuple[Request, Outcome]] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._broken: list[BaseException] = []
        self._news = asyncio.Event()

    async def complete(
        self, requests: AsyncIterable[Request]
    ) -> AsyncGenerator[tuple[Request, Outcome]]:
        """Answer every request, in completion order.

        Raises:
            EngineGone: no request was answered for `max_wait_s`.
        """
        watch = asyncio.create_task(self._tick())
        self._start(self._dispatch(requests))
        try:
            while self._tasks or self._done:
                await self._news.wait()
                self._news.clear()
                if self._broken:
                    raise self._broken[0]
                self._check_patience()
                arrived, self._done = self._done, []
                for item in arrived:
                    yield item
                for _ in arrived:
                    self._room.release()
        finally:
            unfinished = (watch, *self._tasks)
            for task in unfinished:
                task.cancel()
            await asyncio.gather(*unfinished, return_exceptions=True)

    def answered(self) -> None:
        """Note that the server is alive."""
        self._quiet_since = time.monotonic()

    def stumbled(self, why: str) -> None:
        """Note why a call came to nothing, to be told if no more ever comes."""
        self._last = f"; the last error was {why}"

    async def _dispatch(self, requests: AsyncIterable[Request]) -> None:
        source = aiter(requests)
        while True:
            await self._room.acquire()
            try:
                request = await anext(source)
            except StopAsyncIteration:
                self._room.release()
                return
            if self._in_flight == 0:
                self.answered()  # there was nobody to answer
            self._in_flight += 1
            self._start(self._work(request))

    async def _work(self, request: Request) -> None:
        outcome = await self._answer(request)
        self._in_flight -= 1
        self._done.append((request, outcome))

    def _start(self, job: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(job)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._broken.append(error)
        self._news.set()

    async def _tick(self) -> None:
        """Wake the consumer now and then, so that it notices when nothing else does."""
        while True:
            await asyncio.sleep(min(1.0, self._max_wait_s))
            self._news.set()

    def _check_patience(self) -> None:
        if self._in_flight and time.monotonic() - self._quiet_since > self._max_wait_s:
            raise EngineGone(
                f"the engine has not answered for {self._max_wait_s:g} s (--max-wait-s)"
                f"{self._last}; the same command continues once it is back"
            )
