"""What accepted rows add to the seeds in telling wrong labels, row after row.

    python benchmarks/accepted_rows.py planted|made [--corpora DIR] [--vectors FILE] [--rows FILE]

planted (`filters.py accepted` too): labels drawn at random from banking77, hwu64 (ten) and
snips_intent (all seven), five or ten seeds and forty real rows each. A share of the rows is put
under another label: any (`any`), or that of the nearest seeds by their middles (`near`), which is
how a poor generator errs; their truth is known. All go through the agreement filter in one order,
twice: with the seeds alone, and with the rows accepted so far. Then what may lead it astray, in
banking77: all 77 labels of three seeds; rows in the order of their labels (`sorted`); and three
labels of ten that lose 0.7 of their rows to the nearest, which all come early (`early`).

made: rows that the model in the box wrote for eight seeds a label, by runs without the filters that
go by meaning; a row is wrong where two classifiers of the real rows, of words (a linear support
vector machine) and of vectors, both give it another label, right where neither does, and else left
out. --rows keeps them for another time.

AUC: how often a wrong row's margin is above a right one's. Caught and lost: wrong and right rows
that are rejected. Means over draws; in brackets the difference to the seeds alone, with its 95 %
interval (Student's t). Then the time that settling a row takes.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from bundled import student
from planted import STUDENT_T, by_label, read
from sklearn.metrics import roc_auc_score

import augment
from augment.filters.agreement import Agreement
from augment.filters.least_squares import LeastSquares
from augment.records import Ask, Candidate, Example
from serving.toxicity.train import embedded

Labelled: TypeAlias = list[tuple[str, str]]
Vectors: TypeAlias = Mapping[str, npt.NDArray[np.float32]]
SETS: Mapping[str, int] = {"banking77": 10, "snips_intent": 7, "hwu64": 10}
ROWS_EACH, DRAWS, LEAST, FEW = 40, 10, 60, 120
"""Rows a label, draws, the fewest real rows of a label that may be drawn, and as many as do."""
PLANTED = (
    (10, 0.1, "any"), (10, 0.1, "near"), (10, 0.3, "near"), (5, 0.1, "near"), (5, 0.3, "near"),
)  # fmt: skip
"""Seeds a label, share of wrong rows, and which label those are put under."""
HARD = (
    (10, 5, 0.1, "shuffled", 0.5), (10, 3, 0.1, "shuffled", 0.5), (77, 3, 0.1, "shuffled", 0.5),
    (10, 5, 0.1, "sorted", 0.5), (10, 3, 0.1, "sorted", 0.5), (77, 3, 0.1, "sorted", 0.5),
    (10, 5, 0.7, "early", 0.5), (10, 8, 0.7, "early", 0.5), (10, 8, 0.7, "early", 0.8),
)  # fmt: skip
"""Labels of banking77, seeds a label, share of wrong rows (of three labels where early), order,
and the precision that is asked for."""
LED_ASTRAY, LATE = 3, 0.6
"""Labels that lose rows to the nearest, and the share of right rows that come after those."""
MADE_SEEDS, MADE_ROWS, MADE_DRAWS, REAL = 8, 40, 5, 500
OTHERS = ("agreement", "similarity", "toxicity", "shortcuts")
FLAWED = {"too_short", "too_long", "quota", "duplicate", "copy_of_seed", "near_duplicate"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """Seeds and rows with their labels, and which rows are wrong."""

    seeds: Labelled
    rows: Labelled
    wrong: Sequence[bool]


class Known:
    """The Protocol `Encoder` over vectors that are there."""

    name = "all-MiniLM-L6-v2"

    def __init__(self, vectors: Vectors) -> None:
        self._vectors = vectors

    def encode(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Return the vectors of texts."""
        return np.stack([self._vectors[text] for text in texts])


def judged(draw: Draw, encoder: Known, *, learns: bool, precision: float) -> dict[str, float]:
    """Have the filter judge the rows in their order; return what came of it."""
    by = Agreement(precision=precision, encoder=encoder.name, rows_by=encoder if learns else None)
    seeds = [Example(id=f"s{at}", text=t, target=label) for at, (t, label) in enumerate(draw.seeds)]
    by.fit(seeds, encoder.encode([text for text, _ in draw.seeds]))
    ask = Ask(number=0, strategy="given", labels=())
    rows = [
        Candidate(example=Example(id=f"r{at}", text=t, target=label), ask=ask, key="", index=0)
        for at, (t, label) in enumerate(draw.rows)
    ]
    first = by.judge(rows, encoder.encode([text for text, _ in draw.rows]))
    margins: list[float] = []
    rejected: list[bool] = []
    began = time.process_time()
    for row, verdict in zip(rows, first, strict=True):
        settled = by.settle(row, verdict)
        margins.append(settled.score if settled.score is not None else np.nan)
        rejected.append(settled.outcome == "rejected")
        if not rejected[-1]:
            by.observe([row.example])
    seconds = time.process_time() - began
    if np.isnan(margins).any():
        return {}  # the seeds do not suffice
    wrong, gone = np.array(draw.wrong), np.array(rejected)
    return {
        "AUC": float(roc_auc_score(wrong, margins)),
        "caught": float(gone[wrong].mean()),
        "lost": float(gone[~wrong].mean()),
        "ms a row": 1000 * seconds / len(rows),
    }


