"""The question which label a row has, put to an engine that is not told which one it bears.

    {"label": "card_arrival"}

The labels to choose from stand in the ask, in the order in which they are shown.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from augment.records import Ask, Completion, Example, Failure, Json
from augment.tasks import classification
from augment.tasks.choice import probabilities
from augment.tasks.classification import Classification, Labels, closed
from augment.tasks.enclosed import row_within
from augment.tasks.objects import read_object

JUDGE: Final = "judge"
"""The name of the template, and the strategy of its asks."""

OFFERED: Final[Mapping[str, Any]] = {
    name: classification.OFFERED[name]
    for name in ("pairs", "guidelines", "glossary", "language", "examples", "answer_shape")
} | {
    "choices": classification.OFFERED["labels"],
    "text": None,
    "text_pair": None,
    "meta": {"*": None},
}
REQUIRED: Final = ("answer_shape", "choices", "text")
_SHAPE: Final = json.dumps({"label": "..."})


class Judging:
    """How the label of a row is asked for.

    Args:
        rows: the task whose rows these are.
        row_of: gives the row that an ask is about.
    """

    def __init__(self, rows: Classification, row_of: Callable[[Ask], Example[Any]]) -> None:
        self._rows = rows
        self._row_of = row_of
        constants = rows.constants()
        self._constants = {**constants, "answer_shape": _SHAPE}
        self._choices = {each["name"]: each for each in constants["labels"]}

    def constants(self) -> Mapping[str, Any]:
        """Return the prompt variables that are the same for every row."""
        return self._constants

    def variables(self, ask: Ask, exemplars: Sequence[Example[Labels]]) -> Mapping[str, Any]:
        """Return the prompt variables of one ask."""
        row = self._row_of(ask)
        return {
            "choices": [self._choices[label] for label in ask.labels],
            "examples": [row_within(self._rows.example_variables(each)) for each in exemplars],
            **row_within({"text": row.text, "text_pair": row.text_pair or "", "meta": row.meta}),
        }

    def schema(self, ask: Ask) -> Mapping[str, Json]:
        """Return the JSON schema of the answer: one of the labels, in the order shown."""
        return closed({"label": {"type": "string", "enum": [*ask.labels]}})


def vote_of(outcome: Completion | Failure, labels: Sequence[str]) -> Mapping[str, float] | str:
    """Return the probability of each label, or why the answer tells none; raises nothing.

    Where there are no log-probabilities the label that was named has 1. Reasons: a failure's own
    code, `truncated`, `refused`, `json` (there is no JSON object), `unknown_label`.

    Args:
        outcome: of an ask.
        labels: that it could choose from.
    """
    if isinstance(outcome, Failure):
        return outcome.code
    if outcome.finish in {"length", "content_filter"}:
        return "truncated" if outcome.finish == "length" else "refused"
    found = read_object(outcome.text)
    if found is None:
        return "json"
    named = found.get("label")
    if not isinstance(named, str) or named not in labels:
        return "unknown_label"
    told = None if outcome.logprobs is None else probabilities(outcome.logprobs, labels)
    if told is None or next(iter(told)) != named:
        return {label: float(label == named) for label in labels}
    return told
