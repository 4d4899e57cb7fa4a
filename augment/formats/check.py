"""Seeds and hold-outs: read, held against each other, every fault and every doubt counted."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace

from augment.errors import InputError
from augment.formats.layout import Source, lay_out
from augment.formats.rows import (
    ANNOTATED,
    Columns,
    Draft,
    Layout,
    RowFault,
    Table,
    annotation_cell,
    draft,
)
from augment.records import Annotation, Example, Scalar, SeedSet, Target, TaskName
from augment.shown import shown
from augment.spans.ordering import counted
from augment.spans.reading import (
    ANY,
    MISSING,
    REPEATED,
    TRIMMED,
    UNKNOWN,
    Allowed,
    holds,
)

__all__ = ["Columns", "Source", "no_seeds", "read_holdout", "read_seeds", "read_unlabelled"]

_FIRST = 5
_COUNTED = {"ner": "mention", "relations": "relation", "events": "event"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sifted:
    """Rows held against each other.

    Attributes:
        kept: the first row of each text.
        repeated: numbers of rows that say again what an earlier one says.
        otherwise: numbers of rows that give an earlier row's text another set of labels.
        faults: rows that give an earlier row's text another label, where a row has only one.
    """

    kept: Sequence[Draft]
    repeated: Sequence[int]
    otherwise: Sequence[int]
    faults: Sequence[RowFault]


def read_seeds(
    source: Source,
    *,
    columns: Columns,
    labels: Sequence[str] | None,
    lenient: bool,
    task: TaskName | None = None,
    types: Allowed = ANY,
) -> SeedSet:
    """Read the seeds of a run.

    Args:
        source: of the rows.
        columns: the names of the columns, as far as the user gives them.
        labels: the labels that may occur, in the order wanted; None for any.
        lenient: whether rows with faults are left out, with a warning, instead of refused.
        task: what the rows are; None: the richest that they hold.
        types: the names that may occur in annotations.

    Raises:
        InputError: with the first fifty faults and the number of the others; where lenient, only
            if the file as a whole is at fault or no row is left.
    """
    table, layout = lay_out(source, columns, allowed=labels, labelled=True, task=task, types=types)
    plain = layout.task == "classification"
    labels = labels if plain else _counted_types(types, layout.task)
    drafts = [draft(row, layout, prefix="s") for row in table.rows]
    sound = [row for row in drafts if not row.faults]
    sifted = _sift(sound, table.unit)
    faults = [*table.faults, *_row_faults(drafts), *sifted.faults]
    if faults and not (lenient and sifted.kept):
        raise table.error(faults)
    examples = tuple(row.example for row in sifted.kept)
    by_label = _rows_by_label(sifted.kept, layout.task)
    if not plain and not by_label and not labels:
        what = f"no row has any {_COUNTED[layout.task]}: there is nothing to learn types from"
        raise InputError.one(table.name, what)
    warnings = [
        *table.warnings,
        *_skipped(faults, table.unit),
        *_id_warning(table, layout),
        *_counted("repeated texts, kept once", sifted.repeated, table.unit),
        *_counted("texts annotated in two ways, the first kept", sifted.otherwise, table.unit),
        *_counted(
            "white space at the ends, trimmed",
            [row.number for row in sound if row.trimmed],
            table.unit,
        ),
        *_untidy_warnings(sound, table.unit),
        *aside_warnings(table, layout),
        *_label_warnings(by_label, labels, table.unit, what="labels" if plain else "types"),
    ]
    return SeedSet(
        examples=examples,
        labels=tuple(dict.fromkeys(by_label if labels is None else labels)),
        several=layout.first_list is not None,
        pairs=layout.pairs,
        digest=_digest(examples),
        warnings=tuple(warnings),
        task=layout.task,
    )


def no_seeds(labels: Sequence[str]) -> SeedSet:
    """Return what a run starts from that has labels only."""
    return SeedSet(
        examples=(), labels=tuple(labels), several=False, pairs=False, digest=_digest(())
    )


def read_holdout(source: Source, *, columns: Columns) -> tuple[Example[Target], ...]:
    """Read texts that must not leak: all rows, in file order, their ids made of the row.

    Labels are optional: a row without one has the origin `given` and an empty target.

    Raises:
        InputError: as for seeds, except that rows may repeat or contradict each other.
    """
    table, layout = lay_out(source, columns, allowed=None, labelled=False)
    drafts = [draft(row, layout, prefix="h", own_ids=False) for row in table.rows]
    faults = [*table.faults, *_row_faults(drafts)]
    if faults:
        raise table.error(faults)
    return tuple(row.example for row in drafts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unlabelled:
    """Texts that await their labels.

    Attributes:
        examples: in file order, without labels.
        digest: SHA-256 (hex) of their content.
        warnings: rows that were skipped.
    """

    examples: tuple[Example[Target], ...]
    digest: str
    warnings: tuple[str, ...]


def read_unlabelled(source: Source, *, columns: Columns, pairs: bool, lenient: bool) -> Unlabelled:
    """Read texts that are to be given labels; labels that stand beside them are not looked at.

    Args:
        source: of the rows.
        columns: the names of the columns, as far as the user gives them.
        pairs: whether rows are to have a second text.
        lenient: whether rows with faults are left out, with a warning, instead of refused.

    Raises:
        InputError: as for seeds, except that texts may repeat.
    """
    table, layout = lay_out(source, columns, allowed=None, labelled=False)
    if pairs is not layout.pairs:
        has, have = ("no second text", "two") if pairs else ("a second text", "one")
        raise InputError.one(table.name, f"has {has}, and the seeds have {have} a row")
    layout = replace(layout, label=None, first_list=None)
    drafts = [draft(row, layout, prefix="u") for row in table.rows]
    sound = [row for row in drafts if not row.faults]
    faults = [*table.faults, *_row_faults(drafts)]
    if faults and not (lenient and sound):
        raise table.error(faults)
    examples = tuple(replace(row.example, target=(), origin="given") for row in sound)
    return Unlabelled(
        examples=examples,
        digest=_digest(examples),
        warnings=(*table.warnings, *_skipped(faults, table.unit)),
    )


def _row_faults(drafts: Iterable[Draft]) -> list[RowFault]:
    return [RowFault(number=row.number, what=what) for row in drafts for what in row.faults]


def _sift(drafts: Iterable[Draft], unit: str) -> _Sifted:
    first: dict[tuple[str, str | None], Draft] = {}
    repeated: list[int] = []
    otherwise: list[int] = []
    faults: list[RowFault] = []
    for row in drafts:
        earlier = first.setdefault((row.example.text, row.example.text_pair), row)
        if earlier is row:
            continue
        here, there = row.example.target, earlier.example.target
        same = here == there if isinstance(here, Annotation) else _alike(row, earlier)
        if same:
            repeated.append(row.number)
        elif isinstance(here, tuple | Annotation):
            otherwise.append(row.number)
        else:
            where = f"but {shown(there)} in {unit} {earlier.number}"
            what = f"the text {shown(row.example.text)} has the label {shown(here)} here, {where}"
            faults.append(RowFault(number=row.number, what=what))
    return _Sifted(
        kept=tuple(first.values()), repeated=repeated, otherwise=otherwise, faults=faults
    )


def _alike(row: Draft, other: Draft) -> bool:
    return set(_labels(row)) == set(_labels(other))


def _labels(row: Draft) -> tuple[str, ...]:
    target = row.example.target
    return (target,) if isinstance(target, str) else target if isinstance(target, tuple) else ()


def _rows_by_label(drafts: Iterable[Draft], task: TaskName) -> dict[str, list[int]]:
    """Return the numbers of the rows that count for each label or type, each row once."""
    rows: defaultdict[str, list[int]] = defaultdict(list)
    for row in drafts:
        target = row.example.target
        own = counted(target, task) if isinstance(target, Annotation) else _labels(row)
        for label in dict.fromkeys(own):
            rows[label].append(row.number)
    return dict(rows)


def _counted_types(types: Allowed, task: TaskName) -> Sequence[str] | None:
    """Return the types that are allowed of what the task counts."""
    by_task = {"ner": types.entities, "relations": types.relations, "events": types.events}
    return by_task.get(task)


def _skipped(faults: Sequence[RowFault], unit: str) -> list[str]:
    rows = sorted({fault.number for fault in faults})
    reasons = (fault.what for fault in faults if fault.number == rows[0])
    return [
        f"{line}; the first: {next(reasons)}"
        for line in _counted("faulty rows, skipped", rows, unit)
    ]


def _id_warning(table: Table, layout: Layout) -> list[str]:
    if layout.own_ids or "id" not in table.columns:
        return []
    return [f"ids not given once to every row: 1 (column 'id'; the {table.unit}s name the seeds)"]


def _untidy_warnings(drafts: Sequence[Draft], unit: str) -> list[str]:
    """Count the rows of each kind of untidiness, in a fixed order of kinds."""
    return [
        warning
        for what in (TRIMMED, REPEATED, MISSING, UNKNOWN)
        for warning in _counted(what, [row.number for row in drafts if what in row.untidy], unit)
    ]


def aside_warnings(table: Table, layout: Layout) -> list[str]:
    """Count the rows that hold more than the task reads."""
    if layout.task == "classification":
        return []
    return [
        warning
        for name in ANNOTATED
        if name not in layout.fields
        for warning in _counted(
            f"rows whose {name} the task {layout.task} leaves out",
            [
                row.number
                for row in table.rows
                if holds(annotation_cell(row, name, untyped=table.untyped))
            ],
            table.unit,
        )
    ]


def _label_warnings(
    by_label: Mapping[str, Sequence[int]],
    given: Sequence[str] | None,
    unit: str,
    *,
    what: str = "labels",
) -> list[str]:
    single = {label: rows[0] for label, rows in by_label.items() if len(rows) == 1}
    alike: defaultdict[str, list[str]] = defaultdict(list)
    for label in by_label:
        alike["".join(label.casefold().split())].append(label)
    groups = [" and ".join(map(shown, group)) for group in alike.values() if len(group) > 1]
    absent = [label for label in given or () if label not in by_label]
    ones = [f"{shown(label)} in {unit} {row}" for label, row in single.items()]
    return [
        *_tallied(f"{what} with one seed", ones),
        *_tallied(f"{what} that differ only in case or white space", groups),
        *_tallied(f"{what} without a seed", list(map(shown, absent))),
    ]


def _counted(what: str, rows: Sequence[int], unit: str) -> list[str]:
    return _tallied(what, [str(row) for row in rows], kind=unit if len(rows) == 1 else f"{unit}s")


def _tallied(what: str, cases: Sequence[str], *, kind: str = "") -> list[str]:
    """Return the warning with its count and the first cases, or none where there are none."""
    first = ", ".join(cases[:_FIRST]) + (", ..." if len(cases) > _FIRST else "")
    return [f"{what}: {len(cases)} ({f'{kind} {first}'.strip()})"] if cases else []


def _digest(examples: Iterable[Example[Target]]) -> str:
    """Return a SHA-256 that is the same whichever kind of file the rows came from."""
    digest = hashlib.sha256()
    for row in examples:
        meta = sorted((name, _plain(value)) for name, value in row.meta.items())
        filled = [pair for pair in meta if pair[1]]
        target = asdict(row.target) if isinstance(row.target, Annotation) else row.target
        content = [row.id, row.text, row.text_pair, target, row.group, filled]
        digest.update(f"{json.dumps(content)}\n".encode())
    return digest.hexdigest()


def _plain(value: Scalar) -> str:
    """Return the value as CSV would hold it, for there it has no type."""
    text = "" if value is None else str(value)
    return text.lower() if text in {"True", "False"} else text
