"""Rows and texts out, each file whole or not at all."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager
from itertools import chain, islice, repeat
from pathlib import Path
from typing import Any

from augment.replacing import replacing

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
    return write_lines(path, map(_line, rows))


@contextmanager
def writing_jsonl(path: Path) -> Generator[Callable[[Mapping[str, Any]], None]]:
    """Give what adds a row to a file, which is there once all were added; else as `write_jsonl`.

    Raises:
        ValueError, OSError: as `write_jsonl`.
    """
    lines: list[str] = []
    with replacing(path) as file:

        def write() -> None:
            file.write(encodable("".join(lines)).encode())
            lines.clear()

        def add(row: Mapping[str, Any]) -> None:
            lines.append(_line(row))
            if len(lines) >= _ROWS_AT_ONCE:
                write()

        yield add
        write()


def write_json_array(path: Path, rows: Iterable[Mapping[str, Any]]) -> int:
    """Write one JSON array of objects, one a line, and return how many; else as `write_jsonl`.

    Raises:
        ValueError, OSError: as `write_jsonl`.
    """
    marks = chain(["\n"], repeat(",\n"))
    lines = (f"{mark}{_line(row)[:-1]}" for mark, row in zip(marks, rows, strict=False))
    return write_lines(path, chain(["["], lines, ["\n]\n"])) - 2


def write_lines(path: Path, lines: Iterable[str]) -> int:
    """Write texts that end their lines themselves, in UTF-8, and return how many.

    Raises:
        OSError: the file cannot be written; the old one is left as it was.
    """
    count = 0
    lines = iter(lines)
    with replacing(path) as file:
        while batch := list(islice(lines, _ROWS_AT_ONCE)):
            file.write(encodable("".join(batch)).encode())
            count += len(batch)
    return count


def write_text(path: Path, text: str) -> None:
    """Write a text in UTF-8, its line ends as they are, lone surrogates as U+FFFD.

    Raises:
        OSError: the file cannot be written; the old one is left as it was.
    """
    with replacing(path) as file:
        file.write(encodable(text).encode())


def encodable(text: str) -> str:
    """Return a text that UTF-8 can hold: its lone surrogates as U+FFFD."""
    return _SURROGATE.sub("\ufffd", text)


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
