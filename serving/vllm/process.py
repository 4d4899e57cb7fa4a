"""vLLM's processes, seen from ours: started through the keeper, asked for their health, ended."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

import aiohttp

from augment.errors import EngineUnusable

_KEEPER = Path(__file__).with_name("keeper.py")
_GRACE_S = 5.0
"""That vLLM is given to end by itself."""
_LOOK_EVERY_S = 0.1
_ANSWERS_WITHIN_S = 10.0
_LOG_TAIL = 64 << 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What is started.

    Attributes:
        environ: the process's variables, all of them.
        log: a file, to whose end everything is written that it says.
    """

    command: Sequence[str]
    environ: Mapping[str, str]
    log: Path


class Process:
    """A running vLLM; made by `started`."""

    def __init__(self, keeper: subprocess.Popen[bytes], start: Start, *, log_from: int) -> None:
        self._keeper = keeper
        self._stdin = cast("IO[bytes]", keeper.stdin)
        self._log = start.log
        self._log_from = log_from
        with cast("IO[bytes]", keeper.stdout) as told:
            self.pid = int(told.readline() or 0)
        self._ended = False

    @property
    def code(self) -> int | None:
        """Its exit code, 128 and the signal where one ended it; None while it runs."""
        code = self._keeper.poll()
        if code is not None:
            self._end_what_is_left()
        return code

    def log(self) -> str:
        """Return the end of what it has said."""
        try:
            with self._log.open("rb") as file:
                end = file.seek(0, os.SEEK_END)
                file.seek(max(self._log_from, end - _LOG_TAIL))
                return file.read().decode("utf-8", "replace")
        except OSError:
            return ""

    async def end(self) -> None:
        """End it and everything that it has started; also where we are cancelled meanwhile."""
        self._stdin.close()
        try:
            async with asyncio.timeout(2 * _GRACE_S):
                while self._keeper.poll() is None:
                    await asyncio.sleep(_LOOK_EVERY_S)
        except TimeoutError:
            self._keeper.kill()
            await asyncio.to_thread(self._keeper.wait)
        finally:  # the keeper goes on by itself where we do not wait for it
            if self._keeper.poll() is not None:
                self._end_what_is_left()

    def _end_what_is_left(self) -> None:
        """End the group where the keeper was killed; else it has ended everything itself."""
        if self._ended or self.pid == 0 or (self._keeper.returncode or 0) >= 0:
            return
        self._ended = True
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)


def started(start: Start) -> Process:
    """Start it.

    Raises:
        EngineUnusable: the log cannot be written.
    """
    try:
        start.log.parent.mkdir(parents=True, exist_ok=True)
        log = start.log.open("ab")
    except OSError as error:
        raise EngineUnusable(f"{start.log}: cannot be written: {error.strerror}") from error
    with log:
        log_from = log.seek(0, os.SEEK_END)
        keeper = subprocess.Popen(  # noqa: S603 - our own file, by our own interpreter
            [
                sys.executable, "-I", str(_KEEPER), str(os.getpid()), f"{_GRACE_S}",
                *start.command,
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            env=dict(start.environ),
            start_new_session=True,  # Ctrl-C is for us, who then end it
        )  # fmt: skip
    return Process(keeper, start, log_from=log_from)


async def healthy(session: aiohttp.ClientSession, url: str) -> bool | None:
    """Tell whether the server at a base address is well; None where nothing answers."""
    try:
        async with session.get(
            f"{url}/health", timeout=aiohttp.ClientTimeout(total=_ANSWERS_WITHIN_S)
        ) as answer:
            return answer.status == 200
    except (aiohttp.ClientError, OSError, TimeoutError):
        return None
