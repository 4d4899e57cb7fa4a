"""A damaged journal is set aside, and what can still be read of it is carried over."""

from __future__ import annotations

import logging
import sqlite3
from pathlib import Path
from typing import Any

from augment.journal import salvage
from augment.journal.rows import AS_BYTES, PAGE_SIZE, TABLES

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
    return bool(answer == "ok" and tables.issuperset(TABLES))


def set_aside(path: Path) -> Path:
    """Rename a damaged journal and its log to a name that is free."""
    number = 1
    while (aside := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    for suffix in ("-wal", "-shm", ""):
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.rename(aside.with_name(aside.name + suffix))
    return aside


def take_over(damaged: Path, db: sqlite3.Connection) -> None:
    """Copy what can be read of a damaged journal, and say how much that was."""
    by_width = {len(columns): table for table, columns in TABLES.items()}
    found: dict[str, dict[Any, tuple[Any, ...]]] = {table: {} for table in TABLES}
    for row_id, values in salvage.rows(damaged, page_size=PAGE_SIZE):
        table = by_width.get(len(values))
        if table == "run":
            found[table][values[0]] = values
        elif table is not None:  # an INTEGER PRIMARY KEY is stored as the row id
            found[table][row_id] = (row_id, *values[1:])
    if "schema_version" not in found["run"]:
        found = {table: {} for table in TABLES}
    asks, arrivals = found["asks"], found["arrivals"]
    found["arrivals"] = arrivals = {n: row for n, row in arrivals.items() if row[1] in asks}
    found["decisions"] = {n: r for n, r in found["decisions"].items() if r[1] in arrivals}
    db.execute("BEGIN IMMEDIATE")
    for table, columns in TABLES.items():
        marks = ",".join("CAST(? AS TEXT)" if c in AS_BYTES else "?" for c in columns)
        db.executemany(
            f"INSERT OR IGNORE INTO {table} VALUES ({marks})",  # noqa: S608 (constants)
            [_bindable(row, columns) for _, row in sorted(found[table].items())],
        )
    db.execute("COMMIT")
    _log.warning(
        "the journal was damaged and is kept as %s: %d answers and %d decisions were saved",
        damaged.name,
        len(arrivals),
        len(found["decisions"]),
    )


def _bindable(row: tuple[Any, ...], columns: tuple[str, ...]) -> tuple[Any, ...]:
    return tuple(
        value.encode("utf-8", "surrogatepass") if name in AS_BYTES and value is not None else value
        for name, value in zip(columns, row, strict=True)
    )
