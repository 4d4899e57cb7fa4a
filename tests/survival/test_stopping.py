"""Ctrl-C, SIGTERM and a full disk: the run stops in good order, and the same command goes on."""

from __future__ import annotations

import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
from augment_command import ended, here, left_in, seed_rows, seeds_file, started, until

from augment.embed.store import VectorStore
from augment.errors import JournalError

FULL = {"alpha": 30, "beta": 30, "gamma": 30}


@pytest.fixture
def command(openai_server, tmp_path):
    server = openai_server(latency_ms=80)
    return server, [
        "run", seeds_file(tmp_path), "--endpoint", server.url, "--out", tmp_path / "out",
        "--per-label", 30, "--concurrency", 4,
    ]  # fmt: skip


@pytest.mark.parametrize(
    "signals", [(signal.SIGINT,), (signal.SIGTERM,), (signal.SIGINT, signal.SIGINT)]
)
def test_a_run_that_is_told_to_stop_writes_what_it_has_and_can_go_on(command, tmp_path, signals):
    server, command = command
    with started(*command) as process:
        until(lambda: server.stats()["requests"] >= 20)
        for number in signals:
            process.send_signal(number)
            time.sleep(0.02)
        result = ended(process)
    kept = left_in(tmp_path / "out")

    assert result.code == 130
    assert "Run the same command again to continue." in result.err
    assert 0 < len(kept.accepted) < 90
    assert kept.report["run"]["ending"] == "interrupted"

    server.control(latency_ms=0)
    assert here(*command).code == 0
    left = left_in(tmp_path / "out")
    assert left.per_label() == FULL
    assert left.accepted[: len(kept.accepted)] == kept.accepted
    assert sum(server.stats()["answered"].values()) <= 90 + 4


def test_a_run_that_is_stopped_before_it_began_writes_nothing(openai_server, tmp_path):
    server = openai_server(latency_ms=0, models_status=503)  # it is asked again and again
    command = ["run", seeds_file(tmp_path), "--endpoint", server.url, "--out", tmp_path / "out"]
    with started(*command, stderr=subprocess.STDOUT) as process:
        until(lambda: _has_handler(process.pid))
        process.send_signal(signal.SIGINT)
        result = ended(process)

    assert result.code == 130
    assert result.out == "Interrupted. Run the same command again to continue.\n"
    assert not (tmp_path / "out").exists()


def _has_handler(pid: int) -> bool:
    """Whether the process catches SIGTERM, as it does once the run has begun."""
    status = Path(f"/proc/{pid}/status").read_text("ascii")
    caught = next(line for line in status.splitlines() if line.startswith("SigCgt"))
    return bool(int(caught.split()[1], 16) >> (signal.SIGTERM - 1) & 1)


def test_a_full_disk_ends_the_run_and_more_room_continues_it(small_disk, openai_server, tmp_path):
    disk, enlarge = small_disk
    server = openai_server(latency_ms=2)
    command = [
        "run", seeds_file(tmp_path, seed_rows()), "--endpoint", server.url, "--out", disk / "out",
        "--per-label", 200,
    ]  # fmt: skip
    result = here(*command)
    answers = len(server.stats()["answered"])

    assert result.code == 1
    assert result.err.startswith("error: ")
    assert "what was committed before is kept" in result.err
    assert 0 < answers < 600
    assert here(*command).code == 1, "still full"

    enlarge()
    assert here(*command).code == 0
    assert left_in(disk / "out").per_label() == dict.fromkeys(FULL, 200)
    repeated = sum(times - 1 for times in server.stats()["answered"].values())
    assert repeated <= 2 * 64


def test_a_disk_that_is_full_for_the_vectors_loses_none_of_those_before(small_disk):
    disk, enlarge = small_disk
    rng = np.random.default_rng(0)
    store = VectorStore(disk / "vectors.db", encoder="any")
    kept = []

    def fill():
        for batch in range(1000):
            texts = [f"text {batch} {number}" for number in range(64)]
            store.add(texts, rng.normal(size=(64, 384)).astype(np.float16))
            kept.extend(texts)

    with pytest.raises(JournalError, match="full; what was committed before is kept"):
        fill()
    store.close()
    assert kept

    enlarge()
    store = VectorStore(disk / "vectors.db", encoder="any")
    assert store.get(kept).keys() == set(kept)
    store.close()
