"""What is found of planted near-duplicates, and how fast, beside rensa and datasketch.

    python benchmarks/near_duplicates.py [ROWS ...] [--corpora DIR] [--only NAME]

`filters.py near-duplicates` calls it for 100,000 rows and a million. The corpus is the one of
`bench/near_duplicate_corpus.py` beside the corpora: about twenty words a row, one row in ten made
from another by changing case, a word, two words or the order. Each contender goes through the rows
in a process of its own and keeps those that have a Jaccard similarity below 0.7 to all that it
kept before; seconds are from texts to decisions, cutting into words included, loading and compiling
not. Peak memory is that of the whole process. A removal is right if the row was made from the same
row as an earlier one; a row is missed if it was kept beside a kept one of those that it is like.
rensa and datasketch (the extra `bench`) find candidates by MinHash, which are then measured
exactly; left out where they are not installed. datasketch sits out the million: six minutes, 8 GB.

templates: 50,000 rows of one template that are all just below the threshold to each other.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from augment.filters.near_index import NearIndex
from augment.tokens import words

THRESHOLD = 0.7
ROWS = (100_000, 1_000_000)
BANDS, IN_A_BAND = 21, 6
LARGEST = {"datasketch": 100_000}


def jaccard(one: set[str], other: set[str]) -> float:
    """Return the Jaccard similarity of two sets."""
    shared = len(one & other)
    return shared / (len(one) + len(other) - shared)


def by_augment(texts: Sequence[str]) -> list[bool]:
    """Return which texts this package removes."""
    names = list(map(str, range(len(texts))))
    return [near is not None for near in NearIndex(floor=THRESHOLD).sift(names, texts)]


def by_rensa(texts: Sequence[str]) -> list[bool]:
    """Return which texts rensa's candidates have removed, each measured."""
    rensa: Any = importlib.import_module("rensa")
    index = rensa.RMinHashLSH(THRESHOLD, BANDS * IN_A_BAND, BANDS)
    kept: dict[int, set[str]] = {}
    removed: list[bool] = []
    for number, text in enumerate(texts):
        own = set(words(text))
        sketch = rensa.RMinHash(BANDS * IN_A_BAND, 42)
        sketch.update(list(own))
        removed.append(any(jaccard(own, kept[at]) >= THRESHOLD for at in index.query(sketch)))
        if not removed[-1]:
            index.insert(number, sketch)
            kept[number] = own
    return removed


def by_datasketch(texts: Sequence[str]) -> list[bool]:
    """Return which texts datasketch's candidates, by bands of its choice, have removed."""
    datasketch: Any = importlib.import_module("datasketch")
    index = datasketch.MinHashLSH(threshold=THRESHOLD, num_perm=128)
    kept: dict[int, set[str]] = {}
    removed: list[bool] = []
    for number, text in enumerate(texts):
        own = set(words(text))
        sketch = datasketch.MinHash(num_perm=128)
        sketch.update_batch([word.encode() for word in own])
        removed.append(any(jaccard(own, kept[at]) >= THRESHOLD for at in index.query(sketch)))
        if not removed[-1]:
            index.insert(number, sketch)
            kept[number] = own
    return removed


CONTENDERS: Mapping[str, Callable[[Sequence[str]], list[bool]]] = {
    "augment": by_augment,
    "rensa": by_rensa,
    "datasketch": by_datasketch,
}


def contend(name: str, prefix: str) -> None:
    """Go through a corpus and print what came of it as JSON."""
    texts = Path(f"{prefix}.txt").read_text("utf-8").split("\n")[:-1]
    CONTENDERS[name](["so that what is compiled is compiled", "and imported"])
    began, used = time.perf_counter(), time.process_time()
    removed = CONTENDERS[name](texts)
    seconds, cpu = time.perf_counter() - began, time.process_time() - used
    print(json.dumps({"seconds": seconds, "cpu": cpu, "megabytes": peak_mb()}))
    np.save(f"{prefix}.{name}.npy", np.array(removed))


