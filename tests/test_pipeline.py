"""The loop from asks to decisions, with engines and filters of our own and a real journal."""

from __future__ import annotations

import asyncio
import json
import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_pipelines import (
    Broken,
    Judge,
    Late,
    New,
    Serial,
    Wall,
    a_pipeline,
    checked,
    opened,
    texts_by_number,
)
from small_runs import answer

from augment.engines.file import FileRows
from augment.errors import EngineGone
from augment.filters.near_duplicate import NearDuplicate
from augment.plan.budget import Budget
from augment.records import Completion, Failure


@pytest.fixture
def journal(tmp_path):
    journal = opened(tmp_path)
    yield journal
    journal.abandon()


def decisions_in(journal):
    return [each for _, decisions in journal.replay() for each in decisions]


async def test_the_verdicts_stand_in_the_order_of_the_filters_up_to_the_rejection(journal):
    filters = (
        Judge("first"),
        Judge("second", rejects=lambda text: text.startswith("row 1 ")),
        Judge("third"),
        Judge("gate", sequential=True, rejects=lambda text: text.startswith("row 2 ")),
        Judge("last gate", sequential=True),
    )
    pipeline = a_pipeline(journal, Serial(texts_by_number), *filters)

    assert await pipeline.run() == "done"
    by_number = [[v.filter for v in decision.verdicts] for decision in decisions_in(journal)]
    assert by_number[0] == ["first", "second", "third", "gate", "last gate"]
    assert by_number[1] == ["first", "second"]
    assert by_number[2] == ["first", "second", "third", "gate"]
    assert pipeline.accepted == 10
    assert pipeline.reasons["told"] == 2
    assert pipeline.rejected == pipeline.reasons.total()


async def test_a_sequential_filter_never_sees_what_another_filter_rejected(journal):
    def number(text):
        return int(text.split()[1])

    screen = Judge("screen", rejects=lambda text: number(text) % 3 == 0)
    gate = Judge("gate", sequential=True, rejects=lambda text: number(text) % 5 == 0)
    last = New()
    await a_pipeline(journal, Serial(texts_by_number), screen, gate, last).run()
    passed = [text for text in screen.saw if number(text) % 3 != 0]

    assert all(len(batch) == 1 for batch in gate.batches + last.batches)
    assert gate.saw == [text for text in passed if text in gate.saw]
    assert last.observed == last.saw == [text for text in gate.saw if number(text) % 5 != 0]
    assert len(last.observed) == 10


async def test_only_accepted_rows_are_observed_and_by_every_filter(journal):
    filters = (Judge("screen", rejects=lambda text: "row 1 " in text), New())
    await a_pipeline(journal, Serial(lambda ask: answer("the same", ask.labels)), *filters, rows=1,
                     budget=Budget(max_requests=8)).run()  # fmt: skip
    assert [each.observed for each in filters] == [["the same"]] * 2


class Encoder:
    name = "counting"

    def __init__(self):
        self.batches, self.threads = [], set()

    def encode(self, texts):
        self.batches.append(list(texts))
        self.threads.add(threading.get_ident())
        return np.ones((len(texts), 2), dtype=np.float32)


async def test_an_encoder_is_asked_once_for_each_batch_and_off_the_event_loop(journal):
    encoder, screen = (
        Encoder(),
        Judge("screen", rejects=lambda text: "row 4 " in text, by_meaning=True),
    )
    engine = Wall(texts_by_number, slots=8)
    await a_pipeline(
        journal, engine, screen, Judge("more", by_meaning=True), rows=40, encoder=encoder
    ).run()
    texts = [text for batch in encoder.batches for text in batch]

    assert sorted(texts) == sorted(screen.saw)
    assert len(set(texts)) == len(texts)
    assert len(encoder.batches) == len(screen.batches) < len(texts)
    assert threading.get_ident() not in encoder.threads


