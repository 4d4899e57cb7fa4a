"""The plan where rows or texts are given in a file: each is taken once, in order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from augment.plan.goal import Goal, LabelSet, cell_name
from augment.records import Ask

STRATEGY = "given"
ANY_LABEL = "(any label)"


def all_of(labels: Sequence[LabelSet], *, several: bool) -> Goal:
    """Return the goal that every given row be accepted.

    Args:
        labels: those that each row bears.
        several: whether a row may bear several; it then counts for each of them.
    """
    cells = {own: own if several and own else (cell_name(own),) for own in labels}
    wanted = Counter(cell for own in labels for cell in cells[own])
    return Goal(wanted=dict(wanted), choices=cells, rows=len(labels))


def all_texts(texts: int) -> Goal:
    """Return the goal that every given text be accepted with some label."""
    return Goal(wanted={ANY_LABEL: texts}, choices={}, rows=texts, otherwise=(ANY_LABEL,))


def given_ask(number: int, labels: LabelSet) -> Ask:
    """Return the ask for a row that is there already, by its place in the file, from 0."""
    return Ask(number=number, strategy=STRATEGY, labels=labels)


class InOrder:
    """The Protocol `Plan` over what is there already: an ask's number is its place in the file."""

    def __init__(self, goal: Goal, ask: Callable[[int], Ask], *, first_ask: int = 0) -> None:
        """Take the goal, and what gives the ask for each place; `first_ask` is the next one."""
        self._goal = goal
        self._ask = ask
        self._next = first_ask
        self._judged = 0
        self._accepted = Counter(dict.fromkeys(goal.wanted, 0))

    @property
    def wanted(self) -> Mapping[str, int]:
        """Given rows by cell."""
        return self._goal.wanted

    @property
    def accepted(self) -> Mapping[str, int]:
        """Accepted rows by cell."""
        return dict(self._accepted)

    @property
    def exhausted(self) -> tuple[str, ...]:
        """None: nothing is asked for in vain."""
        return ()

    @property
    def filled(self) -> bool:
        """Whether every row was judged."""
        return self._judged >= self._goal.rows

    @property
    def finished(self) -> bool:
        """The same."""
        return self.filled

    def has_room(self, labels: Sequence[str]) -> bool:  # noqa: ARG002 - the Protocol's
        """Tell that every row is wanted."""
        return True

    def next(self) -> Ask | None:
        """Return the ask for the next row; None once all are under way."""
        if self._next >= self._goal.rows:
            return None
        number, self._next = self._next, self._next + 1
        return self._ask(number)

    def sent(self, ask: Ask) -> None:
        """Leave it: what was sent is known by its number."""

    def accept(self, labels: Sequence[str]) -> None:
        """Count an accepted row."""
        self._accepted.update(self._goal.cells_of(labels))

    def judged(self, ask: Ask, accepted: int) -> list[str]:  # noqa: ARG002 - the Protocol's
        """Count a judged row."""
        self._judged += 1
        return []

    def take_heart(self) -> None:
        """Nothing was asked in vain."""
