from __future__ import annotations

from collections.abc import Sequence

import pytest

from augment.filters.copy import Copy
from augment.filters.leak import Leak
from augment.filters.near_index import FLOOR
from augment.protocols import Filter
from augment.records import Ask, Candidate, Example, Verdict

ASK = Ask(number=0, strategy="fewshot", labels=("refund",))
TEXT = "I would like to have my money back for the broken kettle please"
TEMPLATED = [f"please send a new card to my flat in {number}" for number in range(20)]


def examples(texts: Sequence[str]) -> list[Example[str]]:
    return [
        Example(id=f"s{number}", text=text, target="refund") for number, text in enumerate(texts)
    ]


def judged(by: Filter, texts: Sequence[str]) -> list[Verdict]:
    rows = [Candidate(example=row, ask=ASK, key="k", index=0) for row in examples(texts)]
    return by.judge(rows, None)


def copy_of(seeds: Sequence[str], threshold: float | None = None) -> Copy:
    by = Copy(threshold=threshold)
    by.fit(examples(seeds), None)
    return by


def test_a_copy_of_a_seed_names_the_seed() -> None:
    near, same, other = judged(
        copy_of(["hello there", TEXT]), [TEXT.replace("kettle", "lamp"), TEXT.upper(), "bye now"]
    )
    assert (near.outcome, near.reason, near.detail) == ("rejected", "copy_of_seed", "repeats s1")
    assert (near.score, near.threshold) == (12 / 14, FLOOR)
    assert (same.reason, same.score) == ("copy_of_seed", 1.0)
    assert (other.outcome, other.score, other.threshold) == ("passed", None, FLOOR)


def test_accepted_rows_cannot_be_copied() -> None:
    by = copy_of(["hello there"])
    by.observe(examples([TEXT]))
    assert judged(by, [TEXT])[0].outcome == "passed", "an accepted row was taken for a seed"


def test_rows_as_alike_as_the_seeds_are_no_copies_unless_the_threshold_is_given() -> None:
    row = ["please send a new card to my flat in Rome"]
    assert judged(copy_of(TEMPLATED), row)[0].outcome == "passed"
    assert judged(copy_of(TEMPLATED, threshold=0.8), row)[0].outcome == "rejected"


def test_a_row_of_the_holdout_is_a_leak_however_alike_the_seeds_are() -> None:
    by = Leak(examples([TEXT, *TEMPLATED]))
    by.fit(examples(TEMPLATED), None)
    by.observe(examples(["hello there"]))
    leak, near, other = judged(
        by, [TEXT, "please send a new card to my flat in Rome", "hello there"]
    )
    assert (leak.outcome, leak.reason, leak.detail) == ("rejected", "leak", "repeats s0")
    assert (near.reason, near.threshold) == ("leak", FLOOR), "the seeds moved the threshold"
    assert other.outcome == "passed"


@pytest.mark.parametrize("rows", [0, 2])
def test_without_a_holdout_nothing_is_said_of_leaks(rows: int) -> None:
    verdicts = judged(Leak([]), [TEXT] * rows)
    assert [(one.outcome, one.reason) for one in verdicts] == [("abstained", "no_holdout")] * rows
