"""A row lies as near to the seeds of its label as these lie to each other, and no nearer."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sphere import Sphere, candidates, examples, unit

from augment.filters.similarity import Similarity

LABELS = ["a", "b", "c"]


def fitted(targets, vectors, **more):
    by = Similarity(encoder="an encoder", **more)
    by.fit(examples(targets), vectors)
    return by


def judged(by, target, vector):
    (verdict,) = by.judge(candidates([target]), unit([vector]))
    return verdict


def at(cosine, width=8):
    """A point of this cosine to the first axis, all the rest of it on the last one."""
    vector = np.zeros(width)
    vector[0], vector[-1] = cosine, np.sqrt(1 - cosine**2)
    return vector


def fan(cosines):
    """Pairs of seeds, each pair on axes of its own, with the cosine given between the two."""
    vectors = np.zeros((2 * len(cosines), 2 * len(cosines)))
    for pair, cosine in enumerate(cosines):
        vectors[2 * pair, 2 * pair] = 1
        vectors[2 * pair + 1, 2 * pair : 2 * pair + 2] = cosine, np.sqrt(1 - cosine**2)
    return unit(vectors)


def nearest_others(targets, vectors):
    """Each seed's greatest cosine to another one that shares a label, or is as unlabelled."""
    sets = [{target} if isinstance(target, str) else set(target) for target in targets]
    found = []
    for row, own in enumerate(sets):
        others = [
            float(vectors[row].astype(float) @ vectors[other].astype(float))
            for other, labels in enumerate(sets)
            if other != row and (own & labels or (not own and not labels))
        ]
        found += [max(others)] if others else []
    return sorted(found)


@st.composite
def seed_points(draw):
    several = draw(st.booleans())
    sets = st.lists(st.sampled_from(LABELS), max_size=2, unique=True).map(tuple)
    targets = draw(st.lists(sets if several else st.sampled_from(LABELS), max_size=250))
    sphere = Sphere([*LABELS, "none"], spread=draw(st.floats(0.2, 3)), seed=draw(st.integers(0, 9)))
    vectors = sphere.points([own or ("none",) for own in targets]) if targets else None
    return targets, vectors


@given(seed_points())
def test_the_band_is_that_of_the_seeds_each_left_out(data):
    targets, vectors = data
    scores = nearest_others(targets, vectors)
    calibration = fitted(targets, vectors).calibration
    if len(scores) < 20:
        few = calibration is None or calibration.thresholds == ()
        assert few, f"{len(scores)} seeds were taken for enough"
        return
    assert calibration is not None
    assert calibration.scores == pytest.approx(scores, abs=1e-5)
    least, most = calibration.thresholds
    below = sum(score < least for score in calibration.scores)
    above = sum(score > most for score in calibration.scores)
    assert max(below, above) <= 0.01 * len(scores)
    assert most >= 0.97
    # the ends are seeds' own scores, and no end could be drawn in by more than one seed
    assert least in calibration.scores
    assert below >= int(0.01 * (len(scores) + 1)) - 1
    assert most == 0.97 or most in calibration.scores


