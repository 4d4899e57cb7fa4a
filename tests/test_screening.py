"""Whoever rejects a row is the last to see it; rejected by words, it is never embedded."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from small_pipelines import Judge
from sphere import candidates

from augment.jury import Nobody
from augment.records import Annotation, Span, Verdict
from augment.screening import Screening, rejected


class Numbers:
    """An encoder whose vector of a text holds the text's number."""

    name = "numbers"

    def __init__(self):
        self.asked = []

    def encode(self, texts):
        self.asked.append(list(texts))
        return np.array([[float(text.removeprefix("text "))] for text in texts], dtype=np.float32)


class Seeing(Judge):
    """A filter by meaning that remembers the vector of each text."""

    def __init__(self, name, **more):
        super().__init__(name, by_meaning=True, **more)
        self.vectors = []

    def judge(self, candidates, vectors):
        self.vectors.append(None if vectors is None else vectors[:, 0].tolist())
        return super().judge(candidates, vectors)


def numbered(text):
    return int(text.removeprefix("text "))


def screened(screening, count):
    rows = candidates(["a"] * count)
    verdicts = screening.by_words(rows)
    asyncio.run(screening.by_meaning(rows, verdicts))
    return verdicts


def names(verdicts):
    return [[verdict.filter for verdict in own] for own in verdicts]


def test_filters_by_words_come_first_whatever_their_order():
    meant, first, second = Seeing("meant"), Judge("first"), Judge("second")
    gate = Judge("gate", sequential=True)
    screening = Screening([gate, meant, first, second], Numbers())
    (own,) = screened(screening, 1)

    assert names([own]) == [["first", "second", "meant"]]
    assert gate.saw == []
    assert names([screening.at_the_gates(candidates(["a"])[0])]) == [["gate"]]


def test_a_row_rejected_by_words_is_never_embedded():
    encoder, meant = Numbers(), Seeing("meant")
    odd = Judge("odd", rejects=lambda text: numbered(text) % 2)
    verdicts = screened(Screening([odd, meant], encoder), 6)

    assert encoder.asked == [["text 0", "text 2", "text 4"]]
    assert meant.vectors == [[0.0, 2.0, 4.0]]
    assert names(verdicts) == [["odd", "meant"], ["odd"]] * 3


@given(st.lists(st.sets(st.integers(0, 9)), max_size=5))
def test_each_filter_sees_the_rows_that_no_earlier_one_rejected_with_their_own_vectors(rejecting):
    filters = [
        Seeing(f"f{n}", rejects=lambda text, no=no: numbered(text) in no)
        for n, no in enumerate(rejecting)
    ]
    verdicts = screened(Screening(filters, Numbers()), 10)
    left = list(range(10))
    for each, no in zip(filters, rejecting, strict=True):
        seen = [number for batch in each.batches for number in map(numbered, batch)]
        assert seen == left
        assert [number for batch in each.vectors for number in batch] == [
            float(number) for number in left
        ]
        left = [number for number in left if number not in no]
    for number, own in enumerate(verdicts):
        ends = [n for n, no in enumerate(rejecting) if number in no]
        last = ends[0] + 1 if ends else len(rejecting)
        assert names([own]) == [[f"f{n}" for n in range(last)]]
        assert rejected(own) == bool(ends)


def test_where_every_row_is_rejected_nothing_is_embedded_and_nobody_asked():
    encoder, meant = Numbers(), Seeing("meant")
    screened(Screening([Judge("all", rejects=lambda text: True), meant], encoder), 3)

    assert (encoder.asked, meant.batches) == ([], [])


def test_without_a_filter_by_meaning_nothing_is_embedded():
    encoder = Numbers()
    assert names(screened(Screening([Judge("words")], encoder), 2)) == [["words"]] * 2
    assert encoder.asked == []


def test_without_an_encoder_filters_by_meaning_judge_without_vectors():
    meant = Seeing("meant", rejects=lambda text: text == "text 0")
    verdicts = screened(Screening([meant], None), 2)

    assert meant.vectors == [None]
    assert [rejected(own) for own in verdicts] == [True, False]


