"""The loop from asks to decisions, and nothing else.

    planner ─> renderer ─> engine ─> journal ─> parse ─> filters ─> journal ─> planner
                             └─────────── votes ───────────┘

Three tasks share it: one hands requests to the engine and records what arrives, one reads what was
recorded and has it embedded, one decides. An answer is committed before its slot takes the next
request; verdicts may lag behind, and are made again after a crash for answers that have none. Where
there is a jury its requests go before new asks, to the same engine, and its votes to the journal.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter, deque
from collections.abc import AsyncGenerator, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias

from augment.answers import QUOTA, rejection, rows_of
from augment.errors import EngineGone
from augment.jury import Nobody
from augment.plan.budget import Budget, Spent
from augment.protocols import Encoder, Engine, Filter, Journal, Jury, Plan, Task
from augment.records import (
    Arrival,
    Ask,
    Candidate,
    Completion,
    Decision,
    Failure,
    Fault,
    Request,
    Verdict,
)
from augment.screening import Screening, rejected

Ending: TypeAlias = Literal["done", "exhausted", "budget", "gone"]

LAST_WAIT_S = 30.0
_MOST_UNJUDGED = 1024
"""So many answers may await judgement before the engine has to wait for the filters."""
_BATCH = 64
"""So many rows are worth a batch; without an encoder, whatever awaits judgement is one."""
_EMBEDDED_BATCH = 256
"""At most with an encoder: it is faster the more texts it can sort by length."""
_TURNS = 4
_AHEAD = 2
"""So many batches, and one more that waits its turn, are with the encoder: it never idles."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a run is put together from.

    Attributes:
        at_once: answers an ask that needs no engine; None for all others.
        jury: has a say on rows that the filters let through.
        shorten: makes an ask shorter whose prompt was too long; None where it cannot be.
        accepted: told each accepted row, those of earlier sessions first.
        flag: names of filters that reject no row, and only say that they would.
        last_wait_s: how long answers are awaited once nothing more is asked for.
    """

    task: Task[Any]
    planner: Plan
    render: Callable[[Ask], Request]
    engine: Engine
    filters: Sequence[Filter]
    journal: Journal
    budget: Budget
    jury: Jury = field(default_factory=Nobody)
    at_once: Callable[[Ask], Completion | None] = lambda _: None
    shorten: Callable[[Ask, Completion | Failure], Ask | None] = lambda _, __: None
    encoder: Encoder | None = None
    accepted: Callable[[Candidate], None] | None = None
    flag: Collection[str] = ()
    clock: Callable[[], float] = time.monotonic
    last_wait_s: float = LAST_WAIT_S


@dataclass(frozen=True, slots=True, kw_only=True)
class _Batch:
    """Arrivals with their rows; `verdicts` by the identity of each candidate that was wanted.

    Attributes:
        screened: ends once the filters have judged, and the jury has heard what they let through.
    """

    arrivals: Sequence[Arrival]
    rows: Sequence[Sequence[Candidate | Fault]]
    verdicts: Mapping[int, list[Verdict]]
    screened: asyncio.Task[None]


class Pipeline:
    """One session of a run; its public attributes are for whoever watches it.

    Attributes:
        spent: what the run has used up, over all its sessions.
        answered: asks so far, over all its sessions; `accepted` and `rejected` rows likewise.
        reasons: rejected rows by reason.
        ending_detail: why it ended as it did, in words; empty while it runs or if all is done.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._screening = Screening(parts.filters, parts.encoder, parts.jury, flag=parts.flag)
        self._resend: deque[tuple[Ask, str]] = deque()
        self._unread: deque[Arrival] = deque()
        self._in_judgement = 0
        self._batch = _MOST_UNJUDGED if parts.encoder is None else _EMBEDDED_BATCH
        ahead = _AHEAD - 1 if parts.jury.idle else _MOST_UNJUDGED  # votes take their time
        self._batches: asyncio.Queue[_Batch | None] = asyncio.Queue(ahead)
        self._screened: set[asyncio.Task[None]] = set()
        self._under_way: dict[int, tuple[Ask, str]] = {}
        self._calls_before: dict[int, int] = {}
        self._arrived, self._judged = asyncio.Event(), asyncio.Event()
        self._deadline = asyncio.timeout(None)
        self._uncommitted = self._all_arrived = self._closing = False
        self._ending: Ending | None = None
        self._began = self._seconds_before = 0.0
        self.spent = Spent()
        self.answered = self.accepted = self.rejected = 0
        self.reasons: Counter[str] = Counter()
        self._given_up: set[str] = set()
        self.ending_detail = ""

    @property
    def waiting(self) -> int:
        """How many answers have arrived and await judgement."""
        return len(self._unread) + self._in_judgement

    @property
    def in_flight(self) -> int:
        """How many requests are with the engine."""
        return len(self._under_way) + self._parts.jury.in_flight

    def restore(self, *, seconds: float) -> None:
        """Take up what the journal holds; `seconds` is how long earlier sessions took."""
        planner, task = self._parts.planner, self._parts.task
        self._seconds_before = seconds
        for arrival, decisions in self._parts.journal.replay():
            planner.sent(arrival.ask)
            self.spent.requests += 1
            self._count(arrival.outcome)
            if not decisions:
                self._unread.append(arrival)
                continue
            for row, decision in zip(rows_of(task, arrival), decisions, strict=True):
                if decision.accepted and isinstance(row, Candidate):
                    self._accept(row)
            self._conclude(arrival, decisions)
        undecided = {arrival.number for arrival in self._unread}
        for vote in self._parts.journal.votes():
            self.spent.votes += 1
            self._spend(vote.outcome)
            if vote.on_seed or vote.arrival in undecided:
                self._parts.jury.restore(vote)
        for ask, key in self._parts.journal.unanswered():
            planner.sent(ask)
            self._resend.append((ask, key))
        planner.take_heart()

    async def run(self) -> Ending:
        """Go on until every quota is full or given up, the budget is spent or the engine gone.

        Raises:
            JournalError: nothing can be recorded any more.
        """
        self._began = self._parts.clock()
        tasks = {
            asyncio.create_task(each) for each in (self._exchange(), self._read(), self._judge())
        }
        try:
            finished, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
            for task in finished:
                task.result()
        except EngineGone as error:  # whom a filter asks: of the engine `_exchange` has heard
            self._ending, self.ending_detail = "gone", str(error)
        finally:
            tasks |= self._screened
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        if self._parts.planner.filled:  # perhaps by the last answers before the budget's end
            self._ending, self.ending_detail = "done", ""
        elif self._ending is None:
            given_up = self._parts.planner.exhausted
            self._note_given_up(given_up)
            self._ending, self.ending_detail = "exhausted", f"given up: {', '.join(given_up)}"
        self._parts.journal.commit()
        return self._ending

    # To the engine and back ---------------------------------------------------------------------

    async def _exchange(self) -> None:
        """Hand out requests and record what arrives; the wait for the last ones is bounded."""
        try:
            async with (
                self._deadline,
                contextlib.aclosing(self._parts.engine.complete(self._requests())) as answers,
            ):
                self._set_deadline(self._seconds_left())
                async for request, outcome in answers:
                    if (vote := self._parts.jury.take(request, outcome)) is not None:
                        self._spend(outcome)
                        self._parts.journal.vote(vote)
                        self._uncommitted = True
                    elif not self._asked_shorter(request, outcome):
                        self._record(request.ask, request.key, outcome)
        except TimeoutError:
            self._must_stop()  # it may be the budget's minutes that ran out
            self._give_up(self._under_way.values())
        except EngineGone as error:
            self._ending, self.ending_detail = "gone", str(error)
        if self._parts.planner.filled:  # what a crash or a lost engine left has come too late
            self._give_up([*self._under_way.values(), *self._resend])
        self._parts.journal.commit()
        self._parts.jury.end(gone=self._ending == "gone")
        self._all_arrived = True
        self._arrived.set()

    def _give_up(self, asks: Iterable[tuple[Ask, str]]) -> None:
        """Record that these were not answered in time."""
        waited = f"no answer within the last {self._parts.last_wait_s:g} s"
        for ask, key in list(asks):
            self._record(ask, key, Failure(code="unanswered", detail=waited))

    def _asked_shorter(self, request: Request, outcome: Completion | Failure) -> bool:
        """Have an ask sent again with less in it, where its prompt was too long."""
        ask = None if self._closing else self._parts.shorten(request.ask, outcome)
        if ask is None:
            return False
        number = ask.number
        self._calls_before[number] = self._calls_before.get(number, 0) + outcome.calls
        self._under_way.pop(number, None)
        self._resend.append((ask, self._parts.render(ask).key))
        self._judged.set()  # whoever waits for judgement before it asks has something to ask
        return True

    def _record(self, ask: Ask, key: str, outcome: Completion | Failure) -> None:
        if before := self._calls_before.pop(ask.number, 0):
            outcome = replace(outcome, calls=outcome.calls + before)
        self._under_way.pop(ask.number, None)
        self._count(outcome)
        self._unread.append(self._parts.journal.arrive(ask, key, outcome))
        self._uncommitted = True
        self._arrived.set()

    async def _requests(self) -> AsyncGenerator[Request]:
        """Yield requests while more is needed, each only once all arrivals are committed."""
        while not self._must_stop():
            self._judged.clear()
            if (request := self._parts.jury.next()) is not None:
                self._commit()
                self.spent.votes += 1
                yield request
                continue
            again = bool(self._resend)
            ask = self._resend.popleft()[0] if again else self._new_ask()
            if self._uncommitted or ask is None:
                self._commit()
            if ask is None:
                await self._judged.wait()
                continue
            if ask.number not in self._calls_before:  # one that was made shorter is the same ask
                self.spent.requests += 1
            request = self._parts.render(ask)
            if not again:
                self._parts.journal.plan([(ask, request.key)])
            if (answer := self._parts.at_once(ask)) is not None:
                self._record(ask, request.key, answer)
                await asyncio.sleep(0)
                continue
            self._under_way[ask.number] = (ask, request.key)
            yield request
        self._close()

    def _commit(self) -> None:
        self._parts.journal.commit()
        self._uncommitted = False

    def _close(self) -> None:
        """Begin the wait for the last answers, once."""
        if not self._closing:
            self._closing = True
            self._parts.jury.stop()
            self._set_deadline(0.0)

    def _set_deadline(self, seconds: float | None) -> None:
        """Stop waiting for answers `last_wait_s` after so many seconds from now; None: never."""
        if seconds is not None and not self._all_arrived:
            now = asyncio.get_running_loop().time()
            self._deadline.reschedule(now + seconds + self._parts.last_wait_s)

    def _seconds_left(self) -> float | None:
        minutes = self._parts.budget.max_minutes
        return None if minutes is None else max(0.0, minutes * 60 - self._seconds_before)

    def _must_stop(self) -> bool:
        """Tell whether nothing more is to be asked for, and remember why."""
        if self._parts.planner.finished:
            return True
        self.spent.seconds = self._seconds_before + self._parts.clock() - self._began
        limit = self.spent.exceeds(self._parts.budget)
        if limit is not None:
            self._ending, self.ending_detail = "budget", limit
        return limit is not None

    def _new_ask(self) -> Ask | None:
        """Plan an ask; None while what is under way may do, or the filters lag behind."""
        return None if self.waiting > _MOST_UNJUDGED else self._parts.planner.next()

    def _count(self, outcome: Completion | Failure) -> None:
        self.answered += 1
        self._spend(outcome)

    def _spend(self, outcome: Completion | Failure) -> None:
        if isinstance(outcome, Completion):
            self.spent.prompt_tokens += outcome.prompt_tokens or 0
            self.spent.completion_tokens += outcome.completion_tokens or 0

    # From answer to decision --------------------------------------------------------------------

    async def _read(self) -> None:
        """Read what arrives, in order, until everything has, and hand it on as it is embedded."""
        while self._unread or not self._all_arrived:
            if not self._worth_reading:
                self._arrived.clear()
                await self._arrived.wait()
                await self._let_more_arrive()
                continue
            size = min(self._batch, len(self._unread))
            arrivals = [self._unread.popleft() for _ in range(size)]
            self._in_judgement += len(arrivals)
            await self._batches.put(self._begun(arrivals))
            await self._let_more_arrive()
        await self._batches.put(None)

    @property
    def _worth_reading(self) -> bool:
        """Whether a batch should begin: small ones wait for more while the encoder is at work."""
        least = _BATCH if self._screened and not self._all_arrived else 1
        return len(self._unread) >= least

    async def _let_more_arrive(self) -> None:
        """Give the loop some turns: filters are cheaper by the batch, and nobody waits for them."""
        for _ in range(_TURNS):
            await asyncio.sleep(0)
            if len(self._unread) >= _BATCH:
                return

    def _begun(self, arrivals: Sequence[Arrival]) -> _Batch:
        """Read arrivals, pass the filters by words, and set off those by meaning."""
        rows = [rows_of(self._parts.task, arrival) for arrival in arrivals]
        every = [
            (row, arrival.number)
            for arrival, own in zip(arrivals, rows, strict=True)
            for row in own
            if isinstance(row, Candidate) and self._is_wanted(row)
        ]
        wanted = [row for row, _ in every]
        numbers = [number for _, number in every]
        verdicts = self._screening.by_words(wanted)
        screened = asyncio.create_task(self._screen(wanted, verdicts, of=numbers))
        self._screened.add(screened)
        screened.add_done_callback(self._let_go)
        return _Batch(
            arrivals=arrivals,
            rows=rows,
            verdicts={id(row): own for row, own in zip(wanted, verdicts, strict=True)},
            screened=screened,
        )

    async def _screen(
        self, rows: Sequence[Candidate], verdicts: Sequence[list[Verdict]], *, of: Sequence[int]
    ) -> None:
        """Pass the filters by meaning and go before the jury; `of` are the rows' arrivals."""
        await self._screening.by_meaning(rows, verdicts)
        for row, own, number in zip(rows, verdicts, of, strict=True):
            if self._is_wanted(row):
                self._screening.put_to_jury(row, own, arrival=number)
        if not self._parts.jury.idle:
            self._judged.set()  # there may be something to ask

    def _let_go(self, screened: asyncio.Task[None]) -> None:
        self._screened.discard(screened)
        self._arrived.set()
        if not screened.cancelled():
            screened.exception()  # of several that fail together, the first is raised

    async def _judge(self) -> None:
        """Decide on what was read, in order, until everything was."""
        while (batch := await self._batches.get()) is not None:
            await batch.screened
            self._screening.foresee(
                [
                    row
                    for own in batch.rows
                    for row in own
                    if isinstance(row, Candidate) and not rejected(batch.verdicts.get(id(row), []))
                ]
            )
            for arrival, own in zip(batch.arrivals, batch.rows, strict=True):
                if not await self._is_ready(arrival, own, batch.verdicts):
                    continue
                decisions = [
                    self._decide(row, batch.verdicts, arrival=arrival.number, index=index)
                    for index, row in enumerate(own)
                ]
                self._parts.journal.decide(decisions)
                self._note_given_up(self._conclude(arrival, decisions))
                self._in_judgement -= 1
            self._judged.set()
            if self.in_flight and self._parts.planner.finished:
                self._close()

    async def _is_ready(
        self,
        arrival: Arrival,
        rows: Sequence[Candidate | Fault],
        screened: Mapping[int, list[Verdict]],
    ) -> bool:
        """Wait for the votes on an arrival's rows; False: it is left to another session."""
        ready = True
        for row in rows:
            if isinstance(row, Candidate) and id(row) in screened and self._is_wanted(row):
                ready &= await self._parts.jury.ready(row, arrival.number)
        return ready

    def _decide(
        self,
        row: Candidate | Fault,
        screened: Mapping[int, list[Verdict]],
        *,
        arrival: int,
        index: int,
    ) -> Decision:
        if isinstance(row, Fault):
            verdicts = [rejection(row)]
        elif not self._is_wanted(row):  # whatever the batch it came in: the order alone decides
            verdicts = [QUOTA]
        else:
            verdicts = self._screening.settled(row, screened[id(row)])
            if not rejected(verdicts):
                verdicts += self._screening.last(row, verdicts, arrival=arrival)
        accepted = not rejected(verdicts)
        if accepted and isinstance(row, Candidate):
            self._accept(row)
        return Decision(arrival=arrival, index=index, accepted=accepted, verdicts=tuple(verdicts))

    def _note_given_up(self, cells: Sequence[str]) -> None:
        for cell in cells:
            if cell not in self._given_up:
                self._given_up.add(cell)
                self._parts.journal.note("given up", cell)

    def _is_wanted(self, candidate: Candidate) -> bool:
        labels = self._parts.task.labels_of(candidate.example)
        return self._parts.planner.has_room(labels)

    def _accept(self, candidate: Candidate) -> None:
        self._parts.planner.accept(self._parts.task.labels_of(candidate.example))
        self._screening.observe(candidate.example)
        if self._parts.accepted is not None:
            self._parts.accepted(candidate)

    def _conclude(self, arrival: Arrival, decisions: Sequence[Decision]) -> list[str]:
        """Count an arrival's decisions; return the cells that are given up after it."""
        accepted = 0
        for decision in decisions:
            if decision.accepted:
                accepted += 1
            else:
                self.reasons[decision.rejection.reason or decision.rejection.filter] += 1
        self.accepted += accepted
        self.rejected += len(decisions) - accepted
        answered = isinstance(arrival.outcome, Completion)
        return self._parts.planner.judged(arrival.ask, accepted, answered=answered)
