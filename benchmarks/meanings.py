"""What the filter of semantic duplicates finds and loses, and how far `fast` agrees with MiniLM.

Found: of 500 pairs of turns that say the same in other words (`paraphrases.py`) the second is
rejected once the first is accepted; false alarms: as many pairs that differ in one value; both
from the filter's floor. Lost: of 20 test rows a label of three corpora, with ten seeds a label,
those that are rejected for what a seed or a row before them says, from the threshold that the seeds
set. The floor, and that numbers must agree, were chosen on two thousand other pairs, which are left
out with all that say the same as they do.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import paraphrases
from scipy.stats import spearmanr

from augment.embed.model import FAST, Model
from augment.filters.semantic_duplicate import FLOOR, SemanticDuplicate
from augment.filters.vector_index import VectorIndex, main_directions
from augment.protocols import Vectors
from augment.records import Ask, Candidate, Example, Verdict
from serving.toxicity.train import embedded

CORPORA = ("banking77", "snips_intent", "hwu64")
CHOSEN_ON, PAIRS, SEEDS_EACH, ROWS_EACH = 1000, 500, 10, 20
SIZES = (20_000, 100_000)
ASKED = 500
_ASK = Ask(number=0, strategy="given", labels=())
Share = Callable[[int, int], str]


class Known:
    """An encoder whose vectors are there already."""

    def __init__(self, name: str, vectors: Mapping[str, Vectors]) -> None:
        self.name = name
        self._vectors = vectors

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return unit-length vectors, one row per text."""
        found = np.stack([self._vectors[text] for text in texts])
        return found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-12)


def examples(texts: Sequence[str], labels: Sequence[str], name: str) -> list[Example[Any]]:
    """Return labelled texts."""
    rows = zip(texts, labels, strict=True)
    return [Example(id=f"{name}{n}", text=t, target=label) for n, (t, label) in enumerate(rows)]


def verdicts(
    encoder: Known,
    rows: Sequence[Example[Any]],
    seeds: Sequence[Example[Any]],
    threshold: float | None,
) -> list[Verdict]:
    """Judge rows in turn, each against the seeds and the accepted ones before it."""
    by = SemanticDuplicate(encoder=encoder, threshold=threshold)
    by.fit(seeds, encoder.encode([seed.text for seed in seeds]))
    found: list[Verdict] = []
    for row in rows:
        candidate = Candidate(example=row, ask=_ASK, key="", index=0)
        found += by.judge([candidate], encoder.encode([row.text]))
        if found[-1].outcome == "passed":
            by.observe([row])
    return found


def measure(corpora: Path, kept: Path | None, share: Share) -> dict[str, str]:
    """Print what is found and lost; return the sentence for reports."""
    chosen_on = paraphrases.labelled(corpora, each=CHOSEN_ON)
    seen = {text for pairs in chosen_on for pair in pairs for text in pair}
    same, others = paraphrases.labelled(corpora, each=PAIRS, random_seed=1, without=seen)
    rows = {name: _rows(corpora / "classification" / name) for name in CORPORA}
    texts = [text for pair in (*same, *others) for text in pair]
    texts += [row.text for own in rows.values() for part in own for row in part]
    encoders = (Known("MiniLM", embedded(texts, kept=kept)), Known("fast", _fast(texts)))
    on_pairs = {encoder.name: _on_pairs(encoder, (same, others), share) for encoder in encoders}
    print(f"  of {2 * PAIRS} pairs judged alike: {_alike(*on_pairs.values(), share)}")
    lost = {encoder.name: _on_rows(encoder, rows, share) for encoder in encoders}
    for name, own in rows.items():
        scores = [_seed_scores(encoder, *own) for encoder in encoders]
        alike = spearmanr(*scores).statistic
        print(f"  {name}: seed scores, Spearman {alike:.3f}, n {len(own[1])}")
    _rates(texts, encoders[0])
    found, wrong = (sum(part) for part in on_pairs["MiniLM"])
    hits, n = lost["MiniLM"]
    return {
        "semantic_duplicate": f"from {FLOOR:g} of MiniLM, of {PAIRS:,} pairs of turns that say the "
        f"same in other words {share(found, PAIRS)} are found, and {share(wrong, PAIRS)} of "
        f"{PAIRS:,} that differ in one value are rejected; of {n:,} public rows as they are "
        f"{share(hits, n)}"
    }


