"""What the journal must know of the disk below it."""

from __future__ import annotations

import logging
import os
import threading
from pathlib import Path

FLUSH_EVERY_S = 0.1
_NETWORK_FILE_SYSTEMS = ("nfs", "cifs", "smb", "9p", "afs", "ceph", "lustre", "gpfs", "fuse.")

_log = logging.getLogger(__name__)


class Flusher:
    """A thread that flushes the log to the disk, when there is something, at most every 100 ms."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stopping = threading.Event()
        self.wanted = threading.Event()
        self._thread = threading.Thread(target=self._flush, name="journal-flush", daemon=True)
        self._thread.start()

    def _flush(self) -> None:
        while not self._stopping.wait(FLUSH_EVERY_S):
            if self.wanted.is_set():
                self.wanted.clear()
                _flush(self._path)

    def stop(self) -> None:
        """End the thread; what is wanted by then is left to the file's closing."""
        self._stopping.set()
        self._thread.join()


def _flush(path: Path) -> None:
    try:
        descriptor = os.open(path, os.O_RDWR)
    except OSError:
        return  # a journal mode without a write-ahead log flushes by itself
    try:
        os.fsync(descriptor)
    except OSError as error:
        _log.warning("%s could not be flushed to the disk: %s", path, error)
    finally:
        os.close(descriptor)


def on_network(path: Path, *, mounts: Path = Path("/proc/self/mounts")) -> bool:
    """Tell whether the folder lies on a file system whose locks SQLite's log cannot trust."""
    try:
        lines = mounts.read_text("utf-8", "replace").splitlines()
    except OSError:
        return False
    place = str(path.resolve().parent) + "/"
    best, kind = "", ""
    for line in lines:
        _, point, name, *_ = line.split(" ")
        point = point.replace("\\040", " ")  # how the kernel writes a space
        if place.startswith(point.rstrip("/") + "/") and len(point) >= len(best):
            best, kind = point, name
    return kind.startswith(_NETWORK_FILE_SYSTEMS)
