import json
import math

from hypothesis import example, given
from hypothesis import strategies as st
from small_runs import LENGTHS, SmallRun, answer

from augment.records import Calibration, Decision, Verdict
from evals.scores import Scores

SCORES = st.floats(allow_nan=True, allow_infinity=True)


def calibration(scores=(), thresholds=()):
    return Calibration(
        filter="similarity", basis="an encoder", statement="As it is.",
        scores=tuple(scores), thresholds=tuple(thresholds),
    )  # fmt: skip


def decision(*, accepted, score, outcome=None, name="similarity"):
    outcome = outcome or ("passed" if accepted else "rejected")
    verdict = Verdict(filter=name, outcome=outcome, score=score)
    last = Verdict(filter="other", outcome="passed" if accepted else "rejected")
    verdicts = (verdict,) if outcome == "rejected" else (verdict, last)
    return Decision(arrival=1, index=0, accepted=accepted, verdicts=verdicts)


def histogram(scores, decisions):
    for each in decisions:
        scores.judged(each)
    return scores.figures()["histogram"]


def test_scores_of_rows_stand_in_the_bins_of_the_seeds():
    found = histogram(
        Scores(calibration([0.41, 0.52, 0.55, 0.9], [0.4, 0.97])),
        [
            decision(accepted=True, score=0.51),
            decision(accepted=True, score=0.56),
            decision(accepted=False, score=0.32),
            decision(accepted=False, score=0.99),
        ],
    )
    width = found["from"][1] - found["from"][0]
    assert math.isclose(width, 0.05)
    assert found["from"][0] == 0.3
    assert found["to"] == 1.0
    filled = {
        name: {found["from"][n]: rows for n, rows in enumerate(found[name]) if rows}
        for name in ("seeds", "accepted", "rejected")
    }
    assert filled == {
        "seeds": {0.4: 1, 0.5: 1, 0.55: 1, 0.9: 1},
        "accepted": {0.5: 1, 0.55: 1},
        "rejected": {0.3: 1, 0.95: 1},
    }


def test_an_accepted_row_that_the_filter_left_to_others_is_counted():
    left = decision(accepted=True, score=0.5, outcome="abstained")
    assert histogram(Scores(calibration([0.4, 0.6])), [left])["accepted"].count(1) == 1


def test_a_row_that_another_check_rejected_is_left_out():
    rows = [
        decision(accepted=False, score=0.5, outcome="passed"),
        decision(accepted=True, score=None, outcome="abstained"),
        decision(accepted=False, score=0.5, name="other"),
        decision(accepted=True, score=0.5, name="other"),
        decision(accepted=True, score=math.nan),
    ]
    found = histogram(Scores(calibration([0.5])), rows)
    assert (sum(found["accepted"]), sum(found["rejected"])) == (0, 0)


def test_a_filter_that_scored_nothing_says_why_and_has_no_bins():
    found = Scores(calibration()).figures()
    assert found == {
        "filter": "similarity", "basis": "an encoder", "statement": "As it is.", "thresholds": [],
        "histogram": {"from": [], "to": None, "seeds": [], "accepted": [], "rejected": []},
    }  # fmt: skip


@given(
    seeds=st.lists(SCORES, max_size=20),
    thresholds=st.lists(SCORES, max_size=2),
    rows=st.lists(st.tuples(st.booleans(), SCORES), max_size=20),
)
@example(seeds=[0.1, 0.9], thresholds=[], rows=[(True, 1e300), (False, -1e300)])
@example(seeds=[1e300, -1e300], thresholds=[0.0], rows=[(True, 5.0)])
@example(seeds=[5e-324, 0.0], thresholds=[1e-9], rows=[])
@example(seeds=[1e20], thresholds=[1e20], rows=[(True, 1e20 + 65536)])
def test_whatever_the_scores_bins_are_few_and_hold_them_all(seeds, thresholds, rows):
    scores = Scores(calibration(seeds, thresholds))
    found = histogram(scores, [decision(accepted=a, score=score) for a, score in rows])
    assert len(found["from"]) <= 30
    assert sum(found["seeds"]) == sum(map(math.isfinite, seeds))
    for name, wanted in (("accepted", True), ("rejected", False)):
        assert sum(found[name]) == sum(a == wanted and math.isfinite(s) for a, s in rows)
    edges = [*found["from"], *([found["to"]] if found["from"] else [])]
    assert edges == sorted(set(edges))
    json.dumps(scores.figures(), allow_nan=False)


def test_thresholds_lie_within_the_bins():
    found = histogram(Scores(calibration([0.5, 0.6], [-0.2, 1.4])), [])
    assert found["from"][0] <= -0.2
    assert found["to"] >= 1.4


def test_the_memory_that_scores_take_does_not_grow_with_the_run():
    scores = Scores(calibration([0.0, 1.0]))
    for n in range(20_000):
        scores.judged(decision(accepted=True, score=(n - 10_000) * 7.3))
    assert len(scores._rows[True]) <= 4_200  # 41 spans of at most 1,000 fine bins; here 100


def test_a_run_counts_the_scores_of_its_rows_on_the_way(tmp_path):
    run = SmallRun(path=tmp_path)
    run.arrive(["card"], answer("my card has not come", ["card"]))
    run.arrive(["card"], answer("my card has not come", ["card"]))
    run.arrive(["card"], answer("no", ["card"]))
    [found] = run.figures(calibrations=[LENGTHS])["scores"]
    run.close()
    bins = found["histogram"]
    assert (sum(bins["seeds"]), sum(bins["accepted"]), sum(bins["rejected"])) == (2, 1, 1)
    assert found["thresholds"] == [4.0]
    assert found["statement"] == "Texts of 4 characters and more are let through."
