from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals import charts, lengths
from evals.samples import Reservoir
from evals.timeline import MOST_BINS, Timeline

SPANS = st.lists(
    st.tuples(st.floats(0, 1e6), st.floats(0, 1e5)).map(lambda s: (s[0], s[0] + s[1])), max_size=5
).map(sorted)


def test_a_reservoir_draws_every_value_as_often():
    drawn = Counter()
    for seed in range(2_000):
        reservoir = Reservoir(5, draw_seed=str(seed))
        for value in range(50):
            reservoir.offer(lambda value=value: value)
        drawn.update(reservoir.drawn)
    # 200 expected each, binomial: five standard deviations are 67
    assert set(drawn) == set(range(50))
    assert all(133 < count < 267 for count in drawn.values()), drawn


def test_a_reservoir_builds_only_what_it_draws_and_keeps_the_order():
    built = []
    reservoir = Reservoir(20, draw_seed="0/rejected")
    for value in range(20_000):
        reservoir.offer(lambda value=value: built.append(value) or value)
    assert reservoir.seen == 20_000
    assert len(reservoir.drawn) == 20
    assert reservoir.drawn == sorted(reservoir.drawn)
    assert len(built) < 250, "20 (1 + ln 1000) = 158 expected"


def test_pauses_between_sessions_are_no_time():
    timeline = Timeline([(100.0, 110.0), (5_000.0, 5_010.0)])
    for at in [100.0 + n / 100 for n in range(1_000)] + [5_009.9]:
        timeline.add(at, accepted=1, tokens=3)
    figures = timeline.figures()
    assert timeline.active_s == 20.0
    half = len(figures["answers_per_s"]) // 2
    assert figures["answers_per_s"][:half] == [pytest.approx(100, rel=0.05)] * half
    assert set(figures["answers_per_s"][half:-1]) == {0.0}
    assert figures["answers_per_s"][-1] > 0


def test_an_answer_after_the_end_of_its_session_counts_at_that_end():
    timeline = Timeline([(0.0, 10.0), (100.0, 110.0)])
    for _ in range(1_000):
        timeline.add(50.0, accepted=1, tokens=1)
    bins = timeline.figures()["answers_per_s"]
    assert [place for place, value in enumerate(bins) if value] == [len(bins) // 2]


@pytest.mark.parametrize("length_s", [0.001, 0.0011, 0.03, 0.119, 0.12])
def test_many_answers_in_next_to_no_time_are_told_in_bins_of_a_millisecond_at_least(length_s):
    timeline = Timeline([(0.0, length_s)])
    for number in range(3_000):
        timeline.add(length_s * number / 3_000, accepted=1, tokens=1)
    figures = timeline.figures()

    assert figures["bin_s"] >= 0.001
    assert sum(figures["answers_per_s"]) * length_s / len(
        figures["answers_per_s"]
    ) == pytest.approx(3_000, rel=0.01)


def test_few_answers_share_few_bins():
    timeline = Timeline([(0.0, 100.0)])
    for at in (10.0, 20.0, 30.0):
        timeline.add(at, accepted=0, tokens=0)
    assert timeline.figures()["answers_per_s"] == [0.03]


@given(sessions=SPANS, arrivals=st.lists(st.floats(-10, 2e6), max_size=300))
def test_every_answer_is_in_a_bin(sessions, arrivals):
    timeline = Timeline(sessions)
    for at in arrivals:
        timeline.add(at, accepted=2, tokens=5)
    figures = timeline.figures()
    bins = len(figures["answers_per_s"])
    assert bins <= MOST_BINS
    if timeline.active_s < 0.001 or not arrivals:
        assert bins == 0
        return
    exact_s = timeline.active_s / bins
    for name, each in (("answers_per_s", 1), ("accepted_per_s", 2), ("tokens_per_s", 5)):
        total = sum(figures[name]) * exact_s
        assert total == pytest.approx(each * len(arrivals), rel=1e-3)


@given(st.lists(st.integers(0, 100_000), min_size=1), st.floats(0, 1))
def test_quantiles_are_those_of_the_inverted_distribution(values, share):
    expected = np.quantile(values, share, method="inverted_cdf")
    assert lengths.quantile(Counter(values), share) == expected


@given(st.lists(st.integers(0, 10**6)), st.lists(st.integers(0, 10**6)))
def test_histograms_hold_every_row_in_few_bins(seeds, accepted):
    found = lengths.compare(Counter(seeds), Counter(accepted))["histogram"]
    assert 1 <= len(found["from"]) <= 20
    assert sum(found["seeds"]) == len(seeds)
    assert sum(found["accepted"]) == len(accepted)
    _, bins = charts.histogram(found)
    assert all(0 <= each[name]["height"] <= 100 for each in bins for name in ("seeds", "accepted"))


def test_what_is_far_longer_than_the_others_stands_in_the_last_bin():
    found = lengths.compare(Counter({30: 400, 35: 400, 10**6: 1}), Counter({31: 5}))["histogram"]
    assert found["from"][-1] == 34
    assert found["seeds"][-1] == 401


@given(st.floats(1e-6, 1e9))
def test_an_axis_reaches_the_largest_value_in_a_few_round_steps(largest):
    axis = charts.axis(largest)
    assert largest * (1 - 1e-6) <= axis.top <= 2.6 * largest
    assert 2 <= len(axis.ticks) - 1 <= 5
    assert axis.ticks[0] == (0.0, 0.0)
    assert axis.ticks[-1][1] == 100


def test_a_step_curve_is_closed_at_the_ground():
    assert charts.steps([5, 10], top=10) == "M0 100V50.0H50.0V0.0H100.0V100Z"
