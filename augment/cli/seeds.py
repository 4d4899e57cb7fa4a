"""`augment seeds FILE --recipe R.yaml`: rows to start from where there are none, to be edited."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from augment.app import run
from augment.cli.options import add_options, given_options, parted, settled
from augment.cli.parser import Parser
from augment.cli.watched import carried_out, with_server
from augment.errors import InputError
from augment.formats.separated import csv_lines
from augment.formats.write import write_lines
from augment.setting import Inputs

_RUN = {"out": Path("runs/seeds"), "unlabelled": None}
"""What the recipe says of these, it says of the run that is to come."""


def main(arguments: Sequence[str]) -> int:
    """Propose seeds."""
    parser = Parser(
        prog="augment seeds",
        description="Have an engine write five rows of each label that the recipe describes, as a "
        "CSV file: accept, edit or replace them, then run with them as seeds.",
    )
    parser.add_argument("file", type=Path, help="the CSV file to write; it must not be there yet")
    add_options(parser, defaults={**_RUN, "per_label": 5})
    words, more = parted(arguments)
    options = parser.parse_args(words)
    if options.file.suffix.lower() != ".csv":
        raise InputError.one(str(options.file), "is written as CSV: let its name end in .csv")
    if options.file.exists():
        raise InputError.one(str(options.file), "is there already; it may hold your edits")
    if not options.file.parent.is_dir():
        raise InputError.one(str(options.file), "cannot be written: there is no such folder")
    given = given_options(options)
    quota = {"per_label": None} if "total" in given else {"per_label": 5, "total": None}
    recipe = settled(options, under={**_RUN, **quota}, more=more)
    code = carried_out(with_server(run, Inputs(), recipe))
    if code != 0:
        sys.stdout.write(f"{options.file} is not written yet.\n")
        return code
    lines = (recipe.out / "accepted.jsonl").read_text("utf-8").split("\n")
    rows = [json.loads(line) for line in lines if line]
    text, label = recipe.text_field or "text", recipe.label_field or "label"
    found = [{text: row["text"], label: row["label"]} for row in sorted(rows, key=_label)]
    write_lines(options.file, csv_lines((text, label), found))
    sys.stdout.write(
        f"{len(rows)} rows written to {options.file}: no person has read them yet. Edit them, "
        f"then: augment run {options.file} --recipe {options.recipe}\n"
    )
    return code


def _label(row: dict[str, str]) -> str:
    return row["label"]
