"""Every malformed input ends in an InputError that says where and what; never in another one.

The files lie in `malformed/`; what a text file cannot hold is made here.
"""

from __future__ import annotations

import codecs
import gzip
import io
import json
import os
import socket
import struct
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from augment.errors import InputError
from augment.formats.check import Columns, read_holdout, read_seeds

MALFORMED = Path(__file__).parent / "malformed"
LABELS = ["card", "refund", "transfer"]

# file: the row (None where the file as a whole is at fault), words of the message
FILES: dict[str, tuple[str | None, str]] = {
    "no_label_column.csv": (None, "no column 'label'; the columns are ['text', 'topic']"),
    "no_known_column.csv": (None, "no column 'text'; the columns are ['a', 'b']"),
    "two_text_columns.csv": (None, "['sentence', 'utterance'] could each be the text"),
    "two_label_columns.csv": (None, "['intent', 'category'] could each be the label"),
    "same_column_twice.csv": (None, "more than one column has the name ['text']"),
    "too_many_cells.csv": ("row 3", "cells: 3 here, 2 in the header; quote a cell that holds ','"),
    "too_few_cells.csv": ("row 3", "cells: 1 here, 2 in the header"),
    "quote_never_closed.csv": ("row 3", "not closed before the end of the file"),
    "text_after_quote.csv": ("row 2", "goes on after its closing quote"),
    "quote_in_header.csv": (None, "the header cannot be read"),
    "header_only.csv": (None, "holds no rows"),
    "no_bytes.csv": (None, "is empty"),
    "mark_only.csv": (None, "is empty"),
    "blank_lines.csv": (None, "holds no rows"),
    "empty_text.csv": ("row 2", "column 'text' is empty"),
    "blank_text.csv": ("row 3", "column 'text' is empty"),
    "no_label.csv": ("row 3", "label is empty"),
    "label_with_line_break.csv": ("line 2", r"label 'card\nlost' holds a control character or a"),
    "one_text_two_labels.csv": ("row 4", "has the label 'transfer' here, but 'card' in row 2"),
    "half_pairs.csv": ("row 3", "column 'hypothesis' is empty"),
    "list_and_lone_label.csv": ("row 3", "'refund' stands alone, but that of row 2 is a list"),
    "semicolons_ragged.csv": ("row 3", "cells: 3 here, 2 in the header"),
    "unknown_label.csv": ("row 3", "label 'refunds' is not one of ['card', 'refund', 'transfer']"),
    "unclosed_quote.tsv": ("row 2", "not closed before the end of the file"),
    "ragged.tsv": ("row 2", "cells: 3 here, 2 in the header"),
    "cut_off.jsonl": ("line 2", "not JSON at column 26: Unterminated string"),
    "array_line.jsonl": ("line 2", "holds an array, not an object"),
    "string_line.jsonl": ("line 1", "holds a string, not an object"),
    "null_line.jsonl": ("line 1", "holds null, not an object"),
    "number_line.jsonl": ("line 3", "holds a number, not an object"),
    "nan.jsonl": ("line 1", "NaN is not JSON; write null"),
    "too_large.jsonl": ("line 1", "number '1e999' is too large"),
    "same_key_twice.jsonl": ("line 1", "an object has more than one ['label']"),
    "single_quotes.jsonl": ("line 1", "enclosed in double quotes"),
    "raw_tab.jsonl": ("line 1", "not JSON at column 18: Invalid control character"),
    "surrogate_in_text.jsonl": ("line 1", r"'text' holds the lone surrogate '\ud83d' at"),
    "surrogate_in_label.jsonl": ("line 1", r"label holds the lone surrogate '\udc00' at"),
    "surrogate_in_key.jsonl": ("line 1", r"the name of column '\udc00' holds the lone surrogate"),
    "surrogate_in_meta.jsonl": ("line 1", r"column 'note' holds the lone surrogate '\udfff' at"),
    "nul_in_text.jsonl": ("line 1", "column 'text' holds NUL at character 4"),
    "nul_in_pair.jsonl": ("line 1", "column 'text_pair' holds NUL at character 5"),
    "nul_in_id.jsonl": ("line 1", "id holds NUL at character 1"),
    "text_is_number.jsonl": ("line 1", "column 'text' is not text but 17"),
    "text_is_list.jsonl": ("line 1", "column 'text' is not text but ['Send', 'it', 'back']"),
    "text_is_null.jsonl": ("line 1", "column 'text' is empty"),
    "text_not_there.jsonl": ("line 2", "column 'text' is empty"),
    "label_is_null.jsonl": ("line 1", "label is empty"),
    "label_is_fraction.jsonl": ("line 1", "label is not text but 1.5"),
    "label_is_object.jsonl": ("line 1", "label is not text but {'name': 'refund'}"),
    "label_with_tab.jsonl": ("line 1", r"label 're\tfund' holds a control character"),
    "null_among_labels.jsonl": ("line 1", "label is empty"),
    "list_among_labels.jsonl": ("line 1", "label is not text but ['card']"),
    "group_is_list.jsonl": ("line 1", "group is not text but ['a']"),
    "entity_past_the_end.jsonl": (
        "line 1",
        "entities[0]: start 14 and end 24 do not fit a text of 18 characters",
    ),
    "blank_lines.jsonl": (None, "holds no rows"),
    "object.json": (None, "holds an object, not an array of objects"),
    "lines.json": (None, "if it holds one object a line, name it .jsonl"),
    "string.json": (None, "holds a string, not an array of objects"),
    "cut_off.json": (None, "not JSON at line 3, column 12"),
    "array_of_arrays.json": ("row 2", "holds an array, not an object"),
    "no_rows.json": (None, "holds no rows"),
    "unknown_kind.txt": (None, "the name must end in .csv, .tsv, .jsonl, .ndjson, .json, .conll"),
    "not_parquet.parquet": (None, "damaged, or not Parquet"),
    "no_bytes.parquet": (None, "damaged, or not Parquet"),
}


