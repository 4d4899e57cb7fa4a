"""Seeds with their people exchanged, as rows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_runs import seed_set

from augment.identities.swap import swaps
from augment.identities.terms import Identities, axes_of
from augment.plan.counterparts import Counterparts
from augment.plan.goal import per_label
from augment.plan.planner import Planner
from augment.records import Ask, Need

ENGLISH = Identities(axes_of("en"), languages=("en",))
SEEDS = seed_set([("she was late", "a"), ("where is it", "a"), ("nothing here", "b")])


def need(label: str, number: int = 0) -> Need:
    return Need(number=number, labels=(label,), draw_seed=7 + number)


def test_only_seeds_that_name_people_are_proposed_and_the_same_need_gets_the_same_ask() -> None:
    ways = Counterparts(SEEDS, ENGLISH, random_seed=0)
    asks = [ways.propose(need("a", number)) for number in range(9)]
    assert {ask.exemplars for ask in asks if ask is not None} == {("s0",)}
    assert ways.propose(need("a")) == ways.propose(need("a"))
    assert ways.propose(need("b")) is None
    assert ways
    assert not Counterparts(seed_set([("where", "a")]), ENGLISH, random_seed=0)


def test_a_counterpart_keeps_the_label_and_its_ask_tells_which_it_is() -> None:
    ways = Counterparts(SEEDS, ENGLISH, random_seed=0)
    ask = ways.propose(need("a"))
    assert ask is not None
    made = ways.of(ask)
    assert made is not None
    assert (made.text, made.target) == ("he was late", "a")
    assert made == ways.of(ask)
    assert ways.of(Ask(number=0, strategy="fewshot", labels=("a",))) is None


def test_pairs_are_exchanged_in_both_texts() -> None:
    ways = Counterparts(seed_set([("she left", "a")], pairs=True), ENGLISH, random_seed=0)
    ask = ways.propose(need("a"))
    assert ask is not None
    made = ways.of(ask)
    assert made is not None
    assert (made.text, made.text_pair) == ("he left", "then he left")


def exhausted(ways: Counterparts, label: str) -> list[str]:
    """Ask until nothing is left, and return what was made."""
    made: list[str] = []
    for number in range(2_000):
        ask = ways.propose(need(label, number))
        if ask is None:
            return made
        ways.sent(ask)
        row = ways.of(ask)
        assert row is not None
        made.append(row.text)
    pytest.fail("there is always another")


@given(
    st.lists(
        st.sampled_from(["she was late", "he was late", "a black man", "her wife", "nobody"]),
        min_size=1,
        unique=True,
    )
)
def test_every_counterpart_is_made_before_none_is_left_and_never_a_seed(texts: list[str]) -> None:
    seeds = seed_set([(text, "a") for text in texts])
    every = {made[0] for text in texts for _, made in swaps(ENGLISH, (text,))} - set(texts)
    ways = Counterparts(seeds, ENGLISH, random_seed=0)
    assert bool(ways) == bool(every)
    made = exhausted(ways, "a")
    assert set(made) - set(texts) == every
    assert not ways


def test_what_an_earlier_session_sent_is_not_proposed_again() -> None:
    ways = Counterparts(SEEDS, ENGLISH, random_seed=0)
    ask = ways.propose(need("a"))
    assert ask is not None
    later = Counterparts(SEEDS, ENGLISH, random_seed=0)
    later.sent(Ask(number=9, strategy="fewshot", labels=("a",), exemplars=("s0",)))
    assert later.propose(need("a")) == ask
    later.sent(ask)
    assert later.propose(need("a", 1)) is None


def test_where_counterparts_are_all_there_is_the_plan_ends_with_them() -> None:
    seeds = seed_set([("she was late", "a"), ("he left", "b")])
    ways = Counterparts(seeds, ENGLISH, random_seed=0)
    planner = Planner(per_label(seeds, rows=3), [(ways, 1.0)], random_seed=0)
    asks: list[Ask] = []
    while (ask := planner.next()) is not None:
        asks.append(ask)
        planner.accept(ask.labels)
        planner.judged(ask, 1)
    assert sorted(ask.labels for ask in asks) == [("a",), ("b",)]
    assert planner.finished
    assert planner.exhausted == ("a", "b")
