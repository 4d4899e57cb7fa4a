"""`augment export DIR --to FORMAT`: the rows of a run, or of any file, for other tools."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import get_args

from augment.cli.parser import Parser
from augment.errors import InputError, InputFault
from augment.formats.export import Exported, To, Wish, default_out, export
from augment.formats.read_corpus import read_corpus
from augment.formats.rows import Columns
from augment.formats.tags import SCHEMES
from augment.records import TaskName
from evals.wording import visible

_FIRST = 5
_GOES_WITH = {
    "tokens": ("hf",),
    "scheme": ("conll", "hf --tokens"),
    "language": ("spacy",),
}


def main(arguments: Sequence[str]) -> int:
    """Export rows."""
    parser = Parser(
        prog="augment export",
        description="Write the accepted rows of a run, or the rows of a file, in the format of "
        "another tool. What a format cannot carry is refused or told.",
    )
    parser.add_argument("rows", type=Path, metavar="DIR", help="a run's folder, or a file of rows")
    parser.add_argument("--to", choices=get_args(To), required=True, help="the format")
    parser.add_argument("--out", type=Path, metavar="PATH", help="the file or folder (beside DIR)")
    parser.add_argument("--overwrite", action="store_true", help="replace what stands there")
    parser.add_argument("--task", choices=get_args(TaskName), help="the richest that the rows hold")
    parser.add_argument("--scheme", choices=SCHEMES, help="conll, hf --tokens: of tags (bio)")
    parser.add_argument(
        "--tokens", action="store_true", help="hf: tokens and tags in place of texts and mentions"
    )
    parser.add_argument("--language", metavar="CODE", help="spacy: whose tokenizer is used (xx)")
    for name in ("text", "text-pair", "label"):
        parser.add_argument(f"--{name}-field", metavar="NAME", help=f"the column of the {name}")
    options = parser.parse_args(arguments)
    if faults := list(_idle(options)):
        raise InputError(faults)
    columns = Columns(
        text=options.text_field, text_pair=options.text_pair_field, label=options.label_field
    )
    wish = Wish(
        to=options.to,
        out=options.out or default_out(options.rows, options.to),
        scheme=options.scheme or "bio",
        tokens=options.tokens,
        language="xx" if options.language is None else options.language,
        overwrite=options.overwrite,
    )
    found = export(read_corpus(options.rows, columns=columns, task=options.task), wish)
    for line in _said(found):
        sys.stderr.write(f"{visible(line)}\n")
    sys.stdout.write(f"{found.rows} rows written to {wish.out}\n")
    return 0


def _idle(options: argparse.Namespace) -> Iterator[InputFault]:
    """Yield the options that were given and would do nothing."""
    forms = {options.to, "hf --tokens"} if options.to == "hf" and options.tokens else {options.to}
    for name, those in _GOES_WITH.items():
        if getattr(options, name) not in {None, False} and forms.isdisjoint(those):
            allowed = " or ".join(f"--to {form}" for form in those)
            what = f"does nothing for --to {options.to}: it goes with {allowed}"
            yield InputFault(where=f"--{name}", what=what)


def _said(found: Exported) -> Iterator[str]:
    yield from found.warnings
    if found.list_of_unfit is not None:
        ids = list(dict.fromkeys(str(row["id"]) for row in found.unfit))
        some = ", ".join(ids[:_FIRST]) + (", ..." if len(ids) > _FIRST else "")
        yield (
            f"mentions that are not made of whole tokens, or share some, left out: "
            f"{len(found.unfit)} (in {some}); {found.list_of_unfit} lists them"
        )