async def test_what_overtakes_in_the_engine_is_judged_in_order_of_arrival(journal):
    screen = Judge("screen")
    await a_pipeline(journal, Wall(texts_by_number, slots=8), screen, rows=40).run()
    arrived = [json.loads(arrival.outcome.text)["text"] for arrival, _ in journal.replay()]

    assert screen.saw == arrived
    assert arrived != sorted(arrived, key=lambda text: int(text.split()[1]))


async def test_a_filter_that_raises_stops_the_run_and_leaves_the_journal_whole(journal, tmp_path):
    broken = Broken("broken", sequential=True)
    pipeline = a_pipeline(journal, Serial(texts_by_number), broken)
    with pytest.raises(ZeroDivisionError, match="a filter of somebody else's"):
        await asyncio.wait_for(pipeline.run(), 10)
    journal.close()
    again = opened(tmp_path)
    found = list(again.replay())

    assert sum(bool(decisions) for _, decisions in found) == 3
    assert len(found) >= 4, "the row that broke the filter is kept"

    sound = Judge("broken", sequential=True)
    pipeline = a_pipeline(again, Serial(texts_by_number), sound)
    pipeline.restore(seconds=0)
    assert await pipeline.run() == "done"
    assert len(sound.observed) == 10
    again.close()


async def test_an_engine_that_raises_stops_the_run(journal):
    engine = Serial(
        lambda ask: RuntimeError("out of memory") if ask.number == 3 else texts_by_number(ask)
    )
    with pytest.raises(RuntimeError, match="out of memory"):
        await asyncio.wait_for(a_pipeline(journal, engine).run(), 10)
    journal.commit()

    assert len(list(journal.replay())) == 3


async def test_an_engine_that_is_gone_ends_the_run_with_everything_judged(journal):
    engine = Serial(lambda ask: EngineGone("silent") if ask.number == 4 else texts_by_number(ask))
    pipeline = a_pipeline(journal, engine, New())

    assert await pipeline.run() == "gone"
    assert pipeline.ending_detail == "silent"
    assert len(decisions_in(journal)) == pipeline.accepted == 4
    assert [ask.number for ask, _ in journal.unanswered()] == [4]


@pytest.mark.parametrize("gone", [False, True])
async def test_what_is_not_answered_once_the_quota_is_full_came_too_late(journal, gone):
    pipeline = a_pipeline(journal, Late(gone=gone), New(), last_wait_s=0.05)

    assert await asyncio.wait_for(pipeline.run(), 10) == "done"
    assert pipeline.accepted == 10
    if not gone:
        assert [arrival.ask.number for arrival, _ in journal.replay()][-1] == 0
        assert decisions_in(journal)[-1].rejection.reason == "quota"


class Silent:
    """An engine that never answers."""

    name = model = "silent"

    async def complete(self, requests):
        async for _ in requests:
            await asyncio.Event().wait()
            yield  # never


async def test_the_minutes_run_out_although_no_answer_comes(journal):
    budget = Budget(max_requests=10, max_minutes=0.001)
    pipeline = a_pipeline(journal, Silent(), budget=budget, last_wait_s=0.05)

    assert await asyncio.wait_for(pipeline.run(), 10) == "budget"
    assert pipeline.ending_detail == "the budget is spent: --max-minutes 0.001"


async def test_the_minutes_begin_with_the_run_and_not_with_what_is_made_ready_for_it(journal):
    now = [0.0]
    more = {"budget": Budget(max_requests=300, max_minutes=1), "clock": lambda: now[0]}
    pipeline = a_pipeline(journal, Wall(texts_by_number, slots=8), New(), **more)
    now[0] = 3600.0

    assert await pipeline.run() == "done"
    assert pipeline.spent.seconds == 0


async def test_a_budget_that_is_just_enough_is_no_reason_to_stop_short(journal):
    budget = Budget(max_requests=10)
    pipeline = a_pipeline(journal, Wall(texts_by_number, slots=8), New(), budget=budget)

    assert await pipeline.run() == "done"
    assert (pipeline.accepted, pipeline.ending_detail) == (10, "")


