"""`augment check FILE --seeds S`: the filtering stage alone, on rows from anywhere."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from augment import recipe
from augment.app import carry_out
from augment.cli.explain import explain, refuse_strange
from augment.cli.options import add_options, given_options
from augment.cli.parser import Parser
from augment.cli.watched import carried_out
from augment.setting import Inputs, prepare

OUT = Path("runs/check")
_OPTIONS = (
    "random_seed", "reserve", "encoder", "holdout", "against", "out", "text_field",
    "text_pair_field", "label_field", "lenient", "toxicity_model", "guard_endpoint", "guard_model",
    "guard_api_key_env", "pii", "pii_model", "pii_placeholders", "balance_identities", "judge",
    "judge_votes", "endpoint", "model", "api_key_env", "concurrency", "timeout_s", "max_wait_s",
    "keep",
)  # fmt: skip


def main(arguments: Sequence[str]) -> int:
    """Check a file."""
    parser = Parser(
        prog="augment check",
        description="Put rows from anywhere through the filters, held against seeds where there "
        "are any. No engine is needed but by --judge; the folder is that of a run.",
    )
    parser.add_argument("rows", type=Path, metavar="FILE", help="what is to be checked")
    parser.add_argument(
        "--seeds",
        type=Path,
        help="what it is held against; without them only what needs none is judged",
    )
    add_options(parser, only=_OPTIONS, defaults={"out": OUT})
    parser.add_argument(
        "--explain",
        metavar="ROW",
        help="show one row's way through the filters: its place in FILE, from 0, or its id",
    )
    options = parser.parse_args(arguments)
    settled = recipe.load(options.recipe, options={"out": OUT, **given_options(options)})
    inputs = Inputs(seeds=options.seeds, rows=options.rows)
    setting = prepare(inputs, settled)
    if options.explain is not None:
        refuse_strange(setting, options.explain)
    code = carried_out(lambda watch, say: carry_out(setting, watch=watch, say=say))
    if options.explain is not None:
        explain(setting, options.explain, console=Console(highlight=False))
    return code
