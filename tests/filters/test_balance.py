"""Groups kept level within each label."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from augment.filters.balance import Balance
from augment.identities.terms import Identities, axes_of
from augment.records import Ask, Candidate, Example, Verdict

ENGLISH = Identities(axes_of("en"), languages=("en",))
ASK = Ask(number=0, strategy="fewshot", labels=("a",))


def example(text: str, label: str | tuple[str, ...] = "a") -> Example[str | tuple[str, ...]]:
    return Example(id="1", text=text, target=label)


def fitted(*seeds: str, **target: dict[str, float]) -> Balance:
    by = Balance(ENGLISH, target=target)
    by.fit([example(text) for text in seeds], None)
    return by


def judged(by: Balance, text: str, label: str | tuple[str, ...] = "a") -> Verdict:
    (verdict,) = by.judge(
        [Candidate(example=example(text, label), ask=ASK, key="k", index=0)], None
    )
    if verdict.outcome == "passed":
        by.observe([example(text, label)])
    return verdict


def test_a_group_may_not_run_ahead_of_the_other_within_a_label() -> None:
    by = fitted("hello")
    outcomes = [judged(by, text).outcome for text in ("she left", "she came", "she spoke")]
    assert outcomes == ["passed", "passed", "rejected"]
    verdict = judged(by, "she sang")
    assert (verdict.reason, verdict.score, verdict.threshold) == ("balance", 1.0, 0.5)
    assert verdict.detail == "3 of 3 mentions by gender in 'a' would be of women"
    assert judged(by, "she left", "b").outcome == "passed"
    assert judged(by, "he left").outcome == "passed"
    assert judged(by, "she sang").outcome == "passed"


def test_rows_without_a_group_and_groups_that_no_seed_names_pass() -> None:
    by = fitted("a Muslim man", "a Jewish man")
    assert [judged(by, "Sikhs are here").outcome for _ in range(5)] == ["passed"] * 5
    assert judged(by, "no one").score is None
    outcomes = [judged(by, "Muslims are here").outcome for _ in range(3)]
    assert outcomes == ["passed", "passed", "rejected"]


def test_a_target_sets_the_shares() -> None:
    by = fitted(gender={"women": 3, "men": 1})
    found = [judged(by, text).outcome for text in ["he left", "he came", "she left", "she came"]]
    assert found == ["passed", "rejected", "passed", "passed"]
    for number in range(40):
        judged(by, f"{'he' if number % 2 else 'she'} went {number}")
    verdict = judged(by, "he said so")
    assert (verdict.outcome, verdict.threshold) == ("rejected", 0.25)


def test_without_groups_to_level_it_abstains() -> None:
    by = Balance(Identities([]))
    by.fit([example("she left")], None)
    verdict = judged(by, "he left")
    assert (verdict.outcome, verdict.reason) == ("abstained", "no_groups")


@given(
    st.lists(st.tuples(st.sampled_from(["she", "he", "she and he", "it"]), st.sampled_from("ab")))
)
def test_no_order_of_rows_puts_a_label_out_of_level(rows) -> None:
    by = fitted()
    counts = {"a": Counter[str](), "b": Counter[str]()}
    for text, label in rows:
        if judged(by, text, label).outcome == "passed":
            counts[label].update(word for word in text.split() if word in {"she", "he"})
    assert all(abs(own["she"] - own["he"]) <= 2 for own in counts.values())
