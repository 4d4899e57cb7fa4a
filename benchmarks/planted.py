"""What `augment check` finds of faults that were planted, and what it rejects that has none.

    python benchmarks/planted.py labels [--corpora DIR] [--seeds 5]
    python benchmarks/planted.py faults [--corpora DIR]

labels: banking77, ten labels drawn at random with ten seeds each; all test rows of these labels,
one in ten under a wrong one of the ten. Caught: wrong rows that are rejected; lost: right rows
that are. The mean over random seeds with its 95 % interval (Student's t).

faults: snips_intent, ten seeds a label and 200 rows held out; 500 clean rows, and faults of each
kind among them, in random order. A fault counts as found if its row is rejected, whatever the
reason; the last column says which reasons were given.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import statistics
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from augment import recipe
from augment.app import run
from augment.recipe_fields import STAGES
from augment.setting import Inputs

Row: TypeAlias = dict[str, Any]
LABELS, SEEDS_EACH, WRONG_SHARE = 10, 10, 0.1
LEAST_CAUGHT, MOST_LOST = 0.85, 0.05
STUDENT_T = {1: 12.71, 2: 4.30, 3: 3.18, 4: 2.78, 9: 2.26, 19: 2.09}
EACH = 30
_MADE_FOR = {
    "length": "far too long",
    "copy": "a copy of a seed, one word off",
    "similarity": "off topic",
}
"""The fault that each of these filters is there for, as a report says it."""
_ORDER = ("schema", *STAGES["their text"], *STAGES["their meaning"])


def read(path: Path) -> list[Row]:
    """Return the rows of a corpus; some texts hold other line separators than a newline."""
    return [json.loads(line) for line in path.read_text("utf-8").split("\n") if line]


def write(path: Path, rows: Iterable[Row]) -> Path:
    """Write rows as JSONL."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def checked(
    rows: Sequence[Row],
    seeds: Sequence[Row],
    holdout: Sequence[Row] | None = None,
    *,
    filters: Mapping[str, float] | None = None,
) -> dict[int, tuple[str, str]]:
    """Check rows against seeds; return (filter, reason) of each that was rejected, by place."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        options: dict[str, Any] = {"out": place / "out", "filters": filters or {}}
        if holdout is not None:
            options["holdout"] = write(place / "holdout.jsonl", holdout)
        inputs = Inputs(
            rows=write(place / "rows.jsonl", rows), seeds=write(place / "seeds.jsonl", seeds)
        )
        outcome = asyncio.run(run(inputs, recipe.load(None, options=options)))
        assert outcome.exit_code == 0
        for statement in outcome.statements.values():
            print(f"    {statement}")
        rejected = read(place / "out" / "rejected.jsonl")
    return {row["provenance"]["ask"]: (row["filter"], row["reason"]) for row in rejected}


def by_label(rows: Iterable[Row]) -> dict[str, list[Row]]:
    """Group rows."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row["label"], []).append({"text": row["text"], "label": row["label"]})
    return groups


def wrong_labels(corpora: Path, seeds: int = 5) -> dict[str, str]:
    """Print how many planted wrong labels are caught, and how many right rows are lost.

    Returns the sentence for reports.
    """
    folder = corpora / "classification" / "banking77"
    train, test = by_label(read(folder / "train.jsonl")), by_label(read(folder / "test.jsonl"))
    by = {
        "agreement": {"agreement"},
        "agreement and similarity": {"agreement", "similarity"},
        "all filters, near-duplicates among the real rows included": None,
    }
    caught: dict[str, list[float]] = {name: [] for name in by}
    lost: dict[str, list[float]] = {name: [] for name in by}
    for seed in range(seeds):
        rng = random.Random(seed)
        labels = rng.sample(sorted(train), LABELS)
        shown = [row for label in labels for row in rng.sample(train[label], SEEDS_EACH)]
        rows = [dict(row) for label in labels for row in test[label]]
        rng.shuffle(rows)
        wrong = set(rng.sample(range(len(rows)), round(WRONG_SHARE * len(rows))))
        for place in wrong:
            others = [label for label in labels if label != rows[place]["label"]]
            rows[place]["label"] = rng.choice(others)
        print(f"  random seed {seed}: {len(rows)} rows, {len(wrong)} of them wrong")
        found = checked(rows, shown)
        for name, filters in by.items():
            hit = {at for at, (own, _) in found.items() if filters is None or own in filters}
            caught[name].append(len(hit & wrong) / len(wrong))
            lost[name].append(len(hit - wrong) / (len(rows) - len(wrong)))
    print(f"banking77, {LABELS} labels of {SEEDS_EACH} seeds, {seeds} random seeds:")
    for name in by:
        print(
            f"  {name}: caught {interval(caught[name])} of the wrong rows (goal {LEAST_CAUGHT}), "
            f"lost {interval(lost[name])} of the right ones (goal at most {MOST_LOST})"
        )
    return {
        "agreement": f"where one label in ten is wrong (banking77, {seeds} draws of {LABELS} "
        f"labels of {SEEDS_EACH} seeds) {interval(caught['agreement'])} of wrong rows are "
        f"rejected, {interval(lost['agreement'])} of right ones"
    }


