"""Where the best of near-duplicates is kept, the best rows come first."""

from __future__ import annotations

import asyncio
from functools import partial
from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st
from small_pipelines import Judge, checked
from small_runs import answer

from augment.engines.file import FileRows
from augment.filters.near_duplicate import NearDuplicate
from augment.plan.given import given_ask
from augment.ranking import GivenRows, best_first
from augment.records import Verdict
from augment.screening import Screening
from augment.tasks.classification import Classification
from augment.tokens import words

THRESHOLD = 0.5
SCORES = st.none() | st.sampled_from([-1.0, 0.0, 0.5, 2.0])
ROWS = st.lists(
    st.tuples(st.lists(st.sampled_from("abcde"), max_size=4), SCORES, SCORES, st.booleans()),
    min_size=1,
    max_size=25,
)
"""Words of a text, its scores by agreement and similarity, and whether a filter rejects it."""


class Scored(Judge):
    """Gives each text the score that it is told to."""

    def __init__(self, name, scores):
        super().__init__(name)
        self._scores = scores

    def judge(self, candidates, vectors):
        return [
            Verdict(filter=self.name, outcome="abstained" if score is None else "passed",
                    score=score)
            for score in (self._scores[row.example.text] for row in candidates)
        ]  # fmt: skip


def texts_of(rows):
    return [" ".join([f"row{number}", *own]) for number, (own, *_) in enumerate(rows)]


def screens(rows):
    texts = texts_of(rows)
    bad = {text for text, row in zip(texts, rows, strict=True) if row[3]}
    return [
        Judge("form", rejects=bad.__contains__),
        Scored("agreement", {text: row[1] for text, row in zip(texts, rows, strict=True)}),
        Scored("similarity", {text: row[2] for text, row in zip(texts, rows, strict=True)}),
    ]


def ordered(rows, *, broken=()):
    labels = [("a",)] * len(rows)
    answers = [answer(text, ("a",)).text for text in texts_of(rows)]
    for place in broken:
        answers[place] = "no JSON"
    ask = partial(given_ask, labels=labels)
    given_rows = GivenRows(task=Classification(("a", "b")), ask=ask, answers=answers)
    return asyncio.run(best_first(given_rows, Screening(screens(rows), None))).tolist()


@given(ROWS)
def test_the_surest_label_comes_first_then_the_nearest_to_a_seed_then_the_first(rows):
    def rank(place):
        _, margin, cosine, rejected = rows[place]
        none = float("inf")
        if rejected:
            return none, none, place
        return (none if margin is None else margin), (none if cosine is None else -cosine), place

    assert ordered(rows) == sorted(range(len(rows)), key=rank)


def test_what_is_no_row_comes_last():
    rows = [(["a"], 1.0, None, False), (["b"], 0.0, None, False), (["c"], -1.0, None, False)]
    assert ordered(rows, broken=[2]) == [1, 0, 2]


def jaccard(one, other):
    mine, theirs = set(words(one)), set(words(other))
    return len(mine & theirs) / len(mine | theirs)


@given(rows=ROWS)
def test_no_two_near_duplicates_are_kept_and_each_rejected_names_one_that_is_as_good(
    tmp_path_factory, rows
):
    texts, order = texts_of(rows), ordered(rows)
    engine = FileRows([answer(text, ("a",)).text for text in texts], model="rows")
    filters = [*screens(rows), NearDuplicate(threshold=THRESHOLD)]
    decisions = asyncio.run(
        checked(tmp_path_factory.mktemp("run"), engine, filters, rows=len(rows), order=order)
    )
    kept = {place for place, each in zip(order, decisions, strict=True) if each.accepted}

    for one, other in combinations(sorted(kept), 2):
        assert jaccard(texts[one], texts[other]) < THRESHOLD
    for place, each in zip(order, decisions, strict=True):
        if not each.accepted and each.rejection.filter == "near_duplicate":
            named = int((each.rejection.detail or "").removeprefix("repeats ").split("-")[0], 16)
            assert named in kept
            assert order.index(named) < order.index(place)
            assert jaccard(texts[named], texts[place]) >= THRESHOLD
