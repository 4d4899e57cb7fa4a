"""The seam in `seedlm`: whatever writes a text for an ask can stand here."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Protocol

from augment.records import Ask, Sampling


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A text, or a pair of texts.

    Attributes:
        tokens: how many were drawn for it; those of drafts that were thrown away are not counted.
        cut: whether it breaks off.
    """

    text: str
    text_pair: str = ""
    tokens: int
    cut: bool


class Writer(Protocol):
    """Who makes up the texts.

    Attributes:
        model: its name, as provenance shows it.
    """

    model: str

    def write(self, ask: Ask, *, sampling: Sampling, room: int, rng: random.Random) -> Written:
        """Return a new text for `ask` of at most `room` tokens."""
        ...
