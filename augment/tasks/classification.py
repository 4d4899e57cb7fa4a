"""Text classification: one label a row, several, or none; single texts and pairs.

    {"label": "card_arrival", "text": "..."}
    {"label": ["joy", "surprise"], "text": "..."}
    {"rows": [{"label": "entailment", "text": "...", "text_pair": "..."}, ...]}    where k > 1

The label is fixed in the schema and stands first, so that a guided engine writes the text for it.
An answer with another label is a fault: it is never relabelled.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias, cast

from augment.errors import InputError, InputFault
from augment.records import EMPTY, Ask, Completion, Example, Fault, Json
from augment.tasks.objects import read_object, shown

Labels: TypeAlias = str | tuple[str, ...]
Row: TypeAlias = Example[Labels] | Fault

_SHOWN_LABELS = 10

_NAMED: Final = {"name": None, "description": None}
OFFERED: Final[Mapping[str, Any]] = {
    "several": None,
    "pairs": None,
    "labels": [_NAMED],
    "guidelines": None,
    "glossary": [{"term": None, "meaning": None}],
    "language": None,
    "wanted": [{**_NAMED, "last": None}],
    "none_wanted": None,
    "examples": [{"text": None, "text_pair": None, "label": None, "meta": {"*": None}}],
    "attributes": [{"name": None, "value": None}],
    "avoid": [{"word": None}],
    "instructions": None,
    "k": None,
    "many": None,
    "answer_shape": None,
}
"""The shape of every prompt variable, as `prompts.templates.load` takes it."""

REQUIRED: Final = ("answer_shape", "examples", "wanted")
"""The prompt variables that every template must use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Guidance:
    """What the recipe tells the writer beyond the seeds.

    Attributes:
        descriptions: what a label means, by label.
        glossary: what a term of the field means, by term.
        language: the language to write in, as one would say it in the prompt.
    """

    descriptions: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    guidelines: str | None = None
    glossary: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    language: str | None = None


@dataclass(frozen=True, slots=True)
class _Frame:
    """What all asks for one label set and one k have in common."""

    schema: dict[str, Json]
    variables: dict[str, Any]


