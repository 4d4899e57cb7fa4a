"""What the seeds say next: as probabilities, and less and less where one seed is being repeated."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from augment.engines.kneser_ney import MARKS, KneserNey
from augment.engines.memory import SeedMemory, Taste

SIZE = 12
TEXTS = st.lists(
    st.lists(st.integers(MARKS, SIZE - 1), min_size=1, max_size=8), min_size=1, max_size=5
)


@given(own=TEXTS, others=TEXTS, answer=st.lists(st.integers(MARKS, SIZE - 1), max_size=20))
def test_what_may_follow_and_what_is_left_to_the_model_add_up(own, others, answer):
    memory = SeedMemory(own, KneserNey(own + others, size=SIZE), taste=Taste())
    tokens, chances, left = memory.after(answer)

    assert sum(chances) + left == pytest.approx(1)
    assert min([left, *chances]) >= 0
    assert len(set(tokens)) == len(tokens) == len(chances)
    assert left >= 1 - Taste().own - Taste().others - 1e-9


@given(texts=TEXTS, context=st.lists(st.integers(MARKS, SIZE - 1), min_size=1, max_size=3))
def test_the_followers_with_what_is_left_are_a_distribution(texts, context):
    tokens, chances, left = KneserNey(texts, size=SIZE).after(tuple(context))

    assert float(chances.sum()) + left == pytest.approx(1)
    seen = {(a, b) for text in texts for a, b in itertools.pairwise(text)}
    assert {token for token in tokens.tolist() if token >= MARKS} == {
        b for a, b in seen if a == context[-1]
    }


def test_what_the_label_says_weighs_more_than_what_others_say():
    own, others = [[3, 4, 5, 6]], [[3, 4, 7, 8]]
    memory = SeedMemory(own, KneserNey(own + others, size=SIZE), taste=Taste())
    tokens, chances, _ = memory.after([3, 4])
    chance = dict(zip(tokens, chances, strict=True))

    assert chance[5] > 5 * chance[7] > 0


def test_the_longer_one_seed_is_repeated_the_less_it_is_heard():
    text = [3, 4, 5, 6, 7, 8, 9, 10, 11, 3, 4]
    memory = SeedMemory([text], KneserNey([text], size=SIZE), taste=Taste(patience=1, tiring=0.5))
    left = [memory.after(text[:end])[2] for end in range(4, 10)]

    assert all(a < b for a, b in itertools.pairwise(left[1:]))
