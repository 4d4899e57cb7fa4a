"""The run's own engine as the judge of labels.

It is asked about seeds first, left to choose among their labels as it will be for rows: what that
tells of it makes one calibrated probability of its votes and of the agreement classifier's margin
(`augment.filters.right_label`). Then it is asked about each row that the filters let through. The
labels stand in a drawn order, turned a part further with each vote, so that no label gains by its
place. What an earlier session was told is never asked again.

    hear ─> next ─engine─> take ─> ready ─> judge
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from augment.filters.agreement import LEFT_OPEN, Agreement
from augment.filters.right_label import Evidence, RightLabel, needed
from augment.jury.ballot import Ballot, ballot_of
from augment.jury.words import statement
from augment.plan.rivals import Rivals
from augment.records import (
    EMPTY,
    Ask,
    Calibration,
    Candidate,
    Completion,
    Example,
    Failure,
    Request,
    SeedSet,
    Verdict,
    Vote,
)
from augment.rendering import Decoding, Renderer
from augment.tasks.classification import Classification
from augment.tasks.judging import JUDGE, Judging
from prompts.templates import Template

MOST_SEEDS = 200
"""So many seeds are asked about, spread evenly."""
_SEED = 0
"""The arrival that seeds are said to come in."""

_Place: TypeAlias = tuple[int, int]
"""The arrival of a row and its place there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sitting:
    """What a jury goes by.

    Attributes:
        seeds: with one label each.
        rows: the task whose rows are judged.
        votes: on each row.
        precision: of rejections, if one row in ten bears a wrong label.
        model: who is asked, as reports show it.
    """

    seeds: SeedSet
    rows: Classification
    template: Template
    decoding: Decoding
    votes: int
    precision: float
    model: str
    random_seed: int


@dataclass(slots=True)
class _Case:
    """A row and what was said of it; `open` are its votes that may still come."""

    row: Example[Any]
    choices: tuple[str, ...]
    exemplars: tuple[str, ...]
    told: dict[int, Completion | Failure]
    open: set[int]
    lost: bool = False
    done: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def ballot(self) -> Ballot:
        return ballot_of(self.told.values(), self.choices)


