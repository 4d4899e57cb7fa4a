"""Of rows that say the same one is kept; other labels are let alone, the hold-out is not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sphere import Sphere, candidates, examples, unit

from augment.filters.semantic_duplicate import FLOOR, SemanticDuplicate
from augment.records import COUNTERFACTUAL, Ask, Candidate, Example

LABELS = ("card", "refund")


class Known:
    """An encoder that knows the vector of each text, and notes what it was asked."""

    name = "known"

    def __init__(self, vectors):
        self.vectors = dict(vectors)
        self.asked = []

    def encode(self, texts):
        self.asked.append(list(texts))
        return np.stack([self.vectors[text] for text in texts])


def near(vector, cosine):
    """Return a unit vector at this cosine."""
    other = np.roll(vector, 1) - vector * float(np.roll(vector, 1) @ vector)
    other /= np.linalg.norm(other)
    return (vector * cosine + other * (1 - cosine**2) ** 0.5).astype(np.float32)


def seeded(each=20, **options):
    """Return a fitted filter, the seeds' vectors, and its encoder."""
    targets = [label for label in LABELS for _ in range(each)]
    vectors = Sphere(LABELS, spread=1.5, seed=3).points(targets)
    encoder = options.pop("encoder", Known({}))
    by = SemanticDuplicate(encoder=encoder, **options)
    by.fit(examples(targets, ["seed"] * len(targets)), vectors)
    return by, vectors


def judged(by, vector, *, label="card", row="r1", of=None, text=""):
    ask = Ask(number=0, strategy=COUNTERFACTUAL if of else "fewshot", labels=(label,),
              exemplars=(of,) if of else ())  # fmt: skip
    example = Example(id=row, text=text, target=label, origin="generated")
    (verdict,) = by.judge([Candidate(example=example, ask=ask, key="k", index=0)], vector[None])
    return verdict, example


def said(verdict):
    return verdict.outcome, verdict.reason


def test_a_row_that_says_what_an_accepted_one_says_is_rejected_under_the_same_label_alone():
    by, _ = seeded()
    vector = unit(np.random.default_rng(0).normal(size=(1, 48)))[0]
    first, accepted = judged(by, vector, row="r1")
    by.observe([accepted])
    again, _ = judged(by, near(vector, 0.97), row="r2")
    further, _ = judged(by, near(vector, 0.83), row="r3")
    other, _ = judged(by, near(vector, 0.97), row="r4", label="refund")

    assert said(first) == said(further) == said(other) == ("passed", None)
    assert first.score is None
    assert said(again) == ("rejected", "semantic_duplicate")
    assert again.score == pytest.approx(0.97, abs=1e-3)
    assert (again.threshold, again.detail) == (FLOOR, "says what r1 says")


def test_a_row_with_other_numbers_says_something_else():
    by, _ = seeded()
    vector = unit(np.random.default_rng(0).normal(size=(1, 48)))[0]
    _, accepted = judged(by, vector, text="2 seats at 10")
    by.observe([accepted])
    found = [
        judged(by, near(vector, 0.99), row="r2", text=text)[0].outcome
        for text in ("at 10 for 2", "at 10 for 3", "at 10", "at 10 for 2 and 2")
    ]

    assert found == ["rejected", "passed", "passed", "passed"]


def test_a_row_that_was_not_accepted_is_not_held_against_another():
    by, _ = seeded()
    vector = unit(np.random.default_rng(0).normal(size=(1, 48)))[0]

    assert said(judged(by, vector)[0]) == said(judged(by, vector)[0]) == ("passed", None)


def test_a_row_that_says_what_a_seed_says_is_rejected_but_for_its_counterpart():
    by, vectors = seeded()
    copy, _ = judged(by, near(vectors[0], 0.99))
    counterpart, _ = judged(by, near(vectors[0], 0.99), of="s0")
    other, _ = judged(by, near(vectors[0], 0.99), label="refund")

    assert said(copy) == ("rejected", "semantic_copy")
    assert copy.detail == "says what s0 says"
    assert said(counterpart) == said(other) == ("passed", None)


def test_a_row_that_says_what_the_holdout_says_is_rejected_whatever_its_label():
    vector = unit(np.random.default_rng(0).normal(size=(1, 48)))[0]
    held = [Example(id="h1", text="held", target="refund")]
    by, _ = seeded(encoder=Known({"held": vector}), holdout=held)

    for label in LABELS:
        verdict, _ = judged(by, near(vector, 0.98), label=label)
        assert said(verdict) == ("rejected", "semantic_leak")


def test_rows_of_other_runs_and_of_earlier_sessions_count_as_accepted():
    one, two = unit(np.random.default_rng(0).normal(size=(2, 48)))
    encoder = Known({"one": one, "two": two})
    by, _ = seeded(encoder=encoder, against=[Example(id="a1", text="one", target="card")])
    by.observe([Example(id="e1", text="two", target="card")])
    found = [judged(by, near(vector, 0.98))[0] for vector in (one, two)]

    assert [verdict.detail for verdict in found] == ["says what a1 says", "says what e1 says"]
    assert encoder.asked == [["one"], ["two"]]


@given(seed=st.integers(0, 10_000), threshold=st.floats(0.5, 0.99))
def test_of_rows_that_say_the_same_one_is_always_kept(seed, threshold):
    rng = np.random.default_rng(seed)
    middles = unit(rng.normal(size=(4, 48)))
    vectors = unit(middles[rng.integers(0, 4, 60)] + rng.normal(0, 0.04, (60, 48)))
    by, _ = seeded(threshold=threshold)
    kept = []
    for number, vector in enumerate(vectors):
        verdict, row = judged(by, vector, row=f"r{number}")
        nearest = max((float(vectors[other] @ vector) for other in kept), default=-1.0)
        if abs(nearest - threshold) > 2e-3 and verdict.reason != "semantic_copy":
            assert (verdict.outcome == "rejected") == (nearest >= threshold)
        if verdict.outcome == "passed":
            by.observe([row])
            kept.append(number)
        elif verdict.reason == "semantic_duplicate":
            assert int(verdict.detail.split()[2][1:]) in kept


def test_seeds_that_repeat_each_other_make_it_lenient():
    targets = ["card"] * 40
    vectors = Sphere(["card"], spread=0.1, seed=3).points(targets)
    by = SemanticDuplicate(encoder=Known({}))
    by.fit(examples(targets, ["seed"] * 40), vectors)
    likeness = vectors @ vectors.T - 2 * np.eye(40)
    (threshold,) = by.calibration.thresholds

    assert threshold > likeness.max() > FLOOR
    assert by.calibration.statement == (
        f"Rows are rejected from a cosine of {threshold:.2f} to another of their label; 0 of 40 "
        "seeds reach it."
    )


def test_a_threshold_that_is_given_is_heeded():
    by, vectors = seeded(each=2, threshold=0.8)

    assert judged(by, near(vectors[0], 0.82))[0].outcome == "rejected"
    assert judged(by, near(vectors[0], 0.78))[0].outcome == "passed"


def test_without_a_basis_it_abstains_and_says_why():
    few, vectors = seeded(each=9)
    none = SemanticDuplicate(encoder=None, no_basis="unknown_language")
    none.fit(examples(["card"] * 30), None)
    none.observe(examples(["card"]))

    assert said(judged(few, vectors[0])[0]) == ("abstained", "too_few_seeds")
    assert [said(each) for each in none.judge(candidates(["card"]), None)] == [
        ("abstained", "unknown_language")
    ]
