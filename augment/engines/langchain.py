"""Any LangChain chat model as an engine: what one call gives.

Patience, retries and the number of calls in flight are ours (`augment.engines.patience`), so that
the model's own retries are switched off; its `rate_limiter` stays. Nothing is traced unless the
user's own environment or callbacks ask for it, which is LangChain's default.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import time
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage
from langchain_core.runnables import RunnableBinding

from augment.engines import chat_words, openai
from augment.engines.chat_manner import Manner, Proven, field_names
from augment.engines.chat_models import chat_model, without_retries
from augment.engines.patience import START_WITHIN_S, Again, Alone, Patience
from augment.errors import EngineUnusable
from augment.messages import folded
from augment.records import EMPTY, Completion, Failure, Json, Request
from augment.secrets import Secrets, of_fields

__all__ = ["LangChain", "LangChainSettings", "chat_model"]

_MOST_SCHEMAS = 256
_ERRORS_AT_START = 4
"""So many of one ask, of no kind that we know, before any answer: it will never answer."""
_WAYS: tuple[Mapping[str, Any], ...] = (
    {"method": "json_schema", "strict": True},
    {"method": "json_schema"},
    {},
)
"""To ask for a schema, the best first; the last is the provider's own choice, mostly a tool."""
_BUSY = frozenset({408, 429, 503, 529})
_PASSING = frozenset({401, 403, 404, 408, 409, 425, 429})
_ADVICE: Mapping[int, str] = {
    401: "the provider wants a key, or another one",
    403: "the provider refuses access: check the key and what it may do",
    404: "the provider knows no such model or address",
}

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class LangChainSettings:
    """How to treat the model.

    Attributes:
        concurrency: the most requests in flight; a model without an async side of its own runs in
            threads, and no more of them than asyncio's default executor has.
        timeout_s: for one call.
        max_wait_s: without any answer, before the run gives up.
    """

    concurrency: int = 64
    timeout_s: float = 600.0
    max_wait_s: float = 600.0


