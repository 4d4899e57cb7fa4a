"""`python -m serving.bundled`: trains the bundled model."""

from __future__ import annotations

import argparse
from pathlib import Path

from serving.bundled.train import Plan, train


def main() -> None:
    """Train, and write the model's folder."""
    parser = argparse.ArgumentParser(prog="python -m serving.bundled", description=__doc__)
    parser.add_argument("--corpora", type=Path, required=True, help="the public corpora")
    parser.add_argument("--out", type=Path, required=True, help="the folder to write")
    parser.add_argument("--minutes", type=float, default=Plan().minutes)
    parser.add_argument("--steps", type=int, default=Plan().steps, help="at most, for trials")
    options = parser.parse_args()
    plan = Plan(minutes=options.minutes, steps=options.steps)
    train(options.corpora, options.out, plan)


if __name__ == "__main__":
    main()
