"""A task whose rows come with the personal data in them exchanged, whatever the task is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from augment.pii.find import Finder, find_all
from augment.pii.replace import Edit, Exchange, moved, replaced
from augment.protocols import Task
from augment.records import Annotation, Ask, Completion, Example, Fault, Json


class Exchanged:
    """Another task, of whose rows the texts are changed as they are read.

    The same answer gives the same rows again, so that nothing need be kept of what was changed.
    Prompts are left as they are.

    Args:
        task: whose rows these are.
        exchange: what stands in the place of what is found.
        finder: finds it.
    """

    def __init__(self, task: Task[Any], exchange: Exchange, *, finder: Finder = find_all) -> None:
        self.name = task.name
        self.task = task
        self._exchange = exchange
        self._finder = finder

    def constants(self) -> Mapping[str, Any]:
        """Return the task's."""
        return self.task.constants()

    def variables(self, ask: Ask, exemplars: Sequence[Example[Any]]) -> Mapping[str, Any]:
        """Return the task's."""
        return self.task.variables(ask, exemplars)

    def schema(self, ask: Ask) -> Mapping[str, Json]:
        """Return the task's."""
        return self.task.schema(ask)

    def parse(self, answer: str, ask: Ask) -> Sequence[Example[Any] | Fault]:
        """Return the task's rows, changed; of faults the text is too, for it is written out."""
        return [
            self._row(row) if isinstance(row, Example) else self._fault(row)
            for row in self.task.parse(answer, ask)
        ]

    def unfinished(self, ask: Ask, *, text: str, text_pair: str | None) -> Example[Any]:
        """Return the task's row, changed."""
        row = self.task.unfinished(ask, text=text, text_pair=text_pair)
        return exchanged(row, self._exchange, finder=self._finder)

    def texts_of(self, ask: Ask) -> tuple[str, str | None]:
        """Return the task's texts, changed."""
        text, text_pair = self.task.texts_of(ask)
        return self._text(text), None if text_pair is None else self._text(text_pair)

    def probability(self, completion: Completion) -> float | None:
        """Return the task's."""
        return self.task.probability(completion)

    def row_of(self, example: Example[Any]) -> dict[str, Json]:
        """Return the task's."""
        return self.task.row_of(example)

    def can_carry(self, example: Example[Any]) -> bool:
        """Return the task's."""
        return self.task.can_carry(example)

    def fields(self, example: Example[Any]) -> dict[str, Json]:
        """Return the task's."""
        return self.task.fields(example)

    def labels_of(self, example: Example[Any]) -> tuple[str, ...]:
        """Return the task's."""
        return self.task.labels_of(example)

    def _row(self, row: Example[Any]) -> Example[Any] | Fault:
        """Return the row changed, or why it is none: mentions that now stand in one place."""
        changed = exchanged(row, self._exchange, finder=self._finder)
        if _places(changed.target) == _places(row.target):
            return changed
        what = "two mentions lie in what is exchanged as one"
        return Fault(filter="schema", reason="doubled", detail=what, text=changed.text)

    def _fault(self, fault: Fault) -> Fault:
        pair = None if fault.text_pair is None else self._text(fault.text_pair)
        return replace(fault, text=self._text(fault.text), text_pair=pair)

    def _text(self, text: str) -> str:
        return replaced(text, self._exchange, finder=self._finder)[0]


def exchanged(
    example: Example[Any], exchange: Exchange, *, finder: Finder = find_all
) -> Example[Any]:
    """Return an example with the personal data in its texts exchanged, its mentions moved along."""
    text, edits = replaced(example.text, exchange, finder=finder)
    pair = example.text_pair
    if pair is not None:
        pair = replaced(pair, exchange, finder=finder)[0]
    if not edits and pair == example.text_pair:
        return example
    return replace(example, text=text, text_pair=pair, target=_shifted(example.target, edits))


def _places(target: Any) -> int:
    """Count the places in which mentions stand."""
    if not isinstance(target, Annotation):
        return 0
    return len({(entity.start, entity.end) for entity in target.entities})


def _shifted(target: Any, edits: Sequence[Edit]) -> Any:
    """Return the target with its mentions where their text now stands."""
    if not isinstance(target, Annotation):
        return target
    entities = tuple(
        replace(
            entity,
            start=moved(entity.start, edits, end=False),
            end=moved(entity.end, edits, end=True),
        )
        for entity in target.entities
    )
    return replace(target, entities=entities)
