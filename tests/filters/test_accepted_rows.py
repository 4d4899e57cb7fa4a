"""Accepted rows have a say in what follows, by their order alone, and never more than the seeds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sphere import Sphere, candidates, examples, unit

from augment.filters.accepted_rows import AcceptedRows
from augment.filters.agreement import LEFT_OPEN, Agreement
from augment.filters.least_squares import LeastSquares
from augment.filters.margins import on_seeds

FOUR = ["a", "b", "c", "d"]


class Points:
    """An encoder that knows the point of each text that it was told of."""

    name = "points"

    def __init__(self):
        self.known = {}
        self.asked = []

    def encode(self, texts):
        self.asked.append(list(texts))
        return np.stack([self.known[text] for text in texts])


class World:
    """Seeds and rows as points, and the filter fitted to the seeds as often as one likes."""

    def __init__(self, *, spread=2.2, seed=0, each=5, labels=FOUR, rows=400, wrong=0.0):
        rng = np.random.default_rng(seed)
        sphere = Sphere(labels, spread=spread, seed=seed)
        own = [*labels] * each
        self.seeds, self.vectors = examples(own), sphere.points(own)
        self.truth = [str(one) for one in rng.choice(labels, rows)]
        self.wrong = rng.random(rows) < wrong
        after = dict(zip(labels, [*labels[1:], labels[0]], strict=True))
        said = [after[own] if off else own for own, off in zip(self.truth, self.wrong, strict=True)]
        self.rows = candidates(said, [f"row {number}" for number in range(rows)])
        self.points = sphere.points(self.truth)
        self.encoder = Points()
        self.encoder.known = {
            row.example.text: point for row, point in zip(self.rows, self.points, strict=True)
        }

    def fitted(self, *, learns=True, **more):
        by = Agreement(encoder="points", rows_by=self.encoder if learns else None, **more)
        by.fit(self.seeds, self.vectors)
        return by

    def decided(self, by, rows=None, *, batches=(64,)):
        """Judge rows by the batch and settle each at its turn; return the verdicts."""
        rows = range(len(self.rows)) if rows is None else rows
        left, found, at = [*rows], [], 0
        while left:
            size = max(1, batches[at % len(batches)])
            some, left, at = left[:size], left[size:], at + 1
            own = [self.rows[place] for place in some]
            for row, verdict in zip(own, by.judge(own, self.points[some]), strict=True):
                found.append(by.settle(row, verdict))
                if found[-1].outcome != "rejected":
                    by.observe([row.example])
        return found


def auc(scores, wrong):
    scores, wrong = np.array(scores), np.asarray(wrong)
    return float((scores[wrong][:, None] > scores[~wrong]).mean())


@pytest.mark.parametrize("seed", range(3))
def test_what_rows_teach_tells_wrong_labels_better_than_few_seeds_do(seed):
    world = World(seed=seed, wrong=0.1)
    late = slice(200, None)
    alone, joined = (
        [each.score for each in world.decided(world.fitted(learns=learns, precision=0.3))]
        for learns in (False, True)
    )
    assert auc(joined[late], world.wrong[late]) > auc(alone[late], world.wrong[late]) + 0.01


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(1, 90), min_size=1, max_size=6))
def test_verdicts_depend_on_the_order_of_rows_and_not_on_their_batches(sizes):
    world = World(rows=120, wrong=0.1)
    assert world.decided(world.fitted(precision=0.3), batches=sizes) == world.decided(
        world.fitted(precision=0.3), batches=(1,)
    )


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 120))
def test_a_run_that_goes_on_judges_as_one_that_was_never_interrupted(cut):
    world = World(rows=120, wrong=0.1)
    whole = world.decided(world.fitted(precision=0.3))
    resumed = world.fitted(precision=0.3)
    for row, verdict in zip(world.rows[:cut], whole[:cut], strict=True):
        if verdict.outcome != "rejected":
            resumed.observe([row.example])

    assert world.decided(resumed, range(cut, 120)) == whole[cut:]


def test_what_the_seeds_alone_say_of_a_row_stays_as_it_was():
    world = World(rows=120)
    by = world.fitted()
    before = by.judge(world.rows, world.points)
    world.decided(by)

    assert by.fits == 3
    assert by.judge(world.rows, world.points) == before


def fits_of(by, world):
    """Have rows settled and accepted one by one; return how often it was fitted before each."""
    fits = []
    for number, row in enumerate(world.rows):
        (verdict,) = by.judge([row], world.points[number : number + 1])
        by.settle(row, verdict)
        fits.append(by.fits)
        by.observe([row.example])
    return fits


def test_rows_are_learnt_when_those_of_the_rarest_label_have_doubled_and_no_sooner():
    world = World(rows=100)
    fits = fits_of(world.fitted(), world)
    before = [min(map(world.truth[:number].count, FOUR)) for number in range(100)]

    assert [fits.index(one) for one in (1, 2, 3)] == [before.index(each) for each in (3, 6, 12)]
    learnt = [len(texts) for texts in world.encoder.asked if len(texts) > 1]
    assert learnt == [4 * each for each in (3, 6, 12)]


def test_as_many_rows_are_learnt_of_each_label_however_early_some_come():
    world = World(rows=200)
    order = sorted(range(200), key=lambda at: world.truth[at])
    by = world.fitted()
    by.observe([world.rows[at].example for at in order])
    by.settle(world.rows[0], by.judge(world.rows[:1], world.points[:1])[0])
    label = {row.example.text: row.example.target for row in world.rows}

    (learnt,) = [texts for texts in world.encoder.asked if len(texts) > 1]
    each = [[text for text in learnt if label[text] == own] for own in FOUR]
    assert [len(own) for own in each] == [24] * 4
    for own, texts in zip(FOUR, each, strict=True):
        first = [world.rows[at].example.text for at in order if world.truth[at] == own][:24]
        assert texts == first


def test_where_a_label_is_never_accepted_the_seeds_alone_decide():
    world = World(rows=200, labels=FOUR)
    by, alone = world.fitted(), world.fitted(learns=False)
    by.observe([row.example for row in world.rows if row.example.target != "d"])

    settled = list(map(by.settle, world.rows, by.judge(world.rows, world.points)))
    assert by.fits == 0
    assert settled == alone.judge(world.rows, world.points)


@pytest.mark.parametrize("grouped", [False, True])
def test_a_seed_is_left_out_with_the_rows_that_were_made_from_it(grouped):
    """Labels that mean nothing: what copies of a seed say of it must not be counted."""
    rng = np.random.default_rng(0)
    vectors = unit(rng.normal(size=(60, 48)))
    labels = [(int(one),) for one in rng.integers(0, 3, 60)]
    groups = [[at, at + 30] for at in range(30)] if grouped else []
    if grouped:  # twins, of whom each would tell of the other
        vectors, labels = np.concatenate([vectors[:30]] * 2), labels[:30] * 2
    encoder = Points()
    rows = AcceptedRows(
        LeastSquares(vectors, labels, count=3, groups=groups),
        vectors, labels, groups, judged=[0, 1, 2], encoder=encoder,
    )  # fmt: skip
    for time in range(3):
        for at, (label,) in enumerate(labels):
            encoder.known[f"{at} {time}"] = vectors[at]
            rows.take(f"{at} {time}", label)
    scores = rows.learnt(count=3).left_out

    right, _ = on_seeds(scores, labels, judged=[True] * 3)
    assert np.mean(right > 0) > 0.5


def test_more_rows_than_are_learnt_at_most_are_not_promised():
    rng = np.random.default_rng(0)
    own = ["a", "b"] * 4200
    vectors = unit(np.eye(2)[np.arange(8400) % 2] + rng.normal(0, 0.1, (8400, 2)))
    for seeds, promised in ((8400, False), (40, True)):
        by = Agreement(encoder="points", rows_by=Points())
        by.fit(examples(own[:seeds]), vectors[:seeds])
        assert ("accepted rows a label on" in by.calibration.statement) is promised
        assert by.calibration.statement.startswith("By the seeds alone") is promised


def test_what_is_said_of_a_rejection_is_how_often_that_classifier_errs():
    world = World(rows=200, wrong=0.2)
    late = [each.detail for each in world.decided(world.fitted(precision=0.3))[150:] if each.detail]
    early = world.fitted(precision=0.3, learns=False).judge(world.rows, world.points)
    (first,) = {each.detail.split("; ")[1] for each in early if each.detail}

    (last,) = {each.split("; ")[1] for each in late}
    assert last.startswith("the classifier errs on ")
    assert last != first


def test_what_it_has_learnt_does_not_hang_on_which_rows_it_judges():
    world = World(labels=[*FOUR, "e"], rows=200)
    world.seeds = [seed for seed in world.seeds if seed.target != "e"] + examples(["e"])
    world.vectors = world.vectors[[at % 5 != 4 for at in range(25)]]
    world.vectors = np.concatenate([world.vectors, world.points[:1]])
    by = world.fitted()
    by.observe([row.example for row in world.rows])
    lone = next(row for row in world.rows if row.example.target == "e")
    (verdict,) = by.judge([lone], world.points[:1])

    assert by.settle(lone, verdict).reason == "too_few_seeds"
    assert by.fits == 1


def test_what_the_seeds_would_reject_is_left_open_until_its_turn():
    world = World(spread=0.8)
    by = world.fitted()
    stray = replace(world.rows[0], example=replace(world.rows[0].example, target="b"))
    own = FOUR[FOUR.index(world.truth[0])]
    assert own != "b"
    (verdict,) = by.judge([stray], world.points[:1])
    assert (verdict.outcome, verdict.reason) == ("abstained", LEFT_OPEN)

    settled = by.settle(stray, verdict)
    assert (settled.outcome, settled.reason) == ("rejected", "label")
    assert settled.detail.startswith(f"reads like '{own}'")
    assert world.encoder.asked == [], "nothing was learnt yet, so no vector is needed"


def test_where_a_judge_decides_it_settles_the_margin_and_rejects_nothing():
    world = World(wrong=0.3, rows=120)
    by = world.fitted(decides=False)
    verdicts = world.decided(by)

    assert by.fits == 3
    assert {each.outcome for each in verdicts} == {"passed", "abstained"}
    assert {each.reason for each in verdicts} == {None, LEFT_OPEN}
    before = world.fitted(decides=False).margins_of_seed(0)
    assert set(before) == set(by.margins_of_seed(0))
    assert before != by.margins_of_seed(0), "the judge must hear what the margins are now worth"


def test_rows_that_confirm_each_other_never_have_more_of_a_say_than_the_seeds():
    world = World(spread=1.2, rows=720)
    turned = dict(zip(FOUR, [*FOUR[1:], "a"], strict=True))
    by, alone = world.fitted(precision=0.3), world.fitted(precision=0.3, learns=False)
    said = [turned[own] if at % 2 else own for at, own in enumerate(world.truth)]
    rows = [
        replace(row, example=replace(row.example, target=label))
        for row, label in zip(world.rows, said, strict=True)
    ]
    by.observe([row.example for row in rows[:640]])
    late, points = rows[641::2], world.points[641::2]  # wrong ones, as those that were learnt
    (*found,) = map(by.settle, late, by.judge(late, points))

    assert by.fits == 1
    before = np.mean([each.outcome == "rejected" for each in alone.judge(late, points)])
    assert before == 1.0
    assert np.mean([each.outcome == "rejected" for each in found]) > 0.9


def test_a_fit_that_spoils_what_the_seeds_tell_is_not_used():
    world = World(spread=1.2, rows=400)
    turned = dict(zip(FOUR, [*FOUR[1:], "a"], strict=True))
    by, alone = world.fitted(precision=0.6), world.fitted(precision=0.6, learns=False)
    for row, own in zip(world.rows[:320], world.truth, strict=False):
        by.observe([replace(row.example, target=turned[own])])
    late = world.rows[320:]
    (*found,) = map(by.settle, late, by.judge(late, world.points[320:]))

    assert by.fits == 1
    assert found == alone.judge(late, world.points[320:])


@pytest.mark.parametrize(
    "targets",
    [["a"] * 30, [("a",), ("b",), ("c",), ("a", "b")] * 10, [()] * 30, ["a", "b"] * 2],
    ids=["one label", "several labels", "no label", "too few"],
)
def test_without_a_basis_accepted_rows_have_no_say(targets):
    sphere = Sphere(["a", "b", "c"], seed=0)
    vectors = sphere.points([target or "a" for target in targets])
    encoder = Points()
    learns, not_ = (Agreement(encoder="points", rows_by=by) for by in (encoder, None))
    for by in (learns, not_):
        by.fit(examples(targets), vectors)
        by.observe(examples(targets * 3, prefix="r"))
    rows = candidates(targets)
    (*settled,) = map(learns.settle, rows, learns.judge(rows, vectors))

    assert settled == not_.judge(rows, vectors)
    assert encoder.asked == []


def test_rows_of_a_label_with_one_seed_teach_nothing_and_are_not_judged():
    world = World(labels=[*FOUR, "e"], rows=200)
    world.seeds = [seed for seed in world.seeds if seed.target != "e"] + examples(["e"])
    world.vectors = world.vectors[[at % 5 != 4 for at in range(25)]]
    world.vectors = np.concatenate([world.vectors, world.points[:1]])
    by = world.fitted()
    verdicts = world.decided(by)
    lone = {row.example.text for row in world.rows if row.example.target == "e"}
    told = {row.example.text: own for row, own in zip(world.rows, verdicts, strict=True)}

    assert by.fits
    assert {told[text].reason for text in lone} == {"too_few_seeds"}
    assert not lone & {text for texts in world.encoder.asked for text in texts}


def test_empty_rows_and_the_same_row_again_and_again_are_borne():
    world = World(rows=60)
    world.encoder.known |= {"": np.zeros(48, np.float32)}
    same, empty = world.rows[0], replace(world.rows[0].example, text="")
    by = world.fitted()
    by.observe([same.example] * 40 + [empty] * 40)
    verdicts = world.decided(by)

    assert by.fits >= 1
    assert all(np.isfinite(each.score) for each in verdicts)
