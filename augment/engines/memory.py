"""What the seeds say next: the cache beside the language model in the box.

A small transformer writes sentences but does not take its topic from the prompt. A continuous
cache does (Grave et al. 2017, arXiv 1612.04426; nearest-neighbour language models, Khandelwal et
al. 2020, arXiv 1911.00172): at each step the n-grams of the seeds propose what follows, and the
model has the weight that is left, the more of it the shorter the n-gram that they go by.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np

from augment.decoding.guide import Known
from augment.engines.kneser_ney import MARKS, KneserNey

_CONTEXTS_KEPT = 2_000
_UNKNOWN_LENGTH = 64
_TIREDEST = 8
_NOTHING: Known = (np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float32), 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Taste:
    """How much the seeds are listened to; chosen by `benchmarks/taste.py`.

    Attributes:
        own: weight of the seeds of the wanted label, where their longest n-grams know what
            follows; shorter ones have a smaller part of it.
        others: weight of all seeds, beside it.
        order: length of the longest n-grams.
        patience: after so many tokens that one seed alone says in this order, beyond the longest
            n-gram, its label is heard less.
        tiring: by which the weight shrinks with each token more.
        drafts: how many answers may be thrown away for a better one.
    """

    own: float = 0.9
    others: float = 0.05
    order: int = 4
    patience: int = 4
    tiring: float = 0.8
    drafts: int = 8


class SeedMemory:
    """What may follow, by the answers that the seeds would be; see `augment.decoding.guide`.

    The first three tokens of the vocabulary are marks that no answer holds.

    Attributes:
        longest: how many tokens the longest of the label's seeds has.

    Args:
        own: tokens of the answers of the label's seeds.
        general: of all seeds' answers, fitted once for all labels.
        taste: how much they are listened to.
    """

    def __init__(self, own: Sequence[Sequence[int]], general: KneserNey, *, taste: Taste) -> None:
        self.taste = taste
        self.longest = max(map(len, own), default=_UNKNOWN_LENGTH)
        model = KneserNey(own, size=general.size, order=taste.order) if own else None
        parts = [(taste.others, general), *([(taste.own, model)] if model is not None else [])]
        self._known = lru_cache(maxsize=_CONTEXTS_KEPT)(
            partial(_looked_up, parts, order=taste.order)
        )
        self._runs = _runs(own, taste.order + taste.patience)

    def after(self, answer: Sequence[int]) -> Known:
        """Return what follows the answer so far somewhere in the seeds."""
        if not answer:
            return _NOTHING
        tokens, chances, left = self._known(tuple(answer[1 - self.taste.order :]))
        tired = self.taste.tiring ** self._copied(answer)
        return tokens, chances * tired, 1 - (1 - left) * tired

    def _copied(self, answer: Sequence[int]) -> int:
        """Return by how many tokens the end of the answer is longer a copy than is borne."""
        length = self.taste.order + self.taste.patience
        count = 0
        while count < _TIREDEST and len(answer) >= length + count:
            end = len(answer) - count
            if tuple(answer[end - length : end]) not in self._runs:
                break
            count += 1
        return count


def _looked_up(
    parts: Sequence[tuple[float, KneserNey]], context: tuple[int, ...], *, order: int
) -> Known:
    """Return what the models say after a context, each with its weight."""
    tokens: list[np.ndarray] = []
    chances: list[np.ndarray] = []
    left = 1.0
    for weight, model in parts:
        followers, known, length = model.after(context)
        followers, known = followers[followers >= MARKS], known[followers >= MARKS]
        if len(followers):
            share = weight * length / (order - 1)
            left -= share
            tokens.append(followers)
            chances.append((share * known / known.sum()).astype(np.float32))
    if not tokens:
        return _NOTHING
    return np.concatenate(tokens), np.concatenate(chances), left


def _runs(texts: Sequence[Sequence[int]], length: int) -> frozenset[tuple[int, ...]]:
    """Return the runs of so many tokens that stand in one text alone."""
    seen = Counter(
        run
        for text in texts
        for run in {tuple(text[at : at + length]) for at in range(len(text) - length + 1)}
    )
    return frozenset(run for run, count in seen.items() if count == 1)
