from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from augment.toxicity.model import Toxicity, Weights, bundled, hate_scores, load
from augment.toxicity.words import PLACES, places, words

RNG = np.random.default_rng(0)
WEIGHTS = Weights(
    centres=RNG.normal(size=(5, 8)).astype(np.float16).astype(np.float32),
    hate=RNG.normal(size=14).astype(np.float32),
    abuse=RNG.normal(size=PLACES + 1).astype(np.float16).astype(np.float32),
    steepness=2.5,
    caution=2.0,
)
TEXT = st.text(st.characters(exclude_categories=()))


def unit(count: int) -> np.ndarray:
    vectors = np.random.default_rng(1).normal(size=(count, 8)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@given(st.lists(TEXT, max_size=4))
def test_any_text_has_a_probability_and_the_same_one_in_any_company(texts: list[str]) -> None:
    vectors = unit(len(texts))
    together = Toxicity(WEIGHTS).probabilities(texts, vectors)
    assert together.shape == (len(texts),)
    assert ((together >= 0) & (together <= 1)).all()
    model = Toxicity(WEIGHTS)
    for text, vector, probability in zip(texts, vectors, together, strict=True):
        (alone,) = model.probabilities([text], vector[None])
        assert alone == pytest.approx(probability, rel=1e-4, abs=1e-6)


def test_what_was_written_is_read_again(tmp_path: Path) -> None:
    WEIGHTS.save(tmp_path / "weights.npz")
    again = load(tmp_path / "weights.npz")
    assert np.array_equal(again.centres, WEIGHTS.centres)
    assert np.array_equal(again.abuse, WEIGHTS.abuse)
    assert np.allclose(hate_scores(again, unit(3)), hate_scores(WEIGHTS, unit(3)))
    assert (again.steepness, again.caution) == (2.5, 2.0)


def test_objects_are_never_unpickled(tmp_path: Path) -> None:
    np.savez(tmp_path / "weights.npz", scales=np.array([object()], dtype=object))
    with pytest.raises(ValueError, match="pickle"):
        load(tmp_path / "weights.npz")


def test_the_bundled_weights_are_whole_and_small() -> None:
    weights = bundled()
    assert weights.centres.shape[1] == 384
    assert len(weights.hate) == len(weights.centres) + 1 + 384
    assert len(weights.abuse) == PLACES + 1
    assert all(np.isfinite(part).all() for part in (weights.centres, weights.hate, weights.abuse))


def test_names_and_addresses_count_as_such_and_case_not_at_all() -> None:
    assert words("@Lena SHUT up http://a.b/c") == ["@", "shut", "up", "http"]
    assert np.array_equal(places("Idiot".casefold()), places("idiot"))
    assert set(places("idiot")) & set(places("1diot")), "one letter off shares no run"
