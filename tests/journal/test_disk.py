"""What the journal knows of the disk below it."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from augment.journal import disk


@pytest.mark.parametrize(
    ("mounts", "network"),
    [
        ("/dev/sda / ext4 rw 0 0\n", False),
        ("/dev/sda / ext4 rw 0 0\nserver:/x {place} nfs4 rw 0 0\n", True),
        ("server:/x / nfs rw 0 0\n/dev/sdb {place} xfs rw 0 0\n", False),
        ("me@host:/ {place} fuse.sshfs rw 0 0\n", True),
        ("tmpfs {place}-other nfs rw 0 0\n", False),
        ("", False),
    ],
)
def test_a_network_file_system_is_told_by_the_deepest_mount(tmp_path, mounts, network):
    table = tmp_path / "mounts"
    table.write_text(mounts.format(place=tmp_path), encoding="utf-8")

    assert disk.on_network(tmp_path / "journal.db", mounts=table) is network


def test_where_no_mounts_are_listed_the_disk_counts_as_local(tmp_path):
    assert disk.on_network(tmp_path / "journal.db", mounts=tmp_path / "none") is False


def test_the_flusher_flushes_only_when_wanted_and_stops_at_once(tmp_path):
    path = Path(tmp_path / "log")
    path.write_bytes(b"x")
    flusher = disk.Flusher(path)
    flusher.wanted.set()
    deadline = time.monotonic() + 5
    while flusher.wanted.is_set() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not flusher.wanted.is_set()
    path.unlink()  # a log that is gone is no error
    flusher.wanted.set()
    time.sleep(2 * disk.FLUSH_EVERY_S)
    flusher.stop()

    assert not flusher.wanted.is_set()
