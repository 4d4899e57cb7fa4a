"""Calling until there is an answer, for engines whose server may be gone, overloaded or stumbling.

Whatever may pass is waited for, and the wait ends only when no request at all has been answered
for `max_wait_s`. A request that fails again and again while others are answered is given up.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Protocol, TypeAlias

from augment.engines.concurrency import Concurrency
from augment.engines.slots import Outcome, Room, Slots
from augment.records import Failure, Request

START_WITHIN_S = 4.5
"""How long the first question may take; a user is told within five seconds."""
FIRST_PAUSE_S = 0.1
_STRIKES = 8
"""So many failures of one request while others are answered, and it is given up."""
_LONGEST_PAUSE_S, _LONGEST_PAUSE_ALIVE_S = 5.0, 1.0
"""Between calls of one request, while nobody is answered and while others are."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """A call that failed in a way that may pass.

    Attributes:
        after_s: how long the server asks to be left alone.
        busy: the server has too much to do, so fewer calls should be in flight.
        at_once: our own doing, put right, or another server's turn: no wait, no strike.
        unreadable: there was an answer, but not one that can be read.
        responded: the server is there, and fails on this very request.
        gone: nothing answers there, or not the server that once did.
    """

    why: str
    after_s: float | None = None
    busy: bool = False
    at_once: bool = False
    unreadable: bool = False
    responded: bool = False
    gone: bool = False


Call: TypeAlias = Callable[[Request], Awaitable[Outcome | Again]]


class Callee(Protocol):
    """Who is called, and room for requests there."""

    @property
    def room(self) -> Room:
        """How many requests may be under way."""
        ...

    async def call(self, request: Request) -> Outcome | Again:
        """Call once."""
        ...


class Alone:
    """The only server: it gets every call."""

    def __init__(self, call: Call, *, concurrency: int) -> None:
        self.room = Concurrency(concurrency)
        self._call = call

    async def call(self, request: Request) -> Outcome | Again:
        """Call the server."""
        mark = self.room.sent()
        outcome = await self._call(request)
        if not isinstance(outcome, Again):
            self.room.answered()
        elif outcome.busy:
            self.room.refused(mark)
        return outcome


class Patience:
    """The requests of an engine that answers one by one, each called for until it is settled.

    Attributes:
        settled: how many requests have been settled so far.
    """

    def __init__(self, callee: Callee, *, max_wait_s: float) -> None:
        self.settled = 0
        self._call = callee.call
        self._max_wait_s = max_wait_s
        self._slots = Slots(self._answer, callee.room, max_wait_s=max_wait_s)
        self._jitter = random.Random()

    def complete(self, requests: AsyncIterable[Request]) -> AsyncGenerator[tuple[Request, Outcome]]:
        """Answer every request, in completion order; see `augment.protocols.Engine`."""
        return self._slots.complete(requests)

    async def _answer(self, request: Request) -> Outcome:
        """Call until there is an answer or a reason to give this request up."""
        strikes = calls = 0
        seen = self.settled
        while True:
            calls += 1
            outcome = await self._call(request)
            if not isinstance(outcome, Again):
                self.settled += 1
                self._slots.answered()
                return outcome if calls == 1 else replace(outcome, calls=calls)
            self._slots.stumbled(outcome.why)
            if outcome.at_once:
                continue
            alive, seen = self.settled > seen, self.settled
            strikes += not outcome.busy and (alive or outcome.responded)
            if strikes >= _STRIKES:
                code = "unreadable" if outcome.unreadable else "server_error"
                return Failure(code=code, detail=outcome.why, calls=calls)
            _log.debug("ask %d, call %d: %s", request.ask.number, calls, outcome.why)
            await asyncio.sleep(self._pause_s(outcome, calls=calls, alive=alive))

    def _pause_s(self, outcome: Again, *, calls: int, alive: bool) -> float:
        if outcome.after_s is not None:
            return min(max(outcome.after_s, FIRST_PAUSE_S), self._max_wait_s)
        longest = _LONGEST_PAUSE_ALIVE_S if alive else _LONGEST_PAUSE_S
        pause = min(longest, FIRST_PAUSE_S * 2 ** min(calls, 10))
        return self._jitter.uniform(pause / 8, pause)
