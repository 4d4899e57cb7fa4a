"""Whether a text says nearly what one of the seeds says."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from augment.tokens import words

COPY = 0.7
"""The Jaccard similarity of word sets from which a text counts as a copy of a seed."""
_NOWHERE = np.empty(0, dtype=np.int64)


class Copies:
    """Knows the word sets of some texts."""

    def __init__(self, texts: Sequence[str]) -> None:
        sets = [frozenset(words(text)) for text in texts]
        self._sizes = np.array([len(own) for own in sets])
        holders: dict[str, list[int]] = {}
        for place, own in enumerate(sets):
            for word in own:
                holders.setdefault(word, []).append(place)
        self._holders = {word: np.array(places) for word, places in holders.items()}

    def has_near(self, text: str) -> bool:
        """Say whether some text has nearly these words; one without words is near to all such."""
        own = frozenset(words(text))
        held = [self._holders[word] for word in own if word in self._holders]
        shared = np.bincount(np.concatenate([_NOWHERE, *held]), minlength=len(self._sizes))
        return bool(np.any(shared >= COPY * (len(own) + self._sizes - shared)))
