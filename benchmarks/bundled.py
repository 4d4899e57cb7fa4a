"""What the language model in the box writes for labels that it has never seen.

    AUGMENT_CORPORA=... python benchmarks/bundled.py [--sets banking77 snips_intent]
        [--models bundled ngram] [--draws 5] [--per-label 50] [--out FILE]

Eight seeds of every label of banking77 and snips_intent, drawn at random from the training split;
the model has learnt from neither set. `augment.run` makes 50 accepted rows a label with its
default filters. Of each random draw of seeds:

- new: the share of the rows that the engine gave whose words are less than 0.7 alike (Jaccard) to
  those of every seed and of every new row before
- label, before and after: the share of new rows, and of accepted rows, that have the asked label
  by a classifier trained on the whole real training split (words, character n-grams, a linear
  support vector machine); `real` is how often that one is right on real test rows
- learnt: accepted rows with a run of 8 words that a training text of the model has and no seed
- perplexity of accepted rows, and of real test rows, a token, under a 5-gram Kneser-Ney model of
  the whole real training split
- student: accuracy on real test rows of the same kind of classifier, trained on the seeds alone
  and on the seeds with 50 accepted rows a label; the gain over the seeds, and over the rows of the
  other model, is taken within each draw
- rows/s that the engine gave, the run around it included, loading left out

Before that, how long `augment run` takes from its start to its end for one row a label, without an
encoder: median and range of five.

The mean over the random draws with its 95 % interval (Student's t).
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from planted import by_label, interval, read
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import Pipeline, make_pipeline, make_union
from sklearn.svm import LinearSVC

import augment
from augment.engines.kneser_ney import BEGIN, END, MARKS, KneserNey, tokenize
from serving.bundled.corpus import groups

ROOT = Path(__file__).resolve().parent.parent
SEEDS_EACH, COPY, RUN = 8, 0.7, 8
STUDIED = 1500
"""Test rows that a student is measured on, and rows whose perplexity is taken, at most."""
WORD = re.compile(r"\w+")
Row = dict[str, Any]


def main() -> None:
    """Measure and print, a line for each random draw and a table at the end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", nargs="+", default=["banking77", "snips_intent"])
    parser.add_argument("--models", nargs="+", default=["bundled", "ngram"])
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--per-label", type=int, default=50)
    parser.add_argument(
        "--out", type=Path, help="JSONL with every figure; what it has already is not done again"
    )
    parser.add_argument("--start-up", type=int, default=5, help="commands that are timed")
    options = parser.parse_args()
    corpora = Path(os.environ["AUGMENT_CORPORA"])
    if options.start_up:
        print(f"start-up, the whole command for 6 rows: {start_up(options.start_up)}", flush=True)
    learnt = {run for group in groups(corpora) for text in group.texts for run in runs(text)}
    for name in options.sets:
        real = Real(corpora / "classification" / name)
        seen = real.perplexity(real.test)
        print(f"{name}: {len(real.labels)} labels; real {real.right:.3f}, {seen:.1f} a token")
        found: dict[tuple[str, str], list[float]] = {}
        for draw in range(options.draws):
            for model in options.models:
                own = {"set": name, "model": model, "draw": draw, "per_label": options.per_label}
                told = known(options.out, own)
                if told is None:
                    told = measured(real, model, draw=draw, rows=options.per_label, learnt=learnt)
                    if options.out is not None:
                        with options.out.open("a", encoding="utf-8") as file:
                            file.write(json.dumps(own | told) + "\n")
                print(f"  {json.dumps(own | told)}", flush=True)
                for what, value in told.items():
                    found.setdefault((model, what), []).append(value)
        print(f"{name}, {options.draws} random draws:")
        if len(options.models) == 2:
            one, other = (found[model, "student of seeds and rows"] for model in options.models)
            gained = [mine - its for mine, its in zip(one, other, strict=True)]
            found[options.models[0], f"gain over {options.models[1]}"] = gained
        for (model, what), values in found.items():
            least = -math.inf if "gain" in what else 0.0
            print(f"  {model}, {what}: {interval(values, least=least, most=None)}", flush=True)


def known(path: Path | None, own: Row) -> dict[str, float] | None:
    """Return the figures that a file has of a draw."""
    for line in [] if path is None or not path.exists() else path.read_text().splitlines():
        if not line.endswith("}"):
            continue  # a kill has cut it off
        row = json.loads(line)
        if own.items() <= row.items():
            return {what: value for what, value in row.items() if what not in own}
    return None


def start_up(times: int) -> str:
    """Time the command from its start to its end, for one row a label and without an encoder."""
    taken: list[float] = []
    for _ in range(times):
        with tempfile.TemporaryDirectory() as folder:
            command = [
                Path(sys.executable).with_name("augment"), "run", "examples/support_intents.csv",
                "--per-label", "1", "--encoder", "ngram", "--out", f"{folder}/run",
            ]  # fmt: skip
            begun = time.monotonic()
            subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
            taken.append(time.monotonic() - begun)
    return f"{statistics.median(taken):.1f} s ({min(taken):.1f} to {max(taken):.1f})"


