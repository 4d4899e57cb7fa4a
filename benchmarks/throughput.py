"""How fast a run is beside a bare aiohttp loop that sends the same bytes to the same server.

    python benchmarks/throughput.py [--pairs 7] [--rows 2000] [--latency 0 50]

Each pair runs both, in turn, each in a process of its own: ours from the first request to the
last verdict, the loop from the first request to the last answer. Either counts answers, of which
ours go through every filter: two in three of the server's are rejected for their label, so that a
run of 2,000 rows asks for some 6,000. Both without a sentence encoder: this is about the path
between prompts and rows, `embedding.py` about the encoder. The ratio's interval is the range of
all pairs: for 7 pairs it covers the median with 98 % confidence (order statistics), for n pairs
with 1 - 2**(1 - n).
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import importlib
import io
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from loopback import ROOT, server

SEEDS = ROOT / "examples" / "support_intents.csv"
IN_FLIGHT = 64
GOALS = {0: 0.6, 50: 0.95}
MORE_MEMORY_MB = 150


def ours(url: str, rows: int) -> dict[str, float]:
    """Run the command and measure it; its imports are not what is compared."""
    importlib.import_module("augment.app")
    from augment.cli import main as augment
    from augment.journal import SqliteJournal

    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run"
        command = ["run", str(SEEDS), "--endpoint", url, "--total", str(rows), "--out", str(out)]
        cpu = time.process_time()
        with contextlib.redirect_stdout(io.StringIO()):
            code = augment([*command, "--concurrency", str(IN_FLIGHT), "--encoder", "ngram"])
        cpu = time.process_time() - cpu
        assert code == 0
        with (out / "accepted.jsonl").open("rb") as file:
            assert sum(1 for _ in file) == rows
        journal = SqliteJournal(out / "journal.db", clock=time.time)
        [(began, ended)] = journal.sessions()
        asked = journal.next_ask()
        journal.close()
    return {"seconds": ended - began, "cpu": cpu, "asked": asked}


def bare(url: str, rows: int) -> dict[str, float]:
    """Send the bytes that augment would send, in a loop that does nothing else."""
    bodies = list(bodies_for(url, rows))
    cpu = time.process_time()
    seconds = asyncio.run(send_all(f"{url}/chat/completions", bodies))
    return {"seconds": seconds, "cpu": time.process_time() - cpu, "asked": rows}


def bodies_for(url: str, rows: int) -> Iterator[bytes]:
    """Yield the bodies of a run whose every answer is accepted."""
    from augment import recipe
    from augment.embed.seeds import seed_vectors
    from augment.engines.openai import Dialect, payload
    from augment.parts import plan_of
    from augment.setting import Inputs, prepare, renderer_of

    setting = prepare(
        Inputs(seeds=SEEDS),
        recipe.load(None, options={"endpoint": url, "total": rows, "encoder": "ngram"}),
    )
    render = renderer_of(setting).request
    vectors = seed_vectors(setting.used.examples, None)
    planner = plan_of(setting, vectors, first_ask=0)
    for _ in range(rows):
        ask = planner.next()
        assert ask is not None
        body = payload(render(ask), model="stub", dialect=Dialect(), extra={})
        yield json.dumps(body, ensure_ascii=False).encode()


async def send_all(url: str, bodies: Sequence[bytes]) -> float:
    """Return the seconds from first to last."""
    import aiohttp

    waiting = iter(bodies)
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=IN_FLIGHT),
        headers={"Content-Type": "application/json"},
    ) as session:

        async def slot() -> None:
            for body in waiting:
                async with session.post(url, data=body) as answer:
                    json.loads(await answer.read())

        began = time.perf_counter()
        await asyncio.gather(*(slot() for _ in range(IN_FLIGHT)))
        return time.perf_counter() - began


def measured(side: str, url: str, rows: int) -> dict[str, float]:
    """Measure one side in a process of its own."""
    done = subprocess.run(
        [sys.executable, __file__, "--side", side, "--url", url, "--rows", str(rows)],
        check=True,
        stdout=subprocess.PIPE,
    )
    return json.loads(done.stdout)


def compare(latency_ms: float, *, rows: int, pairs: int) -> None:
    """Print a line of the table."""
    ratios: list[float] = []
    rates: dict[str, list[float]] = {"ours": [], "bare": []}
    cpus: dict[str, list[float]] = {"ours": [], "bare": []}
    with server(latency_ms) as url:
        for pair in range(pairs):
            order = ("ours", "bare") if pair % 2 else ("bare", "ours")
            found = {side: measured(side, url, rows) for side in order}
            for side, one in found.items():
                rates[side].append(one["asked"] / one["seconds"])
                cpus[side].append(one["cpu"] / one["asked"] * 1000)
            ratios.append(rates["ours"][-1] / rates["bare"][-1])
    median = statistics.median
    goal = GOALS.get(int(latency_ms))
    met = goal is not None and median(ratios) >= goal
    verdict = "" if goal is None else f" | {goal} {'met' if met else 'NOT met'}"
    print(
        f"| {latency_ms:g} ms | {median(rates['ours']):.0f} | {median(rates['bare']):.0f} "
        f"| {median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}) "
        f"| {median(cpus['ours']):.2f} | {median(cpus['bare']):.2f}{verdict} |",
        flush=True,
    )


def memory(rows: int) -> None:
    """Print how much more a tenfold run takes."""
    with server(0) as url:
        small, large = (measured("ours", url, n)["peak_mb"] for n in (rows, 10 * rows))
    print(
        f"peak memory: {small:.0f} MB for {rows:,} rows, {large:.0f} MB for {10 * rows:,}: "
        f"{large - small:.0f} MB more (goal: at most {MORE_MEMORY_MB})"
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--latency", type=float, nargs="*", default=[0, 50])
    parser.add_argument("--no-memory", action="store_true")
    parser.add_argument("--side", choices=["ours", "bare"], help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.side:
        found = (ours if options.side == "ours" else bare)(options.url, options.rows)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps(found | {"peak_mb": peak}))
        return
    print(f"{options.rows:,} rows, {IN_FLIGHT} in flight, {options.pairs} pairs\n")
    print("| latency | answers/s | bare loop | ratio (interval) | CPU s per 1,000 | bare | goal |")
    print("|---|---|---|---|---|---|---|")
    for latency_ms in options.latency:
        compare(latency_ms, rows=options.rows, pairs=options.pairs)
    if not options.no_memory:
        memory(options.rows)


if __name__ == "__main__":
    main()
