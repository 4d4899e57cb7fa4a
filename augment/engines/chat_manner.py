"""How a chat model is asked: with which arguments, and what is left out where it objects.

Providers differ in the arguments they take, and nothing tells them beforehand. So everything is
asked for at first, and what is complained of is asked for in another way or left out: for good,
and only while no call that had it was ever answered, for then the complaint means something else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from augment.engines import openai
from augment.records import Request

_SAMPLING: Mapping[str, re.Pattern[str]] = {
    "seed": re.compile(r"\b(?:random_)?seed\b", re.IGNORECASE),
    "top_p": re.compile(r"\btop_?p\b", re.IGNORECASE),
    "temperature": re.compile(r"\btemperature\b", re.IGNORECASE),
    "max_tokens": re.compile(
        r"\bmax_?(?:completion_?|output_?|new_?)?tokens\b|\bnum_predict\b", re.IGNORECASE
    ),
}
"""What a complaint calls each of them; where it names several, the first is what we can spare."""
_LENGTH_NAMES = ("max_tokens", "max_output_tokens", "num_predict", "max_new_tokens")
_UNWANTED = re.compile(
    r"unsupported|not (?:\w+ )?support|unexpected|unknown|unrecogni|not permitted|not allowed|"
    r"extra|invalid(?!_?request)|deprecated|cannot both|only .*default",
    re.IGNORECASE,
)
_KEYWORD = re.compile(r"unexpected keyword argument '(\w+)'")


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """What a chat model has been found to take.

    Attributes:
        dialect: the schema, messages in the system role, and log-probabilities.
        left_out: the sampling that it does not take at all.
        by_field: the sampling that it takes from its own fields alone, not from a call's.
    """

    dialect: openai.Dialect = field(default_factory=openai.Dialect)
    left_out: frozenset[str] = frozenset()
    by_field: frozenset[str] = frozenset()

    def sampling(self, request: Request) -> dict[str, float]:
        """Return the sampling that is asked for, by our own names."""
        wanted: dict[str, float] = {
            "temperature": request.sampling.temperature,
            "top_p": request.sampling.top_p,
            "max_tokens": request.sampling.max_tokens,
            "seed": request.sampling.seed,
        }
        if self.left_out:
            return {name: wanted[name] for name in wanted if name not in self.left_out}
        return wanted

    def accepted(self, request: Request, proven: Proven) -> Proven:
        """Return what an answer to `request`, asked in this manner, adds to what is proven."""
        return Proven(
            dialect=openai.Dialect(
                schema=proven.dialect.schema
                or (self.dialect.schema and request.schema is not None),
                system=proven.dialect.system or self.dialect.system,
                logprobs=proven.dialect.logprobs
                or (self.dialect.logprobs and request.logprobs is not None),
            ),
            sampling=proven.sampling | (_SAMPLING.keys() - self.left_out),
        )

    def without(
        self, complaint: str, *, proven: Proven, fields: frozenset[str], structured: frozenset[str]
    ) -> Manner:
        """Return the manner that avoids what an error complains of; this one if it means nothing.

        Args:
            complaint: the error's text.
            proven: what has been answered before, and so cannot be meant.
            fields: the sampling that the model has fields for.
            structured: the arguments of a call that ask for the schema.
        """
        keyword = _KEYWORD.search(complaint)
        if keyword is not None and keyword[1] in structured and not proven.dialect.schema:
            return replace(self, dialect=replace(self.dialect, schema=False))
        if keyword is not None or _UNWANTED.search(complaint):
            place = complaint if keyword is None else keyword[1]
            for name, pattern in _SAMPLING.items():
                settled = name in self.left_out or name in proven.sampling
                if not settled and pattern.search(place):
                    if keyword is not None and name in fields and name not in self.by_field:
                        return replace(self, by_field=self.by_field | {name})
                    return replace(self, left_out=self.left_out | {name})
        return replace(self, dialect=self.dialect.without(complaint, proven=proven.dialect))


@dataclass(frozen=True, slots=True, kw_only=True)
class Proven:
    """What calls that were answered had: no later complaint can mean it."""

    dialect: openai.Dialect = openai.NOTHING_PROVEN
    sampling: frozenset[str] = frozenset()


def field_names(fields: Mapping[str, Any]) -> Mapping[str, str]:
    """Return what a model with these fields calls each of our sampling's names."""
    length = next((name for name in _LENGTH_NAMES if name in fields), "max_tokens")
    return {**{name: name for name in _SAMPLING}, "max_tokens": length}
