"""Labels of seeds and rows that look wrong, in a report."""

from __future__ import annotations

import pytest
from small_runs import NGRAMS, SmallRun, seed_set

from augment.records import Arrival, Ask, Candidate, Completion, Decision, Example, Verdict
from evals.figures import gather
from evals.report import render

SUBJECTS = ("parcel", "letter", "package", "shipment", "delivery", "order")
ASKED = ("where is my {}", "my {} is late", "has the {} left", "no {} came today")
PAID = (
    "refund the {} fee",
    "charged twice for the {}",
    "money back for a {}",
    "the {} bill is wrong",
)


def rows_of(patterns, label):
    return [(pattern.format(subject), label) for pattern in patterns for subject in SUBJECTS]


def figures_of(tmp_path, seeds, rows, *, space=NGRAMS):
    run = SmallRun(path=tmp_path / "run", seeds=seed_set(seeds))
    subject = run.subject()
    run.close()
    verdict = Verdict(filter="length", outcome="passed")
    rounds = []
    for number, (text, label) in enumerate(rows, 1):
        ask = Ask(number=number - 1, strategy="fewshot", labels=(label,))
        example = Example(id="1", text=text, target=label, origin="generated")
        decision = Decision(arrival=number, index=0, accepted=True, verdicts=(verdict,))
        arrival = Arrival(
            number=number, ask=ask, key=f"{number:064x}", outcome=Completion(text=""), at=1.0
        )
        rounds.append(
            (
                arrival,
                (Candidate(example=example, ask=ask, key=f"{number:064x}", index=0),),
                (decision,),
            )
        )
    return gather(subject, rounds, sessions=[(0.0, 9.0)], notes=(), space=space)


@pytest.fixture
def doubted(tmp_path):
    """One seed and one row of the delivery question are given as money matters."""
    seeds = [("where is my parcel today", "paid"), *rows_of(ASKED, "asked"), *rows_of(PAID, "paid")]
    rows = [
        ("my letter is very late", "paid"),
        ("refund my order fee", "paid"),
        ("where is it", "asked"),
    ]
    return figures_of(tmp_path, seeds, rows)


def test_wrong_seeds_and_rows_are_doubted_and_said_to_fit_better_elsewhere(doubted):
    found = doubted["doubts"]
    named = {(row["kind"], row["text"], row["label"], row["fits"]) for row in found["rows"]}

    assert ("seed", "where is my parcel today", "paid", "asked") in named
    assert ("accepted", "my letter is very late", "paid", "asked") in named
    assert found["seeds"]["judged"] == 49
    assert found["accepted"] == {"judged": 3, "doubted": 1, "of": 3}
    assert 0 < found["wrong"] < 0.2
    assert found["pairs"][0]["given"] == "paid"


def test_the_page_lists_them_and_says_that_none_was_rejected(doubted):
    page = render(doubted)

    assert "Labels that look wrong" in page
    assert "where is my parcel today" in page
    assert "Nothing was rejected for it" in page


def test_too_few_rows_several_labels_or_no_space_leave_nothing_to_say(tmp_path):
    few = [("where is it", "a"), ("money back", "b")]
    several = [(text, (label,)) for text, label in rows_of(ASKED, "a") + rows_of(PAID, "b")]

    assert figures_of(tmp_path / "1", few, [])["doubts"] is None
    assert figures_of(tmp_path / "2", several, [])["doubts"] is None
    plain = rows_of(ASKED, "a") + rows_of(PAID, "b")
    assert figures_of(tmp_path / "3", plain, [], space=None)["doubts"] is None
    assert "Labels that look wrong" not in render(figures_of(tmp_path / "4", few, []))