class EngineJury:
    """The Protocol `Jury` over an engine that somebody else holds.

    Args:
        sitting: what it goes by.
        agreement: fitted to the same seeds; None where that filter is left out.
    """

    speaks_for = Agreement.name
    idle = False

    def __init__(self, sitting: Sitting, agreement: Agreement | None) -> None:
        self._sitting = sitting
        self._agreement = agreement
        self._rivals = Rivals(sitting.seeds.examples, sitting.seeds.labels)
        self._renderer = Renderer(
            Judging(sitting.rows, lambda ask: self._cases[_place_of(ask.number)[0]].row),
            {JUDGE: sitting.template},
            seeds=sitting.seeds,
            decoding=sitting.decoding,
            random_seed=sitting.random_seed,
        )
        self._cases: dict[_Place, _Case] = {}
        self._before: dict[_Place, dict[int, Completion | Failure]] = {}
        self._queue: deque[tuple[_Place, int]] = deque()
        self._asked: set[int] = set()
        self._seeds = _spread(len(sitting.seeds.examples), most=MOST_SEEDS)
        self._awaited: set[_Place] = set()
        self._began = self._stopped = self._gone = self._unlearnt = False
        self._settled = asyncio.Event()
        self._votes_of_seeds: dict[int, Ballot] = {}
        self._margins_before = {at: self._margins(at) for at in self._seeds}
        self._learnt = 0
        self._right_before: RightLabel | None = None
        self._right: RightLabel | None = None
        self._why = "too_few_seeds"
        self.calibration: Calibration | None = None

    @property
    def in_flight(self) -> int:
        """How many requests are with the engine."""
        return len(self._asked)

    # What is asked, and what comes back ---------------------------------------------------------

    def restore(self, vote: Vote) -> None:
        """Take up a vote of an earlier session."""
        self._before.setdefault((vote.arrival, vote.index), {})[vote.number] = vote.outcome

    def hear(self, row: Candidate, arrival: int) -> None:
        """Have a row voted on, unless nothing could be made of it."""
        self._begin()
        if not self._settled.is_set() or self._right is not None or self._unlearnt:
            self._open((arrival, row.index), row.example)

    def next(self) -> Request | None:
        """Return the request for the next vote: on seeds first, then on rows as they were heard."""
        self._begin()
        if not self._queue:
            return None
        place, vote = self._queue.popleft()
        case = self._cases[place]
        number = _number(place, vote)
        self._asked.add(number)
        return self._renderer.request(
            Ask(
                number=number,
                strategy=JUDGE,
                labels=self._order(place, case.choices, vote),
                exemplars=case.exemplars,
            )
        )

    def take(self, request: Request, outcome: Completion | Failure) -> Vote | None:
        """Count a vote; one that tells nothing is void, and not asked for again."""
        if request.ask.strategy != JUDGE or request.ask.number not in self._asked:
            return None
        self._asked.remove(request.ask.number)
        place, vote = _place_of(request.ask.number)
        if (case := self._cases.get(place)) is not None:
            case.told[vote] = outcome
            self._release(place, {vote})
        return Vote(arrival=place[0], index=place[1], number=vote, outcome=outcome)

    def stop(self) -> None:
        """Ask nothing more."""
        self._begin()
        self._stopped = True
        while self._queue:
            place, vote = self._queue.popleft()
            self._release(place, {vote})

    def end(self, *, gone: bool) -> None:
        """Wait for nothing more."""
        self._begin()
        self._gone = gone
        if gone:
            self._unlearnt = bool(self._awaited)
            for case in self._cases.values():
                case.lost = bool(case.open) or self._unlearnt
        self._stopped = True
        self._queue.clear()
        for place in list(self._cases):
            if place in self._cases:  # the last seed's release takes all seeds away
                self._release(place, set(range(self._sitting.votes)))

    def _begin(self) -> None:
        """Have the seeds voted on, once; not at all where they are too few to learn from."""
        if self._began:
            return
        self._began = True
        if len(self._seeds) >= needed(self._sitting.precision):
            self._awaited = {(_SEED, at) for at in self._seeds}
            for at in self._seeds:
                self._open((_SEED, at), self._sitting.seeds.examples[at])
        else:
            self._settle()

    def _open(self, place: _Place, row: Example[Any]) -> None:
        choices, exemplars = self._rivals.of(row)
        told = self._before.pop(place, {})
        missing = [vote for vote in range(self._votes_on(choices)) if vote not in told]
        self._cases[place] = _Case(
            row=row,
            choices=choices,
            exemplars=exemplars,
            told=told,
            open=set(missing),
            lost=self._gone and (bool(missing) or self._unlearnt),
        )
        if self._stopped:
            missing = []
        self._queue += [(place, vote) for vote in missing]
        self._release(place, set(range(self._sitting.votes)) - set(missing))

    def _release(self, place: _Place, votes: set[int]) -> None:
        """Wait no longer for these votes on a row."""
        case = self._cases[place]
        case.open -= votes
        if not case.open:
            case.done.set()
            self._awaited.discard(place)
            if not self._awaited and not self._settled.is_set():
                self._settle()

    def _votes_on(self, choices: Sequence[str]) -> int:
        """Return how often a row is voted on: each time in another order, of which few have few."""
        return min(self._sitting.votes, len(choices))

    def _order(self, place: _Place, choices: Sequence[str], vote: int) -> tuple[str, ...]:
        drawn = random.Random(f"{self._sitting.random_seed} judge {place}")
        order = drawn.sample(choices, len(choices))
        turn = vote * len(order) // self._votes_on(choices)
        return (*order[turn:], *order[:turn])

    # What it comes to ---------------------------------------------------------------------------

    def _settle(self) -> None:
        """Learn from the votes on seeds what votes are worth."""
        for at in self._seeds:
            case = self._cases.pop((_SEED, at), None)
            if case is not None and case.ballot.shares:
                self._votes_of_seeds[at] = case.ballot
        seeds = self._sitting.seeds.examples
        named = sum(each.named == seeds[at].target for at, each in self._votes_of_seeds.items())
        count = len(self._votes_of_seeds)
        right = self._learn(self._margins_before)  # whenever the votes come
        self._right = self._right_before = None if right.best is None else right
        if count >= needed(self._sitting.precision):
            self._why = "cannot_tell"
        self.calibration = Calibration(
            filter=JUDGE,
            basis=f"{self._sitting.votes} votes of {self._sitting.model}",
            statement=statement(
                right.best, seeds=count, named=named, precision=self._sitting.precision
            ),
            scores=() if right.best is None else right.best.own,
            thresholds=() if right.best is None else (right.best.threshold,),
        )
        self._settled.set()
        if self._right is None and not self._unlearnt:  # nothing can be made of more votes
            queue, self._queue = self._queue, deque()
            for place, vote in queue:
                self._release(place, {vote})

    def _learn(self, margins_of: Mapping[int, Mapping[str, float]]) -> RightLabel:
        own: list[Evidence] = []
        others: list[list[Evidence]] = []
        for at, ballot in self._votes_of_seeds.items():
            margins = margins_of[at]
            every = {
                each: Evidence(judge=ballot.shares[each], margin=margins.get(each))
                for each in ballot.shares
            }
            own.append(every.pop(self._sitting.seeds.examples[at].target))
            others.append([*every.values()])
        return RightLabel(own, others, precision=self._sitting.precision)

    def _keep_up(self) -> None:
        """Learn again what votes are worth where accepted rows have changed the margins.

        Where that comes to nothing, they are worth what they were before any row was learnt.
        """
        fits = 0 if self._agreement is None else self._agreement.fits
        if self._right is not None and fits != self._learnt:
            right = self._learn({at: self._margins(at) for at in self._votes_of_seeds})
            self._learnt, self._right = fits, self._right_before if right.best is None else right

    def _margins(self, seed: int) -> Mapping[str, float]:
        return EMPTY if self._agreement is None else self._agreement.margins_of_seed(seed)

    async def ready(self, row: Candidate, arrival: int) -> bool:
        """Wait for the votes on a row, and for what votes are worth."""
        case = self._cases.get((arrival, row.index))
        if case is None:
            return True
        await self._settled.wait()
        await case.done.wait()
        return not case.lost

    def judge(self, row: Candidate, arrival: int, verdicts: Sequence[Verdict]) -> list[Verdict]:
        """Return the verdict; where votes tell nothing the agreement classifier's holds."""
        self._keep_up()
        case = self._cases.pop((arrival, row.index), None)
        agreement = next((each for each in verdicts if each.filter == Agreement.name), None)
        if self._right is None:
            return [_without(self._why, agreement)]
        ballot = Ballot(void={}) if case is None else case.ballot
        if not ballot.shares:
            why = "no_answer" if ballot.void else "not_asked"
            return [_without(why, agreement, void=ballot.void)]
        label = str(row.example.target)
        share = ballot.with_own(label, row.probability)
        margin = None if agreement is None else agreement.score
        found = self._right.of(Evidence(judge=share, margin=margin))
        if found is None:
            return [_without("cannot_tell", agreement)]
        probability, fitted = found
        rejected = probability < fitted.threshold
        said = f"read as {ballot.named!r}; its own label has {share:.2f} of the votes"
        return [
            Verdict(
                filter=JUDGE,
                outcome="rejected" if rejected else "passed",
                score=probability,
                threshold=fitted.threshold,
                reason="label" if rejected else None,
                detail=said if rejected else None,
            )
        ]


def _without(reason: str, agreement: Verdict | None, *, void: Mapping[str, int] = EMPTY) -> Verdict:
    """Return the verdict without votes: what the agreement classifier left open is rejected."""
    told = ", ".join(f"{why} {count}" for why, count in sorted(void.items())) or None
    if agreement is None or agreement.reason != LEFT_OPEN:
        return Verdict(filter=JUDGE, outcome="abstained", reason=reason, detail=told)
    detail = f"{agreement.detail}; no vote ({reason})"
    return Verdict(filter=JUDGE, outcome="rejected", reason="label", detail=detail)


def _spread(count: int, *, most: int) -> tuple[int, ...]:
    """Return places of at most so many rows, evenly spread."""
    return tuple(at * count // min(count, most) for at in range(min(count, most)))


def _number(place: _Place, vote: int) -> int:
    return place[0] << 32 | place[1] << 4 | vote


def _place_of(number: int) -> tuple[_Place, int]:
    return (number >> 32, number >> 4 & 0xFFFFFFF), number & 0xF