OUTCOMES = st.lists(
    st.one_of(
        st.integers(0, 25).map("row {}".format),
        st.sampled_from(["junk", "refused", "cut", "odd"]),
    ),
    min_size=1,
    max_size=40,
)


def outcome_of(kinds, ask):
    kind = kinds[ask.number % len(kinds)]
    if kind == "refused":
        return Failure(code="refused", detail="400")
    if kind == "junk":
        return Completion(text="no JSON")
    if kind == "cut":
        return Completion(text="{", finish="length")
    row = {"label": ask.labels[0], "text": f"{kind} {ask.number // 60}"}
    rows = [{**row, "text": f"{row['text']} {n}"} for n in range(ask.k)]
    return Completion(text=json.dumps({"rows": rows} if ask.k > 1 else row))


GIVEN = st.lists(st.text("abc ", max_size=8).map(lambda text: f"x {text}"), min_size=1, max_size=40)


@given(texts=GIVEN)
def test_rows_that_come_at_once_are_decided_as_if_they_had_come_one_by_one(tmp_path_factory, texts):
    rows = [answer(text, ("a",)).text for text in texts]

    def made():
        return [
            Judge("screen", rejects=lambda text: text.endswith("c c")),
            NearDuplicate(threshold=0.5),
            Judge("last", sequential=True, rejects=lambda text: text.endswith("a")),
        ]

    at_once = FileRows(rows, model="rows")
    together = asyncio.run(checked(tmp_path_factory.mktemp("a"), at_once, made(), rows=len(texts)))
    singly = Serial(lambda ask: answer(texts[ask.number], ("a",)))
    assert together == asyncio.run(
        checked(tmp_path_factory.mktemp("b"), singly, made(), rows=len(texts))
    )


def filters():
    return Judge("odd", rejects=lambda text: text.startswith("odd")), New()


async def finish(journal, kinds, *, k):
    """Take up the journal and run to the end, within a budget."""
    pipeline = a_pipeline(
        journal, Serial(lambda ask: outcome_of(kinds, ask)), *filters(), k=k,
        budget=Budget(max_requests=60),
    )  # fmt: skip
    pipeline.restore(seconds=0)
    return pipeline, await pipeline.run()


@given(kinds=OUTCOMES, k=st.sampled_from([1, 3]), cut=st.floats(0, 1), data=st.data())
def test_a_journal_cut_anywhere_is_taken_up_with_the_same_decisions(
    tmp_path_factory, kinds, k, cut, data
):
    journal = opened(tmp_path_factory.mktemp("whole"))
    asyncio.run(finish(journal, kinds, k=k))
    whole = list(journal.replay())
    journal.close()

    arrived = round(cut * len(whole))
    judged = data.draw(st.integers(0, arrived))
    asked = data.draw(st.integers(arrived, min(arrived + 4, len(whole))))
    copy = opened(tmp_path_factory.mktemp("cut"))
    copy.plan([(arrival.ask, arrival.key) for arrival, _ in whole[:asked]])
    for number, (arrival, decisions) in enumerate(whole[:arrived]):
        copy.arrive(arrival.ask, arrival.key, arrival.outcome)
        if number < judged:
            copy.decide(decisions)
    copy.commit()
    pipeline, ending = asyncio.run(finish(copy, kinds, k=k))
    again = list(copy.replay())
    copy.close()

    known = min(asked, len(again))  # what was asked but not needed any more stays unanswered
    assert known >= arrived
    assert [arrival.ask for arrival, _ in again[:known]] == [each.ask for each, _ in whole[:known]]
    assert [decisions for _, decisions in again[:known]] == [own for _, own in whole[:known]]
    assert len({arrival.ask.number for arrival, _ in again}) == len(again) <= 60
    assert all(decisions for _, decisions in again)
    assert pipeline.accepted + pipeline.rejected == sum(len(own) for _, own in again)
    assert (ending == "done") == (pipeline.accepted == 10)
