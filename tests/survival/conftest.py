"""A disk that is soon full, for tests of what a run does then."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest


@pytest.fixture
def small_disk(tmp_path, missing):
    """A folder on a disk of 600 KB, and how to make that larger."""
    mount, unmount = shutil.which("mount"), shutil.which("umount")
    place = tmp_path / "disk"
    place.mkdir()
    if mount is None or unmount is None or os.geteuid() != 0:
        missing("mounting a small disk needs root and the command mount")
    made = subprocess.run([mount, "-t", "tmpfs", "-o", "size=600k", "tmpfs", place], check=False)
    if made.returncode != 0:
        missing("a tmpfs cannot be mounted here")
    yield place, lambda: subprocess.run([mount, "-o", "remount,size=64m", place], check=True)
    subprocess.run([unmount, place], check=True)
