"""The keys and values of a batch whose rows come and go.

Every row ends at the same column, whatever its length:

    row 0    . . . a b c d e
    row 1    . f g h i j k l
    row 2    . . . . . m n o
             start ^       ^ end

so that a step writes one column for all rows, a row's distances are those of its tokens (which is
what the masks of sliding windows go by), and a new row is put in without touching the others. The
buffers are written in place: concatenation would copy all of them at every step.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import torch
from transformers import Cache
from transformers.cache_utils import DynamicLayer

Prompt: TypeAlias = list[torch.Tensor]
"""Keys and values of one row, layer after layer: (heads, tokens, size)."""

_FIRST_WIDTH = 256


@dataclass(slots=True)
class _View:
    """What the model sees in the present forward pass.

    Attributes:
        row: the first of its rows.
        start: the first column.
        at: the column to which the first new token is written.
    """

    row: int = 0
    start: int = 0
    at: int = 0


class _Layer(DynamicLayer):
    """One layer's buffers: (rows, heads, columns, size)."""

    def __init__(self, view: _View, *, rows: int, width: int) -> None:
        super().__init__()  # pyright: ignore[reportUnknownMemberType] - transformers'
        self._view = view
        self._shape = rows, width

    def lazy_initialization(self, key_states: torch.Tensor, value_states: torch.Tensor) -> None:
        self.dtype, self.device = key_states.dtype, key_states.device
        self.keys, self.values = (
            # Zeros, for what is masked is still multiplied by 0, and must be a number
            states.new_zeros((self._shape[0], states.shape[1], self._shape[1], states.shape[3]))
            for states in (key_states, value_states)
        )
        self.is_initialized = True

    def update(
        self,
        key_states: torch.Tensor,
        value_states: torch.Tensor,
        *args: Any,  # noqa: ARG002 - the Cache's
        **kwargs: Any,  # noqa: ARG002 - the Cache's
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Write the new columns; return all that the view shows."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        view = self._view
        rows = slice(view.row, view.row + key_states.shape[0])
        end = view.at + key_states.shape[2]
        keys, values = self.buffers()
        keys[rows, :, view.at : end] = key_states
        values[rows, :, view.at : end] = value_states
        return keys[rows, :, view.start : end], values[rows, :, view.start : end]

    def get_seq_length(self) -> int:
        return self._view.at - self._view.start

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        return self.get_seq_length() + query_length, 0

    def resize(self, *, rows: int, width: int) -> None:
        """Take larger buffers and copy the contents to the same places."""
        self._shape = rows, width
        if self.is_initialized:
            self.keys, self.values = (_larger(old, self._shape) for old in self.buffers())

    def buffers(self) -> tuple[torch.Tensor, ...]:
        """Return keys and values; nothing before the first pass."""
        if self.keys is None or self.values is None:
            return ()
        return self.keys, self.values


def _larger(old: torch.Tensor, shape: tuple[int, int]) -> torch.Tensor:
    new = old.new_zeros((shape[0], old.shape[1], shape[1], old.shape[3]))
    new[: old.shape[0], :, : old.shape[2]] = old
    return new


class KeyValues(Cache):
    """The cache that the model is given; rows 0 to n - 1 are in use, the caller knows n.

    Attributes:
        end: the column after the last one written, the same for all rows.
    """

    def __init__(self, layers: int) -> None:
        self._view = _View()
        self._rows, self._width = 1, _FIRST_WIDTH
        self._own = [_Layer(self._view, rows=self._rows, width=self._width) for _ in range(layers)]
        self.end = 0
        super().__init__(layers=[*self._own])

    def show(self, *, row: int, longest: int, new: int) -> None:
        """Set what the model sees.

        Args:
            row: the first row.
            longest: how many columns it sees, the new ones included.
            new: how many columns it writes; they end at `end`.
        """
        self._view.row = row
        self._view.start = self.end - longest
        self._view.at = self.end - new

    def reserve(self, *, rows: int, used: int, longest: int, new: int) -> None:
        """Make room for so many rows, for one that reaches back `longest`, and for new columns.

        Args:
            rows: how many rows are to be held.
            used: how many columns hold something now.
            longest: how many columns there must be up to `end`.
            new: how many more columns are about to be written.
        """
        longest = max(longest, used)
        end, width = max(self.end, longest), self._width
        if end + new > width:
            end = longest  # what lies to the left belonged to rows that are gone
            if end + new > width * 3 // 4:
                width = (end + new) * 3 // 2
        if rows > self._rows or width > self._width:
            self._rows, self._width = max(rows, self._rows), width
            for layer in self._own:
                layer.resize(rows=self._rows, width=width)
        if end != self.end and used:
            old, new_place = slice(self.end - used, self.end), slice(end - used, end)
            for buffer in self._buffers():
                buffer[:, :, new_place] = buffer[:, :, old].clone()
        self.end = end

    def move(self, source: int, target: int, *, length: int) -> None:
        """Overwrite a row with another one of this length."""
        columns = slice(self.end - length, self.end)
        for buffer in self._buffers():
            buffer[target, :, columns] = buffer[source, :, columns]

    def rewind(self, row: int, *, length: int, kept: int) -> None:
        """Leave the first `kept` tokens of a row of this length, which then end where all do."""
        old = slice(self.end - length, self.end - length + kept)
        for buffer in self._buffers():
            buffer[row, :, self.end - kept : self.end] = buffer[row, :, old].clone()

    def put(self, row: int, prompt: Prompt, *, length: int, known: int) -> None:
        """Write the first `known` tokens of a row of this length."""
        columns = slice(self.end - length, self.end - length + known)
        for buffer, states in zip(self._buffers(), prompt, strict=True):
            buffer[row, :, columns] = states[:, :known]

    def taken(self, row: int, *, length: int) -> Prompt:
        """Return a copy of a row of this length."""
        columns = slice(self.end - length, self.end)
        return [buffer[row, :, columns].clone() for buffer in self._buffers()]

    def _buffers(self) -> list[torch.Tensor]:
        return [buffer for layer in self._own for buffer in layer.buffers()]
