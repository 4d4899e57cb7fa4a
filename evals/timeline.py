"""How fast a run was, over the time in which a process was at work on it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate

from augment.records import Json

MOST_BINS = 120
_ANSWERS_PER_BIN = 8
"""With fewer answers a bin shows chance, not speed; bins are joined until they have as many."""
_LEAST_S = 0.001
"""A shorter time is none: a rate over it would say nothing, or overflow."""
_JOINS = tuple(n for n in range(1, MOST_BINS + 1) if MOST_BINS % n == 0)


class Timeline:
    """Counts by active time: the sessions laid end to end, without the pauses between them.

    Attributes:
        active_s: how long the sessions took together.
    """

    def __init__(self, sessions: Sequence[tuple[float, float]]) -> None:
        """Take the (start, end) of each session, in seconds since the epoch and in order."""
        self._starts = [start for start, _ in sessions]
        self._lengths = [max(end - start, 0.0) for start, end in sessions]
        self._before = [0.0, *accumulate(self._lengths)]
        self.active_s = self._before[-1]
        self._answers = [0] * MOST_BINS
        self._accepted = [0] * MOST_BINS
        self._tokens = [0] * MOST_BINS

    def add(self, at: float, *, accepted: int, tokens: int) -> None:
        """Count an answer at the time of its arrival, with the accepted rows that it held."""
        place = self._bin(at)
        self._answers[place] += 1
        self._accepted[place] += accepted
        self._tokens[place] += tokens

    def _bin(self, at: float) -> int:
        session = bisect_right(self._starts, at) - 1
        if session < 0 or self.active_s < _LEAST_S:
            return 0
        within = min(at - self._starts[session], self._lengths[session])
        share = (self._before[session] + within) / self.active_s
        return min(int(share * MOST_BINS), MOST_BINS - 1)

    def figures(self) -> dict[str, Json]:
        """Return the rates per second in each bin; no bins where next to no time went by."""
        answers = sum(self._answers)
        if self.active_s < _LEAST_S or answers == 0:
            return {"bin_s": None, "answers_per_s": [], "accepted_per_s": [], "tokens_per_s": []}
        least = max(_ANSWERS_PER_BIN / answers, _LEAST_S / self.active_s) * MOST_BINS
        joined = next((n for n in _JOINS if n >= least), MOST_BINS)
        bin_s = self.active_s * joined / MOST_BINS

        def rates(counts: Sequence[int]) -> list[float]:
            starts = range(0, MOST_BINS, joined)
            return [_rounded(sum(counts[at : at + joined]) / bin_s) for at in starts]

        return {
            "bin_s": round(bin_s, 3),
            "answers_per_s": rates(self._answers),
            "accepted_per_s": rates(self._accepted),
            "tokens_per_s": rates(self._tokens),
        }


def rate(count: float, duration_s: float) -> float | None:
    """Return the count per second to four digits; None where next to no time went by."""
    return _rounded(count / duration_s) if duration_s >= _LEAST_S else None


def _rounded(value: float) -> float:
    return float(f"{value:.4g}")
