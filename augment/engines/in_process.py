"""Models that decode in this process.

All work on a model is done in one thread, which goes on while requests are awaited and answers are
looked at. torch and its like are imported in it: they take seconds.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import queue
import threading
from collections.abc import AsyncGenerator, AsyncIterable, Callable
from concurrent.futures import Future, InvalidStateError
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from augment.engines.concurrency import Concurrency
from augment.engines.slots import Slots
from augment.records import Ask, Completion, Failure, Request

if TYPE_CHECKING:
    from augment.decoding.batching import Batch
    from augment.decoding.guide import Guide
    from augment.decoding.model import Loaded
    from augment.decoding.rows import Ticket

    Guided: TypeAlias = Callable[[Loaded], Callable[[Ask], Guide]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """How provenance calls an engine and its model."""

    engine: str
    model: str


@contextlib.asynccontextmanager
async def opened(
    load: Callable[[], Loaded], *, named: Named, concurrency: int, guided: Guided | None = None
) -> AsyncGenerator[InProcess]:
    """Load a model for the length of a run.

    Args:
        load: called in the model's thread.
        named: the engine's and the model's names.
        concurrency: the most requests that are answered at a time.
        guided: makes of the loaded model what gives each ask its guide.

    Raises:
        EngineUnusable: as `load` does.
    """
    worker = _Worker(load, rows=concurrency, guided=guided)
    try:
        revision = await asyncio.wrap_future(worker.ready)
        yield InProcess(worker, named=named, revision=revision, concurrency=concurrency)
    finally:
        worker.stop()
        if worker.ready.done():  # who gives up waiting for a model need not wait for it to load
            await asyncio.to_thread(worker.join)


class InProcess:
    """The engine; made by `opened`."""

    def __init__(
        self, worker: _Worker, *, named: Named, revision: str | None, concurrency: int
    ) -> None:
        self.name, self.model = named.engine, named.model
        self.revision = revision
        self._worker = worker
        self._concurrency = concurrency

    def complete(
        self, requests: AsyncIterable[Request]
    ) -> AsyncGenerator[tuple[Request, Completion | Failure]]:
        """Answer every request, in completion order; see `augment.protocols.Engine`."""
        room = Concurrency(self._concurrency)
        return Slots(self._answer, room, max_wait_s=math.inf).complete(requests)

    async def _answer(self, request: Request) -> Completion | Failure:
        """Wait for the worker's answer; where the wait is cancelled, the row is dropped."""
        from augment.decoding.rows import Ticket

        ticket = Ticket(request=request)
        self._worker.give(ticket)
        return await asyncio.wrap_future(ticket.outcome)


class _Worker(threading.Thread):
    """The thread that loads the model and decodes.

    Attributes:
        ready: the model's revision, once it is loaded; bears the error where it cannot be.
    """

    def __init__(self, load: Callable[[], Loaded], *, rows: int, guided: Guided | None) -> None:
        super().__init__(name="model", daemon=True)
        self.ready: Future[str | None] = Future()
        self._guide: Callable[[Ask], Guide | None] = lambda _: None
        self._load = load
        self._limit = rows
        self._guided = guided
        self._inbox: queue.SimpleQueue[Ticket | None] = queue.SimpleQueue()
        self._stopped = threading.Event()
        self.start()

    def give(self, ticket: Ticket) -> None:
        """Hand over a request."""
        self._inbox.put(ticket)

    def stop(self) -> None:
        """End after the present step."""
        self._stopped.set()
        self._inbox.put(None)

    def run(self) -> None:
        """Load, then decode until told to stop."""
        self.ready.set_running_or_notify_cancel()
        try:
            from augment.decoding.batching import Batch

            model = self._load()
            batch = Batch(model, limit=self._limit)
            if self._guided is not None:
                self._guide = self._guided(model)
        except Exception as error:  # noqa: BLE001 - raised again where `ready` is awaited
            with contextlib.suppress(InvalidStateError):  # nobody waits for it any more
                self.ready.set_exception(error)
            return
        with contextlib.suppress(InvalidStateError):
            self.ready.set_result(model.revision)
        try:
            while not self._stopped.is_set():
                self._take(batch)
                batch.step()
        except BaseException as error:  # noqa: BLE001 - also a panic of Rust's; raised again where
            # the answers are awaited
            self._refuse(batch.tickets(), error)

    def _take(self, batch: Batch) -> None:
        """Take what has come; wait for something where there is nothing to do."""
        with contextlib.suppress(queue.Empty):
            while not self._stopped.is_set():
                ticket = self._inbox.get(block=batch.idle)
                if ticket is not None:
                    batch.add(replace(ticket, guide=self._guide(ticket.request.ask)))

    def _refuse(self, tickets: list[Ticket], error: BaseException) -> None:
        """Answer all that is asked with what went wrong."""
        while not self._stopped.is_set():
            for ticket in tickets:
                with contextlib.suppress(InvalidStateError):  # nobody waits for it any more
                    ticket.outcome.set_exception(error)
            ticket = self._inbox.get()
            tickets = [] if ticket is None else [ticket]
