"""Why a student learns what it does from the rows of the model in the box.

    AUGMENT_CORPORA=... python benchmarks/rows_learnt.py FOLDER
        [--set banking77] [--draws 2] [--per-label 50]

Seeds, judge and student are those of `bundled.py`. A run is made for each random draw of seeds, in
a folder of its own under FOLDER, where it is found again; rows are rejected for their label at a
precision of 0.5, as those of other engines are. Then the student is trained on the seeds and

- the accepted rows: all; those whose label the judge confirms; all, under the judge's label; those
  that a run of the bundled model would leave at its own precision; those on which the student of
  the seeds alone errs
- as many real rows, drawn at random: all; those whose label's seeds have every word of theirs
  already; those that the encoder's classifier labels rightly; all, under the label that this
  classifier, or the student of the seeds, gives
- the seeds seven times

A line tells how many rows there were, the share with the right label and the share that the
student of the seeds labels so too, and the gain over the seeds alone. Besides, of accepted and of
real rows: the share of words that their label's seeds have, and that other labels' seeds alone
have.
"""

from __future__ import annotations

import argparse
import os
import random
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np
from bundled import Real, Row, accuracy, student
from planted import checked, interval
from sklearn.pipeline import Pipeline

import augment
from augment.engines.embedded import BUNDLED_PRECISION

_WORD = re.compile(r"\w+")
_NO_MARGIN = 0.05
"""A precision so low that whatever the classifier would label otherwise is rejected."""
Sets: TypeAlias = Iterator[tuple[str, list[Row], list[bool]]]


def main() -> None:
    """Print a line for each set of rows: the mean over the random draws with its interval."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--set", default="banking77")
    parser.add_argument("--draws", type=int, default=2)
    parser.add_argument("--per-label", type=int, default=50)
    options = parser.parse_args()
    real = Real(Path(os.environ["AUGMENT_CORPORA"]) / "classification" / options.set)
    found: dict[str, list[tuple[int, float, float, float]]] = {}
    for draw in range(options.draws):
        seeds = real.seeds(draw)
        run = augment.run(
            seeds,
            {
                "engine": "seedlm", "model": "bundled", "per_label": options.per_label,
                "random_seed": draw, "out": str(options.folder / f"{options.set}-{draw}"),
                "filters": {"agreement_precision": 0.5}, "max_minutes": 45,
            },
        )  # fmt: skip
        rows = [{"text": row["text"], "label": row["label"]} for row in run.accepted]
        first = student(seeds)
        alone = accuracy(first, real.test)
        for what, own, right in _sets(real, seeds, rows, first):
            gain = accuracy(student(seeds + own), real.test) - alone
            told = len(own), float(np.mean(right)), accuracy(first, own), gain
            print(f"  {draw} {what}: {told[0]} rows, right {told[1]:.3f}, as the seeds' student "
                  f"{told[2]:.3f}, gain {gain:+.4f}", flush=True)  # fmt: skip
            found.setdefault(what, []).append(told)
        for what, own in (("accepted", rows), ("real", _drawn(real, seeds, len(rows), draw))):
            print(f"  {draw} words of {what} rows: {_words(own, seeds)}", flush=True)
    print(f"{options.set}, gain over {options.draws} random draws:")
    for what, told in found.items():
        gains = [each[-1] for each in told]
        print(f"  {what}: {interval(gains, least=-1.0, most=None)}")


def _sets(real: Real, seeds: list[Row], rows: list[Row], first: Pipeline) -> Sets:
    """Yield what is learnt from beside the seeds, and of each row whether its label is right."""
    judged = _relabelled(rows, real.judge)
    right = [one == other for one, other in zip(rows, judged, strict=True)]
    kept = _left(rows, seeds, precision=BUNDLED_PRECISION)
    errs = [own != row for own, row in zip(_relabelled(rows, first), rows, strict=True)]
    yield "accepted", rows, right
    yield "accepted, right", *_those(rows, right, right)
    yield "accepted, under the judge's label", judged, [True] * len(judged)
    yield "accepted, at the bundled model's precision", *_those(rows, right, kept)
    yield "accepted, new to the seeds' student", *_those(rows, right, errs)
    drawn = _drawn(real, seeds, len(rows), len(rows))
    every = [True] * len(drawn)
    known = _by_label(seeds)
    said = [known[row["label"]].issuperset(_words_of(row)) for row in drawn]
    yield "real", drawn, every
    yield "real, of words of the label's seeds", *_those(drawn, every, said)
    yield (
        "real, right by the encoder",
        *_those(drawn, every, _left(drawn, seeds, precision=_NO_MARGIN)),
    )
    own = _relabelled(drawn, first)
    yield (
        "real, under the seeds' student's label",
        own,
        [one == other for one, other in zip(own, drawn, strict=True)],
    )
    yield "seeds seven times", seeds * 6, [True] * (6 * len(seeds))


def _drawn(real: Real, seeds: Iterable[Row], count: int, draw: int) -> list[Row]:
    """Return so many real rows that are no seeds."""
    own = {row["text"] for row in seeds}
    rest = [row for rows in real.by_label.values() for row in rows if row["text"] not in own]
    return random.Random(draw).sample(rest, min(count, len(rest)))


def _left(rows: Sequence[Row], seeds: Sequence[Row], *, precision: float) -> list[bool]:
    """Tell of each row whether the agreement filter leaves it."""
    lost = checked(rows, seeds, filters={"agreement_precision": precision})
    return [lost.get(place, ("", ""))[0] != "agreement" for place in range(len(rows))]


def _relabelled(rows: Sequence[Row], classifier: Pipeline) -> list[Row]:
    found = classifier.predict([row["text"] for row in rows])
    return [row | {"label": str(label)} for row, label in zip(rows, found, strict=True)]


def _those(
    rows: Sequence[Row], right: Sequence[bool], wanted: Sequence[bool]
) -> tuple[list[Row], list[bool]]:
    some = [place for place, each in enumerate(wanted) if each]
    return [rows[place] for place in some], [right[place] for place in some]


def _words(rows: Iterable[Row], seeds: Iterable[Row]) -> str:
    """Say whose seeds have the words of rows."""
    known = _by_label(seeds)
    every = frozenset[str]().union(*known.values())
    told = [(word in known[row["label"]], word in every) for row in rows for word in _words_of(row)]
    own, of_any = np.mean(told, axis=0)
    return f"{own:.3f} are in their label's seeds, {of_any - own:.3f} in others' alone"


def _by_label(rows: Iterable[Row]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for row in rows:
        found.setdefault(row["label"], set()).update(_words_of(row))
    return found


def _words_of(row: Row) -> list[str]:
    return _WORD.findall(row["text"].lower())


if __name__ == "__main__":
    main()
