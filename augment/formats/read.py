"""Files in, raw rows out: what stands in a file and on which row, and nothing of what it means.

A file that cannot be read at all raises; a row that cannot is a `RowFault` in the table, so that
whoever gives the rows a meaning can list its own faults beside it.
"""

from __future__ import annotations

import codecs
import csv
import importlib
import io
import json
import math
import stat
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NoReturn

from augment.errors import InputError
from augment.formats.brat import is_brat, read_brat
from augment.formats.conll import read_conll
from augment.formats.docbin import SUFFIX as DOCBIN
from augment.formats.docbin import read_docbin
from augment.formats.rows import RawRow, RowFault, Table, is_list, is_object
from augment.records import Json
from augment.shown import listed, shown

# `csv` keeps its limit per process and in a C long, which has 32 bits on some systems.
_MAX_CELL_CHARS = 2**31 - 1

_MARKS = ((codecs.BOM_UTF8, "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
_NOT_TEXT = (
    (b"\x1f\x8b", "gzip data, to be unpacked first"),
    (b"\x28\xb5\x2f\xfd", "zstd data, to be unpacked first"),
    (b"PK\x03\x04", "a ZIP archive or a spreadsheet, to be exported as CSV"),
    (b"\xd0\xcf\x11\xe0", "an old spreadsheet, to be exported as CSV"),
    (b"PAR1", "Parquet, to be named .parquet"),
)


def read_rows(path: Path) -> Sequence[RawRow]:
    """Return the rows of a file, as `read_table` does.

    Raises:
        InputError: as `read_table`, and with every row that could not be read.
    """
    table = read_table(path)
    if table.faults:
        raise table.error(table.faults)
    return table.rows


def read_table(path: Path) -> Table:
    """Read a file by its suffix; or a folder saved by `datasets`, one of brat's, or a run's.

    Raises:
        InputError: nothing there, no file of a known kind, or one that is damaged.
    """
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            return _read_folder(path)
        if not stat.S_ISREG(mode):
            _refuse(path, "is a pipe or a device, not a file")
        return _read_file(path)
    except OSError as error:
        raise _unreadable(path, error.strerror or str(error)) from error
    except ValueError as error:  # a path that no system takes, such as one with NUL
        raise _unreadable(path, str(error)) from error


def _read_file(path: Path) -> Table:
    suffix = path.suffix.lower()
    if suffix == ".parquet":
        return from_arrow(path, "Parquet", _load_parquet)
    if suffix == DOCBIN:
        return read_docbin(path)
    reader = _TEXT_READERS.get(suffix)
    if reader is None:
        kinds = ", ".join([*_TEXT_READERS, ".parquet", DOCBIN])
        _refuse(path, f"is of no known kind: the name must end in {kinds}")
    return reader(path, _decode(path, path.read_bytes()))


def _read_folder(path: Path) -> Table:
    accepted = path / "accepted.jsonl"
    if accepted.is_file():
        return _read_file(accepted)
    saved = any((path / name).is_file() for name in ("dataset_dict.json", "dataset_info.json"))
    if not saved and is_brat(path):
        return read_brat(path)
    if not saved:
        what = "is a folder, but neither one saved by `datasets`, nor brat's, nor that of a run"
        _refuse(path, what)
    if any(not (entry.is_file() or entry.is_dir()) for entry in path.rglob("*")):
        _refuse(path, "holds a pipe, a device or a broken link")
    return from_arrow(path, "a `datasets` folder", _load_saved)


def _unreadable(path: Path, what: str) -> InputError:
    return InputError.one(str(path), f"cannot be read: {what}")


def _refuse(path: Path, what: str) -> NoReturn:
    raise InputError.one(str(path), what)


def _decode(path: Path, data: bytes) -> str:
    encoding = next((name for mark, name in _MARKS if data.startswith(mark)), "utf-8")
    hint = next((f"; this is {kind}" for magic, kind in _NOT_TEXT if data.startswith(magic)), None)
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        found = f"at byte {error.start} (0x{data[error.start]:02x})"
        hint = hint or "; save the file as UTF-8"
        raise InputError.one(str(path), f"not {encoding.upper()} {found}{hint}") from error
    text = text.removeprefix("\ufeff")
    if not text:
        _refuse(path, "is empty")
    start = text[:1000]
    if start.count("\0") * 4 > len(start):
        hint = hint or "; if this is UTF-16 or UTF-32, save the file as UTF-8"
        _refuse(path, f"not text: NUL at byte {data.index(0)}{hint}")
    return text


def _read_csv(path: Path, text: str) -> Table:
    line = text.lstrip("\r\n").partition("\n")[0].partition("\r")[0]
    marks = Counter(character for character in line if character in ",;\t")
    if marks[","] or not marks:
        return _read_separated(path, text, delimiter=",")
    delimiter = marks.most_common(1)[0][0]
    kind = "tabs" if delimiter == "\t" else "semicolons"
    warning = f"headers without a comma: 1 (the file is read as separated by {kind})"
    return _read_separated(path, text, delimiter=delimiter, warnings=(warning,))


def _read_tsv(path: Path, text: str) -> Table:
    return _read_separated(path, text, delimiter="\t")


def _read_separated(
    path: Path, text: str, *, delimiter: str, warnings: tuple[str, ...] = ()
) -> Table:
    csv.field_size_limit(_MAX_CELL_CHARS)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    columns: tuple[str, ...] | None = None
    rows: list[RawRow] = []
    faults: list[RowFault] = []
    one_line_each = True
    while True:
        number = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            break
        except csv.Error as error:
            faults.append(RowFault(number=number, what=_quoting(error)))
            if columns is None:
                _refuse(path, f"the header cannot be read: {faults[0].what}")
            continue
        one_line_each = one_line_each and reader.line_num == number
        if not cells:
            continue
        if columns is None:
            columns = _header(path, cells)
        elif len(cells) == len(columns):
            values = {name: cell or None for name, cell in zip(columns, cells, strict=True)}
            rows.append(RawRow(number=number, values=values))
        else:
            hint = f"; quote a cell that holds {delimiter!r}" if len(cells) > len(columns) else ""
            what = f"cells: {len(cells)} here, {len(columns)} in the header{hint}"
            faults.append(RowFault(number=number, what=what))
    return Table(
        name=str(path),
        # Where a cell holds line breaks, a spreadsheet's rows are not the lines counted here.
        unit="row" if one_line_each else "line",
        columns=columns or (),
        rows=tuple(rows),
        untyped=True,
        faults=tuple(faults),
        warnings=warnings,
    )


def _header(path: Path, cells: Sequence[str]) -> tuple[str, ...]:
    # An unnamed column is what pandas writes for its index, and what a trailing comma makes.
    columns = [cell.strip() or f"column_{place}" for place, cell in enumerate(cells, 1)]
    return distinct(columns, name=str(path))


def distinct(columns: Sequence[str], *, name: str) -> tuple[str, ...]:
    """Return the columns of what is called `name`.

    Raises:
        InputError: two have the same name.
    """
    twice = [column for column, count in Counter(columns).items() if count > 1]
    if twice:
        raise InputError.one(name, f"more than one column has the name {listed(twice)}")
    return tuple(columns)


def _quoting(error: csv.Error) -> str:
    if "unexpected end" in str(error):
        return 'a quote (") is opened and not closed before the end of the file'
    return f'a quoted cell goes on after its closing quote; write a quote inside it as "" ({error})'


def _read_jsonl(path: Path, text: str) -> Table:
    lines = enumerate(text.split("\n"), 1)
    parsed = [(number, _try_json(line)) for number, line in lines if line.strip(" \t\r")]
    return _from_objects(path, parsed, unit="line")


def _read_json(path: Path, text: str) -> Table:
    rows = _try_json(text)
    if isinstance(rows, ValueError):
        lines = text.lstrip().startswith("{")
        hint = "; if it holds one object a line, name it .jsonl" if lines else ""
        _refuse(path, f"{rows}{hint}")
    if not is_list(rows):
        _refuse(path, f"holds {_kind(rows)}, not an array of objects")
    return _from_objects(path, enumerate(rows, 1), unit="row")


def _from_objects(
    path: Path, parsed: Iterable[tuple[int, Json | ValueError]], *, unit: Literal["row", "line"]
) -> Table:
    rows: list[RawRow] = []
    faults: list[RowFault] = []
    columns: dict[str, None] = {}
    for number, value in parsed:
        if is_object(value):
            rows.append(RawRow(number=number, values=value))
            columns.update(dict.fromkeys(value))
        elif isinstance(value, ValueError):
            faults.append(RowFault(number=number, what=str(value)))
        else:
            faults.append(RowFault(number=number, what=f"holds {_kind(value)}, not an object"))
    return Table(
        name=str(path), unit=unit, columns=tuple(columns), rows=tuple(rows), faults=tuple(faults)
    )


def _try_json(text: str) -> Json | ValueError:
    """Return the value, or the error with a message for people: never raises."""
    try:
        return _JSON.decode(text)
    except json.JSONDecodeError as error:
        line = f"line {error.lineno}, " if "\n" in text else ""
        return ValueError(f"not JSON at {line}column {error.colno}: {error.msg}")
    except RecursionError:
        return ValueError("JSON nested too deeply")
    except ValueError as error:  # from our own hooks, or an integer of more than 4300 digits
        return ValueError(f"unusable JSON: {error}")


def _object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    values = dict(pairs)
    if len(values) < len(pairs):
        twice = [key for key, count in Counter(key for key, _ in pairs).items() if count > 1]
        raise ValueError(f"an object has more than one {listed(twice)}")
    return values


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(f"number {shown(text)} is too large")
    return number


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON; write null")


def _read_conll(path: Path, text: str) -> Table:
    return read_conll(str(path), text)


_JSON = json.JSONDecoder(
    object_pairs_hook=_object, parse_float=_finite, parse_constant=_no_constant
)
_TEXT_READERS: Mapping[str, Callable[[Path, str], Table]] = {
    ".csv": _read_csv,
    ".tsv": _read_tsv,
    ".jsonl": _read_jsonl,
    ".ndjson": _read_jsonl,
    ".json": _read_json,
    **dict.fromkeys((".conll", ".conll03", ".iob", ".iob2", ".bio", ".bioes"), _read_conll),
}


def _kind(value: Json) -> str:
    kinds = {dict: "an object", list: "an array", str: "a string", bool: "a boolean"}
    found = (name for kind, name in kinds.items() if isinstance(value, kind))
    return "null" if value is None else next(found, "a number")


def from_arrow(path: Path, kind: str, load: Callable[[Path], tuple[Any, Json]]) -> Table:
    """Return the rows of an Arrow table, the classes among its features by their names.

    Args:
        path: of what is read, for messages.
        kind: what it ought to be, for messages.
        load: returns the Arrow table and the features that `datasets` noted.

    Raises:
        InputError: it cannot be loaded.
    """
    try:
        arrow, features = load(path)
        # Arrow trusts the offsets in a file, and where they are wrong the process is killed.
        arrow.validate(full=True)
        columns = distinct(arrow.column_names, name=str(path))
        cells = [
            [_named(cell, features.get(name)) for cell in column.to_pylist()]
            for name, column in zip(columns, arrow.columns, strict=True)
        ]
    except InputError:
        raise
    except Exception as error:  # on damaged bytes these libraries raise anything
        reason = shown(f"{type(error).__name__}: {error}")
        raise _unreadable(path, f"damaged, or not {kind} ({reason})") from error
    rows = (dict(zip(columns, row, strict=True)) for row in zip(*cells, strict=True))
    return Table(
        name=str(path),
        unit="row",
        columns=columns,
        rows=tuple(RawRow(number=number, values=values) for number, values in enumerate(rows, 1)),
    )


def _load_parquet(path: Path) -> tuple[Any, Json]:
    """Return the Arrow table and the features that `datasets` may have noted in the file."""
    parquet: Any = importlib.import_module("pyarrow.parquet")
    with parquet.ParquetFile(path) as file:
        arrow = file.read()
    noted: Any = arrow.schema.metadata or {}
    return arrow, json.loads(noted.get(b"huggingface", b"{}")).get("info", {}).get("features", {})


def _load_saved(path: Path) -> tuple[Any, Json]:
    """Return the Arrow table and the features of a folder saved by `datasets`."""
    datasets: Any = importlib.import_module("datasets")
    # In memory, since a mapped file that is cut while it is read kills the process.
    found = datasets.load_from_disk(str(path), keep_in_memory=True)
    if isinstance(found, datasets.DatasetDict):
        if "train" not in found and len(found) != 1:
            _refuse(path, f"has the splits {listed(list(found))}: give the folder of one of them")
        found = found["train"] if "train" in found else next(iter(found.values()))
    return found.data.table, found.features.to_dict()


def _named(cell: Any, feature: Json) -> Any:
    """Return a cell with the names that the classes in it stand for.

    Features are spelled in three ways: with `_type` List, LargeList or Sequence and a `feature`,
    as a list of one feature, and as an object of them.
    """
    if is_list(feature):
        return _each_named(cell, feature[0])
    if not is_object(feature) or cell is None:
        return cell
    kind = feature.get("_type")
    if kind in {"List", "LargeList", "Sequence"}:
        return _each_named(cell, feature.get("feature"))
    if kind == "ClassLabel":
        return _name_of(cell, feature.get("names"))
    if kind is None and is_object(cell):
        return {name: _named(value, feature.get(name)) for name, value in cell.items()}
    return cell


def _each_named(cell: Any, feature: Json) -> Any:
    if is_object(cell):  # a Sequence of objects is stored as an object of lists
        own: Mapping[str, Json] = feature if is_object(feature) else {}
        return {name: _each_named(value, own.get(name)) for name, value in cell.items()}
    return [_named(each, feature) for each in cell] if is_list(cell) else cell


def _name_of(cell: Any, names: Sequence[str] | None) -> Any:
    """Return the name that an integer stands for; `datasets` writes -1 where there is no label."""
    if names is None or not isinstance(cell, int):
        return cell
    return names[cell] if 0 <= cell < len(names) else None
