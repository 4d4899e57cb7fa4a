"""kill -9 at any moment, and files cut at any byte: the same command goes on from there."""

from __future__ import annotations

import os
import random
import shutil
import time
from collections import deque
from pathlib import Path

import pytest
from augment_command import (
    SOAK,
    ended,
    here,
    killed,
    left_in,
    rows_in,
    seed_rows,
    seeds_file,
    started,
    until,
)

from augment import folder, recipe
from augment.journal import SqliteJournal
from augment.setting import Inputs, prepare

LABELS = ("one", "two", "three", "four")
CONCURRENCY = 16


def accepted_before_the_crash(out: Path, seeds: Path, copy: Path) -> list[dict[str, object]]:
    """Return the rows that the journal holds as accepted, from a copy of what the crash left."""
    shutil.copytree(out, copy)
    setting = prepare(Inputs(seeds=seeds), recipe.load(None, options={"model": "ngram"}))
    journal = SqliteJournal(copy / "journal.db", clock=time.time)
    templates = {name: {"name": "", "digest": ""} for name in ("fewshot", "paraphrase")}
    made = folder.Made(engine="", model="", templates=templates)
    deque(folder.written(copy, journal, task=setting.task, made=made), maxlen=0)
    journal.close()
    return [
        {name: row[name] for name in ("id", "text", "label")}
        for row in rows_in(copy / "accepted.jsonl")
    ]


def run_of(tmp_path, server, *, per_label, k=1):
    seeds = seeds_file(tmp_path, seed_rows(LABELS))
    return [
        "run", seeds, "--per-label", per_label, "--endpoint", server.url, "--out", tmp_path / "out",
        "--concurrency", CONCURRENCY, "--rows-per-request", k,
    ]  # fmt: skip


def kill_when_at_work(command, server, *, after_s):
    seen = server.stats()["requests"]
    with started(*command) as process:
        until(lambda: server.stats()["requests"] > seen or process.poll() is not None)
        time.sleep(after_s)
        killed(process)


def test_kill_9_loses_no_accepted_row_and_doubles_none(openai_server, tmp_path):
    kills = 50 if SOAK else 5
    server = openai_server(latency_ms=25, junk=0.1)
    out = tmp_path / "out"
    command = run_of(tmp_path, server, per_label=50 * kills)
    rng = random.Random(0)
    kept: dict[object, dict[str, object]] = {}
    for number in range(kills):
        kill_when_at_work(command, server, after_s=rng.uniform(0, 0.45))
        before = accepted_before_the_crash(out, command[1], tmp_path / f"copy-{number}")
        assert all(kept[row["id"]] == row for row in before if row["id"] in kept)
        assert {row["id"] for row in before} >= kept.keys(), "an accepted row was lost"
        kept.update({row["id"]: row for row in before})
    assert 0 < len(kept) < len(LABELS) * command[3], "every kill came too early or too late"
    with started(*command) as process:
        result = ended(process)
    left = left_in(out)
    final = {row["id"]: row for row in left.accepted}
    again = sum(times - 1 for times in server.stats()["answered"].values())

    assert result.code == 0
    assert left.per_label() == dict.fromkeys(LABELS, command[3])
    assert {row["id"]: {k: final[row["id"]][k] for k in row} for row in kept.values()} == kept
    assert again <= CONCURRENCY * kills
    assert left.report["run"]["sessions"] == kills + 1


def crashed(tmp_path, server, *, k):
    """Leave a run that was killed in its middle; return its command."""
    command = run_of(tmp_path, server, per_label=60, k=k)
    with started(*command) as process:
        until(lambda: len(server.stats()["answered"]) * k >= 100)
        killed(process)
    assert (tmp_path / "out" / "journal.db-wal").stat().st_size > 0
    return command


@pytest.mark.parametrize("k", [1, 4])
def test_a_journal_cut_at_any_byte_is_continued_to_exact_quotas(openai_server, tmp_path, k):
    server = openai_server(latency_ms=60)
    command = crashed(tmp_path, server, k=k)
    server.control(latency_ms=0)
    whole = tmp_path / "whole"
    (tmp_path / "out").rename(whole)
    rng = random.Random(k)
    for name in ("journal.db", "journal.db-wal") * (20 if SOAK else 3):
        shutil.copytree(whole, tmp_path / "out")
        cut = rng.randrange((whole / name).stat().st_size)
        os.truncate(tmp_path / "out" / name, cut)
        result = here(*command)
        assert result.code == 0, f"{name} cut at {cut}: {result.err}"
        assert left_in(tmp_path / "out").per_label() == dict.fromkeys(LABELS, 60), (
            f"{name} cut at {cut}"
        )
        shutil.rmtree(tmp_path / "out")
