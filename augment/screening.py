"""From rows to verdicts: the filters in their order, each row seen until one rejects it.

by words ──> by meaning ──> slow ──────> settling ─────> jury ──────────> gates
a batch      a batch,       a batch,     one row at a    where one is     one row at a time, since
             embedded       in a thread  time, by the    asked for        they compare with the
                                         rows accepted                    rows accepted so far
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np

from augment.jury import Nobody
from augment.protocols import (
    Encoder,
    Filter,
    Foresees,
    ForGood,
    Jury,
    OfMentions,
    Settles,
    Slow,
    Vectors,
)
from augment.records import Candidate, Example, Target, Verdict, places_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the encoder sees of examples: their texts, and each of their mentions."""

    texts: Vectors
    mentions: Sequence[Sequence[Vectors]] = ()

    def by(self, judge: Filter, rows: Sequence[int]) -> Vectors:
        """Return what a filter by meaning is given of the examples in some places."""
        if isinstance(judge, OfMentions):
            found = [vector for at in rows for vector in self.mentions[at]]
            return np.stack(found) if found else np.zeros((0, 0), dtype=np.float32)
        return self.texts if len(rows) == len(self.texts) else self.texts[rows]


class Screening:
    """The filters of a run in their stages, and the jury between them.

    Args:
        filters: fitted, in the order in which they judge within their stage.
        encoder: gives the filters by meaning their vectors; None where they get none.
        jury: has a say on what they let through.
        flag: names of filters that reject no row: their verdicts say what they would have done.
    """

    def __init__(
        self,
        filters: Sequence[Filter],
        encoder: Encoder | None,
        jury: Jury | None = None,
        *,
        flag: Collection[str] = (),
    ) -> None:
        self._all = filters
        self._jury = jury or Nobody()
        self._flag = frozenset(flag)
        self._gates = [f for f in filters if f.sequential]
        self._for_good = [f for f in self._gates if isinstance(f, ForGood)]
        self._settle = {f.name: f for f in filters if isinstance(f, Settles)}
        self._slow = [f for f in filters if isinstance(f, Slow) and f.slow]
        quick = [f for f in filters if f not in self._gates and f not in self._slow]
        self._by_words = [f for f in quick if not f.by_meaning]
        self._by_meaning = [f for f in quick if f.by_meaning]
        self._embeds = any(each.by_meaning for each in filters)
        self._encoder = encoder

    def by_words(self, candidates: Sequence[Candidate]) -> list[list[Verdict]]:
        """Return the verdicts of the filters that need no vectors, for each candidate."""
        verdicts: list[list[Verdict]] = [[] for _ in candidates]
        self._pass(self._by_words, candidates, verdicts, seen=None)
        return verdicts

    async def by_meaning(
        self, candidates: Sequence[Candidate], verdicts: Sequence[list[Verdict]]
    ) -> None:
        """Add the verdicts of the filters by meaning, and of slow ones, to those still passing."""
        passing = [place for place, own in enumerate(verdicts) if not rejected(own)]
        if not passing or not (self._embeds or self._slow):
            return
        left = [candidates[place] for place in passing]
        seen = None
        if self._encoder is not None:
            seen = await asyncio.to_thread(self._seen, self._encoder, left)
        own = [verdicts[place] for place in passing]
        self._pass(self._by_meaning, left, own, seen=seen)
        if self._slow:
            await asyncio.to_thread(self._pass, self._slow, left, own, seen=seen)

    def put_to_jury(self, row: Candidate, verdicts: list[Verdict], *, arrival: int) -> None:
        """Have a row of an arrival voted on if it still passes.

        One that a gate rejects now, and would whatever is accepted next, is spared the votes.
        """
        if self._jury.idle or rejected(verdicts):
            return
        gates = self._at(self._for_good, row)
        if rejected(gates):
            verdicts += gates
        else:
            self._jury.hear(row, arrival)

    def last(self, row: Candidate, verdicts: Sequence[Verdict], *, arrival: int) -> list[Verdict]:
        """Return the verdicts that follow those of the filters: of the jury, and at the gates."""
        voted = self._jury.judge(row, arrival, verdicts)
        if self._jury.speaks_for in self._flag:
            voted = [_flagged(each) for each in voted]
        return voted if rejected(voted) else voted + self.at_the_gates(row)

    def settled(self, row: Candidate, verdicts: Sequence[Verdict]) -> list[Verdict]:
        """Return the verdicts of the filters as they stand at a row's turn.

        That is after all rows accepted before it, and up to the first that rejects it.
        """
        found: list[Verdict] = []
        for each in verdicts:
            by = self._settle.get(each.filter)
            found += [each] if by is None else self._flag_by(by, [by.settle(row, each)])
            if found[-1].outcome == "rejected":
                break
        return found

    def foresee(self, candidates: Sequence[Candidate]) -> None:
        """Let the gates know which rows come to them next, in this order."""
        for gate in self._gates:
            if isinstance(gate, Foresees):
                gate.foresee(candidates)

    def _seen(self, encoder: Encoder, candidates: Sequence[Candidate]) -> Seen:
        examples = [candidate.example for candidate in candidates]
        texts = [example.whole for example in examples]
        if not any(isinstance(each, OfMentions) for each in self._by_meaning):
            return Seen(texts=encoder.encode(texts))
        whole, mentions = encoder.encode_places(texts, [places_of(one.target) for one in examples])
        return Seen(texts=whole, mentions=mentions)

    def at_the_gates(self, candidate: Candidate) -> list[Verdict]:
        """Return the verdicts that depend on what was accepted before this very row."""
        return self._at(self._gates, candidate)

    def _at(self, gates: Sequence[Filter], candidate: Candidate) -> list[Verdict]:
        verdicts: list[Verdict] = []
        for gate in gates:
            vectors = None
            if gate.by_meaning and self._encoder is not None:  # which has seen the text by now
                vectors = self._encoder.encode([candidate.example.whole])
            verdicts += self._by(gate, [candidate], vectors)
            if verdicts[-1].outcome == "rejected":
                break
        return verdicts

    def observe(self, accepted: Example[Target]) -> None:
        """Let every filter take note of an accepted row."""
        for each in self._all:
            each.observe([accepted])

    def _pass(
        self,
        filters: Sequence[Filter],
        candidates: Sequence[Candidate],
        verdicts: Sequence[list[Verdict]],
        *,
        seen: Seen | None,
    ) -> None:
        """Append each filter's verdicts to those of the candidates that no earlier one rejected."""
        passing = [place for place, own in enumerate(verdicts) if not rejected(own)]
        for each in filters:
            if not passing:
                return
            vectors = None if seen is None else seen.by(each, passing)
            own = self._by(each, [candidates[place] for place in passing], vectors)
            for place, verdict in zip(passing, own, strict=True):
                verdicts[place].append(verdict)
            passing = [place for place in passing if verdicts[place][-1].outcome != "rejected"]

    def _by(
        self, judge: Filter, candidates: Sequence[Candidate], vectors: Vectors | None
    ) -> Sequence[Verdict]:
        """Return a filter's verdicts, none of which rejects where it is to flag."""
        return self._flag_by(judge, judge.judge(candidates, vectors))

    def _flag_by(self, judge: Filter | Settles, verdicts: Sequence[Verdict]) -> Sequence[Verdict]:
        if judge.name not in self._flag:
            return verdicts
        return [_flagged(each) for each in verdicts]


def _flagged(verdict: Verdict) -> Verdict:
    return replace(verdict, outcome="flagged") if verdict.outcome == "rejected" else verdict


def rejected(verdicts: Sequence[Verdict]) -> bool:
    """Tell whether any of the verdicts rejects."""
    return "rejected" in [verdict.outcome for verdict in verdicts]
