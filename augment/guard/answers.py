"""What guards said of texts, kept in the run's folder: no session asks again what one was told.

    {"key": SHA-256, "probability": 0.93, "reason": null,
     "calls": 1, "prompt_tokens": 210, "completion_tokens": 6, "seconds": 0.2}

A line for each answer. One that tells no probability says why not: where that is the text's own
doing no session asks again, else a later one does. A line that is cut off or damaged is passed
over.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Annotated, BinaryIO, TypeAlias

import orjson
from pydantic import Field, TypeAdapter

from augment.errors import JournalError
from augment.records import Asked

FILE = "guard.jsonl"
"""Its name in a run's folder."""

_Probability: TypeAlias = Annotated[float, Field(ge=0, le=1)]
_Count: TypeAlias = Annotated[int, Field(ge=0)]
_Seconds: TypeAlias = Annotated[float, Field(ge=0)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back about one text.

    Attributes:
        key: SHA-256 (hex) of the guard and the text.
        probability: of being unsafe; None where that was not told.
        reason: why it was not told; None where it was.
        calls: how many it took.
        seconds: all of them together; None in files of before these were kept.
    """

    key: str
    probability: _Probability | None
    reason: str | None
    calls: _Count
    prompt_tokens: _Count
    completion_tokens: _Count
    seconds: _Seconds | None = None


_LINE = TypeAdapter(Answer)


class Answers:
    """The file, open to be added to.

    Raises:
        JournalError: it cannot be written or read.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._file = path.open("a+b")
            if _is_cut_off(self._file):
                self._file.write(b"\n")
        except OSError as error:
            raise _translated(path, error) from error

    def add(self, answer: Answer) -> None:
        """Write an answer down; what was written outlives the process."""
        try:
            self._file.write(orjson.dumps(asdict(answer)) + b"\n")
            self._file.flush()
        except OSError as error:
            raise _translated(self._path, error) from error

    def close(self) -> None:
        """Close the file."""
        try:
            self._file.close()
        except OSError as error:
            raise _translated(self._path, error) from error


def answers_in(path: Path) -> Iterator[Answer]:
    """Yield what stands in the file, which need not be there.

    Raises:
        JournalError: it cannot be read.
    """
    if not path.exists():
        return
    try:
        with path.open("rb") as file:
            for line in file:
                try:
                    answer = _LINE.validate_json(line, strict=True)
                except ValueError:
                    continue
                yield answer
    except OSError as error:
        raise _translated(path, error) from error


def asked_in(path: Path) -> Asked:
    """Return what was asked for the answers in the file."""
    counts = Counter[str]()
    seconds: list[float] = []
    for answer in answers_in(path):
        counts.update(
            questions=1,
            failures=answer.probability is None,
            calls=answer.calls,
            repeated_calls=max(answer.calls - 1, 0),
            prompt_tokens=answer.prompt_tokens,
            completion_tokens=answer.completion_tokens,
        )
        if answer.seconds is not None:
            seconds.append(answer.seconds)
    return Asked(
        questions=counts["questions"],
        failures=counts["failures"],
        calls=counts["calls"],
        repeated_calls=counts["repeated_calls"],
        prompt_tokens=counts["prompt_tokens"],
        completion_tokens=counts["completion_tokens"],
        median_s=round(median(seconds), 3) if seconds else None,
    )


def _is_cut_off(file: BinaryIO) -> bool:
    """Tell whether the last line has no end."""
    if file.seek(0, os.SEEK_END) == 0:
        return False
    file.seek(-1, os.SEEK_END)
    return file.read() != b"\n"


def _translated(path: Path, error: OSError) -> JournalError:
    return JournalError(
        f"{path}: {error}; what was committed before is kept, the same command continues"
    )
