"""Annotated rows that repeat a seed or an accepted row, and those that exchange its mentions.

Two rows that differ in their mentions alone are variants of one: of use, in moderation. So rows
are compared twice, by all their words and by those around their mentions. The same words again are
a duplicate; nearly the same, unless only the mentions differ, a near-duplicate; nearly the same
around the mentions, a variant, of which a family has so many at most.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Literal

from augment.filters.near_index import Near, index_for
from augment.filters.seed_threshold import by_label, calibrated_threshold, seed_threshold
from augment.protocols import Vectors
from augment.records import Annotation, Candidate, Example, Verdict, labels_of

_MARK = "\ue000"
"""Stands before a mention's type in its place: a word that no text has."""


class Variants:
    """Rejects what repeats a seed or an accepted row, and variants beyond so many of a family.

    The score is the Jaccard similarity that decided; of variants, how many a family has.

    Args:
        most: accepted variants of one seed or row.
        threshold: Jaccard similarity from which a row is rejected; None takes it from the seeds.
        against: rows of other runs, whose words are compared with as an accepted row's are.
    """

    name = "variants"
    sequential = True
    for_good: Literal[True] = True
    by_meaning = False
    calibration = None

    def __init__(
        self,
        *,
        most: int,
        threshold: float | None = None,
        against: Sequence[Example[Any]] = (),
    ) -> None:
        self._most = most
        self._given = threshold
        self._threshold = self._around = 1.0 if threshold is None else threshold
        self._words, self._frames = index_for(threshold), index_for(threshold)
        self._words.add([row.id for row in against], [row.text for row in against])
        self._seeds: frozenset[str] = frozenset()
        self._families: dict[str, str] = {}
        self._sizes: Counter[str] = Counter()

    def fit(self, seeds: Sequence[Example[Any]], vectors: Vectors | None) -> None:  # noqa: ARG002 - the Protocol's
        """Compare with these seeds, from thresholds that they set unless one was given."""
        self._seeds = frozenset(seed.id for seed in seeds)
        if self._given is None:
            self._threshold = seed_threshold(seeds)
            marked = [seed for seed in seeds if labels_of(seed.target)]
            frames = [framed(seed) for seed in marked]
            self._around = calibrated_threshold(by_label(marked, frames))
        for seed in seeds:
            self._add(seed)

    def judge(self, candidates: Sequence[Candidate], vectors: Vectors | None) -> list[Verdict]:  # noqa: ARG002 - the Protocol's
        """Return one verdict each, in order."""
        return [self._on(row.example) for row in candidates]

    def observe(self, accepted: Sequence[Example[Any]]) -> None:
        """Compare with these rows from now on."""
        for each in accepted:
            family = self._add(each)
            if family != each.id:
                self._sizes[family] += 1

    def _on(self, example: Example[Any]) -> Verdict:
        (near,) = self._words.nearest([example.text])
        if near is not None and near.same_words:
            return self._rejected(near, "duplicate")
        frame = self._nearest_frame(example)
        exchanged = frame is not None and frame.same_words
        if near is not None and near.jaccard >= self._threshold and not exchanged:
            return self._rejected(near, "near_duplicate")
        if frame is None or frame.jaccard < self._around:
            score = None if near is None else near.jaccard
            return Verdict(
                filter=self.name, outcome="passed", score=score, threshold=self._threshold
            )
        family = self._families[frame.id]
        size = self._sizes[family]
        full = size >= self._most
        return Verdict(
            filter=self.name,
            outcome="rejected" if full else "passed",
            score=float(size),
            threshold=float(self._most),
            reason="variants" if full else None,
            detail=f"{family} with other mentions, of which there are {size}" if full else None,
        )

    def _rejected(self, near: Near, reason: str) -> Verdict:
        return Verdict(
            filter=self.name,
            outcome="rejected",
            score=near.jaccard,
            threshold=self._threshold,
            reason="copy_of_seed" if near.id in self._seeds else reason,
            detail=f"repeats {near.id}",
        )

    def _nearest_frame(self, example: Example[Any]) -> Near | None:
        """Return the row most like this one around its mentions; None where it has none."""
        if not example.target.entities:
            return None
        (near,) = self._frames.nearest([framed(example)])
        return near

    def _add(self, example: Example[Any]) -> str:
        """Add a row, and return its family: itself, or what it is a variant of."""
        frame = self._nearest_frame(example)
        own = frame is None or frame.jaccard < self._around
        family = example.id if own else self._families[frame.id] if frame else example.id
        self._families[example.id] = family
        self._words.add([example.id], [example.text])
        if example.target.entities:
            self._frames.add([example.id], [framed(example)])
        return family


def framed(example: Example[Annotation]) -> str:
    """Return a text with the type of each mention in its place; of overlapping ones the first's."""
    parts: list[str] = []
    done = 0
    for each in example.target.entities:
        if each.start >= done:
            parts += [example.text[done : each.start], f" {_MARK}{each.label} "]
            done = each.end
    return "".join([*parts, example.text[done:]])