def peak_mb() -> int:
    """Return the most memory that this process had; `ru_maxrss` counts that of its parent, too."""
    lines = Path("/proc/self/status").read_text("utf-8").splitlines()
    status = dict(line.split(":", 1) for line in lines)
    return int(status["VmHWM"].split()[0]) // 1024


def judged(prefix: str, name: str) -> tuple[int, int, int, int]:
    """Return how many removals were right, how many there were, and hits of how many to find."""
    texts = Path(f"{prefix}.txt").read_text("utf-8").split("\n")[:-1]
    sources = np.load(f"{prefix}.truth.npy").tolist()
    removed = np.load(f"{prefix}.{name}.npy").tolist()
    kept: dict[int, list[set[str]]] = {}
    repeated = set[int]()
    counts = dict.fromkeys(sources, 0)
    for source in sources:
        counts[source] += 1
    right = hits = due = 0
    for text, source, out in zip(texts, sources, removed, strict=True):
        right += out and source in repeated
        repeated.add(source)
        if counts[source] == 1:
            continue
        own = set(words(text))
        near = any(jaccard(own, other) >= THRESHOLD for other in kept.get(source, []))
        due, hits = due + near, hits + (near and out)
        if not out:
            kept.setdefault(source, []).append(own)
    return right, sum(removed), hits, due


def templates(rows: int = 50_000) -> None:
    """Print how long the rows of one template take, and how many were looked at."""
    draw = random.Random(0)
    frame = " ".join(f"word{number}" for number in range(13))
    texts = [
        f"{frame} {' '.join(str(draw.randrange(10**15)) for _ in '1234')}" for _ in range(rows)
    ]
    for count in (rows // 10, rows):
        index, began = NearIndex(), time.perf_counter()
        index.sift(list(map(str, range(count))), texts[:count])
        took = time.perf_counter() - began
        print(f"  {count:,} rows of one template: {took:.2f} s, {index.seen:,} looked at")


def measure(corpora: Path, share: Callable[[int, int], str], sizes: Sequence[int] = ROWS,
            only: str | None = None) -> dict[str, str]:  # fmt: skip
    """Print the figures of each contender; return the sentence for reports."""
    told: dict[str, str] = {}
    maker = corpora.parent / "bench" / "near_duplicate_corpus.py"
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            prefix = f"{folder}/corpus"
            subprocess.run([sys.executable, maker, str(size), prefix], check=True)
            for name in [only] if only else CONTENDERS:
                if name != "augment" and importlib.util.find_spec(name) is None:
                    print(f"  {name} is not installed: pip install 'augment-corpora[bench]'")
                    continue
                if size > LARGEST.get(name, size):
                    continue
                command = [sys.executable, __file__, "--contend", name, prefix]
                said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
                cost = json.loads(said)
                right, removals, hits, due = judged(prefix, name)
                print(
                    f"  {size:>9,} rows  {name:10} {cost['seconds']:6.1f} s  "
                    f"{cost['cpu']:6.1f} s of CPU  {cost['megabytes']:>5} MB  "
                    f"precision {share(right, removals)}  recall {share(hits, due)} of {due:,}",
                    flush=True,
                )
                if name == "augment":
                    told["near_duplicate"] = (
                        f"of {due:,} near-duplicates planted among {size:,} rows "
                        f"{share(hits, due)} are found; of the rows rejected "
                        f"{share(right, removals)} were planted"
                    )
    templates()
    return told


def main() -> None:
    """Measure and print."""
    from filters import share

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", nargs="*", type=int, default=ROWS)
    parser.add_argument("--corpora", type=Path, default=os.environ.get("AUGMENT_CORPORA"))
    parser.add_argument("--only", choices=CONTENDERS)
    options = parser.parse_args()
    if options.corpora is None:
        parser.error("--corpora DIR, or the variable AUGMENT_CORPORA, must name the corpora")
    measure(Path(options.corpora), share, options.rows, options.only)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--contend"]:
        contend(*sys.argv[2:4])
    else:
        main()
