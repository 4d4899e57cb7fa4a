"""Which column of a file is the text, which the label: found by name, or as the user says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

from augment.errors import InputError, InputFault
from augment.formats.doccano import from_doccano
from augment.formats.label_studio import from_label_studio
from augment.formats.read import read_table
from augment.formats.rows import (
    Columns,
    Layout,
    RawRow,
    Table,
    annotation_cell,
    is_blank,
    is_list,
    label_cell,
)
from augment.formats.tokenised import untokenised
from augment.records import TaskName
from augment.shown import listed
from augment.spans.reading import ANY, FIELDS, Allowed, holds

# The first name of each is the format's own and goes before the others.
_KNOWN = {
    "text": ("text", "sentence", "utterance", "content", "query", "sentence1", "premise"),
    "text_pair": ("text_pair", "sentence2", "hypothesis"),
    "label": ("label", "labels", "intent", "category", "class", "target"),
}
_RICHEST: tuple[TaskName, ...] = ("events", "relations", "ner")

Source: TypeAlias = Path | Table
"""Where rows stand: a file or folder as `augment.formats.read.read_table` takes it, or memory."""


def lay_out(
    source: Source,
    columns: Columns,
    *,
    allowed: Sequence[str] | None,
    labelled: bool,
    task: TaskName | None = None,
    types: Allowed = ANY,
) -> tuple[Table, Layout]:
    """Read rows and find their columns.

    Args:
        source: of the rows.
        columns: the names of the columns, as far as the user gives them.
        allowed: the labels that may occur; None for any.
        labelled: whether there must be a column of labels, or of annotations.
        task: what the rows are to be; None: the richest that they hold.
        types: the names that may occur in annotations.

    Raises:
        InputError: nothing can be read, there are no rows, or a column is missing or in doubt.
    """
    table = _ours(source if isinstance(source, Table) else read_table(source))
    if not table.rows and table.faults:
        raise table.error(table.faults)
    if not table.rows:
        raise InputError.one(table.name, "holds no rows")
    found = (task or _held(table, columns)) if labelled else "classification"
    layout = _layout(table, columns, allowed=allowed, labelled=labelled, task=found)
    return table, replace(layout, types=types)


def _ours(table: Table) -> Table:
    """Return a table with columns as the project has them, where another tool's are recognised."""
    recognised = (from_(table) for from_ in (from_label_studio, untokenised, from_doccano))
    return next((found for found in recognised if found is not None), table)


def _held(table: Table, columns: Columns) -> TaskName:
    """Return the richest task of which the rows hold anything; a named label is a label.

    Where they list nothing at all, and have no label either, they are rows without a mention.
    """
    if columns.label is not None:
        return "classification"
    for task in _RICHEST:
        name = FIELDS[task][-1]
        if name in table.columns and any(
            holds(annotation_cell(row, name, untyped=table.untyped)) for row in table.rows
        ):
            return task
    bare = "entities" in table.columns and not _candidates(table, "label", None)
    return "ner" if bare else "classification"


def _layout(
    table: Table,
    columns: Columns,
    *,
    allowed: Sequence[str] | None,
    labelled: bool,
    task: TaskName,
) -> Layout:
    """Find the columns of a table that has rows.

    A name that the user gave is taken; else the format's own name; else the only known one.

    Raises:
        InputError: a column is missing or several could be meant.
    """
    plain = task == "classification"
    kinds = [kind for kind in _KNOWN if plain or kind == "text"]
    names = {kind: _candidates(table, kind, getattr(columns, kind)) for kind in kinds}
    needed = {"text", "label"} if labelled and plain else {"text"}
    absent = [name for name in FIELDS[task] if name not in table.columns]
    if absent:
        what = f"no column {absent[0]!r}, which the task {task} needs; the columns are "
        raise InputError.one(table.name, f"{what}{listed(table.columns, limit=500)}")
    needed |= {"text_pair"} if columns.text_pair and plain else set()
    faults = [
        _choice_fault(table, getattr(columns, kind) or kind, found)
        for kind, found in names.items()
        if len(found) > 1 or (kind in needed and not found)
    ]
    chosen = {kind: found[0] if found else None for kind, found in names.items()}
    given = [name for name in chosen.values() if name is not None]
    if len(set(given)) < len(given):
        faults.append(f"one column cannot be two things: {listed(given)}")
    if faults or chosen["text"] is None:
        files = [InputFault(where=table.name, what=fault) for fault in faults]
        raise InputError([*files, *table.error(table.faults).faults])
    pair, label = chosen.get("text_pair"), chosen.get("label")
    seconds = (row.values.get(pair) for row in table.rows if pair is not None)
    lists = (
        f"{table.unit} {row.number}"
        for row in table.rows
        if is_list(label_cell(row, label, untyped=table.untyped))
    )
    return Layout(
        text=chosen["text"],
        text_pair=pair,
        pairs=plain and (columns.text_pair is not None or not all(map(is_blank, seconds))),
        label=label,
        first_list=next(lists, None),
        untyped=table.untyped,
        allowed=allowed,
        labelled=labelled,
        own_ids="id" not in given and _unique_ids(table.rows),
        task=task,
        fields=FIELDS[task],
    )


def _candidates(table: Table, kind: str, wanted: str | None) -> list[str]:
    if wanted is not None:
        return [wanted] if wanted in table.columns else []
    found = [name for name in table.columns if name.casefold() in _KNOWN[kind]]
    return [kind] if kind in found else found


def _choice_fault(table: Table, name: str, found: Sequence[str]) -> str:
    if found:
        return f"{listed(found)} could each be the {name}: say which one is"
    return f"no column {name!r}; the columns are {listed(table.columns, limit=500)}"


def _unique_ids(rows: Sequence[RawRow]) -> bool:
    ids = [row.values.get("id") for row in rows]
    if any(is_blank(id) or isinstance(id, bool) or not isinstance(id, str | int) for id in ids):
        return False
    return len({str(id).strip() for id in ids}) == len(ids)
