"""Which column of a file is the text, which the label: found by name, or as the user says."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

from augment.errors import InputError, InputFault
from augment.formats.read import read_table
from augment.formats.rows import (
    Columns,
    Layout,
    RawRow,
    Table,
    is_blank,
    is_list,
    label_cell,
    listed,
)

# The first name of each is the format's own and goes before the others.
_KNOWN = {
    "text": ("text", "sentence", "utterance", "content", "query", "sentence1", "premise"),
    "text_pair": ("text_pair", "sentence2", "hypothesis"),
    "label": ("label", "labels", "intent", "category", "class", "target"),
}
_EXTRACTION = ("entities", "relations", "events")


Source: TypeAlias = Path | Table
"""Where rows stand: a file or folder as `augment.formats.read.read_table` takes it, or memory."""


def lay_out(
    source: Source, columns: Columns, *, allowed: Sequence[str] | None, labelled: bool
) -> tuple[Table, Layout]:
    """Read rows and find their columns.

    Args:
        source: of the rows.
        columns: the names of the columns, as far as the user gives them.
        allowed: the labels that may occur; None for any.
        labelled: whether there must be a column of labels.

    Raises:
        InputError: nothing can be read, there are no rows, or a column is missing or in doubt.
    """
    table = source if isinstance(source, Table) else read_table(source)
    if not table.rows and table.faults:
        raise table.error(table.faults)
    if not table.rows:
        raise InputError.one(table.name, "holds no rows")
    return table, _layout(table, columns, allowed=allowed, labelled=labelled)


def _layout(
    table: Table, columns: Columns, *, allowed: Sequence[str] | None, labelled: bool
) -> Layout:
    """Find the columns of a table that has rows.

    A name that the user gave is taken; else the format's own name; else the only known one.

    Raises:
        InputError: a column is missing or several could be meant; the rows hold spans.
    """
    names = {kind: _candidates(table, kind, getattr(columns, kind)) for kind in _KNOWN}
    spans = [name for name in _EXTRACTION if name in table.columns]
    if spans and labelled and not names["label"]:
        what = f"has the column {spans[0]!r}: this version makes classification rows only"
        raise InputError.one(table.name, f"{what}, with a text and a label")
    needed = {"text", "label"} if labelled else {"text"}
    needed |= {"text_pair"} if columns.text_pair else set()
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
    pair, label = chosen["text_pair"], chosen["label"]
    seconds = (row.values.get(pair) for row in table.rows if pair is not None)
    lists = (
        f"{table.unit} {row.number}"
        for row in table.rows
        if is_list(label_cell(row, label, untyped=table.untyped))
    )
    return Layout(
        text=chosen["text"],
        text_pair=pair,
        pairs=columns.text_pair is not None or not all(map(is_blank, seconds)),
        label=label,
        first_list=next(lists, None),
        untyped=table.untyped,
        allowed=allowed,
        labelled=labelled,
        own_ids="id" not in given and _unique_ids(table.rows),
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
