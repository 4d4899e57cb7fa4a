"""What to ask for next, until every quota is full or nothing more can be hoped for.

The planner asks ahead: as many rows of a cell are under way as its measured acceptance rate makes
necessary, no more, so that the engine is busy until the last few and little is thrown away.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from augment.draws import draw_seed
from augment.errors import InputError
from augment.plan.goal import Goal, LabelSet
from augment.protocols import Strategy
from augment.records import Ask, Need

_MEMORY = 0.98
"""An acceptance counts this much less with each row judged after it: about 50 rows count."""
_PRIOR_ROWS = 4.0
"""How many rows' worth a cell believes what holds for all cells, before it has rows of its own."""
_LEAST_PATIENCE = 100


class Planner:
    """The state of the quotas: what is accepted, what is under way, what was given up."""

    def __init__(
        self,
        goal: Goal,
        strategies: Sequence[tuple[Strategy, float]],
        *,
        random_seed: int,
        first_ask: int = 0,
    ) -> None:
        """Take the strategies with their weights; `first_ask` numbers the next ask."""
        self._goal = goal
        self._strategies = strategies
        self._random_seed = random_seed
        self._number = first_ask
        self._cells = {name: place for place, name in enumerate(goal.wanted)}
        self._choices: tuple[LabelSet, ...] = tuple(goal.choices)
        self._rows = {frozenset(labels): row for row, labels in enumerate(self._choices)}
        self._covers = np.zeros((len(self._choices), len(self._cells)))
        for row, cells in enumerate(goal.choices.values()):
            self._covers[row, [self._cells[cell] for cell in cells]] = 1
        self._wanted = np.array(list(goal.wanted.values()), dtype=float)
        self._patience = np.maximum(_LEAST_PATIENCE, 5 * self._wanted)
        zeros = np.zeros_like(self._wanted)
        self._accepted, self._under_way, self._in_vain = zeros.copy(), zeros.copy(), zeros.copy()
        self._hits, self._trials = zeros.copy(), zeros.copy()
        self._all_hits, self._all_trials = _PRIOR_ROWS, _PRIOR_ROWS
        self._asked = np.zeros(len(self._choices))

    # Questions ----------------------------------------------------------------------------------

    @property
    def accepted(self) -> dict[str, int]:
        """Accepted rows by cell."""
        return {name: int(self._accepted[place]) for name, place in self._cells.items()}

    @property
    def wanted(self) -> dict[str, int]:
        """Wanted rows by cell."""
        return dict(self._goal.wanted)

    @property
    def exhausted(self) -> tuple[str, ...]:
        """Cells that were given up: too many asks in a row brought them nothing."""
        given_up = self._given_up()
        return tuple(name for name, place in self._cells.items() if given_up[place])

    @property
    def filled(self) -> bool:
        """Whether every quota is full."""
        return bool((self._accepted >= self._wanted).all())

    @property
    def finished(self) -> bool:
        """Whether every quota is full or given up."""
        return bool(((self._accepted >= self._wanted) | self._given_up()).all())

    def has_room(self, labels: Sequence[str]) -> bool:
        """Tell whether a row with these labels advances a cell that is not full."""
        return any(
            self._accepted[self._cells[cell]] < self._wanted[self._cells[cell]]
            for cell in self._goal.cells_of(labels)
        )

    # Events -------------------------------------------------------------------------------------

    def next(self) -> Ask | None:
        """Plan one more ask; None while what is under way may be enough."""
        choice = self._choose()
        if choice is None:
            return None
        ask = self._propose(self._choices[choice])
        self._number += 1
        self.sent(ask)
        return ask

    def sent(self, ask: Ask) -> None:
        """Count an ask as under way: a new one, or one found in the journal."""
        cells = self._places(ask.labels)
        self._under_way[cells] += ask.k
        row = self._rows.get(frozenset(ask.labels))
        if row is not None:
            self._asked[row] += 1

    def accept(self, labels: Sequence[str]) -> None:
        """Count an accepted row."""
        self._accepted[self._places(labels)] += 1

    def judged(self, ask: Ask, accepted: int) -> list[str]:
        """Take an ask off what is under way; `accepted` of its rows were.

        Returns:
            The cells that are given up from now on.
        """
        cells = self._places(ask.labels)
        self._under_way[cells] -= ask.k
        hits = accepted / ask.k
        self._hits[cells] = self._hits[cells] * _MEMORY + hits
        self._trials[cells] = self._trials[cells] * _MEMORY + 1
        self._all_hits = self._all_hits * _MEMORY + hits
        self._all_trials = self._all_trials * _MEMORY + 1
        self._in_vain[cells] = 0 if accepted else self._in_vain[cells] + 1
        if accepted:
            return []
        names = self._goal.cells_of(ask.labels)
        return [
            name
            for name, cell in zip(names, cells, strict=True)
            if self._in_vain[cell] == self._patience[cell]
            and self._accepted[cell] < self._wanted[cell]
        ]

    def take_heart(self) -> None:
        """Forget what was asked in vain: whoever starts a run again wants it tried again."""
        self._in_vain[:] = 0

    # How it decides -----------------------------------------------------------------------------

    def _places(self, labels: Sequence[str]) -> list[int]:
        return [self._cells[cell] for cell in self._goal.cells_of(labels)]

    def _given_up(self) -> npt.NDArray[np.bool_]:
        return (self._in_vain >= self._patience) & (self._accepted < self._wanted)

    def _choose(self) -> int | None:
        """Return the choice that fills most cells; of these, where most is missing."""
        prior = self._all_hits / self._all_trials
        rate = (self._hits + _PRIOR_ROWS * prior) / (self._trials + _PRIOR_ROWS)
        short = self._wanted - self._accepted - self._under_way * rate
        short[self._given_up()] = 0
        np.maximum(short, 0, out=short)
        gain = self._covers @ (short > 0)
        if not gain.any():
            return None
        level = self._covers @ (short / np.maximum(self._wanted, 1))
        turn = self._asked / (self._asked + 10)
        return int(np.argmax(gain * len(self._cells) + level - 0.01 * turn))

    def _propose(self, labels: LabelSet) -> Ask:
        """Draw a strategy by weight; one that has no way for these labels leaves it to the next."""
        rng = random.Random(draw_seed(self._random_seed, self._number, "strategy"))
        need = Need(
            number=self._number,
            labels=labels,
            draw_seed=draw_seed(self._random_seed, self._number, "exemplars"),
        )
        first = rng.choices(range(len(self._strategies)), [w for _, w in self._strategies])[0]
        for strategy, _ in (*self._strategies[first:], *self._strategies[:first]):
            ask = strategy.propose(need)
            if ask is not None:
                return ask
        names = [strategy.name for strategy, _ in self._strategies]
        raise InputError.one("strategies", f"none of {names} has a way to ask for {list(labels)}")
