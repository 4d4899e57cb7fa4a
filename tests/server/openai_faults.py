"""How the server misbehaves: its configuration, and what becomes of one call.

Two kinds of draws, both from the configuration's seed. Faults of the transport depend on the
number of the call, so that a retry may fare better; what the model writes, and which prompts are
refused for ever, depend on the body, so that a retry fares the same. Within a kind the faults
exclude each other, so that every share is the share that is seen.
"""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import lru_cache
from hashlib import blake2b
from http import HTTPStatus
from pathlib import Path
from typing import Any

from annotations import imitation, spoilt
from openai_answers import (
    BODY_JUNK,
    fenced,
    fill,
    junk,
    likeliest,
    logprobs,
    near_copy,
    outside,
    sentence,
)

BY_CALL = ("error_500", "error_429", "reset", "hang", "body_junk")
BY_BODY = ("junk", "null_content", "wrong_label", "near_copies", "finish_length")
ALONE = ("accuracy", "prefix_hits", "refuse_forever", "hostile_share", "slow_body", "chunked")
ALLOWED: Mapping[str, Sequence[Any]] = {
    "reasoning": ("", "think", "field"),
    "no_guided": ("", "reject", "ignore"),
    "chat_status": [status.value for status in HTTPStatus],
    "models_status": [status.value for status in HTTPStatus],
}
TYPES = {bool: bool, int: int, float: int | float, str: str, tuple: list | tuple}
COMPLETIONS = frozenset({"ok", "hostile", *BY_BODY})
"""The kinds of answers that are completions, for better or worse."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """What the server does; README.md beside this file explains each name.

    A share runs from 0 to 1; `slots`, `max_body` (bytes) and `max_prompt` (characters) are
    unlimited at 0.
    """

    seed: int = 0
    latency_ms: float = 0.0
    latency_jitter_ms: float = 0.0
    slots: int = 0
    error_500: float = 0.0
    error_429: float = 0.0
    retry_after: float | None = None
    reset: float = 0.0
    hang: float = 0.0
    body_junk: float = 0.0
    slow_body: float = 0.0
    slow_body_ms: float = 200.0
    chunked: float = 0.0
    refuse_forever: float = 0.0
    junk: float = 0.0
    null_content: float = 0.0
    wrong_label: float = 0.0
    near_copies: float = 0.0
    finish_length: float = 0.0
    hostile: Sequence[str] = ()
    hostile_share: float = 1.0
    reasoning: str = ""
    no_guided: str = ""
    no_system: bool = False
    no_logprobs: bool = False
    label_pattern: str = ""
    row_pattern: str = ""
    truth: str = ""
    accuracy: float = 1.0
    annotates: bool = False
    models: Sequence[str] = ("stub",)
    models_status: int = 200
    chat_status: int = 200
    auth: str = ""
    max_body: int = 0
    max_prompt: int = 0
    prefix_hits: float = 0.0

    def __post_init__(self) -> None:
        if faults := list(self._faults()):
            raise ValueError("; ".join(faults))

    def _faults(self) -> Iterator[str]:
        for one in fields(self):
            value, kind = getattr(self, one.name), TYPES.get(type(one.default), int | float | None)
            if not isinstance(value, kind) or isinstance(value, bool) != (kind is bool):
                yield f"{one.name} is {value!r}, which has the wrong type"
                return
        for name in (*BY_CALL, *BY_BODY, *ALONE):
            if not 0 <= getattr(self, name) <= 1:
                yield f"{name} is {getattr(self, name)!r}, not a share from 0 to 1"
        for group in (BY_CALL, BY_BODY):
            if sum(getattr(self, name) for name in group) > 1 + 1e-9:
                yield f"the shares of {', '.join(group)} add up to more than 1"
        for name, allowed in ALLOWED.items():
            if getattr(self, name) not in allowed:
                yield f"{name} is {getattr(self, name)!r}, not one of {list(allowed)}"
        yield from _pattern_faults("label_pattern", self.label_pattern, groups=0)
        yield from _pattern_faults("row_pattern", self.row_pattern, groups=1)


def _pattern_faults(name: str, pattern: str, *, groups: int) -> Iterator[str]:
    try:
        if pattern and re.compile(pattern).groups < groups:
            yield f"{name} is {pattern!r}, which has no group"
    except re.error as error:
        yield f"{name} is {pattern!r}: {error}"


def changed(config: Config, changes: Mapping[str, Any]) -> Config:
    """Return the configuration with some values changed.

    Raises:
        ValueError: a name is unknown or a value is not allowed.
    """
    allowed = {one.name for one in fields(Config)}
    if unknown := sorted(set(changes) - allowed):
        raise ValueError(f"unknown: {', '.join(unknown)}; allowed: {', '.join(sorted(allowed))}")
    return replace(config, **changes)


@dataclass(slots=True)
class Memory:
    """What the server remembers of earlier calls; refused bodies by their SHA-256 (hex)."""

    refused: set[str] = field(default_factory=set)
    sentences: deque[str] = field(default_factory=lambda: deque(maxlen=1000))
    hostile: int = 0


@dataclass(frozen=True, slots=True)
class Reply:
    """What becomes of one call.

    Attributes:
        kind: under which name it is counted; `reset` and `hang` send nothing.
    """

    kind: str
    status: int = 200
    body: bytes = b""
    headers: bytes = b""


def uniform(seed: int, name: str, what: int | str) -> float:
    """Return a draw from 0 to 1, fixed by the seed, a name, and a call's number or a digest."""
    data = f"{seed} {name} {what}".encode()
    return int.from_bytes(blake2b(data, digest_size=7).digest()) / 2**56


