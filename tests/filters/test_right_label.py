"""What is said of a label is as often right as it says; misleading evidence counts for nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from augment.filters.right_label import Evidence, RightLabel, needed

LABELS = 6


def drawn(rng, seeds, *, accuracy, margins=True, mislead=False):
    """Evidence for seeds: a judge of some accuracy, and margins that overlap."""
    own, others = [], []
    for _ in range(seeds):
        named = 0 if rng.random() < accuracy else rng.integers(1, LABELS)
        share = np.full(LABELS, 0.02 if not mislead else 0.2)
        share[named] = 0.9 if not mislead else 0.0
        every = [
            Evidence(
                judge=float(share[label]),
                margin=float(rng.normal(0.5 if label else -0.4, 0.3)) if margins else None,
            )
            for label in range(LABELS)
        ]
        own.append(every[0])
        others.append(every[1:])
    return own, others


def test_of_fresh_rows_as_many_are_right_as_the_probability_says():
    rng = np.random.default_rng(1)
    right = RightLabel(*drawn(rng, 400, accuracy=0.85), precision=0.5)
    own, _ = drawn(rng, 9000, accuracy=0.85)
    wrong = [each[rng.integers(LABELS - 1)] for each in drawn(rng, 1000, accuracy=0.85)[1]]
    told = [(right.of(each)[0], 1) for each in own] + [(right.of(each)[0], 0) for each in wrong]

    for low, high in ((0.0, 0.3), (0.3, 0.9), (0.9, 1.01)):
        within = [(chance, true) for chance, true in told if low <= chance < high]
        assert len(within) > 30
        mean, true = np.mean(within, axis=0)
        assert mean == pytest.approx(true, abs=0.12), (low, high, len(within))


@pytest.mark.parametrize("precision", [0.5, 0.75, 0.9])
def test_rejections_of_fresh_rows_are_as_precise_as_stated(precision):
    rng = np.random.default_rng(2)
    right = RightLabel(*drawn(rng, 300, accuracy=0.9), precision=precision)
    own, _ = drawn(rng, 9000, accuracy=0.9)
    _, others = drawn(rng, 1000, accuracy=0.9)

    def rejects(evidence):
        chance, fitted = right.of(evidence)
        return chance < fitted.threshold

    lost = sum(map(rejects, own))
    found = sum(rejects(each[0]) for each in others)
    assert found / (found + lost) >= precision - 0.03
    assert found > 300


def test_together_they_find_more_than_the_classifier_alone():
    rng = np.random.default_rng(3)
    own, others = drawn(rng, 300, accuracy=0.9)
    blind = [Evidence(judge=0.5, margin=each.margin) for each in own]
    blinded = [[Evidence(judge=0.5, margin=e.margin) for e in each] for each in others]
    both, alone = (
        RightLabel(*evidence, precision=0.8).best for evidence in ((own, others), (blind, blinded))
    )

    assert both.found > alone.found + 0.02
    assert both.precision >= 0.8


def test_a_judge_that_is_mostly_wrong_counts_for_nothing():
    rng = np.random.default_rng(4)
    right = RightLabel(*drawn(rng, 200, accuracy=1.0, mislead=True), precision=0.5)
    says_yes, says_no = (right.of(Evidence(judge=q, margin=0.0)) for q in (0.99, 0.01))

    assert says_yes == says_no


@given(seeds=st.integers(0, 60), precision=st.sampled_from([0.5, 0.75]), accuracy=st.floats(0, 1))
def test_there_is_a_basis_only_from_enough_seeds_and_never_below_the_precision(
    seeds, precision, accuracy
):
    rng = np.random.default_rng(seeds)
    right = RightLabel(*drawn(rng, seeds, accuracy=accuracy), precision=precision)

    if seeds < needed(precision):
        assert right.best is None
        assert right.of(Evidence(judge=0.5, margin=0.1)) is None
    if right.best is not None:
        assert right.best.precision >= precision
        assert right.best.threshold <= 0.5


@given(st.floats(0, 1), st.floats(0, 1), st.floats(-2, 2), st.floats(-2, 2))
def test_more_for_a_label_never_makes_it_less_likely(q1, q2, m1, m2):
    right = RightLabel(*drawn(np.random.default_rng(5), 80, accuracy=0.9), precision=0.5)
    less = Evidence(judge=min(q1, q2), margin=max(m1, m2))
    more = Evidence(judge=max(q1, q2), margin=min(m1, m2))

    assert right.of(less)[0] <= right.of(more)[0] + 1e-12


def test_rows_without_a_margin_are_judged_by_the_votes_alone():
    rng = np.random.default_rng(6)
    right = RightLabel(*drawn(rng, 200, accuracy=0.97, margins=False), precision=0.5)

    assert right.of(Evidence(judge=0.9, margin=None))[0] > 0.9
    chance, fitted = right.of(Evidence(judge=0.02, margin=None))
    assert chance < fitted.threshold
    assert right.of(Evidence(judge=0.02, margin=0.3)) == (chance, fitted)


def test_as_few_seeds_will_do_as_the_precision_allows():
    assert (needed(0.5), needed(0.75), needed(0.9)) == (9, 27, 81)
