"""How long one prompt takes: 77 described labels, guidelines, five seeds of about 12 words.

    python benchmarks/rendering.py

Each figure is the median over batches of calls, with the least and the most, in microseconds of
CPU time for one call. The goal is 100 microseconds for a whole request; a busy machine, whose cores
share their caches, shows itself in figures far above the least.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

from augment.records import Ask, Example, SeedSet
from augment.rendering import Decoding, Renderer
from augment.tasks.classification import OFFERED, REQUIRED, Classification, Guidance
from prompts.templates import load

BATCHES = 100
CALLS = 50


def measure(call: Callable[[int], object]) -> str:
    """Call with 0, 1, 2, ... and return median, least and most microseconds for one call."""
    figures: list[float] = []
    for batch in range(BATCHES):
        start = time.process_time()
        for number in range(batch * CALLS, (batch + 1) * CALLS):
            call(number)
        figures.append((time.process_time() - start) / CALLS * 1e6)
    return f"{statistics.median(figures):8.1f} ({min(figures):.1f} to {max(figures):.1f})"


def main() -> None:
    """Print the table."""
    labels = [f"intent_number_{number}" for number in range(77)]
    guidance = Guidance(
        descriptions={
            label: f"The customer asks for the case that {label} is." for label in labels
        },
        guidelines="Write as customers of a bank write to its chat.\n" * 20,
    )
    task = Classification(labels, guidance=guidance)
    text = "i have been waiting for over a week, {} where is my card now?"
    examples = tuple(
        Example(id=f"{label}-{at}", text=text.format(at), target=label)
        for label in labels
        for at in range(5)
    )
    seeds = SeedSet(examples=examples, labels=tuple(labels), several=False, pairs=False, digest="-")
    template = load("classification", "fewshot", offered=OFFERED, required=REQUIRED)
    renderer = Renderer(
        task,
        {"fewshot": template},
        seeds=seeds,
        decoding=Decoding(temperature=1.0, top_p=0.95, max_tokens=512),
        random_seed=0,
    )
    asks = [
        Ask(
            number=number,
            strategy="fewshot",
            labels=(label,),
            exemplars=tuple(f"{label}-{at}" for at in range(5)),
        )
        for number, label in ((number, labels[number % 77]) for number in range(BATCHES * CALLS))
    ]
    bound = template.bind(task.constants())
    chat = template.chat.partial(**task.constants())
    variables = [task.variables(ask, examples[:5]) for ask in asks]
    answers = [f'{{"label": "{ask.labels[0]}", "text": "{text}"}}' for ask in asks]

    print("microseconds for one call, median (least to most)")
    print("template, bound       ", measure(lambda n: bound.render(variables[n])))
    print("request, whole        ", measure(lambda n: renderer.request(asks[n])))
    print("schema, seen before   ", measure(lambda n: task.schema(asks[n])))
    print("parse of an answer    ", measure(lambda n: task.parse(answers[n], asks[n])))
    print("LangChain, unbound    ", measure(lambda n: chat.format_messages(**variables[n])))


if __name__ == "__main__":
    main()
