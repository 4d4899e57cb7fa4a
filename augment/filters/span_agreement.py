"""Mentions that read like another type than the one they bear.

The classifier of `augment.filters.agreement` on the mentions of the seeds: on what the encoder sees
of each and right beside it or, without an encoder, on the n-grams of its words and those beside.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np

from augment.filters.agreement import Agreement
from augment.protocols import PLACE_PARTS, Vectors
from augment.records import Calibration, Candidate, Example, Span, Verdict
from augment.shown import shown

_BESIDE = 24
"""Characters on either side, for n-grams."""
_WEIGHTS = np.array([1.0, 0.5, 0.5], dtype=np.float32)
"""Of the mention, and of what stands before and after it, in its vector."""
_MOST = 2_000
"""Mentions of the seeds that are learnt from, spread evenly: time grows with their square."""


class SpanAgreement:
    """Rejects rows with a mention that the classifier, confident by the seeds' measure, disputes.

    The score is the greatest margin of a mention. Abstains where `Agreement` would, on rows
    without mentions, and on mentions farther on in a text than the encoder reads.

    Args:
        precision: of rejections of mentions, if one in ten bears a wrong type.
        encoder: name of the encoder whose vectors come in.
    """

    name = "agreement"
    sequential = False
    by_meaning = True
    of_mentions: Literal[True] = True

    def __init__(self, *, precision: float = 0.5, encoder: str = "") -> None:
        self._inner = Agreement(precision=precision, encoder=encoder)

    @property
    def calibration(self) -> Calibration | None:
        """What was learnt, in terms of mentions."""
        found = self._inner.calibration
        if found is None:
            return None
        said = found.statement.replace("seeds", "mentions of the seeds").replace("Labels", "Types")
        said = said.replace("Left out one group", "Left out one seed")
        return replace(found, statement=said.replace("Rows are", "Rows with a mention are"))

    def fit(self, seeds: Sequence[Example[Any]], vectors: Vectors | None) -> None:
        """Train on the mentions of the seeds."""
        mentions = [each for seed in seeds for each in _mentions(seed)]
        found = _weighted(vectors)
        seen = [at for at in range(len(mentions)) if found is None or found[at].any()]
        chosen = seen[:: 1 + len(seen) // _MOST]
        self._inner.fit([mentions[at] for at in chosen], None if found is None else found[chosen])

    def judge(self, candidates: Sequence[Candidate], vectors: Vectors | None) -> list[Verdict]:
        """Return one verdict each, in order."""
        own = [list(_mentions(row.example)) for row in candidates]
        flat = [
            replace(row, example=each)
            for row, mentions in zip(candidates, own, strict=True)
            for each in mentions
        ]
        found = _weighted(vectors)
        told = self._inner.judge(flat, found) if flat else []
        unseen = Verdict(filter=self.name, outcome="abstained", reason="not_read")
        verdicts = iter(
            each if found is None or found[at].any() else unseen for at, each in enumerate(told)
        )
        return [
            self._on(row.example, [next(verdicts) for _ in mentions])
            for row, mentions in zip(candidates, own, strict=True)
        ]

    def observe(self, accepted: Sequence[Example[Any]]) -> None:
        """Learn nothing: a wrong type that slipped through must not make others look right."""

    def _on(self, example: Example[Any], verdicts: Sequence[Verdict]) -> Verdict:
        if not verdicts:
            return Verdict(filter=self.name, outcome="abstained", reason="no_label")
        judged = [at for at, each in enumerate(verdicts) if each.score is not None]
        if not judged:
            return verdicts[0]
        worst = max(judged, key=lambda at: verdicts[at].score or 0.0)
        verdict = verdicts[worst]
        if verdict.outcome != "rejected":
            return verdict
        span = example.target.entities[worst]
        what = f"{shown(example.text[span.start : span.end])} ({span.label}) {verdict.detail}"
        return replace(verdict, detail=what)


def _mentions(example: Example[Any]) -> Iterator[Example[str]]:
    """Yield each mention as a text of its own, its type as the label."""
    for at, span in enumerate(example.target.entities):
        yield Example(
            id=f"{example.id}/{at}",
            text=_seen(example.text, span),
            target=span.label,
            group=example.id,
        )


def _seen(text: str, span: Span) -> str:
    before = text[max(0, span.start - _BESIDE) : span.start]
    mention = text[span.start : span.end]
    return f"{before}[{mention}]{text[span.end : span.end + _BESIDE]} [{mention}]"


def _weighted(places: Vectors | None) -> Vectors | None:
    """Return a vector of unit length, or zeros, for each place; None where nothing is seen."""
    if places is None or not places.shape[1]:
        return None
    parts = places.reshape(len(places), PLACE_PARTS, -1) * _WEIGHTS[:, None]
    found = parts.reshape(len(places), -1)
    return found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-12)
