from __future__ import annotations

import asyncio
import csv
import json
import tracemalloc
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import replace
from itertools import starmap
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from augment.engines.kneser_ney import tokenize
from augment.engines.seedlm import SeedLM
from augment.protocols import Engine
from augment.records import (
    Annotation,
    Ask,
    Completion,
    Example,
    Failure,
    Request,
    Sampling,
    SeedSet,
    Span,
)
from augment.tokens import words

EXAMPLES = Path(__file__).parents[2] / "examples" / "support_intents.csv"
SUPPORT = [
    (row["text"], row["label"]) for row in csv.DictReader(EXAMPLES.read_text("utf-8").splitlines())
]


def seed_set(rows: Iterable[tuple[Any, ...]]) -> SeedSet:
    """Rows are (text, target) or (text, target, text_pair)."""
    examples = tuple(
        Example(id=f"s{n}", text=text, target=target, text_pair=pair[0] if pair else None)
        for n, (text, target, *pair) in enumerate(rows)
    )
    pairs = any(example.text_pair is not None for example in examples)
    return SeedSet(examples=examples, labels=(), several=False, pairs=pairs, digest="")


def row_schema(label: Any, *, pair: bool) -> dict[str, Any]:
    names = ["label", "text", *(["text_pair"] if pair else [])]
    return {
        "type": "object",
        "properties": {"label": label} | {name: {"type": "string"} for name in names[1:]},
        "required": names,
        "additionalProperties": False,
    }


def rows_schema(row: dict[str, Any], *, k: int) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {"rows": {"type": "array", "minItems": k, "maxItems": k, "items": row}},
        "required": ["rows"],
        "additionalProperties": False,
    }


def one(label: str) -> dict[str, Any]:
    return {"enum": [label]}


def several(*labels: str) -> dict[str, Any]:
    return {
        "type": "array",
        "prefixItems": [one(label) for label in labels],
        "items": False,
        "minItems": len(labels),
        "maxItems": len(labels),
    }


def satisfies(value: Any, schema: Any) -> bool:
    """What of JSON schema the classification task uses."""
    if isinstance(schema, bool):
        return schema
    if "enum" in schema:
        return value in schema["enum"]
    if schema["type"] == "array":
        first = schema.get("prefixItems", [])
        items = [*first, *[schema.get("items", True)] * (len(value) - len(first))]
        return (
            isinstance(value, list)
            and schema["minItems"] <= len(value) <= schema["maxItems"]
            and all(starmap(satisfies, zip(value, items, strict=True)))
        )
    if schema["type"] == "object":
        properties = schema["properties"]
        return (
            isinstance(value, dict)
            and set(schema["required"]) <= set(value) <= set(properties)
            and all(satisfies(value[name], properties[name]) for name in value)
        )
    return schema["type"] == "string" and isinstance(value, str)


def request(
    seed: int,
    labels: tuple[str, ...],
    *,
    schema: dict[str, Any] | None = None,
    exemplar: str | None = None,
    max_tokens: int = 512,
) -> Request:
    return Request(
        key=str(seed),
        messages=(),
        schema=schema or row_schema(one(labels[0]) if labels else several(), pair=False),
        sampling=Sampling(temperature=1.0, top_p=0.95, max_tokens=max_tokens, seed=seed),
        ask=Ask(
            number=seed,
            strategy="paraphrase" if exemplar else "fewshot",
            labels=labels,
            exemplars=(exemplar,) if exemplar else (),
        ),
    )


def outcomes(engine: Engine, requests: Sequence[Request]) -> list[Completion | Failure]:
    async def given_requests() -> AsyncIterator[Request]:
        for one_request in requests:
            yield one_request

    async def all_of_them() -> list[Completion | Failure]:
        answers = [pair async for pair in engine.complete(given_requests())]
        assert [asked for asked, _ in answers] == list(requests)
        return [outcome for _, outcome in answers]

    return asyncio.run(all_of_them())


def completions(engine: Engine, requests: Sequence[Request]) -> list[Completion]:
    found = [one for one in outcomes(engine, requests) if isinstance(one, Completion)]
    assert len(found) == len(requests)
    return found


def texts(engine: Engine, requests: Sequence[Request]) -> list[str]:
    return [json.loads(answer.text)["text"] for answer in completions(engine, requests)]


def jaccard(first: frozenset[str], second: frozenset[str]) -> float:
    return len(first & second) / max(len(first | second), 1)


def word_set(text: str) -> frozenset[str]:
    return frozenset(words(text))


