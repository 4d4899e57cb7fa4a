"""Exemplars are typical of their label and unlike each other, and every ask shows others."""

from __future__ import annotations

import random
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from seed_sets import seeds
from sphere import Sphere, unit

from augment.plan.exemplars import RELEVANCE, Exemplars, spread
from augment.plan.strategies import FewShot, Paraphrase, ZeroShot
from augment.records import Ask, Need


def alike(count):
    """Vectors that say nothing: all seeds are the same."""
    return np.ones((count, 1), dtype=np.float32)


def exemplars(*targets, vectors=None, **more):
    return Exemplars(seeds(*targets, **more), alike(len(targets)) if vectors is None else vectors)


def draws(found, labels, *, k, count):
    return [found.draw(labels, k=k, rng=random.Random(number)) for number in range(count)]


@given(n=st.integers(0, 60), k=st.integers(0, 12), seed=st.integers(0, 99))
def test_a_draw_has_no_seed_twice_and_as_many_as_there_are(n, k, seed):
    rng = np.random.default_rng(seed)
    vectors = unit(rng.normal(size=(n + 1, 8)))
    found = exemplars(*["x"] * n, "y", vectors=vectors, labels=("x", "y"))
    drawn = found.draw(("x",), k=k, rng=random.Random(seed))

    assert len(drawn) == len(set(drawn)) == min(n, k)
    assert set(drawn) <= {f"s{number}" for number in range(n)}, "a seed of another label is shown"


@given(
    targets=st.lists(
        st.lists(st.sampled_from("abc"), max_size=3, unique=True).map(tuple), min_size=1, max_size=9
    ),
    asked=st.lists(st.sampled_from("abcd"), max_size=3, unique=True).map(tuple),
    k=st.integers(0, 6),
    seed=st.integers(0, 99),
)
def test_seeds_of_exactly_the_labels_go_first_and_those_that_share_one_fill_up(
    targets, asked, k, seed
):
    found = exemplars(*targets, labels=tuple("abcd"), several=True)
    drawn = [targets[int(name[1:])] for name in found.draw(asked, k=k, rng=random.Random(seed))]
    exact = [own for own in targets if set(own) == set(asked)]
    sharing = [own for own in targets if set(own) & set(asked) and set(own) != set(asked)]

    assert len(drawn) == min(k, len(exact) + len(sharing))
    assert sum(set(own) == set(asked) for own in drawn) == min(k, len(exact))


@given(
    n=st.integers(1, 14), k=st.integers(1, 14), width=st.integers(1, 4), seed=st.integers(0, 999)
)
def test_a_spread_is_that_of_maximal_marginal_relevance(n, k, width, seed):
    k = min(k, n)
    rng = np.random.default_rng(seed)
    vectors = unit(rng.normal(size=(n, width)))
    middle = vectors.mean(axis=0)
    chosen = [0]
    while len(chosen) < k:
        gains = {
            at: RELEVANCE * float(vectors[at] @ middle)
            - (1 - RELEVANCE) * max(float(vectors[at] @ vectors[other]) for other in chosen)
            for at in range(n)
            if at not in chosen
        }
        chosen.append(max(gains, key=lambda at: gains[at]))
    likeness = [[float(one @ other) for other in vectors] for one in vectors]

    assert spread(likeness, [float(each @ middle) for each in vectors], k=k) == chosen


def test_what_two_clusters_say_is_shown_in_nearly_every_draw_of_two():
    sphere = Sphere(["parcel", "card"], spread=0.5, seed=0)
    found = exemplars(*["x"] * 30, vectors=sphere.points(["parcel", "card"] * 15))
    both = [{int(name[1:]) % 2 for name in drawn} for drawn in draws(found, ("x",), k=2, count=300)]

    # two drawn without regard to likeness are unlike 155 times in 300
    assert sum(own == {0, 1} for own in both) >= 290


def test_a_small_cluster_is_shown_more_often_than_its_share():
    sphere = Sphere(["many", "few"], spread=0.5, seed=1)
    found = exemplars(*["x"] * 40, vectors=sphere.points([*["many"] * 32, *["few"] * 8]))
    shown = sum(
        any(int(name[1:]) >= 32 for name in drawn) for drawn in draws(found, ("x",), k=3, count=300)
    )

    # three drawn without regard to likeness hold one of the few 149 times in 300
    assert shown > 200


