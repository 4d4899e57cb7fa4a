"""vLLM in process: a worker in vLLM's own environment is fed continuously, without HTTP.

The worker is a child that speaks in frames over its pipes (`augment.engines.vllm_worker`). Where it
dies in the middle of a run, what it had in hand is kept, it is started again, and asked again.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import signal
import tempfile
from collections.abc import AsyncGenerator, AsyncIterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from augment.decoding.revision import revision_of
from augment.engines import openai, vllm_environment, vllm_faults, vllm_worker
from augment.engines.patience import Again, Alone, Patience
from augment.engines.vllm_weights import weights_of
from augment.errors import EngineUnusable
from augment.messages import folded
from augment.records import EMPTY, Completion, Failure, Message, PrefixCache, Request

_LOG_READ = 65_536
_LOOK_AGAIN_S = 5.0
_PAUSES_S = (0.0, 1.0, 5.0, 15.0, 60.0)
"""Before a worker is started again, the oftener in a row it could not be the longer."""
_SCRIPT = Path(vllm_worker.__file__)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class VLLMSettings:
    """Which model, and how vLLM is to run it.

    Attributes:
        model: a folder, or a name on the model hub.
        options: of vLLM's engine, by the names of its `AsyncEngineArgs`.
        concurrency: the most requests in flight.
        max_wait_s: without any answer, before the run gives up.
        key_variable: what holds the key of an endpoint, which is none of the worker's business.
        command: what starts the worker; empty: the interpreter of vLLM's environment does.
    """

    model: str
    options: Mapping[str, Any] = field(default_factory=lambda: EMPTY, repr=False)
    concurrency: int = 64
    max_wait_s: float = 600.0
    key_variable: str = "AUGMENT_API_KEY"
    command: Sequence[str] = ()


@contextlib.asynccontextmanager
async def started(settings: VLLMSettings) -> AsyncGenerator[VLLM]:
    """Hold a worker for the length of a run; it takes half a minute and more to start.

    Raises:
        EngineUnusable: there is no vLLM, or it cannot run the model; the message says why.
    """
    folder = Path(settings.model).expanduser()
    model = str(folder.resolve()) if folder.is_dir() else settings.model
    told = {"model": model, "options": dict(settings.options), "cpu_dtype": _cpu_dtype(folder)}
    begin = vllm_worker.frame(0, vllm_worker.BEGIN, told)
    command = settings.command or (str(vllm_environment.current().python), "-I", str(_SCRIPT))
    environment = vllm_environment.surroundings(
        Path(command[0]),
        os.environ,
        offline=folder.is_dir(),
        key_variable=settings.key_variable,
    )
    with tempfile.TemporaryFile() as log:
        keeper = _Keeper(command, environment, log, begin=begin)
        await keeper.start()
        keeping = asyncio.create_task(keeper.keep())
        try:
            name = folder.resolve().name if folder.is_dir() else settings.model
            revision = await asyncio.to_thread(revision_of, None, model)
            yield VLLM(keeper, settings, model=name, revision=revision)
        finally:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)
            await keeper.stop()


def _cpu_dtype(folder: Path) -> str:
    """Return what a CPU is to compute with; of a hub's weights nothing is known."""
    return vllm_environment.cpu_dtype(
        weights_of(folder).as_float32,
        memory=vllm_environment.free_memory(),
        narrow=vllm_environment.narrow(),
    )


class VLLM:
    """The engine; made by `started`."""

    name = "vllm"

    def __init__(
        self, keeper: _Keeper, settings: VLLMSettings, *, model: str, revision: str | None
    ) -> None:
        self.model = model
        self.revision = revision
        self._keeper = keeper
        self._system = True
        self._tokens = self._hits = 0
        alone = Alone(self._call, concurrency=settings.concurrency)
        self._patience = Patience(alone, max_wait_s=settings.max_wait_s)

    def complete(
        self, requests: AsyncIterable[Request]
    ) -> AsyncGenerator[tuple[Request, Completion | Failure]]:
        """Answer every request, in completion order; see `augment.protocols.Engine`."""
        return self._patience.complete(requests)

    async def prefix_cache(self) -> PrefixCache:
        """Return how many tokens of the prompts answered so far vLLM had read before."""
        return PrefixCache(tokens=self._tokens, hits=self._hits)

    async def _call(self, request: Request) -> Completion | Failure | Again:
        child = await self._keeper.child()
        if child is None:
            return Again(why=self._keeper.why)
        system = self._system
        messages = request.messages if system else folded(request.messages)
        try:
            kind, body = await child.ask(_payload(request, messages))
        except ConnectionError as error:
            return Again(why=str(error))
        if kind == vllm_worker.ANSWER:
            outcome = _completion(body)
            if isinstance(outcome, Completion):
                self._tokens += outcome.prompt_tokens or 0
                self._hits += _cached(body)
            return outcome
        said = str(json.loads(body))
        if kind == vllm_worker.TOO_LONG:
            return Failure(code="prompt_too_long", detail=said)
        if kind == vllm_worker.REFUSED:
            if system and "system" in said.casefold() and "role" in said.casefold():
                self._system = False
                return Again(why=said, at_once=True)
            return Failure(code="refused", detail=said)
        return Again(why=said, responded=True)


def _payload(request: Request, messages: Sequence[Message]) -> dict[str, Any]:
    sampling = request.sampling
    return {
        "messages": [{"role": one.role, "content": one.content} for one in messages],
        "schema": request.schema,
        "logprobs": request.logprobs,
        "sampling": {
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "max_tokens": sampling.max_tokens,
            "seed": sampling.seed,
        },
    }


