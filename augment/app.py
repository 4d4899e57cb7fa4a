"""Seeds to report: puts the parts of a run together; behind the command and `augment.run`."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from augment import folder, scorers, threads
from augment.answering import engine_of
from augment.embed.seeds import SeedVectors, seed_vectors
from augment.journal import SqliteJournal
from augment.outputs import Finish, Judged, facts, made_of, write_folder
from augment.parts import (
    at_once,
    budget_of,
    encoder_worker,
    filters_of,
    has_vectors,
    jury_of,
    load_ahead,
    plan_of,
    renders,
    run_encoder,
)
from augment.pipeline import Parts, Pipeline
from augment.plan.given import given_ask
from augment.plan.strategies import shortened
from augment.protocols import CachesPrefixes, Engine, Filter
from augment.ranking import GivenRows, best_first
from augment.recipe import ENCODER, FAST_ENCODER, Prices, Recipe, differences
from augment.records import EMPTY, Candidate, Json, Kind, PrefixCache
from augment.screening import Screening
from augment.setting import Inputs, Setting, prepare, renderer_of
from evals.asides import asides
from evals.figures import PREFIX_CACHE, RECALLED

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
        requests: asks so far; `answered` is how many of them came back, and `waiting` how many of
            these await judgement.
        votes: of a judge that were asked for.
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
    votes: int
    answered: int
    waiting: int
    tokens: int
    in_flight: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a run ended and where its files are.

    Attributes:
        statements: what the calibrated filters say of themselves.
        asides: filters that judged nothing or only flagged, each with a sentence on that.
        kind: what the run did.
        cost: of all calls so far, in the currency of the recipe's prices; None without prices.
        loading_s: seconds before the first ask of this session, which `seconds_in_all` leaves out:
            of loading encoder and engine, and of embedding the seeds.
        embedded: texts that this session embedded, in `embedding_s` seconds of the encoder's work.
    """

    finish: Finish
    detail: str
    out: Path
    progress: Progress
    seconds_in_all: float
    warnings: Sequence[str]
    statements: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    asides: Sequence[tuple[str, str]] = ()
    kind: Kind = "made"
    cost: float | None = None
    loading_s: float = 0.0
    embedded: int = 0
    embedding_s: float = 0.0

    @property
    def exit_code(self) -> int:
        """The command's exit code."""
        return EXIT_CODES[self.finish]


Watch = Callable[[Progress], None]
Say = Callable[[str], None]
Accepted = Callable[[dict[str, Json]], None]
EngineOf = Callable[[Setting], AbstractAsyncContextManager[Engine]]
"""Holds the engine of a run."""


def _silent(_: object) -> None:
    """Leave it."""


async def run(
    inputs: Inputs,
    recipe: Recipe,
    *,
    watch: Watch = _silent,
    say: Say = _silent,
    engine: EngineOf = engine_of,
) -> Outcome:
    """Run or continue until every quota is full, and write the run's folder.

    Cancellation ends the run in good order: what was accepted is written, and the outcome says
    `interrupted`.

    Args:
        inputs: the rows to start from; some to be checked or given labels, perhaps.
        recipe: how to go about it.
        watch: told how far the run has come, a few times a second.
        say: told what is going on before that.
        engine: holds who answers, where that is not left to the recipe.

    Raises:
        InputError, EngineUnusable: before anything is written.
        JournalError, EncoderError: nothing more can be done; the folder can be continued.
        EngineGone: the guard is, before the first ask, and the folder can be continued; of the
            rest of the run the outcome tells.
    """
    return await carry_out(prepare(inputs, recipe), watch=watch, say=say, engine=engine)


