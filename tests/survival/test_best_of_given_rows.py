"""A check that keeps the best of near-duplicates is killed, and ends as if it had not been."""

from __future__ import annotations

import contextlib
import json
import random
import sqlite3
from functools import partial

from augment_command import LONGEST_S, SOAK, here, killed, left_in, seeds_file, started, until
from judged_runs import JUDGE, LABELS, SEEDS

ROWS = 90


def rows_file(folder):
    """Rows in threes that nearly repeat each other, in no order."""
    rng = random.Random(0)
    words = [f"{a}{b}{c}" for a in "bdgkmprt" for b in "aeiou" for c in "lnrst"]
    rows = []
    for number in range(ROWS // 3):
        label, said = LABELS[number % 3], " ".join(rng.sample(words, 12))
        rows += [
            {"text": f"mend the {label} {word} of {said} today", "label": label}
            for word in ("lamp", "river", "market")
        ]
    rng.shuffle(rows)
    path = folder / "rows.jsonl"
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), "utf-8")
    return path


def decided(out):
    """How many decisions the journal holds, seen from outside."""
    path = out / "journal.db"
    try:
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
            return db.execute("SELECT count(*) FROM decisions").fetchone()[0]
    except sqlite3.OperationalError:  # it is not there yet, or has no tables yet
        return 0


def is_at(rows, out, process):
    return decided(out) >= rows or process.poll() is not None


def test_kill_9_in_the_middle_and_at_the_end_changes_no_row(openai_server, tmp_path):
    server = openai_server(latency_ms=100, **JUDGE)  # a judge spreads the decisions over time
    command = [
        "check", rows_file(tmp_path), "--seeds", seeds_file(tmp_path, SEEDS), "--keep", "best",
        "--judge", "--endpoint", server.url, "--concurrency", 8, "--out",
    ]  # fmt: skip
    whole, out, cuts = tmp_path / "whole", tmp_path / "out", []
    assert here(*command, whole).code == 0
    for rows in [*range(5, ROWS, 5), ROWS] if SOAK else [ROWS // 3, ROWS]:
        with started(*command, out) as process:
            until(partial(is_at, rows, out, process), within_s=LONGEST_S)
            killed(process)
        cuts.append(decided(out))
    result = here(*command, out)
    names = ("accepted.jsonl", "rejected.jsonl")

    assert 0 < cuts[0] < cuts[-1] == ROWS, "no kill came in the middle"
    assert result.code == 0, result.err
    assert [(out / name).read_bytes() for name in names] == [
        (whole / name).read_bytes() for name in names
    ]
    assert left_in(out).reasons()["near_duplicate"] >= ROWS // 3
