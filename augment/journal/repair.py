"""A damaged journal is set aside, and what can still be read of it is carried over."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from augment.journal import salvage
from augment.journal.rows import ADDED, AS_BYTES, LATER, PAGE_SIZE, TABLES

_log = logging.getLogger(__name__)


def readable(path: Path) -> bool:
    """Tell whether the file is in order.

    Its length is looked at before SQLite may open it: opening an empty file deletes its log.
    """
    if not salvage.looks_whole(path):
        return False
    try:
        db = sqlite3.connect(path)
        try:
            (answer,) = db.execute("PRAGMA quick_check(1)").fetchone()
            tables = {name for (name,) in db.execute("SELECT name FROM sqlite_schema")}
        finally:
            db.close()
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError) and "malformed" not in str(error):
            raise
        return False
    return bool(answer == "ok" and tables.issuperset(TABLES.keys() - LATER))


def mend(path: Path, *, connect: Callable[[Path], sqlite3.Connection]) -> None:
    """Put what can be read of a damaged journal in its place; the damaged one is set aside.

    At every moment the damaged files, or all that was saved of them, lie where the next attempt
    looks for them: a crash or a full disk on the way costs nothing.
    """
    saved = path.with_name(path.name + ".saved")
    if path.exists() and not readable(path):
        for part in _parts(saved):
            part.unlink(missing_ok=True)
        db = connect(saved)
        try:
            db.execute("PRAGMA journal_mode = DELETE")  # all of it in the one file that is renamed
            answers, decisions = _take_over(path, db)
        finally:
            db.close()
        _log.warning(
            "the journal was damaged and is kept as %s: %d answers and %d decisions were saved",
            _set_aside(path).name,
            answers,
            decisions,
        )
    if saved.exists() and not path.exists():
        _set_aside(path)  # its log, where a crash came between the two
        saved.rename(path)


def _parts(path: Path) -> tuple[Path, ...]:
    return tuple(path.with_name(path.name + suffix) for suffix in ("", "-wal", "-shm"))


def _set_aside(path: Path) -> Path:
    """Rename a journal and its log to a name that is free."""
    number = 1
    while any(part.exists() for part in _parts(path.with_name(f"{path.name}.damaged-{number}"))):
        number += 1
    aside = path.with_name(f"{path.name}.damaged-{number}")
    for part, kept in zip(_parts(path), _parts(aside), strict=True):
        if part.exists():
            part.rename(kept)
    return aside


def _take_over(damaged: Path, db: sqlite3.Connection) -> tuple[int, int]:
    """Copy what can be read of a damaged journal; return the numbers of answers and decisions."""
    by_width = {len(columns): table for table, columns in TABLES.items()}
    by_width |= {len(TABLES[table]) - len(added): table for table, added in ADDED.items()}
    found: dict[str, dict[Any, tuple[Any, ...]]] = {table: {} for table in TABLES}
    for row_id, values in salvage.rows(damaged, page_size=PAGE_SIZE):
        table = by_width.get(len(values))
        if table == "run":
            found[table][values[0]] = values
        elif table is not None:  # an INTEGER PRIMARY KEY is stored as the row id
            lacking = [None] * (len(TABLES[table]) - len(values))
            found[table][row_id] = (row_id, *values[1:], *lacking)
    if "schema_version" not in found["run"]:
        found = {table: {} for table in TABLES}
    asks, arrivals = found["asks"], found["arrivals"]
    found["arrivals"] = arrivals = {n: row for n, row in arrivals.items() if row[1] in asks}
    found["votes"] = {
        n: row for n, row in found["votes"].items() if not row[1] or row[1] in arrivals
    }
    found["decisions"] = {
        number: row for number, row in _undivided(found["decisions"]) if row[1] in arrivals
    }
    db.execute("BEGIN IMMEDIATE")
    for table, columns in TABLES.items():
        marks = ",".join("CAST(? AS TEXT)" if c in AS_BYTES else "?" for c in columns)
        db.executemany(
            f"INSERT OR IGNORE INTO {table} VALUES ({marks})",  # noqa: S608 (constants)
            [_bindable(row, columns) for _, row in sorted(found[table].items())],
        )
    db.execute("COMMIT")
    return len(arrivals), len(found["decisions"])


def _undivided(
    decisions: Mapping[int, tuple[Any, ...]],
) -> Iterator[tuple[int, tuple[Any, ...]]]:
    """Yield the decisions of those answers of which none is lost; the others are judged again.

    An answer's decisions have consecutive numbers, in order of their places; that the last one is
    there shows in the number after it.
    """
    by_arrival: dict[int, list[tuple[Any, ...]]] = {}
    for _, row in sorted(decisions.items()):
        by_arrival.setdefault(row[1], []).append(row)
    for rows in by_arrival.values():
        if [row[2] for row in rows] == [*range(len(rows))] and rows[-1][0] + 1 in decisions:
            yield from ((row[0], row) for row in rows)


def _bindable(row: tuple[Any, ...], columns: tuple[str, ...]) -> tuple[Any, ...]:
    return tuple(
        value.encode("utf-8", "surrogatepass") if name in AS_BYTES and value is not None else value
        for name, value in zip(columns, row, strict=True)
    )
