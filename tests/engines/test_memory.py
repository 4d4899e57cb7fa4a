"""What the seeds say next: as probabilities, and less and less where one seed is being repeated."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from augment.engines.kneser_ney import BEGIN, MARKS, KneserNey
from augment.engines.memory import SeedMemory, Taste

SIZE = 12
TEXTS = st.lists(
    st.lists(st.integers(MARKS, SIZE - 1), min_size=1, max_size=8), min_size=1, max_size=5
)


@given(own=TEXTS, others=TEXTS, answer=st.lists(st.integers(MARKS, SIZE - 1), max_size=20))
def test_what_may_follow_and_what_is_left_to_the_model_add_up(own, others, answer):
    memory = SeedMemory(own, KneserNey(own + others, size=SIZE), taste=Taste())
    tokens, chances, left = memory.after(answer)

    assert chances.sum() + left == pytest.approx(1)
    assert min([left, *chances.tolist()]) >= 0
    assert len(tokens) == len(chances)
    assert left >= 1 - Taste().own - Taste().others - 1e-6


@given(texts=TEXTS, context=st.lists(st.integers(MARKS, SIZE - 1), min_size=1, max_size=3))
def test_what_follows_is_what_followed_and_the_longest_known_context_is_told(texts, context):
    tokens, chances, length = KneserNey(texts, size=SIZE).after(tuple(context))

    seen = {(a, b) for text in texts for a, b in itertools.pairwise(text)}
    assert {token for token in tokens.tolist() if token >= MARKS} == {
        b for a, b in seen if a == context[-1]
    }
    assert bool(length) == bool(len(tokens))
    assert 0 <= chances.sum() <= 1 + 1e-9
    padded = [[BEGIN] * 3 + text for text in texts]
    known = [
        n for n in range(1, len(context) + 1)
        if any(text[at : at + n] == context[-n:] for text in padded for at in range(len(text)))
    ]  # fmt: skip
    assert length == max(known, default=0)


def test_what_the_label_says_weighs_more_than_what_others_say():
    own, others = [[3, 4, 5, 6]], [[3, 4, 7, 8]]
    memory = SeedMemory(own, KneserNey(own + others, size=SIZE), taste=Taste())
    tokens, chances, _ = memory.after([3, 4])
    chance = {token: chances[tokens == token].sum() for token in (5, 7)}

    assert chance[5] > 5 * chance[7] > 0


def test_the_longer_the_known_context_the_more_weight_the_seeds_have():
    text = [3, 4, 5, 6, 7]
    memory = SeedMemory([text], KneserNey([text], size=SIZE), taste=Taste(own=0.6, others=0.0))

    left = [memory.after(answer)[2] for answer in ([8, 8, 5], [8, 4, 5], [3, 4, 5])]
    assert left == pytest.approx([0.8, 0.6, 0.4])
    assert memory.after([3, 4, 8])[2] == memory.after([])[2] == 1


def test_the_longer_one_seed_is_repeated_the_less_it_is_heard():
    text = [3, 4, 5, 6, 7, 8, 9, 10, 11, 3, 4]
    other = [11, 3, 4, 5, 6, 7, 8, 9]
    taste = Taste(patience=1, tiring=0.5)
    alone = SeedMemory([text], KneserNey([text], size=SIZE), taste=taste)
    left = [alone.after(text[:end])[2] for end in range(4, 10)]
    assert all(a < b for a, b in itertools.pairwise(left))

    shared = SeedMemory([text, other], KneserNey([text, other], size=SIZE), taste=taste)
    assert shared.after(text[:7])[2] < alone.after(text[:7])[2], "what two seeds say tires nobody"
