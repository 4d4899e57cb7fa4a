"""Rows for other tools, read with all that they hold."""

from __future__ import annotations

from dataclasses import replace

from augment.formats.check import aside_warnings
from augment.formats.corpus import Corpus
from augment.formats.layout import Source, lay_out
from augment.formats.rows import (
    ANNOTATED,
    Columns,
    Layout,
    RowFault,
    Table,
    annotation_cell,
    draft,
)
from augment.records import TaskName
from augment.spans.reading import holds


def read_corpus(source: Source, *, columns: Columns, task: TaskName | None) -> Corpus:
    """Read every row.

    Args:
        source: of the rows.
        columns: the names of the columns, as far as the user gives them.
        task: what the rows are; None: the richest that they hold.

    Raises:
        InputError: with every row that is at fault.
    """
    table, layout = lay_out(source, columns, allowed=None, labelled=True, task=task)
    layout = replace(layout, fields=_fields(table, layout))
    drafts = [draft(row, layout, prefix="r") for row in table.rows]
    faults = [
        *table.faults,
        *(RowFault(number=row.number, what=what) for row in drafts for what in row.faults),
    ]
    if faults:
        raise table.error(faults)
    read = {layout.text, layout.text_pair, layout.label, "id"}
    read |= set() if layout.task == "classification" else set(ANNOTATED)
    return Corpus(
        task=layout.task,
        examples=[row.example for row in drafts],
        aside=[
            {name: cell for name, cell in row.values.items() if name not in read}
            for row in table.rows
        ],
        several=layout.first_list is not None,
        pairs=layout.pairs,
        fields=layout.fields,
        warnings=(*table.warnings, *aside_warnings(table, layout)),
    )


def _fields(table: Table, layout: Layout) -> tuple[str, ...]:
    """Return what is read of annotations: the task's columns, beside events relations as well."""
    if layout.task != "events":
        return layout.fields
    beside = any(
        holds(annotation_cell(row, "relations", untyped=table.untyped)) for row in table.rows
    )
    return tuple(name for name in ANNOTATED if name in layout.fields or beside)
