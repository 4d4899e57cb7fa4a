"""What a report is told of the run that it is about."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from augment.protocols import Vectors
from augment.records import Example, Json, Kind, SeedSet

Ending: TypeAlias = Literal["done", "exhausted", "budget", "gone", "interrupted"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Making:
    """What the rows of a run were made with.

    Attributes:
        recipe: with the run's `random_seed`; headers are left out of what is shown.
        templates: name and digest of each strategy's template.
        versions: of what had a part in it, by name.
    """

    engine: str
    model: str
    recipe: Mapping[str, Json]
    templates: Mapping[str, Mapping[str, str | None]]
    versions: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """The run that a report is about.

    Attributes:
        wanted: accepted rows wanted of each cell.
        cells_of: the cells that a row with these labels counts for.
        labels_of: the labels that an example counts for.
        fields: a row's own fields, as its file has them.
        ending_detail: in words; empty where there is nothing to say.
        notices: what a reader must know of how the rows were judged.
        kind: what the run did; where rows were checked, `making.model` names their file.
    """

    name: str
    task: str
    seeds: SeedSet
    wanted: Mapping[str, int]
    cells_of: Callable[[tuple[str, ...]], tuple[str, ...]]
    labels_of: Callable[[Example[Any]], tuple[str, ...]]
    fields: Callable[[Example[Any]], Mapping[str, Json]]
    ending: Ending
    ending_detail: str
    making: Making
    notices: Sequence[str] = ()
    kind: Kind = "made"

    @property
    def labelled(self) -> bool:
        """Whether texts were given labels: one each, or a list, not annotations."""
        return self.kind == "labelled" and self.task == "classification"

    @property
    def random_seed(self) -> int:
        """The run's, of every draw."""
        recipe = self.making.recipe
        return recipe.get("random_seed", recipe.get("random-seed", 0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Space:
    """Where the texts of a run are compared, for its map.

    Attributes:
        name: what the vectors are of: an encoder's name, or `character n-grams`.
        vectors_of: unit-length vectors of texts, one row each.
        linear: whether the map is a linear one: coarse, at once, and with no library to load.
    """

    name: str
    vectors_of: Callable[[Sequence[str]], Vectors]
    linear: bool = False
