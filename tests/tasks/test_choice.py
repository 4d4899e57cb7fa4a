"""A label's probability is what guided decoding gives it: only its rivals' mass counts."""

from __future__ import annotations

import itertools
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from augment.records import TokenLogprob
from augment.tasks.choice import probabilities, probability_of_list, probability_of_one

STRANGE = "§"
"""Stands in no label and no answer: a token that holds it leads to none."""
LABELS = st.lists(st.text('ab_é"\\]: ', max_size=4), min_size=1, max_size=4, unique=True)
THOUGHTS = st.sampled_from(
    ["", '<think>"label": "a" or "label": ["b"]</think>\n', "The label is a.\n", "```json\n"]
)
OPENINGS = st.sampled_from(['{"label": ', '{"label":', '{\n  "label" :\n  '])
BEFORE = st.builds(str.__add__, THOUGHTS, OPENINGS)


def token(text, probability=1.0, **rivals):
    """A token with its probability, and those of its rivals."""
    tops = {rival: math.log(share) for rival, share in rivals.items()}
    return TokenLogprob(token=text, logprob=math.log(probability), top=tops)


def pieces(text, cuts):
    """The text cut at these places."""
    places = [0, *sorted({cut for cut in cuts if 0 < cut < len(text)}), len(text)]
    return [text[a:b] for a, b in itertools.pairwise(places)]


def segmented(text):
    return st.sets(st.integers(1, max(len(text), 1)), max_size=8).map(
        lambda cuts: pieces(text, cuts)
    )


def spellings(label):
    return {json.dumps(label), json.dumps(label, ensure_ascii=False)}


class Model:
    """Every answer in a tokenisation of its own, and a distribution where they part.

    All begin with the same tokens, the last of which ends before the label or where it starts.
    """

    def __init__(self, labels, before, draw):
        self.labels = labels
        self.ends = {before + spelt: label for label in labels for spelt in spellings(label)}
        apart = draw(st.integers(0, len(before)))
        self.shared = draw(segmented(before[:apart])) if apart else []
        self._start = "".join(self.shared)
        self._ways: dict[str, set[str]] = {}
        for end in self.ends:
            rest = (end + "}")[apart:]
            straddle = len(before) - apart
            first = draw(st.integers(straddle + 1, len(rest)))
            at = self._start
            for piece in [rest[:first], *(draw(segmented(rest[first:])) if rest[first:] else [])]:
                self._ways.setdefault(at, set()).add(piece)
                at += piece
        self._shares = {at: self._drawn(at, draw) for at in sorted(self._ways)}
        self._tell_all = draw(st.booleans())

    def _drawn(self, at, draw):
        allowed = sorted(self._ways[at])
        strange = set()
        for piece in draw(st.lists(st.sampled_from(allowed), max_size=3)):
            beginning = piece[: draw(st.integers(0, len(piece)))] + STRANGE
            if self._label_of(at + beginning) is None:
                strange.add(beginning)
        weights = {name: draw(st.floats(1e-6, 1)) for name in (*allowed, *sorted(strange))}
        whole = sum(weights.values())
        return {name: weight / whole for name, weight in weights.items()}

    def _label_of(self, text):
        return next((label for end, label in self.ends.items() if text.startswith(end)), None)

    def paths(self):
        """Every way to an answer: its tokens, its label, its probability under guided decoding."""
        told = [token(piece, 0.1, other=0.9) for piece in self.shared]
        yield from self._from(self._start, told, 1.0)

    def _from(self, at, tokens, probability):
        label = self._label_of(at)
        if label is not None:
            yield [*tokens, token("\n", 0.1, x=0.5)], label, probability
            return
        shares, ways = self._shares[at], self._ways[at]
        allowed = sum(shares[way] for way in ways)
        logprobs = {name: math.log(share) for name, share in shares.items()}
        for way in sorted(ways):
            others = {n: x for n, x in logprobs.items() if self._tell_all or n != way}
            step = TokenLogprob(token=way, logprob=logprobs[way], top=others)
            yield from self._from(at + way, [*tokens, step], probability * shares[way] / allowed)


