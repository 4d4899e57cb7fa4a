"""One OpenAI-compatible server over HTTP: what a call gives, and whether it can be used at all."""

from __future__ import annotations

import asyncio
import json
import logging
import time
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import orjson

from augment.engines import openai
from augment.engines.patience import FIRST_PAUSE_S, START_WITHIN_S, Again
from augment.errors import EngineUnusable
from augment.records import Completion, Failure, PrefixCache, Request
from augment.secrets import Secrets, of_fields, of_url

_MOST_BYTES = 64 << 20
_OF_THE_PROMPT = frozenset({400, 413, 422, 451})
"""Answers to this very prompt; what is neither one of these nor passes is the server's."""
_PASSES = frozenset({408, 409, 425, 429})

_METRICS_WITHIN_S = 2.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointSettings:
    """Where the servers are and how to treat them.

    Attributes:
        url: up to and with `/v1`.
        also: further servers of the same model, among which the requests are shared.
        model: None takes the server's only model.
        api_key: sent as a bearer token; never logged, never written.
        extra_body: merged into every call's body, over our own fields.
        concurrency: the most requests in flight, at each server.
        timeout_s: for one call; long, since a slow CPU server needs minutes.
        max_wait_s: without any answer, before the run gives up.
        prefix: what the names of the options begin with that name them: "", or `guard-`.
    """

    url: str
    also: tuple[str, ...] = ()
    model: str | None = None
    api_key: str | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    extra_body: Mapping[str, Any] = field(default_factory=dict[str, Any])
    concurrency: int = 64
    timeout_s: float = 600.0
    max_wait_s: float = 600.0
    prefix: str = ""

    @property
    def secrets(self) -> Secrets:
        """What no text of the servers' may tell on."""
        urls = [secret for url in (self.url, *self.also) for secret in of_url(url)]
        every = (*self.headers.values(), *of_fields(self.extra_body), *urls)
        return Secrets([self.api_key or "", *every])

    @property
    def shown(self) -> str:
        """The address as messages and files show it."""
        return self.secrets.struck(self.url)


class Server:
    """What is known of one server, and calls to it.

    Attributes:
        model: the model that it is asked for.
        shown: its address without keys.
    """

    def __init__(
        self, settings: EndpointSettings, wire: Wire, *, model: str, settled: Callable[[], int]
    ) -> None:
        """Take also what counts the requests that any server has settled so far."""
        self.model = model
        self.shown = settings.shown
        self._settings = settings
        self._wire = wire
        self._settled = settled
        self._dialect = openai.Dialect()
        self._proven = openai.NOTHING_PROVEN

    async def call(self, request: Request) -> Completion | Failure | Again:
        """Send a request once."""
        dialect = self._dialect
        body = openai.payload(
            request, model=self.model, dialect=dialect, extra=self._settings.extra_body
        )
        try:
            status, answer, after = await self._wire.post("/chat/completions", body)
        except TimeoutError:
            return Again(why=f"no answer within {self._settings.timeout_s:g} s", busy=True)
        except (aiohttp.ClientError, OSError) as error:
            refused = isinstance(error, aiohttp.ClientConnectorError)
            why = f"{type(error).__name__}: {_without_address(error, self._settings)}"
            return Again(why=why, busy=refused, gone=refused)
        if status == 200:
            return self._read(answer, dialect)
        return self._refusal(status, answer, after, dialect)

    async def prefix_cache(self) -> PrefixCache | None:
        """Return what vLLM's /metrics tell of its prefix cache; None where they don't."""
        try:
            async with asyncio.timeout(_METRICS_WITHIN_S):
                status, body = await self._wire.metrics()
        except (TimeoutError, aiohttp.ClientError, OSError, ValueError):
            return None
        return openai.prefix_cache(body) if status == 200 else None

    def _read(self, answer: bytes, dialect: openai.Dialect) -> Completion | Again:
        try:
            completion = openai.completion(answer)
        except ValueError as error:
            return Again(why=str(error), unreadable=True, responded=True)
        self._proven = openai.Dialect(
            schema=self._proven.schema or dialect.schema,
            system=self._proven.system or dialect.system,
            logprobs=self._proven.logprobs or completion.logprobs is not None,
        )
        return completion

    def _refusal(
        self, status: int, answer: bytes, after: str | None, sent: openai.Dialect
    ) -> Failure | Again:
        """Say what an HTTP status other than 200 means for the request."""
        said = openai.excerpt(answer, secrets=self._settings.secrets)
        why = f"HTTP {status}: {said}" if said else f"HTTP {status}"
        changed = status < 500 and status not in _OF_THE_PROMPT | _PASSES
        if changed and self._settled() == 0:
            raise EngineUnusable(_start_advice(status, said, self._settings))
        if status not in _OF_THE_PROMPT:
            pause = openai.retry_after_s(after, now=time.time())
            return Again(
                why=why,
                after_s=pause,
                busy=status in {408, 429, 503},
                responded=status == 500,
                gone=changed or status in {502, 504},  # or a proxy stands before one that is gone
            )
        if status in {400, 422}:
            understood = self._dialect.without(said, proven=self._proven)
            if understood != self._dialect:
                _log.warning("%s: %s; going on without", self._settings.shown, why)
                self._dialect = understood
            if self._dialect != sent:
                return Again(why=why, at_once=True)
        return Failure(code=openai.refusal_code(said), detail=why, calls=1)


