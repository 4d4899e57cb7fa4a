"""Texts far shorter or longer than any seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from augment.protocols import Vectors
from augment.records import Candidate, Example, Verdict

_MIN_SEEDS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class _Range:
    """Lengths that are let through, in characters, both ends included."""

    least: float
    most: float


class Length:
    """Rejects texts under half the shortest or over twice the longest seed, in characters.

    The second text of a pair has a range of its own. A text whose range rests on fewer than
    three seeds is not judged; the filter abstains where that holds of the (first) text. White
    space at the ends is not counted.
    """

    name = "length"
    sequential = False
    by_meaning = False
    calibration = None

    def __init__(self) -> None:
        self._range: _Range | None = None
        self._pair_range: _Range | None = None

    def fit(self, seeds: Sequence[Example[Any]], vectors: Vectors | None) -> None:  # noqa: ARG002 - the Protocol's
        """Take the ranges from the seeds."""
        self._range = _range([seed.text for seed in seeds])
        self._pair_range = _range([seed.text_pair for seed in seeds if seed.text_pair is not None])

    def judge(self, candidates: Sequence[Candidate], vectors: Vectors | None) -> list[Verdict]:  # noqa: ARG002 - the Protocol's
        """Return one verdict each, in order; the score is a length, that of the faulty text."""
        return [self._on(row.example) for row in candidates]

    def observe(self, accepted: Sequence[Example[Any]]) -> None:
        """Learn nothing: accepted rows must not widen the range."""

    def _on(self, example: Example[Any]) -> Verdict:
        if self._range is None:
            return Verdict(filter=self.name, outcome="abstained", reason="too_few_seeds")
        fault = self._fault(example.text, self._range, "")
        if fault is None and example.text_pair is not None and self._pair_range is not None:
            fault = self._fault(example.text_pair, self._pair_range, "the second text")
        length = float(len(example.text.strip()))
        return fault or Verdict(filter=self.name, outcome="passed", score=length)

    def _fault(self, text: str, allowed: _Range, which: str) -> Verdict | None:
        length = float(len(text.strip()))
        if allowed.least <= length <= allowed.most:
            return None
        short = length < allowed.least
        return Verdict(
            filter=self.name,
            outcome="rejected",
            score=length,
            threshold=allowed.least if short else allowed.most,
            reason="too_short" if short else "too_long",
            detail=which or None,
        )


def _range(texts: Sequence[str]) -> _Range | None:
    if len(texts) < _MIN_SEEDS:
        return None
    lengths = [len(text.strip()) for text in texts]
    return _Range(least=min(lengths) / 2, most=2.0 * max(lengths))