def parquet_bytes(**columns: list[Any]) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink)
    return sink.getvalue()


def zip_bytes() -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("sheet.xml", "ä" * 1000)
    return sink.getvalue()


CSV = "text,label\nWhere is my card?,card\nSchick es zurück,refund\n"
PARQUET = parquet_bytes(text=["Where is it?", "Send it back"] * 50, label=["card", "refund"] * 50)
DEEP = "[" * 100_000 + "]" * 100_000

# name: content, the row, words of the message
BYTES: dict[str, tuple[bytes, str | None, str]] = {
    "latin1.csv": (
        CSV.encode("latin-1"),
        None,
        "not UTF-8 at byte 47 (0xfc); save the file as UTF",
    ),
    "gzip.csv": (
        gzip.compress(CSV.encode()),
        None,
        "not UTF-8 at byte 1 (0x8b); this is gzip data",
    ),
    "zip.csv": (zip_bytes(), None, "this is a ZIP archive or a spreadsheet"),
    "parquet.csv": (PARQUET, None, "this is Parquet, to be named .parquet"),
    "utf16_no_mark.csv": (CSV.encode("utf-16-le"), None, "not UTF-8 at byte 94 (0xfc)"),
    "ascii16.csv": (b"t\0e\0x\0t\0\n\0", None, "NUL at byte 1; if this is UTF-16 or UTF-32"),
    "utf32.csv": (CSV.encode("utf-32"), None, "not text: NUL at byte 2"),
    "utf16_cut.csv": (CSV.encode("utf-16")[:-1], None, "not UTF-16-LE at byte 116"),
    "nul_in_text.csv": (b"text,label\nWhere\0 is it?,card\n", "row 2", "'text' holds NUL at"),
    "nul_in_label.csv": (b"text,label\nWhere is it?,ca\0rd\n", "row 2", "label holds NUL at"),
    "surrogate.csv": (b"text,label\n\xed\xa0\x80,card\n", None, "not UTF-8 at byte 11 (0xed)"),
    "cut.jsonl": (b'{"text": "zur\xc3', None, "not UTF-8 at byte 13 (0xc3)"),
    "huge.jsonl": (b'{"text": "a", "label": ' + b"9" * 5000 + b"}", "line 1", "4300 digits"),
    "deep.jsonl": (DEEP.encode(), "line 1", "JSON nested too deeply"),
    "deep_meta.jsonl": (
        b'{"text": "a", "label": "b", "m": ' + DEEP.encode() + b"}",
        "line 1",
        "nested too deeply",
    ),
    "deep.json": (DEEP.encode(), None, "JSON nested too deeply"),
    "large_cell.csv": (b"text,label\n" + b"a" * 2**20 + b",\n", "row 2", "label is empty"),
    "large_label.csv": (b"text,label\na," + b"b" * 2**20 + b"\n", "row 2", "is not one of ["),
    "cut.parquet": (PARQUET[:-20], None, "damaged, or not Parquet"),
    "half.parquet": (PARQUET[: len(PARQUET) // 2], None, "damaged, or not Parquet"),
    "hollow.parquet": (b"PAR1" + bytes(200) + PARQUET[204:], None, "damaged, or not Parquet"),
    "no_rows.parquet": (parquet_bytes(text=[], label=[]), None, "holds no rows"),
    "no_columns.parquet": (parquet_bytes(), None, "holds no rows"),
    "null.parquet": (parquet_bytes(text=["a", None], label=["b", "b"]), "row 2", "is empty"),
    "bytes.parquet": (parquet_bytes(text=[b"a"], label=["b"]), "row 1", "is not text but b'a'"),
}


def save_splits(path: Path) -> None:
    rows = datasets.Dataset.from_dict({"text": ["a"], "label": ["b"]})
    datasets.DatasetDict(dev=rows, test=rows).save_to_disk(str(path))


def save_damaged(path: Path) -> None:
    datasets.Dataset.from_dict({"text": ["a"], "label": ["b"]}).save_to_disk(str(path))
    (path / "state.json").write_text("{", encoding="utf-8")


def save_cut(path: Path) -> None:
    datasets.Dataset.from_dict({"text": ["a"] * 999, "label": ["b"] * 999}).save_to_disk(str(path))
    [part] = path.glob("*.arrow")
    part.write_bytes(part.read_bytes()[:500])


def save_with_wrong_offsets(path: Path) -> None:
    datasets.Dataset.from_dict({"text": ["first", "second"], "label": ["b", "b"]}).save_to_disk(
        str(path)
    )
    [part] = path.glob("*.arrow")
    right, wrong = struct.pack("<3i", 0, 5, 11), struct.pack("<3i", 0, 2**30, 11)
    content = part.read_bytes()
    assert content.count(right) == 1
    part.write_bytes(content.replace(right, wrong))


def save_with_pipe(path: Path) -> None:
    save_damaged(path)
    os.mkfifo(path / "data.arrow")


def listen(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))


# name: what makes it, words of the message
PLACES: dict[str, tuple[Callable[[Path], Any], str]] = {
    "not_there.csv": (lambda path: None, "cannot be read: No such file or directory"),
    "folder.csv": (Path.mkdir, "neither one saved by `datasets`, nor brat's, nor that of a run"),
    "pipe.csv": (os.mkfifo, "is a pipe or a device, not a file"),
    "socket.csv": (listen, "is a pipe or a device, not a file"),
    "device.csv": (lambda path: path.symlink_to("/dev/zero"), "is a pipe or a device"),
    "loop.csv": (lambda path: path.symlink_to(path.name), "cannot be read: "),
    "splits": (save_splits, "has the splits ['dev', 'test']: give the folder of one of them"),
    "damaged": (save_damaged, "damaged, or not a `datasets` folder"),
    "cut": (save_cut, "damaged, or not a `datasets` folder"),
    "with_pipe": (save_with_pipe, "holds a pipe, a device or a broken link"),
    "n" * 300 + ".csv": (lambda path: None, "cannot be read: File name too long"),
    "nul\0.csv": (lambda path: None, "cannot be read: embedded null byte"),
}


def error_of(path: Path) -> InputError:
    labels = LABELS if path.stem in {"unknown_label", "large_label"} else None
    with pytest.raises(InputError) as caught:
        read_seeds(path, columns=Columns(), labels=labels, lenient=False)
    assert caught.value.exit_code == 2
    return caught.value


def assert_says(error: InputError, path: Path, row: str | None, words: str) -> None:
    fault = error.faults[0]
    assert fault.where == (f"{path}, {row}" if row else str(path))
    assert words in fault.what
    assert len(fault.what) < 400, "a hostile value floods the terminal"
    assert fault.what.isprintable(), "a hostile value reaches the terminal raw"


def test_every_malformed_file_is_in_the_table() -> None:
    assert {path.name for path in MALFORMED.iterdir()} == set(FILES)


@pytest.mark.parametrize("name", FILES)
def test_a_malformed_file_is_refused_with_its_row_and_reason(name: str) -> None:
    row, words = FILES[name]
    assert_says(error_of(MALFORMED / name), MALFORMED / name, row, words)


@pytest.mark.parametrize("name", BYTES)
def test_malformed_bytes_are_refused_with_their_row_and_reason(name: str, tmp_path: Path) -> None:
    content, row, words = BYTES[name]
    path = tmp_path / name
    path.write_bytes(content)
    assert_says(error_of(path), path, row, words)


@pytest.mark.parametrize("name", PLACES)
def test_what_is_no_readable_file_is_refused_with_its_reason(name: str, tmp_path: Path) -> None:
    make, words = PLACES[name]
    make(tmp_path / name)
    assert_says(error_of(tmp_path / name), tmp_path / name, None, words)


def test_a_file_that_may_not_be_read_says_so() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "seeds.csv"
        path.touch(mode=0)
        Path(folder).chmod(0o755)
        me = os.geteuid()
        if me == 0:
            os.seteuid(65534)  # root may read everything, nobody may not
        try:
            error = error_of(path)
        finally:
            os.seteuid(me)
    assert_says(error, path, None, "cannot be read: Permission denied")


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs Linux's /proc")
def test_a_file_that_fails_while_it_is_read_says_so(tmp_path: Path) -> None:
    path = tmp_path / "seeds.csv"
    path.symlink_to("/proc/self/mem")
    assert_says(error_of(path), path, None, "cannot be read: Input/output error")


READ = "import sys, pathlib, augment.formats.read as r; r.read_rows(pathlib.Path(sys.argv[1]))"


def test_wrong_offsets_in_an_arrow_file_do_not_kill_the_process(tmp_path: Path) -> None:
    save_with_wrong_offsets(tmp_path / "seeds")
    # In a process of its own, whose end is the thing to be seen.
    read = subprocess.run(
        [sys.executable, "-c", READ, tmp_path / "seeds"], capture_output=True, text=True
    )
    assert read.returncode == 1, read.stderr
    assert "damaged, or not a `datasets` folder" in read.stderr


def test_the_path_stands_in_messages_as_it_was_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(MALFORMED)
    fault = error_of(Path("unknown_label.csv")).faults[0]
    assert str(fault) == (
        "unknown_label.csv, row 3: label 'refunds' is not one of ['card', 'refund', 'transfer']"
    )


ROWS_AT_FAULT = {
    "row cut off": '{"text": "Send it b',
    "no text": '{"text": "", "label": "card"}',
    "no label": '{"text": "Send it back"}',
    "both": '{"text": 3, "label": null}',
    "unknown": '{"text": "Close it", "label": "close"}',
    "contradiction": '{"text": "Where is my card?", "label": "refund"}',
}
FAULTS_OF = dict.fromkeys(ROWS_AT_FAULT, 1) | {"both": 2}


@given(kinds=st.lists(st.sampled_from(sorted(ROWS_AT_FAULT)), min_size=1, max_size=40))
def test_every_fault_of_a_file_is_listed_in_row_order(
    kinds: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("faults") / "seeds.jsonl"
    lines = ['{"text": "Where is my card?", "label": "card"}', *map(ROWS_AT_FAULT.get, kinds)]
    path.write_text("\n".join(map(str, lines)), encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read_seeds(path, columns=Columns(), labels=LABELS, lenient=False)
    expected = [
        f"{path}, line {number}"
        for number, kind in enumerate(kinds, 2)
        for _ in range(FAULTS_OF[kind])
    ]
    if len(expected) > 50:
        expected = [*expected[:50], str(path)]
    assert [fault.where for fault in caught.value.faults] == expected


def test_above_fifty_faults_the_last_one_counts_the_others(tmp_path: Path) -> None:
    path = tmp_path / "seeds.csv"
    path.write_text("text,label\n" + ",card\n" * 73, encoding="utf-8")
    faults = error_of(path).faults
    assert len(faults) == 51
    assert faults[49].where == f"{path}, row 51"
    assert str(faults[50]) == f"{path}: and 23 more faults"


def test_missing_columns_are_named_beside_rows_that_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / "seeds.csv"
    path.write_text("a,b\n1,2\n1,2,3\n", encoding="utf-8")
    assert [fault.what for fault in error_of(path).faults] == [
        "no column 'text'; the columns are ['a', 'b']",
        "no column 'label'; the columns are ['a', 'b']",
        "cells: 3 here, 2 in the header; quote a cell that holds ','",
    ]


def read_or_refuse(path: Path) -> None:
    for lenient in (False, True):
        try:
            read_seeds(path, columns=Columns(), labels=None, lenient=lenient)
            read_holdout(path, columns=Columns())
        except InputError:
            continue


def damaged(content: bytes) -> st.SearchStrategy[bytes]:
    """The content with a few stretches overwritten, and cut somewhere."""
    places = st.integers(0, len(content))
    edits = st.lists(st.tuples(places, st.binary(min_size=1, max_size=8)), max_size=4)

    def apply(edits: list[tuple[int, bytes]], end: int) -> bytes:
        data = content
        for place, piece in edits:
            data = data[:place] + piece + data[place + len(piece) :]
        return data[:end]

    return st.builds(apply, edits, st.one_of(st.just(len(content)), places))


JSON_LINES = b"".join(
    json.dumps({"text": text, "label": label, "id": i, "n": [i]}).encode() + b"\n"
    for i, (text, label) in enumerate([("Where?", ["card"]), ("\u2028", []), ("é\ud800", "x")])
)
ANY_BYTES = st.one_of(
    st.binary(max_size=300),
    st.text(max_size=100).map(lambda text: text.encode("utf-16", "surrogatepass")),
    st.text(alphabet=',;\t"\r\n\0 a[]', max_size=60).map(
        lambda text: b"text,label\n" + text.encode()
    ),
    st.text(alphabet=',;\t"\r\n a[]', max_size=60).map(str.encode),
    damaged(CSV.encode()),
    damaged(codecs.BOM_UTF8 + JSON_LINES),
    damaged(b"[" + JSON_LINES.strip().replace(b"\n", b",") + b"]"),
    damaged(PARQUET),
)


@given(content=ANY_BYTES)
@pytest.mark.parametrize("suffix", ["csv", "tsv", "jsonl", "ndjson", "json", "parquet"])
def test_any_bytes_are_read_or_refused_in_bounded_time(
    suffix: str, content: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("bytes") / f"seeds.{suffix}"
    path.write_bytes(content)
    start = time.monotonic()
    read_or_refuse(path)
    assert time.monotonic() - start < 5


@given(data=st.data())
def test_a_damaged_datasets_folder_is_read_or_refused(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("saved") / "seeds"
    rows = {"text": ["Where is it?", "Send it back"], "label": ["card", "refund"]}
    datasets.Dataset.from_dict(rows).save_to_disk(str(path))
    victim = data.draw(st.sampled_from(sorted(path.iterdir())))
    victim.write_bytes(data.draw(damaged(victim.read_bytes())))
    read_or_refuse(path)