class Wire:
    """HTTP to one base address, through the environment's proxy where there is one."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._base = url.rstrip("/").removesuffix("/chat/completions")
        self._proxy = _proxy(self._base)

    async def post(self, path: str, body: Mapping[str, Any]) -> tuple[int, bytes, str | None]:
        """Return status, body and Retry-After."""
        data = orjson.dumps(body)
        async with self._session.post(
            self._base + path, data=data, proxy=self._proxy, allow_redirects=False
        ) as response:
            return response.status, await _body(response), response.headers.get("Retry-After")

    async def get(self, path: str) -> tuple[int, bytes]:
        """Return status and body."""
        return await self._got(self._base + path)

    async def metrics(self) -> tuple[int, bytes]:
        """Return status and body of what stands beside `/v1` for whoever watches the server."""
        return await self._got(self._base.removesuffix("/v1") + "/metrics")

    async def _got(self, url: str) -> tuple[int, bytes]:
        async with self._session.get(url, proxy=self._proxy, allow_redirects=False) as response:
            return response.status, await _body(response)


async def _body(response: aiohttp.ClientResponse) -> bytes:
    if response.content_length is not None and response.content_length <= _MOST_BYTES:
        return await response.read()
    parts = bytearray()
    async for part in response.content.iter_any():
        parts += part
        if len(parts) > _MOST_BYTES:
            raise aiohttp.ClientPayloadError(f"an answer of more than {_MOST_BYTES} bytes")
    return bytes(parts)


def _proxy(url: str) -> str | None:
    """Return the proxy for this address; found once, since the environment is slow to ask."""
    parts = urlsplit(url)
    if not parts.hostname or urllib.request.proxy_bypass(parts.hostname):
        return None
    return urllib.request.getproxies().get(parts.scheme)


async def model_of(wire: Wire, settings: EndpointSettings) -> str:
    """Return the model to use, having learnt that the server is there and lets us in.

    Raises:
        EngineUnusable: within five seconds, where nothing listens, access is refused, the address
            is wrong or the model is unknown.
    """
    try:
        async with asyncio.timeout(START_WITHIN_S):
            status, body = await _first_answer(wire)
    except TimeoutError:
        raise EngineUnusable(
            f"{settings.shown}: no answer to GET /models within {START_WITHIN_S:g} s"
        ) from None
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise EngineUnusable(
            f"{settings.shown}: cannot be reached ({_without_address(error, settings)}); start "
            f"the server first, e.g. vllm serve MODEL, or check --{settings.prefix}endpoint"
        ) from error
    if status != 200:
        said = openai.excerpt(body, secrets=settings.secrets)
        raise EngineUnusable(_start_advice(status, said, settings))
    models = _model_names(body)
    if settings.model is not None:
        if models and settings.model not in models:
            raise EngineUnusable(
                f"{settings.shown}: has no model {settings.model!r}; it has {models}"
            )
        return settings.model
    if len(models) != 1:
        option = f"--{settings.prefix}model"
        raise EngineUnusable(f"{settings.shown}: choose one with {option}; it has {models}")
    return models[0]


def _without_address(error: Exception, settings: EndpointSettings) -> str:
    """Return what an error says but for an address, a proxy's too, which may hold a password."""
    if isinstance(error, aiohttp.ClientResponseError):
        return settings.secrets.struck(f"HTTP {error.status}: {error.message}")
    return settings.secrets.struck(str(error))


async def _first_answer(wire: Wire) -> tuple[int, bytes]:
    """Ask for the models until the answer is not one of a server that stumbles."""
    while True:
        try:
            status, body = await wire.get("/models")
        except (aiohttp.ServerDisconnectedError, aiohttp.ClientPayloadError):
            status, body = 502, b""
        if status < 500 and status != 429:
            return status, body
        await asyncio.sleep(2 * FIRST_PAUSE_S)


def _start_advice(status: int, said: str, settings: EndpointSettings) -> str:
    variable = f"the variable that --{settings.prefix}api-key-env names"
    advice = {
        401: f"it wants a key: put it into {variable}",
        403: f"it refuses access: check the key in {variable}",
        404: "no OpenAI-compatible server at this address; it usually ends in /v1",
    }.get(status, "it cannot be used")
    return f"{settings.shown}: the server answered HTTP {status} ({said[:120]}): {advice}"


def _model_names(body: bytes) -> list[str]:
    try:
        return [str(model["id"]) for model in json.loads(body)["data"]]
    except (ValueError, TypeError, KeyError, RecursionError):
        return []
