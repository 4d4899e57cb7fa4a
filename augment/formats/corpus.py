"""Labelled rows as they leave for other tools: read whole, no row left out or put together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from augment.records import Annotation, Example, Json, Target, TaskName
from augment.spans.writing import fields_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Corpus:
    """Rows of one task, in file order.

    Attributes:
        fields: the columns of an annotation that every row has; none for rows with labels.
        aside: of each row, the columns that the task does not read, as they stand in the file.
        several: whether a row may bear several labels.
        warnings: what the task leaves out, and what was noticed in reading.
    """

    task: TaskName
    examples: Sequence[Example[Target]]
    aside: Sequence[Mapping[str, Json]]
    several: bool
    pairs: bool
    fields: tuple[str, ...] = ()
    warnings: Sequence[str] = ()

    @property
    def columns_aside(self) -> tuple[str, ...]:
        """The names of the columns that the task does not read."""
        return tuple(dict.fromkeys(name for row in self.aside for name in row))

    @property
    def labels(self) -> tuple[str, ...]:
        """Every label of a row, in order of appearance."""
        targets = (each.target for each in self.examples)
        cells = ((each,) if isinstance(each, str) else each for each in targets)
        return tuple(dict.fromkeys(x for each in cells if isinstance(each, tuple) for x in each))

    @property
    def annotations(self) -> tuple[Annotation, ...]:
        """What the rows of an extraction task bear."""
        return tuple(each.target for each in self.examples if isinstance(each.target, Annotation))

    @property
    def types(self) -> tuple[str, ...]:
        """Every type of mention, in order of appearance."""
        return tuple(dict.fromkeys(one.label for each in self.annotations for one in each.entities))

    def row(self, example: Example[Target]) -> dict[str, Json]:
        """Return a row's own fields, as every row of the project has them."""
        target = example.target
        if isinstance(target, Annotation):
            return {"id": example.id, **fields_of(example.text, target, self.fields)}
        pair = {"text_pair": example.text_pair} if self.pairs else {}
        label = list(target) if isinstance(target, tuple) else target
        return {"id": example.id, "text": example.text, **pair, "label": label}


def row_of(corpus: Corpus, example: Example[Target], aside: Mapping[str, Any]) -> dict[str, Json]:
    """Return a row with everything that it held."""
    fields = corpus.row(example)
    return {**fields, **{name: cell for name, cell in aside.items() if name not in fields}}
