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

from typing import TypeAlias

import torch

Prompt: TypeAlias = list[torch.Tensor]
"""Keys and values of one row, layer after layer: (heads, tokens, size)."""

_FIRST_WIDTH = 256


class KeyValues:
    """The cache that a network is given; rows 0 to n - 1 are in use, the caller knows n.

    Attributes:
        layers: of the network.
        end: the column after the last one written, the same for all rows.
        shown: how many columns the network sees in the present pass, the new ones included.
        before: how many of these were there before.
    """

    def __init__(self, layers: int) -> None:
        self.layers = layers
        self.end = self.shown = self.before = 0
        self._row = 0  # the first that the network sees
        self._rows, self._width = 1, _FIRST_WIDTH
        self._held: list[tuple[torch.Tensor, torch.Tensor] | None] = [None] * layers

    def update(
        self, layer: int, keys: torch.Tensor, values: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Write a layer's new columns, which end at `end`; return all that are shown.

        Args:
            layer: from 0.
            keys: (rows, heads, new, size).
            values: likewise; their size may be another.
        """
        held = self._held[layer]
        if held is None:
            held = self._held[layer] = self._room(keys), self._room(values)
        rows = slice(self._row, self._row + keys.shape[0])
        new = slice(self.end - keys.shape[2], self.end)
        shown = slice(self.end - self.shown, self.end)
        for buffer, states in zip(held, (keys, values), strict=True):
            buffer[rows, :, new] = states
        return held[0][rows, :, shown], held[1][rows, :, shown]

    def _room(self, states: torch.Tensor) -> torch.Tensor:
        # Zeros, for what is masked is still multiplied by 0, and must be a number
        return states.new_zeros((self._rows, states.shape[1], self._width, states.shape[3]))

    def show(self, *, row: int, longest: int, new: int) -> None:
        """Set what the model sees.

        Args:
            row: the first row.
            longest: how many columns it sees, the new ones included.
            new: how many columns it writes; they end at `end`.
        """
        self._row, self.shown, self.before = row, longest, longest - new

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
            self._held = [held and self._larger(held) for held in self._held]
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
        return [buffer for held in self._held if held is not None for buffer in held]

    def _larger(self, held: tuple[torch.Tensor, torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
        """Return larger buffers with the same contents in the same places."""
        keys, values = (self._room(old) for old in held)
        for new, old in zip((keys, values), held, strict=True):
            new[: old.shape[0], :, : old.shape[2]] = old
        return keys, values
