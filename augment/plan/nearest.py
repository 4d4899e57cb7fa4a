"""The seeds that share most words with a given text, to be shown beside it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from augment.ngrams import ngram_vectors
from augment.records import Example, SeedSet, Target, place_of


def nearest_seeds(
    seeds: SeedSet, texts: Sequence[Example[Target]], *, shots: int
) -> Callable[[int], tuple[str, ...]]:
    """Return what names, for each ask about a text, up to `shots` seeds, the nearest one last.

    What stands last in a prompt weighs most. Nearness is that of character n-grams, so that
    prompts are the same whichever encoder judges the rows, and no ask waits for one.
    """
    if not seeds.examples or not shots:
        return lambda _: ()
    ids = [seed.id for seed in seeds.examples]
    vectors = ngram_vectors([seed.whole for seed in seeds.examples])

    def nearest(ask: int) -> tuple[str, ...]:
        (vector,) = ngram_vectors([texts[place_of(ask, rows=len(texts))].whole])
        likeness = vectors @ vector
        found: list[int] = np.argsort(likeness, kind="stable")[-shots:].tolist()
        return tuple(ids[row] for row in found)

    return nearest
