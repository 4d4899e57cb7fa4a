"""Texts that await their labels: every one that can be read, under a name that stays."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from augment.errors import InputError
from augment.formats.check import Columns, read_unlabelled
from augment.formats.rows import RawRow, Table
from augment.formats.write import write_jsonl
from augment.records import Example


@pytest.fixture(name="texts_of")
def _texts_of(tmp_path):
    path = tmp_path / "new.jsonl"

    def read(rows, *, pairs=False, lenient=False, **columns):
        write_jsonl(path, rows)
        return read_unlabelled(path, columns=Columns(**columns), pairs=pairs, lenient=lenient)

    return read


def faults(found):
    return [(fault.where.rpartition("/")[2], fault.what) for fault in found.value.faults]


def rows_with(**columns):
    return [
        dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)
    ]


def test_texts_stand_in_file_order_named_by_their_rows(texts_of):
    found = texts_of([{"text": " Where is it? "}, {"text": "Send it back", "channel": "chat"}])
    assert found.examples == (
        Example(id="u1", text="Where is it?", target=(), meta={}, origin="given"),
        Example(id="u2", text="Send it back", target=(), meta={"channel": "chat"}, origin="given"),
    )
    assert found.warnings == ()


def test_own_ids_are_kept_where_every_row_has_another(texts_of):
    found = texts_of(rows_with(id=["x", 7, " s1 "], text="abc"))
    assert [row.id for row in found.examples] == ["x", "7", "s1"]
    assert all("id" not in row.meta for row in found.examples)


@pytest.mark.parametrize("ids", [["x", "x", "y"], ["x", None, "y"], [1, "1", 2], [True, 2, 3]])
def test_ids_that_fail_a_row_are_set_aside_for_all(texts_of, ids):
    found = texts_of(rows_with(id=ids, text="abc"))
    assert [row.id for row in found.examples] == ["u1", "u2", "u3"]
    assert [row.meta["id"] for row in found.examples] == ids


@pytest.mark.parametrize(
    "labels",
    [
        ["card", "never seen", None],
        [["card"], [], ["a", "b"]],
        ["card", ["refund"], 3],
        [{"deep": 1}, 1.5, True],
        ["tab\there", "line\nbreak", ""],
    ],
)
def test_labels_that_stand_beside_the_texts_are_not_looked_at(texts_of, labels):
    found = texts_of(rows_with(text="abc", label=labels))
    assert [(row.text, row.target, row.origin) for row in found.examples] == [
        (text, (), "given") for text in "abc"
    ]
    assert found.warnings == ()


def test_a_text_that_stands_twice_is_to_be_labelled_twice_even_with_other_labels_beside(texts_of):
    found = texts_of(rows_with(text="aab", label=["card", "refund", "card"]))
    assert [(row.id, row.text) for row in found.examples] == [("u1", "a"), ("u2", "a"), ("u3", "b")]
    assert found.warnings == ()


BROKEN = [
    {"text": "sound"},
    {"text": " "},
    {"text": 3},
    {"text": "a\0b", "group": "\0"},
    {"text": "sound too"},
]
FAULTS = [
    ("new.jsonl, line 2", "column 'text' is empty"),
    ("new.jsonl, line 3", "column 'text' is not text but 3"),
    ("new.jsonl, line 4", "column 'text' holds NUL at character 1"),
    ("new.jsonl, line 4", "group holds NUL at character 0"),
]


def test_all_faults_are_told_at_once(texts_of):
    with pytest.raises(InputError) as found:
        texts_of(BROKEN)
    assert faults(found) == FAULTS


def test_lines_that_cannot_be_read_are_told_with_rows_that_are_faulty(tmp_path):
    path = tmp_path / "new.jsonl"
    path.write_text('{"text": "a"}\n{"text": \n{"text": ""}\n', "utf-8")
    with pytest.raises(InputError) as found:
        read_unlabelled(path, columns=Columns(), pairs=False, lenient=False)
    assert [where for where, _ in faults(found)] == ["new.jsonl, line 2", "new.jsonl, line 3"]

    read = read_unlabelled(path, columns=Columns(), pairs=False, lenient=True)
    assert [row.id for row in read.examples] == ["u1"]
    (warning,) = read.warnings
    assert warning.startswith("faulty rows, skipped: 2 (lines 2, 3); the first: ")


def test_where_that_is_allowed_faulty_rows_are_skipped_counted_and_the_first_is_explained(texts_of):
    found = texts_of(BROKEN, lenient=True)
    assert [(row.id, row.text) for row in found.examples] == [("u1", "sound"), ("u5", "sound too")]
    assert found.warnings == (
        "faulty rows, skipped: 3 (lines 2, 3, 4); the first: column 'text' is empty",
    )


def test_a_file_of_nothing_but_faults_is_refused_even_then(texts_of):
    with pytest.raises(InputError) as found:
        texts_of(BROKEN[1:4], lenient=True)
    assert [what for _, what in faults(found)] == [what for _, what in FAULTS]


def test_no_rows_are_refused(texts_of):
    with pytest.raises(InputError, match="is empty"):
        texts_of([], lenient=True)


@pytest.mark.parametrize(
    ("row", "pairs", "what"),
    [
        ({"text": "a"}, True, "has no second text, and the seeds have two a row"),
        ({"text": "a", "text_pair": ""}, True, "has no second text, and the seeds have two a row"),
        (
            {"text": "a", "text_pair": "b"},
            False,
            "has a second text, and the seeds have one a row",
        ),
    ],
)
def test_texts_are_pairs_just_where_the_seeds_are(texts_of, row, pairs, what):
    with pytest.raises(InputError) as found:
        texts_of([row], pairs=pairs, lenient=True)
    assert faults(found) == [("new.jsonl", what)]


def test_pairs_are_read_where_the_seeds_are_pairs(texts_of):
    found = texts_of([{"premise": "a", "hypothesis": "b", "label": "x"}], pairs=True)
    assert [(row.text, row.text_pair) for row in found.examples] == [("a", "b")]
    assert texts_of([{"text": "a", "text_pair": None}]).examples[0].text_pair is None


def test_columns_that_the_user_names_are_taken(texts_of):
    found = texts_of([{"text": "no", "body": "a", "kind": ["x"]}], text="body", label="kind")
    assert [(row.text, row.target) for row in found.examples] == [("a", ())]


def test_a_column_that_is_not_there_is_told_with_those_that_are(texts_of):
    with pytest.raises(InputError, match=r"no column 'body'; the columns are \['text'\]"):
        texts_of([{"text": "a"}], text="body")


def test_the_digest_is_that_of_the_texts_in_their_order(texts_of):
    digests = [
        texts_of(rows).digest
        for rows in (
            rows_with(text="ab"),
            rows_with(text="ba"),
            rows_with(text=["a", "b "]),
            rows_with(text="abc"),
            rows_with(text="ab", id=["x", "y"]),
        )
    ]
    assert digests[0] == digests[2], "white space at the ends is no part of a text"
    assert len(set(digests)) == 4
    assert all(len(digest) == 64 for digest in digests)


CELLS = st.text(st.characters(exclude_categories=["Cs"]), max_size=4) | st.none() | st.integers()


@given(
    cells=st.lists(st.tuples(CELLS, CELLS, CELLS), min_size=1, max_size=8),
    own=st.booleans(),
)
def test_every_row_is_read_or_said_to_be_at_fault_and_all_ids_differ(cells, own):
    rows = tuple(
        RawRow(number=n, values={"text": text, "label": label, **({"id": id} if own else {})})
        for n, (text, label, id) in enumerate(cells, 1)
    )
    columns = ("text", "label", "id") if own else ("text", "label")
    table = Table(name="new", unit="row", columns=columns, rows=rows)
    try:
        read_unlabelled(table, columns=Columns(), pairs=False, lenient=False)
        broken = set()
    except InputError as error:
        broken = {fault.where for fault in error.faults}
    if len(broken) == len(rows):
        return
    found = read_unlabelled(table, columns=Columns(), pairs=False, lenient=True)

    assert len(found.examples) == len(rows) - len(broken)
    assert len({row.id for row in found.examples}) == len(found.examples)
    sound = [row for row in rows if f"new, row {row.number}" not in broken]
    assert [row.text for row in found.examples] == [row.values["text"].strip() for row in sound]
    assert all(row.target == () for row in found.examples)
    assert bool(found.warnings) is bool(broken)
