"""In which order given rows are judged where the best of near-duplicates is to be kept.

Whoever comes first is kept, and what repeats it is rejected: so the best have to come first. The
scores that tell the best depend on no other row.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from augment.protocols import Task
from augment.records import Ask, Candidate, Fault
from augment.screening import Screening, rejected

_AT_ONCE = 1024
BY = ("agreement", "similarity")
"""The filters whose scores tell: the surer the label, the better; then the nearer a seed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenRows:
    """Rows of a file as answers; `ask` gives the ask for the row at a place."""

    task: Task[Any]
    ask: Callable[[int], Ask]
    answers: Sequence[str]


async def best_first(rows: GivenRows, screening: Screening) -> npt.NDArray[np.int64]:
    """Return the places of the rows, the best first; of rows as good, the first in the file.

    Rows that a filter rejects, or that have no score, come last. The margin of `agreement` is the
    smaller the surer the label is.
    """
    scores = np.full((len(BY), len(rows.answers)), -np.inf)
    for start in range(0, len(rows.answers), _AT_ONCE):
        places = range(start, min(start + _AT_ONCE, len(rows.answers)))
        found: list[tuple[int, Candidate]] = []
        for at in places:
            ask = rows.ask(at)
            row = rows.task.parse(rows.answers[at], ask)[0]
            if not isinstance(row, Fault):
                found.append((at, Candidate(example=row, ask=ask, key="", index=0)))
        candidates = [candidate for _, candidate in found]
        verdicts = screening.by_words(candidates)
        await screening.by_meaning(candidates, verdicts)
        for (at, _), own in zip(found, verdicts, strict=True):
            for each in () if rejected(own) else own:
                if each.filter in BY and each.score is not None:
                    sign = -1.0 if each.filter == "agreement" else 1.0
                    scores[BY.index(each.filter), at] = sign * each.score
        await asyncio.sleep(0)
    agreement, similarity = scores
    return np.lexsort((-similarity, -agreement)).astype(np.int64)
