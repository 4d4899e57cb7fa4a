"""Small runs for the tests of what a run leaves behind: a real journal, and filters of our own."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from augment import folder
from augment.answers import QUOTA, rejection, rows_of
from augment.journal import SqliteJournal
from augment.ngrams import NAME, ngram_vectors
from augment.plan.goal import Goal, per_label
from augment.records import (
    Arrival,
    Ask,
    Calibration,
    Candidate,
    Completion,
    Decision,
    Example,
    Failure,
    Fault,
    SeedSet,
    Verdict,
    labels_of,
)
from augment.tasks.classification import Classification
from evals.figures import gather
from evals.subject import Making, Space, Subject

Outcome = Completion | Failure

NGRAMS = Space(name=NAME, vectors_of=ngram_vectors)

LENGTHS = Calibration(
    filter="length",
    basis="counting characters",
    statement="Texts of 4 characters and more are let through.",
    scores=(17.0, 18.0),
    thresholds=(4.0,),
)
"""What the filter of these runs that scores rows could have learnt from `SEEDS`."""

TEMPLATES = {
    "fewshot": {"name": "classification/fewshot", "digest": "f" * 64},
    "paraphrase": {"name": "classification/paraphrase", "digest": "p" * 64},
}


def seed_set(
    texts: Sequence[tuple[str, str | tuple[str, ...]]],
    *,
    pairs: bool = False,
    warnings: tuple[str, ...] = (),
) -> SeedSet:
    """Seeds from (text, label or labels); with `pairs`, each with a second text."""
    examples = tuple(
        Example(id=f"s{n}", text=text, target=target, text_pair=f"then {text}" if pairs else None)
        for n, (text, target) in enumerate(texts)
    )
    labels = dict.fromkeys(label for each in examples for label in labels_of(each.target))
    return SeedSet(
        examples=examples,
        labels=tuple(labels),
        several=any(isinstance(each.target, tuple) for each in examples),
        pairs=pairs,
        digest="5eed" * 16,
        warnings=warnings,
    )


SEEDS = seed_set([("where is my card", "card"), ("send my money back", "refund")])


def answer(text: str, labels: Sequence[str], *, seeds: SeedSet = SEEDS, **more: Any) -> Completion:
    """What a good engine answers when asked for these labels."""
    row: dict[str, Any] = {"label": list(labels) if seeds.several else labels[0], "text": text}
    if seeds.pairs:
        row["text_pair"] = f"then {text}"
    return Completion(text=json.dumps(row), **more)


@dataclass(kw_only=True)
class SmallRun:
    """A run in a folder, new or old: say what arrives, then look at what it leaves.

    Attributes:
        goal: how many rows are wanted, by default five of each label.
        unjudged: whether what arrives from now on is left without decisions.
    """

    path: Path
    seeds: SeedSet = SEEDS
    goal: Goal | None = None
    unjudged: bool = False
    _accepted: Counter[str] = field(default_factory=Counter)
    _texts: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        seeds = self.seeds
        self.goal = self.goal or per_label(seeds, rows=5)
        self.task = Classification(seeds.labels, several=seeds.several, pairs=seeds.pairs)
        self.ticks = itertools.count(1_700_000_000.0, 0.5)
        self.path.mkdir(parents=True, exist_ok=True)
        self.journal = SqliteJournal(self.path / "journal.db", clock=lambda: next(self.ticks))
        self._fresh = not self.journal.sessions()
        if self._fresh:
            self.journal.begin_session()

    def arrive(
        self, labels: Sequence[str], outcome: Outcome, *, strategy: str = "fewshot"
    ) -> Sequence[Decision]:
        """Record an answer to an ask for these labels, and judge it."""
        number = self.journal.next_ask()
        ask = Ask(number=number, strategy=strategy, labels=tuple(labels), exemplars=("s0",))
        key = hashlib.sha256(f"ask {number}".encode()).hexdigest()
        self.journal.plan([(ask, key)])
        arrival = self.journal.arrive(ask, key, outcome)
        if self.unjudged:
            return ()
        decisions = [self._decide(arrival, row, n) for n, row in enumerate(self.rows(arrival))]
        self.journal.decide(decisions)
        return decisions

    def rows(self, arrival: Arrival) -> tuple[Candidate | Fault, ...]:
        return rows_of(self.task, arrival)

    def _decide(self, arrival: Arrival, row: Candidate | Fault, index: int) -> Decision:
        verdicts = [rejection(row)] if isinstance(row, Fault) else list(self._verdicts(row.example))
        accepted = all(verdict.outcome != "rejected" for verdict in verdicts)
        if accepted and isinstance(row, Candidate):
            self._accepted.update(self._cells(row.example))
            self._texts.add(row.example.whole)
        return Decision(
            arrival=arrival.number, index=index, accepted=accepted, verdicts=tuple(verdicts)
        )

    def _cells(self, example: Example[Any]) -> tuple[str, ...]:
        assert self.goal is not None
        return self.goal.cells_of(self.task.labels_of(example))

    def _verdicts(self, example: Example[Any]) -> Iterator[Verdict]:
        """Pass the filters in order up to the one that rejects."""
        assert self.goal is not None
        if all(self._accepted[c] >= self.goal.wanted[c] for c in self._cells(example)):
            yield QUOTA
            return
        length = float(len(example.text))
        short = length < 4
        yield Verdict(
            filter="length",
            outcome="rejected" if short else "passed",
            score=length,
            threshold=4.0 if short else None,
            reason="too_short" if short else None,
        )
        if short:
            return
        yield Verdict(filter="leak", outcome="abstained", reason="no_holdout")
        repeated = example.whole in self._texts
        yield Verdict(
            filter="near_duplicate",
            outcome="rejected" if repeated else "passed",
            score=1.0 if repeated else None,
            threshold=0.7,
            reason="near_duplicate" if repeated else None,
            detail="repeats 0123456789abcdef-0" if repeated else None,
        )

    def subject(self, **changes: Any) -> Subject:
        assert self.goal is not None
        values: dict[str, Any] = {
            "name": "support intents",
            "task": self.task.name,
            "seeds": self.seeds,
            "wanted": self.goal.wanted,
            "cells_of": self.goal.cells_of,
            "labels_of": self.task.labels_of,
            "fields": self.task.fields,
            "ending": "done",
            "ending_detail": "",
            "making": Making(
                engine="endpoint",
                model="acme/writer-7b",
                recipe={"per_label": 5, "random_seed": 0, "guidelines": None},
                templates=TEMPLATES,
                versions={"augment": "0.1.0", "python": "3.11"},
            ),
        }
        return Subject(**{**values, **changes})

    def rounds(self) -> Iterable[Any]:
        """Every arrival with its rows and decisions, also those without."""
        for arrival, decisions in self.journal.replay():
            yield arrival, self.rows(arrival), decisions

    def figures(
        self,
        *,
        calibrations: Sequence[Calibration] = (),
        space: Space | None = None,
        **changes: Any,
    ) -> dict[str, Any]:
        """Gather the figures; the other arguments change the subject."""
        return gather(
            self.subject(**changes),
            self.rounds(),
            sessions=self.journal.sessions(),
            notes=self.journal.notes(),
            calibrations=calibrations,
            space=space,
        )

    def write_rows(self) -> None:
        made = folder.Made(engine="endpoint", model="acme/writer-7b", templates=TEMPLATES)
        deque(folder.written(self.path, self.journal, task=self.task, made=made), maxlen=0)

    def close(self) -> None:
        if self._fresh:
            self.journal.end_session()
        self.journal.close()