def test_the_example_seeds_are_six_labels_of_twelve_different_sentences() -> None:
    counts = {label: sum(own == label for _, own in SUPPORT) for _, label in SUPPORT}
    assert list(counts.values()) == [12] * 6
    assert len({text for text, _ in SUPPORT}) == 72
    assert any("," in text and '"' in text for text, _ in SUPPORT)


@pytest.mark.parametrize("label", sorted({label for _, label in SUPPORT}))
def test_400_draws_hold_40_rows_of_a_label_that_are_no_copies_of_seeds(label: str) -> None:
    engine = SeedLM(seed_set(SUPPORT), random_seed=0)
    drawn = set(texts(engine, [request(n, (label,)) for n in range(400)]))
    seeds = [word_set(text) for text, _ in SUPPORT]
    new = {
        word_set(text)
        for text in drawn
        if max(jaccard(word_set(text), seed) for seed in seeds) < 0.8
    }
    assert len(new) >= 40
    assert len(drawn - {text for text, _ in SUPPORT}) >= 0.95 * len(drawn)


def test_most_rows_are_nearest_to_a_seed_of_their_own_label() -> None:
    engine = SeedLM(seed_set(SUPPORT), random_seed=0)
    labels = sorted({label for _, label in SUPPORT})
    asked = [labels[n % 6] for n in range(300)]
    drawn = texts(engine, [request(n, (label,)) for n, label in enumerate(asked)])
    nearest = [
        max(SUPPORT, key=lambda seed: jaccard(word_set(seed[0]), word_set(text)))[1]
        for text in drawn
    ]
    assert sum(map(str.__eq__, nearest, asked)) > 0.85 * 300


@pytest.mark.parametrize("k", [1, 3])
@pytest.mark.parametrize("label", [one("a"), several("a", "b"), several()])
@pytest.mark.parametrize("pair", [False, True])
def test_an_answer_satisfies_the_schema(k: int, label: dict[str, Any], *, pair: bool) -> None:
    engine = SeedLM(seed_set([("x y", ("a", "b"), "z"), ("y x", (), "x z")]), random_seed=0)
    schema = row_schema(label, pair=pair)
    schema = rows_schema(schema, k=k) if k > 1 else schema
    names = tuple(item["enum"][0] for item in label.get("prefixItems", [one("a")]))
    for answer in completions(engine, [request(n, names, schema=schema) for n in range(20)]):
        assert satisfies(json.loads(answer.text), schema), answer.text


def test_the_answer_is_no_more_than_the_text_where_no_schema_is_given() -> None:
    engine = SeedLM(seed_set([("one text", "a")]), random_seed=0)
    free = Request(
        key="",
        messages=(),
        schema=None,
        sampling=Sampling(temperature=1.0, top_p=1.0, max_tokens=9, seed=0),
        ask=Ask(number=0, strategy="fewshot", labels=("a",)),
    )
    assert completions(engine, [free])[0].text == "one text"


def test_parts_of_the_schema_that_are_no_texts_get_the_least_that_is_allowed() -> None:
    engine = SeedLM(
        seed_set([("Ada met Bo", Annotation(entities=(Span(start=0, end=3, label="person"),)))]),
        random_seed=0,
    )
    schema = {
        "type": "object",
        "properties": {
            "text": {"type": "string"},
            "note": {"type": "string"},
            "entities": {"type": "array", "items": {"type": "object"}},
            "count": {"type": "integer"},
            "sure": {"type": "boolean"},
            "none": {"type": "null"},
        },
    }
    answer = json.loads(completions(engine, [request(0, ("person",), schema=schema)])[0].text)
    assert answer == {
        "text": "Ada met Bo",
        "note": "",
        "entities": [],
        "count": 0,
        "sure": False,
        "none": None,
    }


def test_an_answer_depends_on_nothing_but_its_request_and_the_random_seed() -> None:
    seeds = seed_set(SUPPORT)
    requests = [request(n, (SUPPORT[n % 72][1],), exemplar=f"s{n % 72}") for n in range(40)]
    forward = outcomes(SeedLM(seeds, random_seed=0), requests)
    backward = outcomes(SeedLM(seeds, random_seed=0), requests[::-1])
    assert forward == backward[::-1]
    assert forward != outcomes(SeedLM(seeds, random_seed=1), requests)
    assert len(set(forward)) > 20


