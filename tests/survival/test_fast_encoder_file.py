"""The fast encoder's file is whole or not there, whoever is killed over it or writes it too."""

from __future__ import annotations

import random
import subprocess
import sys
import time

import numpy as np
import pytest
from augment_command import LONGEST_S, SOAK

from augment.embed.static import kept

PIECES = np.random.default_rng(0).normal(size=(2000, 256)).astype(np.float16).astype(np.float32)
MAKER = """
import sys
from pathlib import Path

import numpy as np
from augment.embed.static import kept

path = Path(sys.argv[1])
pieces = np.random.default_rng(0).normal(size=(2000, 256)).astype(np.float16).astype(np.float32)
print("begun", flush=True)
for _ in range(int(sys.argv[2])):
    assert (kept(path, lambda: pieces) == pieces).all()
    path.unlink(missing_ok=True)
"""


def maker(path, *, turns):
    """Makes the file and takes it away, again and again."""
    process = subprocess.Popen(
        [sys.executable, "-c", MAKER, str(path), str(turns)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    return process


def unneeded():
    raise AssertionError("what was found there was not whole")


def test_whoever_is_killed_while_writing_leaves_no_part_where_the_file_belongs(tmp_path):
    path, rng = tmp_path / "pieces.safetensors", random.Random(0)
    for _ in range(50 if SOAK else 5):
        process = maker(path, turns=10**6)
        time.sleep(rng.uniform(0.02, 0.1))
        process.kill()
        process.communicate(timeout=LONGEST_S)
        if path.exists():
            assert (kept(path, unneeded) == PIECES).all()
        else:
            assert (kept(path, lambda: PIECES) == PIECES).all()


def test_of_several_that_write_at_once_each_reads_what_is_whole(tmp_path):
    path = tmp_path / "pieces.safetensors"
    writers = [maker(path, turns=300 if SOAK else 30) for _ in range(3)]
    said = [process.communicate(timeout=LONGEST_S) for process in writers]

    assert [process.returncode for process in writers] == [0, 0, 0], said
    assert said == [("", "")] * 3, "a part was found"
    assert not list(tmp_path.iterdir())


def test_a_full_disk_leaves_nothing_and_more_room_is_enough(small_disk):
    disk, enlarge = small_disk
    path = disk / "augment" / "pieces.safetensors"
    with pytest.raises(OSError, match="No space left"):
        kept(path, lambda: PIECES)
    assert not list(path.parent.iterdir())

    enlarge()
    assert (kept(path, lambda: PIECES) == PIECES).all()
    assert (kept(path, unneeded) == PIECES).all()
