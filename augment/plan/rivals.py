"""Which labels a text might have, and the seeds that show what each of them means."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from augment.ngrams import ngram_vectors
from augment.records import Example, labels_of

MOST_LABELS = 20
"""As many as servers tell the log-probabilities of, and as a model can weigh."""
_EXAMPLES = 8
_SAME = 1 - 1e-5
"""From this cosine on two texts are the same."""


class Rivals:
    """Ranks the labels by the seed nearest to a text.

    Nearness is that of character n-grams, as for `augment.plan.nearest`: prompts are the same
    whichever encoder judges the rows.

    Args:
        seeds: with one label each.
        labels: every label, those without seeds among them.
    """

    def __init__(self, seeds: Sequence[Example[Any]], labels: Sequence[str]) -> None:
        self._labels = tuple(labels)
        places: dict[str, list[int]] = {label: [] for label in labels}
        for place, seed in enumerate(seeds):
            for label in labels_of(seed.target):
                places[label].append(place)
        self._places = {label: np.array(own, np.int64) for label, own in places.items()}
        self._ids = [seed.id for seed in seeds]
        self._vectors = ngram_vectors([seed.whole for seed in seeds])

    def of(self, row: Example[Any]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return the labels to choose from, at most 20, and ids of seeds of each of them.

        The row's own label is always among them, beside its nearest rivals. Labels stand in their
        own order, and seeds by label, the nearest last; a seed is never shown beside itself, nor
        beside a row of the same text.
        """
        (vector,) = ngram_vectors([row.whole])
        likeness = self._vectors @ vector
        own = labels_of(row.target)
        nearest: dict[str, list[int]] = {}
        for label, places in self._places.items():
            order = places[np.argsort(likeness[places], kind="stable")]
            nearest[label] = [
                int(at) for at in order if likeness[at] < _SAME and self._ids[at] != row.id
            ]
        best = {label: likeness[found[-1]] if found else -1.0 for label, found in nearest.items()}
        ranked = sorted(self._labels, key=lambda label: (label not in own, -best[label]))
        chosen = [label for label in self._labels if label in set(ranked[:MOST_LABELS])]
        each = max(1, round(_EXAMPLES / len(chosen)))
        shown = tuple(self._ids[at] for label in chosen for at in nearest[label][-each:])
        return tuple(chosen), shown
