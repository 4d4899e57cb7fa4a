import json

import numpy as np
import pytest
from small_runs import NGRAMS, SEEDS, SmallRun, answer, seed_set

from augment.plan.goal import per_label
from augment.records import Completion, Failure
from evals.points import SHOWN
from evals.subject import Space


@pytest.fixture
def run(tmp_path):
    run = SmallRun(path=tmp_path / "run")
    yield run
    run.close()


def points_of(run, **changes):
    return run.figures(space=NGRAMS, **changes)["map"]["points"]


def without_place(point):
    return {name: value for name, value in point.items() if name not in ("x", "y", "id")}


def test_seeds_accepted_and_rejected_rows_are_points_with_what_they_are(run):
    run.arrive(["card"], answer("my card has not come", ["card"]))
    run.arrive(["card"], answer("no", ["card"]))
    found = [without_place(point) for point in points_of(run)]
    nothing = {"reason": None, "filter": None}
    assert found == [
        {"kind": "seed", "labels": ["card"], "text": "where is my card", **nothing},
        {"kind": "seed", "labels": ["refund"], "text": "send my money back", **nothing},
        {"kind": "accepted", "labels": ["card"], "text": "my card has not come", **nothing},
        {"kind": "rejected", "labels": ["card"], "text": "no", "reason": "too_short",
         "filter": "length"},
    ]  # fmt: skip


def test_a_point_is_named_as_its_row_is_in_the_files(run):
    run.arrive(["card"], answer("my card has not come", ["card"]))
    run.arrive(["card"], answer("no", ["card"]))
    run.write_rows()
    rows = [
        json.loads(line)["id"]
        for name in ("accepted", "rejected")
        for line in (run.path / f"{name}.jsonl").read_text("utf-8").splitlines()
    ]
    assert [point["id"] for point in points_of(run)] == ["s0", "s1", *rows]


def test_an_answer_that_is_no_row_stands_for_what_was_asked_where_it_has_a_text(run):
    run.arrive(["refund"], answer("where is it", ["card"]))
    run.arrive(["refund"], Completion(text="Sure! Here you go"))
    run.arrive(["refund"], Failure(code="refused", detail="400"))
    found = run.figures(space=NGRAMS)["map"]
    assert [without_place(point) for point in found["points"][2:]] == [
        {"kind": "rejected", "labels": ["refund"], "text": "where is it", "reason": "label",
         "filter": "schema"}
    ]  # fmt: skip
    assert found["counts"]["rejected"] == {"shown": 1, "total": 1}


def test_the_two_texts_of_a_pair_are_compared_as_filters_compare_them(tmp_path):
    seeds = seed_set([("it rains", "follows"), ("it is dry", "contradicts")], pairs=True)
    run = SmallRun(path=tmp_path, seeds=seeds)
    run.arrive(["follows"], answer("the sun shines", ["follows"], seeds=seeds))
    compared = []

    def vectors_of(texts):
        compared.extend(texts)
        return NGRAMS.vectors_of(texts)

    found = run.figures(space=Space(name="mine", vectors_of=vectors_of))["map"]
    assert compared == [
        "it rains\nthen it rains",
        "it is dry\nthen it is dry",
        "the sun shines\nthen the sun shines",
    ]
    assert found["space"] == "mine"
    assert found["method"] == "PCA"
    run.close()


def test_a_long_run_shows_a_draw_and_says_of_how_many(tmp_path):
    seeds = seed_set([(f"seed number {n}", "card") for n in range(SHOWN["seed"] + 7)])
    rows = SHOWN["accepted"] + 20
    run = SmallRun(path=tmp_path, seeds=seeds, goal=per_label(seeds, rows=rows))
    for n in range(rows):
        run.arrive(["card"], answer(f"card question {n}", ["card"], seeds=seeds))
    flat = Space(name="flat", vectors_of=lambda texts: np.ones((len(texts), 4), dtype=np.float32))
    found = run.figures(space=flat)["map"]
    assert found["counts"] == {
        "seed": {"shown": SHOWN["seed"], "total": SHOWN["seed"] + 7},
        "accepted": {"shown": SHOWN["accepted"], "total": rows},
        "rejected": {"shown": 0, "total": 0},
    }
    kinds = [point["kind"] for point in found["points"]]
    assert {kind: kinds.count(kind) for kind in set(kinds)} == {
        "seed": SHOWN["seed"], "accepted": SHOWN["accepted"],
    }  # fmt: skip
    again = run.figures(space=flat)["map"]
    assert again == found
    run.close()


def test_without_a_space_or_a_row_there_is_no_map(run, tmp_path):
    run.arrive(["card"], answer("my card has not come", ["card"]))
    assert run.figures()["map"] is None
    empty = SmallRun(path=tmp_path / "empty", seeds=seed_set([]), goal=per_label(SEEDS, rows=1))
    assert empty.figures(space=NGRAMS)["map"] is None
    empty.close()


def test_long_and_broken_texts_are_cut_and_mended_before_anything_reads_them(run):
    run.arrive(["refund"], answer(f"broken \ud800 {'x' * 20_000}", ["card"]))
    seen = []

    def vectors_of(texts):
        seen.extend(texts)
        "".join(texts).encode()
        return np.full((len(texts), 4), np.nan, dtype=np.float32)

    found = run.figures(space=Space(name="mine", vectors_of=vectors_of))["map"]
    assert max(map(len, seen)) == 10_000
    assert found["points"][2]["text"].endswith("… [19,709 more characters]")
    assert {(point["x"], point["y"]) for point in found["points"]} == {(50.0, 50.0)}
    json.dumps(found, allow_nan=False).encode()
