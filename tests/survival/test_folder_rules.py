"""A run's folder: one run at a time, the same run or none, larger but never smaller."""

from __future__ import annotations

import json

import pytest
from augment_command import (
    digests,
    ended,
    here,
    left_in,
    seed_rows,
    seeds_file,
    started,
    until,
)

SETTINGS = {
    "other seeds": "seeds: was",
    "another temperature": "sampling, temperature: was",
    "another random seed": "random-seed: was 0, now 1",
    "another hold-out": "holdout: was None, now",
    "other shots": "shots: was 5, now 2",
    "a smaller quota": "per-label: was 10, now 9",
    "a smaller budget": "max-requests: was 800, now 700",
    "a total instead": "total: was None, now 30",
    "another engine": "engine: was 'endpoint', now 'seedlm'",
}


@pytest.fixture
def finished(openai_server, tmp_path):
    """A finished run: its command, its server, its folder."""
    server, out = openai_server(junk=0.1), tmp_path / "out"
    command = ["run", seeds_file(tmp_path), "--endpoint", server.url, "--out", out]
    assert here(*command, "--per-label", 10).code == 0
    return command, server, out


def test_the_second_of_two_runs_in_a_folder_is_refused_and_the_first_unharmed(
    openai_server, tmp_path
):
    server, out = openai_server(latency_ms=100), tmp_path / "out"
    command = [
        "run", seeds_file(tmp_path), "--endpoint", server.url, "--out", out, "--per-label", 10,
        "--concurrency", 2,
    ]  # fmt: skip
    with started(*command) as first:
        until(lambda: server.stats()["requests"] > 2)
        second = here(*command)
        result = ended(first)

    assert second.code == 2
    assert second.err == f"error: {out}: another run is at work in this folder\n"
    assert result.code == 0
    assert left_in(out).per_label() == {"alpha": 10, "beta": 10, "gamma": 10}
    assert set(server.stats()["answered"].values()) == {1}


@pytest.mark.parametrize("what", SETTINGS)
def test_a_folder_is_refused_to_a_run_with(finished, tmp_path, what):
    (_, seeds, _, url, _, _), server, out = finished
    before, calls = digests(out), server.stats()["requests"]
    if what == "other seeds":
        seeds_file(tmp_path, seed_rows(each=6))
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("sampling: {temperature: 0.5}" if what == "another temperature" else "{}")
    options = {
        "another random seed": ["--random-seed", 1],
        "another hold-out": ["--holdout", seeds],
        "other shots": ["--shots", 2],
        "a smaller budget": ["--max-requests", 700],
    }
    quota = {"a smaller quota": ["--per-label", 9], "a total instead": ["--total", 30]}
    engine = ["--engine", "seedlm"] if what == "another engine" else ["--endpoint", url]
    result = here(
        "run", seeds, *engine, "--out", out, "--recipe", recipe, *options.get(what, []),
        *quota.get(what, ["--per-label", 10]),
    )  # fmt: skip

    assert result.code == 2
    assert SETTINGS[what] in result.err
    assert (
        "holds another run: choose another --out, delete it, or use the same settings" in result.err
    )
    assert digests(out) == before
    assert server.stats()["requests"] == calls


def test_every_difference_is_listed_at_once(finished):
    command, _, _ = finished
    result = here(*command, "--per-label", 10, "--random-seed", 7, "--language", "German")

    assert "random-seed: was 0, now 7" in result.err
    assert "language: was None, now 'German'" in result.err


def test_a_larger_quota_continues_and_keeps_what_was_accepted(finished):
    command, server, out = finished
    before, calls = left_in(out), server.stats()["requests"]
    assert here(*command, "--per-label", 15).code == 0
    after = left_in(out)

    assert after.per_label() == {"alpha": 15, "beta": 15, "gamma": 15}
    assert after.accepted[:30] == before.accepted
    assert after.rejected[: len(before.rejected)] == before.rejected
    assert server.stats()["requests"] - calls == len(after.accepted + after.rejected) - len(
        before.accepted + before.rejected
    )


def test_a_larger_budget_continues(openai_server, tmp_path):
    server, out = openai_server(), tmp_path / "out"
    command = ["run", seeds_file(tmp_path), "--endpoint", server.url, "--out", out]
    assert here(*command, "--per-label", 10, "--max-requests", 12).code == 3
    assert len(left_in(out).accepted) == 12
    assert here(*command, "--per-label", 10, "--max-requests", 40).code == 0
    assert left_in(out).per_label() == {"alpha": 10, "beta": 10, "gamma": 10}


def test_a_finished_run_run_again_calls_nobody_and_leaves_the_same_rows(finished):
    command, server, out = finished
    before, calls = digests(out), server.stats()["requests"]
    report = json.loads((out / "report.json").read_text("utf-8"))
    result = here(*command, "--per-label", 10)
    again = json.loads((out / "report.json").read_text("utf-8"))

    assert result.code == 0
    assert server.stats()["requests"] == calls
    assert digests(out)["accepted.jsonl"] == before["accepted.jsonl"]
    assert digests(out)["rejected.jsonl"] == before["rejected.jsonl"]
    for figures in (report, again):  # what another session adds
        figures["run"].update(sessions=0, active_s=0)
        del figures["throughput"], figures["rates"]
    assert again == report


def test_a_folder_with_strange_files_is_refused_and_left_alone(openai_server, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "README.md").write_text("mine")
    result = here("run", seeds_file(tmp_path), "--endpoint", openai_server().url, "--out", out)

    assert result.code == 2
    assert "holds 'README.md' but no run; choose an empty or new --out" in result.err
    assert [path.name for path in out.iterdir()] == ["README.md"]


def test_seeds_are_never_altered(finished, tmp_path):
    command, _, _ = finished
    rows = "".join(json.dumps(row) + "\n" for row in seed_rows())
    assert command[1].read_text("utf-8") == rows
