from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from augment.filters.form import Form
from augment.records import Ask, Candidate, Example, Verdict

ASK = Ask(number=0, strategy="fewshot", labels=("a",))
PROMPT = "Write one message as a real customer of a bank would write it, in the words of the seeds."


def example(text: str, pair: str | None = None) -> Example[str]:
    return Example(id="1", text=text, text_pair=pair, target="a")


def judged(text: str, *, seeds: tuple[str, ...] = (), pair: str | None = None) -> Verdict:
    by = Form(instructions=[PROMPT])
    by.fit([example(seed) for seed in seeds], None)
    row = Candidate(example=example(text, pair), ask=ASK, key="k", index=0)
    (verdict,) = by.judge([row], None)
    return verdict


BROKEN = {
    "empty": ["", " \n", "?!...", "\u200b\u200d", "。、"],
    "control": [
        "a\0b",
        "bell\x07",
        "\x85next",
        "half \ud83d",
        "no\ufffe",
        "\U0010ffff end",
        "a\fb",
    ],
    "echo": [
        "I was told: write one message as a real customer of a bank!",
        "as a REAL customer, of a bank; would",
    ],
    "refusal": [
        "I'm sorry, but I can't help with that.",
        "I’m sorry, but I can’t…",
        '"Sorry, I cannot generate hateful messages."',
        "I apologize, but I am unable to provide such examples.",
        "Unfortunately, I won't be able to create that.",
        "I cannot fulfill this request.",
        "I can't create offensive content.",
        "As an AI language model, I have no bank account.",
        "I am just an AI and do not own a card.",
        "Es tut mir leid, aber dabei kann ich nicht helfen.",
        "Tut mir leid, ich kann diese Nachricht nicht verfassen.",
        "Als KI-Sprachmodell habe ich kein Konto.",
        "Je suis désolé, mais je ne peux pas répondre à cette demande.",
        "En tant qu’intelligence artificielle, je n'ai pas de compte.",
        "Lo siento, pero no puedo generar ese texto.",
        "Como modelo de lenguaje, no tengo cuenta.",
        "很抱歉，我无法提供这样的内容。",
        "作为一个人工智能，我没有账户。",
    ],
    "chatter": [
        "Sure, here is a message about a lost card",
        "Certainly! My card is lost.",
        "Of course! Here's one:\nMy card is lost.",
        "Here are five examples: first",
        "Here is a rewritten version of the text: my card is lost",
        "Label: refund",
        "**Text:** my card is lost",
        "Example 3: my card is lost",
        "```json",
        "## Refunds",
        "1. my card is lost",
        "Gerne! Hier ist eine Nachricht",
        "Hier sind drei Beispielsätze: eins",
        "Beispiel 1: Karte weg",
        "Bien sûr ! Voici une phrase",
        "Voici un exemple de message : ma carte est perdue",
        "¡Claro! Aquí tienes una frase",
        "Aquí tienes un ejemplo: perdí mi tarjeta",
        "好的，以下是一个例句",
        "以下是三个示例：第一",
        "标签：退款",
    ],
    "placeholder": [
        "my name is {name}",
        "my name is {{ user.name }}",
        "my name is [NAME]",
        "I live in [Your City]",
        "call me at [insert phone number here]",
        "I live in <city>",
        "my order is XXX-XXXX",
        "Lorem ipsum dolor",
        "我叫[姓名]",
        "我住在【城市】",
    ],
}

SOUND = [
    "as a real customer of a bank I say",
    "Sorry, I can't log in to my account since this morning.",
    "I'm sorry but I cannot find my card anywhere",
    "Unfortunately, I won't be in town when the card arrives",
    "I can't complete the transfer, what now?",
    "As an airline passenger I expect more",
    "Here is my problem: the kettle leaks",
    "Here's hoping it works",
    "Sure, I will wait",
    "Certainly not what I ordered",
    "The label: it fell off",
    "Text me when it is here",
    "#refund now",
    "3 cards, 1 account",
    "Es tut mir leid, ich kann meine Karte nicht finden",
    "Als Kind war ich oft hier",
    "Désolé, je ne peux pas me connecter",
    "Voici ma carte",
    "Lo siento, no puedo entrar en mi cuenta",
    "Como una pizza cada viernes",
    "对不起，我找不到我的卡",
    "以下情况怎么办？",
    "a < b and b > c, or is it {1, 2}?",
    "line<br>break [1] and [sic] (xxx)",
    "two\r\nlines\tand a tab \u2028 here \u200f",
    "👍",
    "$$$",
    "\U0001fae8",
    "مرحبا",
]


