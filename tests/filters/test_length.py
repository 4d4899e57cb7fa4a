from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from augment.filters.length import Length
from augment.records import Ask, Candidate, Example, Verdict

ASK = Ask(number=0, strategy="fewshot", labels=("a",))


def example(text: str, pair: str | None = None) -> Example[str]:
    return Example(id="1", text=text, text_pair=pair, target="a")


def judged(seeds: list[Example[str]], row: Example[str]) -> Verdict:
    by = Length()
    by.fit(seeds, None)
    by.observe([example("x" * 1000)])
    (verdict,) = by.judge([Candidate(example=row, ask=ASK, key="k", index=0)], None)
    return verdict


@given(st.lists(st.integers(1, 99), min_size=3, max_size=9), st.integers(0, 250))
def test_a_text_passes_from_half_the_shortest_to_twice_the_longest_seed(
    seeds: list[int], length: int
) -> None:
    verdict = judged([example("x" * seed) for seed in seeds], example("x" * length))
    assert verdict.score == length
    if length < min(seeds) / 2:
        assert (verdict.reason, verdict.threshold) == ("too_short", min(seeds) / 2)
    elif length > 2 * max(seeds):
        assert (verdict.reason, verdict.threshold) == ("too_long", 2 * max(seeds))
    else:
        assert verdict.outcome == "passed", f"{length} was rejected for seeds of {seeds}"


@pytest.mark.parametrize(
    ("length", "reason"), [(2, "too_short"), (3, None), (20, None), (21, "too_long")]
)
def test_the_bounds_themselves_are_let_through(length: int, reason: str | None) -> None:
    seeds = [example("x" * seed) for seed in (5, 7, 10)]
    assert judged(seeds, example("x" * length)).reason == reason


@pytest.mark.parametrize("count", [0, 2])
def test_under_three_seeds_there_is_no_basis(count: int) -> None:
    verdict = judged([example("hello")] * count, example("x" * 99))
    assert (verdict.outcome, verdict.reason) == ("abstained", "too_few_seeds")


def test_white_space_at_the_ends_does_not_make_a_text_longer() -> None:
    assert judged([example("twelve chars")] * 3, example("ab" + " " * 30)).reason == "too_short"


def test_the_second_text_has_a_range_of_its_own() -> None:
    seeds = [example("x" * 10, "y" * 100)] * 3
    assert judged(seeds, example("x" * 10, "y" * 100)).outcome == "passed"
    verdict = judged(seeds, example("x" * 10, "y" * 10))
    assert (verdict.reason, verdict.score, verdict.threshold) == ("too_short", 10, 50)
    assert verdict.detail == "the second text"


def test_a_second_text_that_too_few_seeds_have_is_not_judged() -> None:
    seeds = [example("x" * 10, "y" * 100), example("x" * 10), example("x" * 10)]
    assert judged(seeds, example("x" * 10, "y")).outcome == "passed"
