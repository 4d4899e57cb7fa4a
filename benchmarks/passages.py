"""What the filters of copies and leaks find of planted passages; `filters.py` calls it.

Half of a corpus' test rows are held out, the other half judged: rejected ones are false alarms,
but for true repetitions in the corpus. Then a passage of a held-out row of 20 words and more, so
many words of it, stands in the middle of each of 500 other rows. Last, what the passages of all
training rows of the corpora take in memory.
"""

from __future__ import annotations

import json
import random
import time
import tracemalloc
from collections.abc import Callable, Sequence
from pathlib import Path

from augment.filters.leak import Leak
from augment.filters.passages import SHORT, Passages
from augment.records import Ask, Candidate, Example
from augment.tokens import words

CORPORA = (
    "classification/banking77", "classification/goemotions", "classification/sms_spam",
    "classification/germeval2018_de", "extraction/phee_pharmacovigilance_events",
    "safety/toxic_spans_civil_comments",
)  # fmt: skip
RUNS = (8, 10, 13, 16)
EACH = 500
LONG_ROW = 20
_ASK = Ask(number=0, strategy="given", labels=())


def texts(path: Path) -> list[str]:
    """Return the texts of a corpus' file."""
    return [json.loads(line)["text"] for line in path.read_text("utf-8").split("\n") if line]


def examples(rows: Sequence[str]) -> list[Example[str]]:
    """Return texts as examples of one label."""
    return [Example(id=str(n), text=text, target="x") for n, text in enumerate(rows)]


def rejected(by: Leak, rows: Sequence[str]) -> tuple[int, int]:
    """Return how many texts are rejected, and how many of these for a passage alone."""
    judged = by.judge(
        [Candidate(example=e, ask=_ASK, key="", index=0) for e in examples(rows)], None
    )
    found = [one.detail or "" for one in judged if one.outcome == "rejected"]
    return len(found), sum("words in a row" in detail for detail in found)


def memory_of(rows: Sequence[str]) -> str:
    """Return the memory that the passages of texts take, in bytes a run of 8 words."""
    runs = sum(max(0, len(words(text)) - SHORT + 1) for text in rows)
    tracemalloc.start()
    passages = Passages()
    for number, text in enumerate(rows):
        passages.add(str(number), text)
    passages.shared(rows[:1])
    now, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return (
        f"{len(rows):,} texts, {runs:,} runs of {SHORT} words: {now / runs:.0f} B a run, "
        f"{most / runs:.0f} B at most"
    )


def measure(corpora: Path, share: Callable[[int, int], str]) -> dict[str, str]:
    """Print what is found and what is lost; return the sentence for reports."""
    alone = wrong = total = hits = n = 0
    rng = random.Random(0)
    for name in CORPORA:
        rows = list(dict.fromkeys(texts(corpora / f"{name}/test.jsonl")))
        rng.shuffle(rows)
        held, others = rows[: len(rows) // 2], rows[len(rows) // 2 :]
        by = Leak(examples(held))
        began = time.process_time()
        lost, passages = rejected(by, others)
        took = time.process_time() - began
        alone, wrong, total = alone + passages, wrong + lost, total + len(others)
        print(
            f"  {name:45} rejects {share(lost, len(others))} as is, {passages} of "
            f"them for a passage; "
            f"{len(others) / took:,.0f} texts/s"
        )
        long = [text.split() for text in held if len(text.split()) >= LONG_ROW]
        for run in RUNS if len(long) >= EACH // 5 else ():
            planted: list[str] = []
            for _ in range(EACH):
                source, around = rng.choice(long), rng.choice(others).split()
                start, middle = rng.randrange(len(source) - run + 1), len(around) // 2
                taken = source[start : start + run]
                planted.append(" ".join([*around[:middle], *taken, *around[middle:]]))
            found, _ = rejected(by, planted)
            print(f"    {run:3} words put in: found {share(found, EACH)}")
            if run >= max(RUNS):
                hits, n = hits + found, n + EACH
    every = [text for name in CORPORA for text in texts(corpora / f"{name}/train.jsonl")]
    print(f"  {memory_of(every)}")
    return {
        "leak": f"of {n:,} rows with {max(RUNS)} words of a held-out row in them {share(hits, n)} "
        f"are found; of {total:,} other rows of the same corpora {share(wrong, total)} are "
        f"rejected, {share(alone, total)} for a passage and the rest as near-duplicates"
    }