def is_hit(config: Config, name: str, what: int | str) -> bool:
    """Return whether a draw falls into the share of that name."""
    share = getattr(config, name)
    return share > 0 and uniform(config.seed, name, what) < share


def fault_of(config: Config, names: Sequence[str], what: int | str) -> str:
    """Return which of the faults strikes, or "" for none."""
    shares = [getattr(config, name) for name in names]
    if not any(shares):
        return ""
    level = uniform(config.seed, names[0], what)
    for name, share in zip(names, shares, strict=True):
        level -= share
        if level < 0:
            return name
    return ""


def failure(kind: str, status: int, message: str, headers: bytes = b"") -> Reply:
    """Return an error in OpenAI's form."""
    error = {"message": message, "type": kind, "param": None, "code": kind}
    return Reply(kind, status, json.dumps({"error": error}).encode(), headers)


def reply(config: Config, memory: Memory, number: int, body: bytes, digest: bytes) -> Reply:
    """Return what becomes of call `number` (0, 1, ...) with this body of this SHA-256."""
    if config.chat_status != HTTPStatus.OK:
        return failure("chat_status", config.chat_status, "nobody chats here")
    if config.max_body and len(body) > config.max_body:
        return failure("max_body", 413, f"{len(body)} bytes are more than {config.max_body}")
    if is_hit(config, "refuse_forever", digest.hex()):
        memory.refused.add(digest.hex())
        return failure("refuse_forever", 400, "this prompt was refused by the content policy")
    if fault := fault_of(config, BY_CALL, number):
        return _broken(config, fault, number)
    try:
        request = json.loads(body)
        return _unfit(config, request) or _completion(config, memory, digest, request)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        return failure("bad_request", 400, f"this is no chat request: {error!r}")


def _broken(config: Config, fault: str, number: int) -> Reply:
    """Return a failure of the transport or of the server itself."""
    if fault == "error_500":
        return failure(fault, 500, "the engine core died on this batch")
    if fault == "error_429":
        wait = config.retry_after
        headers = b"" if wait is None else b"Retry-After: %b\r\n" % f"{wait:g}".encode()
        return failure(fault, 429, "too many requests, slow down", headers)
    if fault == "body_junk":
        return Reply(fault, 200, BODY_JUNK[number % len(BODY_JUNK)])
    return Reply(fault)


def _unfit(config: Config, request: Mapping[str, Any]) -> Reply | None:
    """Return why a server that lacks a feature or a model does not take the request."""
    model = request.get("model")
    if model is not None and model not in config.models:
        return failure("unknown_model", 404, f"The model `{model}` does not exist.")
    if request.get("stream"):
        return failure("bad_request", 400, "stream is not supported")
    length = sum(len(turn["content"]) for turn in request["messages"])
    if config.max_prompt and length > config.max_prompt:
        said = f"This model's maximum context length is {config.max_prompt} tokens. However, you "
        said += f"requested {length} tokens. Please reduce the length of the input messages."
        return failure("max_prompt", 400, said)
    if config.no_system and any(turn["role"] == "system" for turn in request["messages"]):
        return failure("no_system", 400, "System role not supported")
    if config.no_guided == "reject" and request.get("response_format"):
        return failure("no_guided", 400, "response_format: json_schema is not supported")
    if config.no_logprobs and request.get("logprobs"):
        return failure("no_logprobs", 400, "logprobs are not supported by this model")
    return None