@given(labels=LABELS, before=BEFORE, data=st.data())
def test_it_is_what_guided_decoding_would_sample_from_however_answers_fall_into_tokens(
    labels, before, data
):
    paths = list(Model(labels, before, data.draw).paths())
    exact = dict.fromkeys(labels, 0.0)
    for _, label, share in paths:
        exact[label] += share
    assert sum(exact.values()) == pytest.approx(1), "the model is none"
    for tokens, label, share in paths:
        probability = probability_of_one(tokens, labels)
        assert probability is not None
        # other ways to the same label count for it, as far as they lead nowhere else
        assert share * (1 - 1e-9) <= probability <= exact[label] * (1 + 1e-9)
        every = probabilities(tokens, labels)
        assert every is not None
        assert next(iter(every)) == label
        assert {*every} == {*labels}
        assert every[label] == probability
        assert sum(every.values()) == pytest.approx(1)
        if sum(of == label for _, of, _ in paths) == 1:
            assert probability == pytest.approx(exact[label], rel=1e-9)


def of_one(*tokens, labels=("card", "refund")):
    return probability_of_one(tokens, labels)


def test_each_label_has_the_mass_of_the_rivals_that_lead_to_it():
    head, end = token('{"label": "'), token('"}')
    labels = ("card", "refund", "return", "top_up")
    first = token("card", 0.4, refund=0.1, re=0.2, top=0.1, banana=0.2)
    found = probabilities([head, first, end], labels)

    assert found == pytest.approx(
        {"card": 0.4 / 0.8, "refund": 0.2 / 0.8, "return": 0.1 / 0.8, "top_up": 0.1 / 0.8}
    )


def test_mass_on_what_is_no_label_does_not_count_against_the_label():
    start, end = token('{"label": "'), token('"}')
    assert of_one(start, token("card", 0.3, refund=0.1, banana=0.6), end) == pytest.approx(0.75)
    assert of_one(start, token("card", 0.001, Sure=0.999), end) == pytest.approx(1)


def test_a_rival_counts_where_it_is_but_the_beginning_of_a_label():
    rivals = {"re": 0.2, "refund": 0.1, "refunds": 0.15, "fund": 0.15}
    found = of_one(token('{"label": "'), token("card", 0.4, **rivals), token('"}'))
    assert found == pytest.approx(0.4 / 0.7)


def test_every_token_of_the_label_counts_and_none_outside_it():
    tokens = [
        token("{", 0.1, x=0.9), token('"label', 0.1, x=0.9), token('": "', 1),
        token("re", 0.6, card=0.4), token("fund", 0.5, turn=0.5), token('"', 0.5, s=0.5),
        token("}", 0.1, x=0.9), token(" Done", 0.1, x=0.9),
    ]  # fmt: skip
    labels = ("card", "refund", "return", "refunds")
    assert of_one(*tokens, labels=labels) == pytest.approx(0.6 * 0.5 * 0.5)


@pytest.mark.parametrize(
    ("tokens", "expected"),
    [
        ([token('"', 0.25, _arrival=0.75)], 0.25),
        ([token('"}', 0.2, **{'"': 0.05, "_arrival": 0.5, "s": 0.25})], 0.25 / 0.75),
        ([token("_arrival", 0.75, **{'"': 0.25}), token('"}')], 0.75),
    ],
)
def test_a_label_that_another_one_begins_with_is_told_apart_by_its_end(tokens, expected):
    found = of_one(token('{"label": "card'), *tokens, labels=("card", "card_arrival"))
    assert found == pytest.approx(expected)


def test_a_token_that_takes_the_quote_with_it_counts():
    tokens = token('{"label":'), token(' "ca', 0.5, **{' "': 0.2, ' "b': 0.3}), token('rd"}')
    assert of_one(*tokens) == pytest.approx(0.5 / 0.7)


@pytest.mark.parametrize(
    ("rival", "counts"),
    [(" ", True), (' "', True), (' "refund"', True), ("  ", False), ('x"refund', False)],
)
def test_a_rival_of_such_a_token_must_lead_to_the_quote_too(rival, counts):
    found = of_one(token('{"label":'), token(' "card', 0.5, **{rival: 0.5}), token('"}'))
    assert found == pytest.approx(0.5 if counts else 1)


def test_other_ways_to_write_what_stands_before_the_label_do_not_count_against_it():
    head = token('{"label": ', 0.5, **{'{"': 0.5})
    assert of_one(head, token('"card"', 0.75, **{'"refund': 0.25}), token("}")) == pytest.approx(
        0.75
    )


