"""From an arrival to its rows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from augment.protocols import Task
from augment.records import Arrival, Ask, Candidate, Example, Failure, Fault, Verdict

QUOTA = Verdict(filter="quota", outcome="rejected", reason="quota", detail="the quota was full")


def rows_of(task: Task[Any], arrival: Arrival) -> tuple[Candidate | Fault, ...]:
    """Read an arrival: its candidates, and faults in the place of what is none; never empty.

    The same arrival always gives the same rows, so that they need not be stored.
    """
    outcome = arrival.outcome
    if isinstance(outcome, Failure):
        return (_unanswered(task, arrival.ask, reason=outcome.code, detail=outcome.detail),)
    if outcome.finish in {"length", "content_filter"}:
        reason = "truncated" if outcome.finish == "length" else "refused"
        detail = f"the engine stopped: {outcome.finish}"
        return (_unanswered(task, arrival.ask, reason=reason, detail=detail),)
    probability = task.probability(outcome)
    return tuple(
        row
        if isinstance(row, Fault)
        else Candidate(
            example=_named(row, row_id(arrival.key, index)),
            ask=arrival.ask,
            key=arrival.key,
            index=index,
            probability=probability,
        )
        for index, row in enumerate(task.parse(outcome.text, arrival.ask))
    )


def row_id(key: str, index: int) -> str:
    """Return the id of the row at a place in the answer to a request."""
    return f"{key[:16]}-{index}"


def _unanswered(task: Task[Any], ask: Ask, *, reason: str, detail: str) -> Fault:
    text, text_pair = task.texts_of(ask)
    return Fault(filter="engine", reason=reason, detail=detail, text=text, text_pair=text_pair)


def _named(example: Example[Any], name: str) -> Example[Any]:
    """What `dataclasses.replace` does, in a third of the time: every row comes by here."""
    return Example(
        id=name,
        text=example.text,
        text_pair=example.text_pair,
        target=example.target,
        meta=example.meta,
        group=example.group,
        origin=example.origin,
    )


def rejection(fault: Fault) -> Verdict:
    """Return the verdict that a fault is; an answer that came too late came after the quota."""
    if fault.reason == "unanswered":
        return replace(QUOTA, detail=fault.detail)
    return Verdict(
        filter=fault.filter, outcome="rejected", reason=fault.reason, detail=fault.detail
    )
