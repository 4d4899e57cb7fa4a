from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest

from augment.filters.toxicity import THRESHOLD, ToxicityFilter
from augment.protocols import Vectors
from augment.records import Ask, Candidate, Example, Verdict
from augment.toxicity.model import ENCODER

ASK = Ask(number=0, strategy="fewshot", labels=("a",))
SWEARING = "you fucking bitch, shut the fuck up"
HARMLESS = "where is my parcel?"


def example(text: str, label: str = "a", row: str = "1") -> Example[str]:
    return Example(id=row, text=text, target=label)


def plain(count: int) -> Vectors:
    """Vectors of which the model knows nothing: the words alone decide."""
    return np.full((count, 384), 1 / np.sqrt(384), dtype=np.float32)


def fitted(*seeds: tuple[str, str]) -> ToxicityFilter:
    by = ToxicityFilter(encoder=ENCODER)
    by.fit([example(text, label) for text, label in seeds], plain(len(seeds)))
    return by


def judged(by: ToxicityFilter, text: str, label: str = "a") -> Verdict:
    row = Candidate(example=example(text, label), ask=ASK, key="k", index=0)
    (verdict,) = by.judge([row], plain(1))
    return verdict


def test_toxic_rows_are_rejected_and_others_pass_with_their_probability() -> None:
    by = fitted((HARMLESS, "a"))
    toxic, harmless = judged(by, SWEARING), judged(by, "the parcel has not come")
    assert (toxic.outcome, toxic.reason, toxic.threshold) == ("rejected", "toxicity", THRESHOLD)
    assert harmless.outcome == "passed"
    assert toxic.score is not None
    assert harmless.score is not None
    assert 0 <= harmless.score < THRESHOLD <= toxic.score <= 1


def test_a_label_of_toxic_seeds_keeps_its_rows_and_other_labels_do_not() -> None:
    seeds = [(SWEARING, "abuse"), ("fuck you, you stupid cunt", "abuse"), (HARMLESS, "question")]
    by = fitted(*seeds, *[(HARMLESS, "question")] * 9)
    kept = judged(by, SWEARING, "abuse")
    assert (kept.outcome, kept.detail) == ("passed", "toxic, as 100% of the seeds of abuse are")
    assert judged(by, SWEARING, "question").outcome == "rejected"
    assert by.calibration is not None
    assert "abuse (100%)" in by.calibration.statement
    assert "2 of 12 seeds reach it" in by.calibration.statement


def test_one_toxic_seed_makes_no_label_toxic() -> None:
    by = fitted((SWEARING, "a"), *[(HARMLESS, "a")] * 9)
    assert judged(by, SWEARING).outcome == "rejected"


@pytest.mark.parametrize(
    ("encoder", "reason"), [("", "unknown_language"), ("another", "other_encoder")]
)
def test_without_the_vectors_it_was_made_for_it_abstains(encoder: str, reason: str) -> None:
    by = ToxicityFilter(encoder=encoder, no_basis="unknown_language")
    by.fit([example(HARMLESS)], plain(1))
    verdict = judged(by, SWEARING)
    assert (verdict.outcome, verdict.reason, verdict.score) == ("abstained", reason, None)
    assert by.calibration is None


class ByLength:
    """Takes long texts for toxic, and cannot tell of empty ones."""

    name = "long"
    classes = ("toxic",)

    def probabilities(self, texts: Sequence[str]) -> npt.NDArray[np.float64]:
        return np.array([min(len(text) / 100, 1.0) if text else np.nan for text in texts])


def test_another_model_judges_without_vectors_and_in_any_language() -> None:
    by = ToxicityFilter(no_basis="unknown_language", threshold=0.5, scorer=ByLength())
    by.fit([example("kurz")], None)
    rows = [
        Candidate(example=example(text), ask=ASK, key="k", index=0)
        for text in ("wo ist es", "x" * 70, "")
    ]
    short, long, empty = by.judge(rows, None)
    assert (short.outcome, short.score, short.threshold) == ("passed", 0.09, 0.5)
    assert (long.outcome, long.reason) == ("rejected", "toxicity")
    assert (empty.outcome, empty.reason, empty.score) == ("abstained", "no_score", None)
    assert by.calibration is not None
    assert by.calibration.basis == "the model long, its classes toxic"
    assert by.slow
    assert not ToxicityFilter(encoder=ENCODER).slow


def test_a_seed_that_another_model_cannot_score_counts_for_nothing() -> None:
    by = ToxicityFilter(threshold=0.5, scorer=ByLength())
    by.fit([example("x" * 60), example(""), example("x" * 80)], None)
    assert by.calibration is not None
    assert by.calibration.scores == (0.6, 0.8)
    kept = Candidate(example=example("x" * 85), ask=ASK, key="k", index=0)
    assert by.judge([kept], None)[0].threshold == pytest.approx(0.9)


def test_without_seeds_the_threshold_stands_and_the_statement_says_so() -> None:
    by = fitted()
    toxic, harmless = judged(by, SWEARING), judged(by, HARMLESS)
    assert (toxic.outcome, toxic.threshold, harmless.outcome) == ("rejected", THRESHOLD, "passed")
    assert by.calibration is not None
    assert by.calibration.statement == (
        "Rows are rejected from a probability of 0.6, which is not held against seeds: there are "
        "none."
    )


@pytest.mark.parametrize(
    "text", ["Wo bleibt denn mein Paket, ich warte schon lange?", "荷物はどこですか"]
)
def test_without_seeds_rows_in_a_language_that_the_model_does_not_know_are_not_judged(
    text: str,
) -> None:
    verdict = judged(fitted(), text)
    assert (verdict.outcome, verdict.reason) == ("abstained", "unknown_language")
    assert judged(fitted((HARMLESS, "a")), text).outcome != "abstained"


def test_without_seeds_another_model_judges_every_language() -> None:
    by = ToxicityFilter(threshold=0.5, scorer=ByLength())
    by.fit([], None)
    row = Candidate(example=example("Wo bleibt denn mein Paket?"), ask=ASK, key="k", index=0)
    assert by.judge([row], None)[0].outcome == "passed"
    assert by.calibration is not None
    unfitted = ToxicityFilter()
    unfitted.fit([], None)
    assert unfitted.calibration is None