def interval(values: Sequence[float], *, least: float = 0.0, most: float | None = 1.0) -> str:
    """Return the mean with its 95 % interval, within `least` and `most`: 0 and 1 for a share."""
    mean = statistics.mean(values)
    if len(values) < 2:
        return f"{mean:.3f}"
    half = STUDENT_T[len(values) - 1] * statistics.stdev(values) / len(values) ** 0.5
    high = mean + half if most is None else min(mean + half, most)
    return f"{mean:.3f} ({max(mean - half, least):.3f} to {high:.3f})"


def faults(corpora: Path, share: Callable[[int, int], str]) -> dict[str, str]:
    """Print what is found of each kind of fault; return the sentences for reports."""
    folder = corpora / "classification"
    rng = random.Random(0)
    train, test = (
        by_label(read(folder / "snips_intent" / f"{n}.jsonl")) for n in ("train", "test")
    )
    banking = read(folder / "banking77" / "test.jsonl")
    labels = sorted(train)
    seeds = [row for label in labels for row in rng.sample(train[label], SEEDS_EACH)]
    real = [row for label in labels for row in test[label]]
    rng.shuffle(real)
    holdout, clean = real[:200], real[200:]
    used = iter(rng.sample([row for label in labels for row in train[label]], 1000))

    def another(row: Row) -> str:
        return rng.choice([label for label in labels if label != row["label"]])

    def one_word_off(row: Row) -> Row:
        words = row["text"].split()
        words[rng.randrange(len(words))] = "perhaps"
        return row | {"text": " ".join(words)}

    def long(rows: Iterable[Row]) -> list[Row]:
        return [row for row in rows if len(row["text"].split()) >= 8]

    kinds: dict[str, Callable[[], Row]] = {
        "wrong label": lambda: (row := next(used)) | {"label": another(row)},
        "off topic": lambda: {"text": rng.choice(banking)["text"], "label": rng.choice(labels)},
        "a copy of a seed, one word off": lambda: one_word_off(rng.choice(long(seeds))),
        "the hold-out, one word off": lambda: one_word_off(rng.choice(long(holdout))),
        "another row, one word off": lambda: one_word_off(rng.choice(long(clean))),
        "another row, again": lambda: dict(rng.choice(clean)),
        "refusal": lambda: next(used) | {"text": "I'm sorry, but I cannot help with that request."},
        "chatter": lambda: (row := next(used)) | {"text": f"Sure! Here is one: {row['text']}"},
        "placeholder": lambda: (row := next(used)) | {"text": f"{row['text']} for [NAME]"},
        "far too long": lambda: (row := next(used)) | {"text": " ".join([row["text"]] * 12)},
        "control character": lambda: (row := next(used)) | {"text": f"{row['text']}\x07"},
        "empty": lambda: next(used) | {"text": " "},
        "unknown label": lambda: next(used) | {"label": "TellJoke"},
    }
    rows = [(None, row) for row in clean]
    rows += [(kind, make()) for kind, make in kinds.items() for _ in range(EACH)]
    rng.shuffle(rows)
    rows.sort(key=lambda pair: (pair[0] or "").startswith("another row"))  # after what they repeat
    print(f"snips_intent, {len(seeds)} seeds, {len(clean)} clean rows, {EACH} of each fault:")
    found = checked([row for _, row in rows], seeds, holdout)
    print(f"{'planted':32}{'rows':>6}{'found':>7}  as")
    for kind in (*kinds, None):
        places = [place for place, (own, _) in enumerate(rows) if own == kind]
        reasons = Counter("/".join(found[place]) for place in places if place in found)
        told = ", ".join(f"{reason} {count}" for reason, count in reasons.most_common())
        print(f"{kind or 'nothing':32}{len(places):>6}{reasons.total():>7}  {told}")

    def of(name: str, kind: str | None) -> tuple[int, int]:
        """Return how many rows of a kind a filter rejected, of those that came to it."""
        before = _ORDER[: _ORDER.index(name)]
        places = [place for place, (own, _) in enumerate(rows) if own == kind]
        ends = [found.get(place, ("", ""))[0] for place in places]
        return ends.count(name), sum(end not in before for end in ends)

    return {
        name: f"of rows of snips_intent that were {kind} {share(*of(name, kind))} of "
        f"{of(name, kind)[1]} are rejected, of clean ones {share(*of(name, None))} of "
        f"{of(name, None)[1]}"
        for name, kind in _MADE_FOR.items()
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["labels", "faults"])
    parser.add_argument("--corpora", type=Path, default=os.environ.get("AUGMENT_CORPORA"))
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    if options.corpora is None:
        parser.error("--corpora DIR, or the variable AUGMENT_CORPORA, must name the corpora")
    if options.what == "labels":
        wrong_labels(Path(options.corpora), options.seeds)
    else:
        faults(Path(options.corpora), lambda hits, n: f"{hits} of {n}")


if __name__ == "__main__":
    main()
