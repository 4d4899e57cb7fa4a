"""Rows that are in memory already: a DataFrame, a Dataset, or mappings."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from augment.errors import InputError
from augment.formats.layout import Source
from augment.formats.read import distinct, from_arrow
from augment.formats.rows import RawRow, RowFault, Table
from augment.shown import shown

if TYPE_CHECKING:
    import pandas as pd  # pyright: ignore[reportMissingTypeStubs]
    from datasets import Dataset  # pyright: ignore[reportMissingTypeStubs]

    Rows: TypeAlias = str | Path | pd.DataFrame | Dataset | Iterable[Mapping[str, Any]]


_NOTHING = {"NAType", "NaTType"}
"""What pandas puts where there is nothing, by the names of their classes."""


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
        frame = cast("Any", rows)
        distinct([str(column) for column in frame.columns], name=name)
        return _table(frame.to_dict("records"), name=name)
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
        own = cast("Mapping[Any, Any]", row)
        values = {str(key): _plain(value) for key, value in own.items()}
        if len(values) < len(own):
            faults.append(RowFault(number=number, what="has two columns of one name"))
        columns.update(dict.fromkeys(values))
        read.append(RawRow(number=number, values=values))
    return Table(
        name=name, unit="row", columns=tuple(columns), rows=tuple(read), faults=tuple(faults)
    )


def _plain(value: object) -> Any:
    """Return the values of other libraries as Python's own, and what has many of them as a list."""
    if type(value).__name__ in _NOTHING:
        return None
    if isinstance(value, set | frozenset):
        return sorted(cast("Iterable[object]", value), key=repr)  # the same in every process
    if isinstance(value, tuple):
        return list(cast("Iterable[object]", value))
    plain = getattr(value, "tolist", None)
    return plain() if callable(plain) else value
