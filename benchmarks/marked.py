"""Whether rows with marked mentions help: what a student learns from those that need no LLM.

    AUGMENT_CORPORA=... python benchmarks/marked.py [--seeds 32] [--rows 60] [--draws 3]

Requests to restaurants with their mentions (restaurant8k): seeds are drawn at random from the
training split, and a run makes rows of them without a server, by the language model in the box and
by the seeds' templates (`--model ngram`). A student (logistic regression over each word, its form
and its neighbours) is trained on the seeds and on seeds and rows; F1 of whole mentions on real test
rows. The mean over the random draws of seeds, with its 95 % interval (Student's t).

The model in the box has read the training split of this set, none of its test split: there is no
other public set of short English requests with mentions that it has not read.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from planted import interval, read
from sklearn.feature_extraction import DictVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline

import augment

SET = "extraction/restaurant8k_slots"
STUDIED = 1500
OUTSIDE = "O"
TOKEN = re.compile(r"\w+|[^\w\s]")
Row = dict[str, Any]


def main() -> None:
    """Measure and print a line for each draw, then the means."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=32)
    parser.add_argument("--rows", type=int, default=60)
    parser.add_argument("--draws", type=int, default=3)
    options = parser.parse_args()
    folder = Path(os.environ["AUGMENT_CORPORA"]) / SET
    train, test = (read(folder / f"{name}.jsonl") for name in ("train", "test"))
    test = random.Random(0).sample(test, min(STUDIED, len(test)))
    found: dict[str, list[float]] = {}
    for draw in range(options.draws):
        seeds = random.Random(draw).sample(train, options.seeds)
        told = {"seeds": f1(student(seeds), test)}
        for model in ("bundled", "ngram"):
            rows, share = made(seeds, model, rows=options.rows, draw=draw)
            told[model] = f1(student(seeds + rows), test)
            told[f"{model}, gain"] = told[model] - told["seeds"]
            told[f"{model}, kept"] = share
        for what, value in told.items():
            found.setdefault(what, []).append(value)
        print({what: round(value, 3) for what, value in told.items()}, flush=True)
    for what, values in found.items():
        print(f"{what}: {interval(values, least=-1.0 if 'gain' in what else 0.0)}")


def made(seeds: Sequence[Row], model: str, *, rows: int, draw: int) -> tuple[list[Row], float]:
    """Return accepted rows, and the share of all rows that they are."""
    with tempfile.TemporaryDirectory() as folder:
        run = augment.run(
            list(seeds),
            {
                "engine": "seedlm", "model": model, "total": rows, "random_seed": draw,
                "encoder": "ngram", "out": f"{folder}/run", "max_minutes": 10,
            },
        )  # fmt: skip
        accepted = list(run.accepted)
        return accepted, len(accepted) / max(len(accepted) + len(list(run.rejected)), 1)


def student(rows: Sequence[Row]) -> Pipeline:
    """Return what gives each word its tag."""
    words, tags = list[dict[str, Any]](), list[str]()
    for row in rows:
        cut = [*TOKEN.finditer(row["text"])]
        words += features([token[0] for token in cut])
        tags += tagged(cut, row["entities"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it need not have converged
        return make_pipeline(DictVectorizer(), LogisticRegression(C=10.0, max_iter=200)).fit(
            words, tags
        )


def features(words: Sequence[str]) -> list[dict[str, Any]]:
    """Return what is known of each word: its form, and those of the two on either side."""
    found: list[dict[str, Any]] = []
    for at, word in enumerate(words):
        own: dict[str, Any] = {"first": at == 0, "shape": _shape(word), "tail": word[-3:].lower()}
        for away in range(-2, 3):
            near = words[at + away].lower() if 0 <= at + away < len(words) else ""
            own[f"word {away}"] = near
            own[f"shape {away}"] = _shape(near)
        found.append(own)
    return found


def _shape(word: str) -> str:
    return "".join("0" if c.isdigit() else "X" if c.isupper() else "x" for c in word)[:4]


def tagged(cut: Sequence[re.Match[str]], entities: Sequence[Row]) -> list[str]:
    """Return the tag of each token: B- and I- of its mention's type, or O."""
    tags = [OUTSIDE] * len(cut)
    for each in entities:
        inside = [
            at
            for at, token in enumerate(cut)
            if token.start() >= each["start"] and token.end() <= each["end"]
        ]
        for at in inside:
            tags[at] = ("B-" if at == inside[0] else "I-") + each["label"]
    return tags


def spans(tags: Sequence[str]) -> set[tuple[int, int, str]]:
    """Return the mentions that tags mark: first token, last token, type."""
    found: set[tuple[int, int, str]] = set()
    begun, kind = -1, ""
    for at, tag in enumerate([*tags, OUTSIDE]):
        if begun >= 0 and tag != f"I-{kind}":
            found.add((begun, at, kind))
            begun = -1
        if tag != OUTSIDE and begun < 0:
            begun, kind = at, tag[2:]
    return found


def f1(model: Pipeline, rows: Sequence[Row]) -> float:
    """Return F1 of whole mentions over all rows."""
    right = said = real = 0
    for row in rows:
        cut = [*TOKEN.finditer(row["text"])]
        if not cut:
            continue
        told = spans([str(tag) for tag in model.predict(features([token[0] for token in cut]))])
        wanted = spans(tagged(cut, row["entities"]))
        right, said, real = right + len(told & wanted), said + len(told), real + len(wanted)
    return 2 * right / max(said + real, 1)


if __name__ == "__main__":
    main()
