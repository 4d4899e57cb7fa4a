"""The classifier: what it says of each example is what a fit without that example would say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from augment.filters.least_squares import LeastSquares

PENALTIES = (0.3, 1.0, 3.0, 10.0)


def indicators(labels, count):
    truth = np.zeros((len(labels), count))
    for row, own in enumerate(labels):
        truth[row, list(own)] = 1.0
    return truth


def refitted(vectors, truth, asked, *, penalty):
    """Ridge regression with an intercept that is not shrunk, by its normal equations."""
    middle, share = vectors.mean(axis=0), truth.mean(axis=0)
    centred = vectors - middle
    inverse = np.linalg.inv(centred.T @ centred + penalty * np.eye(vectors.shape[1]))
    return (asked - middle) @ inverse @ centred.T @ (truth - share) + share


def really_left_out(vectors, truth, *, penalty):
    every = np.arange(len(vectors))
    return np.array(
        [
            refitted(vectors[every != row], truth[every != row], vectors[row], penalty=penalty)
            for row in every
        ]
    )


def unit_vectors(rows, width, seed):
    drawn = np.random.default_rng(seed).normal(size=(rows, width))
    return (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32)


@st.composite
def small_data(draw):
    rows, width, count = draw(st.integers(3, 14)), draw(st.integers(2, 20)), draw(st.integers(2, 4))
    places = st.lists(st.integers(0, count - 1), max_size=3, unique=True).map(tuple)
    labels = draw(st.lists(places, min_size=rows, max_size=rows))
    return unit_vectors(rows, width, draw(st.integers(0, 2**16))), labels, count


@given(small_data())
def test_scores_left_out_are_those_of_a_fit_without_the_example(data):
    vectors, labels, count = data
    truth, exact = indicators(labels, count), vectors.astype(np.float64)
    by_penalty = [really_left_out(exact, truth, penalty=penalty) for penalty in PENALTIES]
    errors = [float(((truth - scores) ** 2).mean()) for scores in by_penalty]
    found = LeastSquares(vectors, labels, count=count)
    chosen = int(np.argmin(np.abs([found.left_out - scores for scores in by_penalty]).max((1, 2))))

    assert found.left_out == pytest.approx(by_penalty[chosen], abs=1e-8)
    assert errors[chosen] == pytest.approx(min(errors), abs=1e-12), "another penalty errs less"


@given(small_data(), st.data())
def test_a_group_is_left_out_as_a_whole(data, drawn):
    vectors, labels, count = data
    group = drawn.draw(
        st.lists(
            st.sampled_from(range(len(vectors))), min_size=2, max_size=len(vectors) - 1, unique=True
        )
    )
    truth, exact = indicators(labels, count), vectors.astype(np.float64)
    others = [row for row in range(len(vectors)) if row not in group]
    by_penalty = [
        refitted(exact[others], truth[others], exact[group], penalty=penalty)
        for penalty in PENALTIES
    ]
    found = LeastSquares(vectors, labels, count=count, groups=[group]).left_out[group]

    assert min(np.abs(found - scores).max() for scores in by_penalty) < 1e-5


@given(small_data(), st.integers(0, 99))
def test_scores_are_those_of_the_fit_with_all_examples(data, seed):
    vectors, labels, count = data
    truth, exact = indicators(labels, count), vectors.astype(np.float64)
    errors = {
        penalty: float(((truth - really_left_out(exact, truth, penalty=penalty)) ** 2).mean())
        for penalty in PENALTIES
    }
    best = [p for p, error in errors.items() if error < min(errors.values()) + 1e-12]
    asked = unit_vectors(4, vectors.shape[1], seed)
    scores = LeastSquares(vectors, labels, count=count).scores(asked)

    assert scores.shape == (4, count)
    assert any(
        np.allclose(scores, refitted(exact, truth, asked, penalty=penalty), atol=1e-8)
        for penalty in best
    )


@pytest.mark.parametrize(("each", "width"), [(10, 200), (60, 20)])
def test_labels_that_lie_apart_are_told_apart(each, width):
    rng = np.random.default_rng(1)
    middles = np.linalg.qr(rng.normal(size=(width, 3)))[0].T
    near = np.repeat(middles, each, axis=0) + rng.normal(0, 0.3 / np.sqrt(width), (3 * each, width))
    vectors = (near / np.linalg.norm(near, axis=1, keepdims=True)).astype(np.float32)
    truth = np.repeat(np.arange(3), each)
    found = LeastSquares(vectors, [(label,) for label in truth], count=3)
    new = (middles / np.linalg.norm(middles, axis=1, keepdims=True)).astype(np.float32)

    assert (found.left_out.argmax(axis=1) == truth).all()
    assert (found.scores(new).argmax(axis=1) == np.arange(3)).all()


def test_a_row_of_several_labels_scores_high_for_each_of_them():
    labels = [(0,), (1,), (0, 1), (2,)] * 10
    base = np.eye(3, dtype=np.float32)
    vectors = np.array([base[list(own)].sum(axis=0) for own in labels], dtype=np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    both = LeastSquares(vectors, labels, count=3).left_out[2]

    assert min(both[0], both[1]) > 0.7
    assert both[2] < 0.2


def test_a_label_that_no_example_bears_scores_nothing():
    vectors = unit_vectors(6, 4, 3)
    found = LeastSquares(vectors, [(0,), (2,)] * 3, count=4)

    assert found.left_out.shape == (6, 4)
    assert found.left_out[:, [1, 3]] == pytest.approx(np.zeros((6, 2)), abs=1e-12)


@pytest.mark.parametrize(
    "vectors",
    [np.ones((8, 5)) / np.sqrt(5), np.zeros((8, 5)), np.eye(8)],
    ids=["identical", "zero", "nothing in common"],
)
def test_rows_that_say_nothing_of_each_other_get_about_the_share_of_each_label(vectors):
    found = LeastSquares(vectors.astype(np.float32), [(0,), (1,)] * 4, count=2)

    assert np.isfinite(found.left_out).all()
    assert np.isfinite(found.scores(vectors.astype(np.float32))).all()
    assert np.abs(found.left_out - 0.5).max() < 0.25


@pytest.mark.parametrize("rows", [1, 2])
def test_the_fewest_rows_give_finite_scores(rows):
    vectors = unit_vectors(rows, 3, 0)
    found = LeastSquares(vectors, [(0,), (1,)][:rows], count=2)

    assert np.isfinite(found.left_out).all()
    assert np.isfinite(found.scores(vectors)).all()


@given(rows=st.integers(1, 40), labels=st.integers(2, 30), seed=st.integers(0, 2**16))
def test_a_row_has_the_same_scores_to_the_last_bit_whatever_rows_it_comes_with(rows, labels, seed):
    vectors = unit_vectors(max(rows, labels), 96, seed)
    fitted = LeastSquares(vectors, [(n % labels,) for n in range(len(vectors))], count=labels)
    together = fitted.scores(vectors)
    for row in range(len(vectors)):
        assert (fitted.scores(vectors[row:])[0] == together[row]).all()


def test_two_that_are_averaged_score_as_the_mean_of_both_does():
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(60, 8)).astype(np.float32)
    labels = [(int(one),) for one in rng.integers(0, 3, 60)]
    seeds = LeastSquares(vectors[:20] + 1, labels[:20], count=3)
    both = LeastSquares(np.concatenate([vectors[:20] + 1, vectors[20:]]), labels, count=3)
    made = seeds.averaged(both)
    rows = rng.normal(size=(11, 8)).astype(np.float32)

    assert made.scores(rows) == pytest.approx((seeds.scores(rows) + both.scores(rows)) / 2)
    assert made.left_out == pytest.approx((seeds.left_out + both.left_out[:20]) / 2)
