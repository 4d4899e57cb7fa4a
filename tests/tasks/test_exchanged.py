from __future__ import annotations

import json

from augment.pii.replace import mask
from augment.records import Annotation, Ask, Completion, Example, Fault, Span
from augment.tasks.classification import Classification
from augment.tasks.exchanged import Exchanged

ASK = Ask(number=0, strategy="fewshot", labels=("a",))
ROWS = Classification(("a", "b"), pairs=True)


class Spans:
    """A task of which only `parse` matters here."""

    name = "ner"

    def __init__(self, row: Example[Annotation]) -> None:
        self._row = row

    def parse(self, answer, ask):
        return [self._row]


def test_rows_come_changed_and_the_rest_is_the_tasks_own() -> None:
    task = Exchanged(ROWS, mask)
    answer = json.dumps({"label": "a", "text": "ask a@b.de", "text_pair": "or call 0171 1234568"})
    (row,) = task.parse(answer, ASK)
    assert isinstance(row, Example)
    assert (row.text, row.text_pair) == ("ask [EMAIL]", "or call [PHONE]")
    assert task.fields(row) == {"text": row.text, "text_pair": row.text_pair, "label": "a"}
    assert task.labels_of(row) == ("a",)
    assert task.name == ROWS.name
    assert task.schema(ASK) == ROWS.schema(ASK)
    assert task.constants() == ROWS.constants()
    assert task.variables(ASK, [row]) == ROWS.variables(ASK, [row])
    assert task.texts_of(ASK) == ("", None)
    assert task.probability(Completion(text="")) is None


def test_texts_of_faults_are_changed_too_for_they_are_written_out() -> None:
    task = Exchanged(ROWS, mask)
    answer = json.dumps({"label": "c", "text": "ask a@b.de", "text_pair": "call 0171 1234568"})
    (fault,) = task.parse(answer, ASK)
    assert isinstance(fault, Fault)
    assert (fault.text, fault.text_pair) == ("ask [EMAIL]", "call [PHONE]")
    unfinished = task.unfinished(ASK, text="ask a@b.de", text_pair=None)
    assert unfinished.text == "ask [EMAIL]"


def test_mentions_follow_their_words() -> None:
    text = "ask a@b.de or Lena in Bonn"
    spans = [(4, 10, "MAIL"), (14, 18, "NAME"), (22, 26, "CITY")]
    target = Annotation(entities=tuple(Span(start=s, end=e, label=n) for s, e, n in spans))
    task = Exchanged(Spans(Example(id="1", text=text, target=target)), mask)  # type: ignore[arg-type]
    (row,) = task.parse("", ASK)
    assert isinstance(row, Example)
    found = [row.text[entity.start : entity.end] for entity in row.target.entities]
    assert found == ["[EMAIL]", "Lena", "Bonn"]


def test_mentions_that_would_stand_in_one_place_make_the_row_a_fault() -> None:
    text = "ask ada@bonn.de"
    spans = [(4, 7, "NAME"), (8, 12, "CITY")]
    target = Annotation(entities=tuple(Span(start=s, end=e, label=n) for s, e, n in spans))
    task = Exchanged(Spans(Example(id="1", text=text, target=target)), mask)  # type: ignore[arg-type]
    (row,) = task.parse("", ASK)
    assert isinstance(row, Fault)
    assert (row.reason, row.text) == ("doubled", "ask [EMAIL]")
