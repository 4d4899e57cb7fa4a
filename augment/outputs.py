"""What a run leaves in its folder, written out of its journal: the same journal, the same files."""

from __future__ import annotations

import hashlib
import importlib.metadata
import platform
from collections.abc import Mapping
from typing import Literal, TypeAlias

from augment import folder
from augment.formats.write import write_text
from augment.journal import SqliteJournal
from augment.pipeline import Ending
from augment.recipe import comparable
from augment.records import Json
from augment.setting import Setting
from evals.card import card
from evals.figures import gather
from evals.report import render
from evals.subject import Making, Subject
from prompts.templates import Template

Finish: TypeAlias = Ending | Literal["interrupted"]


def write_folder(setting: Setting, journal: SqliteJournal, *, finish: Finish, detail: str) -> None:
    """Write rows, report, card and manifest, each file whole or not at all."""
    recipe, out = setting.recipe, setting.recipe.out
    made = folder.Made(
        engine=recipe.engine or "",
        model=recipe.model or "",
        templates=_signatures(setting.templates),
    )
    folder.write_rows(out, journal, task=setting.task, made=made)
    figures = gather(
        _subject(setting, made=made, finish=finish, detail=detail),
        folder.rounds(journal, setting.task),
        sessions=journal.sessions(),
        notes=journal.notes(),
    )
    folder.write_json(out / "report.json", figures)
    write_text(out / "report.html", render(figures))
    write_text(out / "README.md", card(figures))
    folder.write_json(out / "manifest.json", _manifest(setting, figures=figures))


def _subject(setting: Setting, *, made: folder.Made, finish: Finish, detail: str) -> Subject:
    return Subject(
        name=setting.recipe.out.resolve().name,
        task=setting.task.name,
        seeds=setting.given,
        wanted=setting.goal.wanted,
        cells_of=setting.goal.cells_of,
        labels_of=setting.task.labels_of,
        fields=setting.task.fields,
        ending=finish,
        ending_detail=detail,
        making=Making(
            engine=made.engine,
            model=made.model,
            recipe=comparable(setting.recipe),
            templates=made.templates,
            versions=_versions(),
        ),
    )


def _manifest(setting: Setting, *, figures: Mapping[str, Json]) -> dict[str, Json]:
    """Return what a person or program needs to make the run again."""
    counts = figures["counts"]
    return {
        "versions": _versions(),
        **facts(setting),
        "engine": setting.recipe.engine,
        "model": {"name": setting.recipe.model, "revision": None},
        "random_seed": setting.recipe.random_seed,
        "counts": counts,
        "calls": {"ask": counts["calls"], "repair": 0, "judge": 0},
        "run": figures["run"],
    }


def _versions() -> dict[str, str]:
    names = ("augment-corpora", "aiohttp", "langchain-core", "numpy", "pydantic")
    return {"python": platform.python_version()} | {
        name: importlib.metadata.version(name) for name in names
    }


def facts(setting: Setting) -> dict[str, Json]:
    """Return what must not change while a run is continued."""
    holdout = hashlib.sha256()
    for row in setting.holdout:
        holdout.update(f"{row.whole}\0".encode())
    return {
        "seeds": setting.given.digest,
        "holdout": holdout.hexdigest() if setting.holdout else None,
        "templates": _signatures(setting.templates),
        "recipe": comparable(setting.recipe),
    }


def _signatures(templates: Mapping[str, Template]) -> dict[str, dict[str, str]]:
    return {
        strategy: {"name": template.name, "digest": template.digest}
        for strategy, template in templates.items()
    }
