"""The rows on a run's map: a fair draw of seeds, accepted and rejected rows, laid on a plane."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

import numpy as np

from augment.records import Arrival, Candidate, Decision, Fault, Json, Verdict
from evals.projection import project
from evals.samples import Reservoir, masked, mended, rejection_fields, shorten
from evals.subject import Space, Subject

Kind: TypeAlias = Literal["seed", "accepted", "rejected"]

SHOWN: dict[Kind, int] = {"seed": 300, "accepted": 500, "rejected": 300}
"""At most, of each kind: 1,100 points take some three seconds to lay out."""
_COMPARED_CHARS = 10_000
"""What of a text is compared: a recipe may let books through, and encoders read a page."""


class Points:
    """Draws what a map shows while rows go by; rows without a text have no place on it."""

    def __init__(self, subject: Subject) -> None:
        self._labels_of = subject.labels_of
        self._random_seed = subject.random_seed
        self._drawn = {
            kind: Reservoir(size, draw_seed=f"{subject.random_seed}/map/{kind}")
            for kind, size in SHOWN.items()
        }
        for seed in subject.seeds.examples:
            self._offer("seed", seed.whole, name=seed.id, labels=self._labels_of(seed))

    def judged(self, arrival: Arrival, row: Candidate | Fault, decision: Decision) -> None:
        """Draw or leave a row."""
        name = f"{arrival.key[:16]}-{decision.index}"
        kind = "accepted" if decision.accepted else "rejected"
        verdict = None if decision.accepted else decision.rejection
        if isinstance(row, Candidate):
            whole, labels = row.example.whole, self._labels_of(row.example)
        else:
            whole, labels = "\n".join(filter(None, (row.text, row.text_pair))), arrival.ask.labels
        self._offer(kind, whole, name=name, labels=labels, verdict=verdict)

    def _offer(
        self,
        kind: Kind,
        whole: str,
        *,
        name: str,
        labels: tuple[str, ...],
        verdict: Verdict | None = None,
    ) -> None:
        if not whole.strip():
            return

        def build() -> dict[str, Json]:
            said = {} if verdict is None else rejection_fields(verdict)
            return {
                "kind": kind,
                "labels": list(dict.fromkeys(labels)),
                "reason": said.get("reason"),
                "filter": said.get("filter"),
                "text": shorten(whole if verdict is None else masked(whole)),
                "id": name,
                "whole": mended(whole[:_COMPARED_CHARS]),
            }

        self._drawn[kind].offer(build)

    def figures(self, space: Space | None) -> dict[str, Json] | None:
        """Return the map; None where there is nothing to compare rows by, or no row."""
        drawn: Sequence[dict[str, Json]] = [
            row for reservoir in self._drawn.values() for row in reservoir.drawn
        ]
        if space is None or not drawn:
            return None
        vectors = np.nan_to_num(space.vectors_of([row["whole"] for row in drawn]))
        method, places = project(vectors, random_seed=self._random_seed, linear=space.linear)
        return {
            "space": space.name,
            "method": method,
            "counts": {
                kind: {"shown": len(reservoir.drawn), "total": reservoir.seen}
                for kind, reservoir in self._drawn.items()
            },
            "points": [
                {"x": float(x), "y": float(y)}
                | {name: value for name, value in row.items() if name != "whole"}
                for row, (x, y) in zip(drawn, places, strict=True)
            ],
        }
