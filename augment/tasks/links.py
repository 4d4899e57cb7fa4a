"""Relations and events of an answer, which name mentions by their numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from augment.records import Annotation, Argument, Event, Json, Relation
from augment.shown import shown
from augment.spans.types import Types
from augment.tasks.classification import closed
from augment.tasks.forms import Told, read_links

_NUMBER: dict[str, Json] = {"type": "integer", "minimum": 1}
Faults = list[tuple[str, str]]


def write_links(annotation: Annotation, types: Types) -> dict[str, Json]:
    """Return the relations or events of a row."""
    if types.task == "relations":
        return {
            "relations": [
                {"head": each.head + 1, "label": each.label, "tail": each.tail + 1}
                for each in annotation.relations
            ]
        }
    if types.task == "events":
        return {
            "events": [
                {
                    "type": each.type,
                    "trigger": each.trigger + 1,
                    "arguments": [
                        {"role": one.role, "entity": one.entity + 1} for one in each.arguments
                    ],
                }
                for each in annotation.events
            ]
        }
    return {}


def links_schema(types: Types, *, most: int) -> dict[str, Json]:
    """Return the schema of relations or events; there may be so many at most."""
    if types.task == "relations":
        label: Json = {"type": "string", "enum": [*types.relations]}
        item = closed({"head": _NUMBER, "label": label, "tail": _NUMBER})
        return {"relations": {"type": "array", "items": item, "maxItems": most}}
    if types.task == "events":
        roles = dict.fromkeys(role for each in types.events.values() for role in each.roles)
        role: Json = {"type": "string", "enum": [*roles]} if roles else {"type": "string"}
        argument = closed({"role": role, "entity": _NUMBER})
        kind: Json = {"type": "string", "enum": [*types.events]}
        arguments: Json = {"type": "array", "items": argument, "maxItems": most}
        item = closed({"type": kind, "trigger": _NUMBER, "arguments": arguments})
        return {"events": {"type": "array", "items": item, "maxItems": most}}
    return {}


def links_shape(types: Types) -> dict[str, Json]:
    """Return an example of the form."""
    if types.task == "relations":
        return {"relations": [{"head": 1, "label": "...", "tail": 2}]}
    if types.task == "events":
        argument = {"role": "...", "entity": 2}
        return {"events": [{"type": "...", "trigger": 1, "arguments": [argument]}]}
    return {}


def read_links_of(
    row: Mapping[str, Any], told: Told, types: Types
) -> tuple[tuple[Relation, ...], tuple[Event, ...], Faults]:
    """Return the relations and events of a row, and what is wrong with them."""
    faults: Faults = []
    if types.task == "ner":
        return (), (), faults
    items = read_links(row, types.task)
    if items is None:
        return (), (), [("schema", f"{types.task} must be a list of objects")]
    if types.task == "relations":
        relations = [_relation(each, told, faults) for each in items]
        return tuple(each for each in relations if each is not None), (), faults
    events = [_event(each, told, faults) for each in items]
    return (), tuple(each for each in events if each is not None), faults


def _relation(entry: Mapping[str, Any], told: Told, faults: Faults) -> Relation | None:
    head, tail = (_mention(entry.get(end), end, told, faults) for end in ("head", "tail"))
    label = _name(entry.get("label"), "label", faults)
    if head is None or tail is None or label is None:
        return None
    if head == tail:
        faults.append(("reference", f"head and tail of {shown(label)} are the same mention"))
        return None
    return Relation(head=head, tail=tail, label=label)


def _event(entry: Mapping[str, Any], told: Told, faults: Faults) -> Event | None:
    kind = _name(entry.get("type"), "type", faults)
    trigger = _mention(entry.get("trigger"), "trigger", told, faults)
    listed_: Sequence[Mapping[str, Any]] | None = read_links(entry, "arguments")
    if listed_ is None:
        faults.append(("schema", "arguments must be a list of objects"))
        return None
    arguments: list[Argument] = []
    for each in listed_:
        role = _name(each.get("role"), "role", faults)
        entity = _mention(each.get("entity"), "entity", told, faults)
        if role is not None and entity is not None:
            arguments.append(Argument(entity=entity, role=role))
    if kind is None or trigger is None:
        return None
    return Event(trigger=trigger, type=kind, arguments=tuple(arguments))


def _mention(number: Any, what: str, told: Told, faults: Faults) -> int | None:
    if not isinstance(number, int) or isinstance(number, bool):
        faults.append(("schema", f"{what} must be a number, found {shown(number)}"))
        return None
    if number not in told.places:
        faults.append(("reference", f"{what} {number} is the number of no mention"))
        return None
    return told.places[number]


def _name(value: Any, what: str, faults: Faults) -> str | None:
    if isinstance(value, str) and value:
        return value
    faults.append(("schema", f"{what} must be a text, found {shown(value)}"))
    return None
