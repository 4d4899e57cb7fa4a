"""The prompts of the extraction tasks, as they are; golden files to be read before a commit."""

from __future__ import annotations

import os
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from annotated import spans

from augment.records import Annotation, Argument, Ask, Event, Example, Relation
from augment.spans.types import learnt
from augment.tasks.annotating import Annotating
from augment.tasks.extraction import Extraction
from augment.tasks.templates import load_template

GOLDEN = Path(__file__).parent / "golden_extraction"
STRATEGIES = ("annotate", "entities-first", "fewshot", "paraphrase", "zeroshot")
PROMPTS = sorted(product(("ner", "relations", "events"), ("marks", "mentions"), STRATEGIES))


def seed(number: int, marked: str, **more: Any) -> Example[Annotation]:
    text, found = spans(marked)
    return Example(id=f"s{number}", text=text, target=Annotation(entities=found, **more))


def seeds_of(task: str) -> list[Example[Annotation]]:
    if task == "relations":
        lives = (Relation(head=0, tail=1, label="lives in"),)
        return [seed(0, "<person>Ada</person> lives in <city>Bonn</city>", relations=lives),
                seed(1, "in <city>Kiel</city> nothing happened")]  # fmt: skip
    if task == "events":
        arguments = (Argument(entity=0, role="who"), Argument(entity=2, role="whence"))
        left = (Event(trigger=1, type="leave", arguments=arguments),)
        return [seed(0, "<person>Ada</person> <go>left</go> <city>Bonn</city>", events=left),
                seed(1, "nothing happened")]  # fmt: skip
    return [seed(0, "a table in <city>Bonn</city> for <person>Ada & Bo</person>"),
            seed(1, "nothing happened")]  # fmt: skip


@pytest.mark.parametrize(("name", "form", "strategy"), PROMPTS)
def test_the_rendered_prompt_is_the_golden_one(name: Any, form: Any, strategy: str) -> None:
    seeds = seeds_of(name)
    task: Any = Extraction(learnt(seeds, task=name), form=form, skeleton=lambda _: seeds[0])
    shown = {"paraphrase": seeds[:1], "zeroshot": []}.get(strategy, seeds)
    ask = Ask(number=0, strategy=strategy, labels=task.labels_of(seeds[0])[:1], k=1)
    template = load_template(strategy, folder=None, task=name)
    if strategy == "annotate":
        given = Example(id="t1", text="Bo & Cy went to Rome", target=None)
        task = Annotating(task, texts=[given])
    turns = template.bind(task.constants()).render(task.variables(ask, shown))
    text = "".join(f"----- {role}\n{content}\n" for role, content in turns)
    path = GOLDEN / f"{name}_{form}_{strategy}.txt"
    if os.environ.get("UPDATE_GOLDEN") == "1":
        path.write_text(text, "utf-8")
    assert text == path.read_text("utf-8"), "UPDATE_GOLDEN=1 rewrites the golden files"


def test_every_golden_file_belongs_to_a_prompt() -> None:
    assert {path.stem for path in GOLDEN.iterdir()} == {"_".join(each) for each in PROMPTS}
