"""Labelled pairs of turns that say the same in other words, and of such that nearly do.

From Schema-Guided Dialogue: what an assistant says is written by people, and its slots are marked.
Two turns of a service with the same three and more slot values say the same; two in which one value
is another do not, though they share most of their words. Pairs that share seven words in ten are
left out: for these there is the filter of near-duplicates.
"""

from __future__ import annotations

import gzip
import json
import random
from collections import defaultdict
from collections.abc import Iterator, Mapping, Set
from pathlib import Path
from typing import Any, TypeAlias

from augment.tokens import words

Pair: TypeAlias = tuple[str, str]
Slots: TypeAlias = tuple[tuple[str, str], ...]
LEAST_SLOTS = 3
MOST_SHARED = 0.7
DIALOGUES = "lm/schema_guided_dialogue.jsonl.gz"


def labelled(
    corpora: Path, *, each: int, random_seed: int = 0, without: Set[str] = frozenset()
) -> tuple[list[Pair], list[Pair]]:
    """Return pairs that say the same, and pairs that differ in one value; no turn in two pairs.

    Turns that say the same as one in `without` are left out.
    """
    rng = random.Random(random_seed)
    by_slots = {
        key: texts for key, texts in _by_slots(corpora).items() if without.isdisjoint(texts)
    }
    same = [pair for texts in by_slots.values() if (pair := _pair(texts, texts, rng)) is not None]
    rng.shuffle(same)
    used = {text for pair in same[:each] for text in pair}
    others: list[Pair] = []
    for one, another in _one_value_apart(by_slots, rng):
        free = [[t for t in by_slots[key] if t not in used] for key in (one, another)]
        pair = _pair(free[0], free[1], rng)
        if pair is not None:
            others.append(pair)
            used.update(pair)
        if len(others) == each:
            break
    return same[:each], others


def _by_slots(corpora: Path) -> Mapping[tuple[str, Slots], list[str]]:
    found: dict[tuple[str, Slots], dict[str, None]] = defaultdict(dict)
    with gzip.open(corpora / DIALOGUES, "rt", encoding="utf-8") as file:
        for line in file:
            turn: dict[str, Any] = json.loads(line)
            if turn["s"] != "SYSTEM" or len(turn["slots"]) < LEAST_SLOTS:
                continue
            text = turn["t"]
            slots = sorted((name, text[start:end].lower()) for name, start, end in turn["slots"])
            found[turn["svc"], tuple(slots)][text] = None
    return {key: list(texts) for key, texts in found.items()}


def _pair(ones: list[str], others: list[str], rng: random.Random) -> Pair | None:
    """Draw two texts that share few enough words; None where a few draws give none."""
    for _ in range(20 if ones and others else 0):
        one, another = rng.choice(ones), rng.choice(others)
        own, its = set(words(one)), set(words(another))
        if one != another and len(own & its) < MOST_SHARED * len(own | its):
            return one, another
    return None


def _one_value_apart(
    by_slots: Mapping[tuple[str, Slots], list[str]], rng: random.Random
) -> Iterator[tuple[tuple[str, Slots], tuple[str, Slots]]]:
    """Yield keys of one service that are the same but for one value, in random order."""
    gapped: dict[Any, list[tuple[str, Slots]]] = defaultdict(list)
    for service, slots in by_slots:
        for place, (name, _) in enumerate(slots):
            rest = (service, slots[:place], name, slots[place + 1 :])
            gapped[rest].append((service, slots))
    alike = [keys for keys in gapped.values() if len(keys) > 1]
    rng.shuffle(alike)
    for keys in alike:
        one, another = rng.sample(keys, 2)
        yield one, another