async def carry_out(
    setting: Setting,
    *,
    watch: Watch = _silent,
    say: Say = _silent,
    accepted: Accepted | None = None,
    engine: EngineOf = engine_of,
) -> Outcome:
    """Do what was prepared; as `run`.

    Args:
        setting: what was prepared.
        watch: as for `run`.
        say: as for `run`.
        accepted: told each accepted row, as accepted.jsonl has it.
        engine: as for `run`.
    """
    began = time.monotonic()
    recipe = setting.recipe
    known = has_vectors(recipe.out)
    loading = asyncio.get_running_loop().run_in_executor(None, load_ahead, recipe)
    if recipe.engine == "vllm":
        say(f"Starting vLLM with {recipe.model} ...")
    with encoder_worker(setting, known=known) as worker:
        async with scorers.with_scorer(setting, say=say) as setting, engine(setting) as answering:
            recipe = setting.recipe
            model = answering.model if setting.rows is None else setting.rows.name
            recipe = recipe.model_copy(update={"model": model})
            given = setting.judge is not None and setting.rows is not None
            judged_by = answering.model if given else None
            setting = replace(
                setting, recipe=recipe, revision=answering.revision, judged_by=judged_by
            )
            if worker is not None and not known:
                count = len(setting.used.examples)
                seeds = f" and embedding {count:,} seeds" if count else ""
                say(f"Loading the encoder{_whence(recipe)}{seeds} ...")
                await asyncio.to_thread(worker.ready)  # one that cannot be loaded is said now
            await loading
            with folder.held(recipe.out, clock=time.time) as journal:
                folder.continue_or_refuse(
                    journal,
                    facts(setting),
                    where=recipe.out,
                    differences=lambda before: differences(before, recipe),
                )
                with run_encoder(worker, recipe.out) as encoder, _remembering(setting):
                    seeds = await asyncio.to_thread(seed_vectors, setting.used.examples, encoder)
                    instructions = renderer_of(setting).instructions
                    filters = await asyncio.to_thread(
                        filters_of, setting, seeds, instructions=instructions
                    )
                    if recipe.keep == "best":
                        say("Looking for the best rows ...")
                        setting = replace(setting, order=await _order(setting, seeds, filters))
                    session = _Session(
                        setting, answering, journal, seeds, filters=filters, accepted=accepted
                    )
                    loading_s = time.monotonic() - began
                    outcome = await session.to_the_end(watch)
                outcome = replace(outcome, loading_s=loading_s)
                if worker is None:
                    return outcome
                return replace(outcome, embedded=worker.texts, embedding_s=worker.busy_s)


def _remembering(setting: Setting) -> AbstractContextManager[None]:
    """Have whoever scores texts keep in the run's folder what it is dear to ask for twice."""
    scorer = setting.scorer
    return nullcontext() if scorer is None else scorer.remembering(setting.recipe.out)


def _whence(recipe: Recipe) -> str:
    if recipe.encoder == FAST_ENCODER:
        return ", which its first use on a machine has to make,"
    if recipe.encoder == ENCODER or Path(recipe.encoder).is_dir():
        return ""
    return f" {recipe.encoder}, from the model hub where it is not here,"


