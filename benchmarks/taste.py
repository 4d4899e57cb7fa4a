"""How `seedlm` writes under other tastes, on hwu64's dev split: what its defaults were chosen by.

    AUGMENT_CORPORA=... python benchmarks/taste.py [--labels 40] [--rows 4] [--draws 2]
        [--try "own=0.8 temperature=0.7 shots=5"] ...

Eight seeds a label; every ask is answered. New rows and their labels as in `bundled.py`, before
anything is filtered; rows/s are the engine's alone. The gain is that of the student of `bundled.py`
on hwu64's test split, by the rows that `augment check` accepts. Fields are those of
`augment.engines.memory.Taste`, the sampling's temperature and top_p, shots, and the precision by
which rows are rejected for their label; what is not said is as it is by default. The model
has learnt from hwu64's training split, so that these labels are not new to it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

from bundled import SEEDS_EACH, Row, accuracy, new_rows, student
from planted import by_label, checked, read, write

from augment import recipe
from augment.decoding.model import Loaded
from augment.engines.bundled import SeedGuide, SeedGuides, load_bundled, training_texts
from augment.engines.embedded import BUNDLED_PRECISION
from augment.engines.in_process import Named, opened
from augment.engines.memory import Taste
from augment.records import Ask, Completion, Request
from augment.setting import Inputs, Setting, prepare, renderer_of

_KINDS: dict[str, Callable[[str], Any]] = {
    each.name: {"int": int, "float": float}[str(each.type)] for each in fields(Taste)
}


def main() -> None:
    """Print a line for every taste that is tried."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--labels", type=int, default=40)
    parser.add_argument("--rows", type=int, default=4, help="asks of each label")
    parser.add_argument("--draws", type=int, default=2, help="random draws of seeds")
    parser.add_argument("--try", dest="tastes", action="append", default=[])
    options = parser.parse_args()
    folder = Path(os.environ["AUGMENT_CORPORA"]) / "classification" / "hwu64"
    held = {name: own for name, own in by_label(read(folder / "dev.jsonl")).items()
            if len(own) >= SEEDS_EACH}  # fmt: skip
    judge, test = student(read(folder / "train.jsonl")), by_label(read(folder / "test.jsonl"))
    for said in options.tastes or [""]:
        told = dict(word.split("=") for word in said.split())
        precision = float(told.pop("precision", BUNDLED_PRECISION))
        found: list[tuple[float, ...]] = []
        for draw in range(options.draws):
            rng = random.Random(draw)
            labels = sorted(rng.sample(sorted(held), min(options.labels, len(held))))
            seeds = [row for label in labels for row in rng.sample(held[label], SEEDS_EACH)]
            rows, tokens, seconds = asyncio.run(_answers(seeds, labels * options.rows, told, rng))
            new = new_rows(rows, seeds)
            lost = checked(rows, seeds, filters={"agreement_precision": precision})
            kept = [row for place, row in enumerate(rows) if place not in lost]
            real = [row for label in labels for row in test.get(label, ())]
            alone, helped = (accuracy(student(own), real) for own in (seeds, seeds + kept))
            found.append((len(new) / len(rows), accuracy(judge, new), len(rows) / seconds,
                          tokens / len(rows), len(kept) / len(rows), helped - alone))  # fmt: skip
        means = map(statistics.mean, zip(*found, strict=True))
        print("{}: new {:.3f}, label {:.3f}, {:.1f} rows/s, {:.1f} tokens a row; accepted {:.3f}, "
              "gain {:+.4f}".format(said or "defaults", *means), flush=True)  # fmt: skip


async def _answers(
    seeds: list[Row], labels: list[str], told: dict[str, str], rng: random.Random
) -> tuple[list[Row], int, float]:
    """Return the rows, all tokens drawn for them, and the seconds that it took."""
    told = dict(told)
    shots = {"shots": int(told.pop("shots"))} if "shots" in told else {}
    sampling = {name: float(told.pop(name)) for name in ("temperature", "top_p") if name in told}
    taste = Taste(**{name: _KINDS[name](value) for name, value in told.items()})
    with tempfile.TemporaryDirectory() as folder:
        options = {"model": "bundled", "encoder": "ngram", "sampling": sampling, **shots}
        inputs = Inputs(seeds=write(Path(folder) / "seeds.jsonl", seeds))
        setting = prepare(inputs, recipe.load(None, options=options))

    def guided(model: Loaded) -> Callable[[Ask], SeedGuide]:
        return SeedGuides(setting.used, model, training=training_texts(), taste=taste).guide

    rows, tokens = list[Row](), 0
    named = Named(engine="seedlm", model="bundled")
    async with opened(load_bundled, concurrency=64, guided=guided, named=named) as engine:
        begun = time.monotonic()
        async for request, answer in engine.complete(_requests(setting, labels, rng)):
            assert isinstance(answer, Completion), answer
            tokens += answer.completion_tokens or 0
            if answer.finish == "stop":
                row = json.loads(answer.text)
                rows.append({"text": row["text"], "label": request.ask.labels[0]})
        return rows, tokens, time.monotonic() - begun


async def _requests(
    setting: Setting, labels: list[str], rng: random.Random
) -> AsyncIterator[Request]:
    renderer = renderer_of(setting)
    ids: dict[str, list[str]] = {}
    for seed in setting.used.examples:
        ids.setdefault(seed.target, []).append(seed.id)
    for number, label in enumerate(labels):
        shown = rng.sample(ids[label], min(setting.recipe.shots, len(ids[label])))
        yield renderer.request(
            Ask(number=number, strategy="fewshot", labels=(label,), exemplars=tuple(shown))
        )


if __name__ == "__main__":
    main()
