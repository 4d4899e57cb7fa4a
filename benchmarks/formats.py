"""How many rows a second formats write and read: `python benchmarks/formats.py --corpora DIR`.

The rows are those of crossner_ai's test split with their mentions; beside them, as the floor, the
same rows as JSONL. What a process does once (imports, spaCy's vocabulary) is done before.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

from augment.formats.export import To, Wish, export
from augment.formats.read_corpus import read_corpus
from augment.formats.rows import Columns

ROUNDS = 7
NAMES = {"label-studio": "out.json", "doccano": "out.doccano.jsonl"}


def timed(work: Callable[[], Any]) -> float:
    """Return the seconds that the work takes: the median of some rounds after the first."""
    work()
    found: list[float] = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        work()
        found.append(time.perf_counter() - began)
    return statistics.median(found)


def main() -> None:
    """Print a line for each format."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpora", type=Path, default=os.environ.get("AUGMENT_CORPORA"))
    corpora: Path | None = parser.parse_args().corpora
    if corpora is None:
        parser.error("--corpora or AUGMENT_CORPORA names the folder of the public corpora")
    rows = Path(corpora) / "extraction" / "crossner_ai" / "test.jsonl"
    corpus = read_corpus(rows, columns=Columns(), task="ner")
    print(f"{len(corpus.examples)} rows, medians of {ROUNDS} rounds, rows/s")
    print(f"{'':14}{'written':>10}{'read':>10}")
    with tempfile.TemporaryDirectory() as folder:
        for to in sorted(get_args(To), key=lambda to: to != "jsonl"):
            out = Path(folder) / NAMES.get(to, f"out.{to}")
            wish = Wish(to=to, out=out, overwrite=True)
            wrote = timed(lambda wish=wish: export(corpus, wish))
            read = timed(lambda out=out: read_corpus(out, columns=Columns(), task="ner"))
            count = len(corpus.examples)
            print(f"{to:14}{count / wrote:>10,.0f}{count / read:>10,.0f}")


if __name__ == "__main__":
    main()
