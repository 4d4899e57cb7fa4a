"""Labels of seeds and accepted rows that look wrong, by confident learning over both together."""

from __future__ import annotations

from collections import Counter

import numpy as np

from augment.filters.confident_learning import Joint, confident_joint, out_of_sample
from augment.records import Candidate, Decision, Json
from evals.samples import Reservoir, mended, shorten
from evals.subject import Space, Subject
from evals.tally import Row

_MOST_SEEDS, _MOST_ROWS = 1_000, 2_000
_LEAST_OF_LABEL = 5
"""Rows of a label with fewer are left out: its threshold would be of no account."""
_LEAST_ROWS = 30
_SHOWN = 20
_PAIRS_SHOWN = 10
_COMPARED_CHARS = 10_000


class Doubts:
    """Draws seeds and accepted rows while they go by; of rows with one label each."""

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._seeds = Reservoir(_MOST_SEEDS, draw_seed=f"{subject.random_seed}/doubts/seeds")
        self._rows = Reservoir(_MOST_ROWS, draw_seed=f"{subject.random_seed}/doubts/rows")
        self._fit = subject.task == "classification" and not subject.seeds.several
        for seed in subject.seeds.examples:
            self._offer(self._seeds, seed.id, seed.whole, seed.target)

    def judged(self, row: Row, decision: Decision) -> None:
        """Draw or leave a row that was accepted."""
        if decision.accepted and isinstance(row, Candidate):
            name = f"{row.key[:16]}-{row.index}"
            self._offer(self._rows, name, row.example.whole, row.example.target)

    def _offer(self, into: Reservoir, name: str, whole: str, label: object) -> None:
        if self._fit and isinstance(label, str) and whole.strip():
            into.offer(lambda: (name, mended(whole[:_COMPARED_CHARS]), label))

    def figures(self, space: Space | None) -> dict[str, Json] | None:
        """Return what looks wrong; None where there is too little to tell it from."""
        if space is None:
            return None
        drawn = [("seed", *each) for each in self._seeds.drawn]
        drawn += [("accepted", *each) for each in self._rows.drawn]
        counts = Counter(label for *_, label in drawn)
        drawn = [each for each in drawn if counts[each[3]] >= _LEAST_OF_LABEL]
        names = sorted({label for *_, label in drawn})
        if len(names) < 2 or len(drawn) < _LEAST_ROWS:
            return None
        place = {name: at for at, name in enumerate(names)}
        labels = [place[label] for *_, label in drawn]
        vectors = np.nan_to_num(space.vectors_of([whole for _, _, whole, _ in drawn]))
        joint = confident_joint(out_of_sample(vectors, labels, count=len(names)), labels)
        of_kind = Counter(kind for kind, *_ in drawn)
        found = Counter(drawn[each.row][0] for each in joint.suspects)
        return {
            "space": space.name,
            "seeds": {"judged": of_kind["seed"], "doubted": found["seed"]},
            "accepted": {
                "judged": of_kind["accepted"],
                "doubted": found["accepted"],
                "of": self._rows.seen,
            },
            "wrong": round(joint.wrong, 4),
            "pairs": _pairs(joint, names),
            "rows": [
                {
                    "kind": drawn[each.row][0],
                    "id": drawn[each.row][1],
                    "text": shorten(drawn[each.row][2]),
                    "label": drawn[each.row][3],
                    "fits": names[each.label],
                    "margin": round(each.margin, 4),
                }
                for each in joint.suspects[:_SHOWN]
            ],
        }


def _pairs(joint: Joint, names: list[str]) -> list[Json]:
    """Return which labels are mistaken for which, by how many rows that is estimated to be."""
    found = sorted(
        (-float(joint.counts[i, j]), given, true)
        for i, given in enumerate(names)
        for j, true in enumerate(names)
        if i != j and joint.counts[i, j] > 0
    )
    return [
        {"given": given, "true": true, "rows": round(-rows, 2)}
        for rows, given, true in found[:_PAIRS_SHOWN]
    ]
