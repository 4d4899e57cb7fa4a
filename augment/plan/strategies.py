"""The ways to ask. Each is named as its template and fills in what that template shows."""

from __future__ import annotations

import random

from augment.plan.exemplars import Exemplars
from augment.records import Ask, Need


class FewShot:
    """Show seeds of the wanted label and ask for rows like them."""

    name = "fewshot"

    def __init__(self, exemplars: Exemplars, *, shots: int, k: int) -> None:
        self._exemplars = exemplars
        self._shots = shots
        self._k = k

    def propose(self, need: Need) -> Ask:
        """Return an ask that shows up to `shots` seeds; none where the label has none."""
        return Ask(
            number=need.number,
            strategy=self.name,
            labels=need.labels,
            exemplars=self._exemplars.draw(
                need.labels, k=self._shots, rng=random.Random(need.draw_seed)
            ),
            k=self._k,
        )


class Paraphrase:
    """Show one seed and ask for the same in other words."""

    name = "paraphrase"

    def __init__(self, exemplars: Exemplars, *, k: int) -> None:
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
