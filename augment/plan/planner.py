"""What to ask for next, until every quota is full or nothing more can be hoped for.

The planner asks ahead: as many rows of a cell are under way as its measured acceptance rate makes
necessary, no more, so that the engine is busy until the last few and little is thrown away.
"""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import replace

from augment.draws import draw_seed
from augment.errors import InputError
from augment.plan.attributes import Attributes
from augment.plan.goal import Goal, LabelSet
from augment.protocols import IsUsedUp, Strategy
from augment.records import Ask, Need

_MEMORY = 0.98
"""An acceptance counts this much less with each row judged after it: about 50 rows count."""
_PRIOR_ROWS = 4.0
"""How many rows' worth a cell believes what holds for all cells, before it has rows of its own."""
_LEAST_PATIENCE = 100
_ROUND = 32
"""The best choices are found for so many asks at a time."""
_RECENT = 0.9
"""As `_MEMORY`, of one choice: what it has to offer may be used up within a few rows."""
_HOPE_ROWS = 2.0
"""So many rows of a choice that was never asked for are taken to be accepted: it is worth a try."""
_LEAST_RATE = 1e-6


class _Rate:
    """An acceptance rate that forgets."""

    __slots__ = ("hits", "memory", "trials")

    def __init__(self, prior: float = 0.0, *, memory: float = _MEMORY) -> None:
        self.hits = self.trials = prior
        self.memory = memory

    def learn(self, hits: float) -> None:
        """Take note of one ask; `hits` is the share of its rows that were accepted."""
        self.hits = self.hits * self.memory + hits
        self.trials = self.trials * self.memory + 1


class _Cell:
    """What is known of one cell."""

    __slots__ = (
        "accepted", "in_vain", "name", "patience", "rate", "under_way", "used_up", "wanted",
    )  # fmt: skip

    def __init__(self, name: str, wanted: int) -> None:
        self.name = name
        self.wanted = wanted
        self.patience = max(_LEAST_PATIENCE, 5 * wanted)
        self.accepted = self.under_way = self.in_vain = 0
        self.used_up = False
        self.rate = _Rate()

    @property
    def given_up(self) -> bool:
        return (self.used_up or self.in_vain >= self.patience) and self.accepted < self.wanted

    @property
    def open(self) -> bool:
        return self.accepted < self.wanted and not self.given_up

    def short(self, prior: float) -> float:
        """Return how many rows will be missing once all that is under way is judged."""
        if not self.open:
            return 0.0
        rate = (self.rate.hits + _PRIOR_ROWS * prior) / (self.rate.trials + _PRIOR_ROWS)
        return max(0.0, self.wanted - self.accepted - self.under_way * rate)


