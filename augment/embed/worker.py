"""The encoder's process, seen from the run: it starts while the run does other things.

A process of its own, since torch and Python's lock would hold up the loop that waits for answers,
and the loop the encoder. What it is told and what it says is in `augment.embed.model`.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import IO, Any, cast

import numpy as np
import numpy.typing as npt

from augment.errors import EncoderError, InputError
from augment.records import Place

_COMMAND = (sys.executable, "-P", "-m", "augment.embed.model")
_SHOWN = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class _Process:
    """The running process; `said` is a file with what it wrote to standard error."""

    handle: subprocess.Popen[bytes]
    requests: IO[bytes]
    answers: IO[bytes]
    said: IO[bytes]

    @classmethod
    def start(cls) -> _Process:
        said = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the process
        handle = subprocess.Popen(  # noqa: S603 - our own module
            _COMMAND,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=said,
            start_new_session=True,  # Ctrl-C is for the run, which then ends the worker
            env={**os.environ, "TOKENIZERS_PARALLELISM": "false"},
        )
        return cls(
            handle=handle,
            requests=cast("IO[bytes]", handle.stdin),
            answers=cast("IO[bytes]", handle.stdout),
            said=said,
        )

    def close(self) -> None:
        for pipe in (self.requests, self.answers, self.said):
            with contextlib.suppress(BrokenPipeError):  # what was still to be sent
                pipe.close()

    def last_words(self) -> str:
        self.said.seek(max(0, self.said.seek(0, os.SEEK_END) - _SHOWN))
        said = self.said.read().decode("utf-8", "replace").strip()
        return said.splitlines()[-1] if said else "it said nothing"


class _Busy:
    """The time in which at least one call was under way."""

    def __init__(self) -> None:
        self._seconds = 0.0
        self._calls = 0
        self._since = 0.0
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        with self._lock:
            if self._calls == 0:
                self._since = time.perf_counter()
            self._calls += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._calls -= 1
            if self._calls == 0:
                self._seconds += time.perf_counter() - self._since

    @property
    def seconds(self) -> float:
        """So far, the calls that are under way included."""
        with self._lock:
            running = time.perf_counter() - self._since if self._calls else 0.0
            return self._seconds + running


class Worker:
    """Encodes texts in another process; safe to be called from several threads.

    Attributes:
        encoder: what the user called it.
        texts: how many it has encoded.
    """

    def __init__(self, encoder: str) -> None:
        self.encoder = encoder
        self.texts = 0
        self._process: _Process | None = None
        self._starting = threading.Lock()
        self._asking, self._hearing = threading.Lock(), threading.Lock()
        self._busy = _Busy()
        self._closed = False
        self._about: dict[str, str] | None = None

    @property
    def started(self) -> bool:
        """Whether there is a process."""
        return self._process is not None

    def start(self, *, dtype: str | None) -> None:
        """Start the process, in the number format given or, where none is, in the fastest.

        Raises:
            EncoderError: it was closed before it could be started.
        """
        with self._starting:
            if self._closed:
                raise EncoderError("the encoder was ended with the run")
            self._process = _Process.start()
        self._write(self._process, {"encoder": self.encoder, "dtype": dtype})

    def ready(self) -> dict[str, str]:
        """Wait until the model is loaded, and return its name, dtype and device.

        Raises:
            InputError: it cannot be loaded.
            EncoderError: the process has died.
        """
        with self._hearing:
            if self._about is None:
                self._about = self._answer(self._running())
            return self._about

    def pieces(self, texts: Sequence[str]) -> dict[str, int]:
        """Count the tokens that the texts are cut into (`pieces`), and the `unknown` among them."""
        with self._asked({"pieces": list(texts)}) as process:
            return self._answer(process)

    def encode(self, texts: Sequence[str]) -> npt.NDArray[np.float16]:
        """Return unit-length vectors, one row per text.

        Raises:
            EncoderError: the process has died.
        """
        return self._encoded({"texts": list(texts)})[0]

    def encode_places(
        self, texts: Sequence[str], places: Sequence[Sequence[Place]]
    ) -> tuple[npt.NDArray[np.float16], npt.NDArray[np.float16]]:
        """Return the vectors of texts, and of all of their places, in order.

        Raises:
            EncoderError: the process has died.
        """
        return self._encoded({"texts": list(texts), "places": [list(own) for own in places]})

    def _encoded(
        self, request: dict[str, Any]
    ) -> tuple[npt.NDArray[np.float16], npt.NDArray[np.float16]]:
        with self._busy, self._asked(request) as process:
            answer = self._answer(process)
            texts, places = (self._read(process, *answer[name]) for name in ("shape", "places"))
            self.texts += len(texts)
            return texts, places

    def _read(self, process: _Process, rows: int, width: int) -> npt.NDArray[np.float16]:
        data = process.answers.read(2 * rows * width)
        if len(data) < 2 * rows * width:
            raise self._died(process)
        return np.frombuffer(data, dtype=np.float16).reshape(rows, width)

    @property
    def busy_s(self) -> float:
        """How long it has been encoding, from the sending of texts to having their vectors."""
        return self._busy.seconds

    @contextlib.contextmanager
    def _asked(self, request: dict[str, Any]) -> Generator[_Process]:
        """Send a request, and hold what comes back once it is this one's turn.

        Whoever comes next may send while this one waits, so that the process never does.
        """
        with self._asking:
            process = self._running()
            self._write(process, request)
            self._hearing.acquire()
        try:
            yield process
        finally:
            self._hearing.release()

    def close(self) -> None:
        """End the process at once; whoever waits for it gets an `EncoderError`."""
        with self._starting:
            self._closed = True
        if self._process is None:
            return
        self._process.handle.kill()
        self._process.handle.wait()
        with self._asking, self._hearing:  # nobody waits any more
            self._process.close()

    def _running(self) -> _Process:
        if self._process is None or self._closed:
            raise EncoderError("the encoder has no process")
        return self._process

    def _write(self, process: _Process, request: dict[str, Any]) -> None:
        try:
            process.requests.write(json.dumps(request).encode() + b"\n")
            process.requests.flush()
        except BrokenPipeError as error:
            raise self._died(process) from error

    def _answer(self, process: _Process) -> dict[str, Any]:
        line = process.answers.readline()
        if not line.endswith(b"\n"):
            raise self._died(process)
        answer = cast("dict[str, Any]", json.loads(line))
        if "unusable" in answer:
            raise InputError.one(f"--encoder {self.encoder}", answer["unusable"])
        return answer

    def _died(self, process: _Process) -> EncoderError:
        code = process.handle.wait()
        if self._closed:
            return EncoderError("the encoder was ended with the run")
        return EncoderError(
            f"the encoder's process ended with code {code}: {process.last_words()}; what was "
            "committed before is kept, the same command continues"
        )
