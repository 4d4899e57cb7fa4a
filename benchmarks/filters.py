"""What each filter finds and what it loses, on public texts that it was not fitted to; its rate.

    python benchmarks/filters.py FILTER|all [--corpora DIR] [--vectors FILE] [--write]

--write puts the sentence that reports show beside a filter's verdicts into
augment/filters/measured.json. Intervals of shares are Wilson's, 95 %.

pii: values of each kind are drawn, each in the ways in which people write it, and put into real
texts of seven corpora, one a text. Found: overlaps what is found, under the right kind. False
alarms: on the same texts before anything was put in (a few hold real numbers, which count against
it). Beside it presidio_pii: the half of its training rows that the patterns were not written with,
and its test rows.

toxicity: ROC-AUC on HateCheck, on Davidson's test tweets, on sentences of Civil Comments' test
split, and on Hatemoji's test texts less those that stand in its train split; by group on HateCheck;
what the threshold rejects of either class, and of requests that are not toxic. --vectors keeps the
texts' vectors.

shortcuts: see giving_away.py. language: see languages.py. leak: see passages.py.
near-duplicates: see near_duplicates.py. bias: see biased_texts.py. doubts: see wrong_labels.py.
labels and faults (agreement, length, copy, similarity): see planted.py. form: see planted_form.py.
accepted: see accepted_rows.py. judge: see judged_labels.py. check: see checking.py. meanings: see
meanings.py; --vectors keeps the texts' vectors. mentions: see wrong_types.py. annotated (unmarked,
variants): see annotated_rows.py.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import accepted_rows
import annotated_rows
import biased_texts
import checking
import giving_away
import judged_labels
import languages
import meanings
import near_duplicates
import passages
import planted
import planted_form
import planted_pii
import toxic_texts
import wrong_labels
import wrong_types

from augment.filters import measured
from augment.pii.find import IN_WORDS, find

REAL = (
    "classification/banking77/test", "classification/snips_intent/test",
    "classification/hwu64/test", "classification/goemotions/test",
    "classification/germeval2018_de/test", "safety/toxic_spans_civil_comments/test",
    "extraction/wnut17/test",
)  # fmt: skip
EACH = 300
PRESIDIO = {
    "CREDIT_CARD": "card", "EMAIL_ADDRESS": "email", "IBAN_CODE": "iban",
    "IP_ADDRESS": "ip_address", "PHONE_NUMBER": "phone", "US_SSN": "national_number",
}  # fmt: skip
SECONDS_LEAST = 2.0


def read(path: Path) -> list[dict[str, Any]]:
    """Return the rows of a corpus; some texts hold other line separators than a newline."""
    return [json.loads(line) for line in path.read_text("utf-8").split("\n") if line]


def texts(corpora: Path, name: str) -> list[str]:
    """Return the texts of a corpus."""
    return [row["text"] for row in read(corpora / f"{name}.jsonl")]


def wilson(hits: int, n: int) -> tuple[float, float]:
    """Return the 95 % interval of a share (Wilson 1927)."""
    z, share = 1.959964, hits / n
    centre, half = (
        share + z * z / (2 * n),
        z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n)),
    )
    return max((centre - half) / (1 + z * z / n), 0.0), min((centre + half) / (1 + z * z / n), 1.0)


def share(hits: int, n: int) -> str:
    """Return a share with its interval."""
    low, high = wilson(hits, n)
    return f"{hits / n:.3f} ({low:.3f} to {high:.3f})"


def rate(judge: Callable[[Sequence[str]], object], rows: Sequence[str]) -> float:
    """Return texts a second of CPU time, the median of at least three rounds of two seconds."""
    rates: list[float] = []
    while len(rates) < 3 or sum(len(rows) / each for each in rates) < SECONDS_LEAST:
        began = time.process_time()
        judge(rows)
        rates.append(len(rows) / (time.process_time() - began))
    return sorted(rates)[len(rates) // 2]


def pii(corpora: Path) -> dict[str, str]:
    """Measure the filter of personal data; return the sentence for reports."""
    rng = random.Random(0)
    real = [text for name in REAL for text in texts(corpora, name)]
    print(f"{len(real)} texts of {len(REAL)} corpora; {EACH} values of each kind put in")
    found, as_other = Counter[str](), Counter[str]()
    for kind in IN_WORDS:
        for _ in range(EACH):
            text, start, end = planted_pii.planted(rng.choice(real), kind, rng)
            over = [each.kind for each in find(text) if each.start < end and start < each.end]
            found[kind] += kind in over
            as_other[kind] += bool(over) and kind not in over
        told = f"as another kind {as_other[kind]}" if as_other[kind] else ""
        print(f"  {IN_WORDS[kind]:24} found {share(found[kind], EACH)}  {told}")
    alarms = Counter(each.kind for text in real for each in find(text) if each.standing == "real")
    wrong = sum(any(each.standing == "real" for each in find(text)) for text in real)
    print(f"  before anything was put in: {share(wrong, len(real))} of texts, {dict(alarms)}")
    _presidio(corpora)
    for name in REAL:
        rows = texts(corpora, name)
        print(
            f"  {name:45} {rate(lambda rows: [find(each) for each in rows], rows):>9,.0f} texts/s"
        )
    hits, n = found.total() + as_other.total(), EACH * len(IN_WORDS)
    return {
        "pii": f"of {n:,} values put into public texts {share(hits, n)} are found; of "
        f"{len(real):,} public texts as they are {share(wrong, len(real))} are rejected"
    }


def _presidio(corpora: Path) -> None:
    """Count what is found of the entities that presidio_pii marks, and what is found beside."""
    folder = corpora / "safety" / "presidio_pii"
    rows = read(folder / "train.jsonl")[1::2] + read(folder / "test.jsonl")
    hits, n, right, wrong = Counter[str](), Counter[str](), 0, 0
    for row in rows:
        marked = [each for each in row["entities"] if each["label"] in PRESIDIO]
        over = find(row["text"])
        for entity in marked:
            n[entity["label"]] += 1
            hits[entity["label"]] += any(
                each.start < entity["end"] and entity["start"] < each.end for each in over
            )
        for each in over:
            true = any(e["start"] < each.end and each.start < e["end"] for e in marked)
            right, wrong = right + true, wrong + (not true)
    print(f"  presidio_pii, {len(rows)} rows: precision {share(right, right + wrong)}")
    for label, count in n.items():
        print(f"    {label:22} n {count:3} found {share(hits[label], count)}")


MEASURES: Mapping[str, Callable[[Path, Path | None], dict[str, str]]] = {
    "pii": lambda corpora, _: pii(corpora),
    "toxicity": toxic_texts.measure,
    "shortcuts": lambda corpora, _: giving_away.measure(corpora, share),
    "language": lambda corpora, _: languages.measure(corpora, share),
    "leak": lambda corpora, _: passages.measure(corpora, share),
    "near-duplicates": lambda corpora, _: near_duplicates.measure(corpora, share),
    "labels": lambda corpora, _: planted.wrong_labels(corpora),
    "faults": lambda corpora, _: planted.faults(corpora, share),
    "doubts": wrong_labels.measure,
    "accepted": accepted_rows.measure,
    "judge": lambda corpora, _: judged_labels.measure(corpora, share),
    "bias": lambda corpora, _: biased_texts.measure(corpora),
    "form": lambda corpora, _: planted_form.measure(corpora, share),
    "check": lambda corpora, _: checking.measure(corpora),
    "meanings": lambda corpora, vectors: meanings.measure(corpora, vectors, share),
    "annotated": lambda corpora, _: annotated_rows.measure(corpora, share),
    "mentions": lambda corpora, vectors: wrong_types.measure(corpora, vectors, share),
}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=[*MEASURES, "all"])
    parser.add_argument("--corpora", type=Path, default=os.environ.get("AUGMENT_CORPORA"))
    parser.add_argument("--vectors", type=Path, help="keeps texts' vectors for another time")
    parser.add_argument("--write", action="store_true", help="into measured.json")
    options = parser.parse_args()
    if options.corpora is None:
        parser.error("--corpora DIR, or the variable AUGMENT_CORPORA, must name the corpora")
    told: dict[str, str] = {}
    for name in MEASURES if options.what == "all" else [options.what]:
        told |= MEASURES[name](Path(options.corpora), options.vectors)
    for name, sentence in told.items():
        print(f"{name}: {sentence}")
    if options.write:
        path = Path(measured.__file__).with_name(measured.FILE)
        known = json.loads(path.read_text("utf-8")) | told
        path.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n", "utf-8")


if __name__ == "__main__":
    main()
