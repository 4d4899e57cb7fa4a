"""Passages are found wherever they stand in either text, and told by their longest run."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from augment.filters.copy import Copy
from augment.filters.leak import Leak
from augment.filters.passages import Passages, _Index, _Runs
from augment.protocols import Filter
from augment.records import Ask, Candidate, Example, Verdict
from augment.tokens import words

ASK = Ask(number=0, strategy="fewshot", labels=("refund",))
HELD = "the kettle that came on monday leaks at the bottom and has flooded our kitchen floor twice"
AROUND = [f"word{n}" for n in range(60)]


def with_passage(first: int, last: int) -> str:
    """Return sixty other words with some of the passage among them."""
    return " ".join([*AROUND[:30], *HELD.split()[first:last], *AROUND[30:]])


def examples(texts: Sequence[str]) -> list[Example[str]]:
    return [Example(id=f"s{n}", text=text, target="refund") for n, text in enumerate(texts)]


def judged(by: Filter, *texts: str) -> list[Verdict]:
    rows = [Candidate(example=row, ask=ASK, key="k", index=0) for row in examples(texts)]
    return by.judge(rows, None)


def copy_of(seeds: Sequence[str]) -> Copy:
    by = Copy()
    by.fit(examples(seeds), None)
    return by


@pytest.mark.parametrize("by", [Leak(examples(["hello", HELD])), copy_of([HELD, "x"])])
def test_thirteen_words_in_a_row_are_enough_and_twelve_are_not(by: Filter) -> None:
    twelve, thirteen, capitals = judged(
        by, with_passage(0, 12), with_passage(2, 15), with_passage(2, 15).upper()
    )
    assert twelve.outcome == "passed"
    assert (thirteen.outcome, thirteen.score) == ("rejected", 13.0)
    assert capitals.outcome == "rejected"


def test_a_long_text_may_lend_twelve_words_and_no_more() -> None:
    long = f"{HELD} {' '.join(AROUND[::-1])}"
    by = Leak(examples([long]))
    row = " ".join(f"other{n}" for n in range(40))
    for count, outcome in ((12, "passed"), (13, "rejected")):
        (one,) = judged(by, f"{row} {' '.join(HELD.split()[:count])} {row}")
        assert one.outcome == outcome
    assert one.detail is not None
    assert one.detail.startswith("repeats 13 words in a row of s0")


def test_a_short_text_that_stands_whole_in_a_long_row_is_found() -> None:
    short = " ".join(HELD.split()[:9])
    (one,) = judged(Leak(examples([short])), with_passage(0, 9))
    assert (one.outcome, one.reason, one.score) == ("rejected", "leak", 9.0)
    assert one.detail is not None
    assert "100%" in one.detail


def test_passages_that_seeds_share_among_themselves_are_no_copies() -> None:
    footer = " ".join(AROUND[:20])
    seeds = [f"{first} {footer}" for first in ("my card is lost", "I want to pay", "no parcel yet")]
    row = f"a wholly other thing that nobody has ever said to anybody at all here {footer} {HELD}"
    assert judged(copy_of(seeds), row)[0].outcome == "passed"
    assert judged(copy_of(seeds[:1]), row)[0].reason == "copy_of_seed"


def test_texts_under_eight_words_share_no_passage() -> None:
    passages = Passages()
    passages.add("a", "one two three four five six seven")
    assert passages.shared(["one two three four five six seven"]) == [None]
    assert Passages().shared([HELD]) == [None]


@given(st.lists(st.lists(st.sampled_from("ab"), max_size=12), min_size=1, max_size=12))
def test_many_texts_at_once_share_what_each_does_alone_and_none_with_its_neighbour(
    texts: list[list[str]],
) -> None:
    passages = Passages()
    for name, text in enumerate(texts):
        passages.add(str(name), " ".join(text))
    together = passages.shared([" ".join(text) for text in texts])
    assert together == [passages.shared([" ".join(text)])[0] for text in texts]
    for text, found in zip(texts, together, strict=True):
        assert (found is None) == (len(text) < 8)
        assert found is None or (found.run == len(text) and found.share == 1.0)


def test_what_stands_in_very_many_texts_is_found_in_the_first_of_them() -> None:
    passages = Passages()
    for name in range(200):
        passages.add(str(name), f"{HELD} and {name}")
    found = passages.shared([HELD, HELD], but=["0", None])
    assert [one and (one.id, one.run) for one in found] == [("1", 17), ("0", 17)]


@given(
    st.lists(st.sampled_from("abc"), min_size=8, max_size=40),
    st.lists(st.sampled_from("abc"), min_size=8, max_size=40),
)
def test_the_longest_run_is_the_longest_common_substring(one: list[str], other: list[str]) -> None:
    passages = Passages()
    passages.add("other", " ".join(other))
    longest = max(
        (
            size
            for size in range(1, 41)
            for start in range(len(one) - size + 1)
            if any(one[start : start + size] == other[at : at + size] for at in range(len(other)))
        ),
        default=0,
    )
    (found,) = passages.shared([" ".join(one)])
    assert words(" ".join(one)) == one
    assert (0 if found is None else found.run) == (longest if longest >= 8 else 0)


def test_runs_of_one_hash_are_told_apart_by_their_words() -> None:
    runs = _Runs.of(array("I", [*range(8), *range(8, 16), *range(8)]), array("q", [0, 8, 16]))
    alike = replace(runs, hashes=np.zeros_like(runs.hashes))
    assert list(_Index.of(alike).hits(alike)) == [(0, 0), (0, 16), (8, 8), (16, 0), (16, 16)]