class Real:
    """A set of real rows, and what knows all of them."""

    def __init__(self, folder: Path) -> None:
        train = read(folder / "train.jsonl")
        self.by_label = by_label(train)
        self.labels = sorted(self.by_label)
        test = read(folder / "test.jsonl")
        self.test = random.Random(0).sample(test, min(STUDIED, len(test)))
        self.judge = student(train)
        self.right = accuracy(self.judge, self.test)
        texts = [tokenize(row["text"].lower()) for row in train]
        vocabulary = dict.fromkeys(token for text in texts for token in text)
        self._numbers = {token: MARKS + n for n, token in enumerate(vocabulary)}
        unknown = MARKS + len(vocabulary)
        self._number = lambda token: self._numbers.get(token, unknown)
        numbered = [list(map(self._number, text)) for text in texts]
        self._grams = KneserNey(numbered, size=unknown + 1, order=5)

    def perplexity(self, rows: Iterable[Row]) -> float:
        """Return the perplexity of texts, a token, their ends included."""
        logs: list[float] = []
        for row in rows:
            context = [BEGIN] * 4
            for token in [*map(self._number, tokenize(row["text"].lower())), END]:
                chance = self._grams.probabilities(np.array([token]), context=tuple(context))
                logs.append(float(np.log(chance[0])))
                context = [*context[1:], token]
        return float(np.exp(-np.mean(logs)))

    def seeds(self, draw: int) -> list[Row]:
        """Return eight rows of each label."""
        rng = random.Random(draw)
        return [row for one in self.labels for row in rng.sample(self.by_label[one], SEEDS_EACH)]


def measured(
    real: Real, model: str, *, draw: int, rows: int, learnt: set[tuple[str, ...]]
) -> dict[str, float]:
    """Return the figures of one random draw of seeds."""
    seeds = real.seeds(draw)
    with tempfile.TemporaryDirectory() as folder:
        run = augment.run(
            seeds,
            {
                "engine": "seedlm", "model": model, "per_label": rows, "random_seed": draw,
                "out": f"{folder}/run", "max_minutes": 45,
            },
        )  # fmt: skip
        accepted, rejected = list(run.accepted), list(run.rejected)
        seconds = run.report["run"]["active_s"]
    given = [row for row in accepted + rejected if row.get("text")]
    given.sort(key=lambda row: row["provenance"]["ask"])
    new = new_rows(given, seeds)
    unseen = learnt.difference(run for row in seeds for run in runs(row["text"]))
    copied = [row for row in accepted if not unseen.isdisjoint(runs(row["text"]))]
    sample = random.Random(0).sample(accepted, min(STUDIED, len(accepted)))
    alone, helped = (accuracy(student(own), real.test) for own in (seeds, seeds + accepted))
    return {
        "accepted": len(accepted) / (rows * len(real.labels)),
        "new": len(new) / max(len(given), 1),
        "label before": accuracy(real.judge, new),
        "label after": accuracy(real.judge, accepted),
        "learnt": len(copied) / max(len(accepted), 1),
        "perplexity": real.perplexity(sample),
        "student of seeds": alone,
        "student of seeds and rows": helped,
        "gain over the seeds": helped - alone,
        "rows/s": len(given) / seconds,
    }


def new_rows(rows: Iterable[Row], seeds: Iterable[Row]) -> list[Row]:
    """Return the rows that say what no seed and no row before says."""
    holders: dict[str, list[int]] = {}
    sizes: list[int] = []

    def is_new(text: str) -> bool:
        own = set(WORD.findall(text.lower()))
        shared: dict[int, int] = {}
        for word in own:
            for place in holders.get(word, ()):
                shared[place] = shared.get(place, 0) + 1
        near = any(n >= COPY * (len(own) + sizes[place] - n) for place, n in shared.items())
        if near or not own:
            return False
        for word in own:
            holders.setdefault(word, []).append(len(sizes))
        sizes.append(len(own))
        return True

    for seed in seeds:
        is_new(seed["text"])
    return [row for row in rows if is_new(row["text"])]


def runs(text: str) -> list[tuple[str, ...]]:
    """Return every run of eight words."""
    words = WORD.findall(text.lower())
    return [tuple(words[at : at + RUN]) for at in range(len(words) - RUN + 1)]


def student(rows: Sequence[Row]) -> Pipeline:
    """Return a classifier trained on rows."""
    words = TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2))
    characters = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), sublinear_tf=True)
    made = make_pipeline(make_union(words, characters), LinearSVC())
    return made.fit([row["text"] for row in rows], [row["label"] for row in rows])


def accuracy(classifier: Pipeline, rows: Sequence[Row]) -> float:
    """Return how many rows have the label that the classifier names."""
    found = classifier.predict([row["text"] for row in rows])
    return float(np.mean(found == [row["label"] for row in rows]))


if __name__ == "__main__":
    main()
