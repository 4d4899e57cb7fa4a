import os
import subprocess
import sys
import warnings

import numpy as np
import pytest

from evals.projection import project

DIGEST = """
import hashlib, sys
import numpy as np
from evals.projection import project
vectors = np.random.default_rng(1).normal(size=(300, 384)).astype(np.float32)
vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
print([hashlib.sha256(project(vectors, random_seed=0)[1].tobytes()).hexdigest() for _ in range(2)])
"""


def sphere(rows, dimensions=24, *, random_seed=0):
    vectors = np.random.default_rng(random_seed).normal(size=(rows, dimensions))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def test_the_same_vectors_have_the_same_places_however_many_threads_there_are():
    found = {
        subprocess.run(
            [sys.executable, "-c", DIGEST],
            env={**os.environ, "OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for threads in ("1", "3")
    }
    assert len(found) == 1
    assert len(set(found.pop().strip("[]\n").split(", "))) == 1


def test_a_random_seed_of_any_size_will_do():
    assert project(sphere(50), random_seed=2**70)[1].shape == (50, 2)


def test_what_is_alike_lies_together():
    groups = np.repeat(np.arange(6), 20)
    vectors = sphere(6)[groups] + 0.3 * sphere(120, random_seed=1)
    method, places = project(vectors.astype(np.float32), random_seed=0)
    away = np.linalg.norm(places[:, None] - places[None], axis=2)
    np.fill_diagonal(away, np.inf)
    nearest = away.argsort(axis=1)[:, :5]
    assert method == "t-SNE"
    assert (groups[nearest] == groups[:, None]).mean() > 0.99


def test_places_fill_a_square_with_one_scale_both_ways():
    flat = np.array([[0, 0], [3, 0], [6, 0.6], [3, -0.6]], dtype=np.float32)
    _, places = project(flat, random_seed=0)
    assert places[:, 0].max() - places[:, 0].min() == 100
    assert 12 < places[:, 1].max() - places[:, 1].min() < 25
    _, places = project(sphere(60), random_seed=0)
    assert places.min() >= 0
    assert places.max() <= 100
    assert np.array_equal(places, places.round(2))


@pytest.mark.parametrize("rows", [0, 1, 2, 3, 9, 10, 11])
def test_any_number_of_vectors_has_places(rows):
    method, places = project(sphere(rows), random_seed=0)
    assert places.shape == (rows, 2)
    assert method == ("PCA" if rows < 10 else "t-SNE")
    assert np.isfinite(places).all()
    assert len(np.unique(places, axis=0)) == rows


@pytest.mark.parametrize(
    "vectors",
    [
        np.zeros((40, 24), dtype=np.float32),
        np.repeat(sphere(1), 40, axis=0),
        np.repeat(sphere(2), 40, axis=0),
        np.concatenate([np.zeros((60, 24), dtype=np.float32), sphere(12)]),
        sphere(30, 2),
        sphere(30, 1),
        np.repeat(sphere(12), 100, axis=0),
    ],
    ids=["zeros", "one", "two", "mostly zeros", "a circle", "a line", "repeated"],
)
def test_vectors_that_differ_little_have_places_without_complaint(vectors):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        _, places = project(vectors, random_seed=0)
    assert np.isfinite(places).all()
    assert places.min() >= 0
    assert places.max() <= 100


def test_a_linear_map_is_drawn_by_principal_components_however_many_rows_there_are():
    method, places = project(sphere(60), random_seed=0, linear=True)

    assert method == "PCA"
    assert len(np.unique(places, axis=0)) == 60