def test_a_paraphrase_is_nearer_to_its_seed_than_other_rows_of_the_label_but_no_copy() -> None:
    engine = SeedLM(seed_set(SUPPORT), random_seed=0)
    near: list[float] = []
    far: list[float] = []
    copies = 0
    for n, (seed, label) in enumerate(SUPPORT):
        asked = [request(n * 10 + m, (label,), exemplar=f"s{n}") for m in range(4)]
        for text in texts(engine, asked):
            near.append(jaccard(word_set(text), word_set(seed)))
            copies += text == seed
        asked = [request(n * 10 + m, (label,)) for m in range(4)]
        far += [jaccard(word_set(text), word_set(seed)) for text in texts(engine, asked)]
    assert sum(near) > 1.5 * sum(far)
    assert copies == 0


def test_what_stands_between_the_same_neighbours_changes_places() -> None:
    rows = [
        ("please block the blue card from today on", "a"),
        ("could you send the red and white card to my house", "a"),
        ("we never wanted another thing", "a"),
    ]
    engine = SeedLM(seed_set(rows), random_seed=0)
    drawn = texts(engine, [request(n, ("a",), exemplar="s0") for n in range(200)])
    assert any("block the red and white card from today" in text for text in drawn)


def test_numbers_and_names_after_the_same_word_change_places() -> None:
    rows = [
        ("i have waited for 17 days since Monday you know", "a"),
        ("they had asked for 250 euros since Friday at noon", "a"),
    ]
    engine = SeedLM(seed_set(rows), random_seed=0)
    drawn = texts(engine, [request(n, ("a",)) for n in range(300)])
    assert any("for 250 days" in text for text in drawn)
    assert any("euros since Monday at noon" in text for text in drawn)


def test_a_capital_that_only_begins_a_sentence_makes_no_name() -> None:
    rows = [("Where is the key now", "a"), ("Maybe we lost two of them", "a")]
    drawn = texts(SeedLM(seed_set(rows), random_seed=0), [request(n, ("a",)) for n in range(100)])
    assert {" ".join(text.split()[:2]) for text in drawn} == {"Where is", "Maybe we"}


def test_a_whole_text_of_a_pair_does_not_change_places() -> None:
    engine = SeedLM(seed_set([("one", "a", "uno")] * 2 + [("two", "a", "dos")]), random_seed=0)
    coldest = Sampling(temperature=0.0, top_p=1.0, max_tokens=9, seed=0)
    schema = row_schema(one("a"), pair=True)
    greedy = [
        replace(request(n, ("a",), schema=schema), sampling=replace(coldest, seed=n))
        for n in range(50)
    ]
    assert len({answer.text for answer in completions(engine, greedy)}) == 1


def test_the_border_of_a_pair_does_not_change_places() -> None:
    engine = SeedLM(seed_set([("a p z q b", "a", "c"), ("d p", "a", "q e")]), random_seed=0)
    schema = row_schema(one("a"), pair=True)
    answers = completions(engine, [request(n, ("a",), schema=schema) for n in range(200)])
    assert not any("b c" in json.loads(answer.text)["text_pair"] for answer in answers)


def test_a_label_set_is_learnt_from_seeds_with_all_of_it_else_any_else_from_all_seeds() -> None:
    # Three seeds each, alike within and unlike across: other labels then weigh next to nothing.
    rows = [
        (f"{word} {first} {second}", target)
        for word, target in [
            ("both", ("a", "b")),
            ("first", ("a",)),
            ("none", ()),
        ]
        for first, second in [("p", "q"), ("p", "r"), ("q", "r")]
    ]
    engine = SeedLM(seed_set(rows), random_seed=0)

    def mostly(*labels: str) -> set[str]:
        drawn = [
            text.split()[0] for text in texts(engine, [request(n, labels) for n in range(100)])
        ]
        return {word for word in drawn if drawn.count(word) > 20}

    assert mostly("a", "b") == {"both"}
    assert mostly("b", "a") == {"both"}
    assert mostly("a", "other") == {"both", "first"}
    assert mostly() == {"none"}
    assert mostly("unheard") == {"both", "first", "none"}


def test_both_texts_of_a_pair_are_written() -> None:
    rows = [
        ("a man sleeps. he snores", "yes", "someone sleeps."),
        ("a man runs. he sings", "yes", "someone runs."),
        ("a dog runs. it barks", "yes", "an animal runs."),
    ]
    engine = SeedLM(seed_set(rows), random_seed=0)
    schema = row_schema(one("yes"), pair=True)
    for answer in completions(engine, [request(n, ("yes",), schema=schema) for n in range(100)]):
        row = json.loads(answer.text)
        assert row["text"].split()[0] == "a"
        assert row["text_pair"].split()[0] in {"someone", "an"}


