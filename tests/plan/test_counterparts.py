"""Seeds with their people exchanged, as rows."""

from __future__ import annotations

from small_runs import seed_set

from augment.identities.terms import Identities, axes_of
from augment.plan.counterparts import Counterparts
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
