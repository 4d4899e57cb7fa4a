"""What guides know is mixed into a model's chances, and what they refuse is drawn again."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from requests_made import a_request
from tiny_llama import write_tiny_llama

from augment.decoding.batching import Batch
from augment.decoding.guide import mixed
from augment.decoding.loading import load
from augment.decoding.rows import Ticket

WIDTH = 6


class Says:
    def __init__(self, tokens, chances, left):
        self.known = np.array(tokens, dtype=np.int64), np.array(chances, dtype=np.float32), left

    def after(self, answer):
        return self.known


@st.composite
def says(draw):
    tokens = draw(st.lists(st.integers(0, WIDTH - 1), max_size=4))
    parts = draw(st.lists(st.floats(0.01, 1), min_size=len(tokens) + 1, max_size=len(tokens) + 1))
    whole = sum(parts)
    return Says(tokens, [part / whole for part in parts[1:]], parts[0] / whole)


@given(guides=st.lists(st.none() | says(), min_size=1, max_size=4), seed=st.integers(0, 99))
def test_the_mixture_is_the_weighted_sum_of_both(guides, seed):
    torch.manual_seed(seed)
    logits = torch.randn(len(guides), WIDTH)
    found = torch.softmax(mixed(logits.clone(), guides, [[]] * len(guides)), dim=-1)
    for row, guide in enumerate(guides):
        tokens, chances, left = ((), (), 1.0) if guide is None else guide.known
        alone = torch.softmax(logits[row], dim=-1)
        wanted = alone * left
        for token, chance in zip(tokens, chances, strict=True):
            wanted[token] += float(chance)
        torch.testing.assert_close(found[row], wanted)


def test_a_guide_that_says_but_what_is_impossible_leaves_the_word_to_the_model():
    logits = torch.tensor([[0.0, -torch.inf, 1.0], [0.0, 0.0, 0.0]])
    found = mixed(logits, [Says([1], [1.0], 0.0), Says([1], [1.0], 0.0)], [[], []])

    torch.testing.assert_close(found[0], logits[0])
    torch.testing.assert_close(torch.softmax(found[1], dim=-1), torch.tensor([0.0, 1.0, 0.0]))


def test_what_is_impossible_stays_so():
    logits = torch.tensor([[0.0, -torch.inf, 0.0]])
    found = torch.softmax(mixed(logits, [Says([1, 2], [0.5, 0.25], 0.25)], [[]]), dim=-1)

    torch.testing.assert_close(found, torch.tensor([[0.25, 0.0, 0.75]]))


def test_without_guides_the_logits_are_those_of_the_model():
    logits = torch.randn(2, WIDTH)

    assert mixed(logits, [None, None], [[], []]) is logits


class Refuses:
    """Takes no part in the words, and refuses the first answers."""

    def __init__(self, *, refused, drafts=8, room=999):
        self.drafts, self.room = drafts, room
        self.refused = refused
        self.seen = []

    def after(self, answer):
        return np.empty(0, np.int64), np.empty(0, np.float32), 1.0

    def will_do(self, answer):
        self.seen.append(answer)
        return len(self.seen) > self.refused


SCHEMA = {
    "type": "object",
    "properties": {"text": {"type": "string", "maxLength": 12}},
    "required": ["text"],
    "additionalProperties": False,
}


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return load(str(write_tiny_llama(tmp_path_factory.mktemp("models") / "tiny")), dtype="float32")


def asked(number, guide, *, schema=SCHEMA, **sampling):
    one = a_request(number)
    request = replace(one, schema=schema, sampling=replace(one.sampling, **sampling))
    return Ticket(request=request, guide=guide)


def answered(model, tickets):
    batch = Batch(model, limit=3)
    for ticket in tickets:
        batch.add(ticket)
    while not batch.idle:
        batch.step()
    return [ticket.outcome.result() for ticket in tickets]


@pytest.mark.parametrize("schema", [SCHEMA, None])
def test_an_answer_that_is_drawn_again_begins_where_the_first_one_did(model, schema):
    def tickets(guides):
        return [
            asked(n, guide, schema=schema, temperature=1.0, top_p=1e-6, max_tokens=40)
            for n, guide in enumerate(guides)
        ]

    plain = answered(model, tickets([None] * 5))
    guides = [Refuses(refused=n) for n in (0, 3, 1, 0, 2)]
    again = answered(model, tickets(guides))

    assert [one.text for one in again] == [one.text for one in plain]
    for guide, one in zip(guides, plain, strict=True):
        if one.finish == "stop":
            assert guide.seen == [one.text] * (guide.refused + 1)
        else:
            assert not guide.seen, "what is cut off is not shown"
    assert schema is None or all(guide.seen for guide in guides)


def test_what_would_come_again_or_was_cut_by_another_is_not_drawn_again(model):
    cold, cut = Refuses(refused=9), Refuses(refused=9)
    told = answered(model, [asked(1, cold, temperature=0.0, max_tokens=40),
                            asked(1, cut, temperature=1.0, max_tokens=3)])  # fmt: skip

    assert cold.seen == cut.seen == []
    assert [one.completion_tokens for one in told][1] == 3


def test_drafts_differ_and_all_their_tokens_are_counted(model):
    guide = Refuses(refused=3)
    (told,) = answered(model, [asked(1, guide, temperature=1.0, max_tokens=40)])

    assert len(guide.seen) == 4
    assert len(set(guide.seen)) > 1
    assert told.text == guide.seen[-1] == json.dumps(json.loads(told.text), separators=(",", ":"),
                                                     ensure_ascii=False)  # fmt: skip
    (alone,) = answered(model, [asked(1, None, temperature=1.0, max_tokens=40)])
    assert told.completion_tokens > alone.completion_tokens


def test_where_nothing_will_do_the_last_draft_stands(model):
    guide = Refuses(refused=99, drafts=2)
    (told,) = answered(model, [asked(1, guide, temperature=1.0, max_tokens=40)])

    assert len(guide.seen) == 2
    assert told.finish == "stop"


def test_an_answer_that_would_be_longer_than_the_guide_allows_is_drawn_again(model):
    tickets = [asked(n, Refuses(refused=0, room=9), temperature=1.0) for n in range(12)]
    told = answered(model, tickets)
    free = answered(model, [asked(n, None, temperature=1.0) for n in range(12)])

    assert sum(len(one.text) for one in told) < sum(len(one.text) for one in free)
    assert sum(one.finish == "stop" for one in told) > 6
    for ticket, one in zip(tickets, told, strict=True):
        assert ticket.guide.seen == ([one.text] if one.finish == "stop" else [])
        assert one.completion_tokens >= (9 if one.finish == "length" else 1)


def test_a_row_that_nobody_waits_for_any_more_makes_room_for_the_last_one(model):
    tickets = [asked(n, None, schema=None, temperature=1.0, max_tokens=30) for n in range(3)]
    batch = Batch(model, limit=3)
    for ticket in tickets:
        batch.add(ticket)
    for _ in range(8):
        batch.step()
    assert tickets[0].outcome.cancel()
    while not batch.idle:
        batch.step()

    told = [ticket.outcome.result().text for ticket in tickets[1:]]
    assert told == [
        one.text
        for one in answered(
            model,
            [asked(n, None, schema=None, temperature=1.0, max_tokens=30) for n in (1, 2)],
        )
    ]
