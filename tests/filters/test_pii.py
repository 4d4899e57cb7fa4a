from __future__ import annotations

import pytest

from augment.filters.pii import Pii
from augment.records import Ask, Candidate, Example, Verdict

ASK = Ask(number=0, strategy="fewshot", labels=("a",))
REAL_MAIL = "write to lena.vogt@posthaus.de please"
REAL_CARD = "my card is 4556 7375 8689 9855"


def example(text: str, row: str = "1", pair: str | None = None) -> Example[str]:
    return Example(id=row, text=text, text_pair=pair, target="a")


def judged(by: Pii, text: str, pair: str | None = None) -> Verdict:
    row = Candidate(example=example(text, pair=pair), ask=ASK, key="k", index=0)
    (verdict,) = by.judge([row], None)
    return verdict


def fitted(*seeds: str, placeholders: str = "keep", changed: bool = False) -> Pii:
    by = Pii(placeholders=placeholders, changed=changed)  # type: ignore[arg-type]
    by.fit([example(seed, str(number)) for number, seed in enumerate(seeds)], None)
    return by


def test_personal_data_is_rejected_by_kind_and_never_repeated_in_the_reason() -> None:
    verdict = judged(fitted("hello"), f"{REAL_MAIL}, {REAL_CARD}")
    assert (verdict.outcome, verdict.reason) == ("rejected", "pii")
    assert verdict.detail == "holds e-mail address, card number"


def test_the_second_text_of_a_pair_is_looked_at_too() -> None:
    assert judged(fitted(), "hello", pair=REAL_MAIL).reason == "pii"


def test_placeholders_pass_with_a_remark_unless_they_are_to_be_rejected() -> None:
    text = "call 212-555-0142 or write to sam@example.org"
    kept = judged(fitted(), text)
    assert (kept.outcome, kept.detail) == (
        "passed",
        "holds a placeholder: phone number, e-mail address",
    )
    assert judged(fitted(placeholders="reject"), text).reason == "pii_placeholder"


def test_kinds_that_the_seeds_hold_are_let_through_but_never_what_a_seed_holds() -> None:
    by = fitted(REAL_MAIL, "hello", "how are you")
    other = judged(by, "write to otto@posthaus.de")
    assert (other.outcome, other.detail) == (
        "passed",
        "email is off: 33% of the seeds hold one",
    )
    assert judged(by, "LENA.VOGT@posthaus.de, please").reason == "pii_of_seed"
    assert by.calibration is not None
    assert "of 3: e-mail address 1" in by.calibration.statement


@pytest.mark.parametrize("seed", [REAL_CARD, "password: hunter22x"])
def test_checked_numbers_and_keys_are_rejected_whatever_the_seeds_hold(seed: str) -> None:
    by = fitted(*[seed] * 5)
    assert judged(by, "take 5425 2334 3010 9903").reason == "pii"
    assert judged(by, "my password is qwert99z").reason == "pii"


def test_one_seed_in_more_than_a_hundred_switches_nothing_off() -> None:
    by = fitted(REAL_MAIL, *["hello"] * 100)
    assert judged(by, "write to otto@posthaus.de").reason == "pii"


def test_seeds_without_personal_data_leave_nothing_to_say() -> None:
    assert fitted("hello", "call me").calibration is None
