"""Rows as they stand in a file, and the example that each of them gives.

Nothing here compares two rows; what rows are to each other is `augment.formats.check`'s matter.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeGuard, cast

from augment.characters import fault_of_name, fault_of_text
from augment.errors import InputError, InputFault
from augment.records import Annotation, Example, Scalar, Target, TaskName
from augment.shown import listed, shown
from augment.spans.reading import ANY, Allowed, read_annotation

_MAX_FAULTS = 50
ANNOTATED = ("entities", "relations", "events")
"""The columns of an annotation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RawRow:
    """A row as it stands in the file; an empty CSV cell is None, for CSV cannot say null.

    Attributes:
        number: counted from 1: the line on which it begins (the header counts) in CSV, the line
            in JSONL, its place among the rows elsewhere.
    """

    number: int
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class RowFault:
    """One thing wrong with one row."""

    number: int
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """All rows of a file.

    Attributes:
        name: the file as it was given, for messages.
        unit: what `RawRow.number` counts, for messages.
        columns: in order of first appearance.
        untyped: whether every cell is text or None, as in CSV.
        faults: rows that could not be read, in file order.
        files: of the rows that have one each, by their numbers.
    """

    name: str
    unit: Literal["row", "line"]
    columns: tuple[str, ...]
    rows: tuple[RawRow, ...]
    untyped: bool = False
    faults: tuple[RowFault, ...] = ()
    warnings: tuple[str, ...] = ()
    files: Mapping[int, str] = field(default_factory=dict[int, str])

    def with_rows(
        self,
        rows: Sequence[RawRow],
        *,
        columns: Sequence[str],
        faults: Sequence[RowFault] = (),
        warnings: Sequence[str] = (),
    ) -> Table:
        """Return the table with other rows, and with what was found wrong or odd in making them."""
        return replace(
            self,
            rows=tuple(rows),
            columns=tuple(dict.fromkeys(columns)),
            faults=(*self.faults, *faults),
            warnings=(*self.warnings, *warnings),
        )

    def error(self, faults: Sequence[RowFault]) -> InputError:
        """Return the error of these faults in row order, the first fifty of them in full."""
        ordered = sorted(faults, key=lambda fault: fault.number)
        located = [
            InputFault(where=f"{self.name}, {self._place(fault.number)}", what=fault.what)
            for fault in ordered[:_MAX_FAULTS]
        ]
        more = len(faults) - len(located)
        rest = [InputFault(where=self.name, what=f"and {more} more faults")] if more else []
        return InputError([*located, *rest])

    def _place(self, number: int) -> str:
        return self.files.get(number) or f"{self.unit} {number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """The names of the columns as the user gives them; None is to be found among known names."""

    text: str | None = None
    text_pair: str | None = None
    label: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """What the columns of a file mean.

    Attributes:
        pairs: whether rows have a second text; False also where its column is empty throughout.
        label: None only where labels are optional.
        first_list: where the first label that is a list stands (`row 3`): all must be lists then.
        untyped: as in `Table`: a list is then written as a JSON string.
        allowed: the labels that may occur, or None for any.
        labelled: whether every row must have a label.
        own_ids: whether the column `id` can serve as such.
        task: what a row is; of the extraction tasks there is no label, and its columns have
            names that are fixed.
        fields: the columns that annotations are read from.
        types: the names that may occur in annotations.
    """

    text: str
    text_pair: str | None
    pairs: bool
    label: str | None
    first_list: str | None
    untyped: bool
    allowed: Sequence[str] | None
    labelled: bool
    own_ids: bool
    task: TaskName = "classification"
    fields: tuple[str, ...] = ()
    types: Allowed = ANY


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """The example that a row gives; one with faults is not to be used.

    Attributes:
        trimmed: whether white space at the ends of a text or label was taken off.
        untidy: what else was put in order, by the words in which it is counted.
    """

    number: int
    example: Example[Target]
    trimmed: bool
    faults: tuple[str, ...]
    untidy: tuple[str, ...] = ()


def draft(row: RawRow, layout: Layout, *, prefix: str, own_ids: bool = True) -> Draft:
    """Return the row's example, its id made of prefix and row where it keeps none of its own."""
    own_ids = own_ids and layout.own_ids
    faults: list[str] = []
    chosen = (layout.text, layout.text_pair, layout.label)
    text = _text(row.values.get(layout.text), f"column {shown(layout.text)}", faults)
    pair = None
    if layout.text_pair is not None and layout.pairs:
        what = f"column {shown(layout.text_pair)}"
        pair = _text(row.values.get(layout.text_pair), what, faults)
    target, unlabelled, untidy = _aim(row, layout, faults)
    cell = label_cell(row, layout.label, untyped=layout.untyped)
    group = None if "group" in chosen else _group(row.values.get("group"), faults)
    annotated = () if layout.task == "classification" else ANNOTATED
    aside = {*chosen, *annotated, "group", "provenance", "id" if own_ids else None}
    meta = {
        name: _scalar(name, value, faults)
        for name, value in row.values.items()
        if name not in aside
    }
    cells = [row.values.get(name) for name in chosen if name] + (cell if is_list(cell) else [])
    number = str(row.values["id"]).strip() if own_ids else f"{prefix}{row.number}"
    _refuse_characters(number, "id", faults)
    return Draft(
        number=row.number,
        example=Example(
            id=number,
            text=text,
            text_pair=pair,
            target=target,
            meta=meta,
            group=group,
            origin="given" if unlabelled else "seed",
        ),
        trimmed=any(isinstance(cell, str) and cell != cell.strip() for cell in cells),
        faults=tuple(faults),
        untidy=untidy,
    )


