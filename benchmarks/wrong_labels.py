"""Wrong labels planted among seeds and rows, found by confident learning over both together.

banking77, ten labels drawn at random, ten seeds each and all their test rows; one in ten of either
under a wrong one of the ten labels. Caught: wrong ones that are doubted; lost: right ones that are.
Where cleanlab is installed, which is no part of this project, it is given the same probabilities.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import random
from pathlib import Path
from typing import Any

import numpy as np

from augment.filters.confident_learning import confident_joint, out_of_sample
from evals.labelling import wilson
from serving.toxicity.train import embedded

LABELS, SEEDS_EACH, WRONG_SHARE, DRAWS = 10, 10, 0.1, 10
CLEANLAB = ("confident_learning", "prune_by_noise_rate")


def read(corpora: Path, name: str) -> dict[str, list[str]]:
    """Return the texts of a corpus by label."""
    found: dict[str, list[str]] = {}
    for line in (corpora / f"{name}.jsonl").read_text("utf-8").split("\n"):
        if line:
            row: dict[str, Any] = json.loads(line)
            found.setdefault(row["label"], []).append(row["text"])
    return found


def measure(corpora: Path, vectors: Path | None) -> dict[str, str]:
    """Measure and print; return the sentence for reports."""
    train = read(corpora, "classification/banking77/train")
    test = read(corpora, "classification/banking77/test")
    counts = {kind: np.zeros(4, int) for kind in ("seed", "row")}
    estimates: list[float] = []
    theirs = {how: np.zeros(4, int) for how in CLEANLAB if importlib.util.find_spec("cleanlab")}
    alike = dict.fromkeys(theirs, 0)
    for draw in range(DRAWS):
        rng = random.Random(draw)
        names = rng.sample(sorted(test), LABELS)
        rows = [
            (kind, text, at)
            for at, name in enumerate(names)
            for kind, texts in (("seed", rng.sample(train[name], SEEDS_EACH)), ("row", test[name]))
            for text in texts
        ]
        wrong = [rng.random() < WRONG_SHARE for _ in rows]
        given = [
            rng.choice([other for other in range(LABELS) if other != at]) if is_wrong else at
            for (_, _, at), is_wrong in zip(rows, wrong, strict=True)
        ]
        known = embedded([text for _, text, _ in rows], kept=vectors)
        found = np.stack([known[text] for _, text, _ in rows])
        probabilities = out_of_sample(found, given, count=LABELS)
        joint = confident_joint(probabilities, given)
        estimates.append(joint.wrong)
        doubted = {each.row for each in joint.suspects}
        for at, ((kind, _, _), is_wrong) in enumerate(zip(rows, wrong, strict=True)):
            counts[kind][2 * is_wrong + (at in doubted)] += 1
        for how, own in theirs.items():
            cleanlab = importlib.import_module("cleanlab.filter")
            said = cleanlab.find_label_issues(
                np.array(given), probabilities, filter_by=how, n_jobs=1
            )
            np.add.at(own, 2 * np.array(wrong) + said, 1)
            alike[how] += sum((at in doubted) == bool(its) for at, its in enumerate(said))
    told: dict[str, str] = {}
    for kind, (right, lost, missed, caught) in counts.items():
        lost_share = _share(lost, right + lost)
        told[kind] = (
            f"{_share(caught, missed + caught)} of wrong {kind}s, {lost_share} of right ones"
        )
        print(f"  n {right + lost + missed + caught}: doubted are {told[kind]}")
    for how, (right, lost, missed, caught) in theirs.items():
        print(
            f"  cleanlab, {how}, seeds and rows: {_share(caught, missed + caught)} of wrong ones, "
            f"{_share(lost, right + lost)} of right ones; alike in "
            f"{alike[how]} of {right + lost + missed + caught}"
        )
    low, high = min(estimates), max(estimates)
    mean = float(np.mean(estimates))
    print(f"  {WRONG_SHARE:g} are wrong; estimated {mean:.3f} ({low:.3f} to {high:.3f})")
    return {
        "doubts": f"where one label in ten is wrong (banking77, {DRAWS} draws of {LABELS} labels), "
        f"doubted are {told['row']}; {told['seed']}; estimated to be wrong are {mean:.3f}"
    }


def _share(hits: int, n: int) -> str:
    low, high = wilson(int(hits), int(n)) or (0.0, 1.0)
    return f"{hits / n:.3f} ({low:.3f} to {high:.3f})"
