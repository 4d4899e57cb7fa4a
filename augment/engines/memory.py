"""What the seeds say next: the cache beside the language model in the box.

A small transformer writes sentences but does not take its topic from the prompt. A continuous
cache does (Grave et al. 2017, arXiv 1612.04426; nearest-neighbour language models, Khandelwal et
al. 2020, arXiv 1911.00172): at each step the n-grams of the seeds propose what follows, and the
model has the weight that their back-off leaves, Kneser and Ney's with a transformer for its
shortest contexts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from augment.engines.kneser_ney import KneserNey

_CONTEXTS_KEPT = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Taste:
    """How much the seeds are listened to.

    Attributes:
        own: weight of the seeds of the wanted label, where they know what follows.
        others: weight of all seeds, beside it.
        order: length of the longest n-grams.
        patience: after so many tokens that one seed alone says in this order, it is heard less.
        tiring: by which its weight shrinks with each token more.
    """

    own: float = 0.6
    others: float = 0.05
    order: int = 4
    patience: int = 3
    tiring: float = 0.7


class SeedMemory:
    """The Protocol `augment.decoding.prior.Prior` over the answers that the seeds would be.

    The first three tokens of the vocabulary are marks that no answer holds.

    Args:
        own: tokens of the answers of the label's seeds.
        general: of all seeds' answers, fitted once for all labels.
        taste: how much they are listened to.
    """

    def __init__(self, own: Sequence[Sequence[int]], general: KneserNey, *, taste: Taste) -> None:
        self._taste = taste
        self._own = KneserNey(own, size=general.size, order=taste.order) if own else None
        self._general = general
        self._known = lru_cache(maxsize=_CONTEXTS_KEPT)(self._look_up)
        self._runs = _runs(own, taste.order + taste.patience)

    def after(self, answer: Sequence[int]) -> tuple[list[int], list[float], float]:
        """Return what follows the answer so far somewhere in the seeds."""
        taste = self._taste
        if not answer:
            return [], [], 1.0
        context = tuple(answer[-(taste.order - 1) :])
        tokens, chances, leftover = self._known(context)
        tired = taste.tiring ** self._copied(answer)
        if tired < 1:
            chances = [share * tired for share in chances]
            leftover = 1 - sum(chances)
        return tokens, chances, leftover

    def _copied(self, answer: Sequence[int]) -> int:
        """Return by how many tokens the end of the answer is longer a copy than is borne."""
        length = self._taste.order + self._taste.patience
        count = 0
        while count < 8 and len(answer) >= length + count:
            end = len(answer) - count
            if tuple(answer[end - length : end]) not in self._runs:
                break
            count += 1
        return count

    def _look_up(self, context: tuple[int, ...]) -> tuple[list[int], list[float], float]:
        parts = [(self._taste.others, self._general)]
        if self._own is not None:
            parts.append((self._taste.own, self._own))
        found: dict[int, float] = {}
        for weight, model in parts:
            tokens, chances, _ = model.after(context)
            for token, chance in zip(tokens.tolist(), chances.tolist(), strict=True):
                found[token] = found.get(token, 0.0) + weight * chance
        return list(found), list(found.values()), 1 - sum(found.values())


def _runs(texts: Sequence[Sequence[int]], length: int) -> frozenset[tuple[int, ...]]:
    return frozenset(
        tuple(text[at : at + length]) for text in texts for at in range(len(text) - length + 1)
    )
