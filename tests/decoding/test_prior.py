"""What somebody else knows is mixed into a model's chances, and nothing else changes."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from augment.decoding.prior import mixed

WIDTH = 6


class Says:
    def __init__(self, tokens, chances, left):
        self.known = (tokens, chances, left)

    def after(self, answer):
        return self.known


@st.composite
def says(draw):
    tokens = draw(st.lists(st.integers(0, WIDTH - 1), max_size=4, unique=True))
    parts = draw(st.lists(st.floats(0.01, 1), min_size=len(tokens) + 1, max_size=len(tokens) + 1))
    whole = sum(parts)
    return Says(tokens, [part / whole for part in parts[1:]], parts[0] / whole)


@given(priors=st.lists(st.none() | says(), min_size=1, max_size=4), seed=st.integers(0, 99))
def test_the_mixture_is_the_weighted_sum_of_both(priors, seed):
    torch.manual_seed(seed)
    logits = torch.randn(len(priors), WIDTH)
    found = torch.softmax(mixed(logits.clone(), priors, [[]] * len(priors)), dim=-1)
    for row, prior in enumerate(priors):
        tokens, chances, left = ([], [], 1.0) if prior is None else prior.known
        wanted = torch.softmax(logits[row], dim=-1) * left
        for token, chance in zip(tokens, chances, strict=True):
            wanted[token] += chance
        torch.testing.assert_close(found[row], wanted)


def test_what_is_impossible_stays_so():
    logits = torch.tensor([[0.0, -torch.inf, 0.0]])
    found = torch.softmax(mixed(logits, [Says([1, 2], [0.5, 0.25], 0.25)], [[]]), dim=-1)

    torch.testing.assert_close(found, torch.tensor([[0.25, 0.0, 0.75]]))


def test_without_priors_the_logits_are_those_of_the_model():
    logits = torch.randn(2, WIDTH)

    assert mixed(logits, [None, None], [[], []]) is logits