def _aim(row: RawRow, layout: Layout, faults: list[str]) -> tuple[Target, bool, tuple[str, ...]]:
    """Return what is to be learnt from the row, whether it has none, and what was untidy in it."""
    if layout.task == "classification":
        cell = label_cell(row, layout.label, untyped=layout.untyped)
        if layout.labelled or not is_blank(cell):
            return _target(cell, layout, faults), False, ()
        return () if layout.first_list else "", True, ()
    raw = row.values.get(layout.text)
    if not isinstance(raw, str) or not raw.strip():
        return Annotation(entities=()), False, ()  # which is said already
    cells = {name: annotation_cell(row, name, untyped=layout.untyped) for name in ANNOTATED}
    read = read_annotation(raw, cells, fields=layout.fields, allowed=layout.types)
    faults += read.faults
    return read.annotation, False, read.untidy


def annotation_cell(row: RawRow, name: str, *, untyped: bool) -> Any:
    """Return what such a column holds: where all is text, the value that a JSON text says."""
    cell = row.values.get(name)
    if is_blank(cell):
        return None
    if not (untyped and isinstance(cell, str)):
        return cell
    try:
        return json.loads(cell)
    except (ValueError, RecursionError):
        return cell


def is_list(value: Any) -> TypeGuard[list[Any]]:
    """Whether the value is a list, for the type checker too."""
    return isinstance(value, list)


def is_object(value: Any) -> TypeGuard[dict[str, Any]]:
    """Whether the value is an object of JSON, for the type checker too."""
    return isinstance(value, dict)


def is_blank(cell: Any) -> bool:
    """Whether the cell says nothing; NaN is what pandas writes for a missing text."""
    if isinstance(cell, float):
        return math.isnan(cell)
    return cell is None or (isinstance(cell, str) and not cell.strip())


def label_cell(row: RawRow, label: str | None, *, untyped: bool) -> Any:
    """Return what the column `label` holds: where all is text, the list that a JSON text says."""
    cell = None if label is None else row.values.get(label)
    if not (untyped and isinstance(cell, str) and cell.lstrip().startswith("[")):
        return cell
    try:
        return json.loads(cell)
    except (ValueError, RecursionError):
        return cell  # a label that begins with a bracket, such as [other]


def _text(cell: Any, what: str, faults: list[str]) -> str:
    if is_blank(cell):
        faults.append(f"{what} is empty")
        return ""
    if not isinstance(cell, str):
        faults.append(f"{what} is not text but {shown(cell)}")
        return ""
    _refuse_characters(cell, what, faults)
    return cell.strip()


def _refuse_characters(text: str, what: str, faults: list[str]) -> None:
    if fault := fault_of_text(text):
        faults.append(f"{what} {fault}")


def _target(cell: Any, layout: Layout, faults: list[str]) -> Target:
    if layout.first_list is None or is_blank(cell):
        return _label(cell, layout, faults)
    if not is_list(cell):
        where = f"that of {layout.first_list} is a list"
        faults.append(f"label {shown(cell)} stands alone, but {where}: make every label a list")
        return ()
    return tuple(dict.fromkeys(_label(item, layout, faults) for item in cell))


def _label(cell: Any, layout: Layout, faults: list[str]) -> str:
    if isinstance(cell, int):
        cell = json.dumps(cell)  # true and false as JSON writes them
    before = len(faults)
    label = _text(cell, "label", faults)
    if len(faults) > before:
        return label
    if fault := fault_of_name(label):
        faults.append(f"label {shown(label)} {fault}")
    elif layout.allowed is not None and label not in layout.allowed:
        faults.append(f"label {shown(label)} is not one of {listed(layout.allowed)}")
    return label


def _group(cell: Any, faults: list[str]) -> str | None:
    if is_blank(cell):
        return None
    return _text(str(cell) if isinstance(cell, int) else cell, "group", faults)


def _scalar(name: str, value: Any, faults: list[str]) -> Scalar:
    """Return nested values as JSON, NaN as None, infinities, dates and the like as text."""
    _refuse_characters(name, f"the name of column {shown(name)}", faults)
    if isinstance(value, list | dict):
        try:
            value = json.dumps(value, ensure_ascii=False, default=str)
        except TypeError:  # it has keys that JSON has not
            value = repr(cast("object", value))
        except RecursionError:
            faults.append(f"column {shown(name)} is nested too deeply")
            return None
        except ValueError as error:
            faults.append(f"column {shown(name)} cannot be written as JSON: {error}")
            return None
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else str(value)
    if value is None or isinstance(value, int | float):
        return value
    _refuse_characters(str(value), f"column {shown(name)}", faults)
    return str(value)
