"""`python -m serving.toxicity`: trains the toxicity model from public corpora."""

from __future__ import annotations

import argparse
from pathlib import Path

from augment.toxicity import model
from serving.toxicity.train import train


def main() -> None:
    """Train, and write the weights."""
    parser = argparse.ArgumentParser(prog="python -m serving.toxicity", description=__doc__)
    parser.add_argument("--corpora", type=Path, required=True, help="the public corpora")
    parser.add_argument(
        "--out", type=Path, default=Path(model.__file__).with_name(model.FILE), help="the file"
    )
    parser.add_argument("--vectors", type=Path, help="keeps texts' vectors for another time")
    options = parser.parse_args()
    train(options.corpora, vectors=options.vectors).save(options.out)


if __name__ == "__main__":
    main()
