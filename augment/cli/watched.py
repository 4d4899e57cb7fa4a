"""A run under a person's eyes: live display, Ctrl-C in good order, a table at the end."""

from __future__ import annotations

import asyncio
import gc
import signal
import sys
from collections.abc import Callable, Coroutine
from typing import Any, Protocol, TypeAlias

from rich.console import Console

import serving.vllm.run
from augment.app import EngineOf, Outcome, Say, Watch
from augment.cli.display import Display, advice, summary
from augment.recipe import Recipe
from augment.setting import Inputs

Work: TypeAlias = Callable[[Watch, Say], Coroutine[Any, Any, Outcome]]


class Runs(Protocol):
    """`augment.app.run`."""

    async def __call__(
        self, inputs: Inputs, recipe: Recipe, *, watch: Watch, say: Say, engine: EngineOf
    ) -> Outcome:
        """Run, with the engine that is held so."""
        ...


def with_server(run: Runs, inputs: Inputs, recipe: Recipe) -> Work:
    """Return the work of a run with the server that its recipe wants, if any."""

    async def work(watch: Watch, say: Say) -> Outcome:
        async with serving.vllm.run.with_server(inputs, recipe, say=say) as (settled, engine):
            return await run(inputs, settled, watch=watch, say=say, engine=engine)

    return work


def carried_out(work: Work) -> int:
    """Do the work while showing how far it has come, and return the command's exit code."""
    _collect_garbage_seldom()
    console = Console(highlight=False)
    with Display(console) as display:
        outcome = asyncio.run(_until_told(work, display))
    console.print(summary(outcome), overflow="ignore", crop=False)  # the report's path stays whole
    hint = advice(outcome)
    if hint is not None:
        sys.stderr.write(hint + "\n")
    return outcome.exit_code


def _collect_garbage_seldom() -> None:
    """Spare the collector what lives as long as the process: a tenth of a fast run's time."""
    gc.freeze()
    gc.set_threshold(20_000, 50, 100)


async def _until_told(work: Work, display: Display) -> Outcome:
    """Run, ending in good order on SIGTERM as on Ctrl-C."""
    task = asyncio.ensure_future(work(display, display.say))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, task.cancel)
    try:
        return await task
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None
