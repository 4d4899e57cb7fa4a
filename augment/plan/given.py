"""The plan where rows or texts are given in a file: each is taken once, in order.

What no engine answered is asked again when the run is continued (`augment.records.place_of`).
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence

from augment.plan.goal import Goal, LabelSet, cell_name
from augment.records import Ask, place_of

STRATEGY = "given"
ANY_LABEL = "(any label)"
ANY_MENTIONS = "(any mentions)"


def all_of(labels: Sequence[LabelSet], *, several: bool) -> Goal:
    """Return the goal that every given row be accepted.

    Args:
        labels: those that each row bears.
        several: whether a row may bear several; it then counts for each of them.
    """
    cells = {own: own if several and own else (cell_name(own),) for own in labels}
    wanted = Counter(cell for own in labels for cell in cells[own])
    return Goal(wanted=dict(wanted), choices=cells, rows=len(labels))


def all_texts(texts: int, *, cell: str = ANY_LABEL) -> Goal:
    """Return the goal that every given text be answered with something; `cell` says with what."""
    return Goal(wanted={cell: texts}, choices={}, rows=texts, otherwise=(cell,))


def given_ask(number: int, labels: Sequence[LabelSet]) -> Ask:
    """Return the ask with a number for a row that is there already; `labels` are all the rows'."""
    own = labels[place_of(number, rows=len(labels))]
    return Ask(number=number, strategy=STRATEGY, labels=own)


class InOrder:
    """The Protocol `Plan` over what is there already, taken in its order.

    Args:
        goal: that it be answered.
        ask: gives the ask with a number.
        order: the numbers of the rows in the order in which they are taken; as they are without.
    """

    def __init__(
        self, goal: Goal, ask: Callable[[int], Ask], *, order: Sequence[int] | None = None
    ) -> None:
        self._goal = goal
        self._ask = ask
        self._order = order
        self._next = 0
        self._sent: set[int] = set()
        self._again: deque[int] = deque()
        self._unanswered: dict[int, None] = {}
        self._under_way = self._answered = 0
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
        """What the engine did not answer, in words."""
        count = len(self._unanswered)
        what = "row" if count == 1 else "rows"
        return (f"{count:,} {what} that the engine did not answer",) if count else ()

    @property
    def filled(self) -> bool:
        """Whether every row was answered, and judged."""
        return self._answered >= self._goal.rows

    @property
    def finished(self) -> bool:
        """Whether every row was asked about in this session or before."""
        return not self._under_way and not self._again and self._next >= self._goal.rows

    def has_room(self, labels: Sequence[str]) -> bool:  # noqa: ARG002 - the Protocol's
        """Tell that every row is wanted."""
        return True

    def next(self) -> Ask | None:
        """Return the ask for the next row; None once all are under way."""
        if self._again:
            number = self._again.popleft()
            del self._unanswered[number]
        elif self._next < self._goal.rows:
            number = self._at(self._next)
            self._next += 1
            self._skip()
        else:
            return None
        self._under_way += 1
        return self._ask(number)

    def sent(self, ask: Ask) -> None:
        """Count an ask as under way that was found in the journal."""
        if (
            ask.number < self._goal.rows
        ):  # the order may be another than that of the earlier session
            self._sent.add(ask.number)
            self._skip()
        self._unanswered.pop(ask.number, None)
        self._under_way += 1

    def _at(self, turn: int) -> int:
        return turn if self._order is None else int(self._order[turn])

    def _skip(self) -> None:
        """Go on to the next row that was not asked about in an earlier session."""
        while self._next < self._goal.rows and (number := self._at(self._next)) in self._sent:
            self._sent.discard(number)
            self._next += 1

    def accept(self, labels: Sequence[str]) -> None:
        """Count an accepted row."""
        self._accepted.update(self._goal.cells_of(labels))

    def judged(self, ask: Ask, accepted: int, *, answered: bool = True) -> list[str]:  # noqa: ARG002 - the Protocol's
        """Take an ask off what is under way; nothing is given up for good."""
        self._under_way -= 1
        self._answered += answered
        if not answered:
            self._unanswered[ask.number + self._goal.rows] = None
        return []

    def take_heart(self) -> None:
        """Ask again what was not answered."""
        self._again = deque(self._unanswered)
