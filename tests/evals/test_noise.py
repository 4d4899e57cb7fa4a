"""Habits of writing are counted in seeds and rows alike, in any script."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.noise import HABITS, TYPOS, Noise


def habits_of(text: str) -> set[str]:
    noise = Noise()
    noise.add("", to="seeds")
    noise.add(text, to="accepted")
    return {each["habit"] for each in noise.figures() if each["accepted"]["with"]}


@pytest.mark.parametrize(
    ("text", "habits"),
    [
        ("Where is it?", {"begins with a capital", "ends with a full stop, ! or ?"}),
        ("where is it", {"has no capital at all"}),
        ("WHY", {"begins with a capital", "is in capitals"}),
        ("sooo late, again", {"has a letter three times in a row", "has a comma",
                              "has no capital at all"}),
        ("oh no 😀", {"has an emoji or emoticon", "has no capital at all"}),
        ("oh no :-(", {"has an emoji or emoticon", "has no capital at all"}),
        ("2 days!!", {"has a digit", "has marks in a row (!!, ...)", "has no capital at all",
                      "ends with a full stop, ! or ?"}),
        ("“Gone.”", {"begins with a capital", "ends with a full stop, ! or ?"}),
        ("我的包裹在哪里?", {"ends with a full stop, ! or ?"}),
        ("", set()),
    ],
)  # fmt: skip
def test_each_habit_is_seen(text: str, habits: set[str]) -> None:
    assert habits_of(text) == habits


@pytest.mark.parametrize("slip", ["adress", "addrress", "adderss", "addross"])
def test_a_slip_is_a_rare_word_beside_a_common_one(slip: str) -> None:
    noise = Noise()
    for _ in range(12):
        noise.add("change my address", to="seeds")
    noise.add(f"change my {slip}", to="accepted")
    (told,) = (each for each in noise.figures() if each["habit"] == TYPOS)
    assert (told["seeds"]["with"], told["accepted"]["with"]) == (0, 1)


@pytest.mark.parametrize("word", ["addresses", "address", "addressed", "dress", "mess", "undress"])
def test_inflected_and_other_words_are_no_slips(word: str) -> None:
    noise = Noise()
    for _ in range(12):
        noise.add("change my address", to="seeds")
    noise.add(f"change my {word}", to="accepted")
    (told,) = (each for each in noise.figures() if each["habit"] == TYPOS)
    assert told["accepted"]["with"] == 0


@given(st.lists(st.text(max_size=30), max_size=8), st.lists(st.text(max_size=30), max_size=8))
def test_no_habit_is_counted_more_often_than_there_are_texts(
    seeds: list[str], rows: list[str]
) -> None:
    noise = Noise()
    for name, texts in (("seeds", seeds), ("accepted", rows)):
        for text in texts:
            noise.add(text, to=name)
    found = noise.figures()
    assert len(found) == (len(HABITS) + 1 if seeds and rows else 0)
    for each in found:
        assert 0 <= each["seeds"]["with"] <= each["seeds"]["n"] == len(seeds)
        assert 0 <= each["accepted"]["with"] <= each["accepted"]["n"] == len(rows)


def test_a_word_without_end_takes_no_time() -> None:
    assert habits_of("a" * 1_000_000) == {
        "has no capital at all",
        "has a letter three times in a row",
    }