@pytest.mark.parametrize("ascii_only", [True, False])
def test_a_label_beyond_ascii_is_known_escaped_or_not(ascii_only):
    label, labels = "Überweisung", ("Überweisung", "Übertrag", "Karte")
    spelt = json.dumps(label, ensure_ascii=ascii_only)
    head, tail = spelt[: spelt.index("w")], spelt[spelt.index("w") :]
    first = token(head, 0.5, **{'"K': 0.25, '"\\u00dc': 0.125, '"Ü': 0.125, '"\\u00dd': 0.0625})
    tokens = token('{"label": '), first, token(tail, 0.5, trag=0.5), token("}")
    assert of_one(*tokens, labels=labels) == pytest.approx(0.5 * 0.5)


def test_of_all_that_thoughts_say_of_labels_the_answer_counts():
    thoughts = 'Is it {"label": "card"}? {"label": "refund"} is better.</think>'
    tokens = token(thoughts), token('{"label": "'), token("card", 0.25, refund=0.75), token('"}')
    assert of_one(*tokens) == pytest.approx(0.25)


def test_rivals_that_are_not_told_count_as_nothing():
    assert of_one(token('{"label": "', 0.1), token("card", 0.1), token('"}', 0.1)) == 1


def test_a_token_that_is_among_its_own_rivals_counts_once():
    found = of_one(token('{"label": "'), token("card", 0.5, card=0.5, refund=0.5), token('"}'))
    assert found == pytest.approx(0.5)


@pytest.mark.parametrize(
    "text",
    ["", "{}", "Sure! card", '{"label": "banana"}', '{"label": "car', '{"label": ', '{"label": 3}',
     '{"label": null}', '{"name": "card"}', '{"label": ["card"]}', '{"label": "cards"}'],
)  # fmt: skip
def test_an_answer_without_one_of_the_labels_has_no_probability(text):
    assert probability_of_one([token(text)] if text else [], ("card", "refund")) is None


SURE = [0.0, -0.0, -1e-9, -0.7, -9999.0, -1e308, -math.inf]


@given(
    parts=segmented('So: {"label": "card"}'),
    others=st.dictionaries(st.text('crefund"} ', max_size=3), st.sampled_from(SURE), max_size=3),
    data=st.data(),
)
def test_however_unlikely_its_tokens_it_is_a_probability_or_none(parts, others, data):
    logprobs = [data.draw(st.sampled_from([*SURE, math.nan, math.inf, 1000.0])) for _ in parts]
    tokens = [
        TokenLogprob(token=part, logprob=x, top=others)
        for part, x in zip(parts, logprobs, strict=True)
    ]
    for found in (
        probability_of_one(tokens, ("card", "refund")),
        probability_of_list([*tokens[:-1], TokenLogprob(token='["card"]', logprob=logprobs[-1])]),
    ):
        assert found is None or 0 <= found <= 1


@pytest.mark.parametrize(
    ("chosen", "rival", "expected"),
    [
        (-9999.0, -0.1, 0.0),
        (-0.1, -9999.0, 1.0),
        (-math.inf, -0.1, 0.0),
        (-0.1, -math.inf, 1.0),
        (-9999.0, -9999.0, 0.5),
    ],
)
def test_servers_numbers_for_the_impossible_are_taken_as_such(chosen, rival, expected):
    tokens = token('{"label": "'), TokenLogprob(token="card", logprob=chosen, top={"refund": rival})
    assert of_one(*tokens, token('"}')) == pytest.approx(expected)


def test_where_all_was_impossible_no_probability_is_made_up():
    nothing = TokenLogprob(token="card", logprob=-math.inf, top={"refund": -math.inf})
    assert of_one(token('{"label": "'), nothing, token('"}')) is None


@given(labels=LABELS | st.just([]), before=BEFORE, ascii_only=st.booleans(), data=st.data())
def test_the_probability_of_a_list_is_that_of_all_its_tokens(labels, before, ascii_only, data):
    text = before + json.dumps(labels, ensure_ascii=ascii_only)
    end = len(text)
    parts = data.draw(segmented(text + '}\n"]'))
    shares = [data.draw(st.floats(0.01, 1)) for _ in parts]
    expected, at = 1.0, 0
    for part, share in zip(parts, shares, strict=True):
        expected *= share if at < end and at + len(part) > len(before) else 1
        at += len(part)
    tokens = [token(part, share, x=0.5) for part, share in zip(parts, shares, strict=True)]
    assert probability_of_list(tokens) == pytest.approx(expected)


@pytest.mark.parametrize(
    "text", ["", '["card"]', '{"label": ["card"', '{"label": "card"}', '{"label": ["card]"}']
)
def test_an_answer_without_a_whole_list_has_no_probability(text):
    assert probability_of_list([token(text)] if text else []) is None
