"""Seeds and rows as points on a sphere: what an encoder would give, with the truth known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from augment.records import Ask, Candidate, Example


def unit(rows):
    rows = np.asarray(rows, dtype=np.float64)
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


class Sphere:
    """Clusters of points, one per label; `spread` is how far points lie from their middle."""

    def __init__(self, labels: Sequence[str], *, width: int = 48, spread: float = 0.8, seed: int):
        self.labels = list(labels)
        self._rng = np.random.default_rng(seed)
        self._spread = spread / np.sqrt(width)
        self._middles = unit(self._rng.normal(size=(len(labels), width)))

    def points(self, labels):
        """Return a point near the middle of each label, or of each set of labels."""
        places = [
            [self.labels.index(each) for each in ((own,) if isinstance(own, str) else own)]
            for own in labels
        ]
        middles = np.array([self._middles[own].mean(axis=0) for own in places])
        return unit(unit(middles) + self._rng.normal(0, self._spread, middles.shape))


def examples(targets, texts=None, prefix="s"):
    texts = texts or [f"text {number}" for number in range(len(targets))]
    return [
        Example(id=f"{prefix}{number}", text=text, target=target)
        for number, (target, text) in enumerate(zip(targets, texts, strict=True))
    ]


def candidates(targets, texts=None):
    ask = Ask(number=0, strategy="fewshot", labels=("x",))
    return [
        Candidate(example=row, ask=ask, key="k", index=0) for row in examples(targets, texts, "r")
    ]
