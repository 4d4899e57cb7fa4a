"""How well groups of people are found and exchanged, and planted skews told from chance.

found: rows of HateCheck, which name the group that they are about. exchanged: WinoBias' test
sentences, each of which has a twin with the other gender. skews: texts of four corpora that name
women or no group are dealt to four labels of 100 rows, women in one row of five; then in more of
one label's rows. Found: that label and group are beyond chance. False alarms: anything is, where
nothing was planted. level: a stream in which four of five mentions are of one gender, kept level.
hung: how often the label classifier changes its mind where gender tells the label of nine rows of
ten that it learnt from, and where it tells nothing.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from augment.filters.agreement import Agreement
from augment.filters.balance import Balance
from augment.identities.swap import swaps
from augment.identities.terms import Identities, axes_of
from augment.log_odds import least_z, log_odds
from augment.records import Ask, Candidate, Example
from evals.labelling import wilson

GROUPS = {
    "women": ("gender", "women"), "trans people": ("gender identity", "trans people"),
    "gay people": ("sexuality", "gay people"), "black people": ("ethnicity", "Black people"),
    "disabled people": ("disability", "disabled people"), "Muslims": ("religion", "Muslims"),
    "immigrants": ("migration", "migrants"),
}  # fmt: skip
TEXTS = (
    "classification/goemotions/test", "classification/hate_offensive_davidson/test",
    "safety/hatecheck/test", "classification/sms_spam/test",
)  # fmt: skip
LABELS, ROWS, DRAWS = ("a", "b", "c", "d"), 100, 500
BASE = 0.2
ENGLISH = Identities(axes_of("en"), languages=("en",))
ASK = Ask(number=0, strategy="given", labels=())


def read(corpora: Path, name: str) -> list[dict[str, Any]]:
    """Return the rows of a corpus."""
    lines = (corpora / f"{name}.jsonl").read_text("utf-8").split("\n")
    return [json.loads(line) for line in lines if line]


def share(hits: int, n: int) -> str:
    """Return a share with its interval (Wilson, 95 %)."""
    low, high = wilson(hits, n) or (0.0, 1.0)
    return f"{hits / n:.3f} ({low:.3f} to {high:.3f})"


def measure(corpora: Path) -> dict[str, str]:
    """Measure and print; return the sentence for reports."""
    hits, n = _found(corpora)
    right, twins = _exchanged(corpora)
    texts = [row["text"] for name in TEXTS for row in read(corpora, name)]
    named = [(text, ENGLISH.groups_in(text)) for text in dict.fromkeys(texts)]
    women = [text for text, groups in named if groups == {("gender", "women")}]
    men = [text for text, groups in named if groups == {("gender", "men")}]
    none = [text for text, groups in named if not groups]
    print(f"  {len(named)} texts: {len(women)} name women alone, {len(men)} men, {len(none)} none")
    alarms = sum(_told(women, none, BASE, draw)[1] for draw in range(DRAWS))
    print(f"  nothing planted: {share(alarms, DRAWS)} of {DRAWS} draws have a false alarm")
    told = {}
    for planted in (0.3, 0.4, 0.5, 0.6):
        told[planted] = sum(_told(women, none, planted, draw)[0] for draw in range(DRAWS))
        print(
            f"  {planted:.0%} of one label's rows name women: found {share(told[planted], DRAWS)}"
        )
    _level(women, men, none)
    _hung(women + men)
    began = time.process_time()
    for text in texts:
        ENGLISH.mentions(text)
    print(f"  {len(texts) / (time.process_time() - began):,.0f} texts a second of CPU time")
    return {
        "balance": f"the group that a row is about is found in {share(hits, n)} of {n:,} rows of "
        f"HateCheck, and exchanged as in its twin in {share(right, twins)} of {twins:,} sentences "
        f"of WinoBias; of {DRAWS} draws of 400 rows in which women are named in one of five, "
        f"{share(alarms, DRAWS)} tell of a skew, and {share(told[0.5], DRAWS)} where it is half of "
        "one label's"
    }


def _found(corpora: Path) -> tuple[int, int]:
    rows = [r for r in read(corpora, "safety/hatecheck/test") if r["target_ident"]]
    hits = 0
    for group, wanted in GROUPS.items():
        own = [r["text"] for r in rows if r["target_ident"] == group]
        found = sum(wanted in ENGLISH.groups_in(text) for text in own)
        hits += found
        print(f"  HateCheck, {group:16} n {len(own):4} found {share(found, len(own))}")
    return hits, len(rows)


def _exchanged(corpora: Path) -> tuple[int, int]:
    rows = [
        r["text"].replace("[", "").replace("]", "") for r in read(corpora, "safety/winobias/test")
    ]
    half = len(rows) // 2
    pairs = [
        *zip(rows[:half], rows[half:], strict=True),
        *zip(rows[half:], rows[:half], strict=True),
    ]
    right = none = 0
    for text, twin in pairs:
        made = [new for swap, (new,) in swaps(ENGLISH, [text]) if swap.axis == "gender"]
        right += twin in made
        none += not made
    print(f"  WinoBias, n {len(pairs)}: as its twin {share(right, len(pairs))}, left alone {none}")
    return right, len(pairs)


def _told(
    women: Sequence[str], none: Sequence[str], planted: float, draw: int
) -> tuple[bool, bool]:
    """Return whether the skew of the first label is told, and whether anything is."""
    rng = random.Random(draw)
    held = [round(ROWS * planted), *(round(ROWS * BASE) for _ in LABELS[1:])]
    held = [sum(rng.random() < count / ROWS for _ in range(ROWS)) for count in held]
    texts = [rng.sample(women, count) + rng.sample(none, ROWS - count) for count in held]
    counts = [sum(("gender", "women") in ENGLISH.groups_in(t) for t in own) for own in texts]
    least = least_z(len(LABELS) * len(GROUPS))
    pooled = (sum(counts) + 0.5) / (ROWS * len(LABELS) + 1)
    found = [
        log_odds((count, ROWS), (sum(counts) - count, ROWS * (len(LABELS) - 1)), share=pooled)[1]
        for count in counts
    ]
    return found[0] >= least, any(abs(z) >= least for z in found)


def _row(text: str, label: str) -> Candidate:
    return Candidate(example=Example(id="", text=text, target=label), ask=ASK, key="", index=0)


def _level(women: Sequence[str], men: Sequence[str], none: Sequence[str]) -> None:
    worst, rejected, rows = 0.0, 0, 0
    for draw in range(50):
        rng = random.Random(draw)
        by = Balance(ENGLISH)
        by.fit([], None)
        kept = {"women": 0, "men": 0}
        for _ in range(400):
            group = "women" if rng.random() < 0.8 else "men"
            text = rng.choice(none if rng.random() < 0.5 else {"women": women, "men": men}[group])
            row = _row(text, "a")
            (verdict,) = by.judge([row], None)
            rows += 1
            if verdict.outcome == "rejected":
                rejected += 1
                continue
            by.observe([row.example])
            for _, each in ENGLISH.groups_in(text):
                kept[each] += 1
        worst = max(worst, abs(kept["women"] - kept["men"]) / sum(kept.values()))
    print(
        f"  50 streams of 400 rows, 80% of mentions women: level within {worst:.3f} of the "
        f"mentions, {rejected / rows:.3f} of rows rejected"
    )


def _hung(texts: Sequence[str]) -> None:
    """Print how often the classifier would label a row otherwise with the gender exchanged."""
    for skew in (0.5, 0.9):
        changed = judged = 0
        for draw in range(10):
            rng = random.Random(draw)
            drawn = rng.sample(texts, min(400, len(texts)))
            of = {text: ("gender", "women") in ENGLISH.groups_in(text) for text in drawn}
            rows = [(t, "a" if of[t] == (rng.random() < skew) else "b") for t in drawn]
            by = Agreement(precision=0.11)
            by.fit([_row(*row).example for row in rows[:300]], None)
            tried = [(row, new) for row in rows[300:] for _, (new,) in swaps(ENGLISH, [row[0]])]
            before = by.judge([_row(*row) for row, _ in tried], None)
            after = by.judge([_row(new, row[1]) for row, new in tried], None)
            margins = [
                (old.score > 0, new.score > 0)
                for old, new in zip(before, after, strict=True)
                if old.score is not None and new.score is not None
            ]
            judged += len(margins)
            changed += sum(old != new for old, new in margins)
        said = share(changed, judged) if judged else "not judged"
        print(
            f"  gender tells the label of {skew:.0%}: n {judged}, other label after exchange {said}"
        )
