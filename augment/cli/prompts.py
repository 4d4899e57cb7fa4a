"""`augment prompts list|show|render`: what the LLM is told, for people to read."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from augment import recipe
from augment.cli.options import add_options, given_options
from augment.cli.parser import Parser
from augment.draws import draw_seed
from augment.embed.seeds import seed_vectors
from augment.errors import InputError
from augment.parts import annotate_of, encoder_worker, run_encoder, strategies_of
from augment.plan.attributes import Attributes
from augment.records import Need
from augment.setting import Inputs, Setting, prepare, renderer_of
from augment.shown import meant
from augment.tasks.templates import EXTRACTION, load_template
from prompts.templates import Template, names


def main(arguments: Sequence[str]) -> int:
    """Run one of the three subcommands."""
    parser = Parser(prog="augment prompts", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    listing = commands.add_parser("list", help="the templates with their digests")
    showing = commands.add_parser("show", help="a template as it stands in its file")
    showing.add_argument(
        "name",
        help="as `list` has it; judge for classification/judge, where no other has that name",
    )
    for one in (listing, showing):
        one.add_argument("--templates", type=Path, metavar="FOLDER", help="of your own templates")
    rendering = commands.add_parser("render", help="a prompt as a run would send it")
    rendering.add_argument("strategy", help="fewshot, zeroshot, paraphrase or annotate")
    rendering.add_argument("seeds", type=Path, nargs="?")
    rendering.add_argument("--label", action="append", help="wanted; may be repeated")
    rendering.add_argument("--number", type=int, default=0, help="of the ask (0)")
    add_options(rendering)
    options = parser.parse_args(arguments)
    if options.command == "list":
        return _list(options.templates)
    if options.command == "show":
        return _show(options.name, options.templates)
    settled = recipe.load(options.recipe, options=given_options(options))
    setting = prepare(Inputs(seeds=options.seeds), settled)
    return _render(setting, options.strategy, labels=options.label, number=options.number)


def _list(folder: Path | None) -> int:
    for name in names(folder):
        template = _loaded(name, folder)
        sys.stdout.write(f"{name}\t{template.digest[:12]}\t{template.description}\n")
    return 0


def _show(name: str, folder: Path | None) -> int:
    sys.stdout.write(_loaded(_whole(name, names(folder)), folder).source)
    return 0


def _whole(name: str, known: Sequence[str]) -> str:
    """Return the full name of the one template that is meant.

    Raises:
        InputError: there is none, or more than one.
    """
    found = [each for each in known if name in {each, each.rpartition("/")[2]}]
    if len(found) > 1:
        raise InputError.one(name, f"several templates have that name: {', '.join(found)}")
    if not found:
        like = meant(name, [*known, *(each.rpartition("/")[2] for each in known)])
        raise InputError.one(name, f"no such template{like}; there are {', '.join(known)}")
    return found[0]


def _loaded(name: str, folder: Path | None) -> Template:
    """Load a template by its full name; all extraction tasks share theirs."""
    task, strategy = name.split("/")
    return load_template(
        strategy, folder=folder, task="ner" if task == EXTRACTION else "classification"
    )


def _render(setting: Setting, strategy: str, *, labels: Sequence[str] | None, number: int) -> int:
    known = list(setting.templates)
    if strategy not in known:
        raise InputError.one(
            strategy, f"no such strategy in the recipe{meant(strategy, known)}; there are {known}"
        )
    with (
        encoder_worker(setting, known=False) as worker,
        run_encoder(worker, None) as encoder,
    ):
        vectors = seed_vectors(setting.used.examples, encoder)
    if setting.kind == "labelled":
        ask = annotate_of(setting).ask(number)
    else:
        need = _need(setting, tuple(labels or ()), number=number)
        ask = strategies_of(setting, vectors)[strategy].propose(need)
    if ask is None:
        raise InputError.one(strategy, f"has nothing to ask with number {number} and these labels")
    for message in renderer_of(setting).request(ask).messages:
        sys.stdout.write(f"--- {message.role}\n{message.content}\n")
    return 0


def _need(setting: Setting, labels: tuple[str, ...], *, number: int) -> Need:
    """Return what the ask of this number would be told, if these labels were wanted."""
    wanted = labels or next(iter(setting.goal.choices))
    if wanted not in setting.goal.choices:
        some = [list(choice) for choice in list(setting.goal.choices)[:20]]
        raise InputError.one("--label", f"{list(wanted)} is never asked for; e.g. {some} are")
    seed = setting.recipe.random_seed
    attributes = Attributes(setting.recipe.attributes)
    return Need(
        number=number,
        labels=wanted,
        draw_seed=draw_seed(seed, number, "exemplars"),
        attributes=attributes.draw(wanted, draw_seed=draw_seed(seed, number, "attributes")),
    )
