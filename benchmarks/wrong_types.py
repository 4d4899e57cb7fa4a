"""Mentions under a wrong type, or a word too long or short, found by the agreement of mentions.

100 seeds of crossner_ai, restaurant8k_slots and wnut17 each, five random draws of them, and 200
rows of the test split: every mention as it is (lost, if it is rejected), under another type of the
seeds, drawn at random, and with one end moved by a word. By what the encoder sees of mentions, and
by their n-grams alone.
"""

from __future__ import annotations

import contextlib
import json
import random
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from augment.embed.encoder import RunEncoder
from augment.embed.model import BUNDLED
from augment.embed.store import VectorStore
from augment.embed.worker import Worker
from augment.filters.span_agreement import SpanAgreement
from augment.protocols import Vectors
from augment.records import Annotation, Ask, Candidate, Example, Span, places_of

CORPORA = ("crossner_ai", "restaurant8k_slots", "wnut17")
SEEDS, ROWS, DRAWS = 100, 200, 5
LOST = 0.05
_WORD = re.compile(r"\w+|[^\w\s]")
_ASK = Ask(number=0, strategy="given", labels=())


def read(path: Path, name: str) -> list[Example[Any]]:
    """Return the rows of a corpus that hold a mention."""
    rows = [json.loads(line) for line in path.read_text("utf-8").split("\n") if line]
    return [
        Example(
            id=f"{name}{number}",
            text=row["text"],
            target=Annotation(
                entities=tuple(
                    Span(start=each["start"], end=each["end"], label=each["label"])
                    for each in row["entities"]
                )
            ),
        )
        for number, row in enumerate(rows)
        if row["entities"]
    ]


def moved(text: str, span: Span, rng: random.Random) -> Span | None:
    """Return the mention with one end moved by a word; None where it is all of its text."""
    words = [(found.start(), found.end()) for found in _WORD.finditer(text)]
    own = [at for at, (start, end) in enumerate(words) if start < span.end and end > span.start]
    ends: list[tuple[int, int]] = []
    if own and own[0] > 0:
        ends.append((words[own[0] - 1][0], span.end))
    if own and own[-1] + 1 < len(words):
        ends.append((span.start, words[own[-1] + 1][1]))
    if len(own) > 1:
        ends += [(words[own[1]][0], span.end), (span.start, words[own[-2]][1])]
    if not ends:
        return None
    start, end = rng.choice(ends)
    return replace(span, start=start, end=end)


def alone(rows: Sequence[Example[Any]]) -> list[tuple[str, Span]]:
    """Return each mention with its text."""
    return [(row.text, each) for row in rows for each in row.target.entities]


def candidates(mentions: Sequence[tuple[str, Span]]) -> list[Candidate]:
    """Return a row of one mention each."""
    return [
        Candidate(
            example=Example(id=str(at), text=text, target=Annotation(entities=(span,))),
            ask=_ASK,
            key="",
            index=0,
        )
        for at, (text, span) in enumerate(mentions)
    ]


def measure(
    corpora: Path, vectors: Path | None, share: Callable[[int, int], str]
) -> dict[str, str]:
    """Measure and print; return the sentence for reports."""
    with (
        contextlib.closing(Worker(BUNDLED)) as worker,
        contextlib.closing(VectorStore(vectors, encoder=BUNDLED)) as store,
    ):
        encoder = RunEncoder(worker, store)
        told = [_corpus(corpora / "extraction" / name, encoder, share) for name in CORPORA]
    found = "; ".join(f"{name}: {each}" for name, each in zip(CORPORA, told, strict=True))
    return {"mentions": f"of mentions in public texts that were put under another type {found}"}


def _corpus(folder: Path, encoder: RunEncoder, share: Callable[[int, int], str]) -> str:
    train, test = (read(folder / f"{name}.jsonl", name) for name in ("train", "test"))
    random.Random(0).shuffle(test)
    counts = {way: np.zeros((3, 2), int) for way in (encoder.name, "n-grams")}
    ranked: dict[str, list[list[float]]] = {way: [[], []] for way in counts}
    for draw in range(DRAWS):
        rng = random.Random(draw)
        seeds = rng.sample(train, min(SEEDS, len(train)))
        types = sorted({span.label for _, span in alone(seeds)})
        right = [each for each in alone(test[:ROWS]) if each[1].label in types]
        wrong = [
            (text, replace(span, label=rng.choice([each for each in types if each != span.label])))
            for text, span in right
        ]
        ends = [(text, span) for text, one in right if (span := moved(text, one, rng)) is not None]
        for way in counts:
            gate = SpanAgreement(encoder=way)
            seen = None if way == "n-grams" else _seen(encoder, seeds)
            gate.fit(seeds, seen)
            scores: list[np.ndarray[Any, Any]] = []
            for kind, mentions in enumerate((right, wrong, ends)):
                rows = candidates(mentions)
                own = None if seen is None else _seen(encoder, [row.example for row in rows])
                verdicts = gate.judge(rows, own)
                hits = sum(each.outcome == "rejected" for each in verdicts)
                counts[way][kind] += hits, len(rows)
                scores.append(np.array([-9 if v.score is None else v.score for v in verdicts]))
            limit = np.quantile(scores[0], 1 - LOST)
            for kind in (0, 1):
                ranked[way][kind].append(float((scores[kind + 1] > limit).mean()))
        if draw == 0 and gate.calibration is not None:
            print(f"  {folder.name}: {gate.calibration.statement}")
    told = ""
    for way, found in counts.items():
        lost, typed, ended = (share(int(hits), int(n)) for hits, n in found)
        at = [f"{np.mean(each):.3f} ({min(each):.3f} to {max(each):.3f})" for each in ranked[way]]
        told = told or f"{typed} are found, of right ones {lost} rejected"
        print(
            f"  {folder.name}, {way}, n {found[0][1]}: wrong types found {typed}, ends moved "
            f"{ended}, right mentions lost {lost}; where {LOST:g} of these are lost, wrong types "
            f"{at[0]}, ends {at[1]}"
        )
    return told


def _seen(encoder: RunEncoder, rows: Sequence[Example[Any]]) -> Vectors:
    _, found = encoder.encode_places(
        [row.text for row in rows], [places_of(row.target) for row in rows]
    )
    return np.stack([vector for own in found for vector in own])
