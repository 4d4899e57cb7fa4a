"""What is wrong with a recipe: pydantic's findings, each with its place and what is allowed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, get_args

from pydantic import BaseModel

from augment.errors import InputFault
from augment.recipe_fields import dashed, underscored
from augment.shown import meant, shown

_QUOTED = re.compile(r"'([^']*)'")
_MAY_HOLD_A_KEY = ("headers", "extra", "model-options", "endpoint", "guard-endpoint")


def fault(
    detail: Mapping[str, Any], origin: Mapping[str, str], *, of: type[BaseModel]
) -> InputFault:
    """Return what pydantic found as our own fault.

    Args:
        detail: one of `ValidationError.errors()`.
        origin: where each of the recipe's fields was given, by its name with dashes.
        of: the recipe.
    """
    parts = [str(part) for part in detail["loc"]]
    place = ".".join(parts)
    where = origin.get(dashed(parts[0]) if parts else "", "recipe")
    if detail["type"] == "extra_forbidden":
        allowed = [dashed(name) for name in _part(of, parts[:-1]).model_fields]
        like = meant(dashed(parts[-1]), allowed)
        what = f"unknown key {place!r}{like}; allowed are {', '.join(allowed)}"
        return InputFault(where=where, what=what)
    message = str(detail["msg"]).removeprefix("Value error, ")
    if not place:
        return InputFault(where="recipe", what=message)
    if place.startswith(_MAY_HOLD_A_KEY):
        return InputFault(where=f"{where}, {dashed(place)}", what=message)
    like = ""
    if detail["type"] == "literal_error":
        message = dashed(message)
        like = meant(dashed(str(detail["input"])), _QUOTED.findall(message))
    what = f"{message} (found {shown(detail['input'])}){like}"
    return InputFault(where=f"{where}, {dashed(place)}", what=what)


def _part(of: type[BaseModel], path: Sequence[str]) -> type[BaseModel]:
    """Return the part of a recipe that a path of keys leads to; a name of the user's leads on."""
    for key in path:
        field = of.model_fields.get(underscored(key))
        of = (None if field is None else _model_in(field.annotation)) or of
    return of


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """Return the model that a type is, or that its values are."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    found = (_model_in(each) for each in get_args(annotation))
    return next((each for each in found if each is not None), None)
