"""What a report is told of the run that it is about."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from augment.records import Example, Json, SeedSet

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
    templates: Mapping[str, Mapping[str, str]]
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
