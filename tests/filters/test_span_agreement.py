"""Mentions that read like another type are disputed; the error on the seeds is said."""

from __future__ import annotations

from typing import Any

from annotated import spans

from augment.filters.span_agreement import SpanAgreement
from augment.records import Annotation, Ask, Candidate, Example

DRUGS = ("aspirin", "ibuprofen", "naproxen", "codeine", "lithium", "heparin", "insulin", "warfarin")
TOWNS = (
    "Kirchdorf",
    "Neudorf",
    "Altdorf",
    "Bergdorf",
    "Waldorf",
    "Seedorf",
    "Hochdorf",
    "Weildorf",
)


def example(name: str, marked: str) -> Example[Any]:
    text, found = spans(marked)
    return Example(id=name, text=text, target=Annotation(entities=found))


SEEDS = [
    example(
        f"s{n}", f"a dose of <drug>{DRUGS[n % 8]}</drug> was given in <town>{TOWNS[n % 7]}</town>"
    )
    for n in range(24)
]


def fitted(seeds: Any = SEEDS) -> SpanAgreement:
    each = SpanAgreement()
    each.fit(seeds, None)
    return each


def judged(gate: SpanAgreement, *marked: str) -> Any:
    ask = Ask(number=0, strategy="fewshot", labels=())
    rows = [Candidate(example=example("c", each), ask=ask, key="", index=0) for each in marked]
    return gate.judge(rows, None)


def test_a_mention_of_another_type_is_named_and_right_ones_pass() -> None:
    right, wrong, none = judged(
        fitted(),
        "a dose of <drug>heparin</drug> was given",
        "it was given in <town>Altdorf</town>, a dose of <town>codeine</town> was",
        "nothing was given",
    )
    assert right.outcome == "passed"
    assert (wrong.outcome, wrong.reason) == ("rejected", "label")
    assert wrong.detail.startswith("'codeine' (town) reads like 'drug'; the classifier errs on")
    assert (none.outcome, none.reason) == ("abstained", "no_label")


def test_its_error_on_the_seeds_is_said() -> None:
    found = fitted().calibration
    assert found is not None
    assert "errs on 0 of 48 mentions of the seeds" in found.statement


def test_it_abstains_where_seeds_are_few() -> None:
    [verdict] = judged(fitted(SEEDS[:3]), "a dose of <town>codeine</town>")
    assert (verdict.outcome, verdict.reason) == ("abstained", "too_few_seeds")
