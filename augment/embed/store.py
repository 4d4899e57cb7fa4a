"""The vectors of a run's texts, kept beside its journal: a resumed run embeds nothing twice.

A store is a cache and holds nothing that cannot be made again: a damaged one, or one of another
encoder, is begun anew.
"""

from __future__ import annotations

import json
import logging
import sqlite3
import threading
import zlib
from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from augment.errors import JournalError
from augment.records import Json

_SCHEMA = """
CREATE TABLE IF NOT EXISTS vectors (text BLOB PRIMARY KEY, vector BLOB) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
"""
_FACTS = "SELECT name, value FROM facts"
_AT_ONCE = 500
_CHECK = 4
"""Bytes of a row's checksum: SQLite takes what a cut file lacks of its last page for zeros."""

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
        except (sqlite3.DatabaseError, ValueError) as error:
            if path is None or isinstance(error, sqlite3.OperationalError):
                raise self._unusable(error) from error
            _log.warning("%s was damaged and is begun anew", path)
            path.unlink()
            path.with_name(path.name + "-journal").unlink(missing_ok=True)
            self._db = _opened(path)
        if self.facts().get("encoder", encoder) != encoder:
            self._execute("DELETE FROM vectors", [()])
            self._execute("DELETE FROM facts", [()])
        self.note({"encoder": encoder})

    def get(self, texts: Iterable[str]) -> dict[str, npt.NDArray[np.float32]]:
        """Return the vectors that are known, by text, in single precision.

        Raises:
            JournalError: the file cannot be read.
        """
        by_digest = {_digest(text): text for text in texts}
        digests = list(by_digest)
        found: dict[str, npt.NDArray[np.float32]] = {}
        with self._lock:
            for start in range(0, len(digests), _AT_ONCE):
                some = digests[start : start + _AT_ONCE]
                marks = ",".join("?" * len(some))
                query = f"SELECT text, vector FROM vectors WHERE text IN ({marks})"  # noqa: S608 - marks
                for digest, sealed in self._rows(query, some):
                    vector = _unsealed(digest, sealed)
                    if vector is not None and digest in by_digest:
                        text = by_digest[digest]
                        found[text] = np.frombuffer(vector, np.float16).astype(np.float32)
        return found

    def add(self, texts: Sequence[str], vectors: npt.NDArray[np.float16]) -> None:
        """Keep the vectors of texts, one row each."""
        digests = map(_digest, texts)
        rows = [
            (digest, _sealed(digest, vector.tobytes()))
            for digest, vector in zip(digests, vectors, strict=True)
        ]
        self._execute("INSERT OR REPLACE INTO vectors VALUES (?,?)", rows)

    def facts(self) -> dict[str, Json]:
        """Return what was noted."""
        with self._lock:
            return {name: json.loads(value) for name, value in self._rows(_FACTS, ())}

    def note(self, facts: Mapping[str, Json]) -> None:
        """Keep JSON values by name."""
        rows = [(name, json.dumps(value)) for name, value in facts.items()]
        self._execute("INSERT OR REPLACE INTO facts VALUES (?,?)", rows)

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._db.close()

    def _rows(self, query: str, values: Sequence[bytes]) -> list[tuple[Any, Any]]:
        try:
            return self._db.execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise self._unusable(error) from error

    def _execute(self, statement: str, rows: Sequence[tuple[bytes | str, ...]]) -> None:
        with self._lock:
            try:
                with self._db:
                    self._db.executemany(statement, rows)
            except sqlite3.Error as error:
                raise self._unusable(error) from error

    def _unusable(self, error: Exception) -> JournalError:
        return JournalError(
            f"{self._where}: {error}; what was committed before is kept, the same command continues"
        )


def _digest(text: str) -> bytes:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _sealed(digest: bytes, vector: bytes) -> bytes:
    return vector + zlib.crc32(digest + vector).to_bytes(_CHECK)


def _unsealed(digest: Any, sealed: Any) -> bytes | None:
    """Return the vector, or None where a row is not what was written."""
    if not isinstance(digest, bytes) or not isinstance(sealed, bytes):
        return None
    vector = sealed[:-_CHECK]
    return vector if sealed == _sealed(digest, vector) else None


def _opened(path: Path | None) -> sqlite3.Connection:
    db = sqlite3.connect(path or ":memory:", timeout=5, check_same_thread=False)
    try:
        db.execute("PRAGMA synchronous = OFF")  # a power cut may damage it: then it is made anew
        _refuse_damaged(db)
        db.executescript(_SCHEMA)
        for _, value in db.execute(_FACTS):
            json.loads(str(value))
    except BaseException:
        db.close()
        raise
    return db


def _refuse_damaged(db: sqlite3.Connection) -> None:
    (answer,) = db.execute("PRAGMA quick_check(1)").fetchone()
    if answer != "ok":
        raise sqlite3.DatabaseError(answer)
