"""Drawing the next token of each row from the model's logits."""

from __future__ import annotations

from typing import cast

import torch

_MOST_DRAWS = 64
_LEAST = torch.finfo(torch.float32).tiny


class Draw:
    """One row's way to draw: greedy at temperature 0, else from the nucleus of mass `top_p`.

    Each row draws from a generator of its own, so that its draws do not depend on its neighbours.
    """

    __slots__ = ("_generator", "temperature", "top_p")

    def __init__(self, *, temperature: float, top_p: float, seed: int) -> None:
        self.temperature = temperature
        self.top_p = top_p
        self._generator = torch.Generator().manual_seed(seed % (1 << 63))

    def uniform(self) -> float:
        """Return the next number in [0, 1)."""
        return torch.rand((), generator=self._generator, dtype=torch.float64).item()


def integers(values: torch.Tensor) -> list[int]:
    """Return the values of one dimension."""
    return cast("list[int]", values.tolist())  # pyright: ignore[reportUnknownMemberType] - torch's


def next_tokens(logits: torch.Tensor, draws: list[Draw]) -> list[int]:
    """Return a token for each row of float32 logits; those that are -inf are never drawn."""
    warm = [row for row, draw in enumerate(draws) if draw.temperature > 0]
    cold = len(warm) < len(draws)
    tokens = integers(logits.argmax(dim=-1)) if cold else [0] * len(draws)
    if warm:
        chosen = logits if len(warm) == len(draws) else logits[warm]
        drawn = _drawn(chosen, [draws[row] for row in warm])
        for row, token in zip(warm, drawn, strict=True):
            tokens[row] = token
    return tokens


def _drawn(logits: torch.Tensor, draws: list[Draw]) -> list[int]:
    """Draw by inversion, and again where the token is outside the nucleus.

    A token is in the nucleus if the mass of those likelier than it is less than `top_p`. What a
    refused token shows is that nothing as unlikely as it is in the nucleus, so that the draws
    that follow leave it out: no row is ever sorted (the rejection sampling of FlashInfer, Ye et
    al. 2025), which on a CPU takes longer than the model does.
    """
    device = logits.device
    warmth = torch.tensor([draw.temperature for draw in draws], device=device)
    mass = torch.tensor([draw.top_p for draw in draws], device=device)
    chances = torch.softmax(logits / warmth.unsqueeze(1), dim=-1)
    left, rows = chances, list(range(len(draws)))
    tokens = [0] * len(draws)
    for attempt in range(_MOST_DRAWS):
        found = _inverted(left, [draws[row].uniform() for row in rows])
        chance = chances.gather(1, found)
        likelier = torch.where(chances > chance, chances, 0.0).sum(dim=-1)
        inside = integers(likelier < mass)
        picked = integers(found.squeeze(1))
        for row, token in zip(rows, picked, strict=True):
            tokens[row] = token
        again = [at for at, good in enumerate(inside) if not good]
        if not again or attempt == _MOST_DRAWS - 1:
            break
        rows = [rows[at] for at in again]
        chances, left, mass = chances[again], left[again], mass[again]
        left = torch.where(chances > chance[again], left, 0.0)
    return tokens


def _inverted(chances: torch.Tensor, uniforms: list[float]) -> torch.Tensor:
    """Return for each row the first token at which the sum of chances reaches its share."""
    sums = chances.cumsum(dim=-1)
    share = torch.tensor(uniforms, dtype=torch.float32, device=chances.device).unsqueeze(1)
    # Neither a leading token without a chance nor the end of the row is reached by rounding.
    goal = (share * sums[:, -1:]).clamp_min(_LEAST).minimum(sums[:, -1:])
    return torch.searchsorted(sums, goal)
