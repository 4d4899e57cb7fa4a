"""Whether a draft of the model in the box is fit to be shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from typing import Generic, TypeVar

from augment.engines.copies import Copies
from augment.engines.likeness import Likeness
from augment.engines.training_texts import TrainingTexts
from augment.tokens import words

T = TypeVar("T", bound=Hashable)
_SAID_AGAIN = 3
"""So many words in a row that come twice are a loop."""
_END = 2
"""So many last words of a seed may end a draft, whatever the last one is: "never heard of"."""


class Fitness(Generic[T]):
    """Knows the seeds, and what the model was trained on; what seeds do, drafts may do.

    Args:
        texts: of the seeds, at least one.
        labels: of each seed.
        training: what is known of the model's training texts.
    """

    def __init__(
        self, texts: Sequence[str], labels: Sequence[T], *, training: TrainingTexts
    ) -> None:
        every = [words(text) for text in texts]
        self._training = training
        self._known = training.known.union(*every)
        self._ends = {tuple(own[-_END:]) for own in every}
        self._recited = set[int]().union(*map(training.recited, every))
        self._may_loop = any(map(_loops, every))
        self._copies = Copies(texts)
        self._likeness = Likeness(texts, labels)

    def faultless(self, text: str) -> bool:
        """Say whether a text is of words, whole, and no echo of a training text."""
        own = words(text)
        return (
            bool(own)
            and (own[-1] not in self._training.never_last or tuple(own[-_END:]) in self._ends)
            and all(word in self._known or not word.isalpha() for word in own)
            and (self._may_loop or not _loops(own))
            and self._training.recited(own) <= self._recited
        )

    def repeats(self, text: str) -> bool:
        """Say whether a text is a near copy of a seed."""
        return self._copies.has_near(text)

    def likest(self, text: str) -> T:
        """Return the label whose seeds a text is most like."""
        return self._likeness.likest(text)


def _loops(text: Sequence[str]) -> bool:
    runs = Counter(zip(*(text[at:] for at in range(_SAID_AGAIN)), strict=False))
    return max(runs.values(), default=0) > 1