def _cached(body: bytes) -> int:
    """Return how many of the prompt's tokens the worker found in vLLM's prefix cache."""
    usage: Any = json.loads(body)["usage"]
    details: Any = usage.get("prompt_tokens_details")
    return int(details["cached_tokens"]) if details else 0


def _completion(body: bytes) -> Completion | Again:
    try:
        return openai.completion(body)
    except ValueError as error:
        return Again(why=str(error), unreadable=True, responded=True)


class _Keeper:
    """Starts the worker, and starts it again whenever it dies.

    Attributes:
        why: what last ended the worker, or kept it from starting.
    """

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str], log: Any, *, begin: bytes
    ) -> None:
        self.why = "the vLLM worker is being started"
        self._command = command
        self._environment = dict(environment)
        self._log: BinaryIO = log
        self._begin = begin
        self._child: _Child | None = None
        self._up = asyncio.Event()

    async def child(self) -> _Child | None:
        """Return the worker; None where it is not there for the next few seconds."""
        if self._child is None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_AGAIN_S):
                    await self._up.wait()
        return self._child

    async def start(self) -> None:
        """Start the worker and wait until it can be asked.

        Raises:
            EngineUnusable: it cannot be started.
        """
        self._log.truncate(0)
        try:
            process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=self._log,
                env=self._environment,
                start_new_session=True,  # its processes are killed as a group; Ctrl-C is ours
            )
        except OSError as error:
            raise EngineUnusable(f"vllm: {self._command[0]} cannot be run: {error}") from error
        if process.stdin is None or process.stdout is None:
            raise TypeError("a process was started with pipes and has none")
        child = _Child(process, pipes=(process.stdin, process.stdout))
        try:
            process.stdin.write(self._begin)
            fault = await child.ready()
        except BaseException:
            await child.kill()
            raise
        if fault is not None:
            await child.kill()
            code = process.returncode
            raise EngineUnusable(
                vllm_faults.failure(
                    f"vLLM did not start ({fault.splitlines()[0][:300]})",
                    f"{fault}\n{self._last_lines()}",
                    code=128 - code if code is not None and code < 0 else code,
                    knobs=vllm_faults.IN_PROCESS,
                    where="what it wrote",
                )
            )
        self._child = child
        self._up.set()

    async def keep(self) -> None:
        """Start the worker again whenever it dies, until cancelled."""
        failures = 0
        while True:
            if self._child is not None:
                self.why = await self._child.dead()
                await self._child.kill()
                self._child = None
                self._up.clear()
                _log.warning("%s; it is started again", self.why)
            await asyncio.sleep(_PAUSES_S[min(failures, len(_PAUSES_S) - 1)])
            try:
                await self.start()
                failures = 0
            except EngineUnusable as error:
                failures += 1
                self.why = str(error)
                _log.warning("%s", error)

    async def stop(self) -> None:
        """End the worker."""
        if self._child is not None:
            await self._child.kill()

    def _last_lines(self) -> str:
        self._log.flush()
        size = self._log.seek(0, os.SEEK_END)
        self._log.seek(max(0, size - _LOG_READ))
        return self._log.read().decode("utf-8", "replace")


class _Child:
    """One life of the worker."""

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        *,
        pipes: tuple[asyncio.StreamWriter, asyncio.StreamReader],
    ) -> None:
        self._process = process
        self._in, self._out = pipes
        self._number = 0
        self._waiting: dict[int, asyncio.Future[tuple[int, bytes]]] = {}
        self._started: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
        self._dead: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._reading = asyncio.create_task(self._read())

    async def ready(self) -> str | None:
        """Wait until it can be asked; return what keeps it from that, if anything does."""
        return await asyncio.shield(self._started)

    async def dead(self) -> str:
        """Wait until it ends, and say how."""
        return await asyncio.shield(self._dead)

    async def ask(self, payload: Mapping[str, Any]) -> tuple[int, bytes]:
        """Return what is answered: the kind of frame and its JSON.

        Raises:
            ConnectionError: it ended first.
        """
        if self._dead.done():
            raise ConnectionError(self._dead.result())
        self._number += 1
        number = self._number
        answer: asyncio.Future[tuple[int, bytes]] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        try:
            self._in.write(vllm_worker.frame(number, vllm_worker.ASK, payload))
            return await answer
        except asyncio.CancelledError:
            with contextlib.suppress(OSError, RuntimeError):  # it may be gone
                self._in.write(vllm_worker.frame(number, vllm_worker.CANCEL, None))
            raise
        finally:
            self._waiting.pop(number, None)

    async def kill(self) -> None:
        """End it, and with it vLLM's own processes."""
        self._end()
        await self._process.wait()
        self._reading.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)
        self._in.close()

    def _end(self) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)

    async def _read(self) -> None:
        """Hand out what it says, until it ends."""
        fatal = ""
        try:
            while True:
                head = await self._out.readexactly(vllm_worker.HEADER.size)
                length, number, kind = vllm_worker.HEADER.unpack(head)
                body = await self._out.readexactly(length)
                if kind == vllm_worker.FATAL:
                    fatal = str(json.loads(body))
                elif kind == vllm_worker.READY:
                    self._started.set_result(None)
                elif (answer := self._waiting.get(number)) is not None and not answer.done():
                    answer.set_result((kind, body))
        except (asyncio.IncompleteReadError, OSError):
            pass
        except (ValueError, asyncio.InvalidStateError) as error:  # what it says makes no sense
            fatal = f"unreadable: {error!r}"
            self._end()
        code = await self._process.wait()
        end = f"the vLLM worker ended ({_ending(code)}{f': {fatal}' if fatal else ''})"
        if not self._started.done():
            self._started.set_result(fatal or end)
        self._dead.set_result(end)
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(ConnectionError(end))


def _ending(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"
