"""What asks give beforehand: the same for the same ask, and held against what comes back."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest
from annotated import annotated, spans
from hypothesis import given, settings
from hypothesis import strategies as st

from augment.records import Annotation, Argument, Ask, Event, Example, Relation, SeedSet
from augment.spans.ordering import counted
from augment.spans.skeletons import (
    ENTITIES_FIRST,
    PARAPHRASE,
    REPLACEMENT,
    Skeletons,
    departures,
)
from augment.spans.slots import Slots


def example(marked: str, **links: Any) -> Example[Annotation]:
    text, found = spans(marked)
    return Example(id="s0", text=text, target=Annotation(entities=found, **links))


def seed_set(examples: list[Example[Annotation]], task: Any = "ner") -> SeedSet:
    named = tuple(replace(each, id=f"s{at}") for at, each in enumerate(examples))
    labels = dict.fromkeys(name for each in named for name in counted(each.target, task))
    return SeedSet(
        examples=named, labels=tuple(labels), several=False, pairs=False, digest="", task=task
    )


SEEDS = seed_set([
    example("<person>Ada</person> lives in <city>Bonn</city>"),
    example("<person>Bo</person> left <city>Kiel</city> , they say"),
    example("nobody came"),
])  # fmt: skip


def ask(strategy: str, *exemplars: str, number: int = 0, labels: Any = ("person", "city")) -> Ask:
    return Ask(number=number, strategy=strategy, labels=labels, exemplars=exemplars)


def test_a_paraphrase_keeps_the_mentions_of_its_seed() -> None:
    skeletons = Skeletons(SEEDS, random_seed=0)
    assert skeletons.of(ask(PARAPHRASE, "s1")) is SEEDS.by_id["s1"]
    assert skeletons.of(ask("fewshot", "s1")) is None


@pytest.mark.parametrize("strategy", [ENTITIES_FIRST, REPLACEMENT])
def test_mentions_are_drawn_by_kind_and_the_ask_alone_tells_which(strategy) -> None:
    drawn = [Skeletons(SEEDS, random_seed=0).of(ask(strategy, "s0", number=n)) for n in range(30)]
    again = [Skeletons(SEEDS, random_seed=0).of(ask(strategy, "s0", number=n)) for n in range(30)]
    assert drawn == again
    texts = {each.text for each in drawn if each is not None}
    assert texts == {
        f"{who} lives in {where}" for who in ("Ada", "Bo") for where in ("Bonn", "Kiel")
    }
    for each in drawn:
        assert each is not None
        assert [each.text[s.start : s.end] in {"Ada", "Bo"} for s in each.target.entities] == [
            True, False,
        ]  # fmt: skip


def test_listed_mentions_are_drawn_too_and_alone_where_there_is_no_seed() -> None:
    listed = {"city": ("Rome",), "person": ("Cy",)}
    skeletons = Skeletons(SEEDS, listed=listed, random_seed=0)
    texts = " ".join(
        each.text for n in range(40) if (each := skeletons.of(ask(REPLACEMENT, "s0", number=n)))
    )
    assert "Rome" in texts
    assert "Cy lives" in texts
    alone = skeletons.of(ask(ENTITIES_FIRST))
    assert alone is not None
    assert [(alone.text[s.start : s.end], s.label) for s in alone.target.entities] == [
        ("Cy", "person"), ("Rome", "city"),
    ]  # fmt: skip


def test_another_text_with_the_same_mentions_departs_in_nothing() -> None:
    wanted = example("<person>Ada Lovelace</person> lives in <city>Bonn</city>")
    kept = example("in <city>Bonn</city> we met <person>ADA  Lovelace</person>")
    assert list(departures(wanted, kept)) == []


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ("<person>Ada</person> lives here", ["'Bonn' (city) is not there"]),
        ("<person>Ada</person>, <city>Bonn</city>, <city>Bonn</city>",
         ["'Bonn' (city) was not asked for"]),
        ("<city>Ada</city> in <city>Bonn</city>",
         ["'Ada' (person) is not there", "'Ada' (city) was not asked for"]),
    ],
)  # fmt: skip
def test_mentions_left_out_added_or_of_another_type_are_named(found, said) -> None:
    wanted = example("<person>Ada</person> lives in <city>Bonn</city>")
    assert list(departures(wanted, example(found))) == said


def test_what_joins_mentions_must_join_the_same_ones() -> None:
    text = "<person>Ada</person> <go>left</go> <city>Bonn</city>"
    one = example(text, relations=(Relation(head=0, tail=2, label="lives in"),))
    other = example(text, relations=(Relation(head=2, tail=0, label="lives in"),))
    assert [*departures(one, one), *departures(other, other)] == []
    assert list(departures(one, other)) == [
        "'lives in' (head 'Ada', tail 'Bonn') is not there",
        "'lives in' (head 'Bonn', tail 'Ada') was not asked for",
    ]
    who, whence = Argument(entity=0, role="who"), Argument(entity=2, role="whence")
    left = example(text, events=(Event(trigger=1, type="leave", arguments=(who, whence)),))
    alone = example(text, events=(Event(trigger=1, type="leave", arguments=(who,)),))
    assert list(departures(left, alone)) == [
        "'leave' (trigger 'left', who 'Ada', whence 'Bonn') is not there",
        "'leave' (trigger 'left', who 'Ada') was not asked for",
    ]


@settings(max_examples=40)
@given(
    st.lists(annotated(), min_size=1, max_size=4),
    st.sampled_from(["ner", "relations", "events"]),
    st.integers(0, 99),
)
def test_whatever_is_drawn_stands_exactly_in_its_text(drawn, task, number) -> None:
    seeds = seed_set([Example(id="", text=text, target=target) for text, target in drawn], task)
    made = Skeletons(seeds, random_seed=1).of(ask(REPLACEMENT, "s0", number=number))
    assert made is not None
    assert list(departures(made, made)) == []
    for span in made.target.entities:
        assert made.text[span.start : span.end].strip() != ""
    before = seeds.by_id["s0"].target
    assert [e.label for e in made.target.entities] == [e.label for e in before.entities]


@settings(max_examples=40)
@given(st.lists(annotated(kinds=()), min_size=1, max_size=3), st.randoms(use_true_random=False))
def test_given_mentions_fill_a_template_of_their_kinds_and_no_other(
    drawn, rng: random.Random
) -> None:
    seeds = seed_set([Example(id="", text=text, target=target) for text, target in drawn])
    slots = Slots(seeds.examples)
    for seed in seeds.examples:
        for other in seeds.examples:
            filled = slots.filled_as(slots.templates[other.id], seed)
            alike = sorted(s.label for s in seed.target.entities) == sorted(
                s.label for s in other.target.entities
            )
            assert alike or filled is None
            if filled is not None:
                text, target = filled
                made = Example(id="", text=text, target=target)
                assert list(departures(seed, made)) == []