def test_a_filter_of_mentions_is_given_one_row_for_each_mention_of_what_still_passes():
    class Placed(Numbers):
        def encode_places(self, texts, places):
            found = [
                [np.array([own, *place], dtype=np.float32) for place in each]
                for own, each in enumerate(places)
            ]
            return self.encode(texts), found

    class OfMentions(Judge):
        of_mentions = True

        def judge(self, candidates, vectors):
            self.seen = vectors.tolist()
            return super().judge(candidates, None)

    rows = candidates(["a"] * 4)
    for n, row in enumerate(rows):
        spans = tuple(Span(start=at, end=at + 1, label="x") for at in range(n))
        object.__setattr__(row.example, "target", Annotation(entities=spans))
    first = Seeing("first", rejects=lambda text: text == "text 2")
    second = OfMentions("second", by_meaning=True)
    verdicts = [[] for _ in rows]
    asyncio.run(Screening([first, second], Placed()).by_meaning(rows, verdicts))

    assert first.vectors == [[0, 1, 2, 3]]
    assert second.seen == [[1, 0, 1], [3, 0, 1], [3, 1, 2], [3, 2, 3]]
    assert names(verdicts)[2] == ["first"]


def test_no_rows_are_nobodys_business():
    encoder, judge = Numbers(), Judge("words")
    assert screened(Screening([judge, Seeing("meant")], encoder), 0) == []
    assert (encoder.asked, judge.batches) == ([], [])


def test_both_texts_of_a_pair_are_embedded_together():
    class Remembering(Numbers):
        def encode(self, texts):
            self.asked.append(list(texts))
            return np.zeros((len(texts), 1), dtype=np.float32)

    encoder = Remembering()
    screening = Screening([Seeing("meant")], encoder)
    (row,) = candidates(["a"])
    object.__setattr__(row.example, "text_pair", "and the answer")
    asyncio.run(screening.by_meaning([row], [[]]))

    assert encoder.asked == [["text 0\nand the answer"]]


async def test_the_loop_goes_on_while_texts_are_embedded():
    class Slow(Numbers):
        def encode(self, texts):
            asyncio.run_coroutine_threadsafe(ticking(), loop).result(timeout=10)
            return super().encode(texts)

    async def ticking():
        ticked.append(True)

    loop, ticked = asyncio.get_running_loop(), []
    await Screening([Seeing("meant")], Slow()).by_meaning(candidates(["a"]), [[]])

    assert ticked == [True]


async def test_a_slow_filter_judges_what_the_others_left_while_the_loop_goes_on():
    class Slow(Seeing):
        slow = True

        def judge(self, candidates, vectors):
            asyncio.run_coroutine_threadsafe(ticking(), loop).result(timeout=10)
            return super().judge(candidates, vectors)

    async def ticking():
        ticked.append(True)

    loop, ticked = asyncio.get_running_loop(), []
    slow, quick = Slow("slow"), Seeing("quick", rejects=lambda text: text == "text 1")
    rows = candidates(["a"] * 3)
    verdicts = [[] for _ in rows]
    await Screening([slow, quick], Numbers()).by_meaning(rows, verdicts)

    assert ticked == [True]
    assert slow.vectors == [[0.0, 2.0]]
    assert names(verdicts) == [["quick", "slow"], ["quick"], ["quick", "slow"]]


def test_the_first_gate_that_rejects_is_the_last_to_be_asked():
    gates = [
        Judge(name, rejects=lambda text, name=name: name == "two", sequential=True)
        for name in ("one", "two", "three")
    ]
    verdicts = Screening(gates, None).at_the_gates(candidates(["a"])[0])

    assert names([verdicts]) == [["one", "two"]]
    assert rejected(verdicts)
    assert gates[2].batches == []


def test_every_filter_takes_note_of_an_accepted_row():
    filters = [Judge("words"), Seeing("meant"), Judge("gate", sequential=True)]
    Screening(filters, None).observe(candidates(["a"])[0].example)

    assert [each.observed for each in filters] == [["text 0"]] * 3


