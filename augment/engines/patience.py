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

from augment.engines.concurrency import Concurrency
from augment.engines.slots import Outcome, Slots
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
        at_once: our own doing, put right: no wait, no strike.
        unreadable: there was an answer, but not one that can be read.
        responded: the server is there, and fails on this very request.
    """

    why: str
    after_s: float | None = None
    busy: bool = False
    at_once: bool = False
    unreadable: bool = False
    responded: bool = False


class Patience:
    """The requests of an engine that answers one by one, each called for until it is settled.

    Attributes:
        settled: how many requests have been settled so far.
    """

    def __init__(
        self,
        call: Callable[[Request], Awaitable[Outcome | Again]],
        *,
        concurrency: int,
        max_wait_s: float,
    ) -> None:
        self.settled = 0
        self._call = call
        self._max_wait_s = max_wait_s
        self._concurrency = Concurrency(concurrency)
        self._slots = Slots(self._answer, self._concurrency, max_wait_s=max_wait_s)
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
            mark = self._concurrency.sent()
            outcome = await self._call(request)
            if not isinstance(outcome, Again):
                self.settled += 1
                self._slots.answered()
                self._concurrency.answered()
                return outcome if calls == 1 else replace(outcome, calls=calls)
            if outcome.at_once:
                continue
            self._slots.stumbled(outcome.why)
            if outcome.busy:
                self._concurrency.refused(mark)
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
