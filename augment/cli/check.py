"""`augment check FILE --seeds S`: the filtering stage alone, on rows from anywhere."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from augment import recipe
from augment.app import run
from augment.cli.options import add_options, given_options
from augment.cli.watched import carried_out
from augment.setting import Inputs

OUT = Path("runs/check")
_OPTIONS = (
    "random_seed", "reserve", "encoder", "holdout", "out", "text_field", "text_pair_field",
    "label_field", "lenient", "pii", "pii_placeholders",
)  # fmt: skip


def main(arguments: Sequence[str]) -> int:
    """Check a file."""
    parser = argparse.ArgumentParser(
        prog="augment check",
        description="Put rows from anywhere through the filters, held against seeds. No engine is "
        "needed; the folder is that of a run.",
    )
    parser.add_argument("rows", type=Path, metavar="FILE", help="what is to be checked")
    parser.add_argument("--seeds", type=Path, required=True, help="what it is held against")
    add_options(parser, only=_OPTIONS, defaults={"out": OUT})
    options = parser.parse_args(arguments)
    settled = recipe.load(options.recipe, options={"out": OUT, **given_options(options)})
    inputs = Inputs(seeds=options.seeds, rows=options.rows)
    return carried_out(lambda watch, say: run(inputs, settled, watch=watch, say=say))
