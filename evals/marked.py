"""Annotated rows as a page shows them: their text in pieces, each with the types that cover it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from augment.records import Json

COLOURS = 8
"""Of marks; types beyond that share theirs, and each mention says its type in words."""
_ARROW = "\u2192"


def colours_of(types: Sequence[str]) -> dict[str, int]:
    """Return the number of each type's colour, in their order."""
    return {name: at % COLOURS for at, name in enumerate(types)}


def pieces(fields: Mapping[str, Json], colours: Mapping[str, int]) -> list[dict[str, Json]] | None:
    """Return a row's text in pieces between the ends of its mentions; None where it has none.

    A piece has the colour of the innermost mention that covers it (None: none does), and the types
    of the mentions that end with it.

    Args:
        fields: of a row as its file has it; its text may be cut short.
        colours: of each type.
    """
    if "entities" not in fields:
        return None
    text: str = fields["text"]
    spans = [each for each in fields["entities"] if each["end"] <= len(text)]
    ends = sorted({0, len(text), *(each[end] for each in spans for end in ("start", "end"))})
    found: list[dict[str, Json]] = []
    for start, end in pairwise(ends):
        covering = [each for each in spans if each["start"] <= start and end <= each["end"]]
        inner = min(covering, key=lambda each: each["end"] - each["start"], default=None)
        found.append(
            {
                "text": text[start:end],
                "colour": None if inner is None else colours.get(inner["label"], 0),
                "types": [each["label"] for each in covering if each["end"] == end],
            }
        )
    return found


def links(fields: Mapping[str, Json]) -> list[tuple[str, str]]:
    """Return each relation and event of a row: its type, and what it joins in words."""
    spans = fields.get("entities", ())
    found = [
        (each["label"], f"{spans[each['head']]['text']} {_ARROW} {spans[each['tail']]['text']}")
        for each in fields.get("relations", ())
    ]
    for each in fields.get("events", ()):
        parts = [f"{one['role']}: {spans[one['entity']]['text']}" for one in each["arguments"]]
        found.append((each["type"], "; ".join([spans[each["trigger"]]["text"], *parts])))
    return found
