"""In which form an answer keeps its annotation: what becomes of the answers of a real vLLM.

    AUGMENT_VLLM=ENVIRONMENT python benchmarks/answer_forms.py --corpora DIR
        [--model bundled] [--asks 96] [--shots 3]

For each of five public extraction sets, and each form (`marks` in the text, `mentions` in a list
beside it), a run over a model that vLLM serves asks so many times, with the same seeds and random
seed. The figures are of all asks:

- held: the answer is in the schema, its marks are well formed or its mentions are found in its
  text, and its relations or events go with the types
- mentions: of each such row, on average
- tokens: of an answer
- the reasons why the others did not hold

The model in the box has learnt from English turns with marked mentions, but not from our extraction
prompts; what a large model does is for `--model` to show.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

SETS = {
    "crossner_ai/train": 100, "wnut17/train": 150, "restaurant8k_slots/train_frac64": 128,
    "fewrel_val_wiki/train": 400, "phee_pharmacovigilance_events/train": 100,
}  # fmt: skip
COMMAND = [str(Path(sys.executable).with_name("augment"))]


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    corpora = os.environ.get("AUGMENT_CORPORA")
    parser.add_argument("--corpora", type=Path, default=corpora and Path(corpora))
    parser.add_argument("--model", default="bundled", help="as `augment serve` takes it")
    parser.add_argument("--asks", type=int, default=96)
    parser.add_argument("--shots", type=int, default=3)
    options = parser.parse_args()
    if options.corpora is None:
        parser.error("--corpora DIR, or AUGMENT_CORPORA, must name the public corpora")
    print(f"{options.model}, {options.asks} asks each\n")
    print("| set | form | held | mentions | tokens | reasons of the others |")
    print("|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as work, served(options.model, Path(work)) as endpoint:
        for name, count in SETS.items():
            seeds = first_rows(options.corpora / "extraction" / f"{name}.jsonl", count, Path(work))
            for form in ("marks", "mentions"):
                print(line(name, form, seeds, endpoint, options), flush=True)


@contextmanager
def served(model: str, work: Path) -> Iterator[str]:
    """Serve the model and give its endpoint."""
    command = [*COMMAND, "serve", model, "--port", "0", "--log", str(work / "vllm.log")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            said = ""
            while not (found := re.search(r"^endpoint +(\S+)$", said, re.MULTILINE)):
                line = process.stdout.readline()
                if not line:
                    raise SystemExit(f"vLLM did not start: {said}")
                said += line
            yield found[1]
        finally:
            process.terminate()


def first_rows(path: Path, count: int, work: Path) -> Path:
    """Write the first rows of a set as seeds."""
    kept = path.read_text("utf-8").split("\n")[:count]
    seeds = work / f"{path.parent.name}.jsonl"
    seeds.write_text("\n".join(kept) + "\n", "utf-8")
    return seeds


def line(name: str, form: str, seeds: Path, endpoint: str, options: argparse.Namespace) -> str:
    """Run, and return a line of the table."""
    out = seeds.with_name(f"{seeds.stem}-{form}")
    recipe: dict[str, Any] = {
        "total": 10 * options.asks, "max-requests": options.asks, "answer-form": form,
        "strategies": {"fewshot": 1}, "shots": options.shots, "encoder": "ngram",
        "sampling": {"temperature": 0.7, "top-p": 0.9, "max-tokens": 160}, "endpoint": endpoint,
    }  # fmt: skip
    path = out.with_suffix(".json")
    path.write_text(json.dumps(recipe), "utf-8")
    command = [*COMMAND, "run", str(seeds), "--recipe", str(path), "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode not in {0, 3}:
        raise SystemExit(done.stdout + done.stderr)
    rows = [
        json.loads(row)
        for part in ("accepted", "rejected")
        for row in (out / f"{part}.jsonl").read_text("utf-8").split("\n")
        if row
    ]
    failed = Counter(row["reason"] for row in rows if row.get("filter") in {"schema", "engine"})
    held = [row for row in rows if row.get("filter") not in {"schema", "engine"}]
    report = json.loads((out / "report.json").read_text("utf-8"))
    tokens = report["tokens"]["completion"] / max(report["counts"]["asks"], 1)
    mentions = sum(len(row["entities"]) for row in held) / max(len(held), 1)
    reasons = ", ".join(f"{reason} {count}" for reason, count in failed.most_common(4))
    share = len(held) / max(len(rows), 1)
    return f"| {name} | {form} | {share:.2f} | {mentions:.1f} | {tokens:.0f} | {reasons} |"


if __name__ == "__main__":
    main()
