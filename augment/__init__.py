"""Grow a small labelled text corpus into a larger one that can be trusted.

    run = augment.run("seeds.csv", {"endpoint": "http://localhost:8000/v1", "per_label": 50})
    run.accepted.to_pandas()

Names are loaded when they are used, so that importing the package costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from augment.errors import (
        AugmentError,
        EncoderError,
        EngineGone,
        EngineUnusable,
        InputError,
        JournalError,
        QuotaNotMet,
    )
    from augment.recipe import Recipe
    from augment.runnable import as_runnable
    from augment.runs import Run, run

__all__ = [
    "AugmentError",
    "EncoderError",
    "EngineGone",
    "EngineUnusable",
    "InputError",
    "JournalError",
    "QuotaNotMet",
    "Recipe",
    "Run",
    "as_runnable",
    "run",
]

_HOMES = {
    "Recipe": "augment.recipe",
    "Run": "augment.runs",
    "as_runnable": "augment.runnable",
    "run": "augment.runs",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'augment' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES.get(name, "augment.errors")), name)


def __dir__() -> list[str]:
    return [*__all__, "__all__", "__doc__"]
