"""Rows in memory are what the same rows are in a file, whichever kind they are of."""

from __future__ import annotations

import subprocess
import sys

import datasets
import numpy as np
import pandas as pd
import pytest
from augment_command import seed_rows
from hypothesis import given
from hypothesis import strategies as st

from augment.errors import InputError
from augment.formats.check import Columns, read_seeds
from augment.formats.memory import source_of
from augment.formats.write import write_jsonl

ROWS = [{**row, "channel": "chat" if at % 2 else None} for at, row in enumerate(seed_rows())]
KINDS = {
    "mappings": list,
    "generator": iter,
    "DataFrame": pd.DataFrame,
    "nullable DataFrame": lambda rows: pd.DataFrame(rows).convert_dtypes(),
    "shuffled index": lambda rows: pd.DataFrame(rows, index=range(len(rows), 0, -1)),
    "Dataset": datasets.Dataset.from_list,
    "formatted Dataset": lambda rows: datasets.Dataset.from_list(rows).with_format("numpy"),
    "iterable Dataset": lambda rows: datasets.Dataset.from_list(rows).to_iterable_dataset(),
}


def read(rows, *, lenient=False, labels=None):
    source = source_of(rows, name="seeds")
    return read_seeds(source, columns=Columns(), labels=labels, lenient=lenient)


def faults(rows):
    with pytest.raises(InputError) as found:
        read(rows)
    return [str(fault) for fault in found.value.faults]


@pytest.fixture(name="file")
def _file(tmp_path):
    def written(rows):
        write_jsonl(tmp_path / "seeds.jsonl", rows)
        return tmp_path / "seeds.jsonl"

    return written


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_rows_are_the_same_seeds_as_in_a_file(kind, file):
    assert read(KINDS[kind](ROWS)) == read(file(ROWS))


@pytest.mark.parametrize("kind", KINDS)
def test_labels_in_lists_are_the_same_seeds_as_in_a_file(kind, file):
    rows = [{"text": row["text"], "label": [row["label"], "any"]} for row in ROWS]
    found = read(KINDS[kind](rows))

    assert found.several
    assert found == read(file(rows))


def test_rows_with_ids_are_the_same_seeds_as_in_a_csv(tmp_path):
    rows = [{**row, "id": f"r{at}"} for at, row in enumerate(ROWS)]
    pd.DataFrame(rows).to_csv(tmp_path / "seeds.csv", index=False)

    assert read(rows) == read(tmp_path / "seeds.csv")


def test_a_path_may_be_a_text(file):
    assert read(str(file(ROWS))) == read(file(ROWS))


TEXTS = st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=4)


@given(
    rows=st.lists(
        st.fixed_dictionaries({"text": TEXTS, "label": TEXTS, "channel": TEXTS}), min_size=1
    )
)
def test_all_kinds_give_the_same_seeds_or_the_same_faults(rows):
    def outcome(kind):
        try:
            return read(KINDS[kind](rows))
        except InputError as error:
            return str(error)

    expected = outcome("mappings")
    assert [outcome(kind) for kind in KINDS] == [expected] * len(KINDS)


def test_a_dataset_of_classes_gives_their_names():
    classes = datasets.ClassLabel(names=["alpha", "beta", "gamma"])
    rows = datasets.Dataset.from_list(ROWS).cast_column("label", classes)

    assert isinstance(rows[0]["label"], int)
    assert read(rows) == read(ROWS)


def test_only_the_rows_that_were_selected_are_read():
    rows = datasets.Dataset.from_list(ROWS)

    assert read(rows.select([4, 2, 7])) == read([ROWS[4], ROWS[2], ROWS[7]])


@pytest.mark.parametrize("labels", [("a", "b"), np.array(["a", "b"])])
def test_tuples_and_arrays_of_labels_are_lists(labels):
    [example] = read([{"text": "x", "label": labels}]).examples

    assert example.target == ("a", "b")


def test_a_set_of_labels_is_the_same_in_every_process():
    code = (
        "from augment.formats.memory import source_of\n"
        "rows = source_of([{'text': 'x', 'label': {'a', 'b', 'c', 'd'}}], name='seeds').rows\n"
        "print(rows[0].values['label'])"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, check=True, env={"PYTHONHASHSEED": n}
        ).stdout
        for n in "1234"
    }
    assert len(found) == 1


def test_numbers_of_numpy_are_numbers_in_other_columns():
    [example] = read([{"text": "x", "label": "a", "n": np.int64(3), "f": np.float64(0.5)}]).examples

    assert dict(example.meta) == {"n": 3, "f": 0.5}
    assert {type(value) for value in example.meta.values()} == {int, float}


@pytest.mark.parametrize("nothing", [None, float("nan"), pd.NA, pd.NaT, np.float64("nan")])
def test_what_is_missing_in_another_column_is_none(nothing):
    [example] = read([{"text": "x", "label": "a", "other": nothing}]).examples

    assert dict(example.meta) == {"other": None}


@pytest.mark.parametrize(
    ("cells", "kept"),
    [
        ([pd.NaT, pd.Timestamp("2024-05-06")], "2024-05-06 00:00:00"),
        (pd.array([None, 7], dtype="Int64"), 7),
        (pd.array([None, "chat"], dtype="string"), "chat"),
        (pd.Categorical([None, "chat"]), "chat"),
    ],
)
def test_what_is_missing_in_a_column_of_a_dataframe_is_none(cells, kept):
    found = read(pd.DataFrame({"text": ["x", "y"], "label": ["a", "a"], "other": cells}))

    assert [row.meta["other"] for row in found.examples] == [None, kept]