def planted(
    rows: Mapping[str, Sequence[str]],
    vectors: Vectors,
    rng: random.Random,
    *,
    labels: int,
    each: int,
    share: float,
    under: str,
    order: str = "shuffled",
) -> Draw:
    """Draw labels, seeds and rows, and put a share of the rows under other labels."""
    names = rng.sample(sorted(rows), labels)
    drawn = {name: rng.sample(rows[name], each + ROWS_EACH) for name in names}
    middles = np.stack([np.mean([vectors[text] for text in drawn[n][:each]], 0) for n in names])
    middles /= np.linalg.norm(middles, axis=1, keepdims=True)
    likeness = middles @ middles.T - 2 * np.eye(labels)
    near = {name: names[int(at)] for name, at in zip(names, likeness.argmax(axis=1), strict=True)}
    true = [(text, name) for name in names for text in drawn[name][each:]]
    rng.shuffle(true)
    astray = names[:LED_ASTRAY] if order == "early" else names
    wrong = [name in astray and rng.random() < share for _, name in true]
    given = [
        (near[name] if under == "near" else rng.choice([n for n in names if n != name]))
        if off
        else name
        for (_, name), off in zip(true, wrong, strict=True)
    ]
    rows_given = [(text, label) for (text, _), label in zip(true, given, strict=True)]
    places = list(range(len(true)))
    if order == "sorted":
        places.sort(key=lambda at: given[at])
    elif order == "early":
        places.sort(key=lambda at: not wrong[at] and rng.random() < LATE)
    return Draw(
        seeds=[(text, name) for name in names for text in drawn[name][:each]],
        rows=[rows_given[at] for at in places],
        wrong=[wrong[at] for at in places],
    )


def measure(corpora: Path, vectors: Path | None) -> dict[str, str]:
    """Measure and print what planted wrong labels come to; there is no sentence for reports."""
    for name, labels in SETS.items():
        rows = {n: [*dict.fromkeys(own)][:FEW] for n, own in _real(corpora, name).items()}
        known = embedded((text for own in rows.values() for text in own), kept=vectors)
        for each, share, under in PLANTED:
            draws = [
                planted(
                    rows, known, random.Random(f"{name} {draw}"),
                    labels=labels, each=each, share=share, under=under,
                )
                for draw in range(DRAWS)
            ]  # fmt: skip
            compare(f"{name}, {each} seeds a label, {share:g} wrong ({under})", draws, Known(known))
    _hard(_real(corpora, "banking77"), vectors)
    return {}


def _hard(real: Mapping[str, Sequence[str]], vectors: Path | None) -> None:
    rows = {name: [*dict.fromkeys(own)][:FEW] for name, own in real.items()}
    known = embedded((text for own in rows.values() for text in own), kept=vectors)
    for labels, each, share, order, precision in HARD:
        draws = [
            planted(
                rows, known, random.Random(f"hard {draw}"),
                labels=labels, each=each, share=share, under="near", order=order,
            )
            for draw in range(DRAWS)
        ]  # fmt: skip
        title = f"{labels} labels of {each} seeds, {share:g} wrong, {order}, precision {precision}"
        compare(title, draws, Known(known), precision=precision)


def made(corpora: Path, vectors: Path | None, kept: Path | None) -> None:
    """Measure and print what it comes to for rows of the model in the box."""
    for name, labels in SETS.items():
        rows = _real(corpora, name)
        draws: list[Draw] = []
        known: dict[str, npt.NDArray[np.float32]] = {}
        for number in range(MADE_DRAWS):
            rng = random.Random(f"gen{name}{number}")
            names = rng.sample(sorted(rows), labels)
            seeds = [(text, n) for n in names for text in rng.sample(rows[n], MADE_SEEDS)]
            written = _written(seeds, kept, draw=f"{name} {number}", number=number)
            real = [(text, n) for n in names for text in rows[n][:REAL]]
            known |= embedded((text for text, _ in [*seeds, *written, *real]), kept=vectors)
            draws.append(_weighed(seeds, written, real, known))
        told = ", ".join(f"{sum(each.wrong)} of {len(each.rows)}" for each in draws)
        compare(f"{name}, rows of the model in the box, wrong {told}", draws, Known(known))


