"""The classification task's templates, each with the variables that its strategy gives it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from augment.errors import InputError, InputFault
from augment.tasks import classification, labelling
from prompts.templates import Template, TemplateError, load

_ROWS: Final = {
    name: classification.OFFERED[name]
    for name in ("several", "pairs", "labels", "guidelines", "glossary", "language", "examples")
} | {"answer_shape": None, "count": None}
_OTHERS: Final[Mapping[str, tuple[Mapping[str, Any], tuple[str, ...]]]] = {
    "zeroshot": (classification.OFFERED, ("answer_shape", "labels", "wanted")),
    "annotate": (labelling.OFFERED, labelling.REQUIRED),
    "attributes": (_ROWS, ("answer_shape", "count", "examples")),
    "values": (_ROWS | {"attribute": None}, ("answer_shape", "attribute", "count")),
}


def load_template(strategy: str, *, folder: Path | None) -> Template:
    """Load the template of a strategy; `folder` is the user's own, which goes before ours.

    Raises:
        InputError: everything that is wrong with it.
    """
    offered, required = _OTHERS.get(strategy, (classification.OFFERED, classification.REQUIRED))
    name = classification.Classification.name
    try:
        return load(name, strategy, folder=folder, offered=offered, required=required)
    except TemplateError as error:
        raise InputError(
            [InputFault(where="template", what=problem) for problem in error.problems]
        ) from error
