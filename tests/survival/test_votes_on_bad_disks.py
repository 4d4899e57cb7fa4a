"""Votes of a judge outlive a full disk and a cut journal; older journals that know none go on."""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import sqlite3
import time

import pytest
from augment_command import SOAK, here, left_in
from judged_runs import CONCURRENCY, JUDGE, LABELS, SEEDS, run_of, votes_in

from augment.journal import SqliteJournal


def copied(out, to):
    """Look at a folder without touching it."""
    shutil.copytree(out, to)
    return to


def arrivals_in(out):
    """What was answered, by number."""
    journal = SqliteJournal(out / "journal.db", clock=time.time)
    outcomes = {arrival.number: arrival.outcome for arrival, _ in journal.replay()}
    journal.abandon()
    return outcomes


def unanswered(outcomes):
    """How many asks ended without an answer: sent or, where the run was full before, never sent."""
    return sum(getattr(outcome, "code", None) == "unanswered" for outcome in outcomes.values())


def test_a_disk_that_is_full_of_votes_loses_none_and_more_room_goes_on(
    small_disk, openai_server, tmp_path
):
    disk, enlarge = small_disk
    server = openai_server(**JUDGE)
    out, kept = disk / "out", {}
    command = run_of(tmp_path, server, out=out, per_label=40)
    ballast = (400, 200, 0)
    for kilobytes in ballast:
        (disk / "ballast").write_bytes(bytes(kilobytes * 1024))
        result = here(*command)
        now = votes_in(copied(out, tmp_path / f"full-{kilobytes}"))
        assert result.code == 1
        assert "what was committed before is kept" in result.err
        assert {key: now.get(key) for key in kept} == kept, "a vote was lost"
        kept = now
    assert len(kept) > 0

    enlarge()
    result, left, votes = here(*command), left_in(out), votes_in(out)
    again = sum(times - 1 for times in server.stats()["answered"].values())

    assert result.code == 0, result.err
    assert left.per_label() == dict.fromkeys(LABELS, 40)
    assert {key: votes.get(key) for key in kept} == kept, "a vote was lost"
    assert again <= 2 * CONCURRENCY * len(ballast)
    assert left.report["judge"]["on_seeds"] == 3 * len(SEEDS)


def test_of_a_cut_journal_just_the_votes_that_are_lost_are_asked_for_again(openai_server, tmp_path):
    cuts = 20 if SOAK else 3
    server = openai_server(**JUDGE)
    command, out, whole = run_of(tmp_path, server), tmp_path / "out", tmp_path / "whole"
    assert here(*command).code == 0
    out.rename(whole)
    size, every = (whole / "journal.db").stat().st_size, votes_in(whole)
    rng, lost = random.Random(0), []
    for part in range(cuts):
        cut = rng.randrange(size * part // cuts, size * (part + 1) // cuts)
        shutil.copytree(whole, out)
        os.truncate(out / "journal.db", cut)
        saved = copied(out, tmp_path / f"cut-{part}")
        kept, arrivals, asked = votes_in(saved), arrivals_in(saved), server.stats()["requests"]
        result, left, votes = here(*command), left_in(out), votes_in(out)
        asked = server.stats()["requests"] - asked
        lost.append(len(every) - len(kept))
        assert result.code == 0, f"cut at {cut}: {result.err}"
        assert left.per_label() == dict.fromkeys(LABELS, 5), f"cut at {cut}"
        assert {key: votes.get(key) for key in kept} == kept, f"cut at {cut}: a vote was lost"
        assert {arrival for arrival, *_ in kept} <= {0, *arrivals}, f"cut at {cut}: of no row"
        came = {number: each for number, each in arrivals_in(out).items() if number not in arrivals}
        most = len(votes) - len(kept) + len(came)
        assert most - unanswered(came) <= asked <= most, f"cut at {cut}"
        assert left.report["judge"]["on_seeds"] == 3 * len(SEEDS), f"cut at {cut}"
        shutil.rmtree(out)

    assert any(0 < some < len(every) for some in lost), "no cut went through the votes"


@pytest.fixture
def of_before(openai_server, tmp_path):
    """The command of a run without a judge whose folder an earlier version left: schema 3."""
    command = [*run_of(tmp_path, openai_server(**JUDGE), per_label=3)]
    command.remove("--judge")
    assert here(*command).code == 0
    with contextlib.closing(sqlite3.connect(tmp_path / "out" / "journal.db")) as db:
        facts = json.loads(*db.execute("SELECT value FROM run WHERE name = 'facts'").fetchone())
        del facts["judge"]
        for name in ("judge", "judge_votes", "keep"):
            del facts["recipe"][name]
        db.execute("DROP TABLE votes")
        db.executemany(
            "UPDATE run SET value = ? WHERE name = ?",
            [(json.dumps(facts), "facts"), ("3", "schema_version")],
        )
        db.commit()
    return command


def header_of(out):
    with contextlib.closing(sqlite3.connect(out / "journal.db")) as db:
        return dict(db.execute("SELECT name, value FROM run"))


@pytest.mark.parametrize("damaged", [False, True])
def test_a_run_of_before_there_were_votes_goes_on(of_before, tmp_path, damaged):
    out, command = tmp_path / "out", of_before
    kept = left_in(out).accepted
    if damaged:  # its pages are whole, and its beginning is not
        path = out / "journal.db"
        path.write_bytes(b"SQLite format 4\0" + path.read_bytes()[16:])
    command[command.index("--per-label") + 1] = 5
    result = here(*command)
    left = left_in(out)

    assert result.code == 0, result.err
    assert left.per_label() == dict.fromkeys(LABELS, 5)
    assert left.accepted[: len(kept)] == kept
    assert header_of(out)["schema_version"] == "4"
    assert (out / "journal.db.damaged-1").exists() is damaged


def test_a_run_of_before_there_were_votes_is_not_judged_half_way(of_before, tmp_path):
    out = tmp_path / "out"
    before, rows = header_of(out), (out / "accepted.jsonl").read_bytes()
    result = here(*of_before, "--judge")

    assert result.code == 2
    assert f"{out}: holds another run: choose another --out" in result.err
    assert f"{out}: judge: was False, now True" in result.err
    assert header_of(out) == before
    assert (out / "accepted.jsonl").read_bytes() == rows
