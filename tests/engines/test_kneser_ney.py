from __future__ import annotations

import random
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from augment.engines.kneser_ney import (
    BEGIN,
    END,
    MARKS,
    SEPARATOR,
    KneserNey,
    sample,
    tokenize,
    untokenize,
)

SIZE = 9
TOKENS = np.arange(SIZE)
texts = st.lists(
    st.lists(st.integers(MARKS, SIZE - 2), max_size=6), min_size=1, max_size=6
)  # the last token is never seen
contexts = st.lists(st.integers(0, SIZE - 1), max_size=5)


@given(st.text())
def test_the_tokens_of_any_text_make_the_text_again(text: str) -> None:
    assert untokenize(tokenize(text)) == text


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("I can't pay.", (" I", " can't", " pay", ".")),
        ('say "no"', (" say", ' "', "no", '"')),
        ("我的卡", (" ", "我", "的", "卡")),
        ("カード", (" ", "カ", "ー", "ド")),
        ("नमस्ते जी", (" नमस्ते", " जी")),
        ("ok 👍🏽 👩‍💻🇩🇪", (" ok", " 👍🏽", " 👩‍💻", "🇩🇪")),
    ],
)
def test_a_token_is_what_a_reader_takes_for_one(text: str, tokens: tuple[str, ...]) -> None:
    assert tokenize(text) == tokens


def test_a_word_is_the_same_token_at_the_start_of_a_text_as_within_it() -> None:
    assert tokenize("card lost")[0] == tokenize("my card")[1]


def test_no_more_of_a_long_text_is_read_than_its_first_tokens() -> None:
    assert tokenize("word " * 200_000, limit=3) == (" word", " word", " word")
    assert max(map(len, tokenize("x" * 1_000, limit=10))) == 65


@given(texts, contexts, st.integers(2, 5))
def test_the_probabilities_of_all_tokens_add_up_to_one(
    fitted: list[list[int]], context: list[int], order: int
) -> None:
    chances = KneserNey(fitted, size=SIZE, order=order).probabilities(TOKENS, context=context)
    assert chances.sum() == pytest.approx(1)
    assert chances[BEGIN] == 0
    assert (np.delete(chances, BEGIN) > 0).all()


def test_shorter_contexts_count_what_precedes_a_token_not_how_often_it_stands() -> None:
    francisco, glasses = 7, 6
    # One follows a single other token three times, the other follows three different ones.
    fitted = [[3, francisco]] * 3 + [[3, glasses], [4, glasses], [5, glasses]]
    model = KneserNey(fitted, size=SIZE, order=2)
    after_unknown = model.probabilities(np.array([francisco, glasses]), context=[8])
    assert after_unknown[1] > 2 * after_unknown[0]


def test_the_model_agrees_with_the_formula_worked_out_by_hand() -> None:
    model = KneserNey([[3, 4], [3, 5]], size=6, order=2)
    # Pairs: (BEGIN 3) twice, (3 4) (4 END) (3 5) (5 END) once: D = 4 / (4 + 2) = 2/3.
    # Each of 3, 4, 5 follows one token, END follows two: D = 3 / (3 + 2) = 3/5, of 5 pairs.
    unigram = (1 - 3 / 5) / 5 + (4 * 3 / 5) / 5 * (1 / 5)
    expected = (1 - 2 / 3) / 2 + (2 * 2 / 3) / 2 * unigram
    assert model.probabilities(np.array([4]), context=[3])[0] == pytest.approx(expected)


def test_a_text_that_was_fitted_is_likelier_than_its_reverse() -> None:
    model = KneserNey([[3, 4, 5], [3, 4, 6]], size=SIZE)

    def chance(text: list[int]) -> float:
        padded = [BEGIN] * 3 + text + [END]
        return float(
            np.prod(
                [
                    model.probabilities(np.array(padded[at : at + 1]), context=padded[at - 3 : at])[
                        0
                    ]
                    for at in range(3, len(padded))
                ]
            )
        )

    assert chance([3, 4, 5]) > 100 * chance([5, 4, 3])


@given(texts, st.integers(), st.floats(0, 3), st.floats(0.01, 1))
def test_every_pair_of_neighbours_in_a_sample_stood_in_some_text(
    fitted: list[list[int]], seed: int, temperature: float, top_p: float
) -> None:
    text, ended = sample(
        [(1.0, KneserNey(fitted, size=SIZE))],
        rng=random.Random(seed),
        temperature=temperature,
        top_p=top_p,
        max_tokens=8,
    )
    seen = {pair for one in fitted for pair in zip([BEGIN, *one], [*one, END], strict=True)}
    framed = [BEGIN, *text, *([END] if ended else [])]
    assert set(pairwise(framed)) <= seen
    assert ended or len(text) == 8


@given(texts, st.integers())
def test_the_same_seed_draws_the_same_text(fitted: list[list[int]], seed: int) -> None:
    def draw() -> tuple[tuple[int, ...], bool]:
        mixture = [(0.7, KneserNey(fitted[:1], size=SIZE)), (0.3, KneserNey(fitted, size=SIZE))]
        return sample(mixture, rng=random.Random(seed), temperature=1.0, top_p=0.95, max_tokens=20)

    assert draw() == draw()


def draw_many(model: KneserNey, *, temperature: float, top_p: float) -> list[int]:
    rng = random.Random(1)
    return [
        sample([(1.0, model)], rng=rng, temperature=temperature, top_p=top_p, max_tokens=1)[0][0]
        for _ in range(400)
    ]


def test_a_low_temperature_or_top_p_keeps_to_the_likeliest_token() -> None:
    model = KneserNey([[3]] * 6 + [[4]] * 3 + [[5]], size=SIZE)
    assert set(draw_many(model, temperature=0.0, top_p=1.0)) == {3}
    assert set(draw_many(model, temperature=1.0, top_p=0.3)) == {3}
    assert set(draw_many(model, temperature=1.0, top_p=0.8)) == {3, 4}


def test_tokens_are_drawn_as_often_as_they_are_likely_and_more_evenly_when_it_is_warm() -> None:
    model = KneserNey([[3]] * 6 + [[4]] * 3 + [[5]], size=SIZE)
    chances = model.probabilities(np.array([3, 4, 5]), context=[BEGIN] * 3)
    plain = draw_many(model, temperature=1.0, top_p=1.0).count(3) / 400
    warm = draw_many(model, temperature=5.0, top_p=1.0).count(3) / 400
    assert plain == pytest.approx(chances[0] / chances.sum(), abs=0.08)
    assert warm == pytest.approx(0.4, abs=0.08)


def test_a_text_of_two_parts_has_one_separator_even_where_the_seeds_of_both_look_alike() -> None:
    model = KneserNey([[3, 4, SEPARATOR, 3, 4], [4, SEPARATOR, 4], [3, SEPARATOR, 3]], size=SIZE)
    rng = random.Random(1)
    for _ in range(200):
        text, ended = sample(
            [(1.0, model)], rng=rng, temperature=1.0, top_p=1.0, max_tokens=50, parts=2
        )
        assert not ended or text.count(SEPARATOR) == 1


def test_what_one_model_does_not_know_the_next_one_goes_on_from() -> None:
    mixture = [(0.5, KneserNey([[3]], size=SIZE)), (0.5, KneserNey([[4, 5]], size=SIZE))]
    rng = random.Random(1)
    drawn = {
        sample(mixture, rng=rng, temperature=1.0, top_p=1.0, max_tokens=9)[0] for _ in range(99)
    }
    assert drawn == {(3,), (4, 5)}
