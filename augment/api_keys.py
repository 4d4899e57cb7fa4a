"""API keys of endpoints, which stand in the environment and nowhere else."""

from __future__ import annotations

import os
import re
from typing import Literal

from augment.errors import InputError
from augment.recipe import Recipe
from augment.recipe_fields import dashed

_VARIABLE = re.compile("[A-Z][A-Z0-9_]{0,63}")


def key_of(recipe: Recipe, field: Literal["api_key_env", "guard_api_key_env"]) -> str | None:
    """Return the key that the variable holds which this field names.

    Raises:
        InputError: it is named and not set.
    """
    variable = str(getattr(recipe, field))
    if field in recipe.model_fields_set and variable not in os.environ:
        named = _VARIABLE.fullmatch(variable)  # else it may be the key itself
        what = f"{variable if named else 'the variable that it names'} is not set"
        raise InputError.one(f"--{dashed(field)}", what)
    return os.environ.get(variable) or None
