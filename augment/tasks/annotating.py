"""Information extraction the other way round: the text is given, and the answer annotates it.

    {"text": "a table in <city>San Jose</city>"}

An ask's number tells its text (`augment.records.place_of`). The row has the given text, letter for
letter: where an answer's own text differs from it, each of its mentions is found again in the given
one, or the row is rejected.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from augment.records import Annotation, Ask, Completion, Example, Fault, Json, place_of
from augment.tasks import extraction
from augment.tasks.extraction import Extraction, Row

OFFERED: Final[Mapping[str, Any]] = {
    name: shape
    for name, shape in extraction.OFFERED.items()
    if name not in {"wanted", "none_wanted", "attributes", "instructions", "k", "many", "mentions",
                    "links"}
} | {"text": None, "meta": {"*": None}}  # fmt: skip


class Annotating:
    """The task of finding in texts what an extraction task is about.

    Args:
        rows: the task whose rows these become.
        texts: the text at each place, without any annotation.
    """

    def __init__(self, rows: Extraction, *, texts: Sequence[Example[Any]]) -> None:
        self.name = rows.name
        self._rows = rows
        self._texts = texts

    def constants(self) -> Mapping[str, Any]:
        """Return the prompt variables that are the same for every ask of a run."""
        return {**self._rows.constants(), "answer_shape": self._rows.answer_shape(k=1)}

    def variables(self, ask: Ask, exemplars: Sequence[Example[Annotation]]) -> Mapping[str, Any]:
        """Return the prompt variables of one ask."""
        given = self._text(ask)
        return {
            "examples": [self._rows.example_variables(each) for each in exemplars],
            "text": given.text,
            "meta": given.meta,
        }

    def schema(self, ask: Ask) -> Mapping[str, Json]:
        """Return the JSON schema of the answer, the same for every text."""
        return self._rows.schema(ask)

    def parse(self, answer: str, ask: Ask) -> Sequence[Row]:
        """Return the given text with the answer's annotation, or a fault; raises nothing.

        Reasons: those of `Extraction.parse`, but for what an ask for a new row wants of it.
        """
        given = self._text(ask)
        row = self._rows.annotated(given.text, answer)
        if isinstance(row, Fault):
            return [replace(row, text=given.text)]
        return [replace(given, target=row.target, origin="given")]

    def unfinished(self, ask: Ask, *, text: str, text_pair: str | None) -> Example[Annotation]:  # noqa: ARG002 - the Protocol's
        """Return the given text without any annotation."""
        return replace(self._text(ask), target=Annotation(entities=()), origin="given")

    def texts_of(self, ask: Ask) -> tuple[str, str | None]:
        """Return the given text."""
        return self._text(ask).text, None

    def probability(self, completion: Completion) -> None:
        """Return None: no one token tells how sure an engine is of an annotation."""

    def row_of(self, example: Example[Annotation]) -> dict[str, Json]:
        """Return the answer that gives an example its annotation."""
        return self._rows.row_of(example)

    def can_carry(self, example: Example[Annotation]) -> bool:
        """Tell whether an answer can say the example's annotation."""
        return self._rows.can_carry(example)

    def fields(self, example: Example[Annotation]) -> dict[str, Json]:
        """Return the row's own fields."""
        return self._rows.fields(example)

    def labels_of(self, example: Example[Annotation]) -> tuple[str, ...]:
        """Return the type of each mention, relation or event: as many as there are."""
        return self._rows.labels_of(example)

    def _text(self, ask: Ask) -> Example[Any]:
        return self._texts[place_of(ask.number, rows=len(self._texts))]
