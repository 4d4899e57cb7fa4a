"""Runs whose rows a judge votes on, and the votes that they leave in the journal."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from augment_command import seeds_file

from augment.journal import SqliteJournal
from augment.records import Completion, Failure

LABELS = ("alpha", "beta", "gamma")
VERBS = ("bring", "fetch", "carry", "lift", "drop", "send", "show", "hide", "paint", "wash")
SEEDS = [
    {"text": f"please {verb} the {label} thing number {at} for us", "label": label}
    for at, verb in enumerate(VERBS)
    for label in LABELS
]
JUDGE = {"row_pattern": "<row>(.*)</row>"}
CONCURRENCY = 8


def run_of(
    tmp_path: Path, server: Any, *more: object, per_label: int = 5, out: Path | None = None
) -> list[object]:
    return [
        "run", seeds_file(tmp_path, SEEDS), "--judge", "--endpoint", server.url, "--out",
        out or tmp_path / "out", "--per-label", per_label, "--concurrency", CONCURRENCY, *more,
    ]  # fmt: skip


def votes_in(out: Path) -> Mapping[tuple[int, int, int], Completion | Failure]:
    """What was said by arrival, place and number of the vote; none may stand there twice."""
    journal = SqliteJournal(out / "journal.db", clock=time.time)
    votes = [*journal.votes()]
    journal.abandon()
    found = {(vote.arrival, vote.index, vote.number): vote.outcome for vote in votes}
    assert len(found) == len(votes), "a vote stands twice in the journal"
    return found
