"""What the filter of languages finds and loses; `filters.py` calls it.

Fifty seeds of a corpus, drawn at random, and its test rows: as they are, every rejected row is a
false alarm (a few tweets are in other languages). Then rows in another language are judged, those
of a corpus and sentences of our own, whole and cut to their first words; where the filter abstains
they are not found.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from augment.filters.language import Language
from augment.records import Ask, Candidate, Example, Verdict

ENGLISH = (
    "classification/banking77", "classification/snips_intent", "classification/hwu64",
    "classification/goemotions", "classification/sms_spam",
    "classification/hate_offensive_davidson", "extraction/restaurant8k_slots",
    "extraction/wnut17",
)  # fmt: skip
GERMAN = "classification/germeval2018_de"
SEEDS = 50
WORDS = (3, 5, 8)
OWN: Mapping[str, Sequence[str]] = {
    "de": ("wo bleibt mein Paket", "ich möchte das Geld für die Bestellung zurück haben"),
    "fr": ("où est passé mon colis", "je voudrais être remboursé pour ma commande"),
    "es": ("dónde está mi paquete", "quiero que me devuelvan el dinero del pedido"),
    "it": ("dov'è finito il mio pacco", "vorrei riavere i soldi del mio ordine di ieri"),
    "pt": ("onde está a minha encomenda", "quero o meu dinheiro de volta por este pedido"),
    "nl": ("waar blijft mijn pakketje", "ik wil mijn geld terug voor deze bestelling"),
    "sv": ("var är mitt paket någonstans", "jag vill ha tillbaka pengarna för beställningen"),
    "pl": ("gdzie jest moja paczka", "chciałbym odzyskać pieniądze za to zamówienie"),
    "tr": ("benim paketim nerede", "siparişim için iade etmenizi rica ediyorum"),
    "ru": ("где моя посылка", "я хочу вернуть деньги за этот заказ"),
    "zh": ("我的包裹在哪里", "我想要退回这个订单的钱"),
    "ja": ("私の荷物はどこですか", "この注文の返金をお願いします"),
}
_ASK = Ask(number=0, strategy="given", labels=())


def texts(path: Path) -> list[str]:
    """Return the texts of a corpus' file."""
    return [json.loads(line)["text"] for line in path.read_text("utf-8").split("\n") if line]


def examples(rows: Sequence[str]) -> list[Example[str]]:
    """Return texts as examples of one label."""
    return [Example(id=str(n), text=text, target="x") for n, text in enumerate(rows)]


def judged(by: Language, rows: Sequence[str]) -> list[Verdict]:
    """Return the verdicts on texts."""
    return by.judge([Candidate(example=e, ask=_ASK, key="", index=0) for e in examples(rows)], None)


def seeded(corpora: Path, name: str) -> Language:
    """Return the filter, fitted to seeds of a corpus."""
    by = Language()
    by.fit(examples(random.Random(0).sample(texts(corpora / f"{name}/train.jsonl"), SEEDS)), None)
    return by


def measure(corpora: Path, share: Callable[[int, int], str]) -> dict[str, str]:
    """Print what is found and what is lost; return the sentence for reports."""
    wrong = total = 0
    for name in (*ENGLISH, GERMAN):
        rows = texts(corpora / f"{name}/test.jsonl")
        by = seeded(corpora, name)
        began = time.process_time()
        told = judged(by, rows)
        took = time.process_time() - began
        lost = sum(one.outcome == "rejected" for one in told)
        unsaid = sum(one.outcome == "abstained" for one in told)
        wrong, total = wrong + lost, total + len(rows)
        print(
            f"  {name:42} rejects {share(lost, len(rows))}, abstains on {unsaid / len(rows):.2f}; "
            f"{len(rows) / took:,.0f} texts/s"
        )
    hits = n = 0
    german = texts(corpora / f"{GERMAN}/test.jsonl")
    english = texts(corpora / "classification/banking77/test.jsonl")
    for seeds, strange in ((ENGLISH[0], german), (GERMAN, english)):
        by = seeded(corpora, seeds)
        for words in (*WORDS, 1000):
            cut = [" ".join(text.split()[:words]) for text in strange]
            found = sum(one.outcome == "rejected" for one in judged(by, cut))
            print(
                f"  seeds of {seeds:31} first {words:4} words of the other language found "
                f"{share(found, len(cut))}"
            )
        hits, n = hits + found, n + len(cut)
    by = seeded(corpora, ENGLISH[0])
    for at, kind in enumerate(("four words or so", "eight or so")):
        own = {name: rows[at] for name, rows in OWN.items()}
        told = judged(by, list(own.values()))
        missed = [name for name, one in zip(own, told, strict=True) if one.outcome != "rejected"]
        print(f"  {len(own)} languages, {kind}: missed {missed or 'none'}")
    return {
        "language": f"of {total:,} public texts in the seeds' language {share(wrong, total)} are "
        f"rejected, of {n:,} in another {share(hits, n)}"
    }
