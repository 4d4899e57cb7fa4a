"""Several servers of one model: each call goes to the one with the fewest calls outstanding.

That evens out whatever makes servers differ, without measuring it (join the shortest queue:
Winston 1977, "Optimality of the shortest line discipline"). Its weakness is a server that fails
at once, which then always has the fewest: such a one is left out for a while, and tried again
with a single call of the run's own.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import replace

from augment.engines.concurrency import Concurrency
from augment.engines.patience import FIRST_PAUSE_S, Again, Call
from augment.engines.slots import Outcome
from augment.records import Completion, Request

_FAILURES = 4
"""So many calls in a row that come to nothing, and a server is left out."""
_LONGEST_PAUSE_S = 15.0
_LONGEST_ASKED_S = 600.0
_MOST_DOUBLINGS = 10

_log = logging.getLogger(__name__)


class _Member:
    """One of the servers.

    Attributes:
        name: its address, as files show it.
        room: for calls at this server.
        failures: in a row, since it last answered.
        on_trial: it was left out, and has not answered since.
        times_out: how often it was left out in a row.
        out: it is left out at present.
        lamented: the user was told that it is gone.
        turn: when it was last chosen, counted in calls.
    """

    def __init__(self, name: str, call: Call, *, concurrency: int) -> None:
        self.name = name
        self.call = call
        self.room = Concurrency(concurrency)
        self.failures = 0
        self.times_out = 0
        self.on_trial = self.out = self.lamented = False
        self.turn = 0

    @property
    def allowed(self) -> int:
        """How many calls may be outstanding at present."""
        if self.out:
            return 0
        return 1 if self.on_trial else self.room.allowed

    @property
    def free(self) -> bool:
        """Whether it may be called."""
        return self.room.in_use < self.allowed


class Several:
    """Who is called where there are several servers, each with a concurrency of its own.

    Args:
        servers: name and call of each.
        concurrency: the most calls outstanding at each.
    """

    def __init__(self, servers: Sequence[tuple[str, Call]], *, concurrency: int) -> None:
        self._members = [_Member(name, call, concurrency=concurrency) for name, call in servers]
        self._under_way = 0
        self._turns = 0
        self._change = asyncio.Event()

    @property
    def room(self) -> Several:
        """How many requests may be under way: as many as all servers take that are there."""
        return self

    async def acquire(self) -> None:
        """Wait for room and take it."""
        while self._under_way >= max(1, sum(member.allowed for member in self._members)):
            await self._changed()
        self._under_way += 1

    def release(self) -> None:
        """Give back what `acquire` took."""
        self._under_way -= 1
        self._change.set()

    async def call(self, request: Request) -> Outcome | Again:
        """Call the server with the fewest calls outstanding, once one may be called."""
        while (member := self._freest()) is None:
            await self._changed()
        await member.room.acquire()  # it is free: this takes no time
        self._turns += 1
        member.turn = self._turns
        mark = member.room.sent()
        try:
            outcome = await member.call(request)
        finally:
            member.room.release()
            self._change.set()
        if isinstance(outcome, Again):
            return outcome if outcome.at_once else self._failed(member, outcome, mark=mark)
        self._answered(member)
        return replace(outcome, server=member.name) if isinstance(outcome, Completion) else outcome

    async def _changed(self) -> None:
        self._change.clear()
        await self._change.wait()

    def _freest(self) -> _Member | None:
        free = [member for member in self._members if member.free]
        return min(free, key=lambda one: (one.room.in_use, one.turn), default=None)

    def _answered(self, member: _Member) -> None:
        member.room.answered()
        member.failures = 0
        member.on_trial, member.times_out = False, 0
        if member.lamented:
            _log.warning("%s answers again", member.name)
            member.lamented = False

    def _failed(self, member: _Member, outcome: Again, *, mark: int) -> Again:
        """Leave the server out where it is to blame; the request then goes elsewhere at once."""
        if outcome.busy:
            member.room.refused(mark)
        if not outcome.busy or member.room.allowed == 1:  # fewer calls may still be what it takes
            member.failures += 1
        blamed = outcome.gone or outcome.after_s is not None or member.failures >= _FAILURES
        if not (blamed or member.on_trial):
            return outcome
        if not member.out:
            self._leave_out(member, outcome)
        # Its own failure may be the request's fault, and counts; an absence does not.
        return replace(outcome, at_once=outcome.gone or outcome.after_s is not None)

    def _leave_out(self, member: _Member, outcome: Again) -> None:
        pause = FIRST_PAUSE_S * 2 ** min(member.times_out, _MOST_DOUBLINGS)
        asked = min(outcome.after_s or 0.0, _LONGEST_ASKED_S)
        pause = max(min(pause, _LONGEST_PAUSE_S), asked)
        if (outcome.gone or member.failures >= _FAILURES) and not member.lamented:
            _log.warning("%s is left out for now: %s", member.name, outcome.why)
            member.lamented = True
        member.times_out += 1
        member.out = member.on_trial = True
        asyncio.get_running_loop().call_later(pause, self._let_in, member)

    def _let_in(self, member: _Member) -> None:
        """Let a single call try whether the server is back."""
        member.out = False
        self._change.set()
