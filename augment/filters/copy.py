"""Rows that copy a seed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from augment.filters.near_duplicate import on_nearness
from augment.filters.near_index import index_for
from augment.filters.passages import Passages, on_passage
from augment.filters.seed_threshold import seed_threshold
from augment.protocols import Vectors
from augment.records import Candidate, Example, Verdict

_MOST_SHARING = 0.01


class Copy:
    """Rejects what says in nearly the same words what some seed says, whatever its label.

    So it does with what shares a passage with one (`augment.filters.passages`), unless over 1 % of
    the seeds share one with another seed. A counterpart may resemble the seed that it is of, and
    share passages with it; not be the same.

    Args:
        threshold: Jaccard similarity from which a row is rejected; None takes it from the seeds.
    """

    name = "copy"
    sequential = False
    by_meaning = False
    calibration = None

    def __init__(self, *, threshold: float | None = None) -> None:
        self._given = threshold
        self._threshold = 1.0 if threshold is None else threshold
        self._index = index_for(threshold)
        self._passages: Passages | None = Passages()

    def fit(self, seeds: Sequence[Example[Any]], vectors: Vectors | None) -> None:  # noqa: ARG002 - the Protocol's
        """Compare with these seeds, from a threshold that they set unless it was given."""
        self._index.add([seed.id for seed in seeds], [seed.whole for seed in seeds])
        if self._given is None:
            self._threshold = seed_threshold(seeds)
        passages = Passages()
        for seed in seeds:
            passages.add(seed.id, seed.whole)
        shared = passages.shared([seed.whole for seed in seeds], but=[seed.id for seed in seeds])
        usual = sum(one is not None and one.repeats for one in shared)
        self._passages = passages if usual <= _MOST_SHARING * len(seeds) else None

    def judge(self, candidates: Sequence[Candidate], vectors: Vectors | None) -> list[Verdict]:  # noqa: ARG002 - the Protocol's
        """Return one verdict each, in order."""
        texts = [row.example.whole for row in candidates]
        but = [row.counterpart_of for row in candidates]
        near = self._index.nearest(texts, but=but)
        alike = [
            on_nearness(one, name=self.name, threshold=self._threshold, reason="copy_of_seed")
            for one in near
        ]
        if self._passages is None:
            return alike
        return [
            on_passage(passage, verdict, reason="copy_of_seed")
            for passage, verdict in zip(self._passages.shared(texts, but=but), alike, strict=True)
        ]

    def observe(self, accepted: Sequence[Example[Any]]) -> None:
        """Learn nothing: only seeds can be copied here."""
