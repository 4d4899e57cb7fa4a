"""Accepted rows that have a say on labels: a run that was killed decides as one that was not."""

from __future__ import annotations

import contextlib
import json
import os
import random
import sqlite3

import pytest
from augment_command import LONGEST_S, here, killed, seeds_file, started, until
from judged_runs import JUDGE, LABELS, SEEDS
from stub_encoder import write_stub

SAID = "accepted rows a label on, one that has learnt them too has half the say"
NEITHER = ("alphb", "betma", "gambma", "altha", "beppa")
"""Beginnings, all that the stub sees of a text, that are near to more than one label's."""


@pytest.fixture
def given(tmp_path, monkeypatch):
    """The command that checks rows with the stub in the encoder's place, but for where to."""
    monkeypatch.setenv("PYTHONPATH", str(write_stub(tmp_path / "stub")), prepend=os.pathsep)
    (tmp_path / "encoder").mkdir()
    (tmp_path / "rows.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows()), "utf-8")
    seeds = [{**seed, "text": f"{seed['label']} {seed['text']}"} for seed in SEEDS]

    def command(*more, **filters):
        filters["without"] = ["similarity", "near-duplicate", "shortcuts", "form", "language"]
        recipe = tmp_path / f"{'-'.join(filters)}.yaml"
        recipe.write_text(json.dumps({"filters": filters}), "utf-8")
        return [
            "check", tmp_path / "rows.jsonl", "--seeds", seeds_file(tmp_path, seeds),
            "--encoder", tmp_path / "encoder", "--recipe", recipe, *more, "--out",
        ]  # fmt: skip

    return command


def rows():
    rng = random.Random(0)
    words = [a + b + c for a in "bdgkmprt" for b in "aeiou" for c in "lnrst"]
    found = []
    for number in range(150):
        own = LABELS[number % len(LABELS)]
        first = own if rng.random() < 0.8 else rng.choice(NEITHER)
        label = own if rng.random() < 0.85 else rng.choice(LABELS)
        found.append({"text": f"{first} {' '.join(rng.sample(words, 9))}", "label": label})
    return found


def decided(out):
    """Every decision with its verdicts, by the arrival and the place of its row."""
    try:
        with contextlib.closing(
            sqlite3.connect(f"file:{out / 'journal.db'}?mode=ro", uri=True)
        ) as db:
            found = db.execute("SELECT arrival, place, accepted, verdicts FROM decisions")
            return {(arrival, place): rest for arrival, place, *rest in found}
    except sqlite3.OperationalError:
        return {}


def margins(decisions):
    every = {at: json.loads(verdicts) for at, (_, verdicts) in decisions.items()}
    return {
        at: verdict[2] for at, own in every.items() for verdict in own if verdict[0] == "agreement"
    }


@pytest.mark.parametrize("judge", [False, True])
def test_a_run_that_was_killed_decides_as_one_that_was_not(openai_server, given, tmp_path, judge):
    server = openai_server(latency_ms=40, **JUDGE)
    more = ["--judge", "--endpoint", server.url, "--concurrency", 8] if judge else []
    whole, out = tmp_path / "whole", tmp_path / "out"
    assert here(*given(*more), whole).code == 0
    for least in (20, 60, 100) if judge else (1,):
        with started(*given(*more), out) as process:
            until(
                lambda least=least: len(decided(out)) >= least or process.poll() is not None,
                within_s=LONGEST_S,
            )
            killed(process)
    for file in out.glob("vectors.db*"):  # what it knew of the rows that it has accepted
        file.unlink()
    assert here(*given(*more), out).code == 0

    assert decided(out) == decided(whole)
    assert (out / "rejected.jsonl").read_bytes() == (whole / "rejected.jsonl").read_bytes()
    if not judge:
        assert "left_to_judge" not in (out / "report.json").read_text("utf-8")
        here(*given(flag=["agreement"]), tmp_path / "alone")
        alone, learnt = (margins(decided(each)) for each in (tmp_path / "alone", whole))
        assert [alone[at] == learnt[at] for at in ((1, 0), (150, 0))] == [True, False]


def test_rows_have_no_say_where_a_guard_would_be_asked_about_those_left_open(
    openai_server, given, tmp_path
):
    server = openai_server(row_pattern="<row>(.*)</row>")
    plain, guarded, flagged = (
        here(*command, tmp_path / name)
        for name, command in {
            "plain": given(),
            "guarded": given("--guard-endpoint", server.url),
            "flagged": given(flag=["agreement"]),
        }.items()
    )
    assert [SAID in each.out for each in (plain, guarded, flagged)] == [True, False, False]
    assert "agreement: By the seeds alone, left out one at a time" in plain.out
    assert "agreement: Left out one at a time" in guarded.out


def test_given_texts_are_labelled_beside_a_classifier_of_the_seeds_alone(
    openai_server, given, tmp_path
):
    texts = tmp_path / "texts.jsonl"
    texts.write_text("".join(f"{json.dumps({'text': r['text']})}\n" for r in rows()[:6]), "utf-8")
    _, _, _, seeds, *_ = given()
    labelled = here(
        "run", seeds, "--unlabelled", texts, "--endpoint", openai_server().url,
        "--encoder", tmp_path / "encoder", "--out", tmp_path / "out",
    )  # fmt: skip
    assert "agreement: Left out one at a time" in labelled.out
    assert SAID not in labelled.out


def test_rows_of_the_seeds_own_words_have_no_say(openai_server, given, tmp_path):
    _, _, _, seeds, *rest = given("--per-label", 1)
    by_engine = {"box": ["--model", "ngram"], "endpoint": ["--endpoint", openai_server().url]}
    said = [here("run", seeds, *own, *rest, tmp_path / name) for name, own in by_engine.items()]

    assert all("the classifier errs on" in each.out for each in said)
    assert [SAID in each.out for each in said] == [False, True]
