"""What a guard said of texts, kept in the run's folder: no session asks again what one was told.

    {"text": SHA-256, "probability": 0.93, "calls": 1, "prompt_tokens": 210, "completion_tokens": 6}

A line for each answer. Where none could be read the probability is null, and a later session asks
again. A line that a crash cut off is passed over.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

import orjson

from augment.errors import JournalError

FILE = "guard.jsonl"
"""Its name in a run's folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back about one text.

    Attributes:
        text: its SHA-256 (hex).
        probability: of being unsafe; None where that was not told.
        calls: how many it took.
    """

    text: str
    probability: float | None
    calls: int
    prompt_tokens: int
    completion_tokens: int


class Answers:
    """The file, open to be added to.

    Raises:
        JournalError: it cannot be written or read.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self.before = tuple(answers_in(path))
            self._file = path.open("a+b")
            if _is_cut_off(self._file):
                self._file.write(b"\n")
        except OSError as error:
            raise self._translated(error) from error

    def add(self, answer: Answer) -> None:
        """Write an answer down; what was written outlives the process."""
        try:
            self._file.write(orjson.dumps(asdict(answer)) + b"\n")
            self._file.flush()
        except OSError as error:
            raise self._translated(error) from error

    def close(self) -> None:
        """Close the file."""
        try:
            self._file.close()
        except OSError as error:
            raise self._translated(error) from error

    def _translated(self, error: OSError) -> JournalError:
        return JournalError(
            f"{self._path}: {error}; what was committed before is kept, the same command continues"
        )


def answers_in(path: Path) -> Iterator[Answer]:
    """Yield what stands in the file, which need not be there."""
    if not path.exists():
        return
    with path.open("rb") as file:
        for line in file:
            try:
                found = Answer(**orjson.loads(line))
            except (ValueError, TypeError):
                continue
            yield found


def _is_cut_off(file: BinaryIO) -> bool:
    """Tell whether the last line has no end."""
    if file.seek(0, os.SEEK_END) == 0:
        return False
    file.seek(-1, os.SEEK_END)
    return file.read() != b"\n"


def calls_in(path: Path) -> int:
    """Return how many calls the answers in the file took."""
    return sum(answer.calls for answer in answers_in(path))
