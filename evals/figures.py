"""Every figure of a run's report, counted in one pass over its journal.

What comes out is plain JSON and the same for the same journal; `evals.report` and `evals.card`
show it and count nothing themselves.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TypeAlias

from augment.records import (
    EMPTY,
    Arrival,
    Asked,
    Calibration,
    Candidate,
    Completion,
    Decision,
    Json,
    SeedSet,
    Vote,
)
from evals import lengths
from evals.attributes import AttributeCounts
from evals.bias import Bias
from evals.doubts import Doubts
from evals.guard import guard_figures
from evals.judge import judge_figures
from evals.labelling import Labelling
from evals.mentions import Mentions
from evals.noise import Noise
from evals.points import Points
from evals.samples import shortened
from evals.scores import Scores
from evals.shortcuts import Shortcuts
from evals.subject import Space, Subject
from evals.tally import Row, Tally
from evals.timeline import Timeline

Round: TypeAlias = tuple[Arrival, tuple[Row, ...], tuple[Decision, ...]]

SCHEMA_VERSION = 1
PREFIX_CACHE = "prefix cache"
"""The kind of note that holds what an engine's prefix cache served in a session, as JSON."""
RECALLED = "scores recalled"
"""The kind of note that holds of how many texts a session knew what a guard had said before."""
_LONGEST = 100_000
"""In characters: a recipe may quote a book, a report need not."""
_SECRET = frozenset({"headers", "api_key", "api-key"})


def gather(
    subject: Subject,
    rounds: Iterable[Round],
    *,
    sessions: Sequence[tuple[float, float]],
    notes: Iterable[tuple[float, str, str]],
    votes: Iterable[Vote] | None = None,
    asked: Callable[[], Asked | None] = lambda: None,
    calibrations: Sequence[Calibration] = (),
    error_rates: Mapping[str, str] = EMPTY,
    space: Space | None = None,
    bias: Bias | None = None,
) -> dict[str, Json]:
    """Return the figures of a run as plain JSON.

    For what was judged, `candidates` + `none` = `accepted` + `rejected`: `none` counts the rows
    that an answer owed and did not give. `awaiting` rows have no decision and count nowhere else.

    Args:
        subject: the run.
        rounds: each arrival with its rows and their decisions; these may be none.
        sessions: (start, end) of each, in seconds since the epoch.
        notes: (time, kind, detail) of each; `given up` names a cell, `prefix cache` holds a
            session's counts.
        votes: on labels; None where no judge was asked for.
        asked: tells in the end what a guard was asked; None where there was none.
        calibrations: of the filters whose scores are shown.
        error_rates: of filters, by name, how often they err on public data.
        space: where the map lies; without it there is none.
        bias: counts the groups of people that rows name.
    """
    timeline = Timeline(sessions)
    tally, points, attributes = Tally(subject), Points(subject), AttributeCounts()
    doubts = Doubts(subject)
    labelling = Labelling(subject) if subject.labelled else None
    mentions = None if subject.task == "classification" else Mentions(subject)
    plain = subject.task == "classification" and subject.kind != "labelled"
    shortcuts = Shortcuts(subject) if plain else None
    watching = [each for each in (labelling, mentions, bias, doubts) if each is not None]
    noise = Noise()
    for seed in subject.seeds.examples:
        noise.add(seed.whole, to="seeds")
    scores = [Scores(calibration) for calibration in calibrations]
    for arrival, rows, decisions in rounds:
        tally.arrived(arrival)
        attributes.arrived(arrival)
        timeline.add(
            arrival.at,
            accepted=sum(decision.accepted for decision in decisions),
            tokens=_tokens(arrival),
        )
        if not decisions:
            tally.counts["awaiting"] += len(rows)
            continue
        for row, decision in zip(rows, decisions, strict=True):
            tally.judged(arrival, row, decision)
            points.judged(arrival, row, decision)
            attributes.judged(arrival, decision)
            for each in watching:
                each.judged(row, decision)
            if decision.accepted and isinstance(row, Candidate):
                noise.add(row.example.whole, to="accepted")
                if shortcuts is not None:
                    shortcuts.add(row.example)
            for each in scores:
                each.judged(decision)
    noted = [(kind, detail) for _, kind, detail in notes]
    given_up = {detail for kind, detail in noted if kind == "given up"}
    figures = {
        "schema_version": SCHEMA_VERSION,
        "run": _run(subject, sessions, timeline.active_s),
        "seeds": _seeds(subject.seeds),
        "notices": list(subject.notices),
        **tally.figures(active_s=timeline.active_s, given_up=given_up),
        "judge": None if votes is None else judge_figures(votes),
        "error_rates": dict(error_rates),
        "attributes": attributes.figures(),
        "shortcuts": [] if shortcuts is None else shortcuts.figures(),
        "labelling": None if labelling is None else labelling.figures(),
        "mentions": None if mentions is None else mentions.figures(calibrations),
        "bias": None if bias is None else bias.figures(),
        "guard": guard_figures(  # once all that is scored for the report has been
            asked(), recalled=[detail for kind, detail in noted if kind == RECALLED]
        ),
        "doubts": doubts.figures(space),
        "throughput": timeline.figures(),
        "prefix_cache": _prefix_cache([detail for kind, detail in noted if kind == PREFIX_CACHE]),
        "lengths": lengths.compare(
            Counter(len(seed.whole) for seed in subject.seeds.examples), tally.lengths
        ),
        "noise": noise.figures(),
        "scores": [each.figures() for each in scores],
        "map": points.figures(space),
        "making": {
            "recipe": {k: v for k, v in subject.making.recipe.items() if k not in _SECRET},
            "versions": dict(subject.making.versions),
        },
    }
    return shortened(figures, limit=_LONGEST)


def _run(
    subject: Subject, sessions: Sequence[tuple[float, float]], active_s: float
) -> dict[str, Json]:
    began = [datetime.fromtimestamp(start, UTC) for start, _ in sessions[:1]]
    return {
        "name": subject.name,
        "task": subject.task,
        "kind": subject.kind,
        "ending": subject.ending,
        "ending_detail": subject.ending_detail,
        "engine": subject.making.engine,
        "model": subject.making.model,
        "began": began[0].isoformat(timespec="seconds") if began else None,
        "sessions": len(sessions),
        "active_s": round(active_s, 3),
    }


def _prefix_cache(noted: Sequence[str]) -> dict[str, Json] | None:
    """Return how many prompt tokens the engine had read before; None where it did not tell."""
    counts = [json.loads(each) for each in noted]
    tokens, hits = (sum(each[name] for each in counts) for name in ("tokens", "hits"))
    return {"tokens": tokens, "hits": hits, "share": round(hits / tokens, 4)} if tokens else None


def _seeds(seeds: SeedSet) -> dict[str, Json]:
    return {
        "rows": len(seeds.examples),
        "labels": len(seeds.labels),
        "several": seeds.several,
        "pairs": seeds.pairs,
        "digest": seeds.digest,
        "warnings": list(seeds.warnings),
    }


def _tokens(arrival: Arrival) -> int:
    outcome = arrival.outcome
    if not isinstance(outcome, Completion):
        return 0
    return (outcome.prompt_tokens or 0) + (outcome.completion_tokens or 0)