def _completion(config: Config, memory: Memory, digest: bytes, request: Mapping[str, Any]) -> Reply:
    kind = fault_of(config, BY_BODY, digest.hex()) or "ok"
    if kind == "ok" and config.hostile and is_hit(config, "hostile_share", digest.hex()):
        kind = "hostile"
    elif kind == "near_copies" and not memory.sentences:
        kind = "ok"
    answer = _answer(config, memory, digest, request, kind)
    which = digest[0]
    message: dict[str, Any] = {"role": "assistant", "content": answer}
    if kind == "junk":
        message["content"] = junk(answer, which)
    elif kind == "finish_length":
        message["content"] = answer[: len(answer) // 2]
    thought = sentence(digest, "thought") if config.reasoning else ""
    if config.reasoning == "field":
        message["reasoning_content"] = thought
    elif thought:
        message["content"] = f"<think>\n{thought}\n</think>\n\n{message['content']}"
    if kind == "null_content":
        message["content"] = None
    told = ""
    if request.get("logprobs"):
        content, top = message["content"] or "", request.get("top_logprobs") or 0
        said = logprobs(content, _others(config, request, answer), digest, top)
        told = f', "logprobs": {json.dumps(said)}'
    return Reply(kind, 200, _chat_completion(digest, request, message, kind, told=told))


def _others(config: Config, request: Mapping[str, Any], answer: str) -> Sequence[str]:
    """Return what else the label of a guided answer could have been, each as an answer."""
    schema, is_guided = _schema(config, request)
    values = schema.get("properties", {}).get("label", {}).get("enum", ())
    row = json.loads(answer) if is_guided and len(values) > 1 else {}
    return [json.dumps({**row, "label": value}, ensure_ascii=False) for value in values if row]


def _chat_completion(
    digest: bytes,
    request: Mapping[str, Any],
    message: Mapping[str, Any],
    kind: str,
    *,
    told: str,
) -> bytes:
    prompt = sum(len(turn["content"]) for turn in request["messages"]) // 4 + 1
    written = len(message["content"] or "") // 4 + 1
    finish = "length" if kind == "finish_length" else "stop"
    # Put together by hand: encoding the whole costs a tenth of the server's speed.
    body = (
        f'{{"id": "chatcmpl-{digest[:8].hex()}", "object": "chat.completion", "created": 0, '
        f'"model": {json.dumps(request.get("model", "stub"))}, "choices": [{{"index": 0, '
        f'"message": {json.dumps(message)}, "finish_reason": "{finish}"{told}}}], '
        f'"usage": {{"prompt_tokens": {prompt}, "completion_tokens": {written}, '
        f'"total_tokens": {prompt + written}}}}}'
    )
    return body.encode()


def _answer(
    config: Config, memory: Memory, digest: bytes, request: Mapping[str, Any], kind: str
) -> str:
    """Return the model's text before it is cut or spoilt."""
    first, raw = sentence(digest, "text"), False
    if kind == "hostile":
        turn, at = divmod(memory.hostile, len(config.hostile))
        memory.hostile += 1
        # Every text comes both ways: escaped in the model's JSON, and as the characters it is.
        first, raw = config.hostile[at], turn % 2 == 1
    elif kind == "near_copies":
        first = near_copy(memory.sentences[int.from_bytes(digest[:4]) % len(memory.sentences)])
    elif kind == "ok":
        memory.sentences.append(first)

    def write(place: str) -> str:
        return first if place == "text" or place.endswith("/0/text") else sentence(digest, place)

    schema, is_guided = _schema(config, request)
    schema = _chosen(config, request, schema, digest)
    last = [turn["content"] for turn in request["messages"] if turn["role"] == "user"][-1]
    row = imitation(last, write) if config.annotates else None
    if row is not None:
        row = spoilt(row) if kind == "wrong_label" else row
    else:
        row = fill(outside(schema) if kind == "wrong_label" else schema, write)
    answer = json.dumps(row, ensure_ascii=not raw)
    return answer if is_guided else fenced(answer, digest[1])


def _chosen(
    config: Config, request: Mapping[str, Any], schema: Mapping[str, Any], digest: bytes
) -> Mapping[str, Any]:
    """Return the schema with the choice of a label made, where `row_pattern` finds a row."""
    label = schema.get("properties", {}).get("label", {})
    turns = [turn["content"] for turn in request["messages"] if turn["role"] == "user"]
    values = label.get("enum") or (label.get("items") or {}).get("enum", ())
    found = re.search(config.row_pattern, turns[-1], re.DOTALL) if config.row_pattern else None
    if not found or not values:
        return schema
    best = _judged(config, values, found[1]) or likeliest(values, found[1], digest)
    chosen = {"const": best if "enum" in label else [best]}
    return {**schema, "properties": {**schema["properties"], "label": chosen}}


@lru_cache(maxsize=8)
def _truth(path: str) -> Mapping[str, str]:
    return json.loads(Path(path).read_text("utf-8"))


def _judged(config: Config, values: Sequence[str], row: str) -> str | None:
    """Return a row's label as a judge of the configured accuracy sees it, whatever the order."""
    said = row.strip().removeprefix("Text: ")
    true = _truth(config.truth).get(said) if config.truth else None
    wrong = sorted(set(values) - {true})
    if true is None or (true in values and is_hit(config, "accuracy", said)) or not wrong:
        return true
    return wrong[int(uniform(config.seed, "wrong", said) * len(wrong))]


def _schema(config: Config, request: Mapping[str, Any]) -> tuple[Mapping[str, Any], bool]:
    """Return the schema of the answer, and whether the server holds the model to it."""
    wanted = (request.get("response_format") or {}).get("json_schema", {}).get("schema")
    if wanted and not config.no_guided:
        return wanted, True
    if wanted and not config.label_pattern:
        return wanted, False
    row: dict[str, Any] = {"text": {}}
    turns = [turn["content"] for turn in request["messages"] if turn["role"] == "user"]
    if config.label_pattern and (found := re.search(config.label_pattern, turns[-1])):
        row["label"] = {"const": found[1] if found.re.groups else found[0]}
    return {"type": "object", "properties": row}, False