@pytest.mark.parametrize("k", [2, 5])
@pytest.mark.parametrize("spread_of_label", [0.8, 1.3])
def test_the_odd_seed_that_is_unlike_everything_is_shown_less_than_half_its_share(
    k, spread_of_label
):
    shown = 0
    for seed in range(5):
        sphere = Sphere(["x", "other"], spread=spread_of_label, seed=seed)
        found = exemplars(*["x"] * 30, vectors=sphere.points(["other", *["x"] * 29]))
        shown += sum("s0" in drawn for drawn in draws(found, ("x",), k=k, count=200))

    assert shown < 0.5 * 1000 * k / 30


def test_every_seed_is_shown_in_the_long_run():
    found = exemplars(*["x"] * 30, vectors=Sphere(["x"], seed=3).points(["x"] * 30))
    shown = Counter(name for drawn in draws(found, ("x",), k=5, count=600) for name in drawn)

    assert len(shown) == 30
    assert max(shown.values()) < 4 * 600 * 5 / 30, "one seed is shown again and again"


def test_the_order_of_what_is_shown_is_drawn_too():
    found = exemplars(*["x"] * 3)
    orders = set(draws(found, ("x",), k=3, count=60))

    assert len(orders) == 6


def test_the_same_ask_shows_the_same_seeds_and_others_show_others():
    vectors = Sphere(["x"], seed=5).points(["x"] * 30)
    strategy = FewShot(exemplars(*["x"] * 30, vectors=vectors), shots=5, k=2)
    asks = [strategy.propose(Need(number=n, labels=("x",), draw_seed=n)) for n in range(50)]
    again = FewShot(exemplars(*["x"] * 30, vectors=vectors), shots=5, k=2)

    assert asks[7] == again.propose(Need(number=7, labels=("x",), draw_seed=7))
    assert len({frozenset(ask.exemplars) for ask in asks}) >= 30
    assert all(len(set(ask.exemplars)) == 5 and ask.k == 2 for ask in asks)
    assert {(ask.strategy, ask.labels) for ask in asks} == {("fewshot", ("x",))}


def test_a_rare_label_set_is_filled_up_with_seeds_that_share_a_label():
    found = exemplars(("a", "b"), ("a",), ("b",), ("c",), several=True)
    drawn = found.draw(("a", "b"), k=3, rng=random.Random(0))

    assert sorted(drawn) == ["s0", "s1", "s2"]


def test_a_set_of_labels_is_the_same_in_any_order():
    found = exemplars(("a", "b"), ("b", "a"), ("c",), several=True)

    assert sorted(found.draw(("b", "a"), k=2, rng=random.Random(0))) == ["s0", "s1"]


def test_rows_without_a_label_are_shown_those_without_a_label():
    found = exemplars((), ("a",), (), labels=("a",), several=True)

    assert sorted(found.draw((), k=5, rng=random.Random(0))) == ["s0", "s2"]


def test_a_label_without_seeds_is_only_described():
    found = exemplars("a", labels=("a", "b"))
    need = Need(number=0, labels=("b",), draw_seed=1)

    assert FewShot(found, shots=5, k=1).propose(need) is None
    assert FewShot(found, shots=0, k=1).propose(need).exemplars == (), "none were asked for"
    assert ZeroShot(k=3).propose(need) == Ask(number=0, strategy="zeroshot", labels=("b",), k=3)
    assert Paraphrase(found, k=1).propose(need) is None


def test_no_shots_are_no_seeds():
    ask = FewShot(exemplars("a", "a"), shots=0, k=1).propose(
        Need(number=0, labels=("a",), draw_seed=1)
    )

    assert ask.exemplars == ()


def test_a_paraphrase_shows_one_seed_of_the_label():
    strategy = Paraphrase(exemplars("a", "b", "a"), k=1)
    shown = {
        strategy.propose(Need(number=n, labels=("a",), draw_seed=n)).exemplars for n in range(30)
    }

    assert shown == {("s0",), ("s2",)}


def test_seeds_without_a_word_are_drawn_like_others():
    """Vectors of n-grams may be all zeros."""
    found = exemplars(*["x"] * 20, vectors=np.zeros((20, 4), dtype=np.float32))
    drawn = draws(found, ("x",), k=4, count=30)

    assert all(len(set(own)) == 4 for own in drawn)
    assert len({frozenset(own) for own in drawn}) > 20