class LangChain:
    """The engine.

    Args:
        chat_model: never changed; where it has retries of its own, a copy without them is used.
        settings: how to treat it.
        name: by which it was asked for, `provider:model`; None takes what it says of itself.
    """

    name = "langchain"

    def __init__(
        self,
        chat_model: BaseChatModel,
        settings: LangChainSettings | None = None,
        *,
        name: str | None = None,
    ) -> None:
        self._settings = settings or LangChainSettings()
        self._chat_model = without_retries(chat_model)
        self._secrets = Secrets(of_fields(vars(chat_model)))
        self.model = name or name_of(chat_model)
        self.revision = digest_of(chat_model)
        fields = type(chat_model).model_fields
        self._called = field_names(fields)
        self._fields = frozenset(name for name in self._called if self._called[name] in fields)
        self._manner = Manner()
        self._proven = Proven()
        self._structured: dict[int, tuple[Mapping[str, Json], dict[str, Any]]] = {}
        self._started: float | None = None
        self._heard = False
        self._errors: Counter[int] = Counter()
        alone = Alone(self._call, concurrency=self._settings.concurrency)
        self._patience = Patience(alone, max_wait_s=self._settings.max_wait_s)

    def complete(
        self, requests: AsyncIterable[Request]
    ) -> AsyncGenerator[tuple[Request, Completion | Failure]]:
        """Answer every request, in completion order; see `augment.protocols.Engine`.

        Raises:
            EngineUnusable: before any answer, nothing can be reached or access is refused.
            EngineGone: no request was answered for `max_wait_s`.
        """
        return self._patience.complete(requests)

    async def _call(self, request: Request) -> Completion | Failure | Again:
        began = time.monotonic()
        self._started = began if self._started is None else self._started
        structured = self._arguments_for(request.schema)
        manner = self._manner
        try:
            async with asyncio.timeout(self._settings.timeout_s):
                message = await self._asked(request, manner, structured)
            answer = chat_words.completion(message)
        except Exception as error:  # noqa: BLE001 - every provider's package raises its own
            cut = chat_words.completion_within(error)
            if cut is None:
                number = request.ask.number
                return self._failed(error, began, manner, frozenset(structured), number=number)
            answer = cut
        self._heard = True
        self._proven = manner.accepted(request, self._proven)
        return answer

    async def _asked(
        self, request: Request, manner: Manner, structured: Mapping[str, Any]
    ) -> BaseMessage:
        """Call the model once."""
        model, arguments = self._chat_model, dict(structured)
        update: dict[str, Any] = {}
        for name, value in manner.sampling(request).items():
            place = update if name in manner.by_field else arguments
            place[self._called[name]] = value
        if update:
            model = model.model_copy(update=update)
        if request.logprobs is not None and manner.dialect.logprobs:
            arguments |= {"logprobs": True, "top_logprobs": request.logprobs}
        messages = request.messages
        if not manner.dialect.system:
            messages = folded(messages)
        return await model.ainvoke(chat_words.spoken(messages), **arguments)

    def _arguments_for(self, schema: Mapping[str, Json] | None) -> Mapping[str, Any]:
        """Return the arguments of a call that hold the answer to a schema; none where none do."""
        if schema is None or not self._manner.dialect.schema:
            return EMPTY
        known = self._structured.get(id(schema))
        if known is not None:  # the schema is held beside, so that its id stays its own
            return known[1]
        arguments = _structured_arguments(self._chat_model, schema)
        if arguments is None:
            _log.warning("%s: no guided decoding; the prompt alone asks for JSON", self.model)
            dialect = replace(self._manner.dialect, schema=False)
            self._manner = replace(self._manner, dialect=dialect)
            return EMPTY
        if len(self._structured) >= _MOST_SCHEMAS:
            del self._structured[next(iter(self._structured))]
        self._structured[id(schema)] = (schema, arguments)
        return arguments

    def _failed(
        self,
        error: Exception,
        began: float,
        sent: Manner,
        structured: frozenset[str],
        *,
        number: int,
    ) -> Failure | Again:
        """Say what an error means for the request about the ask with a number."""
        found = chat_words.trouble(error, secrets=self._secrets)
        if found.what == "status":
            self._heard = True
            return self._refusal(found, sent, structured)
        if found.what == "late":
            limit = f"no answer within {self._settings.timeout_s:g} s"
            return Again(why=limit if type(error) is TimeoutError else found.said, busy=True)
        if found.what == "unreachable":
            first = began - (self._started or began) <= START_WITHIN_S
            if first and not self._heard:
                raise EngineUnusable(
                    f"langchain {self.model}: cannot be reached ({found.said}); "
                    "start the server first, or check its address"
                )
            return Again(why=found.said, busy=True)
        if found.what == "lost":
            return Again(why=found.said)
        if self._put_right(str(error), sent, structured):
            return Again(why=found.said, at_once=True)
        self._errors[number] += 1
        if self._errors[number] >= _ERRORS_AT_START and not self._heard:
            raise EngineUnusable(f"langchain {self.model}: {found.said}")
        return Again(why=found.said, responded=True)

    def _refusal(
        self, found: chat_words.Trouble, sent: Manner, structured: frozenset[str]
    ) -> Failure | Again:
        """Say what a status other than that of an answer means for the request."""
        status, why = found.status, f"HTTP {found.status}: {found.said}"
        if status in _ADVICE and self._patience.settled == 0:
            raise EngineUnusable(f"langchain {self.model}: {_ADVICE[status]} ({why})")
        if status < 400:
            return Again(why=why, unreadable=True, responded=True)
        if status in _PASSING or status >= 500:
            return Again(
                why=why,
                after_s=openai.retry_after_s(found.after, now=time.time()),
                busy=status in _BUSY,
                responded=status == 500,
            )
        if status in {400, 422} and self._put_right(found.said, sent, structured):
            return Again(why=why, at_once=True)
        return Failure(code=openai.refusal_code(found.said), detail=why, calls=1)

    def _put_right(self, complaint: str, sent: Manner, structured: frozenset[str]) -> bool:
        """Ask in another manner from now on if a complaint wants it; tell whether to ask again."""
        if self._manner != sent:  # learnt from another call that was under way
            return True
        manner = sent.without(
            complaint, proven=self._proven, fields=self._fields, structured=structured
        )
        if manner == sent:
            return False
        said = openai.excerpt(complaint.encode(), secrets=self._secrets)
        if manner.by_field == sent.by_field:
            _log.warning("%s: %s; going on without", self.model, said)
        else:
            _log.debug("%s: %s; set on the model instead", self.model, said)
        self._manner = manner
        return True


def name_of(model: BaseChatModel) -> str:
    """Return what a chat model says of itself, else its class's name."""
    for attribute in ("model_name", "model", "model_id"):
        name = getattr(model, attribute, None)
        if isinstance(name, str) and name:
            return name
    return type(model).__name__


def digest_of(model: BaseChatModel) -> str:
    """Return what tells a model from others of its name: its class and its parameters.

    Where it is reached, how long is waited and which key is sent are no part of it.
    """
    identity: Any = getattr(model, "_identifying_params", None)  # what its caches go by
    told = {"class": f"{type(model).__module__}.{type(model).__qualname__}", "is": identity}
    try:
        text = json.dumps(told, sort_keys=True, default=lambda value: type(value).__name__)
    except (TypeError, ValueError):  # keys of several types, or a circle: the class must do
        text = told["class"]
    return hashlib.sha256(text.encode()).hexdigest()


def _structured_arguments(
    model: BaseChatModel, schema: Mapping[str, Json]
) -> dict[str, Any] | None:
    """Return what the model itself would add to each call for this schema; None if it cannot.

    `with_structured_output` knows each provider's way, but its result parses what we parse
    ourselves, and takes no sampling: only the arguments that it binds are taken from it.
    """
    titled = {"title": "answer", **schema}  # it is called by its title
    made: Any = None
    for way in _WAYS:
        try:
            made = model.with_structured_output(titled, include_raw=True, **way)
            break
        except Exception as error:  # noqa: BLE001 - whatever it is, the prompt alone must do
            _log.debug("%s: no structured output by %s: %s", type(model).__name__, way, error)
    steps: Any = getattr(getattr(made, "first", None), "steps__", None) or {}
    raw = steps.get("raw")
    return dict(raw.kwargs) if isinstance(raw, RunnableBinding) else None
