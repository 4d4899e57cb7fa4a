"""Requests for engine tests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from augment_command import until

from augment.records import Ask, Message, Request, Sampling

SCHEMA = {
    "type": "object",
    "properties": {"label": {"type": "string", "enum": ["card"]}, "text": {"type": "string"}},
    "required": ["label", "text"],
    "additionalProperties": False,
}


def a_request(number: int = 0) -> Request:
    return Request(
        key=f"{number:064d}",
        messages=(
            Message(role="system", content="You write rows."),
            Message(role="user", content=f"Write row {number} with the label card."),
        ),
        schema=SCHEMA,
        sampling=Sampling(temperature=1.0, top_p=0.9, max_tokens=64, seed=number),
        ask=Ask(number=number, strategy="fewshot", labels=("card",)),
    )


async def requests_of(count: int) -> AsyncIterator[Request]:
    for number in range(count):
        yield a_request(number)


async def until_answered(server: Any) -> None:
    """Wait until the tests' server has answered a request."""
    await asyncio.to_thread(until, lambda: bool(server.stats()["answered"]))
