"""`augment attributes SEEDS --recipe R.yaml`: an engine proposes attributes, for you to edit."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

import yaml

from augment.cli.display import said
from augment.cli.options import ENGINE_OPTIONS, add_options, add_seeds, parted, settled
from augment.cli.parser import Parser
from augment.errors import InputError
from augment.formats.write import write_text
from augment.proposals import Proposal, propose_attributes
from augment.recipe import Recipe
from augment.setting import Inputs
from evals.wording import visible
from serving.vllm.run import with_server


def main(arguments: Sequence[str]) -> int:
    """Propose attributes."""
    parser = Parser(
        prog="augment attributes",
        description="Ask an engine by which attributes rows like the seeds differ, and write them "
        "with their values to the end of the recipe, for you to edit.",
    )
    add_seeds(parser)
    parser.add_argument("--names", type=int, default=5, help="how many attributes (5)")
    parser.add_argument("--values", type=int, default=8, help="how many values of each (8)")
    add_options(parser, only=ENGINE_OPTIONS)
    words, more = parted(arguments)
    options = parser.parse_args(words)
    for name, count, least in (("--names", options.names, 1), ("--values", options.values, 2)):
        if count < least:
            raise InputError.one(name, f"must be {least} or more, and is {count}")
    if options.recipe is None:
        raise InputError.one("--recipe", "is needed: attributes are written into it")
    path: Path = options.recipe
    exists = path.exists()
    options.recipe = path if exists else None
    recipe = settled(options, more=more)
    if "attributes" in recipe.model_fields_set:
        raise InputError.one(str(path), "has attributes; take them out to have others proposed")
    old = path.read_bytes().decode() if exists else ""
    _extended(old, Proposal(attributes={"name": ["value"]}, model="", seeds=0), where=path)
    proposal = asyncio.run(
        _proposal(Inputs(seeds=options.seeds), recipe, names=options.names, values=options.values)
    )
    write_text(path, _extended(old, proposal, where=path))
    for name, values in proposal.attributes.items():
        sys.stdout.write(visible(f"{name}: {', '.join(values)}") + "\n")
    sys.stdout.write(f"Written to {path}: read and edit them before you run.\n")
    return 0


async def _proposal(inputs: Inputs, recipe: Recipe, *, names: int, values: int) -> Proposal:
    async with with_server(None, recipe, say=said) as (asked, _):
        return await propose_attributes(inputs, asked, attributes=names, values=values)


def _extended(old: str, proposal: Proposal, *, where: Path) -> str:
    """Return the recipe with the attributes at its end, everything else as it was.

    Raises:
        InputError: it is written in a way that nothing can be added to.
    """
    attributes = {name: list(values) for name, values in proposal.attributes.items()}
    block = yaml.safe_dump({"attributes": attributes}, sort_keys=False, allow_unicode=True)
    by = visible(" ".join(proposal.model.split()))
    source = f"# Proposed by {by} from {proposal.seeds} seeds, for you to edit"
    head = f"{source}: every ask draws a value of each.\n"
    added = f"\n\n{head}{block}".replace("\n", "\r\n" if "\r\n" in old else "\n")
    new = f"{old.rstrip()}{added}".lstrip()
    before: dict[str, object] = yaml.safe_load(old) or {}
    try:
        same = yaml.safe_load(new) == {**before, "attributes": attributes}
    except yaml.YAMLError:
        same = False
    if not same:
        what = (
            "nothing can be added to its end: write it in YAML's block style, a line for each key"
        )
        raise InputError.one(str(where), what)
    return new