class Classification:
    """The task of giving texts, or pairs of texts, their label or labels.

    Args:
        labels: every label, in the order that prompts list them.
        several: whether a row may carry several labels, or none.
        pairs: whether rows have a second text.

    Raises:
        InputError: a description is given for labels that do not exist; all are listed.
    """

    name = "classification"

    def __init__(
        self,
        labels: Sequence[str],
        *,
        several: bool = False,
        pairs: bool = False,
        guidance: Guidance | None = None,
    ) -> None:
        self._labels = tuple(labels)
        self._known = frozenset(labels)
        self._several = several
        self._pairs = pairs
        self._guidance = guidance or Guidance()
        self._texts = ("text", "text_pair") if pairs else ("text",)
        self._keys = frozenset({"label", *self._texts})
        self._frames: dict[tuple[tuple[str, ...], int], _Frame] = {}
        if unknown := sorted(set(self._guidance.descriptions) - set(self._labels)):
            allowed = f"is none of the labels {list(self._labels)}"
            raise InputError(
                [InputFault(where="descriptions", what=f"{name!r} {allowed}") for name in unknown]
            )

    def constants(self) -> Mapping[str, Any]:
        """Return the prompt variables that are the same for every ask of a run."""
        glossary = self._guidance.glossary
        return {
            "several": self._several,
            "pairs": self._pairs,
            "labels": [self._named(label) for label in self._labels],
            "guidelines": self._guidance.guidelines or "",
            "glossary": [{"term": term, "meaning": glossary[term]} for term in glossary],
            "language": self._guidance.language or "",
        }

    def variables(self, ask: Ask, exemplars: Sequence[Example[Labels]]) -> Mapping[str, Any]:
        """Return the prompt variables of one ask."""
        return {
            **self._frame(ask).variables,
            "examples": [self.example_variables(each) for each in exemplars],
            "attributes": [{"name": n, "value": ask.attributes[n]} for n in ask.attributes],
            "avoid": [{"word": word} for word in ask.avoid],
            "instructions": ask.instructions or "",
        }

    def example_variables(self, example: Example[Labels]) -> Mapping[str, Any]:
        """Return what a prompt may show of a seed; its labels are one display string."""
        return {
            "text": example.text,
            "text_pair": example.text_pair or "",
            "label": ", ".join(self.labels_of(example)),
            "meta": example.meta,
        }

    def schema(self, ask: Ask) -> Mapping[str, Json]:
        """Return the JSON schema of the answer; asks for the same labels share one, unchanged."""
        return self._frame(ask).schema

    def parse(self, answer: str, ask: Ask) -> Sequence[Row]:
        """Read an answer: one example or fault per row of it, never none; ids are left empty.

        Raises nothing, whatever the answer holds. An answer that cannot be read at all is one
        fault; where k > 1, so is every row that is missing or too many. Reasons: `empty`, `json`
        (there is no JSON object), `schema` (a key or type is wrong), `label` (another label than
        the one asked for), `unknown_label` (of rows from elsewhere: none of the seeds' labels).
        """
        found = read_object(answer)
        if found is None:
            if answer.strip() in {"", "null"}:
                return [_fault("empty", "the answer is empty")]
            return [_fault("json", f"no whole JSON object in {shown(answer)}")]
        if ask.k == 1:
            return [self._row(found, ask)]
        rows: object = found.get("rows")
        if not isinstance(rows, list) or len(found) != 1:
            return [_fault("schema", f"expected a list 'rows' and no other key, {_held(found)}")]
        items = cast(list[object], rows)
        detail = f"the answer holds {len(items)} rows instead of {ask.k}"
        return [
            *(self._row(item, ask) for item in items[: ask.k]),
            *(_fault("schema", detail, row=item) for item in items[ask.k :]),
            *[_fault("schema", detail)] * (ask.k - len(items)),
        ]

    def unfinished(self, ask: Ask, *, text: str, text_pair: str | None) -> Example[Labels]:
        """Return the row that was asked for, with what text a faulty answer gave."""
        return Example(
            id="",
            text=text,
            text_pair=text_pair,
            target=ask.labels if self._several else ask.labels[0],
            origin="generated",
        )

    def texts_of(self, ask: Ask) -> tuple[str, str | None]:  # noqa: ARG002 - the Protocol's
        """Return no text: the answer brings it."""
        return "", None

    def probability(self, completion: Completion) -> None:
        """Return None: the label is asked for, not chosen."""

    def row_of(self, example: Example[Labels]) -> dict[str, Json]:
        """Return the row of an answer that an example would be."""
        return self.fields(example)

    def can_carry(self, example: Example[Labels]) -> bool:  # noqa: ARG002 - the Protocol's
        """Tell that any example can be said."""
        return True

    def fields(self, example: Example[Labels]) -> dict[str, Json]:
        """Return text, text_pair where the task has pairs, and the label or list of labels."""
        row: dict[str, Json] = {"text": example.text}
        if self._pairs:
            row["text_pair"] = example.text_pair
        row["label"] = list(example.target) if self._several else example.target
        return row

    def labels_of(self, example: Example[Labels]) -> tuple[str, ...]:
        """Return the labels that the example counts for."""
        target = example.target
        return (target,) if isinstance(target, str) else target

    def _row(self, row: object, ask: Ask) -> Row:
        if not isinstance(row, dict):
            return _fault("schema", f"a row must be an object, found {shown(row)}")
        found = cast(dict[str, object], row)
        if found.keys() != self._keys:
            detail = f"expected the keys {', '.join(sorted(self._keys))}, {_held(found)}"
            return _fault("schema", detail, row=found)
        texts = [text.strip() for name in self._texts if isinstance(text := found[name], str)]
        if len(texts) < len(self._texts):
            return _fault("schema", "a text must be a string", row=found)
        if (fault := self._fault_of_label(found, ask.labels)) is not None:
            return fault
        if "" in texts:
            return _fault("empty", "a text is blank", row=found)
        return self.unfinished(ask, text=texts[0], text_pair=texts[1] if self._pairs else None)

    def _fault_of_label(self, found: dict[str, object], asked: tuple[str, ...]) -> Fault | None:
        label = found["label"]
        if not self._several:
            if not isinstance(label, str):
                return _fault("schema", "the label must be a string", row=found)
            if label != asked[0]:
                return _fault("label", f"asked for {asked[0]!r}, got {shown(label)}", row=found)
            return self._fault_of_unknown(found, asked)
        given = cast(list[object], label) if isinstance(label, list) else [label]
        if given is not label or not all(isinstance(each, str) for each in given):
            return _fault("schema", "the label must be a list of strings", row=found)
        if len(given) != len(asked) or set(given) != set(asked):
            return _fault("label", f"asked for {[*asked]}, got {shown(given)}", row=found)
        return self._fault_of_unknown(found, asked)

    def _fault_of_unknown(self, found: dict[str, object], asked: tuple[str, ...]) -> Fault | None:
        """Refuse labels that the seeds do not have: only rows from elsewhere can bear them."""
        unknown = next((each for each in asked if each not in self._known), None)
        if unknown is None:
            return None
        allowed = ", ".join(map(shown, self._labels[:_SHOWN_LABELS]))
        more = ", ..." if len(self._labels) > _SHOWN_LABELS else ""
        detail = f"{shown(unknown)} is no label of the seeds, which are {allowed}{more}"
        return _fault("unknown_label", detail, row=found)

    def _named(self, label: str) -> dict[str, str]:
        return {"name": label, "description": self._guidance.descriptions.get(label, "")}

    def _frame(self, ask: Ask) -> _Frame:
        key = (ask.labels, ask.k)
        frame = self._frames.get(key)
        if frame is None:
            frame = self._frames[key] = self._build(ask)
        return frame

    def _build(self, ask: Ask) -> _Frame:
        labels = ask.labels
        shape: Json = {
            "label": [*labels] if self._several else labels[0],
            **dict.fromkeys(self._texts, "..."),
        }
        schema: Json = closed(
            {
                "label": _label_list(labels) if self._several else _constant(labels[0]),
                **{name: {"type": "string", "minLength": 1} for name in self._texts},
            }
        )
        if ask.k > 1:
            shape = {"rows": [shape]}
            rows = {"type": "array", "minItems": ask.k, "maxItems": ask.k, "items": schema}
            schema = closed({"rows": rows})
        variables = {
            "wanted": [
                {**self._named(label), "last": at == len(labels)}
                for at, label in enumerate(labels, 1)
            ],
            "none_wanted": not labels,
            "k": ask.k,
            "many": ask.k > 1,
            "answer_shape": json.dumps(shape, ensure_ascii=False),
        }
        return _Frame(schema, variables)


def closed(properties: dict[str, Json]) -> dict[str, Json]:
    """Return the schema of an object with just these properties."""
    return {
        "type": "object",
        "properties": properties,
        "required": [*properties],
        "additionalProperties": False,
    }


def _constant(label: str) -> dict[str, Json]:
    return {"type": "string", "enum": [label]}


def _label_list(labels: Sequence[str]) -> dict[str, Json]:
    if not labels:
        return {"type": "array", "maxItems": 0}
    return {
        "type": "array",
        "prefixItems": [_constant(label) for label in labels],
        "items": False,
        "minItems": len(labels),
        "maxItems": len(labels),
    }


def _fault(reason: str, detail: str, *, row: object = None) -> Fault:
    """Return the fault, with what texts the row has."""
    texts: dict[str, str] = {}
    if isinstance(row, dict):
        found = cast(dict[str, object], row)
        for name in ("text", "text_pair"):
            if isinstance(value := found.get(name), str):
                texts[name] = value.strip()
    return Fault(
        filter="schema",
        reason=reason,
        detail=detail,
        text=texts.get("text", ""),
        text_pair=texts.get("text_pair"),
    )


def _held(found: dict[str, object]) -> str:
    return f"found {shown(', '.join(found))}"
