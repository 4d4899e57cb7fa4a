"""Wrong labels planted among rows, found by votes and classifier; `filters.py` calls it.

banking77, ten labels drawn at random, ten seeds each and all their test rows, one row in ten under
a wrong one of the ten labels. The judge is the tests' server on loopback, which knows the truth and
says it of a stated share of the texts, of seeds and rows alike; of the others it says a wrong label
drawn at random, whatever the order, with log-probabilities as sure as ever. It is no language
model: what is measured is what becomes of votes that are right so often. Real judges err together
with the classifier, on the hard rows, where this one errs anywhere. Caught: wrong rows that are
rejected for their label; lost: right ones that are. Beside it the classifier alone, on the same
rows.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from loopback import ROOT, server
from wrong_labels import LABELS, SEEDS_EACH, WRONG_SHARE, read

sys.path.insert(0, str(ROOT))

from augment import app
from augment.recipe import load
from augment.setting import Inputs

DRAWS = 3
ACCURACIES = (0.6, 0.8, 0.9, 0.97)
OTHERS = (
    "length", "form", "copy", "leak", "similarity", "near_duplicate", "pii", "toxicity",
    "shortcuts", "language",
)  # fmt: skip
"""Filters that are left out: they are measured by themselves."""


def measure(corpora: Path, share: Callable[[int, int], str]) -> dict[str, str]:
    """Measure and print; return the sentence for reports."""
    train = read(corpora, "classification/banking77/train")
    test = read(corpora, "classification/banking77/test")
    found = {accuracy: Counter[tuple[bool, bool]]() for accuracy in (None, *ACCURACIES)}
    for draw in range(DRAWS):
        rng = random.Random(draw)
        names = rng.sample(sorted(test), LABELS)
        seeds = [(text, name) for name in names for text in rng.sample(train[name], SEEDS_EACH)]
        rows = [(text, name) for name in names for text in test[name]]
        given = [
            (text, rng.choice([n for n in names if n != name]) if _wrong(rng) else name)
            for text, name in rows
        ]
        for accuracy, counts in found.items():
            rejected = _checked(seeds, given, dict(seeds) | dict(rows), accuracy=accuracy)
            for (text, name), (_, label) in zip(rows, given, strict=True):
                counts[label != name, text in rejected] += 1
    told = {
        accuracy: f"{_share(counts, share, wrong=True)} of wrong rows are rejected, "
        f"{_share(counts, share, wrong=False)} of right ones"
        for accuracy, counts in found.items()
    }
    for accuracy, said in told.items():
        who = "classifier alone" if accuracy is None else f"judge right on {accuracy:.2f} of texts"
        print(f"  n {found[accuracy].total()}, {who}: {said}")
    return {
        "judge": f"where one label in ten is wrong (banking77, {DRAWS} draws of {LABELS} labels) "
        f"and a simulated judge reads 0.90 of texts rightly, erring at random, {told[0.9]}; by the "
        f"classifier alone {told[None]}"
    }


def _wrong(rng: random.Random) -> bool:
    return rng.random() < WRONG_SHARE


def _share(
    counts: Mapping[tuple[bool, bool], int], share: Callable[[int, int], str], *, wrong: bool
) -> str:
    return share(counts[wrong, True], counts[wrong, True] + counts[wrong, False])


def _checked(
    seeds: Sequence[tuple[str, str]],
    rows: Sequence[tuple[str, str]],
    truth: Mapping[str, str],
    *,
    accuracy: float | None,
) -> set[str]:
    """Return the texts rejected for their label; by the classifier alone where accuracy is None."""
    options: dict[str, Any] = {"filters": {"without": list(OTHERS)}, "judge": accuracy is not None}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "truth.json").write_text(json.dumps(truth), "utf-8")
        for file, own in (("seeds", seeds), ("rows", rows)):
            lines = [json.dumps({"text": text, "label": label}) + "\n" for text, label in own]
            (folder / f"{file}.jsonl").write_text("".join(lines), "utf-8")
        inputs = Inputs(seeds=folder / "seeds.jsonl", rows=folder / "rows.jsonl")
        with server(
            row_pattern="<row>(.*)</row>",
            truth=str(folder / "truth.json"),
            accuracy=1.0 if accuracy is None else accuracy,
        ) as url:
            options |= {"out": folder / "out"} | ({"endpoint": url} if options["judge"] else {})
            asyncio.run(app.run(inputs, load(None, options=options)))
        lines = (folder / "out" / "rejected.jsonl").read_text("utf-8").split("\n")
    rejected = [json.loads(line) for line in lines if line]
    assert {row["reason"] for row in rejected} <= {"label"}, "another filter had a say"
    return {row["text"] for row in rejected}
