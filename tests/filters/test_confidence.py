"""A label that the engine was less sure of than wanted is rejected; where none told, nothing is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from augment.filters.confidence import Confidence
from augment.protocols import Filter
from augment.records import Ask, Candidate, Example, Verdict

ASK = Ask(number=0, strategy="annotate", labels=())
ROW = Example(id="u1", text="Where is it?", target="card", origin="given")
SHARES = st.floats(0, 1)


def candidate(probability):
    return Candidate(example=ROW, ask=ASK, key="k", index=0, probability=probability)


def judged(probability, *, least):
    (verdict,) = Confidence(least=least).judge([candidate(probability)], None)
    return verdict


def test_it_is_a_filter_that_needs_no_vectors_and_no_row_but_the_one_it_judges():
    by: Filter = Confidence(least=0.5)
    assert (by.name, by.sequential, by.by_meaning) == ("confidence", False, False)


def test_less_than_the_least_is_rejected_with_what_it_was_held_against():
    assert judged(0.69, least=0.7) == Verdict(
        filter="confidence", outcome="rejected", score=0.69, threshold=0.7, reason="unsure"
    )


def test_the_least_itself_passes():
    assert judged(0.7, least=0.7) == Verdict(
        filter="confidence", outcome="passed", score=0.7, threshold=0.7
    )


@pytest.mark.parametrize(
    ("least", "outcome"), [(0.0, "abstained"), (0.5, "rejected"), (1.0, "rejected")]
)
def test_where_no_engine_told_nothing_is_sure_enough_but_where_all_is(least, outcome):
    assert judged(None, least=least) == Verdict(
        filter="confidence", outcome=outcome, reason="no_probability"
    )


def test_impossible_is_a_probability_and_not_the_lack_of_one():
    assert judged(0.0, least=0.1).outcome == "rejected"
    assert judged(0.0, least=0.0).outcome == "passed"


@given(rows=st.lists(st.none() | SHARES, max_size=8), least=SHARES)
def test_every_row_gets_one_verdict_in_order_and_by_itself(rows, least):
    verdicts = Confidence(least=least).judge([candidate(each) for each in rows], None)
    assert verdicts == [judged(each, least=least) for each in rows]
    for probability, verdict in zip(rows, verdicts, strict=True):
        assert verdict.score == probability
        if probability is not None:
            assert (verdict.outcome == "passed") is (probability >= least)


def test_it_learns_nothing():
    by, row = Confidence(least=0.7), candidate(0.5)
    before = by.judge([row], None)
    by.fit([ROW] * 30, None)
    by.observe([ROW] * 30)
    assert by.judge([row], None) == before
    assert by.calibration is None
