"""Rows out of Label Studio, Doccano and tokenised tables, recognised by what stands in them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from augment.errors import InputError
from augment.formats.check import Columns, read_seeds
from augment.formats.given import read_annotated
from augment.records import Annotation, Relation, SeedSet, Span

TEXT = "\U0001f44d Ada\nLee in Bonn"
MENTIONS = (Span(start=2, end=9, label="person"), Span(start=13, end=17, label="city"))
IN = Annotation(entities=MENTIONS, relations=(Relation(head=0, tail=1, label="in"),))


def seeds(folder: Path, rows: Any, *, name: str = "a.jsonl", lenient: bool = False) -> SeedSet:
    lines = json.dumps(rows) if name.endswith(".json") else "\n".join(map(json.dumps, rows))
    (folder / name).write_text(lines, "utf-8")
    return read_seeds(folder / name, columns=Columns(), labels=None, lenient=lenient)


def faults(folder: Path, rows: Any) -> list[str]:
    with pytest.raises(InputError) as raised:
        seeds(folder, rows)
    return [each.what for each in raised.value.faults]


# Label Studio -----------------------------------------------------------------------------------


def region(id: str, start: int, end: int, label: Any, text: str | None = None) -> Any:
    value = {"start": start, "end": end, "labels": [label]} | ({"text": text} if text else {})
    return {"id": id, "from_name": "x", "to_name": "y", "type": "labels", "value": value}


def link(one: str, other: str, label: str = "in", direction: str = "right") -> Any:
    ends = {"from_id": one, "to_id": other, "direction": direction}
    return {"type": "relation", **ends, "labels": [label]}


def task(*result: Any, text: str = TEXT, **more: Any) -> Any:
    return {"id": 5, "data": {"text": text}, "annotations": [{"result": list(result)}], **more}


def choice(*choices: str) -> Any:
    return {"type": "choices", "value": {"choices": list(choices)}}


@pytest.mark.parametrize("name", ["a.json", "a.jsonl"])
def test_tasks_are_read_with_their_regions_and_relations(name: str, tmp_path: Path):
    ada, bonn = region("a", 2, 9, "person", "Ada\\nLee"), region("b", 13, 17, "city", "Bonn")
    found = seeds(tmp_path, [task(bonn, ada, link("a", "b"))], name=name)
    assert (found.task, found.examples[0].id, found.warnings[:0]) == ("relations", "5", ())
    assert found.examples[0].target == IN


def test_offsets_in_utf16_units_are_converted_where_the_mentions_say_so(tmp_path: Path):
    ada, bonn = region("a", 3, 10, "person", "Ada\\nLee"), region("b", 14, 18, "city", "Bonn")
    found = seeds(tmp_path, [task(ada, bonn)])
    assert found.examples[0].target.entities == MENTIONS
    assert "tasks whose offsets count UTF-16 units, converted: 1" in found.warnings


def test_offsets_that_fit_in_no_unit_are_refused(tmp_path: Path):
    (what,) = faults(tmp_path, [task(region("a", 4, 8, "city", "Bonn"))])
    assert "4 to 8 is 'a\\nLe', and 'text' says 'Bonn'; it stands at 13 to 17" in what


@pytest.mark.parametrize(
    ("direction", "pairs"), [("right", [(0, 1)]), ("left", [(1, 0)]), ("bi", [(0, 1), (1, 0)])]
)
def test_a_relation_points_where_its_direction_says(direction: str, pairs: Any, tmp_path: Path):
    regions = [region("a", 2, 9, "person"), region("b", 13, 17, "city")]
    found = seeds(tmp_path, [task(*regions, link("a", "b", direction=direction))])
    relations = found.examples[0].target.relations
    assert [(each.head, each.tail) for each in relations] == pairs


def test_the_first_who_did_not_give_up_is_taken_or_else_the_prediction(tmp_path: Path):
    one, other = [region("a", 2, 9, "person")], [region("b", 13, 17, "city")]
    gave_up = {"result": other, "was_cancelled": True}
    rows = [
        task(text="Bo", annotations=[gave_up, {"result": one[:0]}, {"result": other}]),
        task(text=TEXT, annotations=[gave_up], predictions=[{"result": one}]),
    ]
    rows[0]["id"] = 6
    found = seeds(tmp_path, rows)
    assert [row.target.entities for row in found.examples] == [(), MENTIONS[:1]]
    assert "tasks annotated more than once, the first taken: 1" in found.warnings


def test_choices_are_labels_and_lists_of_them_where_some_row_has_several(tmp_path: Path):
    found = seeds(tmp_path, [task(choice("x"), text="a"), task(choice("y"), text="b")])
    assert [row.target for row in found.examples] == ["x", "y"]
    found = seeds(tmp_path, [task(choice("x"), text="a"), task(choice(), text="b")])
    assert [row.target for row in found.examples] == [("x",), ()]


def test_results_of_other_kinds_are_counted(tmp_path: Path):
    found = seeds(tmp_path, [task(region("a", 2, 9, "person"), {"type": "rating"}, "x")])
    assert "results that are neither labels, relations nor choices, left out: 2" in found.warnings


def test_everything_wrong_with_a_task_is_said(tmp_path: Path):
    html = {"type": "hypertextlabels", "value": {"start": "/p[1]", "hypertextlabels": ["x"]}}
    bare = {"type": "labels", "value": {"start": 0, "end": 1, "labels": []}}
    assert faults(tmp_path, [task(html, bare, link("a", "b")), {"text": "no task"}]) == [
        "result[0] is not of a plain text: it goes from '/p[1]' to None",
        "result[1] has no label",
        "the relation from 'a' to 'b' has an end that is no region",
        "is no task: it has no 'data'",
    ]


def test_a_task_that_nobody_annotated_is_refused_as_such(tmp_path: Path):
    rows = [task(region("a", 2, 9, "person")), {"data": {"text": "x"}, "annotations": []}]
    assert faults(tmp_path, rows) == ["'entities' is empty: write [] where there is no mention"]


# Doccano ----------------------------------------------------------------------------------------


def test_lists_of_spans_are_mentions(tmp_path: Path):
    rows = [
        {"id": 1, "text": TEXT, "label": [[2, 9, "person"], [13, 17, "city"]], "Comments": []},
        {"id": 2, "text": "nothing", "label": [], "Comments": []},
    ]
    found = seeds(tmp_path, rows)
    assert [row.target.entities for row in found.examples] == [MENTIONS, ()]
    assert dict(found.examples[0].meta) == {}


def test_relations_are_read_by_the_ids_of_their_mentions(tmp_path: Path):
    entities = [
        {"id": 71, "label": "city", "start_offset": 13, "end_offset": 17},
        {"id": 70, "label": "person", "start_offset": 2, "end_offset": 9},
    ]
    row = {"text": TEXT, "entities": entities}
    found = seeds(tmp_path, [{**row, "relations": [{"from_id": 70, "to_id": 71, "type": "in"}]}])
    assert found.examples[0].target == IN
    assert faults(
        tmp_path, [{**row, "relations": [{"from_id": 0, "to_id": 71, "type": "in"}, "x"]}]
    ) == ["relations[0]: from_id 0 is the id of none of the entities"]


def test_wrong_spans_are_refused_as_any_others(tmp_path: Path):
    rows = [{"text": "Bonn", "label": [[0, 9, "city"], [0, 4], "x", [0, 4, "city", 1]]}]
    assert faults(tmp_path, rows) == [
        "entities[2] is no object but 'x'",
        "entities[3] is no object but [0, 4, 'city', 1]",
        "entities[0]: start 0 and end 9 do not fit a text of 4 characters",
        "entities[1]: label is empty",
    ]


def test_lists_of_labels_stay_labels(tmp_path: Path):
    found = seeds(tmp_path, [{"text": "a", "label": ["x"]}, {"text": "b", "label": []}])
    assert [row.target for row in found.examples] == [("x",), ()]


# Tokens and tags --------------------------------------------------------------------------------


@pytest.mark.parametrize("tags", ["ner_tags", "tags", "labels"])
def test_tokens_and_tags_are_a_text_with_mentions(tags: str, tmp_path: Path):
    row = {"tokens": ["Ada", "Lee", "'s"], tags: ["B-person", "I-person", "O"]}
    found = seeds(tmp_path, [row, {**row, "text": "Ada Lee's"}])
    assert [(row.text, row.target.entities) for row in found.examples] == [
        ("Ada Lee 's", (Span(start=0, end=7, label="person"),)),
        ("Ada Lee's", (Span(start=0, end=7, label="person"),)),
    ]
    assert "sentences tagged in BIO: 2" in found.warnings


def test_every_row_of_tokens_that_is_at_fault_is_named(tmp_path: Path):
    rows = [
        {"tokens": ["Ada"], "tags": ["B-person"]},
        {"tokens": ["Ada"], "tags": [3]},
        {"tokens": "Ada", "tags": ["O"]},
        {"tokens": ["Ada", "left"], "tags": ["O"]},
        {"tokens": ["Ada", "left"], "tags": ["O", "person"]},
        {"tokens": ["Ada", "left"], "tags": ["O", "O"], "text": "left Ada"},
    ]
    assert faults(tmp_path, rows) == [
        "tags are no list of text but [3]: tags are to be names",
        "tokens are no list of text but 'Ada'",
        "has 2 tokens and 1 tags",
        "token 1: tag 'person' is neither O nor a type after B-, I-, E- or S- (or L-, U-)",
        "token 'left' does not stand in the text after 'left Ada'",
    ]


def test_rows_to_be_checked_are_recognised_too(tmp_path: Path):
    (tmp_path / "a.jsonl").write_text('{"text": "Bonn", "label": [[0, 4, "city"]]}', "utf-8")
    given = read_annotated(tmp_path / "a.jsonl", columns=Columns(), task="ner", lenient=False)
    assert json.loads(given.answers[0])["entities"] == [{"start": 0, "end": 4, "label": "city"}]
