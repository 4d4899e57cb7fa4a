"""Seeds to report: puts the parts of a run together; behind the command and `augment.run`."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from augment import folder
from augment.engines.endpoint import EndpointSettings, connected
from augment.engines.seedlm import SeedLM
from augment.filters.copy import Copy
from augment.filters.form import Form
from augment.filters.leak import Leak
from augment.filters.length import Length
from augment.filters.minhash import Sketcher
from augment.filters.near_duplicate import NearDuplicate
from augment.journal import SqliteJournal
from augment.outputs import Finish, facts, write_folder
from augment.pipeline import Parts, Pipeline
from augment.plan.budget import Budget
from augment.plan.planner import Planner
from augment.protocols import Engine, Filter
from augment.recipe import Recipe, differences
from augment.setting import Setting, prepare, renderer_of

EXIT_CODES: Mapping[Finish, int] = {
    "done": 0,
    "exhausted": 3,
    "budget": 3,
    "gone": 3,
    "interrupted": 130,
}
_LOOK_EVERY_S = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a run has come, over all its sessions: what its watchers see a few times a second.

    Attributes:
        wanted: rows by cell; `filled` is how many of them are accepted.
        requests: asks so far; `answered` is how many of them came back.
        reasons: rejected rows by reason.
        tokens: of prompts and answers.
        seconds: of this session.
    """

    wanted: Mapping[str, int]
    filled: Mapping[str, int]
    accepted: int
    rejected: int
    reasons: Counter[str]
    requests: int
    answered: int
    tokens: int
    in_flight: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a run ended and where its files are."""

    finish: Finish
    detail: str
    out: Path
    progress: Progress
    seconds_in_all: float
    warnings: Sequence[str]

    @property
    def exit_code(self) -> int:
        """The command's exit code."""
        return EXIT_CODES[self.finish]


async def run(
    seeds: Path, recipe: Recipe, *, watch: Callable[[Progress], None] = lambda _: None
) -> Outcome:
    """Run or continue until every quota is full, and write the run's folder.

    Cancellation ends the run in good order: what was accepted is written, and the outcome says
    `interrupted`.

    Raises:
        InputError, EngineUnusable: before anything is written.
        JournalError: nothing can be recorded any more; the folder can be continued.
    """
    setting = prepare(seeds, recipe)
    async with _engine(setting) as engine:
        recipe = setting.recipe.model_copy(update={"model": engine.model})
        setting = replace(setting, recipe=recipe)
        with folder.held(recipe.out, clock=time.time) as journal:
            folder.continue_or_refuse(
                journal,
                facts(setting),
                where=recipe.out,
                differences=lambda before: differences(before, recipe),
            )
            session = _Session(setting, engine, journal)
            finish = await session.watched(watch)
            detail = session.pipeline.ending_detail
            write_folder(setting, journal, finish=finish, detail=detail)
            return Outcome(
                finish=finish,
                detail=detail,
                out=recipe.out,
                progress=session.progress(),
                seconds_in_all=_seconds(journal),
                warnings=setting.given.warnings,
            )


class _Session:
    """One process's part in a run."""

    def __init__(self, setting: Setting, engine: Engine, journal: SqliteJournal) -> None:
        recipe = setting.recipe
        self._journal = journal
        self._began = time.monotonic()
        renderer = renderer_of(setting)
        self._planner = Planner(
            setting.goal,
            setting.strategies,
            random_seed=recipe.random_seed,
            first_ask=journal.next_ask(),
        )
        self.pipeline = Pipeline(
            Parts(
                task=setting.task,
                planner=self._planner,
                render=renderer.request,
                engine=engine,
                filters=_filters(setting, instructions=renderer.instructions),
                journal=journal,
                budget=Budget(
                    max_requests=recipe.max_requests or 0,
                    max_tokens=recipe.max_tokens,
                    max_minutes=recipe.max_minutes,
                    max_cost=recipe.max_cost,
                    prompt_price=recipe.prices.prompt,
                    completion_price=recipe.prices.completion,
                ),
            )
        )

    async def watched(self, watch: Callable[[Progress], None]) -> Finish:
        """Run to the end while showing how far it has come."""
        self.pipeline.restore(seconds=_seconds(self._journal))
        self._journal.begin_session()
        looking = asyncio.create_task(self._look(watch))
        try:
            finish: Finish = await self.pipeline.run()
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None:
                task.uncancel()
            finish = "interrupted"
        finally:
            looking.cancel()
        self._journal.end_session()
        watch(self.progress())
        return finish

    def progress(self) -> Progress:
        """Return how far the run has come."""
        pipeline = self.pipeline
        return Progress(
            wanted=self._planner.wanted,
            filled=self._planner.accepted,
            accepted=pipeline.accepted,
            rejected=pipeline.rejected,
            reasons=Counter(pipeline.reasons),
            requests=pipeline.spent.requests,
            answered=pipeline.answered,
            tokens=pipeline.spent.prompt_tokens + pipeline.spent.completion_tokens,
            in_flight=pipeline.in_flight,
            seconds=time.monotonic() - self._began,
        )

    async def _look(self, watch: Callable[[Progress], None]) -> None:
        while True:
            await asyncio.sleep(_LOOK_EVERY_S)
            watch(self.progress())


@contextlib.asynccontextmanager
async def _engine(setting: Setting) -> AsyncGenerator[Engine]:
    recipe = setting.recipe
    if recipe.engine == "seedlm":
        yield SeedLM(setting.used, random_seed=recipe.random_seed)
        return
    settings = EndpointSettings(
        url=recipe.endpoint or "",
        model=recipe.model,
        api_key=os.environ.get(recipe.api_key_env) or None,
        headers=recipe.headers,
        extra_body=recipe.extra_body,
        concurrency=recipe.concurrency,
        timeout_s=recipe.timeout_s,
        max_wait_s=recipe.max_wait_s,
    )
    async with connected(settings) as endpoint:
        yield endpoint


def _filters(setting: Setting, *, instructions: Sequence[str]) -> list[Filter]:
    """Return the filters that the recipe leaves on, fitted, the cheap ones first."""
    chosen = setting.recipe.filters
    sketcher = Sketcher()
    every: list[Filter] = [
        Length(),
        Form(instructions=instructions),
        Copy(sketcher),
        Leak(sketcher, setting.holdout, threshold=chosen.leak),
        NearDuplicate(sketcher, threshold=chosen.near_duplicate),
    ]
    filters = [one for one in every if one.name not in chosen.without]
    for one in filters:
        one.fit(setting.used.examples, None)
    return filters


def _seconds(journal: SqliteJournal) -> float:
    return sum(end - start for start, end in journal.sessions())
