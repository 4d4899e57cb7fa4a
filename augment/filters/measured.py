"""How often each filter errs on public data: what `benchmarks/filters.py` wrote down."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

FILE = "measured.json"


@cache
def error_rates() -> Mapping[str, str]:
    """Return what was measured of each filter, in words, by its name; some are not measured."""
    return json.loads(files("augment.filters").joinpath(FILE).read_text("utf-8"))
