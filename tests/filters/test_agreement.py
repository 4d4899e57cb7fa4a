"""Rows under a wrong label are found as precisely as stated; without basis nothing is judged."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sphere import Sphere, candidates, examples

from augment.filters.agreement import Agreement
from augment.filters.least_squares import LeastSquares
from augment.ngrams import ngram_vectors

EIGHT = [f"label {number}" for number in range(8)]
SAID = re.compile(
    r"errs on (\d+) of (\d+) seeds.*margin of ([\d.]+): that finds (\d+)% .* "
    r"([\d.]+)% of right ones, a precision of ([\d.]+) if"
)
PARCELS = [
    f"{start}{end}"
    for start in ("我的包裹", "我订的包裹", "那个快递", "我的快递", "这个包裹")
    for end in [
        "现在在哪里",
        "什么时候能到",
        "还没有送到",
        "到底在哪里",
        "怎么还没到",
        "送错地方了",
        "丢了怎么办",
        "几点到",
    ]
]
SONGS = [
    f"{start}{end}"
    for start in ("请播放一首", "我想听一首", "放一首", "给我来一首", "换一首")
    for end in [
        "安静的歌",
        "流行音乐",
        "古典音乐",
        "周杰伦的歌",
        "快乐的歌曲",
        "英文歌",
        "轻音乐",
        "老歌",
    ]
]


def fitted(targets, vectors=None, *, texts=None, **more):
    by = Agreement(encoder="an encoder", **more)
    by.fit(examples(targets, texts), vectors)
    return by


def on_a_sphere(*, spread, seed, each=20, labels=EIGHT, **more):
    sphere = Sphere(labels, spread=spread, seed=seed)
    own = [*labels] * each
    return sphere, fitted(own, sphere.points(own), **more)


def planted(sphere, by, *, rows, seed):
    """Judge rows, one in ten of them under a wrong label: return who is wrong and who rejected."""
    rng = np.random.default_rng(seed)
    truth = sphere.labels * (rows // len(sphere.labels))
    wrong = rng.random(len(truth)) < 0.1
    said = [
        rng.choice([each for each in sphere.labels if each != own]) if off else own
        for own, off in zip(truth, wrong, strict=True)
    ]
    verdicts = by.judge(candidates([str(each) for each in said]), sphere.points(truth))
    return wrong, np.array([verdict.outcome == "rejected" for verdict in verdicts])


def margins_of(scores, borne):
    """Return the margins of the seeds under their own labels, and those under all others."""
    right, wrong = [], []
    for row, own in zip(scores.tolist(), borne, strict=True):
        others = [label for label in range(len(row)) if label not in own]
        right.append(max(row[other] for other in others) - max(row[label] for label in own))
        wrong += [max(row[:label] + row[label + 1 :]) - row[label] for label in others]
    return right, wrong


def rates(right, wrong, margin):
    """Return the share of right labels lost, one more seed counted, and of wrong ones found."""
    lost = (sum(each > margin for each in right) + 1) / (len(right) + 1)
    return lost, sum(each > margin for each in wrong) / len(wrong)


def precision_of(lost, found):
    return 0.1 * found / (0.1 * found + 0.9 * lost)


@pytest.mark.parametrize("spread", [0.8, 1.6, 2.0])
def test_planted_wrong_labels_are_found_at_the_precision_stated(spread):
    found = [
        planted(*on_a_sphere(spread=spread, seed=seed, precision=0.75), rows=480, seed=seed)
        for seed in range(5)
    ]
    wrong, rejected = np.concatenate(found, axis=1)

    assert (wrong & rejected).sum() / rejected.sum() > 0.75
    assert (wrong & rejected).sum() / wrong.sum() > 0.9, "wrong labels were let through"
    assert (~wrong & ~rejected).sum() / (~wrong).sum() > 0.95, "right rows were lost"


def test_a_higher_precision_rejects_less_and_errs_less():
    def errors(precision):
        found = [
            planted(*on_a_sphere(spread=2.0, seed=seed, precision=precision), rows=480, seed=seed)
            for seed in range(6)
        ]
        wrong, rejected = np.concatenate(found, axis=1)
        return rejected.sum(), (rejected & ~wrong).sum() / rejected.sum()

    (many, often), (few, seldom) = errors(0.6), errors(0.9)
    assert few < many
    assert seldom < often


@given(
    spread=st.floats(0.3, 4.0),
    seed=st.integers(0, 2**16),
    each=st.integers(2, 30),
    count=st.integers(2, 6),
    precision=st.sampled_from([0.5, 0.75, 0.9]),
)
def test_the_threshold_is_the_least_margin_of_the_stated_precision(
    spread, seed, each, count, precision
):
    labels = EIGHT[:count]
    sphere = Sphere(labels, spread=spread, seed=seed)
    own = labels * each
    vectors = sphere.points(own)
    by = fitted(own, vectors, precision=precision)
    borne = [(labels.index(label),) for label in own]
    scores = LeastSquares(vectors, borne, count=count).left_out
    right, wrong = margins_of(scores, borne)
    margins = sorted({0.0, *(margin for margin in right if margin > 0)})
    good = [m for m in margins if precision_of(*rates(right, wrong, m)) >= precision]

    assert by.calibration is not None
    assert by.calibration.scores == pytest.approx(right, abs=1e-9)
    assert by.calibration.thresholds == pytest.approx(good[:1], abs=1e-9)


@pytest.mark.parametrize("spread", [0.8, 2.0, 3.0])
def test_the_statement_holds_the_errors_and_rates_that_were_measured(spread):
    sphere = Sphere(EIGHT, spread=spread, seed=1)
    own = EIGHT * 20
    vectors = sphere.points(own)
    calibration = fitted(own, vectors).calibration
    assert calibration is not None
    said = SAID.search(calibration.statement)
    assert said is not None, calibration.statement
    borne = [(EIGHT.index(label),) for label in own]
    scores = LeastSquares(vectors, borne, count=8).left_out
    right, wrong = margins_of(scores, borne)
    lost, found = rates(right, wrong, calibration.thresholds[0])

    assert (int(said[1]), int(said[2])) == (sum(margin > 0 for margin in right), 160)
    assert float(said[3]) == pytest.approx(calibration.thresholds[0], abs=0.005)
    assert float(said[4]) == pytest.approx(100 * found, abs=0.5)
    assert float(said[5]) == pytest.approx(100 * lost, abs=0.051)
    assert float(said[6]) == pytest.approx(precision_of(lost, found), abs=0.0051)
    assert (calibration.filter, calibration.basis) == ("agreement", "an encoder")


def test_a_row_is_rejected_above_the_threshold_only_and_is_told_what_it_reads_like():
    sphere, by = on_a_sphere(spread=2.0, seed=0, precision=0.75)
    assert by.calibration is not None
    (threshold,) = by.calibration.thresholds
    assert threshold > 0, "nothing lies between 0 and the threshold"
    truth = EIGHT * 50
    said = [label for label in EIGHT for _ in range(50)]
    verdicts = by.judge(candidates(said), sphere.points(truth))
    for label, verdict in zip(said, verdicts, strict=True):
        assert verdict.score is not None
        assert verdict.threshold == threshold
        assert (verdict.outcome == "rejected") == (verdict.score > threshold)
        assert (verdict.reason == "label") == (verdict.outcome == "rejected")
        if verdict.outcome == "rejected":
            assert f"'{label}'" not in str(verdict.detail), "it reads like its own label"
            assert re.search(r"reads like 'label \d'; .*errs on \d+ of 160 seeds", verdict.detail)
    assert {verdict.outcome for verdict in verdicts} == {"passed", "rejected"}
    assert any(0 < v.score <= threshold for v in verdicts), "no margin lay under the threshold"


def test_the_best_other_label_is_named():
    sphere, by = on_a_sphere(spread=0.5, seed=0)
    verdicts = by.judge(candidates(EIGHT[1:]), sphere.points(EIGHT[:-1]))

    assert [str(v.detail).split(";")[0] for v in verdicts] == [
        f"reads like {label!r}" for label in EIGHT[:-1]
    ]


def test_accepted_rows_change_no_verdict():
    sphere, by = on_a_sphere(spread=1.0, seed=0)
    rows, points = candidates(EIGHT[::-1]), sphere.points(EIGHT)
    before = by.judge(rows, points)
    by.observe([row.example for row in rows] * 50)

    assert by.judge(rows, points) == before


def abstained(by, targets, vectors=None, texts=None):
    verdicts = by.judge(candidates(targets, texts), vectors)
    assert {(verdict.outcome, verdict.score) for verdict in verdicts} <= {("abstained", None)}
    return [verdict.reason for verdict in verdicts]


@pytest.mark.parametrize(("each", "precision", "needed"), [(1, 0.5, 9), (2, 0.5, 9), (8, 0.75, 27)])
def test_too_few_seeds_are_no_basis(each, precision, needed):
    """27 right ones in a row are needed: with one more as if lost, 0.1 / (0.1 + 0.9 / 28)."""
    sphere, by = on_a_sphere(spread=0.3, seed=0, each=each, labels=EIGHT[:3], precision=precision)

    assert abstained(by, EIGHT[:3], sphere.points(EIGHT[:3])) == ["too_few_seeds"] * 3
    if each > 1:
        assert by.calibration is not None
        assert f"the seeds are too few ({needed} at least)" in by.calibration.statement
        assert by.calibration.thresholds == ()


@pytest.mark.parametrize(("each", "precision"), [(9, 0.75), (3, 0.5)])
def test_as_many_seeds_as_are_needed_that_are_told_apart_are_enough(each, precision):
    _, by = on_a_sphere(spread=0.3, seed=0, each=each, labels=EIGHT[:3], precision=precision)

    assert by.calibration is not None
    assert by.calibration.thresholds == (0.0,)


def test_labels_that_cannot_be_told_apart_are_no_basis():
    sphere = Sphere(["same"], seed=0)
    by = fitted(["a", "b"] * 60, sphere.points(["same"] * 120))

    assert abstained(by, ["a", "b"], sphere.points(["same"] * 2)) == ["cannot_tell"] * 2
    assert by.calibration is not None
    assert "NOT judged: the seeds are not told apart" in by.calibration.statement


@pytest.mark.parametrize("targets", [[], ["a"] * 50, [()] * 50, [("a",)] * 50])
def test_with_fewer_than_two_labels_there_is_nothing_to_tell(targets):
    sphere = Sphere(["same"], seed=0)
    by = fitted(targets, sphere.points(["same"] * len(targets)) if targets else None)

    assert abstained(by, ["a", "b"], sphere.points(["same"] * 2)) == ["too_few_seeds"] * 2
    assert by.calibration is None


def test_a_row_whose_label_has_one_seed_or_none_or_that_has_no_label_is_not_judged():
    sphere = Sphere(["a", "b", "rare"], spread=0.5, seed=0)
    own = [*["a", "b"] * 30, "rare"]
    by = fitted([(label,) for label in own], sphere.points(own))
    asked = [("rare",), ("a", "rare"), ("never seen",), ()]

    assert abstained(by, asked, sphere.points(["a"] * 4)) == [*["too_few_seeds"] * 3, "no_label"]
    (told,) = by.judge(candidates([("b",)]), sphere.points(["a"]))
    assert told.outcome == "rejected", "one rare label ended the judging of all"
    assert by.calibration is not None
    assert len(by.calibration.scores) == 60, "the only seed of a label was left out"


def test_seeds_without_a_label_are_no_label_of_their_own():
    sphere = Sphere(["a", "b", "none"], spread=0.5, seed=0)
    own = ["a", "b", "none"] * 20
    targets = [() if label == "none" else (label,) for label in own]
    by = fitted(targets, sphere.points(own))

    assert by.calibration is not None
    assert len(by.calibration.scores) == 40
    passed, rejected = by.judge(candidates([("a",), ("b",)]), sphere.points(["a", "a"]))
    assert (passed.outcome, rejected.outcome) == ("passed", "rejected")


def test_a_row_of_several_labels_is_held_against_those_that_it_does_not_bear():
    labels = ["a", "b", "c", "d"]
    sphere = Sphere(labels, spread=0.4, seed=0)
    own = [("a",), ("b",), ("a", "b"), ("c",), ("c", "d"), ("d",)] * 15
    by = fitted(own, sphere.points(own))
    asked = [("a", "b"), ("b", "a"), ("a", "c"), ("c", "d"), ("b",)]
    meant = [("a", "b"), ("a", "b"), ("a",), ("a", "b"), ("a",)]
    verdicts = by.judge(candidates(asked), sphere.points(meant))

    assert [verdict.outcome for verdict in verdicts] == [
        "passed", "passed", "passed", "rejected", "rejected",
    ]  # fmt: skip
    assert "reads like 'a'" in str(verdicts[4].detail)


@pytest.mark.parametrize("rare", [0, 1, 2])
def test_the_margin_of_several_labels_is_that_of_the_best_other_over_the_best_own(rare):
    labels = ["a", "b", "c", "d", "rare"]
    sphere = Sphere(labels, spread=1.6, seed=0)
    own = [*[("a",), ("b", "a"), ("c", "b"), ("d",)] * 20, *[("rare", "d")] * rare]
    vectors = sphere.points(own)
    by = fitted(own, vectors)
    names = labels[: 5 if rare else 4]
    borne = [tuple(names.index(label) for label in each) for each in own]
    classifier = LeastSquares(vectors, borne, count=len(names))
    told = [row for row, each in enumerate(own) if rare > 1 or "rare" not in each]
    right, wrong = margins_of(classifier.left_out[told], [borne[row] for row in told])
    if rare == 1:  # a label that no row can be judged by does not count as a wrong one
        best = classifier.left_out[told].max(axis=1)
        wrong = [
            best[n] - classifier.left_out[row][label]
            for n, row in enumerate(told)
            for label in range(4)
            if label not in borne[row]
        ]
    assert by.calibration is not None
    assert by.calibration.scores == pytest.approx(right, abs=1e-9)
    said = SAID.search(by.calibration.statement)
    assert said is not None, by.calibration.statement
    lost, found = rates(right, wrong, by.calibration.thresholds[0])
    assert float(said[4]) == pytest.approx(100 * found, abs=0.5)
    assert float(said[5]) == pytest.approx(100 * lost, abs=0.051)
    assert "of rows without a right label on the seeds" in said[0]

    asked = [("a", "b"), ("c",), ("d", "a")]
    points = sphere.points([("a", "b"), ("a",), ("b",)])
    margins, _ = margins_of(
        classifier.scores(points), [[names.index(label) for label in each] for each in asked]
    )
    assert [v.score for v in by.judge(candidates(asked), points)] == pytest.approx(margins)


def test_a_row_that_bears_every_label_has_no_other_to_read_like():
    sphere = Sphere(["a", "b"], spread=0.4, seed=0)
    own = [("a",), ("b",), ("a", "b")] * 20
    by = fitted(own, sphere.points(own))
    (verdict,) = by.judge(candidates([("a", "b")]), sphere.points(["a"]))

    assert (verdict.outcome, verdict.reason) == ("abstained", "no_other_label")
    assert verdict.score is None, "nothing was compared, and still there is a score"
    assert by.calibration is not None
    assert np.isfinite(by.calibration.scores).all()
    assert len(by.calibration.scores) == 40


def test_chinese_texts_are_told_apart_by_their_characters_alone():
    texts = [text for pair in zip(PARCELS, SONGS, strict=True) for text in pair]
    by = fitted(["parcel", "song"] * len(PARCELS), texts=texts)
    asked = ["我的包裹今天能送到吗", "播放一首好听的歌"]
    right = by.judge(candidates(["parcel", "song"], asked), None)
    wrong = by.judge(candidates(["song", "parcel"], asked), None)

    assert by.calibration is not None
    assert by.calibration.basis == "character n-grams"
    assert [verdict.outcome for verdict in right] == ["passed", "passed"]
    assert [verdict.outcome for verdict in wrong] == ["rejected", "rejected"]


def test_the_scores_by_characters_are_those_of_their_vectors():
    own, texts = (
        ["parcel", "song"] * len(PARCELS),
        [t for p in zip(PARCELS, SONGS, strict=True) for t in p],
    )
    asked = candidates(own[:6], PARCELS[:6])
    by_characters = fitted(own, texts=texts)
    by_vectors = fitted(own, ngram_vectors(texts), texts=texts)

    assert by_characters.judge(asked, None) == by_vectors.judge(asked, ngram_vectors(PARCELS[:6]))


@pytest.mark.parametrize("hostile", ["\x1b[31mred", "two\nlines", "\ud800", "'; --", "<b>", "{}%s"])
def test_a_hostile_label_is_shown_without_harm(hostile):
    sphere, by = on_a_sphere(spread=0.4, seed=0, each=30, labels=[hostile, "plain"])
    (verdict,) = by.judge(candidates(["plain"]), sphere.points([hostile]))

    assert verdict.outcome == "rejected"
    assert repr(hostile) in str(verdict.detail)
    assert str(verdict.detail).isprintable()


def test_labels_with_one_seed_do_not_count_as_wrong_ones_that_would_be_found() -> None:
    names = ["a", "b", *[f"rare {number}" for number in range(8)]]
    own = [*["a", "b"] * 40, *names[2:]]
    vectors = Sphere(names, spread=4, seed=0).points(own)
    by = fitted(own, vectors)
    assert by.calibration is not None
    (margin,) = by.calibration.thresholds
    borne = [(names.index(label),) for label in own]
    scores = LeastSquares(vectors, borne, count=len(names)).left_out[:80]
    wrong = [row.max() - row[1 - label] for row, (label,) in zip(scores, borne, strict=False)]
    said = SAID.search(by.calibration.statement)
    assert said is not None

    assert len(by.calibration.scores) == 80
    assert int(said[4]) == round(100 * np.mean(np.array(wrong) > margin))
