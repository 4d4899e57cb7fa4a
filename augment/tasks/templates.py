"""The tasks' templates, each with the variables that its strategy gives it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from augment.errors import InputError, InputFault
from augment.records import TaskName
from augment.tasks import annotating, classification, extraction, guarding, judging, labelling
from prompts.templates import Template, TemplateError, load

_ROWS: Final = {
    name: classification.OFFERED[name]
    for name in ("several", "pairs", "labels", "guidelines", "glossary", "language", "examples")
} | {"answer_shape": None, "count": None}
_OTHERS: Final[Mapping[str, tuple[Mapping[str, Any], tuple[str, ...]]]] = {
    "zeroshot": (classification.OFFERED, ("answer_shape", "labels", "wanted")),
    "annotate": (labelling.OFFERED, labelling.REQUIRED),
    judging.JUDGE: (judging.OFFERED, judging.REQUIRED),
    "attributes": (_ROWS, ("answer_shape", "count", "examples")),
    "values": (_ROWS | {"attribute": None}, ("answer_shape", "attribute", "count")),
}


_OF_EXTRACTION: Final[Mapping[str, tuple[str, ...]]] = {
    "zeroshot": ("wanted",),
    "annotate": ("text",),
    "entities-first": ("examples", "links", "mentions"),
}
EXTRACTION: Final = "extraction"
"""The folder of all extraction tasks' templates: what differs between them, these say in sections.
"""
_TOXICITY: Final = "toxicity"
"""The folder of the guard's template, which is the same for all tasks."""


def load_template(
    strategy: str, *, folder: Path | None, task: TaskName = "classification"
) -> Template:
    """Load the template of a strategy; `folder` is the user's own, which goes before ours.

    Raises:
        InputError: everything that is wrong with it.
    """
    name: str = task
    if strategy == guarding.GUARD:
        name, offered, required = _TOXICITY, guarding.OFFERED, guarding.REQUIRED
    elif task == "classification":
        unless = (classification.OFFERED, classification.REQUIRED)
        offered, required = _OTHERS.get(strategy, unless)
    else:
        name = EXTRACTION
        offered = annotating.OFFERED if strategy == "annotate" else extraction.OFFERED
        own = _OF_EXTRACTION.get(strategy, ("examples", "wanted"))
        required = (*extraction.REQUIRED, *own)
    try:
        return load(name, strategy, folder=folder, offered=offered, required=required)
    except TemplateError as error:
        raise InputError(
            [InputFault(where="template", what=problem) for problem in error.problems]
        ) from error
