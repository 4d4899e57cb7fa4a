"""The engine that answers with rows of a file, for `augment check`: it reads, and makes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Sequence

from augment.records import Ask, Completion, Failure, Request, place_of


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

    async def complete(
        self, requests: AsyncIterable[Request]
    ) -> AsyncGenerator[tuple[Request, Completion | Failure], None]:
        """Answer one request after the other."""
        async for request in requests:
            yield request, self.answer(request.ask)
            await asyncio.sleep(0)
