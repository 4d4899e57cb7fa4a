"""A run with a judge: its votes are counted apart, survive kill -9, and cost no row."""

from __future__ import annotations

import itertools
import json
import random
import time

import pytest
from augment_command import (
    LONGEST_S,
    SOAK,
    ended,
    here,
    killed,
    left_in,
    seeds_file,
    started,
    until,
)
from judged_runs import CONCURRENCY, JUDGE, LABELS, SEEDS, run_of, votes_in


def at_work(server, process):
    seen = server.stats()["requests"]
    return lambda: server.stats()["requests"] > seen or process.poll() is not None


def check(tmp_path, server, rows, *more):
    file = tmp_path / "rows.jsonl"
    file.write_text("".join(f"{json.dumps(row)}\n" for row in rows), "utf-8")
    seeds, out = seeds_file(tmp_path, SEEDS), tmp_path / "out"
    return here(
        "check", file, "--seeds", seeds, "--judge", "--endpoint", server.url, "--out", out, *more
    )


def test_votes_are_counted_apart_from_asks_and_named_wherever_calls_are(openai_server, tmp_path):
    server = openai_server(**JUDGE)
    result = here(*run_of(tmp_path, server))
    left = left_in(tmp_path / "out")
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text("utf-8"))
    told = left.report["judge"]

    assert result.code == 0, result.err
    assert told["on_seeds"] == 3 * len(SEEDS)
    assert told["on_rows"] >= 3 * 15
    assert told["calls"] == told["on_seeds"] + told["on_rows"] == manifest["calls"]["judge"]
    assert manifest["calls"]["ask"] == left.report["counts"]["asks"]
    assert server.stats()["requests"] == sum(manifest["calls"].values())
    assert f"votes of the judge {told['calls']}" in " ".join(result.out.split())
    assert "judge: Asked without being told, it gives 30 of 30 seeds their own label." in result.out
    assert f"{told['calls']} calls" in (tmp_path / "out" / "report.html").read_text("utf-8")
    assert f"{told['calls']} calls" in (tmp_path / "out" / "README.md").read_text("utf-8")


def test_a_run_that_is_done_is_replayed_to_the_same_files_without_a_call(openai_server, tmp_path):
    server = openai_server(**JUDGE)
    command = run_of(tmp_path, server)
    here(*command)
    names = ("accepted.jsonl", "rejected.jsonl")
    before = [(tmp_path / "out" / name).read_bytes() for name in names]
    scores = left_in(tmp_path / "out").report["scores"]
    calls = server.stats()["requests"]

    assert here(*command).code == 0
    assert [(tmp_path / "out" / name).read_bytes() for name in names] == before
    assert left_in(tmp_path / "out").report["scores"] == scores
    assert server.stats()["requests"] == calls


def test_kill_9_neither_repeats_votes_nor_loses_them(openai_server, tmp_path):
    kills = 30 if SOAK else 4
    server = openai_server(latency_ms=25, junk=0.1, **JUDGE)
    out = tmp_path / "out"
    command = run_of(tmp_path, server, per_label=30)
    rng, kept = random.Random(0), {}
    for _ in range(kills):
        with started(*command) as process:
            until(at_work(server, process), within_s=LONGEST_S)
            time.sleep(rng.uniform(0.1, 0.7))
            killed(process)
        now = votes_in(out)
        assert {key: now.get(key) for key in kept} == kept, "a vote was lost"
        kept = now
    with started(*command) as process:
        result = ended(process)
    left, votes = left_in(out), votes_in(out)
    again = sum(times - 1 for times in server.stats()["answered"].values())

    assert result.code == 0, result.err
    assert kept, "every kill came too early"
    assert left.per_label() == dict.fromkeys(LABELS, 30)
    assert {key: votes.get(key) for key in kept} == kept, "a vote was lost"
    assert again <= CONCURRENCY * kills
    assert left.report["judge"]["on_seeds"] == 3 * len(SEEDS)


def test_a_storm_and_junk_cost_votes_and_no_row(openai_server, tmp_path):
    server = openai_server(
        **JUDGE, refuse_forever=0.1, error_500=0.2, error_429=0.1, reset=0.05, junk=0.2,
        null_content=0.1, wrong_label=0.1, finish_length=0.1,
    )  # fmt: skip
    result = here(*run_of(tmp_path, server, "--judge-votes", 1, per_label=8))
    left = left_in(tmp_path / "out")
    judged = next(stage for stage in left.report["funnel"] if stage["filter"] == "judge")
    reasons = {each["reason"] for each in left.report["abstentions"] if each["filter"] == "judge"}

    assert result.code == 0, result.err
    assert left.per_label() == dict.fromkeys(LABELS, 8)
    assert left.report["judge"]["failures"] > 0
    assert judged["abstained"] + judged["passed"] + judged["rejected"] == judged["saw"] >= 24
    assert reasons <= {"no_answer", "cannot_tell"}


