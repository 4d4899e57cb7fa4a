"""Mixing what a model says next with what somebody else knows, at every step of a batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeAlias

import torch

Known: TypeAlias = tuple[Sequence[int], Sequence[float], float]
"""Tokens, the probability of each, and the weight that is left to the model."""


class Prior(Protocol):
    """Who knows something of an answer's next token."""

    def after(self, answer: Sequence[int]) -> Known:
        """Return what may follow an answer's tokens so far; the weights add up to 1."""
        ...


def mixed(
    logits: torch.Tensor, priors: Sequence[Prior | None], answers: Sequence[Sequence[int]]
) -> torch.Tensor:
    """Return the logits of the mixture, what was impossible staying so.

    Args:
        logits: (rows, vocabulary); -inf where the schema lets nothing stand.
        priors: of each row; None leaves it as it is.
        answers: of each row so far.
    """
    rows: list[int] = []
    tokens: list[int] = []
    shares: list[float] = []
    left = [1.0] * len(priors)
    for row, (prior, answer) in enumerate(zip(priors, answers, strict=True)):
        if prior is None:
            continue
        found, chances, left[row] = prior.after(answer)
        rows += [row] * len(found)
        tokens += found
        shares += chances
    if not rows:
        return logits
    device = logits.device
    chances = torch.softmax(logits, dim=-1) * torch.tensor(left, device=device).unsqueeze(1)
    places = (torch.tensor(rows, device=device), torch.tensor(tokens, device=device))
    chances.index_put_(places, torch.tensor(shares, device=device), accumulate=True)
    return chances.log().masked_fill_(logits == -torch.inf, -torch.inf)
