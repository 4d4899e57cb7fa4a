"""Mentions that read like another type are disputed; the error on the seeds is said."""

from __future__ import annotations

from typing import Any

import numpy as np
from annotated import spans
from sphere import Sphere

from augment.filters.span_agreement import SpanAgreement
from augment.protocols import PLACE_PARTS
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


# By what an encoder sees of mentions -------------------------------------------------------------

SPHERE = Sphere(["drug", "town"], spread=0.5, seed=0)


def seen(labels: list[str]) -> Any:
    """Return what an encoder would: each part near the middle of a label."""
    parts = [SPHERE.points([label] * PLACE_PARTS) for label in labels]
    return np.concatenate(parts).reshape(len(labels), -1)


def by_meaning() -> SpanAgreement:
    each = SpanAgreement(encoder="some-encoder")
    each.fit(SEEDS, seen([span.label for seed in SEEDS for span in seed.target.entities]))
    return each


def judged_by(gate: SpanAgreement, vectors: Any, *marked: str) -> Any:
    ask = Ask(number=0, strategy="fewshot", labels=())
    rows = [Candidate(example=example("c", each), ask=ask, key="", index=0) for each in marked]
    return gate.judge(rows, vectors)


def test_what_the_encoder_sees_decides_and_not_the_words() -> None:
    right, none, wrong = judged_by(
        by_meaning(),
        seen(["drug", "drug", "town"]),
        "a dose of <drug>Altdorf</drug>",
        "nothing was given",
        "<drug>Altdorf</drug> and <drug>codeine</drug>",
    )
    assert right.outcome == "passed"
    assert (none.outcome, none.reason) == ("abstained", "no_label")
    assert (wrong.outcome, wrong.reason) == ("rejected", "label")
    assert wrong.detail.startswith("'codeine' (drug) reads like 'town'")


def test_the_basis_is_the_encoder_and_whole_seeds_are_left_out() -> None:
    found = by_meaning().calibration
    assert found is not None
    assert found.basis == "some-encoder"
    assert found.statement.startswith("Left out one seed at a time, the classifier errs on")


def test_a_mention_that_the_encoder_does_not_read_is_not_judged() -> None:
    vectors = seen(["drug", "town"])
    vectors[1] = 0
    [verdict] = judged_by(by_meaning(), vectors[1:], "a dose of <drug>heparin</drug>")
    assert (verdict.outcome, verdict.reason) == ("abstained", "not_read")
    [verdict] = judged_by(by_meaning(), vectors, "<drug>heparin</drug>, <drug>codeine</drug>")
    assert verdict.outcome == "passed"


def test_an_encoder_that_sees_no_places_leaves_the_n_grams() -> None:
    each = SpanAgreement(encoder="static")
    each.fit(SEEDS, np.zeros((48, 0), np.float32))
    assert each.calibration is not None
    assert each.calibration.basis == "character n-grams"
    [verdict] = judged_by(each, np.zeros((1, 0), np.float32), "a dose of <town>codeine</town> was")
    assert verdict.outcome == "rejected"
