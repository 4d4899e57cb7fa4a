"""The words of LangChain's chat models: what their messages and their errors mean.

Every provider's package raises its own errors, and none may be imported here: they are known by
what they carry (a status, a response) and by the names of their classes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage

from augment.engines import openai
from augment.messages import without_thoughts
from augment.records import Completion, Message
from augment.secrets import Secrets

_ROLES = {"system": SystemMessage, "user": HumanMessage, "assistant": AIMessage}
_FINISH_FIELDS = ("finish_reason", "stop_reason", "stopReason", "done_reason", "status")
_FINISH: Mapping[str, Literal["stop", "length", "content_filter"]] = {
    **dict.fromkeys(
        ("stop", "end_turn", "stop_sequence", "tool_calls", "tool_use", "completed", "complete"),
        "stop",
    ),
    **dict.fromkeys(("length", "max_tokens", "max_output_tokens", "incomplete"), "length"),
    **dict.fromkeys(
        ("content_filter", "content_filtered", "guardrail_intervened", "refusal", "safety"),
        "content_filter",
    ),
}
_STATUS_OF: Mapping[str, int] = {
    "ModelAuthenticationError": 401,
    "ModelPermissionDeniedError": 403,
    "ModelNotFoundError": 404,
    "ContextOverflowError": 400,
    "ModelInvalidRequestError": 400,
    "ModelRateLimitError": 429,
    "ModelAPIError": 500,
}
_UNREACHABLE = {
    "ConnectError",
    "ConnectTimeout",
    "ConnectionRefusedError",
    "gaierror",
    "ClientConnectorError",
    "NewConnectionError",
    "EndpointConnectionError",
    "ConnectTimeoutError",
}
_LATE = {"TimeoutError", "TimeoutException", "APITimeoutError", "ModelTimeoutError", "Timeout"}
_LOST = {
    "ConnectionError",
    "APIConnectionError",
    "ModelConnectionError",
    "TransportError",
    "ClientConnectionError",
    "ClientPayloadError",
    "HTTPClientError",
}
_DEEPEST = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """What an error of a chat model says.

    Attributes:
        what: `status` (the server answered so), `unreachable` (nothing took the call), `late`
            (no answer in time), `lost` (the connection broke), `other` (none of these).
        status: HTTP's, where `what` is `status`; 200 for an answer that could not be read.
        after: the Retry-After header.
    """

    what: Literal["status", "unreachable", "late", "lost", "other"]
    said: str
    status: int = 0
    after: str | None = None


def spoken(messages: tuple[Message, ...]) -> list[BaseMessage]:
    """Return our messages as LangChain's."""
    return [_ROLES[message.role](content=message.content) for message in messages]


def completion(message: BaseMessage) -> Completion:
    """Read an answer; one that came as a tool call is its arguments, as JSON."""
    told: dict[str, Any] = message.response_metadata
    beside: dict[str, Any] = message.additional_kwargs
    text, thoughts = _split(message.content)
    text, inline = without_thoughts(text)
    aside = beside.get("reasoning_content")
    thoughts = [aside, *thoughts, inline] if isinstance(aside, str) else [*thoughts, inline]
    calls = message.tool_calls if isinstance(message, AIMessage) else []
    if not text and calls:
        text = json.dumps(calls[0]["args"], ensure_ascii=False)
    usage = message.usage_metadata if isinstance(message, AIMessage) else None
    finish = next((told[field] for field in _FINISH_FIELDS if told.get(field)), "")
    if not text and beside.get("refusal"):
        finish = "refusal"
    logprobs: object = told.get("logprobs")
    if isinstance(logprobs, list):  # Ollama's
        logprobs = {"content": cast("list[object]", logprobs)}
    return Completion(
        text=text,
        finish=_FINISH.get(str(finish).lower(), "other"),
        prompt_tokens=usage["input_tokens"] if usage else None,
        completion_tokens=usage["output_tokens"] if usage else None,
        reasoning="\n".join(each for each in thoughts if each) or None,
        logprobs=openai.token_logprobs(logprobs),
        calls=1,
    )


def completion_within(error: Exception) -> Completion | None:
    """Return the answer that an error carries: OpenAI's package raises those that are cut off."""
    answer: Any = getattr(error, "completion", None)
    if not hasattr(answer, "model_dump_json"):
        return None
    try:
        return openai.completion(answer.model_dump_json(warnings=False).encode())
    except ValueError:
        return None


def trouble(error: Exception, *, secrets: Secrets = openai.NO_SECRETS) -> Trouble:
    """Say what an error means, whoever raised it, with secrets struck out of what it says."""
    said = openai.excerpt(f"{type(error).__name__}: {error}".encode(), secrets=secrets)
    for each in _chain(error):
        if status := _status(each):
            return Trouble(what="status", said=said, status=status, after=_retry_after(each))
    names = {base.__name__ for each in _chain(error) for base in type(each).__mro__}
    if names & _UNREACHABLE or type(error) is ConnectionError:
        return Trouble(what="unreachable", said=said)
    if names & _LATE:
        return Trouble(what="late", said=said)
    return Trouble(what="lost" if names & _LOST else "other", said=said)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield the error and those it came from."""
    found: BaseException | None = error
    for _ in range(_DEEPEST):
        if found is None:
            return
        yield found
        found = found.__cause__ or (None if found.__suppress_context__ else found.__context__)


def _status(error: BaseException) -> int:
    """Return the HTTP status that an error carries, or 0."""
    response: Any = getattr(error, "response", None)
    values: list[object] = [getattr(error, "status_code", None)]
    if isinstance(response, dict):  # botocore's
        metadata: Any = cast("dict[str, Any]", response).get("ResponseMetadata") or {}
        values.append(metadata.get("HTTPStatusCode"))
    else:
        values.append(getattr(response, "status_code", None))
    values += [getattr(error, "code", None), getattr(error, "status", None)]
    for value in values:
        if isinstance(value, int) and 200 <= value < 600:
            return int(value)
    names = [base.__name__ for base in type(error).__mro__]
    return next((_STATUS_OF[name] for name in names if name in _STATUS_OF), 0)


def _retry_after(error: BaseException) -> str | None:
    response: Any = getattr(error, "response", None)
    headers: Any = getattr(response, "headers", None) or getattr(error, "headers", None)
    if not isinstance(headers, Mapping):
        return None
    value = cast("Mapping[str, object]", headers).get("retry-after")
    return value if isinstance(value, str) else None


def _split(content: object) -> tuple[str, list[str]]:
    """Return a message's text and its thoughts, from a string or a list of blocks."""
    if isinstance(content, str):
        return content, []
    text: list[str] = []
    thoughts: list[str] = []
    for block in cast("list[object]", content) if isinstance(content, list) else []:
        if isinstance(block, str):
            text.append(block)
        elif isinstance(block, dict):
            held = cast("dict[str, Any]", block)
            if held.get("type") in {"text", "output_text"} and isinstance(held.get("text"), str):
                text.append(held["text"])
            else:
                thoughts += _thoughts(held)
    return "".join(text), thoughts


def _thoughts(block: dict[str, Any]) -> list[str]:
    """Return what a block of reasoning holds, in any provider's form; nothing of other blocks."""
    for field in ("thinking", "reasoning", "reasoning_content"):
        held: Any = block.get(field)
        if isinstance(held, dict):
            held = cast("dict[str, Any]", held).get("text")
        if isinstance(held, str):
            return [held]
    summary: Any = block.get("summary")
    parts = cast("list[Any]", summary) if isinstance(summary, list) else []
    return [part["text"] for part in parts if isinstance(part, dict) and "text" in part]
