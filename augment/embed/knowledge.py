"""Does the encoder know the language of the seeds, and can it tell their labels apart?

Two things show that it does not: its tokenizer finds unknown what it reads, or cuts words into
letters; and the nearest other seed bears the label of a seed no more often than a guess would.
Measured with MiniLM: English gives 1.1 to 1.5 tokens a word and hardly any unknown, German 2.3 to
2.6 tokens, Russian 4.1, Chinese 77 % unknown.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from augment.protocols import Vectors
from augment.tokens import words

MOST_UNKNOWN = 0.05
MOST_PIECES = 2.0
_MOST_SEEDS = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Knowledge:
    """What was measured on the seeds.

    Attributes:
        unknown: share of the tokens that the encoder's tokenizer does not know.
        pieces: tokens a word.
        accuracy: share of the seeds whose nearest other seed shares a label; None where no seed
            has another one of its label.
        guess: the share of the commonest label among them: what always guessing it would get.
    """

    unknown: float
    pieces: float
    accuracy: float | None
    guess: float | None

    @property
    def lacks(self) -> str | None:
        """What the encoder does not know, with the figure and its limit; None where it knows."""
        if self.unknown > MOST_UNKNOWN:
            return (
                f"{self.unknown:.0%} of the tokens are unknown to it (at most {MOST_UNKNOWN:.0%})"
            )
        if self.pieces > MOST_PIECES:
            return f"it cuts a word into {self.pieces:.1f} pieces (at most {MOST_PIECES:g})"
        if self.accuracy is not None and self.guess is not None and self.accuracy <= self.guess:
            return (
                f"the nearest other seed shares the label of {self.accuracy:.0%} of the seeds, "
                f"no more than always guessing the commonest ({self.guess:.0%})"
            )
        return None


def knowledge(
    texts: Sequence[str],
    labels: Sequence[tuple[str, ...]],
    vectors: Vectors,
    *,
    counts: Mapping[str, int],
) -> Knowledge:
    """Measure what the encoder knows of the seeds.

    Args:
        texts: of the seeds.
        labels: of each seed.
        vectors: of each seed, one row each.
        counts: `pieces` and `unknown`, as the encoder counts its tokens.
    """
    some = list(range(len(texts)))
    if len(some) > _MOST_SEEDS:
        some = sorted(random.Random(0).sample(some, _MOST_SEEDS))  # a file may be in any order
    accuracy, guess = _leave_one_out([labels[row] for row in some], vectors[some])
    return Knowledge(
        unknown=counts["unknown"] / max(counts["pieces"], 1),
        pieces=counts["pieces"] / max(sum(len(words(text)) for text in texts), 1),
        accuracy=accuracy,
        guess=guess,
    )


def _leave_one_out(
    labels: Sequence[tuple[str, ...]], vectors: Vectors
) -> tuple[float | None, float | None]:
    """Return how often the nearest other seed shares a label, and how often a guess would."""
    held = Counter(label for own in labels for label in own)
    rows = [row for row, own in enumerate(labels) if any(held[label] > 1 for label in own)]
    if len(held) < 2 or not rows:
        return None, None
    likeness = vectors @ vectors.T
    np.fill_diagonal(likeness, -np.inf)
    nearest = likeness.argmax(axis=1)
    right = sum(not set(labels[row]).isdisjoint(labels[int(nearest[row])]) for row in rows)
    commonest = max(sum(label in labels[row] for row in rows) for label in held)
    return right / len(rows), commonest / len(rows)
