"""Rows that differ in their mentions alone are variants, of which there may be so many."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from annotated import spans

from augment.filters.variants import Variants, framed
from augment.records import Annotation, Ask, Candidate, Example


def example(name: str, marked: str) -> Example[Any]:
    text, found = spans(marked)
    return Example(id=name, text=text, target=Annotation(entities=found))


SEEDS = [
    example("s1", "please book a table for two in <city>Bonn</city> tonight"),
    example("s2", "nobody has seen the keys of the old house since <day>Monday</day>"),
]


def fitted(most: int = 2) -> Variants:
    gate = Variants(most=most)
    gate.fit(SEEDS, None)
    return gate


def judged(gate: Variants, row: Example[Any]) -> Any:
    """Judge a row, and take it in where it passes."""
    ask = Ask(number=0, strategy="fewshot", labels=())
    [verdict] = gate.judge([Candidate(example=row, ask=ask, key="", index=0)], None)
    if verdict.outcome == "passed":
        gate.observe([row])
    return verdict.reason or verdict.outcome, verdict.detail


def test_a_family_takes_so_many_variants_and_no_more() -> None:
    gate = fitted(most=2)
    frame = "please book a table for two in <city>{}</city> tonight"
    ends = [judged(gate, example(c, frame.format(c))) for c in ("Kiel", "Rome", "Oslo")]
    assert ends == [
        ("passed", None),
        ("passed", None),
        ("variants", "s1 with other mentions, of which there are 2"),
    ]


def test_variants_of_variants_are_of_the_same_family() -> None:
    gate = fitted(most=1)
    frame = "we walked from <city>{}</city> to <city>{}</city> in nine long days"
    assert judged(gate, example("a", frame.format("Kiel", "Rome")))[0] == "passed"
    assert judged(gate, example("b", frame.format("Oslo", "Bonn")))[0] == "passed"
    assert judged(gate, example("c", frame.format("Wien", "Graz"))) == (
        "variants",
        "a with other mentions, of which there are 1",
    )


def test_what_says_the_same_again_is_no_variant() -> None:
    gate = fitted()
    again = "please book a table for two in Bonn <when>tonight</when>"
    assert judged(gate, example("a", again)) == ("copy_of_seed", "repeats s1")
    row = "the last train to <city>Ulm</city> has left without any of us"
    assert judged(gate, example("b", row))[0] == "passed"
    assert judged(gate, example("c", row)) == ("duplicate", "repeats b")


def test_other_words_around_the_same_mentions_are_a_near_duplicate() -> None:
    gate = fitted()
    long = "on the way to <city>Ulm</city> one of us lost a hat and two of us lost all patience {}"
    assert judged(gate, example("a", long.format("today")))[0] == "passed"
    assert judged(gate, example("b", long.format("yesterday")))[0] == "near_duplicate"


def test_rows_without_mentions_are_held_to_their_words() -> None:
    gate = fitted()
    assert judged(gate, example("a", "there was nothing to be seen for miles"))[0] == "passed"
    assert judged(gate, example("b", "there was nothing to be seen for miles"))[0] == "duplicate"


def test_a_frame_shows_types_in_the_place_of_mentions() -> None:
    assert framed(SEEDS[0]).split() == [
        "please", "book", "a", "table", "for", "two", "in", "\ue000city", "tonight",
    ]  # fmt: skip


def test_what_another_run_accepted_is_repeated_by_no_row() -> None:
    row = example("first/h0", "we walked from <city>Kiel</city> to <city>Rome</city> in nine days")
    gate = Variants(most=1, against=[row])
    gate.fit(SEEDS, None)
    assert judged(gate, replace(row, id="a")) == ("duplicate", "repeats first/h0")
