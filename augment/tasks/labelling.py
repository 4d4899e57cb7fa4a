"""Classification the other way round: the text is given, and the answer brings its label.

    {"label": "card_arrival"}
    {"label": ["joy", "surprise"]}

An ask's number tells its text (`augment.records.place_of`). The schema leaves the engine a choice
among the labels and nothing else; one that goes its own way and names another label is at fault.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

from augment.records import Ask, Completion, Example, Fault, Json, place_of
from augment.tasks import classification
from augment.tasks.choice import probability_of_list, probability_of_one
from augment.tasks.classification import Classification, Labels, Row, closed
from augment.tasks.enclosed import row_within
from augment.tasks.objects import read_object, shown

RIVALS: Final = 20
"""How many rivals of each token are asked for: as many as servers give."""

OFFERED: Final[Mapping[str, Any]] = {
    name: shape
    for name, shape in classification.OFFERED.items()
    if name not in {"wanted", "none_wanted", "attributes", "avoid", "instructions", "k", "many"}
} | {"text": None, "text_pair": None, "meta": {"*": None}}
REQUIRED: Final = ("answer_shape", "labels", "text")


class Labelling:
    """The task of giving texts, or pairs of texts, their label or labels.

    Args:
        rows: the task whose rows these become.
        labels: that may be chosen.
        several: whether a row may carry several labels, or none.
        texts: the text at each place, with no label.
    """

    name = Classification.name

    def __init__(
        self,
        rows: Classification,
        *,
        labels: Sequence[str],
        several: bool,
        texts: Sequence[Example[Any]],
    ) -> None:
        self._rows = rows
        self._known = frozenset(labels)
        self._labels = tuple(labels)
        self._several = several
        self._texts = texts
        one: dict[str, Json] = {"type": "string", "enum": [*labels]}
        many: dict[str, Json] = {"type": "array", "items": one, "maxItems": len(labels)}
        self._schema = closed({"label": many if several else one})
        shape = {"label": ["...", "..."] if several else "..."}
        self._shape = json.dumps(shape, ensure_ascii=False)

    def constants(self) -> Mapping[str, Any]:
        """Return the prompt variables that are the same for every ask of a run."""
        return {**self._rows.constants(), "answer_shape": self._shape}

    def variables(self, ask: Ask, exemplars: Sequence[Example[Labels]]) -> Mapping[str, Any]:
        """Return the prompt variables of one ask."""
        given = self._text(ask)
        return {
            "examples": [row_within(self._rows.example_variables(each)) for each in exemplars],
            **row_within(
                {"text": given.text, "text_pair": given.text_pair or "", "meta": given.meta}
            ),
        }

    def schema(self, ask: Ask) -> Mapping[str, Json]:  # noqa: ARG002 - the Protocol's
        """Return the JSON schema of the answer, the same for every text."""
        return self._schema

    def parse(self, answer: str, ask: Ask) -> Sequence[Row]:
        """Return the given text with the label of the answer, or a fault; raises nothing.

        Reasons: `empty`, `json` (there is no JSON object), `schema` (a key or type is wrong),
        `unknown_label` (it is none of the labels).
        """
        found = read_object(answer)
        if found is None:
            if answer.strip() in {"", "null"}:
                return [self._fault(ask, "empty", "the answer is empty")]
            return [self._fault(ask, "json", f"no whole JSON object in {shown(answer)}")]
        if found.keys() != {"label"}:
            held = shown(", ".join(found))
            return [self._fault(ask, "schema", f"expected the key label, found {held}")]
        names = self._names(found["label"])
        if names is None:
            kind = "a list of strings" if self._several else "a string"
            return [self._fault(ask, "schema", f"the label must be {kind}")]
        strange = next((name for name in names if name not in self._known), None)
        if strange is not None:
            return [self._fault(ask, "unknown_label", f"{shown(strange)} is none of the labels")]
        return [self._row(ask, tuple(dict.fromkeys(names)))]

    def unfinished(self, ask: Ask, *, text: str, text_pair: str | None) -> Example[Labels]:  # noqa: ARG002 - the Protocol's
        """Return the given text without a label."""
        return self._row(ask, ())

    def texts_of(self, ask: Ask) -> tuple[str, str | None]:
        """Return the given text or pair."""
        given = self._text(ask)
        return given.text, given.text_pair

    def probability(self, completion: Completion) -> float | None:
        """Return how sure the engine was of what it chose, as far as it told."""
        if completion.logprobs is None:
            return None
        if self._several:
            return probability_of_list(completion.logprobs)
        return probability_of_one(completion.logprobs, self._labels)

    def row_of(self, example: Example[Labels]) -> dict[str, Json]:
        """Return the answer that gives an example its labels."""
        return {"label": self._rows.fields(example)["label"]}

    def can_carry(self, example: Example[Labels]) -> bool:  # noqa: ARG002 - the Protocol's
        """Tell that any example can be said."""
        return True

    def fields(self, example: Example[Labels]) -> dict[str, Json]:
        """Return the row's own fields; the label of an unfinished row is null."""
        fields = self._rows.fields(example)
        return fields if self._several or example.target else fields | {"label": None}

    def labels_of(self, example: Example[Labels]) -> tuple[str, ...]:
        """Return the labels that the example counts for."""
        return self._rows.labels_of(example)

    def _names(self, label: object) -> list[str] | None:
        """Return the labels named, or None where that is not said as it should be."""
        if not self._several:
            return [label] if isinstance(label, str) else None
        if not isinstance(label, list):
            return None
        items = cast("list[object]", label)
        names = [each for each in items if isinstance(each, str)]
        return names if len(names) == len(items) else None

    def _text(self, ask: Ask) -> Example[Any]:
        return self._texts[place_of(ask.number, rows=len(self._texts))]

    def _row(self, ask: Ask, labels: tuple[str, ...]) -> Example[Labels]:
        given = self._text(ask)
        return Example(
            id=given.id,
            text=given.text,
            text_pair=given.text_pair,
            target=labels if self._several or not labels else labels[0],
            meta=given.meta,
            group=given.group,
            origin="given",
        )

    def _fault(self, ask: Ask, reason: str, detail: str) -> Fault:
        text, text_pair = self.texts_of(ask)
        return Fault(filter="schema", reason=reason, detail=detail, text=text, text_pair=text_pair)
