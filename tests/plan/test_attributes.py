"""What a row is to be like is drawn from the ask's number alone, each value as often as another."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from seed_sets import seeds

from augment.draws import draw_seed
from augment.plan.attributes import Attributes
from augment.plan.exemplars import Exemplars
from augment.plan.goal import per_label
from augment.plan.planner import Planner
from augment.plan.strategies import FewShot, Paraphrase, ZeroShot
from augment.records import Ask, Need

STYLE = {"length": ["short", "long"], "tone": ["angry", "calm", "rushed"]}
TOPICS = {"card": ["delivery", "loss"], "refund": ["amount"], "transfer": []}
BOTH = {**STYLE, "topic": TOPICS}
LABELS = tuple(TOPICS)
VALUES = st.lists(st.text(max_size=3), max_size=4)
ATTRIBUTES = st.dictionaries(
    st.text(max_size=3), VALUES | st.dictionaries(st.sampled_from(LABELS), VALUES), max_size=4
)
ASKED = st.lists(st.sampled_from(LABELS), max_size=3, unique=True)


def seed_of(number, random_seed=0):
    """The seed that the planner draws with."""
    return draw_seed(random_seed, number, "attributes")


def draws(values, labels, *, count=1):
    found = Attributes(values)
    return [found.draw(labels, draw_seed=seed_of(number)) for number in range(count)]


def allowed(values, labels):
    """The values of one attribute that may be drawn for these labels."""
    if isinstance(values, dict):
        return {value for label in labels for value in values.get(label, [])}
    return set(values)


@given(values=ATTRIBUTES, labels=ASKED, seed=st.integers(0, 2**31 - 1))
def test_a_draw_has_one_value_of_each_attribute_that_has_any_for_these_labels(values, labels, seed):
    drawn = Attributes(values).draw(labels, draw_seed=seed)

    assert list(drawn) == [name for name in values if allowed(values[name], labels)]
    assert all(value in allowed(values[name], labels) for name, value in drawn.items())


@given(values=ATTRIBUTES, labels=ASKED, others=st.lists(ASKED, max_size=4), seed=st.integers(0, 99))
def test_the_same_seed_draws_the_same_whatever_was_drawn_before(values, labels, others, seed):
    worn = Attributes(values)
    for number, other in enumerate(others):
        worn.draw(other, draw_seed=number)

    fresh = Attributes(values).draw(labels, draw_seed=seed)
    assert worn.draw(labels, draw_seed=seed) == fresh


def test_another_seed_draws_something_else():
    assert len({tuple(drawn.items()) for drawn in draws(STYLE, ("card",), count=100)}) == 6


@pytest.mark.parametrize("labels", [("card",), ("refund",), ("card", "refund")])
def test_every_value_and_every_combination_is_drawn_about_equally_often(labels):
    count = 6000
    drawn = draws(BOTH, labels, count=count)
    values = {name: allowed(BOTH[name], labels) for name in BOTH}
    for name, possible in values.items():
        found = Counter(each[name] for each in drawn)
        assert found.keys() == possible
        expected = count / len(possible)
        assert all(abs(found[value] - expected) < 5 * expected**0.5 for value in possible), name
    together = Counter(tuple(each.values()) for each in drawn)
    combinations = int(np.prod([len(possible) for possible in values.values()]))
    assert len(together) == combinations, "two attributes are drawn in step"
    expected = count / combinations
    assert all(abs(found - expected) < 5 * expected**0.5 for found in together.values())


def test_values_of_a_label_are_drawn_for_that_label_only():
    topics = {"topic": TOPICS}
    assert {each["topic"] for each in draws(topics, ("card",), count=50)} == {"delivery", "loss"}
    assert {each["topic"] for each in draws(topics, ("refund",), count=50)} == {"amount"}
    assert draws(topics, ("transfer",)) == draws(topics, ("another",)) == draws(topics, ()) == [{}]


def test_several_labels_take_the_values_of_each_and_a_shared_one_no_more_often():
    shared = {"topic": {"card": ["x", "y"], "refund": ["y", "z"]}}
    found = Counter(each["topic"] for each in draws(shared, ("card", "refund"), count=3000))

    assert found.keys() == {"x", "y", "z"}
    assert all(abs(count - 1000) < 5 * 1000**0.5 for count in found.values()), found


@pytest.mark.parametrize("values", [{}, {"length": []}, {"topic": {}}])
def test_where_there_is_nothing_to_draw_nothing_is_asked_for(values):
    assert draws(values, ("card",)) == [{}]


# What the planner and the strategies make of them ------------------------------------------------


class Plain:
    """Asks for what is needed, and remembers it."""

    def __init__(self, name="plain", *, able=True):
        self.name = name
        self.needs: list[Need] = []
        self._able = able

    def propose(self, need):
        self.needs.append(need)
        if not self._able:
            return None
        return Ask(
            number=need.number, strategy=self.name, labels=need.labels, attributes=need.attributes
        )


def planned(strategies=None, *, count=12, first=0, random_seed=0, values=BOTH, judge=None):
    """So many asks for any of the labels, some of them judged on the way."""
    planner = Planner(
        per_label(seeds(*LABELS), rows=50),
        strategies or [(Plain(), 1.0)],
        random_seed=random_seed,
        attributes=None if values is None else Attributes(values),
        first_ask=first,
    )
    asks = []
    for _ in range(count):
        ask = planner.next()
        assert ask is not None
        asks.append(ask)
        if judge is not None:
            accepted = judge(ask)
            for _ in range(accepted):
                planner.accept(ask.labels)
            planner.judged(ask, accepted)
    return asks


def test_each_ask_bears_what_its_number_draws_for_its_labels():
    for ask in planned(count=30, random_seed=7):
        expected = Attributes(BOTH).draw(ask.labels, draw_seed=seed_of(ask.number, 7))
        assert ask.attributes == expected
    assert planned(random_seed=7)[0].attributes.keys() == {"length", "tone", "topic"}


@given(
    kept=st.sets(st.integers(0, 40)),
    first=st.integers(0, 15),
    weights=st.lists(st.floats(0.1, 1), min_size=1, max_size=3),
)
def test_neither_what_became_of_earlier_asks_nor_the_strategy_changes_an_asks_attributes(
    kept, first, weights
):
    expected = {ask.number: ask.attributes for ask in planned(count=40, values=STYLE)}
    strategies = [(Plain(f"way {n}"), weight) for n, weight in enumerate(weights)]
    asks = planned(
        strategies, first=first, count=20, values=STYLE, judge=lambda ask: int(ask.number in kept)
    )

    assert [ask.number for ask in asks] == list(range(first, first + 20))
    assert all(ask.attributes == expected[ask.number] for ask in asks)


def test_another_random_seed_asks_for_other_attributes():
    first, second = (
        [ask.attributes for ask in planned(random_seed=seed, values=STYLE)] for seed in (0, 1)
    )
    assert first != second


def test_the_attributes_do_not_change_which_labels_and_seeds_are_asked_for():
    strategies = [(Plain("a"), 0.5), (Plain("b"), 0.5)]
    kinds = [
        [(ask.number, ask.labels, ask.strategy) for ask in planned(strategies, values=values)]
        for values in (None, STYLE, BOTH)
    ]
    assert kinds[0] == kinds[1] == kinds[2]
    with_, without = strategies[0][0].needs[-1], planned([(fresh := Plain("a"), 1)], values=None)
    assert without
    assert fresh.needs[with_.number].draw_seed == with_.draw_seed


def test_without_attributes_asks_bear_none():
    assert {ask.attributes == {} for ask in planned(values=None)} == {True}
    assert {ask.attributes == {} for ask in planned(values={})} == {True}


def exemplars():
    return Exemplars(seeds(*LABELS), np.ones((3, 1), dtype=np.float32))


@pytest.mark.parametrize(
    "strategy", [FewShot(exemplars(), shots=1, k=1), ZeroShot(k=2)], ids=lambda each: each.name
)
def test_rows_that_are_written_anew_are_asked_to_be_like_it(strategy):
    need = Need(number=0, labels=("card",), draw_seed=1, attributes={"tone": "calm"})
    ask = strategy.propose(need)
    assert ask is not None
    assert ask.attributes == {"tone": "calm"}


def test_another_wording_of_a_seed_stays_what_the_seed_is_like():
    asks = planned([(Paraphrase(exemplars(), k=1), 1.0)])
    assert {ask.strategy for ask in asks} == {"paraphrase"}
    assert [ask.attributes for ask in asks] == [{}] * len(asks)


def test_a_strategy_that_steps_in_for_another_is_given_the_same_attributes():
    unable, able = Plain("unable", able=False), Plain("able")
    asks = planned([(unable, 1.0), (able, 1e-9)])
    assert {ask.strategy for ask in asks} == {"able"}
    assert unable.needs == able.needs
    assert [ask.attributes for ask in asks] == [need.attributes for need in unable.needs]
