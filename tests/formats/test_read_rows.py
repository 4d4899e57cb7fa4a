from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from augment.errors import InputError
from augment.formats.read import read_rows, read_table
from augment.shown import listed, shown

HEAVY = (
    "import sys, augment.formats.check; print({'pandas', 'pyarrow', 'datasets'} & {*sys.modules})"
)
ROW = {"text": "Where is my card?", "label": "card"}


def write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", "text,label\nWhere is my card?,card\n"),
        ("a.CSV", 'text , label\n"Where is my card?",card'),
        ("a.tsv", "text\tlabel\nWhere is my card?\tcard\n"),
        ("a.jsonl", '{"text": "Where is my card?", "label": "card"}\n'),
        ("a.ndjson", '\n{"label": "card", "text": "Where is my card?"}'),
        ("a.json", '[\n{"text": "Where is my card?", "label": "card"}\n]\n'),
    ],
)
def test_a_text_file_is_read_in_any_marked_encoding_and_with_any_line_end(
    name: str, text: str, ends: str, encoding: str, tmp_path: Path
) -> None:
    [row] = read_rows(write(tmp_path / name, text.replace("\n", ends), encoding))
    assert dict(row.values) == ROW


def test_a_csv_row_has_the_number_of_the_line_on_which_it_begins(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", 'text,label\n"two\nlines",a\n\nnext,b\n')
    table = read_table(path)
    assert [row.number for row in table.rows] == [2, 5]
    assert table.unit == "line"
    assert read_table(write(path, "text,label\na,b\n")).unit == "row"


def test_a_row_has_the_number_of_its_line_or_place(tmp_path: Path) -> None:
    lines = f"\n{json.dumps(ROW)}\n\n{json.dumps(ROW)}"
    jsonl = read_table(write(tmp_path / "a.jsonl", lines))
    assert ([row.number for row in jsonl.rows], jsonl.unit) == ([2, 4], "line")
    array = read_table(write(tmp_path / "a.json", json.dumps([ROW, ROW])))
    assert ([row.number for row in array.rows], array.unit) == ([1, 2], "row")


def test_jsonl_lines_end_at_line_feeds_only(tmp_path: Path) -> None:
    texts = ["a\u2028b", "a\u2029b", "a\x85b"]
    lines = "\n".join(json.dumps({"text": text}, ensure_ascii=False) for text in texts)
    rows = read_rows(write(tmp_path / "a.jsonl", lines))
    assert [row.values["text"] for row in rows] == texts


def test_csv_texts_keep_every_other_line_separator(tmp_path: Path) -> None:
    text = "a\u2028b\x85c\x0bd"
    [row] = read_rows(write(tmp_path / "a.csv", f"text,label\n{text},x\n"))
    assert row.values["text"] == text


@pytest.mark.parametrize(("delimiter", "name"), [(";", "semicolons"), ("\t", "tabs")])
def test_a_csv_with_another_delimiter_is_read_and_says_so(
    delimiter: str, name: str, tmp_path: Path
) -> None:
    path = write(tmp_path / "a.csv", f"text{delimiter}label\nNow, please{delimiter}card\n")
    table = read_table(path)
    assert dict(table.rows[0].values) == {"text": "Now, please", "label": "card"}
    assert table.warnings == (
        f"headers without a comma: 1 (the file is read as separated by {name})",
    )


def test_a_csv_with_commas_in_its_header_is_never_read_otherwise(tmp_path: Path) -> None:
    table = read_table(write(tmp_path / "a.csv", "text;a,label;b\nx,y\n"))
    assert (table.columns, table.warnings) == (("text;a", "label;b"), ())


def test_a_cell_of_megabytes_is_read_whole(tmp_path: Path) -> None:
    text = 'a"b' * 2**20
    path = write(tmp_path / "a.csv", f'text,label\n"{text.replace(chr(34), chr(34) * 2)}",x\n')
    assert read_rows(path)[0].values["text"] == text


def test_an_empty_csv_cell_is_none_and_an_unnamed_column_gets_a_name(tmp_path: Path) -> None:
    [row] = read_rows(write(tmp_path / "a.csv", ",text,label\n0,a,\n"))
    assert dict(row.values) == {"column_1": "0", "text": "a", "label": None}


def test_rows_after_a_broken_one_are_still_read(tmp_path: Path) -> None:
    table = read_table(write(tmp_path / "a.csv", 'text,label\n"a" b,x\nc,y\nd\ne,z\n'))
    assert [row.number for row in table.rows] == [3, 5]
    assert [fault.number for fault in table.faults] == [2, 4]
    with pytest.raises(InputError, match="row 2: a quoted cell") as caught:
        read_rows(tmp_path / "a.csv")
    assert len(caught.value.faults) == 2


LABELLED = datasets.Features(
    {
        "text": datasets.Value("string"),
        "label": datasets.ClassLabel(names=["card", "refund"]),
        "all": datasets.List(datasets.ClassLabel(names=["a", "b"])),
    }
)


def class_labelled() -> datasets.Dataset:
    columns = {"text": ["x", "y", "z"], "label": [1, 0, -1], "all": [[1, 0], [], [0]]}
    return datasets.Dataset.from_dict(columns, features=LABELLED)


@pytest.mark.parametrize("kind", ["saved", "parquet"])
def test_class_labels_are_read_as_their_names(kind: str, tmp_path: Path) -> None:
    path = tmp_path / f"a.{kind}"
    save = class_labelled().save_to_disk if kind == "saved" else class_labelled().to_parquet
    save(str(path))
    assert [dict(row.values) for row in read_rows(path)] == [
        {"text": "x", "label": "refund", "all": ["b", "a"]},
        {"text": "y", "label": "card", "all": []},
        {"text": "z", "label": None, "all": ["a"]},
    ]


def test_a_saved_selection_holds_only_the_rows_selected(tmp_path: Path) -> None:
    class_labelled().select([1, 0]).save_to_disk(str(tmp_path / "a"))
    rows = read_rows(tmp_path / "a")
    assert [(row.number, row.values["text"]) for row in rows] == [(1, "y"), (2, "x")]


@pytest.mark.parametrize(("splits", "taken"), [(["test", "train"], "train"), (["dev"], "dev")])
def test_of_several_splits_the_training_one_is_taken_else_the_only_one(
    splits: list[str], taken: str, tmp_path: Path
) -> None:
    saved = {name: datasets.Dataset.from_dict({"text": [name]}) for name in splits}
    datasets.DatasetDict(saved).save_to_disk(str(tmp_path / "a"))
    assert [row.values["text"] for row in read_rows(tmp_path / "a")] == [taken]


def test_a_folder_named_like_a_partition_adds_no_column(tmp_path: Path) -> None:
    (tmp_path / "label=card").mkdir()
    path = tmp_path / "label=card" / "a.parquet"
    pq.write_table(pa.table({"text": ["x"]}), path)
    assert read_table(path).columns == ("text",)


def test_a_runs_folder_gives_its_accepted_rows(tmp_path: Path) -> None:
    write(tmp_path / "accepted.jsonl", json.dumps(ROW) + "\n[]\n")
    table = read_table(tmp_path)
    assert [dict(row.values) for row in table.rows] == [ROW]
    assert str(table.error(table.faults)).startswith(f"{tmp_path / 'accepted.jsonl'}, line 2: ")


@pytest.mark.parametrize("value", ["a" * 10**6, "\x1b[31m\n\u202e" * 99, ["b" * 99] * 99, 10**99])
def test_a_shown_value_is_short_and_printable(value: object) -> None:
    assert len(shown(value)) <= 80
    assert shown(value).isprintable()


def test_a_long_list_says_how_many_it_leaves_out() -> None:
    assert listed(["card", "refund"]) == "['card', 'refund']"
    assert listed([f"label_{number:02}" for number in range(77)]).endswith(", ... 72 more]")


def test_heavy_libraries_wait_until_a_file_needs_them() -> None:
    loaded = subprocess.run(
        [sys.executable, "-c", HEAVY], capture_output=True, text=True, check=True
    )
    assert loaded.stdout == "set()\n"
