"""The exception tree.

AugmentError
├── InputError      what the user gave cannot be used: seeds, recipe, template, folder   (exit 2)
├── EngineUnusable  the engine refuses us at the start: nothing there, no access, no model  (exit 2)
├── QuotaNotMet     a run ended before its quotas were full                              (exit 3)
├── EngineGone      no answer for longer than the user is willing to wait                (exit 3)
├── EncoderError    the sentence encoder's process died                                   (exit 1)
└── JournalError    the journal cannot be written or read: disk full, read-only          (exit 1)

A failure of one request is not an exception but a value, `augment.records.Failure`: it stands in
the place of the answer, is journalled like one and ends as a rejected row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


class AugmentError(Exception):
    """Whatever this project raises on purpose; its text is fit for a user's eyes."""

    exit_code = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class InputFault:
    """One thing wrong with an input, and where.

    Attributes:
        where: the file, with the row where there is one (`seeds.csv, row 17`), or the option.
        what: what was found and what is allowed.
    """

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


class InputError(AugmentError):
    """An input that cannot be used, with every fault that was found in it."""

    exit_code = 2

    def __init__(self, faults: Sequence[InputFault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(str(fault) for fault in self.faults))

    @classmethod
    def one(cls, where: str, what: str) -> InputError:
        """The error for a single fault."""
        return cls([InputFault(where=where, what=what)])


class EngineUnusable(AugmentError):
    """The engine cannot serve this run at all, and waiting would not help."""

    exit_code = 2


class QuotaNotMet(AugmentError):
    """A run ended before its quotas were full; what was made is kept.

    Attributes:
        run: the `augment.Run`, with its accepted and rejected rows.
    """

    exit_code = 3

    def __init__(self, why: str, *, run: Any) -> None:
        self.run = run
        super().__init__(why)


class EngineGone(AugmentError):
    """The engine answered once and has now been silent for longer than `max_wait_s`."""

    exit_code = 3


class EncoderError(AugmentError):
    """The sentence encoder's process died; what was committed before is kept."""

    exit_code = 1


class JournalError(AugmentError):
    """The journal could not be written or read; what was committed before is kept."""

    exit_code = 1
