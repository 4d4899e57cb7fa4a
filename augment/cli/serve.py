"""`augment serve MODEL`: vLLM with settings that suit this machine, until Ctrl-C."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path

from augment.cli.options import add_options, add_serving, parted, settled
from augment.cli.parser import Parser
from augment.errors import EngineGone, InputError
from augment.recipe import Recipe
from augment.setting import Inputs
from evals.wording import visible
from serving.vllm.place import LOOPBACK, Place, held
from serving.vllm.up import Served, served

_PORT = 8000
_NO_OTHER = {"endpoint": None, "engine": None, "model": None}
"""Who answers: a recipe may say so of the runs that are to come."""


def main(arguments: Sequence[str]) -> int:
    """Serve a model until told to stop; the exit code is then 0."""
    parser = Parser(
        prog="augment serve",
        description="Start vLLM with settings that suit this machine and the work, wait until it "
        "is healthy, and say its endpoint. It ends with this command, however that ends.",
        epilog="What stands after -- goes to vLLM as it is, and over what was chosen: "
        "augment serve MODEL -- --max-num-seqs 128",
    )
    parser.add_argument("name", metavar="MODEL", help="a folder, a name on the hub, or bundled")
    parser.add_argument("--seeds", type=Path, help="by which the lengths of prompts are known")
    parser.add_argument("--host", default=LOOPBACK, help=f"to listen at ({LOOPBACK})")
    parser.add_argument("--port", type=int, help=f"({_PORT}, or a free one where that is in use)")
    parser.add_argument("--log", type=Path, help="what vLLM says (runs/vllm-PORT.log)")
    add_options(parser, only=("concurrency",))
    add_serving(parser)
    words, more = parted(arguments)
    options = parser.parse_args(words)
    recipe = settled(options, over={**_NO_OTHER, "serve": options.name}, more=more)
    inputs = None if options.seeds is None else Inputs(seeds=options.seeds)
    with _held(options.host, options.port) as place:
        log = options.log or Path(f"runs/vllm-{place.port}.log")
        return asyncio.run(_serve(recipe, place, inputs=inputs, log=log))


@contextlib.contextmanager
def _held(host: str, port: int | None) -> Generator[Place]:
    """Hold the port that was asked for, else the usual one or a free one."""
    with contextlib.ExitStack() as stack:
        if port is not None:
            yield stack.enter_context(held(host, port))
            return
        try:
            place = stack.enter_context(held(host, _PORT))
        except InputError:
            place = stack.enter_context(held(host))
        yield place


async def _serve(recipe: Recipe, place: Place, *, inputs: Inputs | None, log: Path) -> int:
    """Serve until told to stop.

    Raises:
        EngineGone: vLLM died again and again.
    """
    task, loop = asyncio.current_task(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, task.cancel)  # pyright: ignore[reportOptionalMemberAccess]
    ready = False
    try:
        async with served(
            recipe.serve or "", recipe, place, inputs=inputs, log=log, say=_say
        ) as up:
            ready = True
            for line in _lines(up):
                _say(line)
            await asyncio.wait({up.server.gone})
            raise EngineGone(up.server.gone.result())
    except asyncio.CancelledError:
        if not ready:
            raise KeyboardInterrupt from None
        _say("Stopped.")
        return 0


def _lines(up: Served) -> Iterator[str]:
    yield f"endpoint  {up.place.endpoint}"
    yield f"model     {up.model}"
    yield f"use       augment run SEEDS --endpoint {up.place.endpoint}"
    yield f"stop      Ctrl-C, or kill {os.getpid()}"


def _say(text: str) -> None:
    sys.stdout.write(f"{visible(text)}\n")
    sys.stdout.flush()
