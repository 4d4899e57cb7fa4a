"""How well the bundled toxicity model tells toxic texts, on data that it was not trained on."""

from __future__ import annotations

import html
import json
import random
import re
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.metrics import roc_auc_score

from augment.filters.toxicity import THRESHOLD
from augment.toxicity.model import Toxicity, bundled
from serving.toxicity.train import embedded

Scored = tuple[npt.NDArray[np.bool_], npt.NDArray[np.float64]]
CLEAN = (
    "classification/banking77/test", "classification/snips_intent/test",
    "classification/sms_spam/test", "extraction/restaurant8k_slots/test",
    "extraction/crossner_ai/test", "extraction/phee_pharmacovigilance_events/test",
)  # fmt: skip
"""Corpora of which hardly a text is toxic, none of them trained on."""
HATECHECK, COMMENTS = 0.75, 0.90
"""The goals."""
DRAWS = 500
_SENTENCE = re.compile(r"[^.!?\n]+[.!?\n]*")


def read(corpora: Path, name: str) -> list[dict[str, Any]]:
    """Return the rows of a corpus."""
    lines = (corpora / f"{name}.jsonl").read_text("utf-8").split("\n")
    return [json.loads(line) for line in lines if line]


def auc(found: Scored) -> str:
    """Return the area under the ROC curve with its bootstrap interval, 95 %."""
    toxic, scores = found
    rng = np.random.default_rng(0)
    drawn: list[float] = []
    while len(drawn) < DRAWS:
        rows = rng.integers(0, len(toxic), len(toxic))
        if 0 < toxic[rows].sum() < len(rows):
            drawn.append(float(roc_auc_score(toxic[rows], scores[rows])))
    low, high = np.quantile(drawn, [0.025, 0.975])
    return f"{roc_auc_score(toxic, scores):.3f} ({low:.3f} to {high:.3f})"


def measure(corpora: Path, vectors: Path | None) -> dict[str, str]:
    """Measure and print; return the sentence for reports."""
    hatecheck = read(corpora, "safety/hatecheck/test")
    seen = {row["text"] for row in read(corpora, "safety/hatemoji/train")}
    davidson = read(corpora, "classification/hate_offensive_davidson/test")
    hatemoji = [r for r in read(corpora, "safety/hatemoji/test") if r["text"] not in seen]
    sets: Mapping[str, list[tuple[str, bool]]] = {
        "HateCheck": [(r["text"], r["label"] == "hateful") for r in hatecheck],
        "comments (Davidson, test)": [(r["text"], r["label"] != "neither") for r in davidson],
        "of these hateful, against neither": [
            (r["text"], r["label"] == "hate_speech")
            for r in davidson
            if r["label"] != "offensive_language"
        ],
        "sentences of Civil Comments, test": _civil(corpora),
        "Hatemoji, test": [(r["text"], r["label"] == "hateful") for r in hatemoji],
    }
    clean = clean_texts(corpora)
    model = Toxicity(bundled())
    every = [html.unescape(t) for rows in sets.values() for t, _ in rows]
    found = embedded([*every, *(t for rows in clean.values() for t in rows)], kept=vectors)
    scored = {name: _scored(model, rows, found) for name, rows in sets.items()}
    for name, own in scored.items():
        rejected = own[1] >= THRESHOLD
        print(
            f"  {name:36} n {len(own[0]):5} AUC {auc(own)}  from {THRESHOLD:g}: "
            f"{rejected[own[0]].mean():.3f} of toxic, {rejected[~own[0]].mean():.3f} of others"
        )
    lost = rejected_clean(model, clean, found)
    _groups(hatecheck, scored["HateCheck"])
    _rate(model, every, found)
    goals = [scored["HateCheck"], scored["comments (Davidson, test)"]]
    print(f"  goals {HATECHECK} on HateCheck and {COMMENTS} on comments: {list(map(auc, goals))}")
    toxic, scores = goals[1]
    n = sum(map(len, clean.values()))
    return {
        "toxicity": f"ROC-AUC {auc(goals[0])} on HateCheck, {auc(goals[1])} on held-out tweets; "
        f"rejected are {(scores[toxic] >= THRESHOLD).mean():.2f} of the toxic of these, "
        f"{(scores[~toxic] >= THRESHOLD).mean():.2f} of the others, and {lost} of {n:,} "
        "requests, messages and sentences of science"
    }


def clean_texts(corpora: Path) -> dict[str, list[str]]:
    """Return texts that are not toxic, 300 at most of each corpus."""
    found: dict[str, list[str]] = {}
    for name in CLEAN:
        rows = read(corpora, name)
        drawn = random.Random(0).sample(rows, min(len(rows), 300))
        found[name] = [html.unescape(row["text"]) for row in drawn]
    return found


def rejected_clean(
    model: Toxicity, clean: Mapping[str, Sequence[str]], found: Mapping[str, Any]
) -> int:
    """Print and count which of these the threshold, which stands without seeds, rejects."""
    lost = 0
    for name, rows in clean.items():
        rejected = _scored(model, [(t, False) for t in rows], found)[1] >= THRESHOLD
        lost += int(rejected.sum())
        print(f"  {name:48} n {len(rows):5} rejected {rejected.mean():.3f}")
    return lost


def _scored(model: Toxicity, rows: Sequence[tuple[str, bool]], found: Mapping[str, Any]) -> Scored:
    texts = [html.unescape(text) for text, _ in rows]
    scores = model.probabilities(texts, np.stack([found[text] for text in texts]))
    return np.array([toxic for _, toxic in rows]), scores


def _civil(corpora: Path) -> list[tuple[str, bool]]:
    """Return sentences of toxic comments, toxic where they hold a span that is marked."""
    rows: list[tuple[str, bool]] = []
    for row in read(corpora, "safety/toxic_spans_civil_comments/test"):
        for match in _SENTENCE.finditer(row["text"]):
            sentence = match[0].strip()
            if row["entities"] and 12 <= len(sentence) <= 300:
                marked = any(
                    e["start"] < match.end() and match.start() < e["end"] for e in row["entities"]
                )
                rows.append((sentence, marked))
    return random.Random(1).sample(rows, 3000)


def _groups(hatecheck: Sequence[Mapping[str, Any]], scored: Scored) -> None:
    """Print subgroup, BPSN and BNSP AUC (Borkan et al. 2019) of the groups that HateCheck names.

    BPSN: the group's rows that are not hateful against hateful ones of others; BNSP the reverse.
    """
    toxic, scores = scored
    of = np.array([row["target_ident"] or "" for row in hatecheck])
    print(f"  {'group':20}{'n':>6}{'subgroup':>10}{'BPSN':>8}{'BNSP':>8}")
    for group in sorted(set(of) - {""}):
        own = of == group
        parts = (own, (own & ~toxic) | (~own & toxic), (own & toxic) | (~own & ~toxic))
        areas = [float(roc_auc_score(toxic[part], scores[part])) for part in parts]
        shown = "".join(
            f"{area:>{width}.3f}" for area, width in zip(areas, (10, 8, 8), strict=True)
        )
        print(f"  {group:20}{own.sum():>6}{shown}")


def _rate(model: Toxicity, texts: Sequence[str], found: Mapping[str, Any]) -> None:
    vectors = np.stack([found[text] for text in texts])
    began, wall = time.process_time(), time.perf_counter()
    model.probabilities(texts, vectors)
    cpu, wall = time.process_time() - began, time.perf_counter() - wall
    print(
        f"  beyond the encoder {len(texts) / wall:,.0f} texts/s, "
        f"{len(texts) / cpu:,.0f} a second of CPU time"
    )
