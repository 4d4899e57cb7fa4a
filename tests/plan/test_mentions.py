"""Quotas of mentions: floors for every type, and rows in total."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
from annotated import spans

from augment.plan.covering import Covering
from augment.plan.mentions import WITH, WITHOUT, per_type, rows_in_total
from augment.plan.planner import Planner
from augment.plan.strategies import EntitiesFirst, Replacement, ZeroShot, shortened
from augment.records import Annotation, Example, Failure, Need, SeedSet

TEXTS = [
    "<city>Bonn</city> and <city>Kiel</city>",
    "<person>Ada</person> in <city>Rome</city>",
    "<person>Bo</person> or <person>Cy</person>",
    "nothing here",
]


def seed_set(*texts: str) -> SeedSet:
    examples = tuple(
        Example(id=f"s{n}", text=text, target=Annotation(entities=found))
        for n, (text, found) in enumerate(map(spans, texts))
    )
    labels = dict.fromkeys(span.label for each in examples for span in each.target.entities)
    return SeedSet(
        examples=examples, labels=tuple(labels), several=False, pairs=False, digest="", task="ner"
    )


SEEDS = seed_set(*TEXTS)


def planner_of(goal: Any) -> Planner:
    return Planner(goal, [(ZeroShot(k=1), 1.0)], random_seed=0)


def test_every_mention_counts_and_negatives_have_their_share() -> None:
    goal = per_type(SEEDS, mentions=4)
    # The fullest choice has one mention of each type: four rows, and a negative for three seeds.
    assert goal.wanted == {"city": 4, "person": 4, WITHOUT: 1}
    assert goal.cells_of(("city", "city", "person", "river")) == ("city", "city", "person")
    assert goal.cells_of(()) == (WITHOUT,)


def test_the_planner_asks_for_types_together_and_stops_at_the_floor() -> None:
    planner = planner_of(per_type(SEEDS, mentions=4))
    asked = []
    while not planner.finished:
        ask = planner.next()
        assert ask is not None
        asked.append(ask.labels)
        found = ("city", "city", "person") if ask.labels else ()
        assert planner.has_room(found)
        planner.accept(found)
        planner.judged(ask, 1)
    assert planner.accepted == {"city": 8, "person": 4, WITHOUT: 1}
    assert asked[0] == ("city", "person")
    assert len(asked) == 5
    assert not planner.has_room(("city", "person"))
    assert not planner.has_room(())


def test_a_row_with_more_than_was_asked_for_counts_for_all_of_it() -> None:
    planner = planner_of(per_type(SEEDS, mentions=1))
    ask = planner.next()
    assert ask is not None
    planner.accept(("person", "person"))
    planner.judged(ask, 1)
    assert planner.accepted["person"] == 2
    assert planner.has_room(("city",))


@pytest.mark.parametrize("rows", [1, 4, 10, 99])
def test_in_total_there_are_just_so_many_rows(rows: int) -> None:
    goal = rows_in_total(SEEDS, rows=rows)
    assert sum(goal.wanted.values()) == rows
    planner = planner_of(goal)
    accepted = 0
    while (ask := planner.next()) is not None:
        found = ("city",) if ask.labels else ()
        accepted += planner.has_room(found)
        planner.accept(found)
        planner.judged(ask, 1)
    assert accepted == rows
    assert planner.filled


def test_in_total_type_sets_are_asked_for_as_often_as_seeds_have_them() -> None:
    seeds = seed_set(*[TEXTS[0]] * 6, *[TEXTS[1]] * 2, TEXTS[2], TEXTS[3])
    planner = planner_of(rows_in_total(seeds, rows=100))
    asked: dict[tuple[str, ...], int] = {}
    while (ask := planner.next()) is not None:
        asked[ask.labels] = asked.get(ask.labels, 0) + 1
        planner.accept(("city",) if ask.labels else ())
        planner.judged(ask, 1)
    assert asked[()] == 10
    assert asked[("city",)] == pytest.approx(60, abs=4)
    assert asked[("city", "person")] == pytest.approx(20, abs=4)
    assert rows_in_total(seeds, rows=100).wanted == {WITH: 90, WITHOUT: 10}


def test_a_choice_that_brings_nothing_any_more_leaves_its_cells_to_others() -> None:
    planner = planner_of(per_type(SEEDS, mentions=12))
    asked = []
    while (ask := planner.next()) is not None:
        asked.append(ask.labels)
        used_up = ask.labels == ("city", "person") and asked.count(ask.labels) > 3
        if not used_up:
            planner.accept(ask.labels)
        planner.judged(ask, int(not used_up))
    assert planner.filled
    assert asked[:3] == [("city", "person")] * 3
    assert asked.count(("city", "person")) < 15
    assert {("city",), ("person",)} <= set(asked)


def test_in_total_a_used_up_type_set_is_asked_for_less_often_than_seeds_have_it() -> None:
    seeds = seed_set(*[TEXTS[0]] * 6, *[TEXTS[1]] * 2, TEXTS[2], TEXTS[3])
    planner = planner_of(rows_in_total(seeds, rows=60))
    asked: dict[tuple[str, ...], int] = {}
    while (ask := planner.next()) is not None:
        asked[ask.labels] = asked.get(ask.labels, 0) + 1
        used_up = ask.labels == ("city",) and asked[ask.labels] > 3
        if not used_up:
            planner.accept(ask.labels)
        planner.judged(ask, int(not used_up))
    assert planner.filled
    assert asked[("city",)] < asked[("city", "person")]


def covering(shown: Any = None) -> Covering:
    vectors = np.eye(len(TEXTS), dtype=np.float32)
    return Covering(SEEDS, vectors, shown=frozenset(shown or {f"s{n}" for n in range(4)}))


@pytest.mark.parametrize("seed", range(5))
def test_exemplars_cover_the_types_that_are_asked_for(seed: int) -> None:
    rng = random.Random(seed)
    assert covering().draw(("city", "person"), k=1, rng=rng) == ("s1",)
    assert set(covering().draw(("city", "person"), k=2, rng=rng)) >= {"s1"}
    assert covering().draw((), k=3, rng=rng) == ("s3",)
    assert covering().draw(("river",), k=3, rng=rng) == ()
    assert covering().draw_exact(("city", "person"), rng=rng) == "s1"
    assert covering().draw_exact(("river",), rng=rng) is None


def test_seeds_that_cannot_be_shown_are_not() -> None:
    assert covering({"s0"}).draw(("city",), k=5, rng=random.Random(0)) == ("s0",)
    assert covering({"s0"}).draw_exact(("person",), rng=random.Random(0)) is None


def test_where_all_rows_of_a_total_are_negatives_nothing_else_is_asked_for() -> None:
    goal = rows_in_total(seed_set(TEXTS[0], *[TEXTS[3]] * 8), rows=1)
    planner = planner_of(goal)
    ask = planner.next()
    assert goal.wanted == {WITHOUT: 1}
    assert ask is not None
    assert ask.labels == ()
    assert not planner.has_room(("city",))
    planner.accept(("city",))
    planner.accept(())
    planner.judged(ask, 1)
    assert planner.filled


LONG = Failure(code="prompt_too_long", detail="too long")


def need(*labels: str) -> Need:
    return Need(number=3, labels=labels, draw_seed=7)


def test_entities_first_names_the_seed_of_its_mentions_first_and_shows_others() -> None:
    way = EntitiesFirst(covering(), listed=(), shots=3, k=1)
    ask = way.propose(need("city", "person"))
    assert ask is not None
    assert ask.exemplars[0] == "s1"
    assert set(ask.exemplars[1:]) == {"s0", "s2"}
    assert way.propose(need("city", "person")) == ask
    short = shortened(ask, LONG)
    assert short is not None
    assert len(short.exemplars) == 2
    assert short.exemplars[0] == "s1"
    shortest = shortened(short, LONG)
    assert shortest is not None
    assert shortest.exemplars == ("s1",)
    assert shortened(shortest, LONG) is None


def test_entities_first_has_no_way_without_mentions_to_draw() -> None:
    assert EntitiesFirst(covering(), listed=(), shots=3, k=1).propose(need()) is None
    unseen = EntitiesFirst(covering(), listed={"river"}, shots=3, k=1)
    assert unseen.propose(need("river", "sea")) is None
    ask = unseen.propose(need("river"))
    assert ask is not None
    assert ask.exemplars == ()


def test_replacement_is_about_one_seed_with_all_of_the_types() -> None:
    ask = Replacement(covering()).propose(need("city", "person"))
    assert ask is not None
    assert ask.exemplars == ("s1",)
    assert Replacement(covering()).propose(need()) is None
    assert Replacement(covering({"s0"})).propose(need("person")) is None
