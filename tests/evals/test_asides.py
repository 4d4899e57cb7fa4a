"""What a run says of filters that judged nothing, and of those that let rows through."""

from __future__ import annotations

import pytest

from evals.asides import asides


def figures(name, *, saw=6, abstentions=(), flags=(), seeds=40):
    """The figures of a run with one filter; abstentions and flags are (reason, rows)."""
    told = {
        kind: [{"filter": name, "reason": reason, "rows": rows} for reason, rows in each]
        for kind, each in (("abstentions", abstentions), ("flags", flags))
    }
    abstained = sum(rows for _, rows in abstentions)
    stage = {"filter": name, "saw": saw, "abstained": abstained}
    return {"funnel": [stage], "seeds": {"rows": seeds}, **told}


@pytest.mark.parametrize(
    ("name", "reason", "said"),
    [
        ("agreement", "too_few_seeds", "too few seeds; it judges with more."),
        ("similarity", "no_encoder", "no encoder was asked for; --encoder minilm is one."),
        ("toxicity", "other_encoder",
         "its model takes the vectors of another encoder; --encoder minilm gives them, or "
         "--toxicity-model does without."),
        ("toxicity", "unknown_language",
         "the encoder does not know the language; --toxicity-model names a model that does."),
        ("language", "mixed_languages", "the seeds are in too many languages."),
    ],
)  # fmt: skip
def test_a_filter_that_judged_nothing_says_why_and_what_to_do(name, reason, said):
    found = list(asides(figures(name, abstentions=[(reason, 6)])))
    assert found == [(name, f"NOT judged, in any of 6 rows: {said}")]


def test_every_reason_is_told_where_there_are_several():
    ((_, said),) = asides(figures("agreement", abstentions=[("no_label", 5), ("one_label", 1)]))
    assert said.endswith("rows without a label, there is one label.")


@pytest.mark.parametrize(
    ("name", "abstentions", "seeds"),
    [
        ("agreement", [("no_label", 5)], 40),
        ("similarity", [], 40),
        ("leak", [("no_holdout", 6)], 40),
        ("agreement", [("left_to_judge", 6)], 40),
        ("length", [("too_few_seeds", 6)], 0),
    ],
)
def test_nothing_is_said_of_what_was_judged_or_is_no_surprise(name, abstentions, seeds):
    assert list(asides(figures(name, abstentions=abstentions, seeds=seeds))) == []


def test_a_filter_that_no_row_came_to_is_not_spoken_of():
    assert list(asides(figures("balance", saw=0))) == []


def test_rows_that_were_let_through_are_counted_with_their_reasons():
    flags = [("e_mail", 2), ("pii", 1)]
    assert list(asides(figures("pii", flags=flags))) == [
        (
            "pii",
            "Let 3 rows through that it would have rejected (e mail, rows with personal data), "
            "as `filters: flag` wants.",
        )
    ]
