"""The texts that the bundled model learns from, in groups that belong together.

Schema-Guided Dialogue (CC-BY-SA-4.0), HWU64 (CC-BY-4.0), GoEmotions (Apache-2.0) and
Restaurant8k (CC-BY-4.0), training splits only. What is measured on (banking77, snips_intent,
crossner_ai, every test split) stays unseen.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_SHORTEST, _LONGEST = 2, 40
"""Words of a text."""
_LEAST = 8
"""Texts of a group."""
SHARES = {
    "turns": 0.3, "turns with slots": 0.13, "agent": 0.15, "intents": 0.15, "emotions": 0.12,
    "marked": 0.15,
}  # fmt: skip
"""What share of the episodes each kind of group has: people's requests above all."""
_PLACEHOLDER = re.compile(r"\[[A-Z]+\]")
_WORD = re.compile(r"\w+")
_HUMPS = re.compile(r"(?<=[a-z])(?=[A-Z])|_(?=\d)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Texts of one label.

    Attributes:
        label: its name.
        kind: of text, a key of `SHARES`.
        domain: the labels that it could be confused with have the same one.
        texts: each once, in the order of the file.
    """

    label: str
    kind: str
    domain: str
    texts: tuple[str, ...]


def groups(corpora: Path) -> list[Group]:
    """Return all groups of eight texts or more; none holds an offensive word or a placeholder.

    Args:
        corpora: the folder of public corpora; its README says what lies where.
    """
    offensive = _offensive(corpora)
    found: dict[tuple[str, str, str], dict[str, None]] = {}
    for kind, domain, label, text in _labelled(corpora):
        words = _WORD.findall(text.lower())
        fit = _SHORTEST <= len(words) <= _LONGEST and not _PLACEHOLDER.search(text)
        if fit and not offensive.intersection(words):
            found.setdefault((kind, domain, label), {}).setdefault(" ".join(text.split()))
    return [
        Group(label=label, kind=kind, domain=domain, texts=tuple(texts))
        for (kind, domain, label), texts in found.items()
        if len(texts) >= _LEAST
    ]


def _labelled(corpora: Path) -> Iterator[tuple[str, str, str, str]]:
    """Yield (kind, domain, label, text)."""
    for turn in _lines(corpora / "lm" / "schema_guided_dialogue.jsonl.gz"):
        domain, text = turn["svc"], turn["t"]
        slots = sorted({name for name, _, _ in turn["slots"]})
        if turn["s"] == "SYSTEM" and slots:
            yield "agent", domain, " ".join(["agent", *slots[:2]]), text
        if turn["s"] != "USER" or turn["intent"] in (None, "NONE"):
            continue
        label = _spaced(turn["intent"])
        yield "turns", domain, label, text
        if slots:
            yield "turns with slots", domain, f"{label} {slots[0]}", text
            spans = [(start, end, name) for name, start, end in turn["slots"]]
            yield "marked", domain, label, marked(text, spans)
    for row in _lines(corpora / "classification" / "hwu64" / "train.jsonl"):
        yield "intents", "hwu64", row["label"], row["text"]
    for row in _lines(corpora / "classification" / "goemotions" / "train.jsonl"):
        for label in row["label"]:
            yield "emotions", "goemotions", label, row["text"]
    for row in _lines(corpora / "extraction" / "restaurant8k_slots" / "train.jsonl"):
        spans = [(each["start"], each["end"], each["label"]) for each in row["entities"]]
        for label in sorted({label for _, _, label in spans}):
            yield "marked", "restaurant8k", f"give {label}", marked(row["text"], spans)


def marked(text: str, spans: Iterable[tuple[int, int, str]]) -> str:
    """Return a text with its mentions between marks: `a table in <city>San Jose</city>`.

    Args:
        text: without marks.
        spans: start, end and type of each mention; of those that overlap the first stands.
    """
    parts, done = list[str](), 0
    for start, end, name in sorted(spans):
        if start >= done:
            parts += [text[done:start], f"<{name}>", text[start:end], f"</{name}>"]
            done = end
    return "".join([*parts, text[done:]])


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