def test_rows_await_their_votes_when_the_server_is_gone_and_get_them_later(openai_server, tmp_path):
    server = openai_server(latency_ms=20, **JUDGE)
    command = run_of(tmp_path, server, "--max-wait-s", "0.5", per_label=20)
    with started(*command) as process:
        until(lambda: server.stats()["requests"] >= 3 * len(SEEDS) + 40)
        server.control(down_for_s=3)
        gone = ended(process)
    left = left_in(tmp_path / "out")
    judged = [v for v in left.report["abstentions"] if v["filter"] == "judge"]
    time.sleep(3)

    assert gone.code == 3, gone.err
    assert not judged, "a row was let through without its votes"
    assert here(*command).code == 0
    assert left_in(tmp_path / "out").per_label() == dict.fromkeys(LABELS, 20)


def test_votes_count_against_the_budget_and_rows_are_not_judged_once_it_is_spent(
    openai_server, tmp_path
):
    server = openai_server(**JUDGE)
    limit = 3 * len(SEEDS) + 40
    result = here(*run_of(tmp_path, server, "--max-requests", limit, per_label=50))
    left = left_in(tmp_path / "out")
    told = left.report["judge"]

    assert result.code == 3
    assert f"the budget is spent: --max-requests {limit}" in result.out
    assert server.stats()["requests"] == limit == told["calls"] + left.report["counts"]["asks"]
    assert {e["reason"] for e in left.report["abstentions"] if e["filter"] == "judge"} <= {
        "not_asked"
    }


def test_check_asks_the_endpoint_about_rows_from_anywhere(openai_server, tmp_path):
    server = openai_server(**JUDGE)
    good = [
        {"text": f"kindly mend my {label} {one} {n} {n}{n} times", "label": label}
        for n, (label, one) in enumerate(itertools.product(LABELS, ("kettle", "piano", "bicycle")))
    ]
    wrong = [{"text": "somebody stole the beta thing from me", "label": "alpha"}]
    result = check(tmp_path, server, [*good, *wrong])
    left = left_in(tmp_path / "out")
    names = {row["provenance"]["model"] for row in left.accepted + left.rejected}

    assert result.code == 0, result.err
    assert [(row["text"], row["filter"], row["reason"]) for row in left.rejected] == [
        (wrong[0]["text"], "judge", "label")
    ]
    assert len(left.accepted) == len(good)
    assert names == {"rows.jsonl"}
    assert left.report["judge"]["on_rows"] == 3 * (len(good) + 1)


def test_check_explains_what_was_read(openai_server, tmp_path):
    rows = [{"text": "somebody stole the beta thing from me", "label": "alpha"}]
    result = check(tmp_path, openai_server(**JUDGE), rows, "--explain", "0")

    assert "rejected by judge, " in result.out
    assert "read as 'beta'; its own label has" in " ".join(result.out.split())


def test_a_duplicate_of_an_accepted_row_is_spared_the_votes(openai_server, tmp_path):
    row = {"text": "kindly mend the alpha thing of mine", "label": "alpha"}
    fillers = [
        {"text": f"w{n} x{n} y{n} z{n} the beta thing of {n}", "label": "beta"} for n in range(300)
    ]
    check(tmp_path, openai_server(**JUDGE), [row, *fillers, row])
    left = left_in(tmp_path / "out")

    assert [each["reason"] for each in left.rejected] == ["duplicate"]
    assert left.report["judge"]["on_rows"] == 3 * 301


@pytest.mark.parametrize(
    ("options", "rows", "said"),
    [
        (["--engine", "seedlm", "--model", "ngram"], SEEDS,
         "--judge: seedlm cannot tell labels apart; name an engine that can, such as --endpoint"),
        (["--endpoint", "http://127.0.0.1:9/v1"],
         [{"text": "it is blue and round", "label": ["a"]}, {"text": "no", "label": ["a", "b"]}],
         "--judge: is for rows with one label each"),
        (["--endpoint", "http://127.0.0.1:9/v1"],
         [{"text": "Ann is in Rome", "entities": [{"start": 0, "end": 3, "label": "who"}]}],
         "--judge: is for rows with one label each"),
    ],
)  # fmt: skip
def test_a_judge_that_cannot_be_asked_is_refused(tmp_path, options, rows, said):
    result = here("run", seeds_file(tmp_path, rows), "--judge", "--out", tmp_path / "out", *options)

    assert result.code == 2
    assert said in result.err
    assert not (tmp_path / "out").exists()


def test_check_without_an_endpoint_refuses_a_judge(tmp_path):
    seeds = seeds_file(tmp_path, SEEDS)
    result = here("check", seeds, "--seeds", seeds, "--judge", "--out", tmp_path / "out")

    assert result.code == 2
    assert "--judge: needs an engine to ask: --endpoint URL" in result.err