class Planner:
    """The state of the quotas: what is accepted, what is under way, what was given up."""

    def __init__(
        self,
        goal: Goal,
        strategies: Sequence[tuple[Strategy, float]],
        *,
        random_seed: int,
        attributes: Attributes | None = None,
        avoid: Callable[[Sequence[str]], tuple[str, ...]] = lambda _: (),
        first_ask: int = 0,
    ) -> None:
        """Take the strategies with their weights; `first_ask` numbers the next ask.

        `avoid` tells which words the next row of these labels is to do without.
        """
        self._goal = goal
        self._strategies = strategies
        self._used_up = [each for each, _ in strategies if isinstance(each, IsUsedUp)]
        self._random_seed = random_seed
        self._attributes = attributes or Attributes({})
        self._avoid = avoid
        self._number = first_ask
        self._cells = {name: _Cell(name, wanted) for name, wanted in goal.wanted.items()}
        self._choices: dict[LabelSet, list[_Cell]] = {
            labels: [self._cells[cell] for cell in cells] for labels, cells in goal.choices.items()
        }
        self._by_set = {frozenset(labels): cells for labels, cells in self._choices.items()}
        self._asked = dict.fromkeys(self._by_set, 0)
        shared = Counter(cell for cells in goal.choices.values() for cell in set(cells))
        steered = any(choices > 1 for choices in shared.values())
        hopeful = {own: _Rate(_HOPE_ROWS, memory=_RECENT) for own in self._by_set}
        self._kept = hopeful if steered else {}
        self._most_kept = 0.0
        self._rate = _Rate(_PRIOR_ROWS)
        self._gained: Counter[str] = Counter()
        self._queue: deque[tuple[LabelSet, float]] = deque()

    # Questions ----------------------------------------------------------------------------------

    @property
    def accepted(self) -> dict[str, int]:
        """Accepted rows by cell."""
        return {name: cell.accepted for name, cell in self._cells.items()}

    @property
    def wanted(self) -> dict[str, int]:
        """Wanted rows by cell."""
        return dict(self._goal.wanted)

    @property
    def exhausted(self) -> tuple[str, ...]:
        """Cells that were given up: too many asks in a row brought them nothing."""
        return tuple(name for name, cell in self._cells.items() if cell.given_up)

    @property
    def filled(self) -> bool:
        """Whether every quota is full."""
        return all(cell.accepted >= cell.wanted for cell in self._cells.values())

    @property
    def finished(self) -> bool:
        """Whether every quota is full or given up."""
        return not any(cell.open for cell in self._cells.values())

    def has_room(self, labels: Sequence[str]) -> bool:
        """Tell whether a row with these labels advances a cell that is not full."""
        cells = (self._cells[name] for name in self._goal.cells_of(labels))
        return any(cell.accepted < cell.wanted for cell in cells)

    # Events -------------------------------------------------------------------------------------

    def next(self) -> Ask | None:
        """Plan one more ask; None while what is under way may be enough."""
        while (labels := self._choose()) is not None:
            ask = self._propose(labels)
            if ask is None:
                self._give_up(labels)
                continue
            self._number += 1
            self.sent(ask)
            return ask
        return None

    def sent(self, ask: Ask) -> None:
        """Count an ask as under way: a new one, or one found in the journal."""
        for cell in self._cells_of(ask.labels):
            cell.under_way += ask.k
        asked = frozenset(ask.labels)
        if asked in self._asked:
            self._asked[asked] += 1
        for strategy in self._used_up:
            strategy.sent(ask)

    def accept(self, labels: Sequence[str]) -> None:
        """Count an accepted row."""
        for name in self._goal.cells_of(labels):
            self._cells[name].accepted += 1
            self._gained[name] += 1

    def judged(self, ask: Ask, accepted: int, *, answered: bool = True) -> list[str]:  # noqa: ARG002 - the Protocol's
        """Take an ask off what is under way; `accepted` of its rows were, and are counted already.

        Returns:
            The cells that are given up from now on.
        """
        self._rate.learn(accepted / ask.k)
        if (kept := self._kept.get(frozenset(ask.labels))) is not None:
            kept.learn(accepted / ask.k)
        cells = self._cells_of(ask.labels)
        for cell in cells:
            cell.under_way -= ask.k
            cell.rate.learn(self._gained[cell.name] / ask.k)
            cell.in_vain += 1
        for name in self._gained:  # more cells than were asked for, perhaps
            self._cells[name].in_vain = 0
        self._gained.clear()
        return [cell.name for cell in cells if cell.in_vain == cell.patience and cell.given_up]

    def take_heart(self) -> None:
        """Forget what was asked in vain: whoever starts a run again wants it tried again."""
        for cell in self._cells.values():
            cell.in_vain = 0

    # How it decides -----------------------------------------------------------------------------

    def _cells_of(self, labels: Sequence[str]) -> Sequence[_Cell]:
        return self._by_set.get(frozenset(labels), ())

    def _choose(self) -> LabelSet | None:
        """Return the choice that fills most cells; of these, where most is missing."""
        for _ in range(2):
            while self._queue:
                labels, worth = self._queue.popleft()
                if self._worth(labels) == worth:
                    return labels
            self._queue.extend(self._best())
        return None

    def _worth(self, labels: LabelSet) -> float:
        prior = self._rate.hits / self._rate.trials
        gain = sum(cell.short(prior) > 0 for cell in self._choices[labels])
        return gain * self._share(labels)

    def _share(self, labels: LabelSet) -> float:
        """Return 1, or a half, a quarter ... of it where a choice is kept so much less often.

        Than the best one, that is: what a choice has to offer can be used up, and where others
        fill the same cells these are the better ones. Lesser differences are left to chance.
        """
        kept = self._kept.get(frozenset(labels))
        if kept is None or self._most_kept <= 0:
            return 1.0
        rate = max(kept.hits / kept.trials, _LEAST_RATE)
        return 0.5 ** max(0, math.floor(math.log2(self._most_kept / rate)))

    def _best(self) -> list[tuple[LabelSet, float]]:
        """Return the choices of the largest worth for the next asks, the neediest first."""
        prior = self._rate.hits / self._rate.trials
        short = {name: cell.short(prior) for name, cell in self._cells.items()}
        gains = {
            labels: sum(short[cell.name] > 0 for cell in cells)
            for labels, cells in self._choices.items()
        }
        gains = {labels: gain for labels, gain in gains.items() if gain}
        if not gains:
            return []
        own = [kept for labels in gains if (kept := self._kept.get(frozenset(labels)))]
        self._most_kept = max((kept.hits / kept.trials for kept in own), default=0.0)
        if self._goal.weights:
            return [(labels, self._worth(labels)) for labels in self._by_weight(list(gains))]
        worth = {labels: gain * self._share(labels) for labels, gain in gains.items()}
        most = max(worth.values())
        best = [labels for labels in gains if worth[labels] == most]

        def need(labels: LabelSet) -> tuple[float, int]:
            cells = self._choices[labels]
            level = sum(short[cell.name] / max(cell.wanted, 1) for cell in cells)
            return (-round(level, 2), self._asked[frozenset(labels)])

        best.sort(key=need)
        rounds = math.ceil(_ROUND / len(best))
        return [(labels, most) for labels in best * rounds][:_ROUND]

    def _by_weight(self, choices: Sequence[LabelSet]) -> list[LabelSet]:
        """Return the next asks that bring what was asked for nearest to the weights."""
        asked = {labels: self._asked[frozenset(labels)] for labels in choices}
        weights = {own: self._goal.weights.get(own, 1) * self._share(own) for own in choices}
        found: list[LabelSet] = []
        for _ in range(_ROUND):
            found.append(min(choices, key=lambda own: (asked[own] + 1) / weights[own]))
            asked[found[-1]] += 1
        return found

    def _propose(self, labels: LabelSet) -> Ask | None:
        """Draw a strategy by weight; one that has no way for these labels leaves it to the next.

        Returns:
            None where every way to ask for them is used up.
        """
        need = Need(
            number=self._number,
            labels=labels,
            draw_seed=draw_seed(self._random_seed, self._number, "exemplars"),
            attributes=self._attributes.draw(
                labels, draw_seed=draw_seed(self._random_seed, self._number, "attributes")
            ),
        )
        first = self._drawn_strategy()
        for strategy, _ in (*self._strategies[first:], *self._strategies[:first]):
            ask = strategy.propose(need)
            if ask is not None:
                return replace(ask, avoid=self._avoid(labels))
        if self._asked[frozenset(labels)]:
            return None
        names = [strategy.name for strategy, _ in self._strategies]
        raise InputError.one("strategies", f"none of {names} has a way to ask for {list(labels)}")

    def _give_up(self, labels: LabelSet) -> None:
        """Leave out a choice, and the cells that no other one fills."""
        cells = self._choices.pop(labels)
        left = {cell.name for others in self._choices.values() for cell in others}
        for cell in cells:
            cell.used_up = cell.name not in left
        self._queue.clear()

    def _drawn_strategy(self) -> int:
        at = draw_seed(self._random_seed, self._number, "strategy") / 2**31
        at *= sum(weight for _, weight in self._strategies)
        for place, (_, weight) in enumerate(self._strategies):
            at -= weight
            if at < 0:
                return place
        return len(self._strategies) - 1
