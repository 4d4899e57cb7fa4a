"""Which label's seeds a text is most like, by the words and parts of words that they share."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt

from augment.ngrams import ngram_vectors

T = TypeVar("T", bound=Hashable)
Floats = npt.NDArray[np.float32]


class Likeness(Generic[T]):
    """Knows labelled texts by their character n-grams, rare ones counting more.

    A label is as like a text as its nearest text plus the middle of all its texts.

    Args:
        texts: at least one.
        labels: of each text.
    """

    def __init__(self, texts: Sequence[str], labels: Sequence[T]) -> None:
        vectors = ngram_vectors(texts)
        held = np.count_nonzero(vectors, axis=0)
        self._rarity = (np.log((1 + len(texts)) / (1 + held)) + 1).astype(np.float32)
        self._labels = list(dict.fromkeys(labels))
        numbers = {label: number for number, label in enumerate(self._labels)}
        order = np.argsort([numbers[label] for label in labels], kind="stable")
        own = np.array([numbers[label] for label in labels])[order]
        self._starts = np.searchsorted(own, np.arange(len(self._labels)))
        known = _unit(vectors[order] * self._rarity)
        middles = _unit(np.add.reduceat(known, self._starts))
        self._by_place = np.ascontiguousarray(np.vstack([known, middles]).T)

    def likest(self, text: str) -> T:
        """Return the label that a text is most like; of equals, the one that came first."""
        vector = _unit(ngram_vectors([text]) * self._rarity)[0]
        held = np.flatnonzero(vector)
        # Not by BLAS, whose threads would wait for those of the model.
        products = np.einsum("i,ij->j", vector[held], self._by_place[held])
        texts, middles = np.split(products, [-len(self._labels)])
        return self._labels[int(np.argmax(np.maximum.reduceat(texts, self._starts) + middles))]


def _unit(rows: Floats) -> Floats:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.maximum(lengths, np.finfo(np.float32).tiny)
