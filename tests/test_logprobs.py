"""Tokens are told so that their texts are the answer, whatever bytes they are cut at."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from augment.logprobs import Piece, told


def piece(octets: bytes, logprob: float = -1.0, **best: float) -> Piece:
    rivals = [(name.encode(), value) for name, value in best.items()]
    return Piece(octets=octets, logprob=logprob, best=rivals)


@given(text=st.text(st.sampled_from("aé日🎉"), max_size=8), cuts=st.sets(st.integers(0, 32)))
def test_the_texts_are_the_answer_and_the_probabilities_multiply_to_its_own(text, cuts):
    octets = text.encode()
    edges = [0, *sorted(cut for cut in cuts if 0 < cut < len(octets)), len(octets)]
    parts = [octets[a:b] for a, b in itertools.pairwise(edges)]
    tokens = told(piece(part) for part in parts if part)

    assert "".join(token.token for token in tokens) == text
    assert sum(token.logprob for token in tokens) == -sum(1 for part in parts if part)


def test_rivals_that_branch_off_within_a_character_count_with_what_came_before():
    first, second = "日".encode()[:1], "日".encode()[1:]
    (token,) = told(
        [
            Piece(octets=first, logprob=-0.5, best=[(first, -0.5), (b"x", -1.0)]),
            Piece(octets=second, logprob=-0.25, best=[(second, -0.25), ("本".encode()[1:], -2.0)]),
        ]
    )

    assert (token.token, token.logprob) == ("日", -0.75)
    assert token.top == {"日": -0.75, "x": -1.0, "本": -2.5}


def test_of_two_rivals_of_one_text_the_likelier_counts():
    best = [(b"\xe6", -3.0), (b"\xe7", -2.0), (b"a", -1.0)]
    (token,) = told([Piece(octets=b"a", logprob=-1.0, best=best)])

    assert token.top == {"a": -1.0, "\ufffd": -2.0}


def test_an_answer_cut_off_within_a_character_ends_in_a_replacement():
    assert [token.token for token in told([piece(b"a"), piece("é".encode()[:1])])] == [
        "a",
        "\ufffd",
    ]


@pytest.mark.parametrize("rivals", [{}, {"b": -math.inf}])
def test_a_token_that_is_not_among_the_best_is_not_put_there(rivals):
    (token,) = told([piece(b"a", **rivals)])

    assert token.top == rivals