@pytest.mark.parametrize(
    ("reason", "text"),
    [(reason, text) for reason, texts in BROKEN.items() for text in texts],
    ids=ascii,
)
def test_what_nobody_would_have_written_is_rejected(reason: str, text: str) -> None:
    verdict = judged(text)
    assert (verdict.outcome, verdict.reason) == ("rejected", reason), f"{text!a} gave {verdict}"
    assert verdict.score is None


@pytest.mark.parametrize("text", SOUND, ids=ascii)
def test_what_people_write_passes(text: str) -> None:
    assert judged(text).outcome == "passed", f"{text!a} was rejected: {judged(text).reason}"


@pytest.mark.parametrize("reason", ["echo", "refusal", "chatter", "placeholder"])
def test_a_rule_that_seeds_break_is_off_and_the_verdict_says_so(reason: str) -> None:
    text = BROKEN[reason][0]
    verdict = judged(text, seeds=(BROKEN[reason][-1], *SOUND[:3]))
    assert (verdict.outcome, verdict.reason) == ("passed", None)
    assert verdict.detail == f"{reason} is off: 25% of the seeds break it"
    assert judged(text, seeds=(BROKEN[reason][-1], *SOUND * 4)).outcome == "rejected", "1 of 117"
    assert judged("{x} \0", seeds=("{x}",)).reason == "control", "another rule went off with it"


@pytest.mark.parametrize("reason", ["empty", "control"])
def test_what_is_no_text_is_rejected_whatever_the_seeds_are(reason: str) -> None:
    text = BROKEN[reason][0]
    assert judged(text, seeds=(text,)).reason == reason


def test_both_texts_of_a_pair_are_judged() -> None:
    assert judged("a sound text", pair="Label: refund").reason == "chatter"
    assert judged("a sound text", pair=" ").reason == "empty"
    assert judged("a sound text", pair="another").outcome == "passed"


@given(st.text(st.characters(exclude_categories=())))
def test_any_text_gets_a_verdict(text: str) -> None:
    assert judged(text).outcome in {"passed", "rejected"}


@pytest.mark.parametrize(
    "unit",
    [
        *("{", "{a ", "[A", "[Your ", "<a ", "X", "[", " ", "*", "!", "\ud800", "抱歉", "\ufdfa"),
        *("i'm sorry ", "here is ", "sure, ", "tut mir leid aber ", "1. ", "write one message "),
        "\u0301\u0323",
    ],
    ids=ascii,
)
def test_a_megabyte_of_half_a_pattern_takes_bounded_time(unit: str) -> None:
    began = time.process_time()
    judged(unit * (1_000_000 // len(unit.encode("utf-8", errors="surrogatepass"))))
    assert time.process_time() - began < 10, f"a megabyte of {unit!a} takes too long"


@pytest.mark.parametrize(
    "name", ["banking77", "snips_intent", "hwu64", "germeval2018_de", "goemotions"]
)
def test_hardly_any_row_of_a_public_corpus_is_rejected(name: str, corpora: Path) -> None:
    lines = (corpora / "classification" / name / "train.jsonl").read_text("utf-8").split("\n")
    rows = [json.loads(line) for line in lines if line]
    seen: dict[str, int] = {}
    seeds, rest = [], []
    for row in rows:
        few = seen.setdefault(str(row["label"]), 0) < 10
        seen[str(row["label"])] += few
        (seeds if few else rest).append(example(row["text"]))
    by = Form()
    by.fit(seeds, None)
    verdicts = by.judge([Candidate(example=row, ask=ASK, key="", index=0) for row in rest], None)
    rejected = sum(verdict.outcome == "rejected" for verdict in verdicts)
    assert rejected <= 0.003 * len(rest), f"{rejected} of {len(rest)} rows were rejected"
