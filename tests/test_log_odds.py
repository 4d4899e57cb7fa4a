"""Log-odds with a prior."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from augment.log_odds import PRIOR_ROWS, least_z, log_odds


def test_the_formula_is_that_of_the_paper() -> None:
    prior = PRIOR_ROWS * 0.2
    yes, no, others, none = 30 + prior, 70 + 10 - prior, 10 + prior, 90 + 10 - prior
    difference = math.log(yes / no) - math.log(others / none)
    found, z = log_odds((30, 100), (10, 100), share=0.2)
    assert found == pytest.approx(difference)
    assert z == pytest.approx(difference / math.sqrt(1 / yes + 1 / no + 1 / others + 1 / none))


COUNTS = st.tuples(st.integers(0, 50), st.integers(0, 50)).map(lambda c: (c[0], c[0] + c[1]))


@given(COUNTS, COUNTS, st.floats(0.01, 0.99))
def test_it_is_finite_for_any_counts_and_changes_its_sign_with_the_sides(
    own, others, share
) -> None:
    (odds, z), (back, z_back) = (
        log_odds(own, others, share=share),
        log_odds(others, own, share=share),
    )
    assert math.isfinite(odds)
    assert (odds, z) == pytest.approx((-back, -z_back))


def test_more_comparisons_ask_for_a_larger_z() -> None:
    assert least_z(1) == pytest.approx(1.96, abs=0.001)
    assert least_z(0) == least_z(1) < least_z(20) < least_z(200)
