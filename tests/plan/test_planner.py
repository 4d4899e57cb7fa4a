"""The planner fills every quota exactly, asks no more than it must, and gives up in the end."""

from __future__ import annotations

import random
from collections import Counter, deque

import pytest
from hypothesis import given
from hypothesis import strategies as st
from seed_sets import seeds

from augment.errors import InputError
from augment.plan.goal import in_total, per_label
from augment.plan.planner import Planner
from augment.records import Ask


class Plain:
    """Asks for what is needed and shows nothing."""

    name = "plain"

    def __init__(self, able=True):
        self._able = able

    def propose(self, need):
        if not self._able:
            return None
        return Ask(number=need.number, strategy=self.name, labels=need.labels)


def planner_for(goal, **options):
    return Planner(goal, [(Plain(), 1.0)], random_seed=0, **options)


def simulate(planner, *, rate, slots, rng, most=20_000):
    """Answer asks `slots` at a time; each row passes with probability `rate(labels)`."""
    flying: deque[Ask] = deque()
    asked = 0
    while not planner.finished and asked < most:
        while len(flying) < slots and (ask := planner.next()) is not None:
            flying.append(ask)
            asked += 1
        flying.rotate(-rng.randrange(len(flying)))
        ask = flying.popleft()
        accepted = 0
        if planner.has_room(ask.labels) and rng.random() < rate(ask.labels):
            planner.accept(ask.labels)
            accepted = 1
        planner.judged(ask, accepted)
    return asked, len(flying)


@given(
    labels=st.integers(1, 12),
    rows=st.integers(1, 20),
    slots=st.integers(1, 64),
    rate=st.floats(0.2, 1.0),
    seed=st.integers(0, 99),
)
def test_every_label_gets_exactly_its_rows(labels, rows, slots, rate, seed):
    goal = per_label(seeds(*[f"l{n}" for n in range(labels)]), rows=rows)
    planner = planner_for(goal)
    simulate(planner, rate=lambda _: rate, slots=slots, rng=random.Random(seed))

    assert planner.filled
    assert planner.accepted == goal.wanted


@given(slots=st.integers(1, 64), seed=st.integers(0, 50))
def test_several_labels_get_at_least_their_rows_with_few_of_them(slots, seed):
    goal = per_label(seeds(("a", "b"), ("a",), ("c",), (), several=True), rows=10)
    planner = planner_for(goal)
    asked, _ = simulate(planner, rate=lambda _: 1.0, slots=slots, rng=random.Random(seed))

    assert all(n >= 10 for n in planner.accepted.values())
    assert asked == 20  # ten rows carry both a and b


def test_nothing_is_asked_beyond_the_quota_when_every_row_passes():
    goal = per_label(seeds("a", "b", "c"), rows=7)
    planner = planner_for(goal)
    asked, flying = simulate(planner, rate=lambda _: 1.0, slots=64, rng=random.Random(1))

    assert (asked, flying) == (21, 0)


def test_the_measured_rate_lets_it_ask_ahead():
    planner = planner_for(per_label(seeds("a"), rows=40))
    for _ in range(30):
        ask = planner.next()
        assert ask is not None
        planner.judged(ask, 0)
    ahead = 0
    while planner.next() is not None:
        ahead += 1

    assert ahead > 150  # at a rate below a quarter


def test_a_label_that_never_passes_is_given_up_and_the_others_are_filled():
    goal = per_label(seeds("good", "bad"), rows=10)
    planner = planner_for(goal)
    asked, _ = simulate(
        planner, rate=lambda labels: labels == ("good",), slots=16, rng=random.Random(3)
    )

    assert planner.exhausted == ("bad",)
    assert planner.finished
    assert not planner.filled
    assert planner.accepted == {"good": 10, "bad": 0}
    assert 100 <= asked - 10 <= 132


def test_patience_is_five_times_the_quota_where_that_is_more_than_a_hundred():
    planner = planner_for(per_label(seeds("a"), rows=50))
    given_up = []
    for number in range(1, 400):
        ask = planner.next()
        if ask is None:
            break
        if planner.judged(ask, 0):
            given_up.append(number)

    assert given_up == [250]
    planner.take_heart()
    assert planner.exhausted == ()


def test_a_total_is_filled_exactly_cell_by_cell():
    goal = in_total(seeds(("a", "b"), (), ("b",), ("b",), several=True), rows=12)
    planner = planner_for(goal)
    simulate(planner, rate=lambda _: 0.5, slots=8, rng=random.Random(5))

    assert planner.accepted == {"a + b": 3, "(no label)": 3, "b": 6}


def test_asks_of_all_labels_are_under_way_at_once():
    planner = planner_for(per_label(seeds(*"abcdefgh"), rows=100))
    asks = [planner.next() for _ in range(64)]

    assert Counter(ask.labels for ask in asks if ask) == {(label,): 8 for label in "abcdefgh"}


def test_a_strategy_without_a_way_leaves_it_to_another():
    goal = per_label(seeds("a"), rows=1)
    planner = Planner(goal, [(Plain(able=False), 5.0), (Plain(), 1.0)], random_seed=0)
    ask = planner.next()

    assert ask is not None


def test_no_way_at_all_is_an_error_that_names_the_label():
    goal = per_label(seeds("a"), rows=1)
    planner = Planner(goal, [(Plain(able=False), 1.0)], random_seed=0)

    with pytest.raises(InputError, match=r"none of \['plain'\] has a way to ask for \['a'\]"):
        planner.next()


def test_the_same_seed_gives_the_same_plan():
    def plan():
        planner = planner_for(per_label(seeds("a", "b", "c"), rows=9))
        return [planner.next() for _ in range(27)]

    assert plan() == plan()


def test_an_ask_names_the_words_that_its_labels_are_to_do_without():
    planner = planner_for(per_label(seeds("a", "b"), rows=2), avoid=lambda labels: (*labels, "x"))
    asks = [planner.next() for _ in range(4)]
    assert {(ask.labels, ask.avoid) for ask in asks} == {(("a",), ("a", "x")), (("b",), ("b", "x"))}
