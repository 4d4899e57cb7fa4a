"""A process between us and vLLM, so that nothing of vLLM outlives us, however we end.

    python -I keeper.py PARENT_PID GRACE_S COMMAND ...

vLLM is several processes (server, engine, workers), and the kernel tells a process of the death of
its own parent alone. This one watches both sides. Its standard input is a pipe that we hold: once
that is closed, or we are gone (also by kill -9), it ends the command and everything that the
command has started. It adopts what loses its parent (PR_SET_CHILD_SUBREAPER), so that nothing can
leave the tree that it ends. The command dies with the keeper (PR_SET_PDEATHSIG), and bears a
process group of its own, by which we end it if the keeper was killed.

It needs nothing but Python, says the command's process id, and exits as the command did (with 128
and the number of a signal, as shells do).
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

_SET_PDEATHSIG, _SET_CHILD_SUBREAPER = 1, 36  # <linux/prctl.h>
_LOOK_EVERY_S = 0.2
_NOT_FOUND, _KILLED = 127, 128


def main(arguments: Sequence[str]) -> int:
    """Keep a command; return its exit code, 128 and the signal where one ended it."""
    parent, grace_s, command = int(arguments[0]), float(arguments[1]), list(arguments[2:])
    _prctl(_SET_CHILD_SUBREAPER, 1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for our parent
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # which alone says when to end
    child = _started(command)
    sys.stdout.write(f"{child}\n")
    sys.stdout.close()
    code = _watched(child, parent=parent)
    if code is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child, signal.SIGTERM)
        code = _ended(child, within_s=grace_s)
    _end_the_rest()
    return code if code >= 0 else _KILLED - code


def _prctl(option: int, value: int) -> None:
    """Tell the kernel; only Linux has it."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


def _started(command: Sequence[str]) -> int:
    """Start the command in a process group of its own and return its id."""
    keeper = os.getpid()
    child = os.fork()
    if child:
        with contextlib.suppress(OSError):  # it has done so itself, or is gone
            os.setpgid(child, child)
        return child
    try:
        os.setpgid(0, 0)
        _prctl(_SET_PDEATHSIG, signal.SIGKILL)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        if os.getppid() == keeper:  # else it was killed before the kernel knew what we want
            nothing = os.open(os.devnull, os.O_RDONLY)
            os.dup2(nothing, 0)
            os.dup2(2, 1)
            os.execvp(command[0], list(command))  # noqa: S606 - our own command, without a shell
    except OSError as error:
        os.write(2, f"{command[0]}: {error.strerror}\n".encode())
    finally:
        os._exit(_NOT_FOUND)


def _watched(child: int, *, parent: int) -> int | None:
    """Wait until the command ends; None where it is to be ended."""
    while True:
        code = _reaped(child)
        if code is not None:
            return code
        told, _, _ = select.select([0], [], [], _LOOK_EVERY_S)
        if (told and not os.read(0, 1)) or os.getppid() != parent:
            return None


def _ended(child: int, *, within_s: float) -> int:
    """Wait for the command, which has been told to end; kill it when the time is over."""
    deadline = time.monotonic() + within_s
    while (code := _reaped(child)) is None:
        if time.monotonic() > deadline:
            return -signal.SIGKILL
        time.sleep(0.02)
    return code


def _reaped(child: int) -> int | None:
    """Take note of all children that have ended; return the command's code once it has."""
    code = None
    with contextlib.suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return code
            if pid == child:
                code = os.waitstatus_to_exitcode(status)
    return code


def _end_the_rest() -> None:
    """Kill every descendant, those too that are born meanwhile."""
    while own := _descendants(os.getpid()):
        for pid in own:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.01)
        _reaped(-1)


def _descendants(root: int) -> list[int]:
    """Return the ids of all processes below this one."""
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            # The name, in brackets, may hold anything; the state and the parent's id follow it.
            fields = (folder / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()
            children.setdefault(int(fields[1]), []).append(int(folder.name))
    found, open_ = list[int](), [root]
    while open_:
        below = children.get(open_.pop(), [])
        found += below
        open_ += below
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
