"""Any OpenAI-compatible server over HTTP, or several of the same model.

Patience is the rule (`augment.engines.patience`): whatever may pass is tried again. What will not
pass (a prompt that is refused, or fails again and again while others are answered) becomes a
`Failure` in the place of its answer.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterable, Sequence
from dataclasses import replace

import aiohttp

from augment.engines.balance import Several
from augment.engines.patience import Alone, Patience
from augment.engines.server import EndpointSettings, Server, Wire, model_of
from augment.errors import EngineUnusable
from augment.records import Completion, Failure, PrefixCache, Request

__all__ = ["Endpoint", "EndpointSettings", "connected"]


@contextlib.asynccontextmanager
async def connected(settings: EndpointSettings) -> AsyncGenerator[Endpoint]:
    """Open the servers for the length of a run, after asking which models they have.

    Raises:
        EngineUnusable: within five seconds, where at one of them nothing listens, access is
            refused, the address is wrong or the model is unknown; or they have different models.
    """
    headers = {"Content-Type": "application/json", **settings.headers}
    if settings.api_key is not None:
        headers.setdefault("Authorization", f"Bearer {settings.api_key}")
    each = [replace(settings, url=url) for url in (settings.url, *settings.also)]
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=settings.timeout_s),
        headers=headers,
    ) as session:
        wires = [_wire(session, one) for one in each]
        models = await _models(wires, each)
        yield Endpoint(each, wires, model=models[0])


def _wire(session: aiohttp.ClientSession, settings: EndpointSettings) -> Wire:
    try:
        return Wire(session, settings.url)
    except ValueError as error:
        raise EngineUnusable(f"{settings.shown}: no address of a server ({error})") from error


async def _models(wires: Sequence[Wire], settings: Sequence[EndpointSettings]) -> list[str]:
    """Return the model of each server; what is wrong with any of them is said at once."""
    found = await asyncio.gather(*map(model_of, wires, settings), return_exceptions=True)
    faults = [one for one in found if isinstance(one, EngineUnusable)]
    if faults:
        raise EngineUnusable("\n".join(map(str, faults)))
    models: list[str] = []
    for one in found:
        if isinstance(one, BaseException):
            raise one
        models.append(one)
    if len(set(models)) > 1:
        each = ", ".join(
            f"{one.shown} {model}" for one, model in zip(settings, models, strict=True)
        )
        raise EngineUnusable(f"the endpoints must serve one model, and serve: {each}")
    return models


class Endpoint:
    """The engine; made by `connected`."""

    name = "endpoint"
    revision = None

    def __init__(
        self, settings: Sequence[EndpointSettings], wires: Sequence[Wire], *, model: str
    ) -> None:
        self.model = model
        self._servers = servers = [
            Server(one, wire, model=model, settled=lambda: self._patience.settled)
            for one, wire in zip(settings, wires, strict=True)
        ]
        limit = settings[0].concurrency
        callee = (
            Alone(servers[0].call, concurrency=limit)
            if len(servers) == 1
            else Several([(one.shown, one.call) for one in servers], concurrency=limit)
        )
        self._patience = Patience(callee, max_wait_s=settings[0].max_wait_s)

    def complete(
        self, requests: AsyncIterable[Request]
    ) -> AsyncGenerator[tuple[Request, Completion | Failure]]:
        """Answer every request, in completion order; see `augment.protocols.Engine`."""
        return self._patience.complete(requests)

    async def prefix_cache(self) -> PrefixCache | None:
        """Return the counts of all servers together; None where one does not tell."""
        each = await asyncio.gather(*(server.prefix_cache() for server in self._servers))
        told = [one for one in each if one is not None]
        if len(told) < len(each):
            return None
        return PrefixCache(
            tokens=sum(one.tokens for one in told), hits=sum(one.hits for one in told)
        )
