"""Doccano's JSONL, as it imports and exports it.

    {"text": "...", "label": ["card"]}                                      classification
    {"text": "...", "label": [[0, 4, "city"]]}                              sequence labelling
    {"text": "...", "entities": [{"id": 7, "label": "city", "start_offset": 0, "end_offset": 4}],
     "relations": [{"id": 1, "from_id": 7, "to_id": 8, "type": "in"}]}      with relations

Offsets count code points, as Python does; those of projects that count grapheme clusters cannot be
told from them, and are refused where they do not fit. Other keys are a row's metadata.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any

from augment.formats.corpus import Corpus
from augment.formats.rows import RawRow, RowFault, Table, is_list, is_object
from augment.records import Annotation, Example, Json, Target
from augment.shown import shown

_SPANS = ("label", "labels", "entities")
_OFFSETS = ("start_offset", "end_offset")
_TRIPLE = ("start", "end", "label")


def from_doccano(table: Table) -> Table | None:
    """Return a table of sequence labelling with our own columns; None where it is none."""
    held = (
        name
        for name in _SPANS
        if name in table.columns and any(_lists_spans(row.values.get(name)) for row in table.rows)
    )
    column = next(held, None)
    if column is None:
        return None
    rows: list[RawRow] = []
    faults: list[RowFault] = []
    for row in table.rows:
        cell = row.values.get(column)
        values = {name: own for name, own in row.values.items() if name not in {column, "Comments"}}
        values["entities"] = [_entity(each) for each in cell] if is_list(cell) else cell
        if is_list(links := row.values.get("relations")):
            values["relations"], wrong = _links(links, cell)
            faults += [RowFault(number=row.number, what=what) for what in wrong]
            if wrong:
                continue
        rows.append(RawRow(number=row.number, values=values))
    columns = [name for name in table.columns if name not in {column, "Comments"}]
    return table.with_rows(rows, columns=[*columns, "entities"], faults=faults)


def rows_of(corpus: Corpus) -> Iterator[dict[str, Json]]:
    """Yield the rows of a corpus without events; ids of mentions and relations are the file's."""
    mentions: Iterator[int] = count()
    links: Iterator[int] = count()
    for example in corpus.examples:
        pair: dict[str, Json] = (
            {} if example.text_pair is None else {"text_pair": example.text_pair}
        )
        own = _content(example, mentions, links, linked="relations" in corpus.fields)
        yield {**example.meta, "id": example.id, "text": example.text, **pair, **own}


def _content(
    example: Example[Target], mentions: Iterator[int], links: Iterator[int], *, linked: bool
) -> Mapping[str, Json]:
    target = example.target
    if not isinstance(target, Annotation):
        return {"label": list(target) if isinstance(target, tuple) else target}
    if not linked:
        return {"label": [[each.start, each.end, each.label] for each in target.entities]}
    ids = [next(mentions) for _ in target.entities]
    return {
        "entities": [
            {"id": id, "label": each.label, "start_offset": each.start, "end_offset": each.end}
            for id, each in zip(ids, target.entities, strict=True)
        ],
        "relations": [
            {
                "id": next(links),
                "from_id": ids[each.head],
                "to_id": ids[each.tail],
                "type": each.label,
            }
            for each in target.relations
        ],
    }


def _lists_spans(cell: Any) -> bool:
    if not is_list(cell) or not cell:
        return False
    first = cell[0]
    if is_object(first):
        return _OFFSETS[0] in first
    return is_list(first) and [*map(type, first)] == [int, int, str]


def _entity(entry: Any) -> Any:
    """Return a mention as our own rows have it; what is none stays, to be refused as such."""
    if is_list(entry) and len(entry) <= len(_TRIPLE):
        return dict(zip(_TRIPLE, entry, strict=False))
    if not is_object(entry):
        return entry
    start, end = (entry.get(name) for name in _OFFSETS)
    return {"start": start, "end": end, "label": entry.get("label")}


def _links(links: list[Any], cell: Any) -> tuple[list[Json], list[str]]:
    """Return the relations by the places of their mentions, and what is wrong with them."""
    entries = enumerate(cell if is_list(cell) else [])
    places = {shown(entry.get("id")): at for at, entry in entries if is_object(entry)}
    found: list[Json] = []
    wrong: list[str] = []
    for at, link in enumerate(links):
        if not is_object(link):
            found.append(link)
            continue
        ends = {name: shown(link.get(name)) for name in ("from_id", "to_id")}
        wrong += [
            f"relations[{at}]: {name} {id} is the id of none of the entities"
            for name, id in ends.items()
            if id not in places
        ]
        head, tail = (places.get(id) for id in ends.values())
        found.append({"head": head, "tail": tail, "label": link.get("type")})
    return found, wrong
