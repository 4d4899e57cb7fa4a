"""The journal's tables, and the values in their rows."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import orjson

from augment.records import (
    EMPTY,
    Arrival,
    Ask,
    Completion,
    Decision,
    Failure,
    TokenLogprob,
    Verdict,
    Vote,
)

PAGE_SIZE = 4096

# A damaged file is read by the number of a row's columns: no two tables may have as many.
TABLES = {
    "run": ("name", "value"),
    "sessions": ("number", "started", "ended"),
    "notes": ("number", "at", "kind", "detail"),
    "decisions": ("number", "arrival", "place", "accepted", "verdicts"),
    "asks": (
        "number", "key", "strategy", "labels", "exemplars", "attributes", "instructions", "k",
        "avoid",
    ),
    "arrivals": (
        "number", "ask", "at", "failure", "text", "finish", "reasoning", "prompt_tokens",
        "completion_tokens", "logprobs", "calls", "server", "shortened",
    ),
    "votes": (
        "number", "arrival", "place", "vote", "at", "failure", "text", "finish", "reasoning",
        "prompt_tokens", "completion_tokens", "logprobs", "calls", "server",
    ),
}  # fmt: skip
LATER = frozenset({"votes"})
"""Tables that journals of earlier schemas lack."""
ADDED = {"arrivals": ("server", "shortened"), "asks": ("avoid",)}
"""Columns that journals of earlier schemas lack, at the end of their tables."""
AS_BYTES = frozenset({"text", "reasoning"})
"""Columns that come from an engine: they may hold lone surrogates, which only bytes carry in."""
INSERT = {
    table: f"INSERT INTO {table} VALUES (%s)"  # noqa: S608 (constants)
    % ",".join("CAST(? AS TEXT)" if name in AS_BYTES else "?" for name in columns)
    for table, columns in TABLES.items()
    if table in {"asks", "arrivals", "votes", "decisions", "notes"}
}
"""How a row is added to each table that grows by the row."""


def _json(value: Any) -> str:
    try:
        return orjson.dumps(value).decode()
    except TypeError:  # a lone surrogate, which only an escape can stand for
        return json.dumps(value)


def _read(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:  # it has the escape of a lone surrogate
        return json.loads(text)


def ask_row(ask: Ask, key: str) -> tuple[Any, ...]:
    """Return the row of an ask."""
    return (
        ask.number,
        key,
        ask.strategy,
        _json(ask.labels),
        _json(ask.exemplars),
        _json(dict(ask.attributes)) if ask.attributes else None,
        ask.instructions,
        ask.k,
        _json(ask.avoid) if ask.avoid else None,
    )


def arrival_row(arrival: Arrival) -> tuple[Any, ...]:
    """Return the row of an arrival; a failure's detail stands in its text.

    Its ask is stored as it was planned; what was asked for in its place, once that turned out to
    be too long for the model, stands with the arrival: key and exemplars.
    """
    ask = arrival.ask
    shortened = _json((arrival.key, ask.exemplars)) if ask.shortened else None
    return (arrival.number, ask.number, arrival.at, *_told(arrival.outcome), shortened)


def vote_row(vote: Vote, number: int, *, at: float) -> tuple[Any, ...]:
    """Return the row of a vote, numbered by the journal; as of an arrival."""
    return (number, vote.arrival, vote.index, vote.number, at, *_told(vote.outcome))


def _told(outcome: Completion | Failure) -> tuple[Any, ...]:
    """Return the columns from `failure` to `server`."""
    if isinstance(outcome, Failure):
        text = outcome.detail.encode("utf-8", "surrogatepass")
        return (outcome.code, text, None, None, None, None, None, outcome.calls, None)
    logprobs = outcome.logprobs
    return (
        None,
        outcome.text.encode("utf-8", "surrogatepass"),
        outcome.finish,
        None if outcome.reasoning is None else outcome.reasoning.encode("utf-8", "surrogatepass"),
        outcome.prompt_tokens,
        outcome.completion_tokens,
        None
        if logprobs is None
        else json.dumps([(t.token, t.logprob, dict(t.top)) for t in logprobs]),
        outcome.calls,
        outcome.server,
    )


def decision_row(decision: Decision, number: int) -> tuple[Any, ...]:
    """Return the row of a decision, numbered by the journal."""
    verdicts = [
        (v.filter, v.outcome, v.score, v.threshold, v.reason, v.detail)
        + ((v.band,) if v.band else ())
        for v in decision.verdicts
    ]
    return (number, decision.arrival, decision.index, decision.accepted, _json(verdicts))


def arrival_of(row: tuple[Any, ...]) -> Arrival:
    """Return the arrival in a row of `arrivals` followed by one of `asks`."""
    width = len(TABLES["arrivals"])
    number, _, at = row[:3]
    shortened = row[width - 1]
    ask, key = ask_of(row[width:]), row[width + 1]
    if shortened is not None:
        key, exemplars = _read(shortened)
        ask = replace(ask, exemplars=tuple(exemplars), shortened=True)
    return Arrival(number=number, ask=ask, key=key, outcome=_outcome(row[3 : width - 1]), at=at)


def vote_of(row: tuple[Any, ...]) -> Vote:
    """Return the vote in a row of `votes`."""
    return Vote(arrival=row[1], index=row[2], number=row[3], outcome=_outcome(row[5:]))


def _outcome(told: tuple[Any, ...]) -> Completion | Failure:
    """Return what the columns from `failure` to `server` hold."""
    failure, text, finish, reasoning, asked, answered, logprobs, calls, server = told
    if failure is not None:
        return Failure(code=failure, detail=text, calls=calls)
    return Completion(
        text=text,
        finish=finish,
        reasoning=reasoning,
        prompt_tokens=asked,
        completion_tokens=answered,
        logprobs=None
        if logprobs is None
        else tuple(
            TokenLogprob(token=token, logprob=logprob, top=top)
            for token, logprob, top in _read(logprobs)
        ),
        calls=calls,
        server=server,
    )


def ask_of(row: tuple[Any, ...]) -> Ask:
    """Return the ask in a row of `asks`."""
    number, _, strategy, labels, exemplars, attributes, instructions, k, avoid = row
    return Ask(
        number=number,
        strategy=strategy,
        labels=tuple(_read(labels)),
        exemplars=tuple(_read(exemplars)),
        attributes=EMPTY if attributes is None else _read(attributes),
        instructions=instructions,
        avoid=() if avoid is None else tuple(_read(avoid)),
        k=k,
    )


def decision_of(row: tuple[Any, ...]) -> Decision:
    """Return the decision in (arrival, place, accepted, verdicts)."""
    arrival, place, accepted, verdicts = row
    return Decision(
        arrival=arrival,
        index=place,
        accepted=bool(accepted),
        verdicts=tuple(
            Verdict(filter=name, outcome=outcome, score=score, threshold=threshold,
                    reason=reason, detail=detail, band=tuple(band[0]) if band else None)
            for name, outcome, score, threshold, reason, detail, *band in _read(verdicts)
        ),
    )  # fmt: skip
