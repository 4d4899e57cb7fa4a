"""Files and folders out: a reader sees the old one or the new one whole, never a part of either.

What is written stands beside its target under a hidden name until it is whole. Its writer holds a
lock on it, which ends with the process: whoever writes that target next knows by this what a
killed writer has left, and removes it.
"""

from __future__ import annotations

import os
import secrets
import shutil
import stat
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

try:
    import fcntl
except ImportError:  # Windows: nothing is locked there, and nothing removed
    fcntl = None

_SYNCED_AT_ONCE = 32


@contextmanager
def replacing(path: Path) -> Generator[BinaryIO]:
    """Open a file beside `path` that takes its place at the end, or is gone after a failure.

    Where `path` is a link, what it leads to is replaced; who may read the old file may read the
    new one.
    """
    path = path.resolve()
    with _beside(path, lambda beside: beside.touch(exist_ok=False)) as beside:
        with beside.open("wb") as file:
            if path.exists():
                beside.chmod(stat.S_IMODE(path.stat().st_mode))
            yield file
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    _settle(path.parent)


@contextmanager
def making_folder(path: Path, *, overwrite: bool) -> Generator[Path]:
    """Make a folder beside `path` that takes its name at the end, or is gone after a failure.

    Args:
        path: of the folder.
        overwrite: whether a folder that is there with something in it is thrown away at the end.

    Raises:
        OSError: it is there and may not be, or something cannot be written.
    """
    path = path.resolve()
    with _beside(path, Path.mkdir) as beside:
        yield beside
        with ThreadPoolExecutor(_SYNCED_AT_ONCE) as pool:  # a disk settles many files in one go
            list(pool.map(_sync, filter(Path.is_file, beside.rglob("*"))))
        old = _hidden(path, "old")
        if overwrite and path.exists():
            path.rename(old)
        try:
            beside.rename(path)
        except BaseException:
            if old.exists():
                old.rename(path)
            raise
    _settle(path.parent)
    for old in path.parent.glob(_name(path, "*", "old")):  # one may be a killed writer's
        shutil.rmtree(old, ignore_errors=True)


@contextmanager
def _beside(path: Path, make: Callable[[Path], None]) -> Generator[Path]:
    """Remove leftovers, and make something beside `path` that is gone at the end if still there."""
    for left in path.parent.glob(_name(path, "*", "tmp")):
        with _locked(left) as ours:
            if ours:
                _remove(left)
    while True:
        beside = _hidden(path, "tmp")
        make(beside)
        with _locked(beside):
            if not beside.exists():
                continue  # taken for a leftover before it was locked
            try:
                yield beside
            finally:
                _remove(beside)
            return


@contextmanager
def _locked(path: Path) -> Generator[bool]:
    """Hold a lock on a file or folder, and tell whether it could be had."""
    if fcntl is None:
        yield False
        return
    try:
        handle = os.open(path, os.O_RDONLY)
    except OSError:
        yield False
        return
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:  # held, or of a file system that has no locks
            yield False
        else:
            yield True
    finally:
        os.close(handle)


def _hidden(path: Path, kind: str) -> Path:
    return path.with_name(_name(path, secrets.token_hex(8), kind))


def _name(path: Path, which: str, kind: str) -> str:
    """Return a hidden name that belongs to a target, of the same length whatever its own."""
    return f".{sha256(os.fsencode(path.name)).hexdigest()[:16]}-{which}.{kind}"


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _settle(path: Path) -> None:
    """Let the new names in a folder survive a power cut, too."""
    if os.name == "posix":  # elsewhere a folder cannot be opened
        folder = os.open(path, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
