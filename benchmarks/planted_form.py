"""What the filter of form finds of planted faults; `filters.py` calls it.

Public texts as they are count as false alarms where they are rejected. Faults are put into texts of
other corpora than the rules were written with: refusals and chatter in five languages in words of
our own, instructions of the prompt repeated in part, placeholders, control characters. A fault is
found where its row is rejected, whatever the reason.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from augment.filters.form import Form
from augment.records import Ask, Candidate, Example, Verdict

REAL = (
    "classification/banking77", "classification/snips_intent", "classification/hwu64",
    "classification/goemotions", "classification/germeval2018_de", "extraction/wnut17",
    "extraction/restaurant8k_slots", "safety/toxic_spans_civil_comments",
)  # fmt: skip
SEEDS, EACH = 50, 300
SAID = (
    "Each row has exactly one of these labels, and a careful reader who sees the row would choose "
    "exactly what was asked for. Keep the tone and the noise of the examples and do not polish it."
)
REFUSALS = (
    "I'm sorry, but I can't help with that.", "I cannot create content of this kind.",
    "As an AI language model, I don't have opinions.", "Unfortunately, I am unable to write this.",
    "I apologize, but I can't provide an example like that.", "I must decline to write this text.",
    "Sorry, I won't generate hateful messages.", "I can't comply with this request.",
    "Es tut mir leid, aber dabei kann ich nicht helfen.", "Als KI kann ich keine Meinung haben.",
    "Désolé, je ne peux pas vous aider.", "En tant qu'IA, je n'ai pas d'avis.",
    "Lo siento, no puedo ayudar con eso.", "Como modelo de lenguaje no opino.",
    "\u62b1\u6b49,\u6211\u65e0\u6cd5\u63d0\u4f9b\u8fd9\u6837\u7684\u5185\u5bb9\u3002",
)  # fmt: skip
CHATTER = (
    "Sure, here is a new row: {}", "Certainly! Here's an example: {}", "Here is the text: {}",
    "Below is one message that fits: {}", "Of course! Here are some ideas. {}", "Text: {}",
    "Label: refund. {}", "1. {}", "```\n{}\n```", "Hier ist ein Beispiel: {}",
    "Voici un exemple: {}", "Aquí tienes un ejemplo: {}", "Okay, here's the sentence. {}",
    "The following is a possible request: {}", "Absolutely! Here is my attempt: {}",
)  # fmt: skip
PLACEHOLDERS = (
    "[NAME]", "[your city]", "{name}", "{{order_id}}", "<product>", "[Insert date here]",
    "[Company Name]", "XXXX", "<first name>", "[Your Name]",
)  # fmt: skip
CONTROLS = ("\x00", "\x07", "\x1b", "\x9d", "\ufffe", "\ud83d")
_ASK = Ask(number=0, strategy="given", labels=())


def texts(path: Path) -> list[str]:
    """Return the texts of a corpus' file."""
    return [json.loads(line)["text"] for line in path.read_text("utf-8").split("\n") if line]


def examples(rows: Sequence[str]) -> list[Example[str]]:
    """Return texts as examples of one label."""
    return [Example(id=str(n), text=text, target="x") for n, text in enumerate(rows)]


def judged(by: Form, rows: Sequence[str]) -> list[Verdict]:
    """Return the verdicts on texts."""
    return by.judge([Candidate(example=e, ask=_ASK, key="", index=0) for e in examples(rows)], None)


def _with(text: str, part: str, rng: random.Random) -> str:
    words = text.split() or [""]
    words.insert(rng.randrange(len(words) + 1), part)
    return " ".join(words)


def _echo(text: str, rng: random.Random) -> str:
    said = SAID.split()
    start = rng.randrange(len(said) - 12)
    return f"{text} {' '.join(said[start : start + 12])}"


FAULTS: Mapping[str, Callable[[str, random.Random], str]] = {
    "refusal": lambda _, rng: rng.choice(REFUSALS),
    "chatter": lambda text, rng: rng.choice(CHATTER).format(text),
    "placeholder": lambda text, rng: _with(text, rng.choice(PLACEHOLDERS), rng),
    "control": lambda text, rng: _with(text, rng.choice(CONTROLS), rng),
    "echo": _echo,
    "empty": lambda _, rng: rng.choice(("", " ", "...", "\u200b", "--")),
}


def measure(corpora: Path, share: Callable[[int, int], str]) -> dict[str, str]:
    """Print what is found and what is lost; return the sentence for reports."""
    rng = random.Random(0)
    wrong = total = 0
    every: list[str] = []
    for name in REAL:
        by = Form(instructions=(SAID,))
        by.fit(examples(rng.sample(texts(corpora / f"{name}/train.jsonl"), SEEDS)), None)
        rows = texts(corpora / f"{name}/test.jsonl")
        began = time.process_time()
        lost = [one.reason for one in judged(by, rows) if one.outcome == "rejected"]
        took = time.process_time() - began
        wrong, total, every = wrong + len(lost), total + len(rows), every + rows
        print(
            f"  {name:42} rejects {share(len(lost), len(rows))} "
            f"{ {each: lost.count(each) for each in dict.fromkeys(lost)} }; "
            f"{len(rows) / took:,.0f} texts/s"
        )
    by = Form(instructions=(SAID,))
    by.fit(examples(rng.sample(texts(corpora / f"{REAL[0]}/train.jsonl"), SEEDS)), None)
    hits = 0
    for kind, make in FAULTS.items():
        told = judged(by, [make(rng.choice(every), rng) for _ in range(EACH)])
        found = sum(one.outcome == "rejected" for one in told)
        named = sum(one.reason == kind for one in told)
        hits += found
        print(f"  {kind:12} found {share(found, EACH)}, {named} of them as such")
    n = EACH * len(FAULTS)
    return {
        "form": f"of {n:,} faults put into public texts {share(hits, n)} are found; of {total:,} "
        f"public texts as they are {share(wrong, total)} are rejected"
    }
