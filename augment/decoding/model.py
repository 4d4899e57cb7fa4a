"""A model that is ready to answer: what the batch asks of whoever loaded it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch

from augment.decoding.key_values import KeyValues
from augment.decoding.tokens import Tokens


class Network(Protocol):
    """The weights and what is worked out with them."""

    def __call__(
        self, tokens: torch.Tensor, lengths: torch.Tensor, cache: KeyValues
    ) -> torch.Tensor:
        """Read tokens; return the logits after each row's last one: float32, (rows, width).

        Args:
            tokens: (rows, new); where a row has fewer, they are at the right.
            lengths: (rows,): how many tokens each row has, these included.
            cache: shows the rows, and as many columns as the longest of them has tokens.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A model that is ready to answer.

    Attributes:
        layers: how many layers keep keys and values.
        context: the most tokens of prompt and answer together.
        width: how many tokens get a logit.
        ends: the tokens that end an answer.
        revision: what tells it from others of its name.
    """

    network: Network
    tokens: Tokens
    device: torch.device
    layers: int
    context: int
    width: int
    ends: frozenset[int]
    revision: str | None
