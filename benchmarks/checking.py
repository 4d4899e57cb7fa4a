"""How long `augment check` takes for many short rows, and how much memory.

    python benchmarks/checking.py [ROWS ...] [--corpora DIR] [--rounds N] [--profile FILE]

`filters.py check` calls it for 100,000 rows. Seeds are 20 rows of each label of Snips' test split.
Rows are those of its train split and, for as many as it takes, the beginning of one row before the
end of another of its label; one row in twenty bears another label. The command runs in a process of
its own with `--encoder ngram`, all filters on: seconds are those of the whole command, from its
start to its last file, numba's compiling excepted, which is done before on a few rows. Linux counts
the memory of whoever starts a process as its own: that of `filters.py all` is too high.

--profile runs it in this process, under cProfile.
"""

from __future__ import annotations

import argparse
import cProfile
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from augment.cli import main as augment

ROWS = (100_000,)
SEEDS_A_LABEL = 20
WRONG_SHARE = 0.05
COMMAND = "import sys; from augment.cli import main; sys.exit(main())"
Row = Mapping[str, str]


def read(path: Path) -> list[Row]:
    """Return the rows of a corpus."""
    return [json.loads(line) for line in path.read_text("utf-8").split("\n") if line]


def short_rows(real: Sequence[Row], count: int) -> Iterator[Row]:
    """Yield real rows and then such as are made of two, some of them under a wrong label."""
    draw = random.Random(0)
    by_label: dict[str, list[list[str]]] = {}
    for row in real:
        by_label.setdefault(row["label"], []).append(row["text"].split())
    names = sorted(by_label)
    for number in range(count):
        if number < len(real):
            label, text = real[number]["label"], real[number]["text"]
        else:
            label = draw.choice(names)
            one, other = draw.choices(by_label[label], k=2)
            text = " ".join([*one[: len(one) // 2], *other[len(other) // 2 :]])
        yield {"text": text, "label": draw.choice(names) if draw.random() < WRONG_SHARE else label}


def write(path: Path, rows: Iterator[Row] | Sequence[Row]) -> None:
    """Write rows as JSON lines."""
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)


def prepared(corpora: Path, folder: Path, count: int) -> list[str]:
    """Write seeds and rows, and return the command's arguments without `--out`."""
    corpus = corpora / "classification" / "snips_intent"
    by_label: dict[str, list[Row]] = {}
    for row in read(corpus / "test.jsonl"):
        by_label.setdefault(row["label"], []).append(row)
    write(folder / "seeds.jsonl", [row for own in by_label.values() for row in own[:SEEDS_A_LABEL]])
    write(folder / "rows.jsonl", short_rows(read(corpus / "train.jsonl"), count))
    files = [str(folder / "rows.jsonl"), "--seeds", str(folder / "seeds.jsonl")]
    return ["check", *files, "--encoder", "ngram"]


def timed(arguments: Sequence[str]) -> tuple[float, float, int]:
    """Return the seconds, CPU seconds and peak megabytes of a command."""
    began = time.perf_counter()
    command = [sys.executable, "-c", COMMAND, *arguments]
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(child.pid, 0)
    if status:
        raise SystemExit(f"augment {' '.join(arguments)} failed")
    return time.perf_counter() - began, used.ru_utime + used.ru_stime, used.ru_maxrss // 1024


def measure(corpora: Path, sizes: Sequence[int] = ROWS, rounds: int = 3) -> dict[str, str]:
    """Print what the command takes for so many rows; return no sentence for reports."""
    for count in sizes:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            timed([*prepared(corpora, folder, 100), "--out", str(folder / "compiled")])
            arguments = prepared(corpora, folder, count)
            taken = [
                timed([*arguments, "--out", str(folder / f"out{each}")]) for each in range(rounds)
            ]
            report = json.loads((folder / "out0" / "report.json").read_text("utf-8"))
            seconds = sorted(each[0] for each in taken)
            cpu = statistics.median(each[1] for each in taken)
            counts = report["counts"]
            print(
                f"  {count:>9,} rows  {statistics.median(seconds):6.1f} s "
                f"({seconds[0]:.1f} to {seconds[-1]:.1f}, {rounds} rounds)  {cpu:6.1f} s of CPU  "
                f"{max(each[2] for each in taken):>6,} MB  "
                f"accepted {counts['accepted']:,}, rejected {counts['rejected']:,}",
                flush=True,
            )
    return {}


def profiled(corpora: Path, count: int, into: Path) -> None:
    """Write the profile of a command in this process."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        augment([*prepared(corpora, folder, 100), "--out", str(folder / "compiled")])
        arguments = [*prepared(corpora, folder, count), "--out", str(folder / "out")]
        profile = cProfile.Profile(time.thread_time)
        began = time.perf_counter()
        profile.runcall(augment, arguments)
        print(f"{time.perf_counter() - began:.1f} s under the profiler")
        profile.dump_stats(into)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", nargs="*", type=int, default=ROWS)
    parser.add_argument("--corpora", type=Path, default=os.environ.get("AUGMENT_CORPORA"))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--profile", type=Path)
    options = parser.parse_args()
    if options.corpora is None:
        parser.error("--corpora DIR, or the variable AUGMENT_CORPORA, must name the corpora")
    if options.profile is not None:
        profiled(Path(options.corpora), options.rows[0], options.profile)
        return
    measure(Path(options.corpora), options.rows, options.rounds)


if __name__ == "__main__":
    main()
