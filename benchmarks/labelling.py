"""How given texts come back from `annotate`: their labels, probabilities and agreement.

    AUGMENT_CORPORA=... python benchmarks/labelling.py [--texts 300] [--out FOLDER]

Test texts of banking77 get their labels from the tests' server on loopback, which chooses the one
that shares most words with the text; the seeds are the 5-shot cut. That server is no language
model: what is measured is that every text comes back with a label and its probability, and what
the report says of how they agree with the classifier trained on the seeds (character n-grams).
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import tempfile
from pathlib import Path

from loopback import ROOT, server

sys.path.insert(0, str(ROOT))

import augment


def main() -> None:
    """Label the texts and print what the report says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--texts", type=int, default=300)
    parser.add_argument("--out", type=Path, default=None, help="the run's folder, to be kept")
    options = parser.parse_args()
    corpora = Path(os.environ["AUGMENT_CORPORA"]) / "classification"
    lines = (corpora / "banking77" / "test.jsonl").read_text("utf-8").split("\n")
    texts = [{"text": json.loads(line)["text"]} for line in lines if line]
    with tempfile.TemporaryDirectory() as folder, server(row_pattern="<row>(.*)</row>") as url:
        run = augment.run(
            corpora / "banking77_fewshot" / "train_5shot.jsonl",
            {"endpoint": url, "encoder": "ngram", "out": options.out or Path(folder) / "run"},
            unlabelled=random.Random(0).sample(texts, options.texts),
        )
        told = run.report["labelling"]
        rows = len(run.accepted) + len(run.rejected)
    low, high = told["interval"]
    print(f"{run.finish}: {rows} rows of {options.texts} texts, {told['rows']} with a label")
    print(
        f"{told['with_probability']} with a probability, {told['mean_probability']:.2f} on average"
    )
    print(
        f"agreement with the seeds' classifier: {told['agree']} of {told['judged']}, "
        f"{told['share']:.2f} ({low:.2f} to {high:.2f})"
    )


if __name__ == "__main__":
    main()
