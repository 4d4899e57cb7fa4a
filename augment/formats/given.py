"""Rows from anywhere, to be checked: only the file as a whole can be refused, never one row."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from augment.errors import InputError
from augment.formats.layout import Source, lay_out
from augment.formats.rows import (
    Columns,
    RawRow,
    Table,
    annotation_cell,
    is_blank,
    is_list,
    label_cell,
)
from augment.records import TaskName
from augment.shown import listed, shown
from augment.spans.reading import FIELDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """The rows of a file, each as the answer that an engine would have given.

    Attributes:
        labels: what each row bears, whatever it is, as text.
        answers: a JSON object each.
        digest: SHA-256 (hex) of the answers.
        warnings: lines that could not be read and were skipped.
    """

    name: str
    labels: Sequence[tuple[str, ...]]
    answers: Sequence[str]
    digest: str
    warnings: tuple[str, ...]


def read_annotated(source: Source, *, columns: Columns, task: TaskName, lenient: bool) -> Given:
    """Read annotated rows as they are: wrong offsets are for the task to reject.

    Args:
        source: of the rows.
        columns: the names of the columns, as far as the user gives them.
        task: of the seeds.
        lenient: as for `read_given`.

    Raises:
        InputError: as `read_given`.
    """
    table, layout = lay_out(source, columns, allowed=None, labelled=True, task=task)
    if table.faults and not lenient:
        raise table.error(table.faults)
    answers = [
        json.dumps(
            {"text": _text(row.values.get(layout.text))}
            | {name: annotation_cell(row, name, untyped=table.untyped) for name in FIELDS[task]},
            default=shown,
        )
        for row in table.rows
    ]
    return _given(table, labels=[()] * len(answers), answers=answers)


def read_given(
    source: Source, *, columns: Columns, several: bool, pairs: bool, lenient: bool
) -> Given:
    """Read rows as they are: an empty text or a strange label is for the filters to reject.

    Args:
        source: of the rows.
        columns: the names of the columns, as far as the user gives them.
        several: whether rows are to bear a list of labels, as the seeds do.
        pairs: whether rows are to have a second text.
        lenient: whether lines that are no rows are skipped, with a warning, instead of refused.

    Raises:
        InputError: nothing can be read, a column is missing, or a line is no row.
    """
    table, layout = lay_out(source, columns, allowed=None, labelled=True)
    if table.faults and not lenient:
        raise table.error(table.faults)
    second = layout.text_pair if pairs else None
    if pairs and second is None:
        what = "no column 'text_pair', and the seeds have two texts; the columns are "
        raise InputError.one(table.name, f"{what}{listed(table.columns, limit=500)}")
    cells = [label_cell(row, layout.label, untyped=layout.untyped) for row in table.rows]
    labels = [_labels(cell, several=several) for cell in cells]
    answers = [
        json.dumps(
            _answer(row, own, cell, text=layout.text, text_pair=second, several=several),
            default=shown,
        )
        for row, own, cell in zip(table.rows, labels, cells, strict=True)
    ]
    return _given(table, labels=labels, answers=answers)


def _given(table: Table, *, labels: Sequence[tuple[str, ...]], answers: Sequence[str]) -> Given:
    skipped = f"lines that are no rows, skipped: {len(table.faults)}"
    return Given(
        name=Path(table.name).name,
        labels=labels,
        answers=answers,
        digest=sha256("\n".join(answers).encode()).hexdigest(),
        warnings=(*table.warnings, *((skipped,) if table.faults else ())),
    )


def _answer(
    row: RawRow,
    labels: tuple[str, ...],
    cell: Any,
    *,
    text: str,
    text_pair: str | None,
    several: bool,
) -> dict[str, Any]:
    """Return the row as an answer: what is not understood stays as it is, for the task to judge."""
    label = list(labels) if several else cell if is_list(cell) else labels[0]
    found = {"label": label, "text": _text(row.values.get(text))}
    if text_pair is not None:
        found["text_pair"] = _text(row.values.get(text_pair))
    return found


def _text(cell: Any) -> Any:
    return "" if is_blank(cell) else cell


def _labels(cell: Any, *, several: bool) -> tuple[str, ...]:
    if several:
        cells = cell if is_list(cell) else () if is_blank(cell) else (cell,)
        return tuple(dict.fromkeys(_label(each) for each in cells))
    return (_label(cell),)


def _label(cell: Any) -> str:
    if is_blank(cell):
        return ""
    if isinstance(cell, str):
        return cell.strip()
    return json.dumps(cell) if isinstance(cell, int) else shown(cell)
