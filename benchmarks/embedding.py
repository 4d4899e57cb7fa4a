"""Does the encoder work at its best inside a run, and beside the engine?

    python benchmarks/embedding.py [--pairs 7] [--rows 1000]

Rate: a run embeds what an endpoint answers at once; the bare encoder (sentence-transformers in a
process of its own, the best of several batch sizes) embeds the same texts. Ours counts the texts
over the time from sending them to the encoder's process to having their vectors.

Overlap: the endpoint's latency is set so that generation alone takes as long as embedding alone;
then both in one run, from the first request to the last verdict, against the longer of the two.

Runs are interleaved; each ratio is the median of all pairs with their range, which for 7 pairs
covers the median with 98 % confidence (order statistics), for n pairs with 1 - 2**(1 - n).
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import importlib
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from loopback import ROOT, server

BATCHES = (16, 32, 64)
IN_FLIGHT = 64
SEEDS = 60
LEAST_RATE = 0.95
MOST_TIME = 1.2


def write_seeds(path: Path) -> None:
    """Write seeds of one label in the endpoint's own style, so that the encoder serves for them."""
    sys.path.insert(0, str(ROOT / "tests" / "server"))
    sentence = importlib.import_module("openai_answers").sentence
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["text", "label"])
        rows.writerows((sentence(b"seed %d" % number, "text"), "scene") for number in range(SEEDS))


def ours(url: str, rows: int, *, encoder: str) -> dict[str, Any]:
    """Run; return from first request to last verdict, the encoder's rate, and the texts."""
    from augment import recipe
    from augment.app import run
    from augment.setting import Inputs

    with tempfile.TemporaryDirectory() as folder:
        seeds, out = Path(folder) / "seeds.csv", Path(folder) / "run"
        write_seeds(seeds)
        options = {"endpoint": url, "total": rows, "out": out, "encoder": encoder}
        outcome = asyncio.run(run(Inputs(seeds=seeds), recipe.load(None, options=options)))
        assert outcome.exit_code == 0
        texts = [
            json.loads(line)["text"]
            for name in ("accepted", "rejected")
            for line in (out / f"{name}.jsonl").open(encoding="utf-8")
        ]
    rate = outcome.embedded / outcome.embedding_s if outcome.embedded else None
    return {"seconds": outcome.seconds_in_all, "rate": rate, "texts": texts}


def bare(texts: Sequence[str]) -> dict[str, Any]:
    """Embed the texts with the library alone."""
    from sentence_transformers import SentenceTransformer

    from augment.embed.model import bundled_folder

    model = SentenceTransformer(str(bundled_folder()))
    model.encode(list(texts[:64]), batch_size=32)
    rates: list[float] = []
    for batch in BATCHES:
        began = time.perf_counter()
        model.encode(list(texts), batch_size=batch, normalize_embeddings=True)
        rates.append(len(texts) / (time.perf_counter() - began))
    return {"rate": max(rates)}


def measured(side: str, **given: Any) -> dict[str, Any]:
    """Measure one side in a process of its own."""
    done = subprocess.run(
        [sys.executable, __file__, "--side", side],
        input=json.dumps(given).encode(),
        check=True,
        stdout=subprocess.PIPE,
    )
    return json.loads(done.stdout)


def spread(ratios: Sequence[float]) -> str:
    """Return the median with the range."""
    return f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"


def compare_rates(pairs: int, rows: int) -> float:
    """Print how the rate inside a run compares, and return the bare one."""
    inside, alone = [], []
    with server(0) as url:
        for _ in range(pairs):
            run = measured("ours", url=url, rows=rows, encoder="minilm")
            inside.append(run["rate"])
            alone.append(measured("bare", texts=run["texts"])["rate"])
    ratios = [one / other for one, other in zip(inside, alone, strict=True)]
    met = "met" if statistics.median(ratios) >= LEAST_RATE else "NOT met"
    print(
        f"embedding inside a run: {statistics.median(inside):.0f} texts/s, bare "
        f"{statistics.median(alone):.0f}: {spread(ratios)}; goal {LEAST_RATE} {met}",
        flush=True,
    )
    return statistics.median(alone)


def compare_times(pairs: int, rows: int, rate: float) -> None:
    """Print how long generation and embedding take together."""
    latency_ms = 1000 * IN_FLIGHT / rate
    ratios, times = [], []
    with server(latency_ms) as url:
        for _ in range(pairs):
            generation = float(measured("ours", url=url, rows=rows, encoder="ngram")["seconds"])
            run = measured("ours", url=url, rows=rows, encoder="minilm")
            embedding = len(run["texts"]) / rate
            times.append((generation, embedding, float(run["seconds"])))
            ratios.append(float(run["seconds"]) / max(generation, embedding))
    generation, embedding, both = (statistics.median(each) for each in zip(*times, strict=True))
    met = "met" if statistics.median(ratios) <= MOST_TIME else "NOT met"
    print(
        f"with {latency_ms:.0f} ms an answer: generation {generation:.1f} s, embedding "
        f"{embedding:.1f} s, together {both:.1f} s: {spread(ratios)} of the longer; "
        f"goal {MOST_TIME} {met}",
        flush=True,
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--side", choices=["ours", "bare"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.side:
        given = json.load(sys.stdin)
        print(json.dumps(ours(**given) if options.side == "ours" else bare(**given)))
        return
    rate = compare_rates(options.pairs, options.rows)
    compare_times(options.pairs, options.rows, rate)


if __name__ == "__main__":
    main()
