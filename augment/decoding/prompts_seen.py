"""What prompts have in common is read once: the keys and values of a few are kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from augment.decoding.key_values import KeyValues, Prompt

_MOST = 4
_WORTH = 32
"""So many tokens must be spared by a prompt's being read before the one that follows."""


@dataclass(frozen=True, slots=True)
class _Seen:
    tokens: Sequence[int]
    prompt: Prompt


class PromptsSeen:
    """The last prompts that were unlike those before them."""

    def __init__(self) -> None:
        self._seen: list[_Seen] = []

    def shared(self, tokens: Sequence[int]) -> int:
        """Return how many first tokens are known; never all of them, for the last one is asked."""
        best = max((_common(seen.tokens, tokens) for seen in self._seen), default=0)
        return min(best, len(tokens) - 1)

    def novel(self, tokens: Sequence[int], *, shared: int, following: Sequence[int] | None) -> bool:
        """Tell whether a prompt of which so much is known is to be remembered.

        It is if the one that follows has clearly more in common with it than with what is known;
        where none follows yet, if the better part of it is new.
        """
        if following is None:
            return shared < len(tokens) // 2
        return _common(tokens, following) >= shared + _WORTH

    def restore(self, cache: KeyValues, row: int, tokens: Sequence[int], *, known: int) -> None:
        """Write the first `known` tokens of a row of the cache."""
        at = max(range(len(self._seen)), key=lambda at: _common(self._seen[at].tokens, tokens))
        seen = self._seen.pop(at)
        self._seen.append(seen)  # the last one now: the least recently used goes first
        cache.put(row, seen.prompt, length=len(tokens), known=known)

    def remember(self, cache: KeyValues, row: int, tokens: Sequence[int]) -> None:
        """Keep a prompt that has been read into a row of the cache."""
        if len(self._seen) >= _MOST:
            del self._seen[0]
        prompt = cache.taken(row, length=len(tokens))
        self._seen.append(_Seen(tokens, prompt))

    def forget(self) -> None:
        """Give the memory back."""
        self._seen.clear()


def _common(one: Sequence[int], other: Sequence[int]) -> int:
    for at, (a, b) in enumerate(zip(one, other, strict=False)):
        if a != b:
            return at
    return min(len(one), len(other))
