"""Information extraction: texts with mentions, and relations or events over them.

    {"text": "a table in <city>San Jose</city>"}
    {"text": "<drug 1>Aspirin</drug> for <ill 2>migraine</ill>",
     "relations": [{"head": 1, "label": "treats", "tail": 2}]}
    {"rows": [...]}    where k > 1

Whatever an answer gets wrong is a fault with a code of its own: a mention that is not in its text
(`unaligned`), a type that there is not, a relation between types that it never joins, a role that
an event must have. Nothing is put right, and no row is kept with a part of its annotation.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias, cast

from augment.records import EMPTY, Annotation, Ask, Completion, Example, Fault, Json
from augment.shown import listed
from augment.spans.ordering import counted, ordered
from augment.spans.reading import ANY, FIELDS, read_annotation
from augment.spans.skeletons import ENTITIES_FIRST, departures, links_of
from augment.spans.types import Types
from augment.spans.writing import fields_of
from augment.tasks.classification import Guidance, closed
from augment.tasks.forms import FormName, Told, form_of
from augment.tasks.links import links_schema, links_shape, read_links_of, write_links
from augment.tasks.objects import read_object, shown

Row: TypeAlias = Example[Annotation] | Fault

_NAMED: Final = {"name": None, "description": None}
_ENDS: Final = {**_NAMED, "heads": None, "tails": None}
_EVENT: Final = {**_NAMED, "triggers": None, "roles": [{"name": None, "required": None}]}
OFFERED: Final[Mapping[str, Any]] = {
    "ner": None,
    "marks": None,
    "nested": None,
    "entities": [_NAMED],
    "relations": [_ENDS],
    "events": [_EVENT],
    "guidelines": None,
    "glossary": [{"term": None, "meaning": None}],
    "language": None,
    "wanted": [{**_NAMED, "last": None}],
    "none_wanted": None,
    "examples": [{"text": None, "answer": None, "meta": {"*": None}}],
    "attributes": [{"name": None, "value": None}],
    "instructions": None,
    "k": None,
    "many": None,
    "answer_shape": None,
    "mentions": [{"text": None, "label": None}],
    "links": [{"name": None, "parts": [{"role": None, "text": None, "last": None}]}],
}
"""The shape of every prompt variable, as `prompts.templates.load` takes it."""
REQUIRED: Final = ("answer_shape", "entities")

_LEAST_ROOM = 8
"""So many mentions a row may always have; more only as far as the seeds do."""
_MOST_TOLD = 4
"""So many of the mentions that are wrong are named."""
_GIVEN = "given"
"""The strategy of rows that are there already."""


class Extraction:
    """An extraction task.

    Args:
        types: what annotations may hold.
        form: how answers carry mentions.
        most: how many mentions the fullest seed has.
        strict: whether no seed has what looks like a mark, so that any such is a fault.
        bare: as of `augment.tasks.forms.Marks`.
        skeleton: the row whose annotation an ask wants, where it gives one.
    """

    def __init__(
        self,
        types: Types,
        *,
        form: FormName = "marks",
        most: int = 0,
        strict: bool = True,
        bare: bool = False,
        guidance: Guidance | None = None,
        skeleton: Callable[[Ask], Example[Annotation] | None] = lambda _: None,
    ) -> None:
        self.name = types.task
        self.types = types
        self.form = form_of(form, types, strict=strict, bare=bare)
        self._guidance = guidance or Guidance()
        self._skeleton = skeleton
        room = max(2 * most, _LEAST_ROOM)
        self._keys = (*self.form.keys, *FIELDS[types.task][1:])
        self._row: Json = closed({**self.form.schema(most=room), **links_schema(types, most=room)})
        self._shape: Json = {**self.form.shape(), **links_shape(types)}
        self._schemas: dict[int, Mapping[str, Json]] = {1: self._row}

    def constants(self) -> Mapping[str, Any]:
        """Return the prompt variables that are the same for every ask of a run."""
        types, glossary = self.types, self._guidance.glossary
        return {
            "ner": types.task == "ner",
            "marks": self.form.name == "marks",
            "nested": types.nested,
            "entities": [{"name": n, "description": types.entities[n]} for n in types.entities],
            "relations": [
                {
                    "name": name,
                    "description": each.description,
                    "heads": " or ".join(each.heads),
                    "tails": " or ".join(each.tails),
                }
                for name, each in types.relations.items()
            ],
            "events": [
                {
                    "name": name,
                    "description": each.description,
                    "triggers": " or ".join(each.triggers),
                    "roles": [
                        {"name": role, "required": role in each.required} for role in each.roles
                    ],
                }
                for name, each in types.events.items()
            ],
            "guidelines": self._guidance.guidelines or "",
            "glossary": [{"term": term, "meaning": glossary[term]} for term in glossary],
            "language": self._guidance.language or "",
        }

    def variables(self, ask: Ask, exemplars: Sequence[Example[Annotation]]) -> Mapping[str, Any]:
        """Return the prompt variables of one ask."""
        described, last = self.types.counted, len(ask.labels)
        given = self._skeleton(ask) if ask.strategy == ENTITIES_FIRST else None
        if given is not None:
            exemplars = exemplars[1:]  # the first is what the mentions are of, and not shown
        return {
            "wanted": [
                {"name": name, "description": described.get(name, ""), "last": at == last}
                for at, name in enumerate(ask.labels, 1)
            ],
            "none_wanted": not ask.labels,
            "examples": [self.example_variables(each) for each in exemplars],
            "attributes": [{"name": n, "value": ask.attributes[n]} for n in ask.attributes],
            "instructions": ask.instructions or "",
            "k": ask.k,
            "many": ask.k > 1,
            "answer_shape": self.answer_shape(k=ask.k),
            **_told_of(given),
        }

    def answer_shape(self, *, k: int) -> str:
        """Return an example of the form of an answer with so many rows."""
        shape: Json = {"rows": [self._shape]} if k > 1 else self._shape
        return json.dumps(shape, ensure_ascii=False)

    def example_variables(self, example: Example[Annotation]) -> Mapping[str, Any]:
        """Return what a prompt may show of a seed: its text, and the answer that it would be."""
        answer = json.dumps(self.row_of(example), ensure_ascii=False)
        return {"text": example.text, "answer": answer, "meta": example.meta}

    def row_of(self, example: Example[Annotation]) -> dict[str, Json]:
        """Return the row of an answer that an example would be."""
        return {
            **self.form.write(example.text, example.target),
            **write_links(example.target, self.types),
        }

    def can_carry(self, example: Example[Annotation]) -> bool:
        """Tell whether the form says of the example what it is, and nothing else."""
        read = self._told(self.row_of(example))
        return isinstance(read, Example) and (read.text, read.target) == (
            example.text,
            example.target,
        )

    def schema(self, ask: Ask) -> Mapping[str, Json]:
        """Return the JSON schema of the answer, the same for all asks of one k."""
        if ask.k not in self._schemas:
            rows = {"type": "array", "minItems": ask.k, "maxItems": ask.k, "items": self._row}
            self._schemas[ask.k] = closed({"rows": rows})
        return self._schemas[ask.k]

    def parse(self, answer: str, ask: Ask) -> Sequence[Row]:
        """Read an answer: one example or fault per row of it, never none; ids are left empty.

        Raises nothing, whatever the answer holds. Reasons: `empty`, `json`, `schema` as for
        classification; `marks` (they do not match), `unaligned`, `reference` (to a mention that
        there is not), `label` (nothing of what was asked for), `mentions` (others than the ask
        gives), and those of `Types.faults`.
        """
        found = _object(answer)
        if isinstance(found, Fault):
            return [found]
        if ask.strategy == _GIVEN:
            return [self._given(found)]
        if ask.k == 1:
            return [self._asked(found, ask)]
        rows: object = found.get("rows")
        if not isinstance(rows, list) or len(found) != 1:
            held = shown(", ".join(found))
            return [_fault("schema", f"expected a list 'rows' and no other key, found {held}")]
        items = cast("list[object]", rows)
        detail = f"the answer holds {len(items)} rows instead of {ask.k}"
        return [
            *(self._asked(item, ask) for item in items[: ask.k]),
            *(_fault("schema", detail) for _ in items[ask.k :]),
            *[_fault("schema", detail)] * (ask.k - len(items)),
        ]

    def annotated(self, text: str, answer: str) -> Row:
        """Return a given text with the annotation of an answer, or a fault; raises nothing."""
        found = _object(answer)
        return found if isinstance(found, Fault) else self._told(found, given=text)

    def unfinished(self, ask: Ask, *, text: str, text_pair: str | None) -> Example[Annotation]:  # noqa: ARG002 - the Protocol's
        """Return what text a faulty answer gave, without any annotation."""
        return _made(text, Annotation(entities=()))

    def texts_of(self, ask: Ask) -> tuple[str, str | None]:  # noqa: ARG002 - the Protocol's
        """Return no text: the answer brings it."""
        return "", None

    def probability(self, completion: Completion) -> None:
        """Return None: types are asked for, not chosen."""

    def fields(self, example: Example[Annotation]) -> dict[str, Json]:
        """Return text, entities, and relations or events."""
        return fields_of(example.text, example.target, FIELDS[self.types.task])

    def labels_of(self, example: Example[Annotation]) -> tuple[str, ...]:
        """Return the type of each mention, relation or event: as many as there are."""
        return counted(example.target, self.types.task)

    def _asked(self, row: object, ask: Ask) -> Row:
        """Return the row, if it has anything of what was asked for."""
        read = self._told(row)
        if isinstance(read, Fault):
            return read
        found = dict.fromkeys(self.labels_of(read))
        strange = bool(found) and not ask.labels
        if strange or (ask.labels and not any(name in found for name in ask.labels)):
            what = listed(ask.labels) if ask.labels else "a text without any"
            return _fault("label", f"asked for {what}, got {listed([*found])}", text=read.text)
        given = self._skeleton(ask)
        if given is not None and (wrong := list(departures(given, read))):
            return _fault("mentions", "; ".join(wrong[:_MOST_TOLD]), text=read.text)
        return read

    def _told(self, row: object, *, given: str | None = None) -> Row:
        if not isinstance(row, dict):
            return _fault("schema", f"a row must be an object, found {shown(row)}")
        found = cast("dict[str, object]", row)
        if set(found) != set(self._keys):
            held = shown(", ".join(found))
            text = found.get("text")
            detail = f"expected the keys {', '.join(self._keys)}, found {held}"
            return _fault("schema", detail, text=text if isinstance(text, str) else "")
        told = self.form.read(found, given=given)
        if not told.faults and not told.text:
            return _fault("empty", "a text is blank")
        return self._checked(found, told)

    def _checked(self, row: Mapping[str, Any], told: Told) -> Row:
        """Return the row that was told, if everything in it is as it should be."""
        if told.faults:
            return _first(told.faults, text=told.text)
        relations, events, faults = read_links_of(row, told, self.types)
        if faults:
            return _first(faults, text=told.text)
        annotation = ordered(Annotation(entities=told.spans, relations=relations, events=events))
        if wrong := list(self.types.faults(told.text, annotation)):
            return _first(wrong, text=told.text)
        return _made(told.text, annotation)

    def _given(self, row: Mapping[str, Any]) -> Row:
        """Return a row that is there already, with offsets of its own."""
        text = row.get("text")
        if not isinstance(text, str) or not text.strip():
            return _fault("schema" if text else "empty", "there is no text")
        read = read_annotation(text, row, fields=FIELDS[self.types.task], allowed=ANY)
        if read.faults:
            return _first([("offsets", fault) for fault in read.faults], text=text.strip())
        if wrong := list(self.types.faults(text.strip(), read.annotation)):
            return _first(wrong, text=text.strip())
        return _made(text.strip(), read.annotation)


def _object(answer: str) -> dict[str, Any] | Fault:
    """Return the object that an answer is."""
    found = read_object(answer)
    if found is not None:
        return found
    if answer.strip() in {"", "null"}:
        return _fault("empty", "the answer is empty")
    return _fault("json", f"no whole JSON object in {shown(answer)}")


def _told_of(given: Example[Annotation] | None) -> dict[str, Any]:
    """Return what a prompt says of the annotation that is given beforehand."""
    if given is None:
        return {"mentions": [], "links": []}
    return {
        "mentions": [
            {"text": given.text[each.start : each.end], "label": each.label}
            for each in given.target.entities
        ],
        "links": [
            {
                "name": name,
                "parts": [
                    {"role": role, "text": words, "last": at == len(parts)}
                    for at, (role, words) in enumerate(parts, 1)
                ],
            }
            for name, parts in links_of(given)
        ],
    }


def _made(text: str, annotation: Annotation) -> Example[Annotation]:
    return Example(id="", text=text, target=annotation, meta=EMPTY, origin="generated")


def _first(faults: Sequence[tuple[str, str]], *, text: str) -> Fault:
    """Return the fault with the code of the first, and the words of all."""
    return _fault(faults[0][0], "; ".join(dict.fromkeys(what for _, what in faults)), text=text)


def _fault(reason: str, detail: str, *, text: str = "") -> Fault:
    return Fault(filter="schema", reason=reason, detail=detail, text=text)
