"""Rows are let through until their words would tell labels as the seeds' words do not."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from augment.filters.give_away import GiveAways, share_interval
from augment.filters.shortcuts import Shortcuts
from augment.records import Ask, Candidate, Example, Verdict

ASK = Ask(number=0, strategy="fewshot", labels=())
ORDINARY = ("where", "is", "my", "parcel", "today", "please", "thanks", "monday", "again", "now")


def row(text: str, *labels: str) -> Example[str | tuple[str, ...]]:
    return Example(id="r", text=text, target=labels[0] if len(labels) == 1 else labels)


def ordinary(rng: random.Random) -> str:
    return " ".join(rng.sample(ORDINARY, 4))


def seeds(each: int = 10) -> list[Example[str | tuple[str, ...]]]:
    rng = random.Random(0)
    return [row(ordinary(rng), label) for label in ("refund", "GetWeather") for _ in range(each)]


def fitted(examples: Sequence[Example[str | tuple[str, ...]]]) -> Shortcuts:
    by = Shortcuts()
    by.fit(examples, None)
    return by


def judged(by: Shortcuts, example: Example[str | tuple[str, ...]]) -> Verdict:
    (verdict,) = by.judge([Candidate(example=example, ask=ASK, key="k", index=0)], None)
    if verdict.outcome != "rejected":
        by.observe([example])
    return verdict


def with_word(by: Shortcuts, word: str, *, rows: int = 60) -> list[Verdict]:
    """Judge rows of two labels in turn, with the word in every one of the first."""
    rng = random.Random(1)
    verdicts: list[Verdict] = []
    for _ in range(rows):
        verdicts.append(judged(by, row(f"{word} {ordinary(rng)}", "refund")))
        judged(by, row(ordinary(rng), "GetWeather"))
    return verdicts


def test_a_word_that_no_seed_holds_is_held_back_once_it_tells_the_label() -> None:
    by = fitted(seeds())
    verdicts = with_word(by, "kindly")
    rejected = [one for one in verdicts if one.outcome == "rejected"]
    assert len(rejected) == 60 - verdicts.index(rejected[0]), "it was let through again"
    first = rejected[0]
    assert (first.reason, first.threshold) == ("shortcut", 3.0)
    assert first.score is not None
    assert first.score >= 3
    assert first.detail == (
        "'kindly' would stand in 11 of 11 rows of refund, and does in 0 of 10 seeds, "
        "which allow 40%"
    )


def test_rows_without_it_make_room_for_it_again() -> None:
    by, rng = fitted(seeds()), random.Random(2)
    held = sum(one.outcome == "passed" for one in with_word(by, "kindly"))
    assert by.to_avoid(["refund"]) == ("kindly",)
    for _ in range(4 * held):
        judged(by, row(ordinary(rng), "refund"))
    assert "kindly" not in by.to_avoid(["refund"])
    assert judged(by, row("kindly where", "refund")).outcome == "passed"


def test_a_word_that_the_seeds_hold_too_may_go_on() -> None:
    known = [row(f"kindly {each.text}", "refund") for each in seeds() if each.target == "refund"]
    known += [each for each in seeds() if each.target != "refund"]
    assert {one.outcome for one in with_word(fitted(known), "kindly")} == {"passed"}


def test_a_word_of_all_labels_gives_none_away() -> None:
    by, rng = fitted(seeds()), random.Random(3)
    rows = [row(f"kindly {ordinary(rng)}", label) for label in ("refund", "GetWeather") * 40]
    rng.shuffle(rows)
    assert {judged(by, each).outcome for each in rows} == {"passed"}


@pytest.mark.parametrize("text", ["get weather", "GET WEATHER!", "weather"])
def test_the_labels_own_name_is_suspected_first(text: str) -> None:
    by, rng = fitted(seeds()), random.Random(4)
    for _ in range(60):
        judged(by, row(f"{text} {ordinary(rng)}", "GetWeather"))
        judged(by, row(ordinary(rng), "refund"))
    assert by.to_avoid(["GetWeather"])[0] in {"get weather", "get", "weather"}
    verdict = judged(by, row(f"{text} now", "GetWeather"))
    assert (verdict.outcome, verdict.threshold) == ("rejected", 2.0)
    assert judged(by, row(f"{text} now", "refund")).outcome == "passed"


def test_what_is_avoided_is_what_the_next_row_would_be_rejected_for() -> None:
    by = fitted(seeds())
    with_word(by, "kindly refund")
    avoided = by.to_avoid(["refund", "GetWeather", "refund"])
    assert set(avoided) == {"refund", "kindly"}
    assert avoided[0] == "refund", "the name comes first"


def test_the_statement_says_the_same_before_and_after() -> None:
    """What was held back stands in the rejected rows: a run that goes on judges none anew."""
    by = fitted(seeds())
    before = by.calibration
    with_word(by, "kindly")
    assert before == by.calibration is not None


def test_words_to_avoid_are_found_again_when_they_come_back() -> None:
    by = fitted(seeds())
    with_word(by, "kindly")
    assert "kindly" in by.to_avoid(["refund"])
    by.observe([row(f"something {n} else", "refund") for n in range(400)])
    assert "kindly" not in by.to_avoid(["refund"])
    by.observe([row(f"kindly {n} do", "refund") for n in range(900)])
    assert "kindly" in by.to_avoid(["refund"])


@pytest.mark.parametrize(
    ("examples", "reason"),
    [([], "no_seeds"), (seeds()[:10], "one_label"), (seeds(4), "too_few_seeds")],
)
def test_without_a_basis_it_abstains(
    examples: list[Example[str | tuple[str, ...]]], reason: str
) -> None:
    by = fitted(examples)
    assert by.calibration is None
    verdict = judged(by, row("refund", "refund"))
    assert (verdict.outcome, verdict.reason) == ("abstained", reason)


def test_of_several_labels_each_is_looked_at() -> None:
    two = [row(each.text, str(each.target), "other") for each in seeds()]
    by, rng = fitted(two), random.Random(5)
    for _ in range(40):
        judged(by, row(f"kindly {ordinary(rng)}", "other", "refund"))
        judged(by, row(ordinary(rng), "other", "GetWeather"))
    verdict = judged(by, row("kindly now", "other", "refund"))
    assert verdict.outcome == "rejected"
    assert "of refund" in (verdict.detail or "")
    assert judged(by, row("kindly now")).outcome == "abstained", "it bears no label"


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sets(st.sampled_from("uvwxyz"))), max_size=60))
def test_the_order_of_rows_changes_no_count(rows: list[tuple[str, set[str]]]) -> None:
    known = [row("u v", "a"), row("w", "b")]
    there, back = GiveAways(known), GiveAways(known)
    for label, found in rows:
        there.add(row(" ".join(sorted(found)), label))
    for label, found in reversed(rows):
        back.add(row(" ".join(sorted(found)), label))
    for label in "ab":
        assert there.telling(label) == back.telling(label)
        assert there.at_the_limit(label) == back.at_the_limit(label)


@given(st.integers(1, 500), st.data())
def test_the_interval_of_a_share_holds_it(rows: int, data: st.DataObject) -> None:
    held = data.draw(st.integers(0, rows))
    low, high = share_interval(held, rows)
    assert -1e-9 <= low <= held / rows + 1e-9
    assert held / rows - 1e-9 <= high <= 1 + 1e-9