@pytest.mark.parametrize(
    "inner", [{"a": [1, None]}, {1: "one"}, {("a", "b"): 1}, {np.int64(1): "one"}]
)
def test_a_mapping_in_another_column_is_kept_as_text(inner):
    [example] = read([{"text": "x", "label": "a", "other": inner}]).examples

    assert isinstance(example.meta["other"], str)
    assert str(next(iter(inner.values())))[:1] in example.meta["other"]


@pytest.mark.parametrize("wanting", ["text", "label"])
@pytest.mark.parametrize("nothing", [None, float("nan"), pd.NA, "", " \n"])
def test_what_is_missing_is_said_with_its_row(wanting, nothing):
    rows = [ROWS[0], {**ROWS[1], wanting: nothing}]
    what = {"text": "column 'text' is empty", "label": "label is empty"}[wanting]

    assert faults(rows) == [f"seeds, row 2: {what}"]


def test_what_is_missing_in_a_dataframe_is_said_with_its_row_and_not_its_index():
    rows = pd.DataFrame([*ROWS, {"label": "alpha"}], index=range(100, 101 + len(ROWS)))

    assert faults(rows) == ["seeds, row 16: column 'text' is empty"]


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        (7, "7"),
        (True, "True"),
        (0.5, "0.5"),
        (np.int64(7), "7"),
        (["a"], "['a']"),
        ({"a": {"b": 1}}, "{'a': {'b': 1}}"),
        (b"bytes", "b'bytes'"),
        (("a", "b"), "['a', 'b']"),
    ],
)
def test_a_text_that_is_none_is_shown_with_its_row(hostile, shown):
    rows = [ROWS[0], {**ROWS[1], "text": hostile}]

    assert faults(rows) == [f"seeds, row 2: column 'text' is not text but {shown}"]


@pytest.mark.parametrize(
    ("hostile", "what"),
    [
        (0.5, "label is not text but 0.5"),
        ({"a": 1}, "label is not text but {'a': 1}"),
        ("a\nb", "label 'a\\nb' holds a control character or a line break"),
        ("a\ud800", "label holds the lone surrogate '\\ud800' at character 1"),
    ],
)
def test_a_label_that_is_none_is_shown_with_its_row(hostile, what):
    rows = [ROWS[0], {**ROWS[1], "label": hostile}]

    assert faults(rows) == [f"seeds, row 2: {what}"]


def test_whole_numbers_are_labels():
    rows = [{"text": "x", "label": np.int64(3)}, {"text": "y", "label": 4}]

    assert read(rows).labels == ("3", "4")


@pytest.mark.parametrize("hostile", ["a text", None, 3.0, ["text", "label"], object])
def test_a_row_that_is_no_mapping_is_said_with_its_place(hostile):
    [fault] = faults([ROWS[0], hostile, ROWS[1]])

    assert fault.startswith("seeds, row 2: is ")
    assert fault.endswith(", not a mapping")


def test_where_faults_are_let_through_the_rows_keep_their_numbers():
    found = read([ROWS[0], "a text", ROWS[1]], lenient=True)

    assert [example.id for example in found.examples] == ["s1", "s3"]
    assert (
        found.warnings[0]
        == "faulty rows, skipped: 1 (row 2); the first: is 'a text', not a mapping"
    )


def test_a_row_without_a_column_that_others_have_is_said_with_its_place():
    assert faults([ROWS[0], {"label": "alpha"}]) == ["seeds, row 2: column 'text' is empty"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_column_that_no_row_has_is_said_with_those_that_there_are(kind):
    rows = KINDS[kind]([{"text": "x", "mood": "y"}])

    assert faults(rows) == ["seeds: no column 'label'; the columns are ['text', 'mood']"]


@pytest.mark.parametrize("kind", sorted(KINDS.keys() - {"iterable Dataset"}))
def test_no_rows_are_refused(kind):
    assert faults(KINDS[kind]([])) == ["seeds: holds no rows"]


def test_every_fault_is_said_at_once():
    assert faults([{"text": 1, "label": "a"}, 2, {"text": "x", "label": None}]) == [
        "seeds, row 1: column 'text' is not text but 1",
        "seeds, row 2: is 2, not a mapping",
        "seeds, row 3: label is empty",
    ]


@pytest.mark.filterwarnings("ignore:DataFrame columns are not unique:UserWarning")
def test_two_columns_of_one_name_are_refused():
    rows = pd.DataFrame([["x", "a", "b"]], columns=["text", "label", "label"])

    assert faults(rows) == ["seeds: more than one column has the name ['label']"]


@pytest.mark.parametrize("hostile", [3, b"seeds.csv", {"text": ["x"]}, datasets.DatasetDict()])
def test_what_holds_no_rows_is_refused_with_what_would_do(hostile):
    with pytest.raises(InputError) as found:
        source_of(hostile, name="unlabelled")

    assert str(found.value) == (
        f"unlabelled: must be a path, a DataFrame, a Dataset or mappings, and is {hostile!r}"
    )


def test_rows_are_never_altered():
    labels = np.array(["a", "b"])
    row = {"text": " x ", "label": labels, "other": {"n": [1]}}
    read([row])

    assert row == {"text": " x ", "label": labels, "other": {"n": [1]}}