def test_an_answer_never_exceeds_its_tokens_and_says_where_it_was_cut() -> None:
    engine = SeedLM(seed_set(SUPPORT), random_seed=0)
    schema = rows_schema(row_schema(one("refund"), pair=False), k=3)
    for max_tokens, finish in ((4, "length"), (512, "stop")):
        asked = [request(n, ("refund",), schema=schema, max_tokens=max_tokens) for n in range(20)]
        for answer in completions(engine, asked):
            assert answer.finish == finish
            assert satisfies(json.loads(answer.text), schema)
            assert 0 < (answer.completion_tokens or 0) <= max_tokens
            assert (answer.calls, answer.prompt_tokens) == (0, None)


def test_exchanged_spans_do_not_make_a_text_longer_than_it_may_be() -> None:
    engine = SeedLM(seed_set(SUPPORT), random_seed=0)
    drawn = texts(engine, [request(n, (SUPPORT[n % 72][1],), max_tokens=7) for n in range(200)])
    assert max(len(tokenize(text)) for text in drawn) == 7


def test_a_text_that_ends_is_preferred_to_one_that_is_cut() -> None:
    engine = SeedLM(seed_set([("x y", "a"), ("p q r s t u", "a")]), random_seed=0)
    answers = completions(engine, [request(n, ("a",), max_tokens=3) for n in range(100)])
    assert sum(answer.finish == "stop" for answer in answers) > 90


def test_nearly_all_new_texts_are_about_as_long_as_the_seeds_of_their_label() -> None:
    engine = SeedLM(seed_set(SUPPORT), random_seed=0)
    outside = 0
    for label in {label for _, label in SUPPORT}:
        lengths = [len(tokenize(text)) for text, own in SUPPORT if own == label]
        for text in texts(engine, [request(n, (label,)) for n in range(50)]):
            outside += not (3 * min(lengths) // 4 <= len(tokenize(text)) <= 1.25 * max(lengths) + 2)
    assert outside <= 0.02 * 300


def test_without_seeds_every_request_is_refused_in_words() -> None:
    engine = SeedLM(seed_set([]), random_seed=0)
    refused = Failure(code="refused", detail="seedlm has no seeds to learn from")
    assert outcomes(engine, [request(0, ("a",)), request(1, ("b",))]) == [refused, refused]


seed_texts = st.one_of(
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=30),
    st.sampled_from(
        ["", "👍👩‍💻", "مرحبا، أين بطاقتي؟", "我的卡丢了。", "ขอเงินคืน", "a\u2028b\u202ec"]
    ),
)


@given(
    st.lists(st.tuples(seed_texts, st.sampled_from("ab")), min_size=1, max_size=5), st.integers()
)
def test_no_seed_makes_it_raise(rows: list[tuple[str, str]], seed: int) -> None:
    engine = SeedLM(seed_set(rows), random_seed=seed)
    asked = [request(n, ("a",), exemplar=f"s{n - 1}" if n else None) for n in range(3)]
    for text in texts(engine, asked):
        assert set(text) <= set("".join(row[0] for row in rows) + " ")


def test_texts_in_scripts_without_spaces_are_recombined_by_characters() -> None:
    rows = [("我的卡丢了怎么办", "a"), ("我的钱包丢了在哪里", "a"), ("请问卡在哪里办", "a")]
    engine = SeedLM(seed_set(rows), random_seed=0)
    drawn = set(texts(engine, [request(n, ("a",)) for n in range(100)]))
    assert len(drawn - {text for text, _ in rows}) > 5
    assert not any(" " in text for text in drawn)


def test_of_a_long_text_only_the_beginning_is_learnt() -> None:
    long = "word " * 3_000 + "unlearnt " + "x" * 1_000_000
    tracemalloc.start()
    try:
        engine = SeedLM(seed_set([(long, "a"), (f"short {long}", "a")]), random_seed=0)
        answers = completions(engine, [request(0, ("a",), max_tokens=3_000)])
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert "unlearnt" not in answers[0].text
    assert peak < 30e6


async def test_other_tasks_get_a_turn_between_two_answers() -> None:
    engine = SeedLM(seed_set([("one text", "a")]), random_seed=0)
    order: list[str] = []

    async def requests() -> AsyncIterator[Request]:
        for number in range(3):
            order.append("asked")
            yield request(number, ("a",))

    async def other() -> None:
        while True:
            order.append("other")
            await asyncio.sleep(0)

    beside = asyncio.create_task(other())
    async for asked, _ in engine.complete(requests()):
        order.append(f"answered {asked.key}")
    beside.cancel()
    assert order[:5] == ["asked", "answered 0", "other", "asked", "answered 1"]
