"""`augment preview`: what a run would ask, what comes back, and what the whole run would take."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator, Sequence

from augment.cli.display import duration, said
from augment.cli.options import add_options, add_seeds, parted, settled
from augment.cli.parser import Parser
from augment.preview import Estimate, Preview, Shown, preview
from augment.recipe import NO_ENCODER, Recipe
from augment.records import Candidate, Completion, Fault, Verdict
from augment.screening import rejected
from augment.setting import Inputs
from evals.wording import number, visible
from serving.vllm.run import with_server


def main(arguments: Sequence[str]) -> int:
    """Show a preview."""
    parser = Parser(
        prog="augment preview",
        description="Render three prompts, show their answers with every verdict, and estimate "
        "what the whole run takes. Writes nothing but the log of vLLM, where --serve starts it.",
    )
    add_seeds(parser)
    add_options(parser)
    words, more = parted(arguments)
    options = parser.parse_args(words)
    recipe = settled(options, more=more)
    if recipe.encoder != NO_ENCODER and options.seeds is not None:
        sys.stderr.write("Loading the encoder ...\n")
    found = asyncio.run(_preview(Inputs(seeds=options.seeds), recipe))
    for line in lines(found):
        sys.stdout.write(visible(line) + "\n")
    return 0


async def _preview(inputs: Inputs, recipe: Recipe) -> Preview:
    async with with_server(inputs, recipe, say=said) as (settled, _):
        return await preview(inputs, settled)


def lines(found: Preview) -> Iterator[str]:
    """Yield a preview line by line; texts may hold anything at all."""
    for place, one in enumerate(found.shown, 1):
        yield from _shown(one, f"{place} of {len(found.shown)}")
    yield "=== Judged by"
    for statement in found.statements.values():
        yield f"  {statement}"
    for warning in found.warnings:
        yield f"  warning: {warning}"
    what = "to {} accepted rows" if found.kind == "made" else "over {} texts"
    yield f"=== A run {what.format(number(found.rows))} would take, about"
    yield f"{'':20}{'if all were kept':>20}{'at the share seen':>20}"
    for name, values in _table(found.least, found.likely):
        yield f"  {name:18}{values[0]:>20}{values[1]:>20}"
    yield (
        f"{found.kept} of the {found.seen} rows seen were kept; so few say little, and the share "
        f"is taken as {found.likely.share:.0%}. The budget ends a run after {number(found.most)} "
        "requests. Time is that of the slower of engine and encoder, if the engine answers as many "
        "at once as the recipe allows as fast as it answered these."
    )


def _shown(one: Shown, place: str) -> Iterator[str]:
    ask = one.request.ask
    yield f"=== Prompt {place}: {ask.strategy} for {', '.join(ask.labels) or 'no label'}"
    for message in one.request.messages:
        yield f"--- {message.role}"
        yield message.content
    outcome = one.outcome
    if isinstance(outcome, Completion):
        tokens = (outcome.prompt_tokens, outcome.completion_tokens)
        counted = "" if None in tokens else f", {tokens[0]} tokens read and {tokens[1]} written"
        yield f"--- answer after {duration(one.seconds)}{counted}"
        yield outcome.text
    else:
        yield f"--- no answer: {outcome.code}, {outcome.detail}"
    for row, verdicts in one.rows:
        yield from _judged(row, verdicts)


def _judged(row: Candidate | Fault, verdicts: Sequence[Verdict]) -> Iterator[str]:
    yield f"--- {'rejected' if rejected(verdicts) else 'accepted'}: " + (
        row.example.whole if isinstance(row, Candidate) else row.text or "no row"
    )
    for verdict in verdicts:
        score = "" if verdict.score is None else f" {verdict.score:.2f}"
        against = (
            f" (band {verdict.band[0]:.2f} to {verdict.band[1]:.2f})"
            if verdict.band is not None
            else ""
            if verdict.threshold is None
            else f" (threshold {verdict.threshold:.2f})"
        )
        why = ": ".join(filter(None, (verdict.reason, verdict.detail)))
        yield f"    {verdict.filter:16}{verdict.outcome}{score}{against}{'  ' + why if why else ''}"


def _table(*estimates: Estimate) -> Iterator[tuple[str, list[str]]]:
    yield "requests", [number(each.requests) for each in estimates]
    for name in ("prompt_tokens", "completion_tokens"):
        counts = [getattr(each, name) for each in estimates]
        said = ["not counted" if count is None else number(count) for count in counts]
        yield name.replace("_", " "), said
    yield "time", [duration(each.seconds) for each in estimates]
    if estimates[0].cost is not None:
        yield "cost", [f"{each.cost or 0:,.2f}" for each in estimates]
