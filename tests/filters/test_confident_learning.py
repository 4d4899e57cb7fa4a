"""Confident learning: the joint of given and true labels, and the rows off its diagonal."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from augment.filters.confident_learning import confident_joint, out_of_sample


def test_the_joint_counts_rows_above_the_thresholds_of_the_labels() -> None:
    probabilities = np.array(
        [[0.9, 0.1], [0.7, 0.3], [0.2, 0.8], [0.1, 0.9], [0.3, 0.7], [0.45, 0.55]]
    )
    joint = confident_joint(probabilities, [0, 0, 0, 1, 1, 1])
    # Thresholds: the means 0.6 of label 0 and 0.717 of label 1. Rows 4 and 5 reach neither.
    assert joint.counts.tolist() == [[2, 1], [0, 3]]
    (suspect,) = joint.suspects
    assert (suspect.row, suspect.label) == (2, 1)
    assert suspect.margin == pytest.approx(0.6)
    assert joint.wrong == pytest.approx(1 / 6)


def test_planted_wrong_labels_are_found_out_of_sample_and_right_ones_are_left() -> None:
    rng = np.random.default_rng(0)
    truth = np.repeat(np.arange(4), 40)
    vectors = rng.normal(size=(4, 16))[truth] * 2 + rng.normal(size=(160, 16))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    given_labels = truth.copy()
    wrong = rng.choice(160, 16, replace=False)
    given_labels[wrong] = (truth[wrong] + 1) % 4
    probabilities = out_of_sample(vectors.astype(np.float32), given_labels.tolist(), count=4)
    joint = confident_joint(probabilities, given_labels.tolist())
    found = {each.row for each in joint.suspects}
    assert len(found & set(wrong)) >= 13
    assert len(found - set(wrong)) <= 3
    assert joint.wrong == pytest.approx(0.1, abs=0.04)
    assert all(each.label == truth[each.row] for each in joint.suspects if each.row in wrong)


@given(st.integers(2, 4), st.integers(1, 20), st.integers(0, 2**32 - 1))
def test_the_joint_has_as_many_rows_of_each_label_as_were_given(count, rows, seed) -> None:
    rng = np.random.default_rng(seed)
    probabilities = rng.dirichlet(np.ones(count), size=rows)
    labels = rng.integers(0, count, rows).tolist()
    joint = confident_joint(probabilities, labels)
    assert joint.counts.sum(axis=1) == pytest.approx(np.bincount(labels, minlength=count))
    assert 0 <= joint.wrong <= 1
    margins = [each.margin for each in joint.suspects]
    assert margins == sorted(margins, reverse=True)
