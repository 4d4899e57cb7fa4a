"""Rows that are in memory already: a DataFrame, a Dataset, or mappings."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from augment.errors import InputError
from augment.formats.layout import Source
from augment.formats.read import from_arrow
from augment.formats.rows import RawRow, RowFault, Table, shown

if TYPE_CHECKING:
    import pandas as pd  # pyright: ignore[reportMissingTypeStubs]
    from datasets import Dataset  # pyright: ignore[reportMissingTypeStubs]

    Rows: TypeAlias = str | Path | pd.DataFrame | Dataset | Iterable[Mapping[str, Any]]


def source_of(rows: Rows, *, name: str) -> Source:
    """Return the rows as the readers take them; a text is the path of a file or folder.

    Args:
        rows: a path, a DataFrame, a Dataset, or mappings from column to value.
        name: what messages call them.

    Raises:
        InputError: they are none of these.
    """
    if isinstance(rows, str | Path):
        return Path(rows)
    if _is(rows, "pandas", "DataFrame"):
        return _table(cast("Any", rows).to_dict("records"), name=name)
    if _is(rows, "datasets", "Dataset"):
        found: Any = rows
        whole = found.with_format("arrow")[:]
        return from_arrow(Path(name), "a Dataset", lambda _: (whole, found.features.to_dict()))
    loose = cast("object", rows)
    if isinstance(loose, Iterable) and not isinstance(loose, Mapping | bytes):
        return _table(cast("Iterable[object]", loose), name=name)
    what = f"must be a path, a DataFrame, a Dataset or mappings, and is {shown(rows)}"
    raise InputError.one(name, what)


def _is(value: object, module: str, name: str) -> bool:
    """Tell whether a value is of a class whose module need not be there: then it is not."""
    loaded = sys.modules.get(module)
    return loaded is not None and isinstance(value, getattr(loaded, name))


def _table(rows: Iterable[object], *, name: str) -> Table:
    read: list[RawRow] = []
    faults: list[RowFault] = []
    columns: dict[str, None] = {}
    for number, row in enumerate(rows, 1):
        if not isinstance(row, Mapping):
            faults.append(RowFault(number=number, what=f"is {shown(row)}, not a mapping"))
            continue
        values = {str(key): _plain(value) for key, value in cast("Mapping[Any, Any]", row).items()}
        columns.update(dict.fromkeys(values))
        read.append(RawRow(number=number, values=values))
    return Table(
        name=name, unit="row", columns=tuple(columns), rows=tuple(read), faults=tuple(faults)
    )


def _plain(value: object) -> Any:
    """Return tuples and arrays as lists, and numbers of other libraries as Python's own."""
    if isinstance(value, tuple | set | frozenset):
        return list(cast("Iterable[object]", value))
    plain = getattr(value, "tolist", None)
    return plain() if callable(plain) else value
