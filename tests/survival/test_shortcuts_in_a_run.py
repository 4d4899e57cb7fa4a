"""A model that gives labels away is told which words to do without, and rows with them are few."""

from __future__ import annotations

import json
import random
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from augment_command import left_in
from langchain_core.language_models import SimpleChatModel
from langchain_core.messages import BaseMessage
from pydantic import Field

import augment
from augment.journal import SqliteJournal
from augment.runs import settle
from augment.setting import renderer_of

NOUNS = ("parcel", "card", "bill", "shop", "order", "coat", "lamp", "door", "ring", "train", "key")
VERBS = ("sold", "lost", "found", "sent", "bought", "broke", "kept", "moved", "took", "left")
UNCHECKED = {"without": ["length", "copy", "agreement", "similarity", "near_duplicate"]}


def said(rng: random.Random) -> str:
    return " ".join(f"{rng.choice(VERBS)} my {rng.choice(NOUNS)}" for _ in range(3))


SEEDS = [
    {"text": said(random.Random(f"{label} {number}")), "label": label}
    for label in ("refund", "delivery")
    for number in range(12)
]


class Polite(SimpleChatModel):
    """Writes `kindly` in every row of `refund`, unless it is told not to."""

    told: list[bool] = Field(default_factory=list)

    @property
    def _llm_type(self) -> str:
        return "polite"

    def _call(self, messages: Sequence[BaseMessage], *_: Any, **__: Any) -> str:
        prompt = str(messages[-1].content)
        shape = json.loads(prompt.rstrip().split("\n")[-1])
        told = "\n- kindly\n" in prompt
        self.told.append(told)
        text = said(random.Random(zlib.crc32(f"{prompt} {len(self.told)}".encode())))
        if shape["label"] == "refund" and not told:
            text = f"kindly {text}"
        return json.dumps({**shape, "text": text})


@pytest.fixture(name="recipe")
def _recipe(tmp_path: Path) -> dict[str, Any]:
    return {
        "out": tmp_path / "out", "per_label": 20, "encoder": "ngram", "filters": UNCHECKED,
        "concurrency": 2, "strategies": {"fewshot": 1},
    }  # fmt: skip


def test_the_words_are_avoided_and_the_asks_can_be_made_again(recipe: dict[str, Any]) -> None:
    model = Polite()
    first = augment.run(SEEDS, recipe, chat_model=model)
    run = augment.run(SEEDS, recipe | {"per_label": 40}, chat_model=model)

    assert (first.finish, run.finish) == ("done", "done")
    left = left_in(run.out)
    kindly = sum("kindly" in row["text"] for row in left.accepted if row["label"] == "refund")
    assert 5 <= kindly <= 24, "nothing held it back"
    assert any(model.told), "no prompt named the word"
    assert not all(model.told), "prompts named it before there was a reason"
    assert "shortcut" in left.reasons()
    (term,) = (each for each in left.report["shortcuts"] if each["word"] == "kindly")
    assert term["label"] == "refund"
    assert term["rows"] == {"n": 40, "with": kindly}
    assert term["seeds"] == {"n": 12, "with": 0}
    assert "Words that tell labels" in (run.out / "report.html").read_text("utf-8")

    journal = SqliteJournal(run.out / "journal.db", clock=lambda: 0.0)
    asked = [(arrival.ask, arrival.key) for arrival, _ in journal.replay()]
    journal.close()
    assert any(ask.avoid == ("kindly",) for ask, _ in asked)
    render = renderer_of(settle(SEEDS, recipe, chat_model=model)).request
    assert [render(ask).key for ask, _ in asked] == [key for _, key in asked]
