"""Small pipelines: engines and filters of our own that obey the Protocols, and a real journal."""

from __future__ import annotations

import asyncio
import itertools

from small_runs import SEEDS, answer

from augment.engines.concurrency import Concurrency
from augment.engines.slots import Slots
from augment.errors import EngineGone
from augment.journal import SqliteJournal
from augment.pipeline import Parts, Pipeline
from augment.plan.budget import Budget
from augment.plan.given import InOrder, all_of, given_ask
from augment.plan.goal import per_label
from augment.plan.planner import Planner
from augment.records import Ask, Completion, Request, Sampling, Verdict
from augment.tasks.classification import Classification

SAMPLING = Sampling(temperature=1.0, top_p=1.0, max_tokens=64, seed=0)


class Plain:
    name = "fewshot"

    def __init__(self, k=1):
        self._k = k

    def propose(self, need):
        return Ask(number=need.number, strategy=self.name, labels=need.labels, k=self._k)


class Serial:
    """An engine that answers one request after the other."""

    name = model = "serial"

    def __init__(self, outcome_of):
        self._outcome_of = outcome_of
        self.asked = []

    async def complete(self, requests):
        async for request in requests:
            self.asked.append(request.ask.number)
            outcome = self._outcome_of(request.ask)
            if isinstance(outcome, Exception):
                raise outcome
            await asyncio.sleep(0)
            yield request, outcome


class Judge:
    """A filter that rejects the texts that it is told to, and remembers what it saw."""

    def __init__(self, name, *, rejects=lambda text: False, sequential=False, by_meaning=False):
        self.name, self.sequential, self._rejects = name, sequential, rejects
        self.batches, self.observed = [], []
        self.by_meaning, self.calibration = by_meaning, None

    @property
    def saw(self):
        return [text for batch in self.batches for text in batch]

    def fit(self, seeds, vectors):
        raise AssertionError("whoever puts the parts together fits the filters")

    def judge(self, candidates, vectors):
        texts = [candidate.example.text for candidate in candidates]
        assert vectors is None or len(vectors) == len(texts)
        self.batches.append(texts)
        return [
            Verdict(filter=self.name, outcome="rejected", reason="told")
            if self._rejects(text)
            else Verdict(filter=self.name, outcome="passed")
            for text in texts
        ]

    def observe(self, accepted):
        self.observed += [example.text for example in accepted]


class New(Judge):
    """Rejects what was accepted before."""

    def __init__(self):
        super().__init__("new", rejects=lambda text: text in self.observed, sequential=True)


def texts_by_number(ask):
    return answer(f"row {ask.number} with {ask.labels[0]}", ask.labels)


def opened(folder):
    ticks = itertools.count(1_000_000.0, 0.5)
    return SqliteJournal(folder / "journal.db", clock=lambda: next(ticks))


def a_pipeline(journal, engine, *filters, rows=5, k=1, **more):
    planner = Planner(
        per_label(SEEDS, rows=rows), [(Plain(k), 1.0)], random_seed=0, first_ask=journal.next_ask()
    )
    return Pipeline(
        Parts(
            task=Classification(SEEDS.labels),
            planner=planner,
            render=lambda ask: Request(
                key=f"{ask.number:064x}", messages=(), schema=None, sampling=SAMPLING, ask=ask
            ),
            engine=engine,
            filters=filters,
            journal=journal,
            **{"budget": Budget(max_requests=300), **more},
        )
    )


async def checked(folder, engine, filters, *, rows, order=None):
    """Put so many given rows through the filters; return the decisions in order."""
    journal = opened(folder)
    labels = [("a",)] * rows
    pipeline = Pipeline(
        Parts(
            task=Classification(("a", "b")),
            planner=InOrder(
                all_of(labels, several=False), lambda n: given_ask(n, labels), order=order
            ),
            render=lambda ask: Request(
                key=f"{ask.number:016x}", messages=(), schema=None, sampling=SAMPLING, ask=ask
            ),
            engine=engine,
            filters=filters,
            journal=journal,
            budget=Budget(max_requests=rows + 1),
        )
    )
    assert await pipeline.run() == "done"
    decisions = [each for _, decisions in journal.replay() for each in decisions]
    journal.close()
    return decisions


class Wall:
    """Lets all requests in flight be answered at once, and then in any order."""

    name = model = "wall"

    def __init__(self, outcome_of, *, slots):
        async def answered(request):
            for _ in range(request.ask.number * 7 % 5):
                await asyncio.sleep(0)
            return outcome_of(request.ask)

        self.complete = Slots(answered, Concurrency(slots), max_wait_s=30).complete


class Late:
    """Never answers the first request, and only every other one with a row: more are asked."""

    name = model = "late"

    def __init__(self, *, gone):
        self._gone = gone

    async def complete(self, requests):
        async for request in requests:
            number = request.ask.number
            if number > 0:
                row = texts_by_number(request.ask)
                yield request, row if number // 2 % 2 else Completion(text="junk")
        if self._gone:
            raise EngineGone("silent")
        await asyncio.sleep(3600)


class Broken(Judge):
    def judge(self, candidates, vectors):
        if len(self.batches) == 3:
            raise ZeroDivisionError("a filter of somebody else's")
        return super().judge(candidates, vectors)
