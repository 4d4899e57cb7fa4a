"""Seeds with the people in them exchanged: what they say of one group, said of another.

Counterfactual augmentation (Lu et al. 2018; Hall Maudslay et al. 2019): the label must not hang on
who is spoken of. No engine is asked.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from augment.draws import draw_seed
from augment.identities.swap import drawn, swaps
from augment.identities.terms import Identities
from augment.records import COUNTERFACTUAL, Ask, Example, Need, SeedSet, labels_of


class Counterparts:
    """Proposes seeds whose people can be exchanged, and exchanges them.

    Args:
        seeds: of labelled texts, or pairs.
        identities: knows the terms.
        random_seed: the run's; it and the ask tell which exchange is made.
    """

    name = COUNTERFACTUAL

    def __init__(self, seeds: SeedSet, identities: Identities, *, random_seed: int) -> None:
        self._seeds = seeds.by_id
        self._identities = identities
        self._random_seed = random_seed
        self._by_labels: dict[frozenset[str], list[str]] = {}
        for seed in seeds.examples:
            if next(swaps(identities, texts_of(seed)), None) is not None:
                self._by_labels.setdefault(frozenset(labels_of(seed.target)), []).append(seed.id)

    def __bool__(self) -> bool:
        """Whether there is any seed to exchange people in."""
        return bool(self._by_labels)

    def propose(self, need: Need) -> Ask | None:
        """Return an ask about a seed with these labels; None where none names people."""
        fit = self._by_labels.get(frozenset(need.labels))
        if fit is None:
            return None
        seed = random.Random(need.draw_seed).choice(fit)
        return Ask(number=need.number, strategy=self.name, labels=need.labels, exemplars=(seed,))

    def of(self, ask: Ask) -> Example[Any] | None:
        """Return the counterpart that an ask is for; None where it is for another row."""
        if ask.strategy != self.name:
            return None
        seed = self._seeds[ask.exemplars[0]]
        rng = random.Random(draw_seed(self._random_seed, ask.number, "counterpart"))
        made = drawn(self._identities, texts_of(seed), rng)
        if made is None:
            return None
        return Example(
            id="",
            text=made[0],
            text_pair=made[1] if len(made) > 1 else None,
            target=seed.target,
            origin="generated",
        )


def texts_of(row: Example[Any]) -> Sequence[str]:
    """Return the text of a row, or both of a pair."""
    return (row.text,) if row.text_pair is None else (row.text, row.text_pair)
