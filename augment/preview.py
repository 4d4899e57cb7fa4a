"""A look before a run: three prompts, what comes back, what the filters say, and what it will take.

Nothing is written; the vectors live in memory.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from augment.answering import engine_of
from augment.answers import rejection, rows_of
from augment.embed.seeds import seed_vectors
from augment.parts import at_once, encoder_worker, filters_of, plan_of, renders, run_encoder
from augment.plan.budget import Budget, Spent
from augment.plan.strategies import shortened
from augment.protocols import Engine, Plan
from augment.recipe import Recipe
from augment.records import (
    Arrival,
    Ask,
    Candidate,
    Completion,
    Failure,
    Fault,
    Kind,
    Request,
    Verdict,
)
from augment.rendering import Renderer
from augment.scorers import with_scorer
from augment.screening import Screening, rejected
from augment.setting import Inputs, Setting, prepare, renderer_of

PROMPTS = 3
_NO_JUDGE = (
    "the judge is not asked in a preview, nor in the estimate: a run asks it about its seeds, "
    "and then about each row that passes, as often as --judge-votes says"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One prompt with its answer.

    Attributes:
        seconds: from the sending of all prompts to this answer.
        rows: of the answer, each with its verdicts up to the one that rejects.
    """

    request: Request
    outcome: Completion | Failure
    seconds: float
    rows: tuple[tuple[Candidate | Fault, tuple[Verdict, ...]], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What a whole run takes, in requests, tokens, time and money; None where it cannot be told.

    Attributes:
        share: of the rows that is accepted, on which the rest is based.
        cost: in the currency of the recipe's prices; None without prices.
    """

    share: float
    requests: int
    prompt_tokens: int | None
    completion_tokens: int | None
    seconds: float
    cost: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What was seen, and what a run would take.

    Attributes:
        kind: what the run would do.
        rows: accepted rows that the run is to reach, or texts that it is to label.
        seen: rows seen; `kept` of them were accepted.
        least: if every row were kept; `likely`, at the share that was seen, as if one row more
            had been kept and one more rejected (Laplace's rule of succession).
        most: requests that the budget allows.
    """

    shown: tuple[Shown, ...]
    kind: Kind
    rows: int
    seen: int
    kept: int
    least: Estimate
    likely: Estimate
    most: int
    warnings: tuple[str, ...]
    statements: Mapping[str, str]


async def preview(inputs: Inputs, recipe: Recipe) -> Preview:
    """Show three prompts with their answers and verdicts, and estimate the run.

    Raises:
        InputError, EngineUnusable, EngineGone, EncoderError: as a run would.
    """
    setting = prepare(inputs, recipe)
    if setting.judge is not None:
        setting = replace(setting, judge=None, notices=(*setting.notices, _NO_JUDGE))
    with encoder_worker(setting, known=False) as worker:
        async with (
            with_scorer(setting, say=lambda _: None) as setting,
            engine_of(setting) as engine,
        ):
            with run_encoder(worker, None) as encoder:
                vectors = await asyncio.to_thread(seed_vectors, setting.used.examples, encoder)
                renderer = renderer_of(setting)
                filters = await asyncio.to_thread(  # a guard may take its time over the seeds
                    filters_of, setting, vectors, instructions=renderer.instructions
                )
                planner = plan_of(setting, vectors, first_ask=0)
                asks = [ask for _ in range(PROMPTS) if (ask := planner.next()) is not None]
                answered = await _answered(setting, engine, renderer, asks)
                shown = await _judged(
                    setting,
                    planner,
                    Screening(filters, vectors.encoder, flag=setting.recipe.filters.flag),
                    answered,
                )
        rate = None
        if worker is not None and vectors.encoder is not None and worker.busy_s:
            rate = worker.texts / worker.busy_s
    verdicts = [own for one in shown for _, own in one.rows]
    kept = sum(not rejected(own) for own in verdicts)
    seen = len(verdicts)
    least, likely = (
        _estimate(setting, shown, share=share, embedded_per_s=rate)
        for share in (1.0, (kept + 1) / (seen + 2))
    )
    return Preview(
        shown=shown,
        kind=setting.kind,
        rows=setting.goal.rows,
        seen=seen,
        kept=kept,
        least=least,
        likely=likely,
        most=setting.recipe.max_requests or 0,
        warnings=(*setting.warnings, *vectors.notices),
        statements={
            each.calibration.filter: each.calibration.statement
            for each in filters
            if each.calibration is not None
        },
    )


_Answered: TypeAlias = tuple[Request, Completion | Failure, float]


async def _answered(
    setting: Setting, engine: Engine, renderer: Renderer, asks: Sequence[Ask]
) -> list[_Answered]:
    """Return requests with their answers and times, in the order asked; shorter where need be."""

    async def handed(waiting: Sequence[Ask]) -> AsyncIterator[Request]:
        for ask in waiting:
            yield renderer.request(ask)

    began = time.perf_counter()
    answer, render = at_once(setting), renders(setting, renderer)
    found: dict[int, _Answered] = {
        ask.number: (render(ask), said, 0.0) for ask in asks if (said := answer(ask)) is not None
    }
    asks = [ask for ask in asks if ask.number not in found]
    while asks:
        shorter: list[Ask] = []
        async for request, outcome in engine.complete(handed(asks)):
            less = shortened(request.ask, outcome)
            if less is not None:
                shorter.append(less)
            else:
                found[request.ask.number] = request, outcome, time.perf_counter() - began
        asks = shorter
    return [found[number] for number in sorted(found)]


async def _judged(
    setting: Setting,
    planner: Plan,
    screening: Screening,
    answered: Sequence[_Answered],
) -> tuple[Shown, ...]:
    """Return what came back in the order asked, each row judged as a run would judge it."""
    shown: list[Shown] = []
    for request, outcome, seconds in answered:
        arrival = Arrival(number=0, ask=request.ask, key=request.key, outcome=outcome, at=0.0)
        judged: list[tuple[Candidate | Fault, tuple[Verdict, ...]]] = []
        for row in rows_of(setting.task, arrival):
            if isinstance(row, Fault):
                judged.append((row, (rejection(row),)))
                continue
            (verdicts,) = screening.by_words([row])
            await screening.by_meaning([row], [verdicts])
            verdicts = screening.settled(row, verdicts)
            if not rejected(verdicts):
                verdicts += screening.at_the_gates(row)
            if not rejected(verdicts):
                screening.observe(row.example)
                planner.accept(setting.task.labels_of(row.example))
            judged.append((row, tuple(verdicts)))
        shown.append(Shown(request=request, outcome=outcome, seconds=seconds, rows=tuple(judged)))
    return tuple(shown)


def _estimate(
    setting: Setting, shown: Sequence[Shown], *, share: float, embedded_per_s: float | None
) -> Estimate:
    """Return what it takes if this share of the rows is accepted.

    Time is that of the engine or of the encoder, whichever is longer: they work side by side. The
    engine is taken to answer as many requests at once as the recipe allows as fast as it answered
    these three.
    """
    recipe = setting.recipe
    wanted = setting.goal.rows if setting.kind == "made" else setting.goal.rows * share
    requests = -int(-wanted // (share * recipe.rows_per_request))  # a given text is asked once
    slots = 1 if recipe.engine == "seedlm" else min(recipe.concurrency, requests)
    latency = statistics.median(one.seconds for one in shown) if shown else 0.0
    if recipe.engine == "seedlm":  # one after the other: each waited for those before it
        latency = max((one.seconds for one in shown), default=0.0) / max(len(shown), 1)
    embedding = 0.0 if embedded_per_s is None else setting.goal.rows / share / embedded_per_s
    prompt, completion = (_tokens(shown, name) for name in ("prompt_tokens", "completion_tokens"))
    spent = Spent(
        prompt_tokens=round(requests * (prompt or 0)),
        completion_tokens=round(requests * (completion or 0)),
    )
    prices = recipe.prices
    budget = Budget(max_requests=0, prompt_price=prices.prompt, completion_price=prices.completion)
    priced = (prices.prompt or prices.completion) and prompt is not None and completion is not None
    return Estimate(
        share=share,
        requests=requests,
        prompt_tokens=None if prompt is None else spent.prompt_tokens,
        completion_tokens=None if completion is None else spent.completion_tokens,
        seconds=max(requests * latency / slots, embedding),
        cost=spent.cost(budget) if priced else None,
    )


def _tokens(shown: Sequence[Shown], name: str) -> float | None:
    """Return the mean count over the answers that have one."""
    counts = [
        count
        for one in shown
        if isinstance(one.outcome, Completion) and (count := getattr(one.outcome, name)) is not None
    ]
    return statistics.mean(counts) if counts else None
