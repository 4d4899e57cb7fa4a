"""How an answer carries its annotation: mentions marked in the text, or listed beside it.

    marks     {"text": "a table in <city>San Jose</city>"}
    mentions  {"text": "a table in San Jose", "entities": [{"text": "San Jose", "label": "city"}]}

Where relations or events speak of mentions, these are numbered from 1 in order of appearance, in
the mark (`<city 1>`) or as `id`. No offset is ever asked of a model: those of marks follow from
where they stand, and a list is grounded in its text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeAlias, cast

from augment.records import Annotation, Json, Span
from augment.shown import shown
from augment.spans.grounding import Mention, Unaligned, ground
from augment.spans.types import Types
from augment.tasks.classification import closed
from augment.tasks.marks import MarkReader, pattern_of, write_marks

FormName: TypeAlias = Literal["marks", "mentions"]
Row: TypeAlias = Mapping[str, object]
_STRING: dict[str, Json] = {"type": "string", "minLength": 1}
_NUMBER: dict[str, Json] = {"type": "integer", "minimum": 1}


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a row of an answer says.

    Attributes:
        places: of each mention in `spans`, by the number that the row gives it.
        faults: code and words of everything that is wrong.
    """

    text: str = ""
    spans: tuple[Span, ...] = ()
    places: Mapping[int, int] = field(default_factory=dict[int, int])
    faults: tuple[tuple[str, str], ...] = ()


class Form(Protocol):
    """One way to carry mentions.

    Attributes:
        keys: of a row, as far as it is about mentions.
    """

    name: FormName
    keys: tuple[str, ...]

    def write(self, text: str, annotation: Annotation) -> dict[str, Json]:
        """Return a row, as far as it is about mentions."""
        ...

    def read(self, row: Row, *, given: str | None) -> Told:
        """Read a row; `given` is the text where it was not for the answer to make one."""
        ...

    def schema(self, *, most: int) -> dict[str, Json]:
        """Return the schema of each key; there may be so many mentions at most."""
        ...

    def shape(self) -> dict[str, Json]:
        """Return an example of the form with "..." for what is the writer's."""
        ...


class Marks:
    """Mentions between marks.

    Args:
        types: of the task.
        strict: whether what looks like a mark of an unknown type is a fault.
        bare: whether a schema may say that angle brackets are marks: no text has others, and who
            decodes knows patterns.
    """

    name: FormName = "marks"
    keys: tuple[str, ...] = ("text",)

    def __init__(self, types: Types, *, strict: bool, bare: bool) -> None:
        self._numbered = types.task != "ner"
        self._types = types
        self._reader = MarkReader(types.entities, strict=strict)
        self._text: dict[str, Json] = _STRING
        if bare and not (types.nested or types.crossing or types.doubled):
            pattern = pattern_of(types.entities, numbered=self._numbered)
            self._text = {"type": "string", "pattern": pattern}

    def write(self, text: str, annotation: Annotation) -> dict[str, Json]:
        """Return the marked text."""
        return {"text": write_marks(text, annotation.entities, numbered=self._numbered)}

    def read(self, row: Row, *, given: str | None) -> Told:
        """Read the marks; with a given text, find each mention there."""
        if not isinstance(row["text"], str):
            return Told(faults=(("schema", "a text must be a string"),))
        read = self._reader.read(row["text"])
        spans, numbers, faults = list(read.spans), list(read.numbers), list(read.faults)
        order = sorted(range(len(spans)), key=lambda at: (spans[at].start, -spans[at].end))
        spans, numbers = [spans[at] for at in order], [numbers[at] for at in order]
        text = read.text
        if given is not None and text != given:
            said = [Mention(text=text[e.start : e.end], label=e.label) for e in spans]
            found = ground(given, said, within_words=self._types.within_words)
            faults += _unaligned(found)
            text, spans = given, [each for each in found if isinstance(each, Span)]
        if not self._numbered:
            return Told(text=text, spans=tuple(spans), faults=tuple(faults))
        places, doubts = _places(numbers)
        return Told(text=text, spans=tuple(spans), places=places, faults=(*faults, *doubts))

    def schema(self, *, most: int) -> dict[str, Json]:  # noqa: ARG002 - the Protocol's
        """Return the schema of the text, which says how marks stand in it, if they alone may."""
        return {"text": self._text}

    def shape(self) -> dict[str, Json]:
        """Return a marked text."""
        first = next(iter(self._types.entities), "type")
        number = " 1" if self._numbered else ""
        return {"text": f"... <{first}{number}>...</{first}> ..."}


