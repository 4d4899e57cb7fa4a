"""Annotations are held to their texts, and everything wrong with them is said at once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from annotated import annotated
from hypothesis import given
from hypothesis import strategies as st

from augment.records import Annotation, Span
from augment.spans.reading import (
    ANY,
    FIELDS,
    MISSING,
    REPEATED,
    TRIMMED,
    UNKNOWN,
    Allowed,
    read_annotation,
)
from augment.spans.writing import fields_of


def read(raw: str, *entities: dict[str, Any], task: Any = "ner", allowed=ANY, **more: Any) -> Any:
    cells = {"entities": list(entities), **more}
    return read_annotation(raw, cells, fields=FIELDS[task], allowed=allowed)


def entity(start: Any, end: Any, label: Any = "city", **more: Any) -> dict[str, Any]:
    return {"start": start, "end": end, "label": label, **more}


@given(annotated(), st.sets(st.sampled_from(["relations", "events"])))
def test_what_is_written_is_read_again(drawn: Any, kept: Any) -> None:
    text, annotation = drawn
    dropped = {name: () for name in ("relations", "events") if name not in kept}
    expected = replace(annotation, **dropped)
    row = fields_of(text, expected, kept)
    assert set(row) == {"text", "entities", *kept}
    found = read_annotation(text, row, fields=kept, allowed=ANY)
    assert found.faults == ()
    assert found.annotation == expected
    assert set(found.untidy) == set()
    assert all(each["text"] == text[each["start"] : each["end"]] for each in row["entities"])


@given(annotated(), st.text(" \t\n\u3000", max_size=3), st.text(" \n", max_size=3))
def test_white_space_around_a_text_moves_its_mentions(drawn: Any, before: str, after: str) -> None:
    text, annotation = drawn
    moved = [
        entity(s.start + len(before), s.end + len(before), s.label, text=text[s.start : s.end])
        for s in annotation.entities
    ]
    assert read(f"{before}{text}{after}", *moved).annotation.entities == annotation.entities


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (entity(0, 40), "entities[0]: start 0 and end 40 do not fit a text of 18 characters"),
        (entity(5, 5), "entities[0]: start 5 and end 5 do not fit"),
        (entity(-1, 4), "entities[0]: start -1 and end 4 do not fit"),
        (entity(4, 5), "entities[0]: holds nothing but white space (4 to 5)"),
        (
            entity(0, 4, text="Bonn"),
            "entities[0]: 0 to 4 is 'Anna', and 'text' says 'Bonn'; it stands at 14 to 18",
        ),
        (
            entity(14, 17, text="Bonn"),
            "entities[0]: 14 to 17 is 'Bon', and 'text' says 'Bonn'; they seem to count to the "
            "last character of the mention, not to the one after it: in Python's characters that "
            "is 14 to 18",
        ),
        (entity(0, 4, text=7), "entities[0]: text is not text but 7"),
        (entity("0", 4), "entities[0]: start is no whole number but '0'"),
        (entity(True, 4), "entities[0]: start is no whole number but True"),
        ({"start": 0, "label": "city"}, "entities[0]: end is missing"),
        (entity(0, 4, None), "entities[0]: label is empty"),
        (entity(0, 4, 3), "entities[0]: label is not text but 3"),
        (entity(0, 4, "a\tb"), r"entities[0]: label 'a\tb' holds a control character"),
        (entity(0, 4, "town"), "entities[0]: label 'town' is not one of ['city', 'person']"),
        ("Anna", "entities[0] is no object but 'Anna'"),
    ],
)
def test_a_fault_names_its_place_and_the_text_there(entry: Any, said: str) -> None:
    found = read("Anna lives in Bonn", entry, allowed=Allowed(entities=["city", "person"]))
    assert len(found.faults) == 1
    assert found.faults[0].startswith(said)


def test_all_faults_of_a_row_are_said_at_once() -> None:
    found = read(
        "Anna lives in Bonn",
        entity(0, 40),
        entity(0, 4, ""),
        task="relations",
        relations=[{"head": 0, "tail": 5, "label": "in"}, {"head": 1, "tail": 1, "label": "in"}],
    )
    assert [fault.partition(":")[0] for fault in found.faults] == [
        "entities[0]",
        "entities[1]",
        "relations[0]",
        "relations[1]",
    ]
    assert "tail 5 is none of the entities: the row has 2, counted from 0" in found.faults[2]
    assert "head and tail are the same mention, entities[1]" in found.faults[3]


@pytest.mark.parametrize(
    ("events", "said"),
    [
        ([{"trigger": 3, "type": "move"}], "events[0]: trigger 3 is none of the entities"),
        ([{"trigger": 0, "type": "stay"}], "events[0]: type 'stay' is not one of ['move']"),
        (
            [{"trigger": 0, "type": "move", "arguments": [{"entity": 0}]}],
            "events[0].arguments[0]: role is empty",
        ),
        ("move", "'events' is no list but 'move'"),
    ],
)
def test_a_fault_of_an_event_names_its_place(events: Any, said: str) -> None:
    found = read(
        "Anna moved",
        entity(5, 10),
        task="events",
        events=events,
        allowed=Allowed(events=["move"]),
    )
    assert [fault[: len(said)] for fault in found.faults] == [said]


BYTES = "Zürich grüßt Köln"


@pytest.mark.parametrize("given", [{}, {"text": "Köln"}])
@pytest.mark.parametrize("raw", [BYTES, f"{BYTES} heute"])
def test_bytes_given_for_characters_are_told(raw: str, given: dict[str, str]) -> None:
    start = raw.encode().index("Köln".encode())
    found = read(raw, entity(start, start + 5, **given))
    assert len(found.faults) == 1
    assert "they seem to count bytes: in Python's characters that is 13 to 17" in found.faults[0]


def test_utf16_units_given_for_characters_are_told() -> None:
    raw = "😀 Bonn ist schön"
    found = read(raw, entity(3, 7, text="Bonn"))
    assert "they seem to count UTF-16 units" in found.faults[0]
    assert "2 to 6" in found.faults[0]


@pytest.mark.parametrize(
    ("raw", "start", "end"),
    [
        ("Zürich ist schön", 0, 7),  # white space at the end is untidy, not wrong
        ("Über Zürichsee", 5, 11),  # part of a compound
        ("我住在北京市", 3, 5),  # no words to cut
        ("Schöne Grüße aus Bonn", 17, 21),
    ],
)
def test_characters_are_not_taken_for_bytes(raw: str, start: int, end: int) -> None:
    assert read(raw, entity(start, end)).faults == ()


def test_untidiness_is_put_in_order_and_named() -> None:
    found = read(
        "Anna lives in Bonn ",
        entity(13, 19, text="Bonn"),
        entity(14, 18, qid="Q586"),
        entity(0, 4, "person"),
        task="relations",
    )
    assert found.annotation == Annotation(
        entities=(Span(start=0, end=4, label="person"), Span(start=14, end=18, label="city"))
    )
    assert set(found.untidy) == {TRIMMED, REPEATED, UNKNOWN, MISSING}


def test_a_row_without_a_list_of_mentions_is_no_row_without_mentions() -> None:
    found = read_annotation("Anna", {"entities": None}, fields=("entities",), allowed=ANY)
    assert found.faults == ("'entities' is empty: write [] where there is no mention",)


def test_an_object_of_lists_is_a_list_of_objects() -> None:
    columns = {"start": [0, 14], "end": [4, 18], "label": ["person", "city"]}
    found = read_annotation(
        "Anna lives in Bonn", {"entities": columns}, fields=("entities",), allowed=ANY
    )
    assert [each.label for each in found.annotation.entities] == ["person", "city"]