class _Session:
    """One process's part in a run."""

    def __init__(
        self,
        setting: Setting,
        engine: Engine,
        journal: SqliteJournal,
        seeds: SeedVectors,
        *,
        filters: Sequence[Filter],
        accepted: Accepted | None,
    ) -> None:
        self._setting = setting
        self._engine = engine
        self._journal = journal
        self._seeds = seeds
        self._began = time.monotonic()
        renderer = renderer_of(setting)
        self._filters = filters
        self._jury = jury_of(setting, filters, model=engine.model)
        self._plan = plan_of(setting, seeds, first_ask=journal.next_ask(), filters=self._filters)
        self._pipeline = Pipeline(
            Parts(
                task=setting.task,
                planner=self._plan,
                render=renders(setting, renderer),
                engine=engine,
                filters=self._filters,
                journal=journal,
                budget=budget_of(setting.recipe),
                jury=self._jury,
                at_once=at_once(setting),
                shorten=shortened,
                encoder=seeds.encoder,
                accepted=None if accepted is None else self._telling(accepted),
                flag=setting.recipe.filters.flag,
            )
        )

    def _telling(self, accepted: Accepted) -> Callable[[Candidate], None]:
        task, made = self._setting.task, made_of(self._setting)
        return lambda candidate: accepted(folder.row_of(candidate, task=task, made=made))

    async def to_the_end(self, watch: Watch) -> Outcome:
        """Run, and write the folder."""
        with threads.one_for_blas():
            finish = await self._watched(watch)
        if finish == "interrupted":
            self._stop_scorer()  # what it still says nobody would count
        detail = self._pipeline.ending_detail
        judged = Judged(
            finish=finish,
            detail=detail,
            filters=self._filters,
            seeds=self._seeds,
            jury=self._jury,
        )
        figures = await self._written(judged)
        return Outcome(
            finish=finish,
            detail=detail,
            out=self._setting.recipe.out,
            progress=self._progress(),
            seconds_in_all=_seconds(self._journal),
            warnings=(*self._setting.warnings, *self._seeds.notices),
            statements={each.filter: each.statement for each in judged.calibrations},
            asides=tuple(asides(figures)),
            kind=self._setting.kind,
            cost=self._pipeline.spent.cost(budget_of(self._setting.recipe))
            if self._setting.recipe.prices != Prices()
            else None,
        )

    async def _written(self, judged: Judged) -> Mapping[str, Json]:
        """Write the folder; Ctrl-C ends whatever is asked for it, and then the run."""
        writing = asyncio.ensure_future(
            asyncio.to_thread(write_folder, self._setting, self._journal, judged)
        )
        try:
            return await asyncio.shield(writing)
        except asyncio.CancelledError:
            self._stop_scorer()
            await asyncio.wait([writing])
            await writing  # what went wrong there is said first
            raise

    def _stop_scorer(self) -> None:
        if self._setting.scorer is not None:
            self._setting.scorer.stop()

    async def _watched(self, watch: Watch) -> Finish:
        """Run to the end while showing how far it has come."""
        cached = await self._cached()
        self._pipeline.restore(seconds=_seconds(self._journal))
        self._journal.begin_session()
        looking = asyncio.create_task(self._look(watch))
        try:
            finish: Finish = await self._pipeline.run()
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None:
                task.uncancel()
            finish = "interrupted"
        finally:
            looking.cancel()
        self._note_cache(cached, await self._cached())
        if (scorer := self._setting.scorer) is not None and scorer.recalled:
            self._journal.note(RECALLED, str(scorer.recalled))
        self._journal.end_session()
        watch(self._progress())
        return finish

    async def _cached(self) -> PrefixCache | None:
        engine = self._engine
        return await engine.prefix_cache() if isinstance(engine, CachesPrefixes) else None

    def _note_cache(self, before: PrefixCache | None, after: PrefixCache | None) -> None:
        """Record what the engine's prefix cache served in this session, where that is told."""
        if before is None or after is None or after.tokens <= before.tokens:
            return  # not told, nothing asked, or another server by now
        told = {"tokens": after.tokens - before.tokens, "hits": max(0, after.hits - before.hits)}
        self._journal.note(PREFIX_CACHE, json.dumps(told))

    def _progress(self) -> Progress:
        """Return how far the run has come."""
        pipeline = self._pipeline
        return Progress(
            wanted=self._plan.wanted,
            filled=self._plan.accepted,
            accepted=pipeline.accepted,
            rejected=pipeline.rejected,
            reasons=Counter(pipeline.reasons),
            requests=pipeline.spent.requests,
            votes=pipeline.spent.votes,
            answered=pipeline.answered,
            waiting=pipeline.waiting,
            tokens=pipeline.spent.prompt_tokens + pipeline.spent.completion_tokens,
            in_flight=pipeline.in_flight,
            seconds=time.monotonic() - self._began,
        )

    async def _look(self, watch: Watch) -> None:
        while True:
            await asyncio.sleep(_LOOK_EVERY_S)
            watch(self._progress())


async def _order(
    setting: Setting, seeds: SeedVectors, filters: Sequence[Filter]
) -> Sequence[int] | None:
    """Return the order in which checked rows are judged, so that the best of several is kept."""
    rows = setting.rows
    if rows is None:
        return None
    ask = partial(given_ask, labels=rows.labels)
    given = GivenRows(task=setting.task, ask=ask, answers=rows.answers)
    screening = Screening(filters, seeds.encoder, flag=setting.recipe.filters.flag)
    return (await best_first(given, screening)).tolist()


def _seconds(journal: SqliteJournal) -> float:
    return sum(end - start for start, end in journal.sessions())
