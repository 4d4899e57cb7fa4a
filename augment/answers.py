"""From an arrival to its rows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from augment.protocols import Task
from augment.records import Arrival, Candidate, Example, Failure, Fault, Verdict

QUOTA = Verdict(filter="quota", outcome="rejected", reason="quota", detail="the quota was full")


def rows_of(task: Task[Any], arrival: Arrival) -> tuple[Candidate | Fault, ...]:
    """Read an arrival: its candidates, and faults in the place of what is none; never empty.

    The same arrival always gives the same rows, so that they need not be stored.
    """
    outcome = arrival.outcome
    if isinstance(outcome, Failure):
        return (Fault(filter="engine", reason=outcome.code, detail=outcome.detail),)
    if outcome.finish in {"length", "content_filter"}:
        reason = "truncated" if outcome.finish == "length" else "refused"
        detail = f"the engine stopped: {outcome.finish}"
        return (Fault(filter="engine", reason=reason, detail=detail),)
    return tuple(
        row
        if isinstance(row, Fault)
        else Candidate(
            example=_named(row, f"{arrival.key[:16]}-{index}"),
            ask=arrival.ask,
            key=arrival.key,
            index=index,
        )
        for index, row in enumerate(task.parse(outcome.text, arrival.ask))
    )


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