def _rows(folder: Path) -> tuple[list[Example[Any]], list[Example[Any]]]:
    """Return seeds, and rows of the test split in random order."""
    rng = random.Random(0)
    parts: list[list[Example[Any]]] = []
    for split, each in (("train", SEEDS_EACH), ("test", ROWS_EACH)):
        by_label: dict[str, dict[str, None]] = {}
        for line in (folder / f"{split}.jsonl").read_text("utf-8").split("\n"):
            if line:
                row = json.loads(line)
                by_label.setdefault(row["label"], {})[row["text"]] = None
        drawn = [
            (text, label)
            for label, own in sorted(by_label.items())
            for text in rng.sample(list(own), min(each, len(own)))
        ]
        rng.shuffle(drawn)
        parts.append(examples(*map(list, zip(*drawn, strict=True)), split))
    return parts[0], parts[1]


def _fast(texts: Sequence[str]) -> dict[str, Vectors]:
    model, wanted = Model(FAST), list(dict.fromkeys(texts))
    return dict(zip(wanted, model.begin(wanted)()[0].astype(np.float32), strict=True))


def _on_pairs(
    encoder: Known, parts: tuple[Sequence[paraphrases.Pair], ...], share: Share
) -> list[list[bool]]:
    """Return of each pair whether its second turn is rejected, of those alike and of the others."""
    found: list[list[bool]] = []
    seeds = examples([text for pair in parts[0][:50] for text in pair], ["x"] * 100, "s")
    for pairs in parts:
        labels = [str(number) for number in range(len(pairs)) for _ in range(2)]
        rows = examples([text for pair in pairs for text in pair], labels, "r")
        judged = verdicts(encoder, rows, seeds, FLOOR)
        found.append([verdict.outcome == "rejected" for verdict in judged[1::2]])
    hits, wrong = (sum(part) for part in found)
    print(
        f"  {encoder.name}, from {FLOOR:g}: found {share(hits, len(found[0]))} of pairs that say "
        f"the same, {share(wrong, len(found[1]))} of pairs one value apart; precision, as many of "
        f"either, {share(hits, max(hits + wrong, 1))}"
    )
    return found


def _alike(ones: list[list[bool]], others: list[list[bool]], share: Share) -> str:
    """Return how often two encoders judge alike, and of pairs that either rejects."""
    both = [
        pair
        for one, other in zip(ones, others, strict=True)
        for pair in zip(one, other, strict=True)
    ]
    either = [one == other for one, other in both if one or other]
    told = share(sum(either), len(either)) if either else "none"
    every = share(sum(one == other for one, other in both), len(both))
    return f"{every}; of those that either rejects {told}"


def _on_rows(
    encoder: Known, rows: Mapping[str, tuple[list[Example[Any]], list[Example[Any]]]], share: Share
) -> tuple[int, int]:
    lost = n = 0
    for name, (seeds, own) in rows.items():
        judged = verdicts(encoder, own, seeds, None)
        rejected = [verdict for verdict in judged if verdict.outcome == "rejected"]
        print(
            f"  {encoder.name}, {name}: from {judged[0].threshold:.3f}, rejected "
            f"{share(len(rejected), len(own))} of rows as they are"
        )
        lost, n = lost + len(rejected), n + len(own)
    return lost, n


def _seed_scores(
    encoder: Known, seeds: Sequence[Example[Any]], rows: Sequence[Example[Any]]
) -> list[float]:
    """Return the cosine of each row to the nearest seed of its label."""
    likeness = encoder.encode([r.text for r in rows]) @ encoder.encode([s.text for s in seeds]).T
    same = np.array([[row.target == seed.target for seed in seeds] for row in rows])
    return np.where(same, likeness, -1).max(axis=1).tolist()


def _rates(texts: Sequence[str], encoder: Known) -> None:
    """Print texts and rows a second of CPU time: of `fast`, and of the index in one group."""
    model, many = Model(FAST), [f"{text} {n}" for n in range(5) for text in texts]
    began = time.process_time()
    model.begin(many)()
    print(f"  fast: {len(many) / (time.process_time() - began):,.0f} texts/s of CPU time")
    rng = np.random.default_rng(0)
    real = encoder.encode(list(dict.fromkeys(texts)))
    for size in SIZES:
        drawn = real[rng.integers(0, len(real), size + ASKED)]
        drawn = drawn + rng.normal(0, 0.02, drawn.shape).astype(np.float32)
        drawn /= np.linalg.norm(drawn, axis=1, keepdims=True)
        index = VectorIndex(least=FLOOR, directions=main_directions(real))
        index.add([str(n) for n in range(size)], drawn[:size])
        began = time.process_time()
        for vector in drawn[size:]:
            index.nearest(vector)
        took = (time.process_time() - began) / ASKED
        print(f"  beside {size:,} rows of one label: {1000 * took:.2f} ms of CPU a row")
