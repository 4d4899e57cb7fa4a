"""One row's way through the filters: every score, what it was held against, and why."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from augment import folder
from augment.answers import row_id
from augment.errors import InputError
from augment.parts import renders
from augment.plan.given import given_ask
from augment.protocols import Task
from augment.records import Candidate, Decision, Fault, Json, Verdict, place_of
from augment.setting import Setting, renderer_of
from evals.wording import in_words, visible

_STYLES = {"passed": "green", "rejected": "bold red", "abstained": "yellow", "flagged": "magenta"}
_NOT_ASKED = "not asked"


def refuse_strange(setting: Setting, wanted: str) -> None:
    """Refuse a row that is none of those to be checked, before anything is done about them.

    Raises:
        InputError: there is no such row.
    """
    labels = () if setting.rows is None else setting.rows.labels
    places = range(len(labels))
    if wanted in map(str, places):
        return
    render = renders(setting, renderer_of(setting))
    if all(wanted != row_id(render(given_ask(place, labels)).key, 0) for place in places):
        there = f"places are 0 to {len(labels) - 1}, ids stand in accepted.jsonl and rejected.jsonl"
        raise InputError.one("--explain", f"there is no row {wanted!r}: {there}")


def explain(setting: Setting, wanted: str, *, console: Console) -> None:
    """Print the way of a row of a folder: its place in its file, from 0, or its id.

    Raises:
        InputError: it has not been judged.
    """
    out = setting.recipe.out
    with folder.held(out, clock=time.time) as journal:
        found = None
        order: Sequence[str] = ()
        places = 0 if setting.rows is None else len(setting.rows.answers)
        for arrival, rows, decisions in folder.rounds(journal, setting.task):
            for row, decision in zip(rows, decisions, strict=bool(decisions)):
                name = row_id(arrival.key, decision.index)
                place = place_of(arrival.ask.number, rows=places)
                if wanted in {str(place), name}:
                    found = place, name, row, decision
                order = max(order, [each.filter for each in decision.verdicts], key=len)
    if found is None:
        raise InputError.one("--explain", f"row {wanted!r} has not been judged yet")
    place, name, row, decision = found
    report = json.loads((out / "report.json").read_text("utf-8"))
    console.print(
        Group(
            Text(f"Row {place}, {name}: {_ending(decision)}", style="bold"),
            Padding(_fields(_row_fields(row, setting.task)), (0, 2)),
            _verdicts(decision, order=order, flag=setting.recipe.filters.flag),
            *_statements(decision, report),
        )
    )


def _ending(decision: Decision) -> str:
    if decision.accepted:
        return "accepted"
    verdict = decision.rejection
    return f"rejected by {_named(verdict.filter)}, {in_words(verdict.reason or verdict.filter)}"


def _row_fields(row: Candidate | Fault, task: Task[Any]) -> Mapping[str, Json]:
    if isinstance(row, Candidate):
        return task.fields(row.example)
    return {"text": row.text}


def _fields(fields: Mapping[str, Json]) -> RenderableType:
    table = Table(show_header=False, box=None, pad_edge=False)
    for name, value in fields.items():
        said = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        table.add_row(name, Text(visible(said)))
    return table


def _verdicts(decision: Decision, *, order: Sequence[str], flag: Sequence[str]) -> RenderableType:
    table = Table(box=None, pad_edge=False)
    for heading in ("filter", "outcome", "score", "held against", "action", "why"):
        table.add_column(heading, justify="right" if heading == "score" else "left")
    for verdict in decision.verdicts:
        table.add_row(
            _named(verdict.filter),
            Text(verdict.outcome, style=_STYLES[verdict.outcome]),
            _number(verdict.score),
            _held_against(verdict),
            "flag" if verdict.filter in flag else "reject",
            Text(visible(_why(verdict))),
        )
    asked = {verdict.filter for verdict in decision.verdicts}
    for name in order:
        if name not in asked:
            action = "flag" if name in flag else "reject"
            table.add_row(_named(name), Text(_NOT_ASKED, style="dim"), "", "", action, "")
    return table


def _held_against(verdict: Verdict) -> str:
    if verdict.band is not None:
        return " to ".join(map(_number, verdict.band))
    return _number(verdict.threshold)


def _why(verdict: Verdict) -> str:
    reason = "" if verdict.reason is None else in_words(verdict.reason)
    return ": ".join(part for part in (reason, verdict.detail) if part)


def _statements(decision: Decision, report: Mapping[str, Json]) -> Iterator[RenderableType]:
    """Yield what each filter that judged the row learnt from the seeds, and how it errs."""
    learnt = {each["filter"]: each["statement"] for each in report["scores"]}
    for verdict in decision.verdicts:
        measured = report["error_rates"].get(verdict.filter)
        said = [learnt.get(verdict.filter), measured and f"Measured: {measured}."]
        text = " ".join(part for part in said if part)
        if text:
            yield Text.assemble((f"{_named(verdict.filter)}: ", "bold"), visible(text))


def _named(name: str) -> str:
    return name.replace("_", " ")


def _number(value: float | None) -> str:
    return "" if value is None else f"{round(value, 4):g}"
