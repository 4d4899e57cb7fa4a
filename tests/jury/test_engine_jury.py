"""Rows are voted on as the seeds show that votes are worth; without votes no row is lost."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from juries import (
    LABELS,
    agreement_of,
    answered,
    by_words,
    jury_of,
    row,
    said,
    seeds_of,
    text_in,
    verdict_on,
)
from small_runs import seed_set

from augment.filters.agreement import LEFT_OPEN
from augment.records import Completion, Failure, TokenLogprob, Verdict

SEEDS = seeds_of()
RIGHT = row("kindly return the beta thing", "beta")
WRONG = row("kindly return the beta thing", "alpha", index=1)
OPEN = Verdict(
    filter="agreement", outcome="abstained", score=0.4, threshold=0.0, reason=LEFT_OPEN,
    detail="reads like 'beta'",
)  # fmt: skip
JUNK = (
    Completion(text="I think it is fine."), Completion(text=""), said("none of them"),
    Completion(text='{"label": "al', finish="length"), Completion(text='{"label": ["alpha"]}'),
    Completion(text=said("alpha").text, finish="content_filter"),
    Failure(code="refused", detail="no"), Failure(code="server_error", detail="again and again"),
)  # fmt: skip


async def test_a_right_label_passes_and_a_wrong_one_is_rejected_with_what_was_read():
    jury = jury_of(SEEDS)
    passed, rejected = await verdict_on(jury, RIGHT), await verdict_on(jury, WRONG)

    assert passed.outcome == "passed"
    assert rejected.outcome == "rejected"
    assert rejected.reason == "label"
    assert rejected.detail == "read as 'beta'; its own label has 0.00 of the votes"
    assert rejected.score < rejected.threshold <= 0.5 < passed.score


@given(
    random_seed=st.integers(0, 2**40),
    labels=st.permutations(LABELS),
    votes=st.integers(1, 9),
    text=st.sampled_from(["the beta thing", "nothing of the kind", "gamma and alpha"]),
    label=st.sampled_from(LABELS),
)
def test_the_order_of_labels_does_not_change_the_verdict_of_a_judge_that_does_not_see_it(
    random_seed, labels, votes, text, label
):
    there = replace(SEEDS, labels=tuple(labels))
    plain, turned = (
        asyncio.run(verdict_on(jury, row(text, label)))
        for jury in (jury_of(SEEDS), jury_of(there, random_seed=random_seed, votes=votes))
    )

    assert turned.outcome == plain.outcome
    assert turned.score == pytest.approx(plain.score)
    assert turned.threshold == pytest.approx(plain.threshold)


async def test_a_judge_that_takes_whatever_stands_first_tells_nothing():
    jury = jury_of(SEEDS)
    first = await verdict_on(jury, WRONG, judge=lambda _, labels: said(labels[0]))

    assert (first.outcome, first.reason) == ("abstained", "cannot_tell")
    assert "Labels are NOT judged by votes: the votes do not tell" in jury.calibration.statement


def test_each_vote_shows_every_label_in_another_order_and_never_the_row_itself():
    jury = jury_of(SEEDS)
    jury.hear(RIGHT, 1)
    orders: dict[str, list[tuple[str, ...]]] = {}
    while (request := jury.next()) is not None:
        text = text_in(request)
        orders.setdefault(text, []).append(request.ask.labels)
        assert request.sampling.temperature == 0
        assert request.messages[-1].content.count(text) == 1, "a seed was shown beside itself"
        jury.take(request, by_words(text, request.ask.labels))

    assert len(orders) == len(SEEDS.examples) + 1
    for own in orders.values():
        assert len(own) == len({order[0] for order in own}) == 3, "a label kept its place"
        assert all(sorted(order) == sorted(LABELS) for order in own)
    assert len({own[0] for own in orders.values()}) == 6, "the order is drawn anew for each row"


@pytest.mark.parametrize("junk", JUNK)
async def test_votes_that_tell_nothing_are_void_and_the_judge_abstains(junk):
    jury = jury_of(SEEDS)
    answered(jury)
    verdict = await verdict_on(jury, WRONG, judge=lambda *_: junk)

    assert (verdict.outcome, verdict.reason) == ("abstained", "no_answer")
    assert verdict.detail.endswith(" 3")


@pytest.mark.parametrize("junk", JUNK)
async def test_one_vote_that_tells_is_enough(junk):
    jury = jury_of(SEEDS)
    answered(jury)
    votes = iter([junk, said("beta"), junk])

    assert (await verdict_on(jury, WRONG, judge=lambda *_: next(votes))).outcome == "rejected"


async def test_the_classifier_decides_where_no_vote_tells_and_the_votes_where_they_do():
    seeds = seeds_of()
    jury = jury_of(seeds, agreement=agreement_of(seeds))
    answered(jury)
    alone = await verdict_on(jury, WRONG, judge=lambda *_: said("?"), verdicts=[OPEN])
    saved = await verdict_on(jury, RIGHT, verdicts=[replace(OPEN, score=0.01)])

    assert (alone.filter, alone.outcome, alone.reason) == ("judge", "rejected", "label")
    assert alone.detail == "reads like 'beta'; no vote (no_answer)"
    assert saved.outcome == "passed"


async def test_too_few_seeds_are_not_asked_about_and_neither_is_any_row():
    few = seed_set([(f"{label} {at}", label) for at in range(2) for label in LABELS])
    jury = jury_of(few)
    jury.hear(WRONG, 1)

    assert jury.next() is None
    assert await jury.ready(WRONG, 1)
    (verdict,) = jury.judge(WRONG, 1, [])
    assert (verdict.outcome, verdict.reason) == ("abstained", "too_few_seeds")
    assert "too few seeds were voted on (9 at least)" in jury.calibration.statement


def test_what_an_earlier_session_was_told_is_not_asked_again():
    first = jury_of(SEEDS)
    first.hear(RIGHT, 1)
    told = answered(first)
    again = jury_of(SEEDS)
    for vote in told[::2]:
        again.restore(vote)
    again.hear(RIGHT, 1)
    asked = answered(again)

    key = [(vote.arrival, vote.index, vote.number) for vote in told]
    assert [(vote.arrival, vote.index, vote.number) for vote in asked] == key[1::2]
    assert again.calibration == first.calibration
    assert again.judge(RIGHT, 1, []) == first.judge(RIGHT, 1, [])


async def test_rows_wait_for_another_session_when_the_engine_is_gone():
    jury = jury_of(SEEDS)
    answered(jury)
    jury.hear(RIGHT, 1)
    assert jury.next() is not None
    waiting = asyncio.create_task(jury.ready(RIGHT, 1))
    await asyncio.sleep(0)
    assert not waiting.done()
    jury.end(gone=True)
    jury.hear(WRONG, 2)

    assert await waiting is False
    assert await jury.ready(WRONG, 2) is False


async def test_rows_wait_too_where_the_engine_is_gone_before_votes_can_be_weighed():
    jury = jury_of(SEEDS)
    jury.hear(RIGHT, 1)
    jury.end(gone=True)

    assert await jury.ready(RIGHT, 1) is False


@pytest.mark.parametrize("gone", [True, False])
def test_the_end_may_come_while_an_earlier_seed_is_still_voted_on(gone):
    jury = jury_of(SEEDS)
    jury.hear(RIGHT, 1)
    late = []
    while (request := jury.next()) is not None:
        if text_in(request) == SEEDS.examples[2].text:
            late.append(request)
        else:
            jury.take(request, said(request.ask.labels[0]))
    assert late
    jury.end(gone=gone)

    assert jury.in_flight == len(late)


async def test_rows_that_nobody_may_be_asked_about_any_more_are_not_judged():
    jury = jury_of(SEEDS)
    answered(jury)
    jury.hear(RIGHT, 1)
    request = jury.next()
    jury.stop()
    jury.hear(WRONG, 2)
    assert jury.next() is None
    jury.take(request, said("beta"))

    assert await jury.ready(RIGHT, 1)
    assert jury.judge(RIGHT, 1, [])[0].outcome == "passed", "one vote had come"
    assert await jury.ready(WRONG, 2)
    assert jury.judge(WRONG, 2, [])[0].reason == "not_asked"


async def test_log_probabilities_weigh_and_so_does_whoever_chose_the_label():
    def told(label, share):
        rivals = dict.fromkeys(LABELS, -9.0)
        token = TokenLogprob(token=label, logprob=share, top=rivals | {label: share})
        ends = [TokenLogprob(token=part, logprob=0.0) for part in ('{"label": "', '"}')]
        return replace(said(label), logprobs=(ends[0], token, ends[1]))

    jury = jury_of(SEEDS)
    answered(jury, lambda text, labels: told(by_words(text, labels).text[11:-2], -0.01))
    sure = await verdict_on(jury, WRONG, judge=lambda *_: told("beta", -0.01))
    unsure = await verdict_on(jury, WRONG, judge=lambda *_: told("beta", -9.0))
    chosen = row(WRONG.example.text, "alpha", index=2, probability=1.0)
    believed = await verdict_on(jury, chosen, judge=lambda *_: told("beta", -0.01))

    assert sure.score < unsure.score
    assert sure.score < believed.score


def test_of_many_labels_the_own_one_stands_beside_its_nearest_rivals():
    labels = [f"topic{number:02d}" for number in range(40)]
    seeds = seeds_of(labels, each=2)
    jury = jury_of(seeds)
    candidate = row("please bring the topic17 thing", "topic33")
    jury.stop()
    jury = jury_of(seeds)
    jury.hear(candidate, 1)
    shown = set()
    while (request := jury.next()) is not None:
        assert len(request.ask.labels) == 20
        if text_in(request) == candidate.example.text:
            shown.add(frozenset(request.ask.labels))
        text = text_in(request)
        right = next((label for label in request.ask.labels if label in text), "topic00")
        jury.take(request, said(right))

    (once,) = shown
    assert {"topic17", "topic33"} <= once


class Learning:
    """An agreement classifier whose margins tell nothing until rows have taught it."""

    fits = 0

    def margins_of_seed(self, place):
        own = SEEDS.examples[place].target
        told = {label: 1.0 if label != own else -1.0 for label in LABELS}
        return told if self.fits else dict.fromkeys(LABELS, 0.0)


async def test_what_votes_and_margins_are_worth_is_learnt_again_with_the_margins():
    def careless(text, labels):
        return said("alpha") if "beta thing number 1" in text else by_words(text, labels)

    agreement = Learning()
    jury = jury_of(SEEDS, agreement=agreement)
    fits = Verdict(filter="agreement", outcome="passed", score=-1.0)
    before = await verdict_on(jury, RIGHT, judge=careless, verdicts=[fits])
    agreement.fits = 1
    after = await verdict_on(jury, RIGHT, judge=careless, verdicts=[fits], arrival=2)

    assert 1 - after.score < 0.8 * (1 - before.score)


class Forgetting(Learning):
    """One whose margins tell labels apart until rows have taught it otherwise."""

    def margins_of_seed(self, place):
        own = SEEDS.examples[place].target
        return {label: 0.0 if self.fits or label == own else 1.0 for label in LABELS}


async def test_votes_are_worth_what_they_were_where_learnt_rows_spoil_what_they_tell():
    """Else those that are asked for would be in vain."""
    agreement = Forgetting()
    jury = jury_of(SEEDS, agreement=agreement)
    fits = Verdict(filter="agreement", outcome="passed", score=0.0)
    careless = {"judge": lambda _, labels: said(labels[0]), "verdicts": [fits]}
    before = await verdict_on(jury, RIGHT, **careless)
    agreement.fits = 1
    after = await verdict_on(jury, RIGHT, **careless, arrival=2)

    assert before.outcome == "passed"
    assert after == before


async def test_what_votes_tell_of_seeds_hangs_on_no_row_learnt_before_they_came():
    statements = []
    for fits in (0, 1):
        agreement = Forgetting()
        jury = jury_of(SEEDS, agreement=agreement)
        agreement.fits = fits  # rows of an earlier session, judged before the seeds' votes are in
        answered(jury, judge=lambda _, labels: said(labels[0]))
        statements.append(jury.calibration.statement)

    assert statements[0] == statements[1]
