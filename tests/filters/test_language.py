"""Rows in another language than the seeds' are rejected, where there is enough to tell."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from py3langid import langid

from augment.filters.langid import languages, probabilities
from augment.filters.language import Language
from augment.records import Ask, Candidate, Example, Verdict

ASK = Ask(number=0, strategy="fewshot", labels=())
ENGLISH = (
    "where is my parcel, it should have been here on Tuesday",
    "can you tell me why my card was declined at the shop",
    "I would like to have my money back for this order",
    "please change the address on my account before Friday",
    "the driver never rang the bell and left a note",
    "how long does it take until the refund arrives",
)
GERMAN = (
    "wo bleibt mein Paket, es sollte doch am Dienstag kommen",
    "warum wurde meine Karte gestern im Laden abgelehnt",
    "ich möchte mein Geld für diese Bestellung zurück haben",
    "bitte ändern Sie die Anschrift in meinem Konto bis Freitag",
    "der Fahrer hat nicht geklingelt und nur einen Zettel dagelassen",
    "wie lange dauert es, bis die Erstattung bei mir ankommt",
)
CHINESE = ("我的包裹在哪里,应该星期二到的", "我想要退回这个订单的钱", "请在星期五之前更改我的地址")

OWN = langid.LanguageIdentifier.from_model_file(langid.MODEL_FILE, norm_probs=True)


def examples(texts: Sequence[str]) -> list[Example[str]]:
    return [Example(id=f"s{n}", text=text, target="x") for n, text in enumerate(texts)]


def judged(seeds: Sequence[str], *texts: str, threshold: float = 0.97) -> list[Verdict]:
    by = Language(threshold=threshold)
    by.fit(examples(seeds), None)
    rows = [Candidate(example=each, ask=ASK, key="k", index=0) for each in examples(texts)]
    return by.judge(rows, None)


@pytest.mark.parametrize(
    ("seeds", "others"), [(ENGLISH, GERMAN), (GERMAN, ENGLISH), (ENGLISH, CHINESE)]
)
def test_rows_in_another_language_are_rejected_and_the_seeds_own_pass(
    seeds: Sequence[str], others: Sequence[str]
) -> None:
    assert {one.outcome for one in judged(seeds, *seeds)} == {"passed"}
    assert {(one.outcome, one.reason) for one in judged(seeds, *others)} == {
        ("rejected", "language")
    }


def test_a_rejection_tells_both_languages_and_the_score() -> None:
    (one,) = judged(ENGLISH, GERMAN[0])
    assert one.detail == "looks like de, and the seeds are in en"
    assert one.score is not None
    assert one.threshold is not None
    assert one.score >= one.threshold == 0.97


def test_seeds_in_two_languages_allow_both_and_no_third() -> None:
    english, german, chinese = judged([*ENGLISH, *GERMAN], ENGLISH[0], GERMAN[0], CHINESE[0])
    assert (english.outcome, german.outcome, chinese.outcome) == ("passed", "passed", "rejected")


@pytest.mark.parametrize("text", ["ja", "12345", "😀 👍", "https://example.org/wo-bleibt-es", ""])
def test_what_is_too_short_to_tell_is_not_judged(text: str) -> None:
    (one,) = judged(ENGLISH, text)
    assert (one.outcome, one.reason) == ("abstained", "too_short_to_tell")


@pytest.mark.parametrize(
    ("seeds", "reason"),
    [((), "no_seeds"), (("ok", "no"), "too_few_seeds"), (("xqzv brtkl wmp ghj",), None)],
)
def test_without_a_basis_it_abstains(seeds: Sequence[str], reason: str | None) -> None:
    (one,) = judged(seeds, GERMAN[0])
    assert one.outcome == "abstained"
    assert one.reason == (reason or "mixed_languages")


def test_the_statement_tells_how_the_seeds_fare() -> None:
    by = Language()
    by.fit(examples(ENGLISH), None)
    assert by.calibration is not None
    assert by.calibration.statement == (
        "The seeds are in en. Rows are rejected from a probability of 0.97 of another language; "
        "0 of 6 seeds reach it."
    )
    assert len(by.calibration.scores) == 6


def test_the_threshold_can_be_set() -> None:
    mixed = "where is mein Paket geblieben, please tell me"
    lax, strict = (judged(ENGLISH, mixed, threshold=each)[0] for each in (1.0, 0.03))
    assert (lax.outcome, strict.outcome) == ("passed", "rejected")
    assert strict.detail is not None
    assert not strict.detail.startswith("looks like en"), "their own was named as another"


@given(st.lists(st.text(max_size=60) | st.sampled_from([*ENGLISH, *GERMAN, *CHINESE]), max_size=8))
@example(["", "\ud800 lone", "AN ALARM AT SEVEN", ENGLISH[0] * 40])
def test_the_probabilities_are_those_of_py3langid_to_the_last_bit(texts: list[str]) -> None:
    for text, told in zip(texts, probabilities(texts), strict=True):
        assert told.tolist() == OWN._decide(text).tolist()
        assert [languages()[told.argmax()], float(told.max())] == [*OWN.classify(text)]
