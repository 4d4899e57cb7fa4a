"""Rows to be checked: a file can be refused, one row never; filters judge what is strange."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from augment.errors import InputError
from augment.formats.given import Given, read_given
from augment.formats.rows import Columns
from augment.records import Ask, Example, Fault
from augment.tasks.classification import Classification

GOOD = {"text": "where is my card", "label": "card"}
ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=10)
CELL = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | ANY_TEXT | st.floats(-9, 9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=2),
    max_leaves=5,
)
ROW = st.fixed_dictionaries({}, optional={"text": CELL, "label": CELL, "text_pair": CELL})


def read(path: Path, *, several=False, pairs=False, lenient=False, **columns: str) -> Given:
    return read_given(
        path, columns=Columns(**columns), several=several, pairs=pairs, lenient=lenient
    )


def jsonl(folder: Path, *rows: object, name: str = "rows.jsonl") -> Path:
    path = folder / name
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    path.write_text("".join(f"{line}\n" for line in lines), "utf-8")
    return path


def parsed(found: Given, *, several=False, pairs=False, labels=("card", "refund")):
    """What the task makes of each row, asked for with the labels that it bears."""
    task = Classification(labels, several=several, pairs=pairs)
    return [
        one
        for number, (own, answer) in enumerate(zip(found.labels, found.answers, strict=True))
        for one in task.parse(answer, Ask(number=number, strategy="given", labels=own))
    ]


@given(rows=st.lists(ROW, max_size=6), several=st.booleans(), pairs=st.booleans())
@example(rows=[{"label": [[False, None, None]]}], several=False, pairs=True)
def test_every_row_is_an_answer_whatever_its_cells_hold(tmp_path_factory, rows, several, pairs):
    good = {**GOOD, "text_pair": "and then?", "label": ["card"] if several else "card"}
    path = jsonl(tmp_path_factory.mktemp("rows"), good, *rows)
    found = read(path, several=several, pairs=pairs)

    assert len(found.answers) == len(found.labels) == len(rows) + 1
    keys = {"label", "text", "text_pair"} if pairs else {"label", "text"}
    assert all(json.loads(answer).keys() == keys for answer in found.answers)
    ends = parsed(found, several=several, pairs=pairs)
    assert len(ends) == len(rows) + 1, "a row was lost, or became two"
    assert isinstance(ends[0], Example)
    assert all(
        isinstance(label, str) and label == label.strip() for own in found.labels for label in own
    )
    assert several or all(len(own) == 1 for own in found.labels)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"text": "", "label": "card"}, "empty"),
        ({"text": " \n ", "label": "card"}, "empty"),
        ({"text": None, "label": "card"}, "empty"),
        ({"label": "card"}, "empty"),
        ({"text": "x", "label": "theft"}, "unknown_label"),
        ({"text": "x", "label": ""}, "unknown_label"),
        ({"text": "x", "label": None}, "unknown_label"),
        ({"text": "x"}, "unknown_label"),
        ({"text": "x", "label": 3}, "unknown_label"),
        ({"text": "x", "label": True}, "unknown_label"),
        ({"text": "x", "label": "\ud800"}, "unknown_label"),
        ({"text": 17, "label": "card"}, "schema"),
        ({"text": ["x"], "label": "card"}, "schema"),
        ({"text": {"a": "x"}, "label": "card"}, "schema"),
        ({"text": "x", "label": ["card"]}, "schema"),
    ],
)
def test_a_strange_row_is_left_to_the_task(tmp_path, row, reason):
    (good, fault, again) = parsed(read(jsonl(tmp_path, GOOD, row, GOOD)))

    assert isinstance(fault, Fault)
    assert fault.reason == reason
    assert isinstance(good, Example)
    assert isinstance(again, Example)


def test_a_lone_surrogate_comes_through_as_it_is(tmp_path):
    (row,) = parsed(read(jsonl(tmp_path, {"text": "lone \ud800", "label": "card"})))

    assert row.text == "lone \ud800"


def test_labels_are_read_as_those_of_seeds_are(tmp_path):
    rows = [{"text": "x", "label": label} for label in (" card ", 7, True, 1.5)]
    found = read(jsonl(tmp_path, *rows))

    assert found.labels == [("card",), ("7",), ("true",), ("1.5",)]
    ends = parsed(found, labels=("card", "7", "true", "1.5"))
    assert [end.target for end in ends] == ["card", "7", "true", "1.5"]


@pytest.mark.parametrize(
    ("label", "labels"),
    [
        (["card", "refund"], ("card", "refund")),
        (["card", "card"], ("card",)),
        ([], ()),
        (None, ()),
        ("card", ("card",)),
        ([7, " card "], ("7", "card")),
    ],
)
def test_where_seeds_bear_several_labels_so_does_every_row(tmp_path, label, labels):
    found = read(jsonl(tmp_path, {"text": "x", "label": label}), several=True)

    assert found.labels == [labels]
    (row,) = parsed(found, several=True, labels=("card", "refund", "7"))
    assert isinstance(row, Example)
    assert set(row.target) == set(labels)


def test_lists_are_read_from_the_json_text_of_a_csv_cell(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text('text,label\nx,"[""card"", ""refund""]"\ny,[other]\n12,\n', "utf-8")

    assert read(path, several=True).labels == [("card", "refund"), ("[other]",), ()]
    assert [json.loads(answer)["text"] for answer in read(path).answers] == ["x", "y", "12"]


def test_cells_that_json_cannot_say_are_shown(tmp_path):
    path = tmp_path / "rows.parquet"
    cells = {"text": [b"bytes", None], "label": ["card", "card"]}
    pq.write_table(pa.table(cells), path)
    odd = read(path)
    numbers = {"text": [math.nan, math.inf], "label": ["card", "card"]}
    pq.write_table(pa.table(numbers), path)

    assert json.loads(odd.answers[0])["text"] == "b'bytes'"
    assert [end.reason for end in parsed(read(path))] == ["empty", "schema"]


@pytest.mark.parametrize(
    ("rows", "more", "message"),
    [
        ([{"text": "x"}], {}, "no column 'label'; the columns are ['text']"),
        ([{"label": "x"}], {}, "no column 'text'; the columns are ['label']"),
        ([GOOD], {"text": "q"}, "no column 'q'; the columns are ['text', 'label']"),
        (
            [GOOD],
            {"pairs": True},
            "no column 'text_pair', and the seeds have two texts; the columns are ['text', "
            "'label']",
        ),
        ([{"text": "x", "intent": "a", "class": "b"}], {}, "could each be the label"),
    ],
)
def test_a_missing_column_refuses_the_file_and_names_the_columns(tmp_path, rows, more, message):
    path = jsonl(tmp_path, *rows)
    with pytest.raises(InputError) as caught:
        read(path, **more)

    assert str(caught.value).startswith(f"{path}: ")
    assert message in str(caught.value)


def test_a_second_text_is_left_out_where_the_seeds_have_none(tmp_path):
    found = read(jsonl(tmp_path, {**GOOD, "text_pair": "and then?"}))

    assert json.loads(found.answers[0]) == GOOD


BROKEN = ('{"text": "x"', "[]", "17", '{"text": "a", "text": "b", "label": "card"}', "NaN")


@pytest.mark.parametrize("line", BROKEN)
def test_a_broken_line_refuses_the_file_and_is_named(tmp_path, line):
    path = jsonl(tmp_path, GOOD, line, GOOD)
    with pytest.raises(InputError, match="line 2: ") as caught:
        read(path)

    assert len(caught.value.faults) == 1


def test_broken_lines_are_skipped_and_counted_where_that_is_asked_for(tmp_path):
    found = read(jsonl(tmp_path, *BROKEN[:2], GOOD, *BROKEN[2:], GOOD), lenient=True)

    assert found.warnings == ("lines that are no rows, skipped: 5",)
    assert found.labels == [("card",), ("card",)]


def test_lenient_or_not_a_file_of_broken_lines_only_or_of_none_is_refused(tmp_path):
    for lines, message in ((BROKEN, "line 1: "), ((), "is empty"), (("",), "holds no rows")):
        with pytest.raises(InputError, match=message):
            read(jsonl(tmp_path, *lines), lenient=True)


def test_the_digest_is_that_of_what_is_judged(tmp_path):
    first = read(jsonl(tmp_path, {**GOOD, "note": 1}))
    same = read(jsonl(tmp_path, {**GOOD, "note": 2}, name="other.jsonl"))
    other = read(jsonl(tmp_path, {**GOOD, "text": "Where is my card"}))

    assert first.digest == same.digest != other.digest
    assert (first.name, same.name) == ("rows.jsonl", "other.jsonl")
    assert len(first.digest) == 64
