"""The marks of a run's map: what stands where, in which colour, and what a filter calls it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from augment.records import Json
from evals import wording

_MOST_COLOURS = 8
"""More labels than that no eye tells apart by colour: then the kinds of rows have theirs."""
_ORDER = {"accepted": 0, "rejected": 1, "seed": 2}
"""What is drawn later lies on top."""
_KINDS = {"seed": "Seed", "accepted": "Accepted", "rejected": "Rejected"}
_ALL = {"seed": "seeds", "accepted": "accepted rows", "rejected": "rejected rows"}
_NO_LABEL = "no label"

Source: TypeAlias = tuple[str, str, str]
"""Kind, filter and reason of a point: one choice of the filter by reason."""


def marks(found: Mapping[str, Json] | None, *, several: bool) -> dict[str, Json] | None:
    """Return the map's marks and the choices by which they are filtered; None without a map.

    A mark's first line says what it is and its second which labels it bears; its text follows.

    Args:
        found: the map among a run's figures.
        several: whether a row may bear several labels, so that no one of them can colour it.
    """
    if found is None:
        return None
    points: Sequence[Mapping[str, Json]] = sorted(
        found["points"], key=lambda point: _ORDER[point["kind"]]
    )
    labels = Counter(label for point in points for label in point["labels"] or [None])
    names = sorted(labels, key=lambda name: (name is None, (name or "").casefold(), name or ""))
    sources = Counter(map(_source, points))
    order = sorted(sources, key=lambda each: ([*_KINDS].index(each[0]), -sources[each], each))
    coloured = not several and len(names) <= _MOST_COLOURS
    return {
        **found,
        "coloured": coloured,
        "labels": [{"name": name or _NO_LABEL, "rows": labels[name]} for name in names],
        "reasons": [
            {"value": place, "kind": each[0], "name": _choice(each), "rows": sources[each]}
            for place, each in enumerate(order)
        ],
        "marks": [
            {
                "kind": point["kind"],
                "x": point["x"],
                "y": round(100 - point["y"], 2),
                "id": point["id"],
                "colour": names.index((point["labels"] or [None])[0]) if coloured else None,
                "labels": " ".join(str(names.index(label)) for label in point["labels"] or [None]),
                "reason": order.index(_source(point)),
                "title": _title(point),
            }
            for point in points
        ],
    }


def _source(point: Mapping[str, Json]) -> Source:
    return point["kind"], point["filter"] or "", point["reason"] or ""


def _choice(source: Source) -> str:
    kind, name, reason = source
    return f"{wording.in_words(reason)} ({name})" if kind == "rejected" else _ALL[kind]


def _title(point: Mapping[str, Json]) -> str:
    what = _KINDS[point["kind"]]
    if point["reason"]:
        what += f": {_choice(_source(point))}"
    labels = ", ".join(point["labels"]) or _NO_LABEL
    return "\n".join([_on_one_line(what), _on_one_line(labels), point["text"]])


def _on_one_line(text: str) -> str:
    return " ".join(text.split())
