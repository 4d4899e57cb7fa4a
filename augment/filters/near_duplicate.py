"""Rows that repeat an accepted row; and what any filter says of a row that repeats another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from augment.filters.minhash import Near, NearIndex, Sketch, Sketcher, calibrated_threshold
from augment.protocols import Vectors
from augment.records import Candidate, Example, Verdict, labels_of


class NearDuplicate:
    """Rejects what an accepted row has said in nearly the same words.

    `duplicate` has the same words in the same order, `near_duplicate` shares as many of them as
    the threshold says. The score is the Jaccard similarity to the nearest accepted row, None where
    no row was close enough to be measured.

    Args:
        sketcher: shared by the filters that compare words.
        threshold: Jaccard similarity from which a row is rejected; None takes it from the seeds.
    """

    name = "near_duplicate"
    sequential = True
    by_meaning = False
    calibration = None

    def __init__(self, sketcher: Sketcher, *, threshold: float | None = None) -> None:
        self._sketcher = sketcher
        self._given = threshold
        self._threshold = 1.0 if threshold is None else threshold
        self._index = NearIndex()

    def fit(self, seeds: Sequence[Example[Any]], vectors: Vectors | None) -> None:  # noqa: ARG002 - the Protocol's
        """Take the threshold from the seeds unless it was given."""
        if self._given is None:
            self._threshold = seed_threshold(seeds, sketches=sketched(seeds, self._sketcher))

    def judge(self, candidates: Sequence[Candidate], vectors: Vectors | None) -> list[Verdict]:  # noqa: ARG002 - the Protocol's
        """Return one verdict each, in order."""
        verdicts: list[Verdict] = []
        for sketch in self._sketcher.sketch([row.example.whole for row in candidates]):
            near = self._index.nearest(sketch)
            reason = "duplicate" if near is not None and near.same_words else "near_duplicate"
            verdicts.append(
                on_nearness(near, name=self.name, threshold=self._threshold, reason=reason)
            )
        return verdicts

    def observe(self, accepted: Sequence[Example[Any]]) -> None:
        """Compare with these rows from now on."""
        add_all(self._index, accepted, sketches=sketched(accepted, self._sketcher))


def on_nearness(near: Near | None, *, name: str, threshold: float, reason: str) -> Verdict:
    """Reject a row whose nearest other row reaches the threshold, naming that row."""
    if near is None or near.jaccard < threshold:
        score = None if near is None else near.jaccard
        return Verdict(filter=name, outcome="passed", score=score, threshold=threshold)
    return Verdict(
        filter=name,
        outcome="rejected",
        score=near.jaccard,
        threshold=threshold,
        reason=reason,
        detail=f"repeats {near.id}",
    )


def add_all(
    index: NearIndex, examples: Sequence[Example[Any]], *, sketches: Sequence[Sketch]
) -> None:
    """Add examples to an index under their ids."""
    for example, sketch in zip(examples, sketches, strict=True):
        index.add(example.id, sketch)


def sketched(examples: Sequence[Example[Any]], sketcher: Sketcher) -> list[Sketch]:
    """Return the sketch of each example, of both texts where it is a pair."""
    return sketcher.sketch([example.whole for example in examples])


def seed_threshold(seeds: Sequence[Example[Any]], *, sketches: Sequence[Sketch]) -> float:
    """Return the similarity that at most 1 % of the distinct seed pairs of one label reach.

    A seed with several labels counts under each; those without a label are a group of their own.
    """
    groups: dict[str | None, list[Sketch]] = {}
    for seed, sketch in zip(seeds, sketches, strict=True):
        for label in labels_of(seed.target) or (None,):
            groups.setdefault(label, []).append(sketch)
    return calibrated_threshold(list(groups.values()))
