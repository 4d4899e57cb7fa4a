"""Toxic is what is hateful or abusive in its words: two small models, either of which suffices.

The first sees what a sentence says of whom: kernel least squares over MiniLM's vectors (its
centres drawn from the training texts: Williams and Seeger 2001). The second sees swearing however
it is spelt: logistic regression over character runs. Each gives a probability; they are joined as
1 - (1 - p)(1 - q), so that a mere mention of a group needs no swearing to pass, nor hate to fail.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import as_file, files
from pathlib import Path

import numpy as np
import numpy.typing as npt

from augment.toxicity.words import places, words

ENCODER = "all-MiniLM-L6-v2"
"""Whose vectors the model was trained on, and takes."""
FILE = "weights.npz"
WIDTH = 1.0
"""Of the kernel: exp(-WIDTH |x - y|^2)."""
_BLOCK = 1024
_MOST_REMEMBERED = 1 << 16

Vectors = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """The numbers of the model.

    Attributes:
        centres: shape (centres, 384).
        hate: of each centre's kernel, then the bias, then of each dimension.
        abuse: of each place of character runs, then the bias.
        steepness: by which the hate score becomes a logit; `caution` is taken off that of abuse.
    """

    centres: Vectors
    hate: Vectors
    abuse: Vectors
    steepness: float
    caution: float

    def save(self, path: Path) -> None:
        """Write them as plain numbers, the large ones in half precision."""
        np.savez_compressed(
            path,
            centres=self.centres.astype(np.float16),
            hate=self.hate.astype(np.float32),
            abuse=self.abuse.astype(np.float16),
            scales=np.array([self.steepness, self.caution]),
        )


@cache
def bundled() -> Weights:
    """Return the weights that come with the package."""
    with as_file(files("augment.toxicity").joinpath(FILE)) as path:
        return load(path)


def load(path: Path) -> Weights:
    """Read weights; nothing but numbers is read."""
    with np.load(path, allow_pickle=False) as held:
        steepness, caution = map(float, held["scales"])
        return Weights(
            centres=held["centres"].astype(np.float32),
            hate=held["hate"].astype(np.float32),
            abuse=held["abuse"].astype(np.float32),
            steepness=steepness,
            caution=caution,
        )


class Toxicity:
    """Scores texts."""

    def __init__(self, weights: Weights) -> None:
        self._weights = weights
        self._of_words: dict[str, tuple[float, int]] = {}

    def probabilities(self, texts: Sequence[str], vectors: Vectors) -> npt.NDArray[np.float64]:
        """Return how probably each text is toxic, given its vector by MiniLM, one row each."""
        weights = self._weights
        hate = _squashed(weights.steepness * hate_scores(weights, vectors))
        abuse = _squashed(np.array([self._abuse(text) for text in texts]) - weights.caution)
        return 1 - (1 - hate) * (1 - abuse)

    def _abuse(self, text: str) -> float:
        """Return the logit of the character runs: the sum over words, by the root of their count.

        Linear in the words, so that each is reckoned up once.
        """
        total, count = 0.0, 0
        for word in words(text):
            own = self._of_words.get(word)
            if own is None:
                own = self._remember(word)
            total, count = total + own[0], count + own[1]
        return total / max(count, 1) ** 0.5 + float(self._weights.abuse[-1])

    def _remember(self, word: str) -> tuple[float, int]:
        found = places(word)
        own = float(self._weights.abuse[found].sum()), len(found)
        if len(self._of_words) >= _MOST_REMEMBERED:
            self._of_words.clear()
        self._of_words[word] = own
        return own


def kernels(vectors: Vectors, centres: Vectors) -> Vectors:
    """Return the kernel of each vector with each centre: shape (len(vectors), len(centres))."""
    products = vectors @ centres.T
    lengths, own = (np.einsum("ij,ij->i", each, each) for each in (vectors, centres))
    return np.exp(-WIDTH * np.maximum(lengths[:, None] + own - 2 * products, 0.0))


def hate_scores(weights: Weights, vectors: Vectors) -> npt.NDArray[np.float64]:
    """Return a score for each vector, some -1 for not hateful and 1 for hateful."""
    count = len(weights.centres)
    scores = np.empty(len(vectors))
    for start in range(0, len(vectors), _BLOCK):
        some = vectors[start : start + _BLOCK]
        scores[start : start + _BLOCK] = (
            kernels(some, weights.centres) @ weights.hate[:count]
            + weights.hate[count]
            + some @ weights.hate[count + 1 :]
        )
    return scores


def _squashed(logits: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return 1 / (1 + np.exp(-np.clip(logits, -60, 60)))
