"""Log-probabilities of tokens, told in characters."""

from __future__ import annotations

import codecs
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from augment.records import TokenLogprob


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A token in bytes, which need not be whole characters.

    Attributes:
        best: the likeliest tokens in its place with their log-probabilities, itself perhaps among
            them.
    """

    octets: bytes
    logprob: float
    best: Sequence[tuple[bytes, float]]


def told(pieces: Iterable[Piece]) -> tuple[TokenLogprob, ...]:
    """Return the tokens so that their texts, one after the other, are the answer.

    Tokens that share a character become one, since neither has a text of its own: its
    log-probability is the sum of theirs, and its rivals are all that branch off on the way, so
    that the probabilities of a choice still add up. Rivals that cannot be told apart by their
    text (parts of characters) count as the likeliest of them.
    """
    found: list[TokenLogprob] = []
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    text, begun, logprob = "", b"", 0.0
    top: dict[str, float] = {}
    for piece in pieces:
        for rival, value in piece.best:
            if rival != piece.octets:
                spelt = (begun + rival).decode("utf-8", "replace")
                top[spelt] = max(logprob + value, top.get(spelt, -math.inf))
        among = any(rival == piece.octets for rival, _ in piece.best)
        begun, logprob = begun + piece.octets, logprob + piece.logprob
        text += decoder.decode(piece.octets)
        if not decoder.getstate()[0]:
            found.append(_token(text, logprob, top, among=among))
            text, begun, logprob, top = "", b"", 0.0, {}
    if begun:  # cut off within a character
        found.append(_token(text + decoder.decode(b"", final=True), logprob, top, among=False))
    return tuple(found)


def _token(text: str, logprob: float, top: dict[str, float], *, among: bool) -> TokenLogprob:
    if among:
        top[text] = max(logprob, top.get(text, -math.inf))
    order = sorted(top, key=top.__getitem__, reverse=True)
    return TokenLogprob(token=text, logprob=logprob, top={name: top[name] for name in order})
