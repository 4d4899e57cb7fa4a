"""Mentions left out of annotated rows, and rows that differ from others in their mentions alone.

100 seeds of crossner_ai, restaurant8k_slots and wnut17 each, five random draws of them, and 200
rows of the test split with mentions.

unmarked: of each row one mention, drawn at random, is not marked. Found is a row that is rejected;
beside all rows stand those whose mention a seed has too, in the same form: of others nothing can be
known. Lost are rows as they are.

variants: of each seed with a mention ten variants, every mention exchanged for one of another seed
and of its type, one after another; those that came out twice are left out. Three of a family may
pass, so that found are those behind the third that passed, and let be the first three. Lost are
rows as they are.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from wrong_types import CORPORA, DRAWS, ROWS, SEEDS, read

from augment.filters.unmarked import Unmarked
from augment.filters.variants import Variants
from augment.protocols import Filter
from augment.records import Annotation, Ask, Candidate, Example, Span

MOST, MADE = 3, 10
_ASK = Ask(number=0, strategy="given", labels=())
Row = Example[Any]


def rejects(gate: Filter, row: Row) -> bool | None:
    """Tell whether a row is rejected; None where that cannot be judged."""
    candidate = Candidate(example=row, ask=_ASK, key="", index=0)
    outcome = gate.judge([candidate], None)[0].outcome
    return None if outcome == "abstained" else outcome == "rejected"


def exchanged(row: Row, forms: dict[str, list[str]], rng: random.Random) -> Row:
    """Return a row with another mention of its type in the place of each."""
    text, spans, at = "", list[Span](), 0
    for span in sorted(row.target.entities, key=lambda each: each.start):
        text += row.text[at : span.start]
        form = rng.choice(forms[span.label])
        spans.append(replace(span, start=len(text), end=len(text) + len(form)))
        text, at = text + form, span.end
    return replace(row, text=text + row.text[at:], target=Annotation(entities=tuple(spans)))


def families(seeds: Sequence[Row], rng: random.Random) -> Iterator[list[Row]]:
    """Yield the variants of each seed, none of which says the same as another."""
    forms: dict[str, list[str]] = {}
    for seed in seeds:
        for span in seed.target.entities:
            forms.setdefault(span.label, []).append(seed.text[span.start : span.end])
    said = {seed.text for seed in seeds}
    for seed in seeds:
        ends = [0, *(span.end for span in seed.target.entities)]
        if any(span.start < end for span, end in zip(seed.target.entities, ends, strict=False)):
            continue  # overlapping mentions cannot be exchanged one by one
        made = [exchanged(seed, forms, rng) for _ in range(MADE)]
        new = {row.text: row for row in made if row.text not in said}
        said |= new.keys()
        yield [replace(row, id=f"{seed.id}-{n}") for n, row in enumerate(new.values())]


def unmarked(seeds: Sequence[Row], rows: Sequence[Row], rng: random.Random) -> Counter[str]:
    """Count what is found of mentions left out."""
    gate, found = Unmarked(), Counter[str]()
    gate.fit(seeds, None)
    forms = {seed.text[each.start : each.end] for seed in seeds for each in seed.target.entities}
    for row in rows:
        spans = row.target.entities
        left = rng.choice(spans)
        less = Annotation(entities=tuple(each for each in spans if each != left))
        hit, lost = rejects(gate, replace(row, target=less)), rejects(gate, row)
        if hit is None or lost is None:
            return Counter(abstained=1)
        known = row.text[left.start : left.end] in forms
        found += Counter(rows=1, hits=hit, lost=lost, known=known, known_hits=hit and known)
    return found


def variants(seeds: Sequence[Row], rows: Sequence[Row], rng: random.Random) -> Counter[str]:
    """Count what is found of variants behind the third of a family."""
    found = Counter[str]()
    gate = Variants(most=MOST)
    gate.fit(seeds, None)
    for family in families(seeds, rng):
        passed = 0
        for row in family:
            rejected = bool(rejects(gate, row))
            kind = "late" if passed >= MOST else "early"
            found += Counter({kind: 1, f"{kind}_hits": rejected})
            if not rejected:
                passed += 1
                gate.observe([row])
    gate = Variants(most=MOST)
    gate.fit(seeds, None)
    for row in rows:
        lost = bool(rejects(gate, row))
        found += Counter(rows=1, lost=lost)
        if not lost:
            gate.observe([row])
    return found


def measure(corpora: Path, share: Callable[[int, int], str]) -> dict[str, str]:
    """Measure and print; return the sentences for reports."""
    told: dict[str, list[str]] = {"unmarked": [], "variants": []}
    for name in CORPORA:
        train, test = (read(corpora / f"extraction/{name}/{part}.jsonl", part)
                       for part in ("train", "test"))  # fmt: skip
        random.Random(0).shuffle(test)
        left, alike = Counter[str](), Counter[str]()
        for draw in range(DRAWS):
            rng = random.Random(draw)
            seeds = rng.sample(train, SEEDS)
            left += unmarked(seeds, test[:ROWS], rng)
            alike += variants(seeds, test[:ROWS], rng)
        if left["known"]:
            told["unmarked"].append(
                f"{name}: {share(left['hits'], left['rows'])} are found, "
                f"{share(left['known_hits'], left['known'])} of those whose mention a seed has, of "
                f"rows as they are {share(left['lost'], left['rows'])} rejected"
            )
        print(f"  unmarked, {name}: {dict(left)}")
        told["variants"].append(
            f"{name}: {share(alike['late_hits'], alike['late'])} are found, of the first three "
            f"{share(alike['early_hits'], alike['early'])} rejected, of other rows "
            f"{share(alike['lost'], alike['rows'])}"
        )
        print(f"  variants, {name}: {dict(alike)}")
    return {
        "unmarked": f"of rows with a mention left out {'; '.join(told['unmarked'])}",
        "variants": f"of rows that are a family's fourth or later {'; '.join(told['variants'])}",
    }
