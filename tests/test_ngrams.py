"""Texts as vectors of n-grams: any text at all, in any script, the same in every process."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from augment.ngrams import DIMENSIONS, ngram_vectors
from augment.tokens import words

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=60)
SAMPLE = ["Where is my parcel?", "我的包裹在哪里?", "Où est mon colis", "\ud800 lone", ""]
DIGEST = f"""
import hashlib
from augment.ngrams import ngram_vectors
print(hashlib.sha256(ngram_vectors({SAMPLE!a}).tobytes()).hexdigest())
"""


def likeness(one: str, other: str) -> float:
    first, second = ngram_vectors([one, other])
    return float(first @ second)


@given(st.lists(ANY_TEXT, max_size=5))
def test_a_vector_is_of_unit_length_or_zero_where_there_is_no_word(texts: list[str]) -> None:
    vectors = ngram_vectors(texts)

    assert (vectors.shape, vectors.dtype) == ((len(texts), DIMENSIONS), np.float32)
    for text, length in zip(texts, np.linalg.norm(vectors, axis=1), strict=True):
        assert length == pytest.approx(1.0 if words(text) else 0.0, abs=1e-5), f"{text!a}"


@given(ANY_TEXT, st.lists(ANY_TEXT, max_size=3))
def test_a_vector_does_not_depend_on_the_texts_beside_it(text: str, others: list[str]) -> None:
    assert np.array_equal(ngram_vectors([*others, text])[-1], ngram_vectors([text])[0])


@pytest.mark.parametrize("hash_seed", ["0", "12345"])
def test_the_vectors_are_the_same_in_another_process(hash_seed: str) -> None:
    said = subprocess.run(
        [sys.executable, "-c", DIGEST],
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.strip() == hashlib.sha256(ngram_vectors(SAMPLE).tobytes()).hexdigest()


@pytest.mark.parametrize(
    ("text", "alike", "other"),
    [
        ("where is my parcel", "where are my parcels", "play some quiet music"),
        ("我的包裹在哪里", "我的包裹什么时候到", "请播放一首安静的歌"),
        ("Wo bleibt meine Bestellung", "Wo bleibt die Bestellung?", "Spiel etwas Musik"),
        ("พัสดุของฉันอยู่ที่ไหน", "พัสดุของฉันยังไม่ถึง", "เปิดเพลงเบาๆ ให้หน่อย"),
    ],
)
def test_alike_texts_are_more_alike_in_any_script(text: str, alike: str, other: str) -> None:
    assert likeness(text, alike) > likeness(text, other) + 0.2
    assert likeness(text, text) == pytest.approx(1.0, abs=1e-5)


def test_case_and_punctuation_do_not_matter_and_the_edges_of_words_do() -> None:
    assert np.array_equal(*ngram_vectors(["Where is it?", "WHERE -- is it!"]))
    assert likeness("cat", "concatenate") < likeness("cat", "cats")


def test_a_text_without_end_is_read_in_part_and_in_no_time() -> None:
    endless = "x" * 1_000_000
    vectors = ngram_vectors([endless, "x" * 100, "word " * 200_000, "word"])

    assert np.array_equal(vectors[0], vectors[1])
    assert vectors[2] @ vectors[3] > 0.9
