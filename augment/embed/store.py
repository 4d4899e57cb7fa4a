"""The vectors of a run's texts, kept beside its journal: a resumed run embeds nothing twice.

A store is a cache and holds nothing that cannot be made again: a damaged one, or one of another
encoder, is begun anew.
"""

from __future__ import annotations

import json
import logging
import sqlite3
import threading
from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from pathlib import Path

import numpy as np
import numpy.typing as npt

from augment.errors import JournalError
from augment.records import Json

_SCHEMA = """
CREATE TABLE IF NOT EXISTS vectors (text BLOB PRIMARY KEY, vector BLOB) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
"""
_AT_ONCE = 500

_log = logging.getLogger(__name__)


class VectorStore:
    """Half-precision vectors by the digest of their text; safe to be called from threads."""

    def __init__(self, path: Path | None, *, encoder: str) -> None:
        """Open or create the store of one encoder; without a path it lives in memory.

        Raises:
            JournalError: the file cannot be written.
        """
        self._where = str(path) if path is not None else ":memory:"
        self._lock = threading.Lock()
        try:
            self._db = _opened(path)
        except sqlite3.DatabaseError as error:
            if path is None or isinstance(error, sqlite3.OperationalError):
                raise self._unwritable(error) from error
            _log.warning("%s was damaged and is begun anew", path)
            path.unlink()
            path.with_name(path.name + "-journal").unlink(missing_ok=True)
            self._db = _opened(path)
        if self.facts().get("encoder", encoder) != encoder:
            self._execute("DELETE FROM vectors", [])
            self._execute("DELETE FROM facts", [])
        self.note({"encoder": encoder})

    def get(self, texts: Iterable[str]) -> dict[str, npt.NDArray[np.float32]]:
        """Return the vectors that are known, by text, in single precision."""
        by_digest = {_digest(text): text for text in texts}
        digests = list(by_digest)
        found: dict[str, npt.NDArray[np.float32]] = {}
        with self._lock:
            for start in range(0, len(digests), _AT_ONCE):
                some = digests[start : start + _AT_ONCE]
                marks = ",".join("?" * len(some))
                query = f"SELECT text, vector FROM vectors WHERE text IN ({marks})"  # noqa: S608 - marks
                for digest, vector in self._db.execute(query, some):
                    found[by_digest[digest]] = np.frombuffer(vector, np.float16).astype(np.float32)
        return found

    def add(self, texts: Sequence[str], vectors: npt.NDArray[np.float16]) -> None:
        """Keep the vectors of texts, one row each."""
        rows = [
            (_digest(text), vector.tobytes()) for text, vector in zip(texts, vectors, strict=True)
        ]
        self._execute("INSERT OR REPLACE INTO vectors VALUES (?,?)", rows)

    def facts(self) -> dict[str, Json]:
        """Return what was noted."""
        with self._lock:
            return {
                name: json.loads(value) for name, value in self._db.execute("SELECT * FROM facts")
            }

    def note(self, facts: Mapping[str, Json]) -> None:
        """Keep JSON values by name."""
        rows = [(name, json.dumps(value)) for name, value in facts.items()]
        self._execute("INSERT OR REPLACE INTO facts VALUES (?,?)", rows)

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._db.close()

    def _execute(self, statement: str, rows: Sequence[tuple[bytes | str, bytes | str]]) -> None:
        with self._lock:
            try:
                with self._db:
                    if rows:
                        self._db.executemany(statement, rows)
                    else:
                        self._db.execute(statement)
            except sqlite3.Error as error:
                raise self._unwritable(error) from error

    def _unwritable(self, error: sqlite3.Error) -> JournalError:
        return JournalError(
            f"{self._where}: {error}; what was committed before is kept, the same command continues"
        )


def _digest(text: str) -> bytes:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _opened(path: Path | None) -> sqlite3.Connection:
    db = sqlite3.connect(path or ":memory:", timeout=5, check_same_thread=False)
    try:
        db.execute("PRAGMA synchronous = OFF")  # a power cut may damage it: then it is made anew
        _refuse_damaged(db)
        db.executescript(_SCHEMA)
    except BaseException:
        db.close()
        raise
    return db


def _refuse_damaged(db: sqlite3.Connection) -> None:
    (answer,) = db.execute("PRAGMA quick_check(1)").fetchone()
    if answer != "ok":
        raise sqlite3.DatabaseError(answer)
