"""The texts that the bundled model learns from, in groups that belong together.

Schema-Guided Dialogue (CC-BY-SA-4.0), HWU64 (CC-BY-4.0), GoEmotions (Apache-2.0) and
Restaurant8k (CC-BY-4.0), training splits only. What is measured on (banking77, snips_intent,
crossner_ai, every test split) stays unseen.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_SHORTEST, _LONGEST = 2, 40
"""Words of a text."""
_LEAST = 8
"""Texts of a group."""
_PLACEHOLDER = re.compile(r"\[[A-Z]+\]")
_WORD = re.compile(r"\w+")
_HUMPS = re.compile(r"(?<=[a-z])(?=[A-Z])|_(?=\d)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Texts of one label.

    Attributes:
        label: its name.
        domain: the labels that it could be confused with have the same one.
        texts: each once, in the order of the file.
    """

    label: str
    domain: str
    texts: tuple[str, ...]


def groups(corpora: Path) -> list[Group]:
    """Return all groups of eight texts or more; none holds an offensive word or a placeholder.

    Args:
        corpora: the folder of public corpora; its README says what lies where.
    """
    offensive = _offensive(corpora)
    found: dict[tuple[str, str], dict[str, None]] = {}
    for domain, label, text in _labelled(corpora):
        words = _WORD.findall(text.lower())
        fit = _SHORTEST <= len(words) <= _LONGEST and not _PLACEHOLDER.search(text)
        if fit and not offensive.intersection(words):
            found.setdefault((domain, label), {}).setdefault(" ".join(text.split()))
    return [
        Group(label=label, domain=domain, texts=tuple(texts))
        for (domain, label), texts in found.items()
        if len(texts) >= _LEAST
    ]


def _labelled(corpora: Path) -> Iterator[tuple[str, str, str]]:
    """Yield (domain, label, text)."""
    for turn in _lines(corpora / "lm" / "schema_guided_dialogue.jsonl.gz"):
        if turn["s"] == "USER" and turn["intent"]:
            slots = sorted({name for name, _, _ in turn["slots"]})
            yield turn["svc"], _spaced(turn["intent"]), turn["t"]
            if slots:
                yield f"{turn['svc']} slots", f"{_spaced(turn['intent'])} {slots[0]}", turn["t"]
        elif turn["s"] == "SYSTEM" and turn["slots"]:
            slots = sorted({name for name, _, _ in turn["slots"]})
            yield f"{turn['svc']} system", " ".join(["agent", *slots[:2]]), turn["t"]
    for row in _lines(corpora / "classification" / "hwu64" / "train.jsonl"):
        yield "hwu64", row["label"], row["text"]
    for row in _lines(corpora / "classification" / "goemotions" / "train.jsonl"):
        for label in row["label"]:
            yield "goemotions", label, row["text"]
    for row in _lines(corpora / "extraction" / "restaurant8k_slots" / "train.jsonl"):
        for label in sorted({mention["label"] for mention in row["entities"]}):
            yield "restaurant8k", f"give {label}", row["text"]


def _spaced(name: str) -> str:
    """Return a name in CamelCase as words: `ReserveRestaurant` as `reserve_restaurant`."""
    return _HUMPS.sub("_", name).lower()


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8", newline="\n") as file:
        for line in file:
            yield json.loads(line)


def _offensive(corpora: Path) -> frozenset[str]:
    """Return the English words that no text may hold."""
    rows = _lines(corpora / "safety" / "ldnoobw" / "all.jsonl")
    return frozenset(row["text"].lower() for row in rows if row["label"] == "en")
