"""Mentions that read like another type than the one they bear.

The classifier of `augment.filters.agreement` on the n-grams of mentions: each with its words and
what stands beside it, held against the mentions of the seeds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from augment.filters.agreement import Agreement
from augment.protocols import Vectors
from augment.records import Calibration, Candidate, Example, Span, Verdict
from augment.shown import shown

_BESIDE = 24
"""Characters on either side."""
_MOST = 2_000
"""Mentions of the seeds that are learnt from, spread evenly: time grows with their square."""


class SpanAgreement:
    """Rejects rows with a mention that the classifier, confident by the seeds' measure, disputes.

    The score is the greatest margin of a mention. Abstains where `Agreement` would, and on rows
    without mentions.

    Args:
        precision: of rejections of mentions, if one in ten bears a wrong type.
    """

    name = "agreement"
    sequential = False
    by_meaning = False

    def __init__(self, *, precision: float = 0.5) -> None:
        self._inner = Agreement(precision=precision)

    @property
    def calibration(self) -> Calibration | None:
        """What was learnt, in terms of mentions."""
        found = self._inner.calibration
        if found is None:
            return None
        said = found.statement.replace("seeds", "mentions of the seeds").replace("Labels", "Types")
        return replace(found, statement=said.replace("Rows are", "Rows with a mention are"))

    def fit(self, seeds: Sequence[Example[Any]], vectors: Vectors | None) -> None:  # noqa: ARG002 - the Protocol's
        """Train on the mentions of the seeds."""
        mentions = [each for seed in seeds for each in _mentions(seed)]
        self._inner.fit(mentions[:: 1 + len(mentions) // _MOST], None)

    def judge(self, candidates: Sequence[Candidate], vectors: Vectors | None) -> list[Verdict]:  # noqa: ARG002 - the Protocol's
        """Return one verdict each, in order."""
        own = [list(_mentions(row.example)) for row in candidates]
        flat = [
            replace(row, example=each)
            for row, mentions in zip(candidates, own, strict=True)
            for each in mentions
        ]
        verdicts = iter(self._inner.judge(flat, None) if flat else [])
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
        yield Example(id=f"{example.id}/{at}", text=_seen(example.text, span), target=span.label)


def _seen(text: str, span: Span) -> str:
    before = text[max(0, span.start - _BESIDE) : span.start]
    mention = text[span.start : span.end]
    return f"{before}[{mention}]{text[span.end : span.end + _BESIDE]} [{mention}]"
