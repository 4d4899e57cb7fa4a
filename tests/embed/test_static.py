"""The fast encoder: distilled as said, kept in the cache, and never a part of a file taken up."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_encoder import WORDS

from augment.embed.model import SHA256, bundled_folder
from augment.embed.static import kept, place_of
from augment.embed.worker import Worker
from augment.errors import InputError

PIECES = np.arange(24, dtype=np.float32).reshape(6, 4)


def unneeded() -> np.ndarray:
    raise AssertionError("it was made although it was kept")


def loaded(encoder: str = "fast") -> Worker:
    worker = Worker(encoder)
    worker.start(dtype=None)
    return worker


def test_a_piece_is_what_the_transformer_makes_of_it_alone_weighted_by_how_rare_it_is(reference):
    distilled, alone = np.array(reference["distilled"]), np.array(reference["alone"])
    text = [place for place, word in enumerate(WORDS) if not word.startswith("[")]
    centred = alone[text] - alone[text].mean(axis=0)
    often = 1 / np.arange(2, 2 + len(text))
    weights = 1e-4 / (1e-4 + often / often.sum())
    expected = centred * weights[:, None]

    assert distilled[text] @ distilled[text].T == pytest.approx(expected @ expected.T, rel=1e-4)
    assert not distilled[[place for place in range(len(WORDS)) if place not in text]].any()


def test_what_is_kept_is_not_made_again(tmp_path):
    path = tmp_path / "new" / "pieces.safetensors"

    assert (kept(path, lambda: PIECES) == PIECES).all()
    assert (kept(path, unneeded) == PIECES).all()
    assert [each.name for each in path.parent.iterdir()] == [path.name]


@given(st.data())
def test_a_damaged_cache_is_made_anew(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("cache") / "pieces.safetensors"
    kept(path, lambda: PIECES)
    sound = path.read_bytes()
    place = data.draw(st.integers(0, len(sound) - 1))
    cut = data.draw(st.booleans())
    other = bytes([sound[place] ^ data.draw(st.integers(1, 255))])
    path.write_bytes(sound[:place] + (b"" if cut else other + sound[place + 1 :]))

    assert (kept(path, lambda: PIECES) == PIECES).all()
    assert (kept(path, unneeded) == PIECES).all()


def test_what_cannot_be_kept_is_told_before_it_is_made(tmp_path):
    (tmp_path / "file").touch()

    with pytest.raises(OSError, match="file"):
        kept(tmp_path / "file" / "pieces.safetensors", unneeded)


def test_what_fails_while_it_is_made_leaves_nothing_behind(tmp_path):
    with pytest.raises(AssertionError):
        kept(tmp_path / "pieces.safetensors", unneeded)

    assert not list(tmp_path.iterdir())


def test_a_text_is_the_mean_of_its_pieces(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    words = (bundled_folder() / "vocab.txt").read_text("utf-8").split("\n")
    pieces = np.random.default_rng(0).normal(size=(len(words) - (not words[-1]), 8))
    pieces[words.index("[UNK]")] = 0
    kept(place_of(SHA256), lambda: pieces.astype(np.float32))
    worker = loaded()
    try:
        about = worker.ready()
        vectors = worker.encode(["my card", "card MY", "card " * 900, "", "🦉", "card"])
    finally:
        worker.close()
    mean = pieces[words.index("my")] + pieces[words.index("card")]

    assert about == {"name": "all-MiniLM-L6-v2-static", "dtype": "float32", "device": "cpu"}
    assert vectors[0] == pytest.approx(mean / np.linalg.norm(mean), abs=2e-3)
    assert vectors[1] == pytest.approx(vectors[0], abs=1e-3)
    assert vectors[2] == pytest.approx(vectors[5], abs=1e-3)
    assert not vectors[3:5].any()


def test_a_cache_that_cannot_be_written_is_said_with_what_to_do(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    worker = loaded()
    try:
        with pytest.raises(InputError) as caught:
            worker.ready()
    finally:
        worker.close()
    (fault,) = caught.value.faults

    assert fault.where == "--encoder fast"
    assert fault.what.startswith(f"what it is made of cannot be kept in {tmp_path}/file/augment: ")
    assert fault.what.endswith("; set XDG_CACHE_HOME to a folder that can be written")


def test_a_cache_that_is_no_whole_path_is_not_heeded(monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", "somewhere")

    assert place_of(SHA256).parent == Path.home() / ".cache" / "augment"


@pytest.mark.slow
def test_it_is_made_at_its_first_use_and_agrees_with_the_one_it_is_made_of(
    minilm, tmp_path, monkeypatch
):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    texts = [
        "Where is my parcel?", "Has my package been sent?", "I lost my card",
        "My card was stolen", "Play some jazz", "Put on a saxophone record",
    ]  # fmt: skip
    worker = loaded()
    try:
        assert worker.ready()["name"] == "all-MiniLM-L6-v2-static"
        found = worker.encode(texts).astype(np.float32)
    finally:
        worker.close()
    expected = minilm.encode(texts).astype(np.float32)
    pairs = np.triu_indices(len(texts), 1)
    both = np.corrcoef((found @ found.T)[pairs], (expected @ expected.T)[pairs])

    assert list((tmp_path / "augment").iterdir()) == [place_of(SHA256)]
    assert both[0, 1] > 0.6
