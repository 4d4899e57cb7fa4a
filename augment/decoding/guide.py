"""Guides: who knows more of an answer than the model, token by token and at its end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeAlias

import numpy as np
import numpy.typing as npt
import torch

Known: TypeAlias = tuple[npt.NDArray[np.int64], npt.NDArray[np.float32], float]
"""Tokens, what each has of the probability, and the weight that is left to the model.

A token may come more than once: what it has is added up.
"""


_NONE = np.empty(0, dtype=np.int64)
_NO_SHARE = np.empty(0, dtype=np.float32)


class Guide(Protocol):
    """Who has a say in one answer.

    Attributes:
        room: the most tokens of an answer after what the schema forces it to begin with; one
            that would be longer is drawn again.
        drafts: how many answers may be thrown away for a better one.
    """

    room: int
    drafts: int

    def after(self, answer: Sequence[int]) -> Known:
        """Return what may follow an answer's tokens so far; the weights add up to 1."""
        ...

    def will_do(self, answer: str) -> bool:
        """Judge a finished answer: one that will not do is drawn again."""
        ...


def mixed(
    logits: torch.Tensor, guides: Sequence[Guide | None], answers: Sequence[Sequence[int]]
) -> torch.Tensor:
    """Return the logits of what the model and the guides say, what was impossible staying so.

    Where the schema allows nothing of what a guide says, and that leaves the model no weight, the
    model is heard alone.

    Args:
        logits: (rows, vocabulary); -inf where the schema lets nothing stand.
        guides: of each row; None leaves it as it is.
        answers: of each row so far.
    """
    tokens = [_NONE] * len(guides)
    shares = [_NO_SHARE] * len(guides)
    left = [1.0] * len(guides)
    for row, (guide, answer) in enumerate(zip(guides, answers, strict=True)):
        if guide is None:
            continue
        tokens[row], shares[row], left[row] = guide.after(answer)
    counts = [len(found) for found in tokens]
    if not any(counts):
        return logits
    device = logits.device
    chances = torch.softmax(logits, dim=-1)
    chances *= torch.tensor(left, device=device).unsqueeze(1)
    row = torch.as_tensor(np.repeat(np.arange(len(guides)), counts), device=device)
    token = torch.as_tensor(np.concatenate(tokens), device=device)
    said = torch.as_tensor(np.concatenate(shares), device=device)
    chances.index_put_((row, token), said, accumulate=True)
    found = chances.log().masked_fill_(logits == -torch.inf, -torch.inf)
    silent = (found == -torch.inf).all(dim=-1, keepdim=True)
    return torch.where(silent, logits, found)