def compare(title: str, draws: Iterable[Draw], encoder: Known, *, precision: float = 0.5) -> None:
    """Print the means over draws, and what accepted rows add to them."""
    print(title, flush=True)
    found = [
        [judged(draw, encoder, learns=learns, precision=precision) for learns in (False, True)]
        for draw in draws
    ]
    both = [(alone, joined) for alone, joined in found if alone and joined]
    for what in both[0][0]:
        alone, joined = ([pair[at][what] for pair in both] for at in (0, 1))
        more = [its - mine for mine, its in zip(alone, joined, strict=True)]
        half = STUDENT_T[len(more) - 1] * statistics.stdev(more) / len(more) ** 0.5
        mean = statistics.mean(more)
        print(
            f"  {what}: {statistics.mean(alone):.3f}, with accepted rows "
            f"{statistics.mean(joined):.3f} ({mean:+.3f}, {mean - half:+.3f} to {mean + half:+.3f})"
        )


def _real(corpora: Path, name: str) -> dict[str, list[str]]:
    """Return the texts of each label that has enough."""
    folder = corpora / "classification" / name
    files = [folder / f"{split}.jsonl" for split in ("test", "dev", "train")]
    groups = by_label(row for file in files if file.exists() for row in read(file))
    texts = {label: [row["text"] for row in own] for label, own in groups.items()}
    return {label: own for label, own in texts.items() if len(set(own)) >= LEAST}


def _written(seeds: Labelled, kept: Path | None, *, draw: str, number: int) -> Labelled:
    """Return the rows of a run, in the order in which they were asked for."""
    for line in [] if kept is None or not kept.exists() else kept.read_text("utf-8").split("\n"):
        if line and (row := json.loads(line))["draw"] == draw:
            return [(text, label) for text, label in row["rows"]]
    with tempfile.TemporaryDirectory() as folder:
        options: dict[str, Any] = {
            "engine": "seedlm", "model": "bundled", "per_label": MADE_ROWS, "out": f"{folder}/run",
            "random_seed": number, "filters": {"without": list(OTHERS)},
        }  # fmt: skip
        run = augment.run([{"text": text, "label": label} for text, label in seeds], options)
        every = [*run.accepted, *run.rejected]
    every = [row for row in every if row.get("text") and row.get("reason") not in FLAWED]
    every.sort(key=lambda row: row["provenance"]["ask"])
    rows = [(row["text"], row["label"]) for row in every]
    if kept is not None:
        with kept.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"draw": draw, "rows": rows}) + "\n")
    return rows


def _weighed(seeds: Labelled, written: Labelled, real: Labelled, vectors: Vectors) -> Draw:
    """Return the rows that both classifiers of the real rows take for right, or for wrong."""
    names = sorted({label for _, label in seeds})
    by_words = student([{"text": text, "label": label} for text, label in real])
    by_meaning = LeastSquares(
        np.stack([vectors[text] for text, _ in real]),
        [(names.index(label),) for _, label in real],
        count=len(names),
    )
    texts = [text for text, _ in written]
    likeliest = by_meaning.scores(np.stack([vectors[text] for text in texts])).argmax(axis=1)
    off = [
        (first != label, names[second] != label)
        for (_, label), first, second in zip(
            written, by_words.predict(texts), likeliest, strict=True
        )
    ]
    agreed = [at for at, (first, second) in enumerate(off) if first == second]
    return Draw(
        seeds=seeds,
        rows=[written[at] for at in agreed],
        wrong=[off[at][0] for at in agreed],
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["planted", "made"])
    parser.add_argument("--corpora", type=Path, default=os.environ.get("AUGMENT_CORPORA"))
    parser.add_argument("--vectors", type=Path, help="keeps texts' vectors for another time")
    parser.add_argument("--rows", type=Path, help="keeps the model's rows for another time")
    options = parser.parse_args()
    if options.corpora is None:
        parser.error("--corpora DIR, or the variable AUGMENT_CORPORA, must name the corpora")
    if options.what == "planted":
        measure(Path(options.corpora), options.vectors)
    else:
        made(Path(options.corpora), options.vectors, options.rows)


if __name__ == "__main__":
    main()
