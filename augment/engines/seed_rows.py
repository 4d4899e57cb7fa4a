"""How the seeds would be answers, and whether an answer of the model in the box will do.

A seed with mentions is a sentence with typed slots: it counts as said with the mentions of other
seeds too, so that the n-grams know of each type whatever the seeds put there.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol, cast

from augment.engines.fitness import Fitness
from augment.records import Annotation, Ask, Example, Fault, Json, SeedSet, TaskName, labels_of
from augment.spans.folding import folded
from augment.spans.ordering import counted
from augment.spans.slots import Slots

_TEXTS = ("text", "text_pair")
_REFILLED = 4
"""How often a seed with mentions is said with others."""


class SeedRows(Protocol):
    """What the guides must know of a task.

    Attributes:
        marked: whether texts have marks in them, within which the seeds alone have a say.
    """

    marked: bool

    def kind(self, seed: Example[Any]) -> frozenset[str]:
        """Return the labels, or the types of the mentions, of a seed."""
        ...

    def spelled(self, seed: Example[Any]) -> Sequence[str]:
        """Return a seed as it would stand in an answer, from its text on; in one or more ways."""
        ...

    def will_do(self, answer: str, ask: Ask, fitness: Fitness[frozenset[str]]) -> bool:
        """Say whether every row of an answer is new and what was asked for."""
        ...


class PlainRows:
    """Rows of a text, or of a pair, with labels."""

    marked = False

    def kind(self, seed: Example[Any]) -> frozenset[str]:
        """Return the labels of a seed."""
        return frozenset(labels_of(seed.target))

    def spelled(self, seed: Example[Any]) -> Sequence[str]:
        """Return a seed as it would stand in an answer."""
        texts = {name: value for name in _TEXTS if (value := getattr(seed, name)) is not None}
        return ("," + _compact(texts)[1:],)

    def will_do(self, answer: str, ask: Ask, fitness: Fitness[frozenset[str]]) -> bool:
        """Say whether every text is new, and more like the seeds of its label than of others."""
        labels = frozenset(ask.labels)
        for text in _texts_of(answer):
            if not fitness.faultless(text) or fitness.repeats(text):
                return False
            likest = fitness.likest(text)
            if likest != labels and labels.isdisjoint(likest):
                return False
        return True


class MarkedRows:
    """Rows of a text with its mentions marked.

    Args:
        seeds: whose mentions are the only ones that a row may have.
        row_of: the row of an answer that an example would be.
        parse: reads an answer.
        repeated: whether the same words may stand in a text twice.
    """

    marked = True

    def __init__(
        self,
        seeds: SeedSet,
        *,
        row_of: Callable[[Example[Annotation]], Mapping[str, Json]],
        parse: Callable[[str, Ask], Sequence[Example[Annotation] | Fault]],
        repeated: bool,
    ) -> None:
        self._row_of, self._parse, self._repeated = row_of, parse, repeated
        self._task: TaskName = seeds.task
        self._slots = Slots(seeds.examples)
        self._texts = {folded(seed.text).form for seed in seeds.examples}
        self._mentions = {each for seed in seeds.examples for each in _mentions_of(seed)}

    def kind(self, seed: Example[Annotation]) -> frozenset[str]:
        """Return the types of the mentions of a seed."""
        return frozenset(counted(seed.target, self._task))

    def spelled(self, seed: Example[Annotation]) -> Sequence[str]:
        """Return a seed as an answer, and with mentions of other seeds in the place of its own."""
        rng = random.Random(seed.id)
        rows = [(seed.text, seed.target)]
        if seed.target.entities:
            rows += [
                self._slots.refilled(seed, rng, twice=self._repeated) for _ in range(_REFILLED)
            ]
        said = (
            Example(id="", text=text, target=annotation, meta={}, origin="generated")
            for text, annotation in rows
        )
        return [_compact(self._row_of(row)) for row in said]

    def will_do(self, answer: str, ask: Ask, fitness: Fitness[frozenset[str]]) -> bool:
        """Say whether every text is new, with all types asked for and no mention made up."""
        return all(
            not isinstance(row, Fault)
            and set(ask.labels) <= self.kind(row)
            and set(_mentions_of(row)) <= self._mentions
            and folded(row.text).form not in self._texts
            and fitness.faultless(row.text)
            for row in self._parse(answer, ask)
        )


def _mentions_of(row: Example[Annotation]) -> Iterator[tuple[str, str]]:
    """Yield type and words of each mention."""
    for each in row.target.entities:
        yield each.label, folded(row.text[each.start : each.end]).form


def _compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _texts_of(answer: str) -> Iterator[str]:
    """Yield what stands under `text` and `text_pair` together, row by row."""
    try:
        value: Any = json.loads(answer)
    except ValueError:
        return
    yield from _rows_of(value)


def _rows_of(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for each in cast("list[Any]", value):
            yield from _rows_of(each)
    elif isinstance(value, dict):
        row = cast("dict[str, Any]", value)
        texts = [str(row[name]) for name in _TEXTS if name in row]
        if texts:
            yield "\n".join(texts)
        yield from _rows_of(list(row.values()))
