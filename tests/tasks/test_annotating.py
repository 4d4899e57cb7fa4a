"""Texts that are given, and annotated: the text stays as it is, whatever the answer makes of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from annotated import annotated, spans
from hypothesis import assume, given
from hypothesis import strategies as st

from augment.records import Annotation, Ask, Example, Fault
from augment.spans.types import learnt
from augment.tasks.annotating import Annotating
from augment.tasks.extraction import Extraction

FORMS = ["marks", "mentions"]
SEEDS = [
    Example(id=f"s{at}", text=text, target=Annotation(entities=found))
    for at, (text, found) in enumerate(
        map(spans, ["a table in <city>Bonn</city> for <person>Ada</person>", "no table at all"])
    )
]
GIVEN = 'Ada & "Bo" left  Bonn'


def task_of(text: str, form: Any = "marks") -> Annotating:
    given = Example(id="t7", text=text, target=None, group="g", origin="given")
    return Annotating(Extraction(learnt(SEEDS, task="ner"), form=form), texts=[given])


def only(task: Annotating, answer: Any) -> Any:
    said = answer if isinstance(answer, str) else json.dumps(answer)
    [found] = task.parse(said, Ask(number=0, strategy="annotate", labels=()))
    return found


def said(row: Example[Annotation]) -> list[tuple[str, str]]:
    return [(row.text[s.start : s.end], s.label) for s in row.target.entities]


@given(annotated(kinds=()), st.sampled_from(FORMS))
def test_an_answer_that_says_an_annotation_gives_it_to_the_given_text(drawn, form) -> None:
    text, annotation = drawn
    example = Example(id="", text=text, target=annotation)
    rows = Extraction(learnt([example], task="ner"), form=form)
    assume(rows.can_carry(example))
    task = Annotating(rows, texts=[Example(id="t", text=text, target=None)])
    found = only(task, rows.row_of(example))
    assert (found.text, found.target, found.origin) == (text, annotation, "given")


@pytest.mark.parametrize("form", FORMS)
@given(st.text() | st.dictionaries(st.sampled_from(["text", "entities"]), st.text() | st.none()))
def test_whatever_an_answer_holds_the_text_is_the_given_one(form, value) -> None:
    found = only(task_of(GIVEN, form), value)
    assert found.text == GIVEN


@pytest.mark.parametrize(
    ("answer", "mentions"),
    [
        ('<person>Ada</person> & "Bo" left  <city>Bonn</city>', [("Ada", "person"),
                                                                 ("Bonn", "city")]),
        # The answer's own text is another: the mentions are found again in the given one.
        ("<person>ada</person> and “Bo” left <city>BONN</city>!", [("Ada", "person"),
                                                                   ("Bonn", "city")]),
        (GIVEN, []),
    ],
)  # fmt: skip
def test_marks_are_read_in_the_text_or_grounded_in_it(answer, mentions) -> None:
    found = only(task_of(GIVEN), {"text": answer})
    assert (found.text, said(found)) == (GIVEN, mentions)
    assert (found.id, found.group) == ("t7", "g")


def test_a_listed_mention_is_grounded_in_the_given_text_and_not_in_the_answers() -> None:
    listed = [{"text": "Bonn", "label": "city"}]
    task = task_of(GIVEN, "mentions")
    assert said(only(task, {"text": "Bonn it is", "entities": listed})) == [("Bonn", "city")]
    assert only(task, {"text": "", "entities": listed}).target.entities[0].start == GIVEN.find(
        "Bonn"
    )


@pytest.mark.parametrize(
    ("answer", "reason", "detail"),
    [
        ("", "empty", "the answer is empty"),
        ("Ada", "json", "no whole JSON object in 'Ada'"),
        ({"text": "<city>Rome</city>"}, "unaligned", "'Rome' (city): not_in_text"),
        ({"text": f"{GIVEN}<city>"}, "marks", "'<city>' is not closed"),
        ({"text": "<river>Ada</river>"}, "unknown_type", "'river' is not one of"),
        ({"label": "city"}, "schema", "expected the keys text, found 'label'"),
    ],
)
def test_what_does_not_fit_the_text_has_a_reason(answer, reason, detail) -> None:
    found = only(task_of(GIVEN), answer)
    assert isinstance(found, Fault)
    assert (found.reason, found.text) == (reason, GIVEN)
    assert detail in found.detail


def test_an_ask_beyond_the_last_text_is_about_the_first_again() -> None:
    rows = Extraction(learnt(SEEDS, task="ner"))
    texts = [Example(id=f"t{at}", text=text, target=None) for at, text in enumerate("ab")]
    task = Annotating(rows, texts=texts)
    asks = [Ask(number=number, strategy="annotate", labels=()) for number in range(4)]
    assert [task.texts_of(ask)[0] for ask in asks] == ["a", "b", "a", "b"]
    assert task.unfinished(asks[1], text="", text_pair=None).target == Annotation(entities=())
