"""Rows as CSV: what is no text stands in its cell as JSON, and nothing as an empty cell."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence

from augment.records import Json


def csv_lines(columns: Sequence[str], rows: Iterable[Mapping[str, Json]]) -> Iterator[str]:
    """Yield the header and then each row, which may lack columns; cells may hold line breaks."""
    # Every cell is quoted, for before Python 3.13 a lone carriage return would be forgotten.
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_cell(row.get(name)) for name in columns])
        yield text.getvalue()
        text.seek(0)
        text.truncate()
    yield text.getvalue()


def _cell(value: Json) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
