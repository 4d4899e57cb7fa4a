"""Annotated answers from the seeds' n-grams: everything in them is exact, whatever is asked."""

from __future__ import annotations

import asyncio
import json
import random
from typing import Any

import pytest
from annotated import annotated, spans
from hypothesis import given, settings
from hypothesis import strategies as st

from augment.engines.slotted import Answers, SlottedLM
from augment.records import Annotation, Ask, Example, Request, Sampling, SeedSet
from augment.spans.ordering import counted
from augment.spans.slots import Slots
from augment.spans.types import learnt
from augment.tasks.extraction import Extraction

TEXTS = [
    "book a table in <city>Bonn</city> for <person>Ada Lovelace</person> please",
    "is <person>Bo</person> in <city>Kiel</city> or in <city>New York</city> today ?",
    "<person>Grace</person> left for <city>Rome</city> this morning , they say",
    "we never heard from them again",
    "nobody knows when the doors will open",
]


def seed_set(drawn: list[tuple[str, Annotation]], task: Any = "ner") -> SeedSet:
    examples = tuple(
        Example(id=f"s{n}", text=text, target=target) for n, (text, target) in enumerate(drawn)
    )
    labels = dict.fromkeys(name for each in examples for name in counted(each.target, task))
    return SeedSet(
        examples=examples, labels=tuple(labels), several=False, pairs=False, digest="", task=task
    )


SEEDS = seed_set([(text, Annotation(entities=found)) for text, found in map(spans, TEXTS)])


def engine_of(seeds: SeedSet, *, form: Any = "marks") -> tuple[SlottedLM, Extraction]:
    task = Extraction(learnt(seeds.examples, task=seeds.task), form=form)
    answers = Answers(
        row_of=task.row_of,
        fits=lambda row: not any(task.types.faults(row.text, row.target)) and task.can_carry(row),
        repeated=task.types.repeated,
    )
    return SlottedLM(seeds, answers, random_seed=0), task


def answered(engine: SlottedLM, asks: list[Ask], *, max_tokens: int = 200) -> list[Any]:
    async def ask_all() -> list[Any]:
        async def requests():
            for ask in asks:
                sampling = Sampling(
                    temperature=1.0, top_p=0.95, max_tokens=max_tokens, seed=ask.number
                )
                yield Request(key="", messages=(), schema=None, sampling=sampling, ask=ask)

        return [outcome async for _, outcome in engine.complete(requests())]

    return asyncio.run(ask_all())


def ask(number: int, *labels: str, **more: Any) -> Ask:
    return Ask(number=number, strategy="fewshot", labels=labels, **more)


@pytest.mark.parametrize("form", ["marks", "mentions"])
@pytest.mark.parametrize("labels", [("city",), ("city", "person"), ()])
def test_every_answer_has_what_was_asked_for(form, labels) -> None:
    engine, task = engine_of(SEEDS, form=form)
    asks = [ask(number, *labels) for number in range(40)]
    surfaces = {
        (e.text[s.start : s.end], s.label) for e in SEEDS.examples for s in e.target.entities
    }
    texts = set()
    for each, outcome in zip(asks, answered(engine, asks), strict=True):
        [row] = task.parse(outcome.text, each)
        assert isinstance(row, Example), row
        assert set(labels) <= {s.label for s in row.target.entities}
        assert {(row.text[s.start : s.end], s.label) for s in row.target.entities} <= surfaces
        texts.add(row.text)
    assert len(texts) > 1


def test_several_rows_come_in_one_answer() -> None:
    engine, task = engine_of(SEEDS)
    [outcome] = answered(engine, [ask(1, "city", k=3)])
    assert len(json.loads(outcome.text)["rows"]) == 3
    assert all(isinstance(row, Example) for row in task.parse(outcome.text, ask(1, "city", k=3)))


def test_an_answer_depends_on_nothing_but_its_request() -> None:
    asks = [ask(number, "city") for number in range(6)]
    forwards = answered(engine_of(SEEDS)[0], asks)
    backwards = answered(engine_of(SEEDS)[0], asks[::-1])
    assert forwards == backwards[::-1]


def test_an_answer_without_room_is_cut_and_says_so() -> None:
    [outcome] = answered(engine_of(SEEDS)[0], [ask(0, "city", k=2)], max_tokens=1)
    assert outcome.finish == "length"


@settings(max_examples=40)
@given(
    st.lists(annotated(), min_size=1, max_size=4),
    st.sampled_from(["ner", "relations", "events"]),
    st.randoms(use_true_random=False),
)
def test_a_seed_filled_again_keeps_its_structure(drawn, task, rng: random.Random) -> None:
    seeds = seed_set(drawn, task)
    slots = Slots(seeds.examples)
    for seed in seeds.examples:
        text, found = slots.refilled(seed, rng, twice=True)
        before = seed.target
        assert text == text.strip()
        assert len(found.entities) == len(before.entities)
        assert [e.label for e in found.relations] == [e.label for e in before.relations]
        assert [e.type for e in found.events] == [e.type for e in before.events]
        for one, other in zip(found.relations, before.relations, strict=True):
            assert found.entities[one.head].label == before.entities[other.head].label
        for span in found.entities:
            assert 0 <= span.start < span.end <= len(text)
            assert text[span.start : span.end] == text[span.start : span.end].strip()


@settings(max_examples=40)
@given(
    st.lists(annotated(), min_size=1, max_size=4),
    st.sampled_from(["ner", "relations", "events"]),
    st.randoms(use_true_random=False),
)
def test_the_only_filler_of_every_slot_gives_the_seed_again(drawn, task, rng) -> None:
    [first, *_] = seed_set(drawn, task).examples
    slots = Slots([first])
    text, found = slots.refilled(first, rng, twice=True)
    kinds = {first.text[s.start : s.end] for s in first.target.entities}
    if len(kinds) == len(first.target.entities) == len({s.label for s in first.target.entities}):
        assert (text, found) == (first.text, first.target)
