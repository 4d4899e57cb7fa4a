"""What a guard was asked about texts, and what it took: counted apart from the asks for rows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict

from augment.records import Asked, Json


def guard_figures(asked: Asked | None, *, recalled: Iterable[str]) -> dict[str, Json] | None:
    """Return what was asked over all sessions, and how many answers were known from earlier ones.

    Args:
        asked: as the guard has it; None where there is none.
        recalled: the answers that were known, of each session that was not killed.
    """
    return None if asked is None else {**asdict(asked), "recalled": sum(map(int, recalled))}
