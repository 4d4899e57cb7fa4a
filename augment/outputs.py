"""What a run leaves in its folder, written out of its journal: the same journal, the same files."""

from __future__ import annotations

import hashlib
import importlib.metadata
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from augment import folder
from augment.embed.seeds import SeedVectors
from augment.errors import EngineGone
from augment.filters.measured import error_rates
from augment.formats.write import write_text
from augment.journal import SqliteJournal
from augment.ngrams import NAME, ngram_vectors
from augment.pipeline import Ending
from augment.plan.given import STRATEGY
from augment.protocols import Filter, Jury, OfMentions, Vectors
from augment.recipe import comparable
from augment.records import Calibration, Candidate, Json
from augment.setting import ENGINELESS, Setting
from evals.bias import TOXICITY, Bias, Scoring
from evals.card import card
from evals.figures import gather
from evals.labelling import CLASSIFIER
from evals.report import render
from evals.subject import Making, Space, Subject

Finish: TypeAlias = Ending | Literal["interrupted"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """How a run ended, and what its rows were held against.

    Attributes:
        detail: of the ending, in words.
        filters: fitted.
        seeds: as vectors; the map of the report lies in the same space.
        jury: of the run.
    """

    finish: Finish
    detail: str
    filters: Sequence[Filter]
    seeds: SeedVectors
    jury: Jury

    @property
    def calibrations(self) -> tuple[Calibration, ...]:
        """Of the filters that have one, and of the jury."""
        every = (*(each.calibration for each in self.filters), self.jury.calibration)
        return tuple(each for each in every if each is not None)


def write_folder(setting: Setting, journal: SqliteJournal, judged: Judged) -> dict[str, Json]:
    """Write rows, report, card and manifest, each file whole or not at all; return the figures."""
    out = setting.recipe.out
    made = made_of(setting)
    subject = _subject(setting, judged, made=made)
    figures = gather(
        subject,
        folder.written(out, journal, task=setting.task, made=made),
        sessions=journal.sessions(),
        notes=journal.notes(),
        calibrations=judged.calibrations,
        error_rates=_error_rates(setting),
        votes=None if judged.jury.idle else journal.votes(),
        asked=(lambda: None) if setting.scorer is None else setting.scorer.asked,
        space=_space(judged),
        bias=Bias(
            subject,
            setting.identities,
            target=setting.recipe.identities.target,
            scoring=None if judged.finish == "interrupted" else scoring(judged),
        ),
    )
    folder.write_json(out / "report.json", figures)
    write_text(out / "report.html", render(figures))
    write_text(out / "README.md", card(figures))
    folder.write_json(out / "manifest.json", _manifest(setting, judged, figures=figures))
    return figures


def _error_rates(setting: Setting) -> Mapping[str, str]:
    """Return what was measured of the filters, but for a model that is not ours."""
    ours = setting.scorer is None
    return {name: told for name, told in error_rates().items() if ours or name != TOXICITY}


def made_of(setting: Setting) -> folder.Made:
    """Return how the rows of the run are made."""
    recipe, texts = setting.recipe, setting.unlabelled
    return folder.Made(
        engine=recipe.engine or "",
        model=recipe.model or "",
        templates=_signatures(setting),
        engineless=ENGINELESS,
        attributes=tuple(recipe.attributes),
        given=None if texts is None else [text.id for text in texts.examples],
    )


def _space(judged: Judged) -> Space:
    """Return where the map lies; whoever interrupts a run must not wait for an encoder."""
    seeds = judged.seeds
    if seeds.encoder is None or judged.finish == "interrupted":
        return Space(
            name=NAME,
            vectors_of=ngram_vectors,
            linear=seeds.no_basis != "unknown_language" or judged.finish == "interrupted",
        )
    return Space(name=seeds.encoder.name, vectors_of=seeds.encoder.encode)


def scoring(judged: Judged) -> Scoring:
    """Return what scores rows again by the filters that see who is spoken of."""
    filters = [
        each
        for each in judged.filters
        if each.name in {CLASSIFIER, TOXICITY} and not isinstance(each, OfMentions)
    ]
    encoder = judged.seeds.encoder

    def score(rows: Sequence[Candidate]) -> Mapping[str, Sequence[float | None]]:
        if not rows or not filters:
            return {each.name: [] for each in filters}
        texts = [row.example.whole for row in rows]
        vectors = None if encoder is None else encoder.encode(texts)
        return {each.name: _scores(each, rows, vectors) for each in filters}

    return score


def _scores(
    judge: Filter, rows: Sequence[Candidate], vectors: Vectors | None
) -> Sequence[float | None]:
    """Return a filter's scores; none where whom it asks is gone."""
    try:
        return [verdict.score for verdict in judge.judge(rows, vectors)]
    except EngineGone:
        return [None] * len(rows)


def _subject(setting: Setting, judged: Judged, *, made: folder.Made) -> Subject:
    return Subject(
        name=setting.recipe.out.resolve().name,
        task=setting.task.name,
        seeds=setting.seeds,
        wanted=setting.goal.wanted,
        cells_of=setting.goal.cells_of,
        labels_of=setting.task.labels_of,
        fields=setting.task.fields,
        ending=judged.finish,
        ending_detail=judged.detail,
        notices=setting.warnings[len(setting.seeds.warnings) :] + judged.seeds.notices,
        kind=setting.kind,
        making=Making(
            engine=made.engine,
            model=made.model,
            recipe=comparable(setting.recipe),
            templates=made.templates,
            versions=_versions() | ({"encoder": about} if (about := judged.seeds.about) else {}),
        ),
    )


def _manifest(setting: Setting, judged: Judged, *, figures: Mapping[str, Json]) -> dict[str, Json]:
    """Return what a person or program needs to make the run again."""
    counts = figures["counts"]
    return {
        "versions": _versions(),
        **facts(setting),
        "engine": setting.recipe.engine,
        "model": {"name": setting.recipe.model, "revision": setting.revision},
        "encoder": judged.seeds.about or None,
        "random_seed": setting.recipe.random_seed,
        "counts": counts,
        "calls": {
            "ask": counts["calls"],
            "repair": 0,
            "judge": figures["judge"]["calls"] if figures["judge"] else 0,
            "guard": figures["guard"]["calls"] if figures["guard"] else 0,
        },
        "endpoints": figures["endpoints"],
        "run": figures["run"],
    }


def _versions() -> dict[str, str]:
    names = (
        "augment-corpora", "aiohttp", "langchain-core", "numpy", "pydantic",
        "sentence-transformers", "torch", "transformers",
    )  # fmt: skip
    return {"python": platform.python_version()} | {
        name: importlib.metadata.version(name) for name in names
    }


def facts(setting: Setting) -> dict[str, Json]:
    """Return what must not change while a run is continued."""
    holdout = hashlib.sha256()
    for row in setting.holdout:
        holdout.update(f"{row.whole}\0".encode())
    return {
        "seeds": setting.seeds.digest,
        "holdout": holdout.hexdigest() if setting.holdout else None,
        "templates": _signatures(setting),
        "judge": None if setting.judge is None else [setting.judge.digest, setting.judged_by],
        "guard": None if setting.guard is None else setting.guard.digest,
        "rows": None if setting.rows is None else setting.rows.digest,
        "unlabelled": None if setting.unlabelled is None else setting.unlabelled.digest,
        "revision": setting.revision,
        "recipe": comparable(setting.recipe),
    }


def _signatures(setting: Setting) -> dict[str, dict[str, str | None]]:
    if setting.rows is not None:
        return {STRATEGY: {"name": None, "digest": None}}
    found: dict[str, dict[str, str | None]] = {
        name: {"name": template.name, "digest": template.digest}
        for name, template in setting.templates.items()
    }
    bare = [name for name in setting.recipe.ways if name in ENGINELESS]
    found |= {name: {"name": None, "digest": None} for name in bare}
    return found