def test_an_abstention_rejects_nothing():
    abstained = Verdict(filter="leak", outcome="abstained", reason="no_holdout")
    assert not rejected([abstained, Verdict(filter="length", outcome="passed")])
    assert not rejected([])


def test_a_gate_by_meaning_is_given_the_vector_of_its_row():
    encoder, gate = Numbers(), Seeing("gate", sequential=True)
    screening = Screening([Judge("plain", sequential=True), gate], encoder)
    rows, (own,) = candidates(["a"]), screened(screening, 1)
    screening.at_the_gates(rows[0])

    assert own == []
    assert encoder.asked == [["text 0"], ["text 0"]], "a loop that judges must not wait for it"
    assert gate.vectors == [[0.0]]


@given(flagged=st.sets(st.sampled_from(["words", "meant", "gate"])))
def test_a_filter_that_is_to_flag_rejects_nothing_and_tells_what_it_would_have(flagged):
    judges = [Judge("words", rejects=lambda text: text == "text 0"),
              Judge("meant", rejects=lambda text: text == "text 1", by_meaning=True),
              Judge("gate", rejects=lambda text: text == "text 2", sequential=True)]  # fmt: skip
    screening = Screening(judges, None, flag=flagged)
    rows = candidates(["a"] * 4)
    verdicts = screening.by_words(rows)
    asyncio.run(screening.by_meaning(rows, verdicts))
    for row, own in zip(rows, verdicts, strict=True):
        own += [] if rejected(own) else screening.at_the_gates(row)

    for number, (judge, own) in enumerate(zip(judges, verdicts, strict=False)):
        last = "flagged" if judge.name in flagged else "rejected"
        assert [(each.outcome, each.reason) for each in own if each.filter == judge.name] == [
            (last, "told")
        ]
        assert rejected(own) is (judge.name not in flagged)
        assert len(own) == (3 if judge.name in flagged else number + 1)
    assert {each.outcome for each in verdicts[3]} == {"passed"}


class Settler(Judge):
    """A filter by the batch that settles at a row's turn: no text twice among the accepted."""

    def settle(self, candidate, verdict):
        again = candidate.example.text in self.observed
        return replace(verdict, outcome="rejected", reason="again") if again else verdict


def in_turn(screening, rows):
    """Judge rows by the batch, then each at its turn; those that pass are accepted."""
    verdicts = screening.by_words(rows)
    found = []
    for row, own in zip(rows, verdicts, strict=True):
        found.append(screening.settled(row, own))
        if not rejected(found[-1]):
            found[-1] += screening.last(row, found[-1], arrival=1)
        if not rejected(found[-1]):
            screening.observe(row.example)
    return found


def test_a_verdict_is_settled_by_the_rows_accepted_before_and_nobody_sees_the_row_after_it():
    gate = Judge("gate", sequential=True)
    screening = Screening([Settler("settler"), Judge("later"), gate], None)
    first, second = in_turn(screening, candidates(["a"] * 2, ["same", "same"]))

    assert names([first, second]) == [["settler", "later", "gate"], ["settler"]]
    assert second[0].reason == "again"
    assert gate.saw == ["same"]


def test_what_a_filter_settles_comes_before_what_a_later_one_has_rejected():
    later = Judge("later", rejects=lambda text: text == "same")
    settler = Settler("settler")
    settler.observed.append("same")
    (own,) = in_turn(Screening([settler, later], None), candidates(["a"], ["same"]))

    assert names([own]) == [["settler"]]


def test_what_a_filter_that_flags_settles_is_flagged():
    screening = Screening([Settler("settler")], None, flag=["settler"])
    _, second = in_turn(screening, candidates(["a"] * 2, ["same", "same"]))

    assert [(each.outcome, each.reason) for each in second] == [("flagged", "again")]


def test_the_jury_hears_what_was_settled():
    heard = []

    class Hearing(Nobody):
        def judge(self, row, arrival, verdicts):
            heard.append([verdict.outcome for verdict in verdicts])
            return []

    in_turn(
        Screening([Settler("settler")], None, Hearing(), flag=["settler"]),
        candidates(["a"] * 2, ["same", "same"]),
    )
    assert heard == [["passed"], ["flagged"]]
