"""The words of an OpenAI-compatible chat server: what we send, and what its answers mean."""

from __future__ import annotations

import email.utils
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

import orjson

from augment.logprobs import Piece, told
from augment.messages import folded, without_thoughts
from augment.records import Completion, PrefixCache, Request, TokenLogprob
from augment.secrets import Secrets

_FINISH: Mapping[str, Literal["stop", "length", "content_filter"]] = {
    "stop": "stop",
    "length": "length",
    "content_filter": "content_filter",
}
NO_SECRETS = Secrets()
_MOST_READ = 16_384
_NAMES_SCHEMA = re.compile(r"response_format|json_schema|guided|structured|grammar", re.IGNORECASE)
_NAMES_LOGPROBS = re.compile(r"logprobs", re.IGNORECASE)
_NAMES_LENGTH = re.compile(
    r"context[ _](?:length|size|window)|max(?:imum)?[ _](?:model|prompt|input|sequence)[ _]?len"
    r"|(?:prompt|input|message)\w*\b.{0,40}\btoo (?:long|large)",
    re.IGNORECASE | re.DOTALL,
)
"""As vLLM, SGLang, llama.cpp, TGI, OpenAI and LM Studio name the limit."""
_PREFIX_COUNT = re.compile(
    rb"^vllm:prefix_cache_(queries|hits)_total(?:\{[^}\n]*\})? ([0-9.eE+]+)$", re.MULTILINE
)
_NAMES_SYSTEM = re.compile(r"\bsystem\b.*\brole\b|\brole\b.*\bsystem\b", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """What this server has been found to understand.

    Attributes:
        schema: guided decoding to a JSON schema through `response_format`.
        system: messages in the system role.
        logprobs: log-probabilities of tokens.
    """

    schema: bool = True
    system: bool = True
    logprobs: bool = True

    def without(self, complaint: str, *, proven: Dialect) -> Dialect:
        """Return the dialect that avoids what a refusal complains of.

        Args:
            complaint: the text that came with HTTP 400 or 422.
            proven: what the server has already accepted, and so cannot mean.
        """
        return Dialect(
            schema=self.schema and (proven.schema or not _NAMES_SCHEMA.search(complaint)),
            system=self.system and (proven.system or not _NAMES_SYSTEM.search(complaint)),
            logprobs=self.logprobs and (proven.logprobs or not _NAMES_LOGPROBS.search(complaint)),
        )


NOTHING_PROVEN = Dialect(schema=False, system=False, logprobs=False)


def payload(
    request: Request, *, model: str, dialect: Dialect, extra: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the body of a chat completion call; `extra` wins over everything of ours."""
    body: dict[str, Any] = {
        "model": model,
        "messages": [
            {"role": message.role, "content": message.content}
            for message in (request.messages if dialect.system else folded(request.messages))
        ],
        "temperature": request.sampling.temperature,
        "top_p": request.sampling.top_p,
        "max_tokens": request.sampling.max_tokens,
        "seed": request.sampling.seed,
    }
    if request.schema is not None and dialect.schema:
        body["response_format"] = {
            "type": "json_schema",
            "json_schema": {"name": "answer", "schema": request.schema, "strict": True},
        }
    if request.logprobs is not None and dialect.logprobs:
        body |= {"logprobs": True, "top_logprobs": request.logprobs}
    body.update(extra)
    return body


def completion(body: bytes) -> Completion:
    """Read the body of an HTTP 200.

    Raises:
        ValueError: it is no chat completion; the text says what it is.
    """
    try:
        answer = _loads(body)
        choice = answer["choices"][0]
        message = choice["message"]
        content = message.get("content")
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError):
        raise ValueError(f"not a chat completion: {excerpt(body)}") from None
    text, thoughts = without_thoughts(content if isinstance(content, str) else "")
    for field in ("reasoning_content", "reasoning"):
        if isinstance(message.get(field), str):
            thoughts = message[field] if thoughts is None else f"{message[field]}\n{thoughts}"
    usage = answer.get("usage")
    usage = cast("dict[str, Any]", usage) if isinstance(usage, dict) else {}
    return Completion(
        text=text,
        finish=_FINISH.get(str(choice.get("finish_reason")), "other"),
        prompt_tokens=_count(usage.get("prompt_tokens")),
        completion_tokens=_count(usage.get("completion_tokens")),
        reasoning=thoughts,
        logprobs=token_logprobs(choice.get("logprobs")),
        calls=1,
    )


def _loads(body: bytes) -> Any:
    """Read JSON fast, and in patience what the fast reader refuses, such as lone surrogates."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return json.loads(body)


def excerpt(body: bytes, *, secrets: Secrets = NO_SECRETS, length: int = 300) -> str:
    """Return the start of what a server said, on one line and without control characters."""
    text = secrets.struck(body[:_MOST_READ].decode("utf-8", "replace"))[: length * 4]
    text = "".join(character if character.isprintable() else " " for character in text)
    return " ".join(text.split())[:length]


def prefix_cache(metrics: bytes) -> PrefixCache | None:
    """Read vLLM's counts of its prefix cache out of its metrics; None where there are none.

    They are Prometheus's text format, a line for each of the server's engines.
    """
    counts = dict.fromkeys(("queries", "hits"), 0.0)
    found = _PREFIX_COUNT.findall(metrics)
    for name, value in found:
        counts[name.decode()] += float(value)
    return PrefixCache(tokens=int(counts["queries"]), hits=int(counts["hits"])) if found else None


def refusal_code(complaint: str) -> Literal["refused", "prompt_too_long"]:
    """Return what HTTP 400, 413 or 422 with this text means for the request alone."""
    return "prompt_too_long" if _NAMES_LENGTH.search(complaint) else "refused"


def retry_after_s(value: str | None, *, now: float) -> float | None:
    """Read a Retry-After header: seconds or an HTTP date (RFC 9110, 10.2.3)."""
    if value is None:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - now)
    except (ValueError, OverflowError):
        return None


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and value >= 0 else None


def token_logprobs(value: object) -> tuple[TokenLogprob, ...] | None:
    """Read a choice's `logprobs`; None where there are none, or what is there is none."""
    if value is None:
        return None
    try:
        tokens = cast("dict[str, Any]", value)["content"]
        return told(
            Piece(
                octets=_octets(token),
                logprob=float(token["logprob"]),
                best=[(_octets(t), float(t["logprob"])) for t in token.get("top_logprobs") or ()],
            )
            for token in tokens
        )
    except (TypeError, KeyError, ValueError, AttributeError):
        return None


def _octets(token: Mapping[str, Any]) -> bytes:
    """Return a token's bytes, which some servers do not tell: then its text must do."""
    octets: Any = token.get("bytes")
    if isinstance(octets, list) and octets:
        return bytes(cast("list[int]", octets))
    return str(token["token"]).encode("utf-8", "replace")
