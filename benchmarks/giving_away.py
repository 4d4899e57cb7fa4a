"""What is held back of words that give labels away; `filters.py` calls it.

Seeds are drawn from a corpus' training rows, its test rows are judged against them in random
order. As they are, every rejected row is a false alarm. Then a word of its own, or the label's
name, is put before a share of the rows of every second label: a label counts as found if any of
its rows is rejected; `kept` is the share of its accepted rows that begin with what was planted.
"""

from __future__ import annotations

import json
import random
import statistics
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeAlias

from augment.filters.give_away import allowed_share
from augment.filters.shortcuts import Shortcuts
from augment.records import Ask, Candidate, Example

Row: TypeAlias = Example[str]
CORPORA = ("banking77", "snips_intent", "hwu64", "goemotions")
SEEDS_EACH = (10, 50)
SHARES = (0.5, 0.9)
LEAST_ROWS = 15
_ASK = Ask(number=0, strategy="given", labels=())


def rows_of(path: Path) -> list[Any]:
    """Return the rows of a file."""
    return [json.loads(line) for line in path.read_text("utf-8").split("\n") if line]


def examples(rows: Sequence[Any]) -> list[Row]:
    """Return rows as examples; of several labels the first counts."""
    found: list[Row] = []
    for number, row in enumerate(rows):
        label = row["label"] if isinstance(row["label"], str) else (row["label"] or [""])[0]
        found.append(Example(id=str(number), text=row["text"], target=label))
    return found


def drawn(rows: Sequence[Row], *, each: int, rng: random.Random) -> list[Row]:
    """Draw seeds, so many of each label as there are or as are wanted."""
    shuffled = rng.sample(rows, len(rows))
    taken = Counter[str]()
    seeds: list[Row] = []
    for row in shuffled:
        if taken[row.target] < each:
            taken[row.target] += 1
            seeds.append(row)
    return seeds


def judged(seeds: Sequence[Row], rows: Sequence[Row]) -> tuple[list[Row], list[tuple[Row, str]]]:
    """Return the accepted rows, and the others with the words that they are rejected for."""
    by = Shortcuts()
    by.fit(seeds, None)
    accepted: list[Row] = []
    rejected: list[tuple[Row, str]] = []
    for row in rows:
        (verdict,) = by.judge([Candidate(example=row, ask=_ASK, key="", index=0)], None)
        if verdict.outcome == "rejected":
            rejected.append((row, verdict.detail or ""))
        else:
            by.observe([row])
            accepted.append(row)
    return accepted, rejected


def word_for(label: str, *, name: bool) -> str:
    """Return what is planted in rows of a label: its name, or a word that no other label has."""
    if name:
        return label.replace("_", " ")
    return "".join(
        chr(ord("a") + int(digit, 16)) for digit in sha256(label.encode()).hexdigest()[:7]
    )


def planted(rows: Sequence[Row], *, share: float, name: bool, rng: random.Random) -> list[Row]:
    """Put its word, or its name, before a share of the rows of every second label."""
    labels = sorted({row.target for row in rows})[::2]
    return [
        replace(row, text=f"{word_for(row.target, name=name)} {row.text}")
        if row.target in labels and rng.random() < share
        else row
        for row in rows
    ]


def measure(corpora: Path, share_of: Callable[[int, int], str]) -> dict[str, str]:
    """Print what is held back; return the sentence for reports."""
    alarms = total = 0
    found: dict[float, list[tuple[int, int]]] = {share: [] for share in SHARES}
    for name in CORPORA:
        folder = corpora / "classification" / name
        train, test = (examples(rows_of(folder / f"{part}.jsonl")) for part in ("train", "test"))
        for each in SEEDS_EACH:
            rng = random.Random(0)
            seeds, rows = drawn(train, each=each, rng=rng), rng.sample(test, len(test))
            _, wrong = judged(seeds, rows)
            alarms, total = alarms + len(wrong), total + len(rows)
            print(f"{name}, {each} seeds a label: rejects {share_of(len(wrong), len(rows))} as is")
            for share in SHARES:
                found[share] += _planted(seeds, rows, share=share, share_of=share_of)
    told = ", ".join(
        f"{share_of(sum(hits for hits, _ in own), sum(n for _, n in own))} of those with a word "
        f"put before {share:.0%} of their rows"
        for share, own in found.items()
    )
    return {
        "shortcuts": f"of {total:,} public rows as they are {share_of(alarms, total)} are "
        f"rejected; of labels of 15 rows and more it finds {told}"
    }


def _planted(
    seeds: Sequence[Row], rows: Sequence[Row], *, share: float, share_of: Callable[[int, int], str]
) -> list[tuple[int, int]]:
    """Print what is found of one share of planted words; return (labels found, labels) of each."""
    of_label = Counter(row.target for row in rows)
    seeds_of = Counter(row.target for row in seeds)
    told: list[tuple[int, int]] = []
    for name in (False, True):
        mixed = planted(rows, share=share, name=name, rng=random.Random(1))
        accepted, rejected = judged(seeds, mixed)
        labels = [
            label for label in sorted(of_label)[::2]
            if of_label[label] >= LEAST_ROWS and seeds_of[label] >= min(SEEDS_EACH)
        ]  # fmt: skip
        if not labels:
            return []
        found = {row.target for row, _ in rejected}.intersection(labels)
        kept = [
            statistics.mean(
                row.text.startswith(f"{word_for(label, name=name)} ")
                for row in accepted
                if row.target == label
            )
            for label in labels
        ]
        allowed = statistics.mean(allowed_share(0, seeds_of[label]) for label in labels)
        print(
            f"    {'its name' if name else 'a word':8} in {share:.0%} of the rows of "
            f"{len(labels)} labels: found {share_of(len(found), len(labels))}, kept in "
            f"{statistics.mean(kept):.2f} of the accepted rows (the seeds allow {allowed:.2f})"
        )
        told.append((len(found), len(labels)))
    return told
