"""Rows out of a damaged SQLite file: cut short by a full disk, a broken copy, a lost power supply.

SQLite refuses a file that is shorter than its header says, and where an inner page of a B-tree is
lost it no longer finds the leaves below. The rows are in the leaves, so we read those: write-ahead
log over main file, page by page (https://www.sqlite.org/fileformat2.html). Fit for tables with a
row id and rows that are only ever added, as the journal's are.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

Value: TypeAlias = int | float | str | bytes | None

MAGIC = b"SQLite format 3\x00"
_HEADER_BYTES = 100
_WAL_HEADER_BYTES = 32
_FRAME_HEADER_BYTES = 24
_LEAF_OF_TABLE = 0x0D
_FLOAT = 7
_INTEGER_BYTES = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}


def looks_whole(path: Path) -> bool:
    """Tell whether every page that the file's own header counts is in the file or in its log.

    A file that is shorter than its header says, beside a log that holds the rest, is what a crash
    or a full disk leaves when the log was about to be carried over: SQLite takes that up itself.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(_HEADER_BYTES)
    if len(head) < _HEADER_BYTES or not head.startswith(MAGIC):
        return False
    pages: int = struct.unpack(">I", head[28:32])[0]
    page_size = _page_size(head)
    missing = range(size // page_size + 1, pages + 1)
    return not missing or _log_pages(path, page_size).keys() >= set(missing)


def rows(path: Path, *, page_size: int) -> Iterator[tuple[int, tuple[Value, ...]]]:
    """Yield (row id, values) of every row of every table that can still be read, in page order.

    The table of tables, which begins on page 1, is left out.

    Args:
        path: the main file; its log is looked for at `path` + "-wal".
        page_size: in bytes, for a file whose header is lost.
    """
    pages = _pages(path, page_size)
    for number in sorted(pages):
        if number > 1 and pages[number][0] == _LEAF_OF_TABLE:
            yield from _leaf(pages[number], pages)


def _page_size(head: bytes) -> int:
    size: int = struct.unpack(">H", head[16:18])[0]
    return 65536 if size == 1 else size


def _pages(path: Path, page_size: int) -> dict[int, bytes]:
    """Return the newest whole version of each page, by its number (from 1)."""
    content = path.read_bytes() if path.exists() else b""
    pages = {
        start // page_size + 1: content[start : start + page_size]
        for start in range(0, len(content) - page_size + 1, page_size)
    }
    return pages | _log_pages(path, page_size)


def _log_pages(path: Path, page_size: int) -> dict[int, bytes]:
    log = path.with_name(path.name + "-wal")
    return _committed(log.read_bytes(), page_size) if log.exists() else {}


def _committed(log: bytes, page_size: int) -> dict[int, bytes]:
    """Return the pages of a write-ahead log up to its last whole commit."""
    committed: dict[int, bytes] = {}
    pending: dict[int, bytes] = {}
    salts = log[16:24]
    step = _FRAME_HEADER_BYTES + page_size
    for start in range(_WAL_HEADER_BYTES, len(log) - step + 1, step):
        number, size_after_commit = struct.unpack(">II", log[start : start + 8])
        if log[start + 8 : start + 16] != salts:
            break
        pending[number] = log[start + _FRAME_HEADER_BYTES : start + step]
        if size_after_commit:
            committed.update(pending)
            pending.clear()
    return committed


def _leaf(page: bytes, pages: dict[int, bytes]) -> Iterator[tuple[int, tuple[Value, ...]]]:
    count: int = struct.unpack(">H", page[3:5])[0]
    for index in range(count):
        pointer = 8 + 2 * index
        try:
            offset: int = struct.unpack(">H", page[pointer : pointer + 2])[0]
            length, offset = _varint(page, offset)
            row_id, offset = _varint(page, offset)
            yield row_id, _record(_payload(page, offset, length, pages))
        except (IndexError, KeyError, ValueError, struct.error):
            continue  # this row is lost; its neighbours need not be


def _payload(page: bytes, offset: int, length: int, pages: dict[int, bytes]) -> bytes:
    """Return a cell's content, following its overflow pages."""
    usable = len(page)
    local = length
    if length > usable - 35:
        least = (usable - 12) * 32 // 255 - 23
        local = least + (length - least) % (usable - 4)
        local = least if local > usable - 35 else local
    parts = [page[offset : offset + local]]
    if local < length:
        (follow,) = struct.unpack(">I", page[offset + local : offset + local + 4])
        missing = length - local
        while missing > 0:
            overflow = pages[follow]
            parts.append(overflow[4 : 4 + min(missing, usable - 4)])
            missing -= usable - 4
            (follow,) = struct.unpack(">I", overflow[:4])
    return b"".join(parts)


def _record(payload: bytes) -> tuple[Value, ...]:
    end, offset = _varint(payload, 0)
    types: list[int] = []
    while offset < end:
        kind, offset = _varint(payload, offset)
        types.append(kind)
    values: list[Value] = []
    for kind in types:
        value, offset = _value(payload, offset, kind)
        values.append(value)
    return tuple(values)


def _value(payload: bytes, offset: int, kind: int) -> tuple[Value, int]:
    if kind in {0, 8, 9}:
        return (None, 0, 1)[(0, 8, 9).index(kind)], offset
    if kind in _INTEGER_BYTES:
        end = offset + _INTEGER_BYTES[kind]
        return int.from_bytes(_exactly(payload, offset, end), "big", signed=True), end
    if kind == _FLOAT:
        value: float = struct.unpack(">d", payload[offset : offset + 8])[0]
        return value, offset + 8
    end = offset + (kind - 12) // 2
    content = _exactly(payload, offset, end)
    return (content.decode("utf-8", "surrogatepass") if kind % 2 else content), end


def _exactly(payload: bytes, start: int, end: int) -> bytes:
    if end > len(payload):
        raise ValueError("the row is cut off")
    return payload[start:end]


def _varint(data: bytes, offset: int) -> tuple[int, int]:
    """Return a variable-length integer and the offset behind it."""
    value = 0
    for index in range(8):
        byte = data[offset + index]
        value = value << 7 | byte & 0x7F
        if not byte & 0x80:
            return value, offset + index + 1
    return value << 8 | data[offset + 8], offset + 9
