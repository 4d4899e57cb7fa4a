"""An annotation as a row's own fields."""

from __future__ import annotations

from augment.records import Annotation, Json, TaskName


def fields_of(text: str, annotation: Annotation, task: TaskName) -> dict[str, Json]:
    """Return the fields of a row as DESIGN's formats name them, each mention with its text."""
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
    if task == "relations":
        row["relations"] = [
            {"head": each.head, "tail": each.tail, "label": each.label}
            for each in annotation.relations
        ]
    if task == "events":
        row["events"] = [
            {
                "trigger": each.trigger,
                "type": each.type,
                "arguments": [{"entity": one.entity, "role": one.role} for one in each.arguments],
            }
            for each in annotation.events
        ]
    return row
