"""What an encoder knows of the seeds, and the floors below which it does not serve."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sphere import Sphere, unit

from augment.embed.knowledge import Knowledge, knowledge

KNOWN = {"pieces": 12, "unknown": 0}


def known(**changes):
    values = {"unknown": 0.0, "pieces": 1.2, "accuracy": 0.9, "guess": 0.5}
    return Knowledge(**{**values, **changes})


def measured(labels, vectors, *, texts=None, counts=KNOWN):
    return knowledge(texts or ["a word"] * len(labels), labels, vectors, counts=counts)


def test_an_encoder_above_every_floor_lacks_nothing():
    assert known().lacks is None


@pytest.mark.parametrize(
    ("changes", "lacks"),
    [
        ({"unknown": 0.05}, None),
        ({"unknown": 0.77}, "77% of the tokens are unknown to it (at most 5%)"),
        ({"pieces": 2.0}, None),
        ({"pieces": 4.1}, "it cuts a word into 4.1 pieces (at most 2)"),
        ({"accuracy": 0.51}, None),
        (
            {"accuracy": 0.5},
            "the nearest other seed shares the label of 50% of the seeds, "
            "no more than always guessing the commonest (50%)",
        ),
        ({"accuracy": None, "guess": None}, None),
    ],
)
def test_each_floor_is_named_with_what_was_found_and_what_is_allowed(changes, lacks):
    assert known(**changes).lacks == lacks


def test_the_shares_of_tokens_are_of_what_the_encoder_counted():
    found = measured(
        [("a",)] * 2,
        np.eye(2, dtype=np.float32),
        texts=["three short words", "and two"],
        counts={"pieces": 10, "unknown": 4},
    )

    assert (found.unknown, found.pieces) == (0.4, 2.0)


def test_texts_without_a_word_or_a_token_are_no_division_by_zero():
    found = measured(
        [("a",)], np.ones((1, 1), np.float32), texts=["..."], counts={"pieces": 0, "unknown": 0}
    )

    assert (found.unknown, found.pieces, found.lacks) == (0.0, 0.0, None)


def test_labels_that_lie_apart_are_told_by_the_nearest_other_seed():
    labels = ["a", "b", "c"]
    sphere = Sphere(labels, spread=0.5, seed=0)
    found = measured([(label,) for label in labels * 10], sphere.points(labels * 10))

    assert (found.accuracy, found.guess) == (1.0, pytest.approx(1 / 3))


def test_where_the_vectors_say_nothing_a_guess_is_as_good():
    vectors = Sphere(["same"], seed=0).points(["same"] * 60)
    found = measured([("a",) if n % 3 else ("b",) for n in range(60)], vectors)

    assert found.guess == pytest.approx(2 / 3)
    assert found.accuracy is not None
    assert found.accuracy < 0.7


@given(
    labels=st.lists(
        st.lists(st.sampled_from("abc"), max_size=2, unique=True).map(tuple),
        min_size=1,
        max_size=20,
    ),
    seed=st.integers(0, 99),
)
def test_accuracy_and_guess_are_of_the_seeds_whose_label_has_another(labels, seed):
    vectors = unit(np.random.default_rng(seed).normal(size=(len(labels), 3)))
    found = measured(labels, vectors)
    others = [labels[:row] + labels[row + 1 :] for row in range(len(labels))]
    scored = [
        row for row, own in enumerate(labels) if any(set(own) & set(other) for other in others[row])
    ]
    if not scored or len({label for own in labels for label in own}) < 2:
        assert (found.accuracy, found.guess) == (None, None)
        return
    right = 0
    for row in scored:
        nearest = max(set(range(len(labels))) - {row}, key=lambda at: vectors[row] @ vectors[at])
        right += bool(set(labels[row]) & set(labels[nearest]))
    commonest = max(sum(label in labels[row] for row in scored) for label in "abc")

    assert found.accuracy == right / len(scored)
    assert found.guess == commonest / len(scored)


@pytest.mark.parametrize("labels", [[], [()] * 5, [("a",)] * 5, [("a",), ("b",), ("c",)]])
def test_where_nothing_can_be_measured_there_is_no_accuracy(labels):
    found = measured(labels, np.eye(5, dtype=np.float32)[: len(labels)])

    assert (found.accuracy, found.guess) == (None, None)


@pytest.mark.parametrize("seeds", [2000, 2001, 4000, 9001])
@pytest.mark.parametrize("order", ["by label", "by turns"])
def test_a_long_file_is_measured_on_all_its_labels_whatever_its_order(seeds, order):
    labels = [("a",) if row % 2 else ("b",) for row in range(seeds)]
    if order == "by label":
        labels.sort()
    vectors = np.array([[1, 0] if own == ("a",) else [0, 1] for own in labels], dtype=np.float32)
    found = measured(labels, vectors)

    assert found.accuracy == 1.0
    assert found.guess == pytest.approx(0.5, abs=0.03)
    assert measured(labels, vectors) == found
