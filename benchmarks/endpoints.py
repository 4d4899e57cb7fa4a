"""How much faster a run is over two servers than over one.

    python benchmarks/endpoints.py [--pairs 7] [--rows 1500] [--latency 100] [--slots 16]

Each server answers after a fixed time and works on a fixed number of requests at once, as a GPU
does; as many again wait there, so that a slot is taken up as soon as it is free. Each pair makes
the same run over one server and over two, in turn, each in a process of its own, from the first
request to the last verdict. The ratio's interval is the range of all pairs: for 7 pairs it covers
the median with 98 % confidence.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from loopback import ROOT, server

SEEDS = ROOT / "examples" / "support_intents.csv"
GOAL = 1.9


def rate(urls: list[str], *, rows: int, concurrency: int) -> float:
    """Return the answers a second of a run over these servers."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run"
        words = [word for url in urls for word in ("--endpoint", url)]
        command = [
            str(Path(sys.executable).with_name("augment")), "run", str(SEEDS), *words,
            "--total", str(rows), "--concurrency", str(concurrency), "--encoder", "ngram",
            "--out", str(out),
        ]  # fmt: skip
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        figures = json.loads((out / "report.json").read_text("utf-8"))
    shares = [each["answers"] for each in figures["endpoints"]]
    assert not shares or max(shares) < 1.2 * min(shares), shares
    return float(figures["counts"]["asks"] / figures["run"]["active_s"])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--rows", type=int, default=1500)
    parser.add_argument("--latency", type=float, default=100)
    parser.add_argument("--slots", type=int, default=16)
    options = parser.parse_args()
    rates: dict[int, list[float]] = {1: [], 2: []}
    with (
        server(options.latency, slots=options.slots) as first,
        server(options.latency, slots=options.slots) as second,
    ):
        for pair in range(options.pairs):
            for count in (1, 2) if pair % 2 else (2, 1):
                urls = [first, second][:count]
                time.sleep(2 * options.latency / 1000)  # nothing of the last run is left there
                found = rate(urls, rows=options.rows, concurrency=2 * options.slots)
                rates[count].append(found)
    ratios = [two / one for one, two in zip(rates[1], rates[2], strict=True)]
    median = statistics.median(ratios)
    print(
        f"{options.rows:,} rows, {options.latency:g} ms, {options.slots} slots a server, "
        f"{options.pairs} pairs: one server {statistics.median(rates[1]):.0f} answers/s, two "
        f"{statistics.median(rates[2]):.0f}, ratio {median:.2f} ({min(ratios):.2f} to "
        f"{max(ratios):.2f}; goal: {GOAL}, {'met' if min(ratios) >= GOAL else 'NOT met'})"
    )


if __name__ == "__main__":
    main()
