"""How many rows a second are grounded, on one core: `python benchmarks/grounding.py --corpora DIR`.

A row is a text of the public corpora with the mentions that it is annotated with, as a model would
say them: `exact` word for word, `normalised` in capitals and with other quotes, `fuzzy` with one
word of four exchanged (mentions of fewer words stay), each way for all of its mentions. Loading
and the choice of rows are not timed. Goal: 5,000 rows/s, exact.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path

from augment.formats.check import Columns, read_seeds
from augment.records import Span
from augment.spans.grounding import Mention, ground

CORPORA = {
    "crossner_ai": "crossner_ai/test.jsonl",
    "wnut17": "wnut17/test.jsonl",
    "restaurant8k": "restaurant8k_slots/test.jsonl",
    "fewrel": "fewrel_val_wiki/test.jsonl",
    "phee": "phee_pharmacovigilance_events/test.jsonl",
}
ROUNDS = 7
GOAL = 5_000
_WORDS = 4


def fuzzy(text: str) -> str:
    """Exchange one word of a mention of four words or more."""
    words = text.split()
    if len(words) >= _WORDS:
        words[1] = "zzz"
    return " ".join(words)


WAYS: dict[str, Callable[[str], str]] = {
    "exact": lambda text: text,
    "normalised": lambda text: text.upper().replace(" ", "  "),
    "fuzzy": fuzzy,
}


def rows_of(path: Path) -> list[tuple[str, list[str], list[str]]]:
    """Return texts with the words and labels of their mentions."""
    seeds = read_seeds(path, columns=Columns(), labels=None, lenient=False)
    return [
        (
            row.text,
            [row.text[each.start : each.end] for each in row.target.entities],
            [each.label for each in row.target.entities],
        )
        for row in seeds.examples
    ]


def main() -> None:
    """Print a line for each corpus and way."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpora", type=Path, default=os.environ.get("AUGMENT_CORPORA"))
    folder = Path(parser.parse_args().corpora) / "extraction"
    print("corpus        rows  mentions  way         rows/s, median (range)      aligned")
    for name, file in CORPORA.items():
        rows = rows_of(folder / file)
        for way, said in WAYS.items():
            asked = [
                (text, [Mention(text=said(t), label=n) for t, n in zip(ts, ns, strict=True)])
                for text, ts, ns in rows
            ]
            speeds: list[float] = []
            aligned = count = 0
            for _ in range(ROUNDS):
                began = time.process_time()
                results = [ground(text, mentions) for text, mentions in asked]
                speeds.append(len(rows) / (time.process_time() - began))
                count = sum(map(len, results))
                aligned = sum(isinstance(each, Span) for own in results for each in own)
            median = statistics.median(speeds)
            spread = f"{median:,.0f} ({min(speeds):,.0f} to {max(speeds):,.0f})"
            share = aligned / max(count, 1)
            print(f"{name:12} {len(rows):5,} {count:9,}  {way:11} {spread:27} {share:.3f}")


if __name__ == "__main__":
    main()
