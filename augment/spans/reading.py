"""A row's annotation as it stands in a file or an answer, held to its text.

    {"entities": [{"start": 22, "end": 33, "label": "drug"}],
     "relations": [{"head": 0, "tail": 1, "label": "treats"}],
     "events": [{"trigger": 0, "type": "dose", "arguments": [{"entity": 1, "role": "of"}]}]}

Whatever is wrong is said of all of it at once. What is merely untidy is put in order and named.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias, cast

from augment.characters import fault_of_name
from augment.records import Annotation, Argument, Event, Relation, Span
from augment.shown import listed, shown
from augment.spans.offsets import hint
from augment.spans.ordering import ordered

FIELDS: Mapping[str, tuple[str, ...]] = {
    "classification": (),
    "ner": ("entities",),
    "relations": ("entities", "relations"),
    "events": ("entities", "events"),
}
"""What of a row each task reads."""
TRIMMED = "mentions with white space at the ends, trimmed"
REPEATED = "mentions, relations or events given twice, kept once"
UNKNOWN = "keys in mentions, relations or events that are not understood, left out"
MISSING = "rows without a list of relations or events, taken to have none"

_KEYS = {
    "entities": {"start", "end", "label", "text"},
    "relations": {"head", "tail", "label"},
    "events": {"trigger", "type", "arguments"},
    "arguments": {"entity", "role"},
}
_Entry: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed:
    """The names that may occur, each list in the order wanted; None is any."""

    entities: Sequence[str] | None = None
    relations: Sequence[str] | None = None
    events: Sequence[str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """What a row says.

    Attributes:
        annotation: not to be used where there are faults.
        faults: everything that is wrong, each naming its place and the text there.
        untidy: what was put in order, by the words in which it is counted.
    """

    annotation: Annotation
    faults: tuple[str, ...]
    untidy: tuple[str, ...]


@dataclass(slots=True)
class _Reading:
    raw: str
    text: str
    shift: int
    faults: list[str] = field(default_factory=list[str])
    untidy: dict[str, None] = field(default_factory=dict[str, None])


def read_annotation(
    raw: str, cells: Mapping[str, Any], *, fields: Collection[str], allowed: Allowed
) -> Read:
    """Read a row's annotation.

    Args:
        raw: the text as it stands there, which the offsets are of; the annotation's are of
            `raw.strip()`.
        cells: what stands under `entities`, `relations` and `events`.
        fields: which of them count; `entities` always does.
        allowed: the names that may occur.
    """
    text = raw.strip()
    reading = _Reading(raw=raw, text=text, shift=len(raw) - len(raw.lstrip()))
    entities: list[Span | None] = []
    if cells.get("entities") is None:
        reading.faults.append("'entities' is empty: write [] where there is no mention")
    else:
        for at, entry in enumerate(_entries(cells["entities"], "entities", reading)):
            entities.append(_span(entry, f"entities[{at}]", reading, allowed.entities))
    relations: list[Relation | None] = []
    if "relations" in fields:
        for at, entry in enumerate(_entries(cells.get("relations"), "relations", reading)):
            place = f"relations[{at}]"
            relations.append(_relation(entry, place, reading, entities, allowed.relations))
    events: list[Event | None] = []
    if "events" in fields:
        for at, entry in enumerate(_entries(cells.get("events"), "events", reading)):
            events.append(_event(entry, f"events[{at}]", reading, entities, allowed.events))
    nothing = Annotation(entities=())
    if reading.faults:
        return Read(annotation=nothing, faults=tuple(reading.faults), untidy=())
    whole = Annotation(
        entities=tuple(each for each in entities if each is not None),
        relations=tuple(each for each in relations if each is not None),
        events=tuple(each for each in events if each is not None),
    )
    found = ordered(whole)
    if _size(found) < _size(whole):
        reading.untidy[REPEATED] = None
    return Read(annotation=found, faults=(), untidy=tuple(reading.untidy))


def holds(cells: Any) -> bool:
    """Tell whether a cell lists anything."""
    return bool(_rows_of(cells))


def _size(annotation: Annotation) -> int:
    arguments = sum(len(each.arguments) for each in annotation.events)
    return len(annotation.entities) + len(annotation.relations) + len(annotation.events) + arguments


def _rows_of(cell: Any) -> Any:
    """Return a list of objects where `datasets` made one object with lists of them."""
    if not isinstance(cell, Mapping):
        return cell
    columns = cast("Mapping[str, Any]", cell)
    lists = [cast("list[Any]", each) for each in columns.values() if isinstance(each, list)]
    if not lists or len(lists) < len(columns) or len(set(map(len, lists))) > 1:
        return columns
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _entries(cell: Any, what: str, reading: _Reading) -> Sequence[_Entry | None]:
    """Return the entries of a list; None in the place of one that is no object."""
    if cell is None:
        reading.untidy[MISSING] = None
        return ()
    rows = _rows_of(cell)
    if not isinstance(rows, list):
        reading.faults.append(f"{what!r} is no list but {shown(cell)}")
        return ()
    found: list[_Entry | None] = []
    for at, entry in enumerate(cast("list[Any]", rows)):
        if isinstance(entry, Mapping):
            own = cast("_Entry", entry)
            if any(key not in _KEYS[what] and own[key] is not None for key in own):
                reading.untidy[UNKNOWN] = None
            found.append(own)
        else:
            reading.faults.append(f"{what}[{at}] is no object but {shown(entry)}")
            found.append(None)
    return found


def _span(
    entry: _Entry | None, place: str, reading: _Reading, allowed: Sequence[str] | None
) -> Span | None:
    if entry is None:
        return None
    start, end = _whole(entry, "start", place, reading), _whole(entry, "end", place, reading)
    label = _name(entry.get("label"), f"{place}: label", reading, allowed)
    given = entry.get("text")
    if given is not None and not isinstance(given, str):
        reading.faults.append(f"{place}: text is not text but {shown(given)}")
        given = None
    if start is None or end is None or label is None:
        return None
    raw = reading.raw
    if not 0 <= start < end <= len(raw):
        what = f"{place}: start {start} and end {end} do not fit a text of {len(raw)} characters"
        reading.faults.append(what + _about(given) + hint(raw, start, end, given))
        return None
    found = raw[start:end]
    if not found.strip():
        reading.faults.append(f"{place}: holds nothing but white space ({start} to {end})")
        return None
    if given is not None and given not in {found, found.strip()}:
        what = f"{place}: {start} to {end} is {shown(found)}, and 'text' says {shown(given)}"
        reading.faults.append(what + hint(raw, start, end, given))
        return None
    if told := hint(raw, start, end, given) if given is None else "":
        reading.faults.append(f"{place}: {start} to {end} is {shown(found)}{told}")
        return None
    if found != found.strip():
        reading.untidy[TRIMMED] = None
        start += len(found) - len(found.lstrip())
        end = start + len(found.strip())
    return Span(start=start - reading.shift, end=end - reading.shift, label=label)


def _about(given: Any) -> str:
    return "" if given is None else f" (its mention is {shown(given)})"


def _relation(
    entry: _Entry | None,
    place: str,
    reading: _Reading,
    entities: Sequence[Span | None],
    allowed: Sequence[str] | None,
) -> Relation | None:
    if entry is None:
        return None
    head = _mention(entry, "head", place, reading, entities)
    tail = _mention(entry, "tail", place, reading, entities)
    label = _name(entry.get("label"), f"{place}: label", reading, allowed)
    if head is None or tail is None or label is None:
        return None
    one, other = entities[head], entities[tail]
    if head == tail or (one is not None and one == other):
        reading.faults.append(f"{place}: head and tail are the same mention, entities[{head}]")
        return None
    return Relation(head=head, tail=tail, label=label)


def _event(
    entry: _Entry | None,
    place: str,
    reading: _Reading,
    entities: Sequence[Span | None],
    allowed: Sequence[str] | None,
) -> Event | None:
    if entry is None:
        return None
    trigger = _mention(entry, "trigger", place, reading, entities)
    kind = _name(entry.get("type"), f"{place}: type", reading, allowed)
    arguments: list[Argument] = []
    listed_ = entry.get("arguments")
    for at, each in enumerate(_entries([] if listed_ is None else listed_, "arguments", reading)):
        if each is None:
            continue
        where = f"{place}.arguments[{at}]"
        entity = _mention(each, "entity", where, reading, entities)
        role = _name(each.get("role"), f"{where}: role", reading, None)
        if entity is not None and role is not None:
            arguments.append(Argument(entity=entity, role=role))
    if trigger is None or kind is None:
        return None
    return Event(trigger=trigger, type=kind, arguments=tuple(arguments))


def _mention(
    entry: _Entry, key: str, place: str, reading: _Reading, entities: Sequence[Span | None]
) -> int | None:
    """Return the place of a mention; where that one is at fault itself nothing more is said."""
    at = _whole(entry, key, place, reading)
    if at is not None and not 0 <= at < len(entities):
        held = f"the row has {len(entities)}, counted from 0" if entities else "the row has none"
        reading.faults.append(f"{place}: {key} {at} is none of the entities: {held}")
        return None
    return at


def _whole(entry: _Entry, key: str, place: str, reading: _Reading) -> int | None:
    value = entry.get(key)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    said = "is missing" if value is None else f"is no whole number but {shown(value)}"
    reading.faults.append(f"{place}: {key} {said}")
    return None


def _name(value: Any, what: str, reading: _Reading, allowed: Sequence[str] | None) -> str | None:
    if not isinstance(value, str) or not value.strip():
        said = f"is not text but {shown(value)}" if value and not _blank(value) else "is empty"
        reading.faults.append(f"{what} {said}")
        return None
    name = value.strip()
    if fault := fault_of_name(name):
        reading.faults.append(f"{what} {shown(name)} {fault}")
    elif allowed is not None and name not in allowed:
        reading.faults.append(f"{what} {shown(name)} is not one of {listed(allowed)}")
    else:
        return name
    return None


def _blank(value: object) -> bool:
    return isinstance(value, str) and not value.strip()


ANY = Allowed()
"""Whatever names there are."""
