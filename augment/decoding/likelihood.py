"""How likely each token of an answer was, told in characters."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import torch

from augment.decoding.sampling import integers
from augment.records import TokenLogprob


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


def told(tokens: Iterable[Scored], octets: Callable[[int], bytes]) -> tuple[TokenLogprob, ...]:
    """Return the tokens so that their texts, one after the other, are the answer.

    Tokens that share a character become one, since neither has a text of its own: its
    log-probability is the sum of theirs, and its rivals are all that branch off on the way, so
    that the probabilities of a choice still add up. Rivals that cannot be told apart by their
    text (parts of characters) count as the likeliest of them.

    Args:
        tokens: the answer.
        octets: gives a token's bytes.
    """
    found: list[TokenLogprob] = []
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    text, begun, logprob = "", b"", 0.0
    top: dict[str, float] = {}
    for one in tokens:
        for rival, value in one.best:
            if rival != one.token:
                spelt = (begun + octets(rival)).decode("utf-8", "replace")
                top[spelt] = max(logprob + value, top.get(spelt, -torch.inf))
        among = any(rival == one.token for rival, _ in one.best)
        piece = octets(one.token)
        begun, logprob = begun + piece, logprob + one.logprob
        text += decoder.decode(piece)
        if not decoder.getstate()[0]:
            found.append(_token(text, logprob, top, among=among))
            text, begun, logprob, top = "", b"", 0.0, {}
    if begun:  # cut off within a character
        found.append(_token(text + decoder.decode(b"", final=True), logprob, top, among=False))
    return tuple(found)


def _token(text: str, logprob: float, top: dict[str, float], *, among: bool) -> TokenLogprob:
    if among:
        top[text] = max(logprob, top.get(text, -torch.inf))
    order = sorted(top, key=top.__getitem__, reverse=True)
    return TokenLogprob(token=text, logprob=logprob, top={name: top[name] for name in order})