@pytest.mark.parametrize(("seeds", "outside"), [(20, 0), (198, 0), (200, 1), (400, 3)])
def test_one_seed_in_a_hundred_at_most_lies_outside_at_either_end(seeds, outside):
    cosines = np.linspace(0.3, 0.999, seeds // 2)
    calibration = fitted(["a"] * seeds, fan(cosines)).calibration
    assert calibration is not None
    least, most = calibration.thresholds

    assert sum(score < least for score in calibration.scores) <= outside
    assert sum(score > most for score in calibration.scores) <= outside
    assert least == pytest.approx(cosines[outside // 2], abs=1e-6)
    assert most == pytest.approx(cosines[-1 - outside // 2], abs=1e-6)


def test_the_statement_counts_the_seeds_outside():
    cosines = np.linspace(0.3, 0.96, 200)
    calibration = fitted(["a"] * 400, fan(cosines)).calibration
    assert calibration is not None
    least, most = calibration.thresholds
    outside = sum(not least <= score <= most for score in calibration.scores)

    assert outside == 2
    assert calibration.statement.endswith(
        f"lies between {least:.2f} and 0.97; so do {400 - outside} of 400 seeds."
    )
    assert (calibration.filter, calibration.basis) == ("similarity", "an encoder")


BAND = fan([0.5, *[0.7] * 9, 0.9])


@pytest.mark.parametrize(
    ("cosine", "reason", "end"),
    [
        (0.0, "too_far", 0.5),
        (0.499, "too_far", 0.5),
        (0.501, None, 0.5),
        (0.72, None, 0.5),
        (0.75, None, 0.97),
        (0.969, None, 0.97),
        (0.971, "too_near", 0.97),
        (1.0, "too_near", 0.97),
    ],
)
def test_a_row_outside_is_rejected_by_the_end_that_it_violates(cosine, reason, end):
    by = fitted(["a"] * 22, np.hstack([BAND, np.zeros((22, 1), np.float32)]))
    verdict = judged(by, "a", at(cosine, width=23))

    assert verdict.score == pytest.approx(cosine, abs=1e-5)
    assert verdict.band == pytest.approx((0.5, 0.97), abs=1e-5)
    assert verdict.threshold == pytest.approx(end, abs=1e-5)
    assert verdict.threshold in verdict.band
    assert verdict.reason == reason
    assert verdict.outcome == ("passed" if reason is None else "rejected")
    assert verdict.detail == (None if reason is None else "the nearest seed is s0")


def test_the_ends_of_the_band_are_let_through():
    by = fitted(["a"] * 22, fan([0.5, *[0.7] * 9, 0.99]))
    assert by.calibration is not None
    least, most = by.calibration.thresholds
    vectors = np.zeros((4, 22), dtype=np.float32)
    vectors[:, 0] = (
        least,
        most,
        np.nextafter(np.float32(least), -1),
        np.nextafter(np.float32(most), 2),
    )
    outcomes = [verdict.outcome for verdict in by.judge(candidates(["a"] * 4), vectors)]

    assert outcomes == ["passed", "passed", "rejected", "rejected"]


def test_a_seed_itself_is_too_near():
    by = fitted(["a"] * 22, BAND)
    verdicts = by.judge(candidates(["a"] * 2), BAND[[1, 20]])

    assert [(v.reason, v.detail) for v in verdicts] == [
        ("too_near", "the nearest seed is s1"),
        ("too_near", "the nearest seed is s20"),
    ]


def test_seeds_that_repeat_each_other_raise_the_upper_end():
    by = fitted(["a"] * 22, fan([0.5, *[0.7] * 9, 0.99]))
    assert by.calibration is not None

    assert by.calibration.thresholds[1] == pytest.approx(0.99, abs=1e-6)


def test_a_row_is_held_against_seeds_of_its_own_labels_only():
    sphere = Sphere(["a", "b"], spread=0.5, seed=0)
    own = ["a", "b"] * 20
    by = fitted(own, sphere.points(own))
    (right, wrong) = by.judge(candidates(["a", "b"]), sphere.points(["a", "a"]))

    assert right.outcome == "passed"
    assert (wrong.outcome, wrong.reason) == ("rejected", "too_far")


def test_a_row_of_several_labels_is_held_against_the_nearest_seed_of_any():
    sphere = Sphere(["a", "b", "c"], spread=0.5, seed=0)
    own = [("a",), ("b",), ("b", "c"), ("c",)] * 10
    vectors = sphere.points(own)
    by = fitted(own, vectors)
    asked = [("a", "b"), ("b", "a"), ("a", "c"), ("a", "never seen"), ("c",)]
    rows = sphere.points(["a"] * 5)
    verdicts = by.judge(candidates(asked), rows)
    for labels, row, verdict in zip(asked, rows, verdicts, strict=True):
        sharing = [n for n, target in enumerate(own) if set(labels) & set(target)]
        assert verdict.score == pytest.approx(max(vectors[sharing] @ row), abs=1e-5)
    assert [verdict.outcome for verdict in verdicts] == [*["passed"] * 4, "rejected"]


def test_seeds_and_rows_without_a_label_are_held_against_each_other():
    sphere = Sphere(["a", "none"], spread=0.5, seed=0)
    by = fitted([("a",), ()] * 20, sphere.points(["a", "none"] * 20))
    near, far = by.judge(candidates([(), ()]), sphere.points(["none", "a"]))

    assert (near.outcome, far.reason) == ("passed", "too_far")


def abstained(by, targets, vectors):
    verdicts = by.judge(candidates(targets), vectors)
    assert {(v.outcome, v.score, v.band, v.threshold) for v in verdicts} == {
        ("abstained", None, None, None)
    }
    return [verdict.reason for verdict in verdicts]


@pytest.mark.parametrize("why", ["no_encoder", "unknown_language"])
def test_without_vectors_it_abstains_for_the_reason_given(why):
    by = fitted(["a"] * 30, None, no_basis=why)

    assert abstained(by, ["a", "b"], None) == [why, why]
    assert by.calibration is None


@pytest.mark.parametrize(
    "targets", [[], ["a"] * 19, [*["a"] * 19, "b"], [str(n) for n in range(30)]]
)
def test_under_twenty_seeds_with_another_one_of_their_label_there_is_no_basis(targets):
    sphere = Sphere(["x"], seed=0)
    vectors = sphere.points(["x"] * len(targets)) if targets else np.zeros((0, 48), np.float32)
    by = fitted(targets, vectors)

    assert abstained(by, ["a"], sphere.points(["x"])) == ["too_few_seeds"]
    assert by.calibration is not None
    assert by.calibration.thresholds == ()
    assert f"NOT judged: {len(by.calibration.scores)} seeds have" in by.calibration.statement


def test_twenty_are_enough():
    by = fitted(["a"] * 20, Sphere(["a"], seed=0).points(["a"] * 20))

    assert by.calibration is not None


def test_a_label_with_a_single_seed_or_none_is_not_judged():
    sphere = Sphere(["a", "rare"], spread=0.5, seed=0)
    own = [*["a"] * 30, "rare"]
    by = fitted([(label,) for label in own], sphere.points(own))
    asked = [("rare",), ("never seen",), ("rare", "never seen"), ()]

    assert abstained(by, asked, sphere.points(["rare"] * 4)) == ["too_few_seeds"] * 4
    assert judged(by, ("a", "rare"), sphere.points(["a"])[0]).outcome == "passed"
    assert by.calibration is not None
    assert len(by.calibration.scores) == 30


def test_accepted_rows_do_not_widen_the_band():
    sphere = Sphere(["a", "b"], spread=0.5, seed=0)
    by = fitted(["a"] * 30, sphere.points(["a"] * 30))
    rows, far = candidates(["a"] * 3), sphere.points(["b"] * 3)
    before = by.judge(rows, far)
    by.observe([row.example for row in rows])

    assert [verdict.reason for verdict in before] == ["too_far"] * 3
    assert by.judge(rows, far) == before


@pytest.mark.parametrize("seeds", [1024, 1025, 2500])
def test_more_seeds_of_a_label_than_a_block_holds_are_scored_like_few(seeds):
    rng = np.random.default_rng(seeds)
    vectors = unit(rng.normal(size=(seeds, 12)))
    likeness = vectors @ vectors.T
    np.fill_diagonal(likeness, -np.inf)
    calibration = fitted(["a"] * seeds, vectors).calibration

    assert calibration is not None
    assert calibration.scores == pytest.approx(np.sort(likeness.max(axis=1)), abs=1e-5)
