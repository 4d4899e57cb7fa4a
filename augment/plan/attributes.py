"""What a new row is to be like: for each ask a value of each attribute is drawn.

Prompts that ask for attributes (length, register, topic, ...) give rows that differ more from one
another than prompts that name the label alone, as AttrPrompt showed (Yu et al. 2023,
arXiv 2306.15895). Which attributes and values there are is the recipe's to say.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import TypeAlias

Values: TypeAlias = Sequence[str] | Mapping[str, Sequence[str]]
"""The values of an attribute: the same for all labels, or those of each label."""


class Attributes:
    """Draws what a row is to be like, every value as likely as the others of its attribute.

    Args:
        values: of each attribute, by its name.
    """

    def __init__(self, values: Mapping[str, Values]) -> None:
        self._values = values

    def draw(self, labels: Sequence[str], *, draw_seed: int) -> dict[str, str]:
        """Return a value of each attribute that has one for these labels."""
        if not self._values:
            return {}
        drawn: dict[str, str] = {}
        for name, values in self._values.items():
            allowed = _allowed(values, labels)
            if allowed:  # drawn by name, so that the order of the names changes nothing
                drawn[name] = random.Random(f"{draw_seed} {name}").choice(allowed)
        return drawn


def _allowed(values: Values, labels: Sequence[str]) -> Sequence[str]:
    if not isinstance(values, Mapping):
        return values
    return list(dict.fromkeys(value for label in labels for value in values.get(label, ())))
