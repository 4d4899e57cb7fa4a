"""The ways to ask. Each is named as its template and fills in what that template shows."""

from __future__ import annotations

import random
from collections.abc import Callable, Container
from dataclasses import replace
from typing import Protocol

from augment.plan.goal import LabelSet
from augment.records import Ask, Completion, Failure, Need
from augment.spans.skeletons import ENTITIES_FIRST, PARAPHRASE, REPLACEMENT


def shortened(ask: Ask, outcome: Completion | Failure) -> Ask | None:
    """Return the ask with half of its exemplars, where its prompt was too long.

    None where it was not, or nothing can be left out: the first exemplar of some asks is what they
    are about.
    """
    if not isinstance(outcome, Failure) or outcome.code != "prompt_too_long":
        return None
    kept = ask.exemplars[: ask.strategy in {Paraphrase.name, EntitiesFirst.name}]
    shown = ask.exemplars[len(kept) :]
    if not shown:
        return None
    return replace(ask, exemplars=(*kept, *shown[: len(shown) // 2]), shortened=True)


class Shown(Protocol):
    """Who chooses the seeds that a prompt shows."""

    def draw(self, labels: LabelSet, *, k: int, rng: random.Random) -> tuple[str, ...]:
        """Return ids of up to `k` seeds for these labels."""
        ...

    def draw_exact(self, labels: LabelSet, *, rng: random.Random) -> str | None:
        """Return the id of one seed that has these labels, or None."""
        ...


class FewShot:
    """Show seeds of the wanted label and ask for rows like them."""

    name = "fewshot"

    def __init__(self, exemplars: Shown, *, shots: int, k: int) -> None:
        self._exemplars = exemplars
        self._shots = shots
        self._k = k

    def propose(self, need: Need) -> Ask | None:
        """Return an ask that shows up to `shots` seeds; None where there are none to show."""
        drawn = self._exemplars.draw(need.labels, k=self._shots, rng=random.Random(need.draw_seed))
        if self._shots and not drawn:
            return None
        return Ask(
            number=need.number,
            strategy=self.name,
            labels=need.labels,
            exemplars=drawn,
            attributes=need.attributes,
            k=self._k,
        )


class ZeroShot:
    """Say what the wanted label means, show nothing, and ask for rows."""

    name = "zeroshot"

    def __init__(self, *, k: int) -> None:
        self._k = k

    def propose(self, need: Need) -> Ask:
        """Return an ask; there is always one."""
        return Ask(
            number=need.number,
            strategy=self.name,
            labels=need.labels,
            attributes=need.attributes,
            k=self._k,
        )


class Paraphrase:
    """Show one seed and ask for the same in other words; it stays what it is like."""

    name = PARAPHRASE

    def __init__(self, exemplars: Shown, *, k: int) -> None:
        self._exemplars = exemplars
        self._k = k

    def propose(self, need: Need) -> Ask | None:
        """Return an ask for another wording of a drawn seed; None where the label has none."""
        drawn = self._exemplars.draw_exact(need.labels, rng=random.Random(need.draw_seed))
        if drawn is None:
            return None
        return Ask(
            number=need.number,
            strategy=self.name,
            labels=need.labels,
            exemplars=(drawn,),
            k=self._k,
        )


class EntitiesFirst:
    """Draw mentions first, and ask for a row that holds just them.

    The first exemplar is the seed whose mentions are exchanged for others; those after it are
    shown. Types that no seed has together are drawn from those that are listed, where all are.
    """

    name = ENTITIES_FIRST

    def __init__(self, exemplars: Shown, *, listed: Container[str], shots: int, k: int) -> None:
        self._exemplars = exemplars
        self._listed = listed
        self._shots = shots
        self._k = k

    def propose(self, need: Need) -> Ask | None:
        """Return an ask for a row with drawn mentions; None where there are none to draw."""
        rng = random.Random(need.draw_seed)
        seed = self._exemplars.draw_exact(need.labels, rng=rng) if need.labels else None
        if seed is None and not (need.labels and all(each in self._listed for each in need.labels)):
            return None
        drawn = self._exemplars.draw(need.labels, k=self._shots, rng=rng) if seed else ()
        return Ask(
            number=need.number,
            strategy=self.name,
            labels=need.labels,
            exemplars=() if seed is None else (seed, *(each for each in drawn if each != seed)),
            attributes=need.attributes,
            k=self._k,
        )


class Replacement:
    """Exchange the mentions of a seed for others of their kinds; no engine is asked."""

    name = REPLACEMENT

    def __init__(self, exemplars: Shown) -> None:
        self._exemplars = exemplars

    def propose(self, need: Need) -> Ask | None:
        """Return an ask about a seed with all of these types; None where there is none."""
        rng = random.Random(need.draw_seed)
        seed = self._exemplars.draw_exact(need.labels, rng=rng) if need.labels else None
        if seed is None:
            return None
        return Ask(number=need.number, strategy=self.name, labels=need.labels, exemplars=(seed,))


class Annotate:
    """Show a given text and the seeds nearest to it, and ask for its label or annotation."""

    name = "annotate"

    def __init__(self, nearest: Callable[[int], tuple[str, ...]]) -> None:
        """Take what names the seeds to show in each ask, by its number."""
        self._nearest = nearest

    def ask(self, number: int) -> Ask:
        """Return the ask with a number, which tells the text (`augment.plan.given`)."""
        return Ask(number=number, strategy=self.name, labels=(), exemplars=self._nearest(number))
