"""The journal as one SQLite file, in which nothing is ever changed or deleted, only added.

An answer is committed before its slot is used again, in the write-ahead log and without a flush
to the disk: that survives the death of the process. A thread flushes at most every 100 ms, for
the death of the machine. Examples are not stored: they are parsed again from the answers.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from augment.errors import JournalError
from augment.journal.disk import Flusher, on_network
from augment.journal.repair import mend
from augment.journal.rows import (
    ADDED,
    INSERT,
    PAGE_SIZE,
    TABLES,
    arrival_of,
    arrival_row,
    ask_of,
    ask_row,
    decision_of,
    decision_row,
    vote_of,
    vote_row,
)
from augment.records import Arrival, Ask, Completion, Decision, Failure, Vote

SCHEMA_VERSION = 4
"""2: arrivals name their server, and what was asked where the ask was shortened. 4: votes."""

_LAST_AT = (
    "SELECT max(at) FROM (SELECT at FROM arrivals UNION ALL SELECT at FROM votes)"
    " WHERE at >= ? AND at < ?"
)

_log = logging.getLogger(__name__)


class SqliteJournal:
    """The Protocol `Journal` in a file; one process at a time may hold it."""

    def __init__(self, path: Path, *, clock: Callable[[], float]) -> None:
        """Open or create the journal at `path`; a damaged one is salvaged first.

        Raises:
            JournalError: the file cannot be written, or was made by a later version.
        """
        self.path = path
        self._clock = clock
        self._waiting: dict[str, list[tuple[Any, ...]]] = {table: [] for table in INSERT}
        try:
            mend(path, connect=_connect)
            self._db = _connect(path)
        except (sqlite3.Error, OSError) as error:
            raise _translated(path, error) from error
        version = int(self.header().get("schema_version", SCHEMA_VERSION))
        if version > SCHEMA_VERSION:
            raise JournalError(
                f"{path}: written by a later version (schema {version}, this one knows "
                f"{SCHEMA_VERSION}); update augment or choose another --out"
            )
        self._arrivals = self._last("arrivals")
        self._votes = self._last("votes")
        self._decisions = self._last("decisions")
        self._notes = self._last("notes")
        self._flusher = Flusher(path.with_name(path.name + "-wal"))

    def _last(self, table: str) -> int:
        (number,) = self._db.execute(f"SELECT max(number) FROM {table}").fetchone()  # noqa: S608 (a constant)
        return int(number or 0)

    # What a run records ------------------------------------------------------------------------

    def plan(self, asks: Sequence[tuple[Ask, str]]) -> None:
        """Record asks with their request keys."""
        self._waiting["asks"] += [ask_row(ask, key) for ask, key in asks]

    def arrive(self, ask: Ask, key: str, outcome: Completion | Failure) -> Arrival:
        """Number and record an answer or failure."""
        self._arrivals += 1
        arrival = Arrival(
            number=self._arrivals, ask=ask, key=key, outcome=outcome, at=self._clock()
        )
        self._waiting["arrivals"].append(arrival_row(arrival))
        return arrival

    def vote(self, vote: Vote) -> None:
        """Record what was said of a row's label."""
        self._votes += 1
        self._waiting["votes"].append(vote_row(vote, self._votes, at=self._clock()))

    def decide(self, decisions: Iterable[Decision]) -> None:
        """Record the end of rows."""
        rows = [
            decision_row(decision, self._decisions + n) for n, decision in enumerate(decisions, 1)
        ]
        self._decisions += len(rows)
        self._waiting["decisions"] += rows

    def note(self, kind: str, detail: str) -> None:
        """Record a decision of the plan or the engine, such as a label given up."""
        self._notes += 1
        self._waiting["notes"].append((self._notes, self._clock(), kind, detail))

    def begin_session(self) -> None:
        """Record that a process has taken up the run, and commit."""
        self._at_once(
            "INSERT INTO sessions SELECT coalesce(max(number), 0) + 1, ?, NULL FROM sessions",
            [(self._clock(),)],
        )

    def end_session(self) -> None:
        """Record that the process has let go of the run in good order, and commit."""
        self._at_once(
            "UPDATE sessions SET ended = ? WHERE number = (SELECT max(number) FROM sessions)",
            [(self._clock(),)],
        )

    def write_header(self, values: Mapping[str, str]) -> None:
        """Set what is true of the whole run (recipe, digests, versions), and commit.

        From then on the file is of this schema: one of an earlier version is only now changed.
        """
        self._add_columns()
        self._at_once(
            "INSERT INTO run VALUES (?,?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            list({"schema_version": str(SCHEMA_VERSION), **values}.items()),
        )

    def _add_columns(self) -> None:
        """Add to the tables what an earlier version did not have."""
        try:
            for table, columns in ADDED.items():
                there = {row[1] for row in self._db.execute(f"PRAGMA table_info({table})")}
                for name in columns:
                    if name not in there:
                        self._db.execute(f"ALTER TABLE {table} ADD COLUMN {name}")
        except sqlite3.Error as error:
            raise _translated(self.path, error) from error

    def commit(self) -> None:
        """Make everything recorded so far outlive the process; free when there is nothing."""
        if any(self._waiting.values()):
            self._at_once(None, [])

    def _at_once(self, statement: str | None, rows: Sequence[tuple[Any, ...]]) -> None:
        """Write what waits, and then the statement, in one transaction."""
        try:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                for table, waiting in self._waiting.items():
                    self._db.executemany(INSERT[table], waiting)
                if statement is not None:
                    self._db.executemany(statement, rows)
                self._db.execute("COMMIT")
            except BaseException:
                self._roll_back()
                raise
        except sqlite3.Error as error:
            raise _translated(self.path, error) from error
        for waiting in self._waiting.values():
            waiting.clear()
        self._flusher.wanted.set()

    def _roll_back(self) -> None:
        if self._db.in_transaction:  # a full disk has rolled back already
            self._db.execute("ROLLBACK")

    def close(self) -> None:
        """Commit, flush and let go of the file."""
        try:
            self.commit()
            self._flusher.stop()
            self._db.close()
        except sqlite3.Error as error:
            raise _translated(self.path, error) from error

    def abandon(self) -> None:
        """Let go of the file without committing: for when committing is what failed."""
        self._flusher.stop()
        self._db.close()

    # What is read again ------------------------------------------------------------------------

    def header(self) -> dict[str, str]:
        """Return what is true of the whole run; empty for a new journal."""
        return dict(self._rows("SELECT name, value FROM run"))

    def sessions(self) -> list[tuple[float, float]]:
        """Return the (start, end) of each session in seconds since the epoch.

        A session that was killed ends with the last thing that it recorded.
        """
        spans: list[tuple[float, float]] = []
        found = list(self._rows("SELECT started, ended FROM sessions ORDER BY number"))
        for index, (started, ended) in enumerate(found):
            later = found[index + 1][0] if index + 1 < len(found) else float("inf")
            (last,) = next(self._rows(_LAST_AT, started, later))
            spans.append((started, ended if ended is not None else (last or started)))
        return spans

    def notes(self) -> list[tuple[float, str, str]]:
        """Return (time, kind, detail) of every note in order."""
        return list(self._rows("SELECT at, kind, detail FROM notes ORDER BY number"))

    def replay(self) -> Iterator[tuple[Arrival, tuple[Decision, ...]]]:
        """Yield every arrival in order with its decisions (none where it was not judged yet)."""
        decisions = self._rows(
            "SELECT arrival, place, accepted, verdicts FROM decisions ORDER BY arrival, place"
        )
        waiting = next(decisions, None)
        for row in self._rows(
            "SELECT arrivals.*, asks.* FROM arrivals JOIN asks ON asks.number = arrivals.ask"
            " ORDER BY arrivals.number"
        ):
            arrival = arrival_of(row)
            own: list[Decision] = []
            while waiting is not None and waiting[0] <= arrival.number:
                if waiting[0] == arrival.number:
                    own.append(decision_of(waiting))
                waiting = next(decisions, None)
            yield arrival, tuple(own)

    def votes(self) -> Iterator[Vote]:
        """Yield every vote in order."""
        yield from map(vote_of, self._rows("SELECT * FROM votes ORDER BY number"))

    def unanswered(self) -> list[tuple[Ask, str]]:
        """Return the asks that have no arrival yet, in order, with their keys."""
        rows = self._rows(
            "SELECT * FROM asks WHERE number NOT IN (SELECT ask FROM arrivals) ORDER BY number"
        )
        return [(ask_of(row), row[1]) for row in rows]

    def next_ask(self) -> int:
        """Return the first number that no ask has."""
        (number,) = next(self._rows("SELECT coalesce(max(number) + 1, 0) FROM asks"))
        return int(number)

    def _rows(self, query: str, *values: Any) -> Iterator[tuple[Any, ...]]:
        self.commit()  # what is asked for may still be waiting
        try:
            yield from self._db.execute(query, values)
        except sqlite3.Error as error:
            raise _translated(self.path, error) from error


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogatepass")


def _connect(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, isolation_level=None, timeout=5, check_same_thread=False)
    db.text_factory = _text
    db.execute(f"PRAGMA page_size = {PAGE_SIZE}")
    if on_network(path):
        _log.warning("%s lies on a network file system: no write-ahead log, slower", path)
        db.execute("PRAGMA journal_mode = TRUNCATE")
    else:
        db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = NORMAL")
    for table, columns in TABLES.items():
        kind = "TEXT" if table == "run" else "INTEGER"
        rest = ", ".join(columns[1:])
        db.execute(f"CREATE TABLE IF NOT EXISTS {table} ({columns[0]} {kind} PRIMARY KEY, {rest})")
    return db


def _translated(path: Path, error: Exception) -> JournalError:
    return JournalError(
        f"{path}: {error}; what was committed before is kept, the same command continues"
    )
