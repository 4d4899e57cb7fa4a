"""Seeds with the people in them exchanged: what they say of one group, said of another.

Counterfactual augmentation (Lu et al. 2018; Hall Maudslay et al. 2019): the label must not hang on
who is spoken of. No engine is asked.
"""

from __future__ import annotations

import random
from functools import cached_property
from typing import Any, TypeAlias

from augment.draws import draw_seed
from augment.identities.swap import drawn, swaps
from augment.identities.terms import Identities
from augment.records import COUNTERFACTUAL, Ask, Example, Need, SeedSet, labels_of

Texts: TypeAlias = tuple[str, ...]
"""The text of a row, or both of a pair."""


class Counterparts:
    """Proposes seeds whose people can be exchanged, and exchanges them.

    A seed has so many counterparts and no more; what was sent, or stands among the seeds, is not
    proposed as long as there is another.

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

    @cached_property
    def _left(self) -> dict[frozenset[str], dict[str, set[Texts]]]:
        """What is left of each seed's counterparts, by the seeds' labels; none that has none."""
        there = {texts_of(seed) for seed in self._seeds.values()}
        left: dict[frozenset[str], dict[str, set[Texts]]] = {}
        for seed in self._seeds.values():
            own = {made for _, made in swaps(self._identities, texts_of(seed))} - there
            if own:
                left.setdefault(frozenset(labels_of(seed.target)), {})[seed.id] = own
        return left

    def __bool__(self) -> bool:
        """Whether there is anything left to propose."""
        return any(self._left.values())

    def propose(self, need: Need) -> Ask | None:
        """Return an ask about a seed with these labels; None where no new counterpart is left."""
        left = self._left.get(frozenset(need.labels))
        if not left:
            return None
        seeds = random.Random(need.draw_seed).sample(list(left), len(left))
        fresh = (seed for seed in seeds if self._drawn(seed, need.number) in left[seed])
        seed = next(fresh, seeds[0])  # of those that are left, another ask draws one
        return Ask(number=need.number, strategy=self.name, labels=need.labels, exemplars=(seed,))

    def sent(self, ask: Ask) -> None:
        """Take note that a counterpart is used up."""
        if ask.strategy != self.name:
            return
        made = self._drawn(ask.exemplars[0], ask.number)
        for seeds in self._left.values():
            for seed in [seed for seed, own in seeds.items() if made in own]:
                seeds[seed].discard(made)
                if not seeds[seed]:
                    del seeds[seed]

    def of(self, ask: Ask) -> Example[Any] | None:
        """Return the counterpart that an ask is for; None where it is for another row."""
        if ask.strategy != self.name:
            return None
        seed = self._seeds[ask.exemplars[0]]
        made = self._drawn(seed.id, ask.number)
        if made is None:
            return None
        return Example(
            id="",
            text=made[0],
            text_pair=made[1] if len(made) > 1 else None,
            target=seed.target,
            origin="generated",
        )

    def _drawn(self, seed: str, number: int) -> Texts | None:
        """Return what the ask with a number makes of a seed."""
        rng = random.Random(draw_seed(self._random_seed, number, "counterpart"))
        return drawn(self._identities, texts_of(self._seeds[seed]), rng)


def texts_of(row: Example[Any]) -> Texts:
    """Return the text of a row, or both of a pair."""
    return (row.text,) if row.text_pair is None else (row.text, row.text_pair)