class Mentions:
    """Mentions in a list beside the text."""

    name: FormName = "mentions"
    keys: tuple[str, ...] = ("text", "entities")

    def __init__(self, types: Types) -> None:
        self._numbered = types.task != "ner"
        self._types = types

    def write(self, text: str, annotation: Annotation) -> dict[str, Json]:
        """Return the text and the list."""
        entities: list[Json] = [
            {
                **({"id": at} if self._numbered else {}),
                "text": text[each.start : each.end],
                "label": each.label,
            }
            for at, each in enumerate(annotation.entities, 1)
        ]
        return {"text": text, "entities": entities}

    def read(self, row: Row, *, given: str | None) -> Told:
        """Ground the list in the text."""
        text, entities = row["text"] if given is None else given, row["entities"]
        if not isinstance(text, str):
            return Told(faults=(("schema", "a text must be a string"),))
        text = text.strip()
        if not isinstance(entities, list):
            return Told(text=text, faults=(("schema", "entities must be a list"),))
        mentions: list[Mention] = []
        numbers: list[int] = []
        for each in cast("list[object]", entities):
            own = cast("dict[str, object]", each) if isinstance(each, dict) else {}
            words, label, number = own.get("text"), own.get("label"), own.get("id", 0)
            if not (isinstance(words, str) and isinstance(label, str) and isinstance(number, int)):
                fault = ("schema", f"an entity must have a text and a label, found {shown(each)}")
                return Told(text=text, faults=(fault,))
            mentions.append(Mention(text=words, label=label))
            numbers.append(number)
        found = ground(text, mentions, within_words=self._types.within_words)
        faults = _unaligned(found)
        places, doubts = _places(numbers) if self._numbered else ({}, [])
        spans = tuple(each for each in found if isinstance(each, Span))
        return Told(text=text, spans=spans, places=places, faults=(*faults, *doubts))

    def schema(self, *, most: int) -> dict[str, Json]:
        """Return the schema of text and list."""
        label: Json = {"type": "string", "enum": [*self._types.entities]}
        entity = closed(
            {**({"id": _NUMBER} if self._numbered else {}), "text": _STRING, "label": label}
        )
        return {"text": _STRING, "entities": {"type": "array", "items": entity, "maxItems": most}}

    def shape(self) -> dict[str, Json]:
        """Return a text with one mention."""
        number = {"id": 1} if self._numbered else {}
        return {"text": "...", "entities": [{**number, "text": "...", "label": "..."}]}


def form_of(name: FormName, types: Types, *, strict: bool, bare: bool) -> Form:
    """Return the form of that name; as `Marks` where it marks."""
    return Marks(types, strict=strict, bare=bare) if name == "marks" else Mentions(types)


def _unaligned(found: Sequence[Span | Unaligned]) -> list[tuple[str, str]]:
    return [
        ("unaligned", f"{shown(each.mention.text)} ({each.mention.label}): {each.reason}")
        for each in found
        if isinstance(each, Unaligned)
    ]


def _places(numbers: Sequence[int]) -> tuple[dict[int, int], list[tuple[str, str]]]:
    """Return where each number stands; mentions without one are numbered by their order."""
    if not any(numbers):
        return {at + 1: at for at in range(len(numbers))}, []
    places: dict[int, int] = {}
    doubts: list[tuple[str, str]] = []
    for at, number in enumerate(numbers):
        if number in places:
            doubts.append(("reference", f"two mentions have the number {number}"))
        places[number] = at
    return places, doubts


def read_links(row: Mapping[str, Any], key: str) -> Sequence[Mapping[str, Any]] | None:
    """Return the objects listed under a key; None where that is no list of objects."""
    listed_ = row.get(key)
    if not isinstance(listed_, list):
        return None
    items = cast("list[object]", listed_)
    found = [cast("dict[str, Any]", each) for each in items if isinstance(each, dict)]
    return found if len(found) == len(items) else None
