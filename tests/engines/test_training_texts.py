"""What is kept of training texts: enough to know an echo by, and nothing that could be read."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from augment.engines.embedded import WEIGHTS
from augment.engines.training_texts import RUN, RUNS, TrainingTexts

WORD = st.sampled_from([f"w{n}" for n in range(40)])
TEXT = st.lists(WORD, max_size=20)


@given(st.lists(TEXT, max_size=6), TEXT)
def test_an_echo_is_a_run_of_eight_words_of_some_text(texts, text):
    def runs(of):
        return {tuple(of[at : at + RUN]) for at in range(len(of) - RUN + 1)}

    known = TrainingTexts.of(map(" ".join, texts))
    every = set[tuple[str, ...]]().union(*map(runs, texts))

    assert len(known.recited(text)) == len(runs(text) & every)


def test_a_word_that_often_stands_in_texts_and_hardly_ever_at_an_end_is_never_last():
    texts = ["where is the card"] * 99 + ["the car is the car"] * 200 + ["card of"]
    known = TrainingTexts.of(texts)

    assert known.never_last == {"the", "is"}
    assert known.known == {"where", "is", "the", "card", "car"}


def test_what_is_written_is_read(tmp_path):
    known = TrainingTexts.of(["a b c d e f g h i", "a b", "Ünïcode a"])
    known.write(tmp_path)
    read = TrainingTexts.read(tmp_path)

    assert (read.known, read.never_last) == (known.known, known.never_last)
    assert np.array_equal(read.runs, known.runs)
    assert len(known.runs) == 2


@pytest.mark.parametrize("content", [b"", b"\x93NUMPY", b"version https://git-lfs"])
def test_damaged_runs_are_an_error(content, tmp_path):
    TrainingTexts.of([]).write(tmp_path)
    (tmp_path / RUNS).write_bytes(content)

    with pytest.raises(ValueError, match=RUNS.replace(".", "[.]")):
        TrainingTexts.read(tmp_path)


def test_the_bundled_model_s_texts_break_off_where_a_reader_would_say_so():
    known = TrainingTexts.read(WEIGHTS)

    assert {"the", "of", "my", "would"} <= known.never_last <= known.known
    assert not {"card", "please", "it", "not", "me"} & known.never_last
    assert len(known.runs) > 1_000_000
    assert np.all(known.runs[1:] > known.runs[:-1])
