"""Exemplars are spread over what a label's seeds say, and every ask shows others."""

from __future__ import annotations

import itertools
import random

from hypothesis import given
from hypothesis import strategies as st
from seed_sets import seeds

from augment.plan.exemplars import Exemplars, in_order_of_likeness, spread
from augment.plan.strategies import FewShot, Paraphrase
from augment.records import Example, Need, SeedSet


@given(n=st.integers(0, 60), k=st.integers(0, 12), seed=st.integers(0, 99))
def test_a_spread_draw_has_no_seed_twice_and_one_of_each_arc(n, k, seed):
    line = [f"s{place}" for place in range(n)]
    drawn = spread(line, k=k, rng=random.Random(seed))

    assert len(drawn) == len(set(drawn)) == min(n, k)


def test_alike_seeds_lie_side_by_side():
    texts = ["where is my parcel now", "i lost my card today"] * 6
    examples = [Example(id=str(n), text=f"{t} {n}", target="x") for n, t in enumerate(texts)]
    order = [int(name) % 2 for name in in_order_of_likeness(examples)]

    assert sum(a != b for a, b in itertools.pairwise(order)) == 1


def test_a_draw_is_spread_rather_than_alike():
    texts = ["where is my parcel now", "i lost my card today"] * 10
    found = SeedSet(
        examples=tuple(
            Example(id=str(n), text=f"{t} {n}", target="x") for n, t in enumerate(texts)
        ),
        labels=("x",),
        several=False,
        pairs=False,
        digest="",
    )
    exemplars = Exemplars(found)
    draws = [exemplars.draw(("x",), k=2, rng=random.Random(n)) for n in range(200)]

    # two drawn without regard to likeness are unlike 105 times in 200
    assert sum(int(one) % 2 != int(other) % 2 for one, other in draws) > 150


def test_the_same_ask_shows_the_same_seeds_and_others_show_others():
    strategy = FewShot(Exemplars(seeds(*["x"] * 30)), shots=5, k=2)
    asks = [strategy.propose(Need(number=n, labels=("x",), draw_seed=n)) for n in range(50)]

    assert asks[7] == strategy.propose(Need(number=7, labels=("x",), draw_seed=7))
    assert len({ask.exemplars for ask in asks}) == 50
    assert all(len(set(ask.exemplars)) == 5 and ask.k == 2 for ask in asks)


def test_a_rare_label_set_is_filled_up_with_seeds_that_share_a_label():
    exemplars = Exemplars(seeds(("a", "b"), ("a",), ("b",), ("c",), several=True))
    drawn = exemplars.draw(("a", "b"), k=3, rng=random.Random(0))

    assert sorted(drawn) == ["s0", "s1", "s2"]


def test_a_label_without_seeds_is_asked_for_without_exemplars_and_never_paraphrased():
    exemplars = Exemplars(seeds("a", labels=("a", "b")))
    need = Need(number=0, labels=("b",), draw_seed=1)

    assert FewShot(exemplars, shots=5, k=1).propose(need).exemplars == ()
    assert Paraphrase(exemplars, k=1).propose(need) is None


def test_a_paraphrase_shows_one_seed_of_the_label():
    strategy = Paraphrase(Exemplars(seeds("a", "b", "a")), k=1)
    shown = {
        strategy.propose(Need(number=n, labels=("a",), draw_seed=n)).exemplars for n in range(30)
    }

    assert shown == {("s0",), ("s2",)}
