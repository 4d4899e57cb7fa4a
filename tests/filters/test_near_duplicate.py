from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from augment.filters.near_duplicate import NearDuplicate
from augment.filters.near_index import FLOOR
from augment.filters.seed_threshold import seed_threshold
from augment.records import Ask, Candidate, Example, Target, Verdict

ASK = Ask(number=0, strategy="fewshot", labels=("refund",))
TEXT = "I would like to have my money back for the broken kettle please"


def example(text: str, *, pair: str | None = None, row: str = "r1", target: Target = "refund"):
    return Example(id=row, text=text, text_pair=pair, target=target, origin="generated")


def judged(by: NearDuplicate, text: str, *, pair: str | None = None) -> Verdict:
    row = Candidate(example=example(text, pair=pair), ask=ASK, key="k", index=0)
    (verdict,) = by.judge([row], None)
    return verdict


def fitted(threshold: float | None = None) -> NearDuplicate:
    by = NearDuplicate(threshold=threshold)
    by.fit([example(TEXT, row="s1")], None)
    return by


def test_a_row_repeats_accepted_rows_only() -> None:
    by = fitted()
    for _ in range(2):
        verdict = judged(by, TEXT)
        assert verdict.outcome == "passed", "a seed or a candidate was taken for an accepted row"
        assert verdict.score is None, "nothing was compared, and still there is a score"
        assert verdict.threshold == FLOOR
    by.observe([example(TEXT, row="r7")])
    assert judged(by, TEXT).outcome == "rejected"


@given(st.lists(st.text(st.characters(exclude_categories=())), min_size=1, max_size=5))
def test_what_was_observed_is_rejected_whatever_it_holds(texts: list[str]) -> None:
    by = fitted(threshold=1.0)
    by.observe([example(text, row=f"r{number}") for number, text in enumerate(texts)])
    for text in texts:
        verdict = judged(by, text)
        assert verdict.reason == "duplicate", f"{text!a} was let through twice: {verdict}"
        assert verdict.score == 1.0


def test_the_same_words_are_a_duplicate_and_most_of_them_a_near_duplicate() -> None:
    by = fitted()
    by.observe([example(TEXT, row="r7")])
    same = judged(by, f"“{TEXT.upper()}!”")
    assert (same.reason, same.detail) == ("duplicate", "repeats r7")
    near = judged(by, TEXT.replace("kettle", "lamp"))
    assert (near.reason, near.score, near.threshold) == ("near_duplicate", 12 / 14, FLOOR)
    mixed = judged(by, " ".join(reversed(TEXT.split())))
    assert (mixed.reason, mixed.score) == ("near_duplicate", 1.0), "another order, other words"


def test_a_row_under_the_threshold_passes_with_its_similarity() -> None:
    by = fitted(threshold=0.9)
    by.observe([example(TEXT)])
    verdict = judged(by, TEXT.replace("kettle", "lamp"))
    assert (verdict.outcome, verdict.score, verdict.threshold) == ("passed", 12 / 14, 0.9)


def test_both_texts_of_a_pair_are_compared() -> None:
    by, pair = fitted(), "A kettle came broken and should be refunded to the buyer"
    by.observe([example(TEXT, pair=pair)])
    assert judged(by, TEXT, pair=pair).reason == "duplicate"
    other = judged(by, TEXT, pair="Somebody writes about a wedding in the mountains of Georgia")
    assert other.outcome == "passed", "the second text was not compared"


@pytest.mark.parametrize("target", ["refund", ("refund", "praise"), ()])
def test_alike_seeds_of_one_label_raise_the_threshold(target: Target) -> None:
    texts = [f"please send a new card to my flat in {number}" for number in range(20)]
    seeds = [example(text, target=target) for text in texts]
    assert seed_threshold(seeds) > 9 / 11, "the seeds' label was not read"
    apart = [example(text, target=f"label {text}") for text in texts]
    assert seed_threshold(apart) == FLOOR, "pairs across labels were counted"
    by = NearDuplicate()
    by.fit(seeds, None)
    by.observe(seeds[:1])
    assert judged(by, texts[1]).outcome == "passed", "a row as alike as the seeds was rejected"
