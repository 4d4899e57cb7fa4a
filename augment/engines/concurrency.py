"""How many requests may be in flight: all that the user allows until the server objects.

Additive increase, multiplicative decrease (Chiu & Jain 1989, "Analysis of the increase and
decrease algorithms for congestion avoidance in computer networks"): a refusal or a time-out
halves the number, once for all requests that were in flight by then; every answer gives one back.
"""

from __future__ import annotations

import asyncio


class Concurrency:
    """A semaphore whose size moves between 1 and `limit`, starting at `limit`."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._allowed = limit
        self._in_use = 0
        self._cuts = 0
        self._room = asyncio.Event()

    @property
    def allowed(self) -> int:
        """How many may be in flight at present."""
        return self._allowed

    @property
    def in_use(self) -> int:
        """How many are in flight."""
        return self._in_use

    async def acquire(self) -> None:
        """Wait for room and take it."""
        while self._in_use >= self._allowed:
            self._room.clear()
            await self._room.wait()
        self._in_use += 1

    def release(self) -> None:
        """Give back what `acquire` took."""
        self._in_use -= 1
        self._room.set()

    def sent(self) -> int:
        """Return a mark for a call that is about to be sent, to be handed to `refused`."""
        return self._cuts

    def answered(self) -> None:
        """Note that the server took a call and answered it."""
        if self._allowed < self._limit:
            self._allowed += 1
            self._room.set()

    def refused(self, mark: int) -> None:
        """Note that the server refused a call or let it time out."""
        if mark == self._cuts:
            self._allowed = max(1, self._allowed // 2)
            self._cuts += 1
