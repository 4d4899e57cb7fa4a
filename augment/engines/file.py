"""The engine that answers with rows of a file, for `augment check`: it reads, and makes nothing."""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator, AsyncIterable, Sequence

from augment.engines.concurrency import Concurrency
from augment.engines.slots import Slots
from augment.records import Ask, Completion, Failure, Request, place_of

AT_ONCE = 1024
"""Rows handed out in one go: they share a commit of the journal, and batches of the filters."""


class FileRows:
    """Answers each ask with its row, as the JSON object that an engine would have given.

    Which row that is, the ask's number tells (`augment.records.place_of`).
    """

    name = "file"
    revision = None

    def __init__(self, answers: Sequence[str], *, model: str) -> None:
        """Take the rows; `model` is the file's name."""
        self.model = model
        self._answers = answers

    def answer(self, ask: Ask) -> Completion:
        """Return the row that an ask is about."""
        return Completion(text=self._answers[place_of(ask.number, rows=len(self._answers))])

    def complete(
        self, requests: AsyncIterable[Request]
    ) -> AsyncGenerator[tuple[Request, Completion | Failure]]:
        """Answer the requests in their order."""
        slots = Slots(self._answer, Concurrency(AT_ONCE), max_wait_s=math.inf)
        return slots.complete(requests)

    async def _answer(self, request: Request) -> Completion:
        return self.answer(request.ask)
