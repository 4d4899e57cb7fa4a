"""Vectors drawn on a plane, so that what is alike lies together: the same plane each time.

t-SNE (van der Maaten and Hinton, Journal of Machine Learning Research 9, 2008) keeps neighbours
together and says nothing more: how far groups lie apart, how large they are and which way is up
mean nothing. Where few vectors differ, they are drawn by their principal components instead.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits  # pyright: ignore[reportMissingTypeStubs]

from augment.protocols import Vectors

Places: TypeAlias = npt.NDArray[np.float64]

_FEWEST = 10
"""With fewer different vectors there are no neighbourhoods to keep."""
_PERPLEXITY = 30.0
_ITERATIONS = 500
_ANGLE = 0.8
"""How coarsely far points are summed: a third faster than 0.5, and no neighbours are lost."""
_SEEDS = 2**32


def project(vectors: Vectors, *, random_seed: int, linear: bool = False) -> tuple[str, Places]:
    """Return the method's name and a place between 0 and 100 for each vector: shape (n, 2).

    The same vectors have the same places, to the last bit: one thread does all sums, since several
    add up in an order of their own. Both directions have one scale; places have two decimals.

    Args:
        vectors: one row each, finite; unit-length or all zeros.
        random_seed: of what t-SNE draws.
        linear: whether they are drawn by their principal components, however many differ.
    """
    linear = linear or vectors.shape[1] < 2 or len(np.unique(vectors, axis=0)) < _FEWEST
    lay_out = _principal if linear else _neighbours(len(vectors), random_seed=random_seed)
    with threadpool_limits(limits=1):
        return "PCA" if linear else "t-SNE", _in_the_square(lay_out(vectors))


def _neighbours(rows: int, *, random_seed: int) -> Callable[[Vectors], Places]:
    """Return what lays out so many vectors.

    scikit-learn is imported here, since it is heavy, and before threads are limited: the limit
    holds for libraries that are there already.
    """
    from sklearn.manifold import TSNE  # pyright: ignore[reportMissingTypeStubs]

    drawn: Any = TSNE(
        init="pca",
        perplexity=min(_PERPLEXITY, (rows - 1) / 3),
        max_iter=_ITERATIONS,
        angle=_ANGLE,
        random_state=random_seed % _SEEDS,
    )
    return lambda vectors: np.asarray(drawn.fit_transform(vectors), dtype=np.float64)


def _principal(vectors: Vectors) -> Places:
    """Return the two directions in which the vectors differ most; zeros where they do not."""
    places = np.zeros((len(vectors), 2))
    if len(vectors) > 1:
        exact: Places = vectors.astype(np.float64)
        exact -= exact.mean(axis=0)
        left, lengths, _ = np.linalg.svd(exact, full_matrices=False)
        for axis, length in enumerate(lengths[:2]):
            column = left[:, axis] * length
            furthest = column[np.abs(column).argmax()]  # settles which way is up
            places[:, axis] = column if furthest >= 0 else -column
    return places


def _in_the_square(places: Places) -> Places:
    """Lay the places in the middle of a square of side 100, as large as they fit."""
    if not len(places):
        return places
    least, most = places.min(axis=0), places.max(axis=0)
    span = float((most - least).max())
    if span < 1e-6:  # rounding: nothing differs
        return np.full_like(places, 50.0)
    laid: Places = 50 + 100 * (places - (least + most) / 2) / span
    return laid.round(2)
