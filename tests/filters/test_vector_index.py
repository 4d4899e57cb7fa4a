"""What is near enough is always found, whatever the shortcuts; and it is the nearest."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sphere import unit

from augment.filters.vector_index import VectorIndex, main_directions


def clustered(count: int, *, width: int, seed: int) -> np.ndarray:
    """Draw unit vectors many of which are near to another."""
    rng = np.random.default_rng(seed)
    middles = rng.normal(size=(5, width)) * np.linspace(2, 0.1, width)
    return unit(middles[rng.integers(0, 5, count)] + rng.normal(0, 0.2, (count, width)))


def ids(count: int) -> list[str]:
    return [f"v{number}" for number in range(count)]


@given(
    seed=st.integers(0, 10_000),
    count=st.integers(1, 400),
    width=st.integers(2, 70),
    least=st.floats(0.3, 0.999),
)
def test_the_nearest_that_is_near_enough_is_found(seed, count, width, least):
    vectors = clustered(count + 5, width=width, seed=seed)
    like, kept, asked = vectors[:50], vectors[:count], vectors[count:]
    index = VectorIndex(least=least, directions=main_directions(like))
    index.add(ids(count), kept)
    for vector in asked:
        cosines = kept.astype(np.float16).astype(np.float32) @ vector
        near = index.nearest(vector)
        if cosines.max() >= least + 1e-5:
            assert near is not None
            assert near.cosine == pytest.approx(min(float(cosines.max()), 1), abs=1e-5)
        if near is not None:
            assert near.cosine >= least
            assert near.cosine == pytest.approx(min(float(cosines[int(near.id[1:])]), 1), abs=1e-5)


@given(seed=st.integers(0, 1000), parts=st.lists(st.integers(0, 300), max_size=4))
def test_it_is_the_same_in_how_many_parts_vectors_are_added(seed, parts):
    vectors = clustered(sum(parts) + 1, width=16, seed=seed)
    whole, parted = (VectorIndex(least=0.8, directions=main_directions(vectors)) for _ in range(2))
    whole.add(ids(sum(parts)), vectors[:-1])
    start = 0
    for part in parts:
        parted.add(ids(sum(parts))[start : start + part], vectors[start : start + part])
        start += part

    assert len(parted) == len(whole) == sum(parts)
    assert parted.nearest(vectors[-1]) == whole.nearest(vectors[-1])


def test_the_first_of_equals_wins_and_the_one_excepted_is_passed_over():
    vector = unit([[1.0, 2.0, 3.0]])
    index = VectorIndex(least=0.9, directions=main_directions(vector))
    index.add(["a", "b"], np.repeat(vector, 2, axis=0))
    found = [index.nearest(vector[0], but=but) for but in (None, "a", "c")]

    assert [each.id for each in found] == ["a", "b", "a"]
    assert all(each.cosine <= 1 for each in found)


def test_an_empty_index_finds_nothing():
    vector = unit([[1.0, 2.0, 3.0]])

    assert VectorIndex(least=0.0, directions=main_directions(vector)).nearest(vector[0]) is None
