"""Forms that are marked wherever the seeds have them must not stand unmarked in a row."""

from __future__ import annotations

from typing import Any

from annotated import spans

from augment.filters.unmarked import Unmarked
from augment.records import Annotation, Ask, Candidate, Example

CITIES = ("Bonn", "Kiel", "Rome", "New York", "Oslo", "Ulm")


def example(name: str, marked: str) -> Example[Any]:
    text, found = spans(marked)
    return Example(id=name, text=text, target=Annotation(entities=found))


SEEDS = [
    example(f"s{n}", f"we went to <city>{CITIES[n % 6]}</city> on day {n} and came home again")
    for n in range(24)
]


def fitted(seeds: Any = SEEDS, **more: Any) -> Unmarked:
    gate = Unmarked(**more)
    gate.fit(seeds, None)
    return gate


def judged(gate: Unmarked, marked: str) -> Any:
    ask = Ask(number=0, strategy="fewshot", labels=())
    row = Candidate(example=example("c", marked), ask=ask, key="", index=0)
    [verdict] = gate.judge([row], None)
    return verdict


def test_a_known_form_that_stands_unmarked_is_named() -> None:
    verdict = judged(fitted(), "from Bonn to <city>Graz</city> and New York")
    assert (verdict.outcome, verdict.reason, verdict.score) == ("rejected", "unmarked", 2.0)
    assert verdict.detail == "'Bonn' is city elsewhere, and unmarked at 5"


def test_marked_forms_parts_of_words_and_parts_of_mentions_are_none() -> None:
    gate = fitted()
    for marked in (
        "from <city>Bonn</city> by train",
        "a Bonner by birth",
        "the <org>Bank of Bonn</org> has shut",
        "no city at all",
    ):
        assert judged(gate, marked).outcome == "passed"


def test_forms_that_seeds_leave_unmarked_too_are_not_known() -> None:
    loose = [example("x1", "an Ulm of a day"), example("x2", "what an Ulm it was")]
    assert judged(fitted([*SEEDS, *loose]), "in Ulm we slept").outcome == "passed"


def test_forms_of_accepted_rows_are_known_once_two_have_them() -> None:
    gate = fitted()
    gate.observe([example("a", "to <city>Graz</city>")])
    assert judged(gate, "in Graz we slept").outcome == "passed"
    gate.observe([example("b", "by <city>Graz</city>")])
    assert judged(gate, "in Graz we slept").reason == "unmarked"


def test_where_the_second_of_two_like_forms_is_left_unmarked_that_is_no_fault() -> None:
    twice = "from <city>Bonn</city> back to Bonn"
    assert judged(fitted(), twice).reason == "unmarked"
    assert judged(fitted(repeated=False), twice).outcome == "passed"


def test_it_abstains_where_seeds_are_few_or_would_be_accused_themselves() -> None:
    assert judged(fitted(SEEDS[:5]), "Bonn").reason == "too_few_seeds"
    odd = [
        example(f"o{n}", f"we saw {CITIES[n % 6]} once and said {n} times how nice it was")
        for n in range(2)
    ]
    gate = fitted([*SEEDS[:20], *odd])
    assert gate.calibration is not None
    assert "unmarked in 2 of 22 seeds: too many" in gate.calibration.statement
    verdict = judged(gate, "in Bonn")
    assert (verdict.outcome, verdict.reason) == ("abstained", "cannot_tell")
