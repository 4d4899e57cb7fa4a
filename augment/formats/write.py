"""Rows and texts out: a reader sees the old file or the new one whole, never a part of either."""

from __future__ import annotations

import json
import os
import re
import secrets
import stat
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

_ROWS_AT_ONCE = 1000
# What some reader takes for the end of a line or a command; JSON escapes the rest itself.
_ODD = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_SURROGATE = re.compile("[\ud800-\udfff]")


def write_jsonl(path: Path, rows: Iterable[Mapping[str, Any]]) -> int:
    r"""Write one JSON object a line and return how many; `rows` may be a stream.

    In UTF-8; control characters and U+2028, U+2029 and U+0085 as \uXXXX, so that every reader
    agrees where a line ends; lone surrogates, which UTF-8 cannot hold, as U+FFFD.

    Raises:
        ValueError: a row holds NaN or an infinity; the old file is left as it was.
        OSError: the file cannot be written; the old one is left as it was.
    """
    count = 0
    lines = map(_line, rows)
    with _replacing(path) as file:
        while batch := list(islice(lines, _ROWS_AT_ONCE)):
            file.write("".join(batch).encode())
            count += len(batch)
    return count


def write_text(path: Path, text: str) -> None:
    """Write a text in UTF-8, its line ends as they are, lone surrogates as U+FFFD.

    Raises:
        OSError: the file cannot be written; the old one is left as it was.
    """
    with _replacing(path) as file:
        file.write(_SURROGATE.sub("\ufffd", text).encode())


def _as_dict(value: object) -> dict[Any, Any]:
    if isinstance(value, Mapping):
        return dict(value)  # pyright: ignore[reportUnknownArgumentType] - any mapping will do
    raise TypeError(f"{type(value).__name__} is not a JSON value")


_ENCODE = json.JSONEncoder(ensure_ascii=False, allow_nan=False, default=_as_dict).encode


def _line(row: Mapping[str, Any]) -> str:
    text = _ENCODE(row)
    return f"{_ODD.sub(_escape, text)}\n"


def _escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    return "\ufffd" if 0xD800 <= code <= 0xDFFF else f"\\u{code:04x}"


@contextmanager
def _replacing(path: Path) -> Generator[BinaryIO]:
    """Open a file beside `path` that takes its place at the end, or is gone after a failure.

    Where `path` is a link, what it leads to is replaced; who may read the old file may read the
    new one.
    """
    path = path.resolve()
    beside = path.parent / f".{secrets.token_hex(8)}.tmp"
    try:
        with beside.open("xb") as file:
            if path.exists():
                beside.chmod(stat.S_IMODE(path.stat().st_mode))
            yield file
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    if os.name == "posix":  # elsewhere a folder cannot be opened
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)  # the new name, too, is to survive a power cut
        finally:
            os.close(folder)
