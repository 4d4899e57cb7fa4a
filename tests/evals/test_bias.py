"""Groups of people in a report: counts, log-odds, parity, and rows with the groups exchanged."""

from __future__ import annotations

import json
import re

import pytest
from small_runs import SmallRun, seed_set

from augment.identities.terms import Identities, axes_of
from augment.records import Arrival, Ask, Candidate, Completion, Decision, Example, Verdict
from evals.bias import Bias
from evals.figures import gather
from evals.report import render

ENGLISH = Identities(axes_of("en"), languages=("en",))
SEEDS = seed_set([("she is here", "a"), ("he is there", "a"), ("nobody", "b"), ("a Muslim", "b")])
PASSED = Verdict(filter="length", outcome="passed")


def accepted(text, label):
    ask = Ask(number=0, strategy="fewshot", labels=(label,))
    example = Example(id="1", text=text, target=label, origin="generated")
    row = Candidate(example=example, ask=ask, key="k", index=0)
    return row, Decision(arrival=1, index=0, accepted=True, verdicts=(PASSED,))


def scoring(rows):
    """A classifier that takes every text about her for another label's, and toxicity by length."""
    return {
        "agreement": [0.5 if "she" in row.example.text.lower() else -0.5 for row in rows],
        "toxicity": [
            None if "x" in row.example.text else len(row.example.text) / 100 for row in rows
        ],
    }


@pytest.fixture
def figures(tmp_path):
    def gathered(*rows, **more):
        run = SmallRun(path=tmp_path / "run", seeds=more.pop("seeds", SEEDS))
        subject = run.subject()
        run.close()
        rounds = [
            (Arrival(number=n, ask=row.ask, key=f"{n:064x}", outcome=Completion(text=""), at=1.0),
             (row,), (decision,))
            for n, (row, decision) in enumerate(rows, 1)
        ]  # fmt: skip
        bias = Bias(subject, ENGLISH, **more)
        return gather(subject, rounds, sessions=[(0.0, 9.0)], notes=(), bias=bias)

    return gathered


def test_a_group_that_goes_with_a_label_is_told_with_counts_and_z(figures):
    rows = [accepted(f"she went {n}", "a") for n in range(30)]
    rows += [accepted(f"it went {n}", "b") for n in range(30)]
    found = figures(*rows)["bias"]
    top = found["association"][0]

    assert (top["label"], top["axis"], top["group"]) in {
        ("a", "gender", "women"),
        ("b", "gender", "women"),
    }
    of_a = next(r for r in found["association"] if (r["label"], r["group"]) == ("a", "women"))
    assert (of_a["accepted"]["with"], of_a["accepted"]["rows"]) == (30, 30)
    assert (of_a["seeds"]["with"], of_a["seeds"]["rows"]) == (1, 2)
    assert of_a["significant"]
    assert of_a["accepted"]["z"] > found["least_z"]
    assert found["comparisons"] == len(found["association"])


def test_shares_are_held_against_the_seeds_and_the_target(figures):
    rows = [accepted(f"she went {n}", "a") for n in range(9)] + [accepted("he went", "a")]
    target = {"gender": {"women": 1, "men": 3}}
    (axis,) = [a for a in figures(*rows, target=target)["bias"]["axes"] if a["axis"] == "gender"]
    women = axis["groups"][0]

    assert women["accepted"]["share"] == 0.9
    assert women["seeds"]["share"] == 0.5
    assert women["target"] == 0.25
    assert women["against_seeds"]["z"] > 0.5
    assert women["accepted"]["interval"][0] < 0.9 < women["accepted"]["interval"][1]


def test_exchanges_tell_whose_label_changes_and_how_far_toxicity_moves(figures):
    rows = [accepted("he went x", "a"), accepted("he came", "a"), accepted("it came", "b")]
    swaps = figures(*rows, scoring=scoring)["bias"]["swaps"]
    (axis,) = swaps["axes"]

    assert (swaps["rows"], swaps["of_rows"]) == (2, 2)
    assert (axis["swaps"], axis["judged"], axis["label_changed"], axis["scored"]) == (2, 2, 2, 1)
    assert axis["toxicity_moved"] == axis["toxicity_moved_most"] == pytest.approx(0.01)
    assert swaps["most_moved"][0]["swapped"] in {"she went x", "she came"}


def test_without_scores_nothing_is_exchanged_and_without_terms_that_is_said(figures):
    found = figures(accepted("it is", "a"), seeds=seed_set([("it", "a"), ("that", "b")]))
    page = render(found)

    assert found["bias"]["swaps"] is None
    assert found["bias"]["axes"] == []
    assert "Neither seeds nor accepted rows name a group of people" in page


def test_the_page_shows_what_the_rows_say_as_text(figures):
    hostile = "he <script>alert(1)</script> {{ 7 * 191 }}"
    page = render(figures(accepted(hostile, "a"), scoring=scoring))

    assert "<script>alert" not in page
    assert "1337" not in page
    assert re.search(r"she &lt;script&gt;", page)


def test_the_same_rows_give_the_same_figures_as_plain_json(figures):
    rows = [accepted(f"he went {n}", "a") for n in range(300)]
    first, second = (json.dumps(figures(*rows, scoring=scoring)["bias"]) for _ in range(2))

    assert first == second
    assert json.loads(first)["swaps"]["rows"] == 200
