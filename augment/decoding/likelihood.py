"""How likely each token of an answer was."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import torch

from augment.decoding.sampling import integers
from augment.logprobs import Piece


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """A token with its log-probability at temperature 1, and the k best tokens with theirs."""

    token: int
    logprob: float
    best: Sequence[tuple[int, float]]


def scored(logits: torch.Tensor, *, token: int, k: int) -> Scored:
    """Score a token by one row of float32 logits; tokens without a chance are no rivals."""
    logprobs = torch.log_softmax(logits, dim=-1)
    best = logprobs.topk(min(k, logprobs.shape[-1]))
    values = [value.item() for value in best.values]
    pairs = zip(integers(best.indices), values, strict=True)
    return Scored(
        token=token,
        logprob=logprobs[token].item(),
        best=[(one, value) for one, value in pairs if value > -torch.inf],
    )


def pieces(tokens: Iterable[Scored], octets: Callable[[int], bytes]) -> Iterator[Piece]:
    """Yield scored tokens as their bytes, which `octets` gives."""
    for one in tokens:
        best = [(octets(rival), value) for rival, value in one.best]
        yield Piece(octets=octets(one.token), logprob=one.logprob, best=best)
