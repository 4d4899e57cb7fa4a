"""Beside a given text stand the seeds most like it, the most like it of all nearest to it."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from augment.ngrams import ngram_vectors
from augment.plan.nearest import nearest_seeds
from augment.plan.strategies import Annotate
from augment.records import Example, SeedSet

SEEDS = ["where is my card", "send my money back", "where is my new bank card", "hello"]
WORDS = st.sampled_from(["where", "is", "my", "card", "money", "back", "zebra"])
TEXTS = st.lists(st.lists(WORDS, max_size=5).map(" ".join), min_size=1, max_size=8)


def seed_set(texts, *, pairs=False):
    examples = tuple(
        Example(id=f"s{n}", text=text, text_pair=f"then {text}" if pairs else None, target="a")
        for n, text in enumerate(texts)
    )
    return SeedSet(examples=examples, labels=("a",), several=False, pairs=pairs, digest="")


def given_texts(*texts):
    return [Example(id="u", text=text, target=(), origin="given") for text in texts]


def names(text, *, seeds=SEEDS, shots=3):
    return nearest_seeds(seed_set(seeds), given_texts(text), shots=shots)(0)


def test_the_nearest_stands_last():
    assert names("where is my card") == ("s1", "s2", "s0")
    assert names("where is my new bank card?", shots=2) == ("s0", "s2")
    assert names("my money", shots=1) == ("s1",)


@given(seeds=TEXTS, texts=TEXTS, shots=st.integers(1, 10))
def test_no_seed_left_out_is_nearer_than_one_that_is_shown(seeds, texts, shots):
    find = nearest_seeds(seed_set(seeds), given_texts(*texts), shots=shots)
    for place, text in enumerate(texts):
        shown = [int(name[1:]) for name in find(place)]
        likeness = ngram_vectors(seeds) @ ngram_vectors([text])[0]
        assert len(shown) == len(set(shown)) == min(shots, len(seeds))
        assert list(likeness[shown]) == sorted(likeness[shown]), "the nearest does not stand last"
        rest = np.delete(likeness, shown)
        assert not len(rest) or max(rest) <= min(likeness[shown])


@given(seeds=TEXTS, texts=TEXTS, shots=st.integers(0, 10), data=st.data())
def test_they_depend_on_the_text_alone_and_not_on_what_else_was_asked(seeds, texts, shots, data):
    find = nearest_seeds(seed_set(seeds), given_texts(*texts), shots=shots)
    in_order = [find(place) for place in range(len(texts))]
    for place in data.draw(st.permutations(range(len(texts)))):
        alone = nearest_seeds(seed_set(seeds), given_texts(texts[place]), shots=shots)
        assert find(place) == in_order[place] == alone(0)


def test_of_seeds_equally_near_the_later_ones_are_shown_in_file_order():
    assert names("zebra", seeds=["card"] * 20, shots=3) == ("s17", "s18", "s19")
    assert names("...", seeds=SEEDS, shots=2) == ("s2", "s3"), "a text without a word is like none"
    assert names("card", seeds=["card", "money", "card"], shots=2) == ("s0", "s2")


def test_both_texts_of_a_pair_are_compared():
    seeds = seed_set(["good morning", "where is my card"], pairs=True)
    text = Example(id="u", text="hm", text_pair="then good morning", target=(), origin="given")
    assert nearest_seeds(seeds, [text], shots=1)(0) == ("s0",)


def test_without_seeds_or_shots_none_is_shown():
    assert names("card", seeds=[]) == ()
    assert names("card", shots=0) == ()


def test_the_ask_about_a_text_shows_them_and_wants_no_label():
    strategy = Annotate(nearest_seeds(seed_set(SEEDS), given_texts("hm", "my money"), shots=2))
    asked = strategy.ask(1)
    assert (asked.number, asked.strategy, asked.labels, asked.k) == (1, "annotate", (), 1)
    assert asked.exemplars == names("my money", shots=2)
    assert asked.exemplars[-1] == "s1"
