"""An annotation as a row's own fields."""

from __future__ import annotations

from collections.abc import Collection

from augment.records import Annotation, Json


def fields_of(text: str, annotation: Annotation, fields: Collection[str]) -> dict[str, Json]:
    """Return a row's own fields as DESIGN's formats name them, each mention with its text.

    Args:
        text: that was annotated.
        annotation: of it.
        fields: which of `relations` and `events` the row is to have beside its `entities`.
    """
    row: dict[str, Json] = {
        "text": text,
        "entities": [
            {
                "start": each.start,
                "end": each.end,
                "label": each.label,
                "text": text[each.start : each.end],
            }
            for each in annotation.entities
        ],
    }
    if "relations" in fields:
        row["relations"] = [
            {"head": each.head, "tail": each.tail, "label": each.label}
            for each in annotation.relations
        ]
    if "events" in fields:
        row["events"] = [
            {
                "trigger": each.trigger,
                "type": each.type,
                "arguments": [{"entity": one.entity, "role": one.role} for one in each.arguments],
            }
            for each in annotation.events
        ]
    return row
