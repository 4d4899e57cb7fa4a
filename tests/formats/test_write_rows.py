from __future__ import annotations

import errno
import json
import time
from collections.abc import Iterator
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from augment.formats.read import read_rows
from augment.formats.write import write_json_array, write_jsonl, write_text
from augment.replacing import making_folder

SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
)
STRINGS = st.text(st.characters(exclude_categories=["Cs"])) | st.text(
    "\x00\x1b\x7f\x85\u2028\u2029\n\r"
)
VALUES = st.recursive(
    SCALARS | STRINGS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(STRINGS, inner, max_size=3),
    max_leaves=8,
)
ROWS = st.lists(st.dictionaries(STRINGS, VALUES, max_size=4), max_size=5)


@given(rows=ROWS)
def test_rows_are_read_back_as_they_were_written(
    rows: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("rows") / "rows.jsonl"
    assert write_jsonl(path, rows) == len(rows)
    assert [row.values for row in (read_rows(path) if rows else [])] == rows


@given(rows=ROWS)
def test_every_line_reader_sees_one_row_a_line(
    rows: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("rows") / "rows.jsonl"
    write_jsonl(path, rows)
    text = path.read_bytes().decode()
    assert len(text.splitlines()) == len(text.split("\n")) - 1 == len(rows)
    assert [json.loads(line) for line in text.splitlines()] == rows
    assert not set(text) & {*map(chr, range(0x7F, 0xA0)), *map(chr, range(10)), "\x1b"}


def test_letters_of_any_script_stand_as_they_are(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "a.jsonl", [{"text": "Grüße 你好 ☺"}])
    assert (tmp_path / "a.jsonl").read_bytes() == '{"text": "Grüße 你好 ☺"}\n'.encode()


def test_lone_surrogates_become_replacement_characters(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "a.jsonl", [{"te\udc00xt": "a\ud83db"}])
    assert read_rows(tmp_path / "a.jsonl")[0].values == {"te\ufffdxt": "a\ufffdb"}
    write_text(tmp_path / "a.txt", "a\ud83db\r\n")
    assert (tmp_path / "a.txt").read_bytes() == "a\ufffdb\r\n".encode()


def test_frozen_mappings_are_written_as_objects(tmp_path: Path) -> None:
    row = MappingProxyType({"meta": MappingProxyType({"n": 1})})
    write_jsonl(tmp_path / "a.jsonl", [row])
    assert read_rows(tmp_path / "a.jsonl")[0].values == {"meta": {"n": 1}}


def broken(error: BaseException) -> Iterator[dict[str, str]]:
    for number in range(2500):
        yield {"text": f"new {number}"}
    raise error


@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, "No space left"), KeyboardInterrupt(), RuntimeError("x")]
)
def test_a_failure_half_way_leaves_the_old_file_and_nothing_else(
    error: BaseException, tmp_path: Path
) -> None:
    path = tmp_path / "rows.jsonl"
    write_jsonl(path, [{"text": "old"}])
    with pytest.raises(type(error)):
        write_jsonl(path, broken(error))
    assert path.read_text(encoding="utf-8") == '{"text": "old"}\n'
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_numbers_that_json_lacks_are_refused(value: float, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        write_jsonl(tmp_path / "a.jsonl", [{"score": 0.5}, {"score": {"deep": [value]}}])
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_json_value_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="set is not a JSON value"):
        write_jsonl(tmp_path / "a.jsonl", [{"labels": {"a"}}])


def test_a_reader_of_the_old_file_goes_on_reading_it(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    write_text(path, "old")
    with path.open(encoding="utf-8") as file:
        write_text(path, "new")
        assert file.read() == "old"
    assert path.read_text(encoding="utf-8") == "new"


def test_a_file_has_the_rights_that_any_new_file_has(tmp_path: Path) -> None:
    write_text(tmp_path / "ours", "")
    (tmp_path / "theirs").touch()
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "theirs").stat().st_mode


def test_a_folder_that_is_not_there_is_the_systems_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write_text(tmp_path / "gone" / "a.txt", "")


def test_rows_are_streamed_and_written_fast(tmp_path: Path) -> None:
    rows = ({"id": f"s{n}", "text": "Where is my card?", "label": "card"} for n in range(50_000))
    start = time.process_time()
    assert write_jsonl(tmp_path / "a.jsonl", rows) == 50_000
    # A fifth of what is asked of a quiet machine: 100,000 rows a second.
    assert time.process_time() - start < 2.5


@given(rows=ROWS)
def test_an_array_holds_the_rows_one_a_line(
    rows: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("rows") / "rows.json"
    assert write_json_array(path, rows) == len(rows)
    text = path.read_bytes().decode()
    assert json.loads(text) == rows
    assert len(text.splitlines()) == len(rows) + 2


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_folder_takes_its_name_only_when_it_is_whole(overwrite: bool, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with making_folder(out, overwrite=overwrite) as folder:
        (folder / "a").write_text("1", "utf-8")
        assert not out.exists()
    with pytest.raises(IsADirectoryError), making_folder(out, overwrite=overwrite) as folder:
        folder.write_text("2", "utf-8")
    assert (out / "a").read_text("utf-8") == "1"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_folder_that_is_there_is_replaced_only_where_it_may_be(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "old").write_text("1", "utf-8")
    with pytest.raises(OSError, match="not empty"), making_folder(out, overwrite=False):
        pass
    assert [path.name for path in out.iterdir()] == ["old"]
    with making_folder(out, overwrite=True) as folder:
        (folder / "new").write_text("2", "utf-8")
    with pytest.raises(FileNotFoundError), making_folder(out, overwrite=True) as folder:
        folder.rmdir()
    assert [path.name for path in out.iterdir()] == ["new"]
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
