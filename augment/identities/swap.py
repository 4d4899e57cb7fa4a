"""A text with the people in it exchanged, and the grammar kept; or none, where that is not sure."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from augment.identities.terms import Identities, Mention

_VOWEL_LETTERS = frozenset("aeiou")
_SPOKEN_WITH_CONSONANT = ("eu", "uni", "uk", "use", "one")
_SPOKEN_WITH_VOWEL = ("hour", "heir", "honest", "honour", "honor")


@dataclass(frozen=True, slots=True, kw_only=True)
class Swap:
    """An exchange of one group of an axis for another, and of the other for it."""

    axis: str
    group: str
    other: str


def swaps(identities: Identities, texts: Sequence[str]) -> Iterator[tuple[Swap, tuple[str, ...]]]:
    """Yield every exchange that texts (one, or a pair) allow, with what they become.

    A text in which both groups are named has them change places: once, not twice.
    """
    found = [identities.mentions(text) for text in texts]
    named = dict.fromkeys((each.axis, each.group) for own in found for each in own)
    for axis, group in named:
        for other in identities.groups[axis]:
            there = (axis, other) in named
            if other == group or (there and other < group):
                continue
            swap = Swap(axis=axis, group=group, other=other)
            made = [
                _swapped(identities, text, own, swap)
                for text, own in zip(texts, found, strict=True)
            ]
            if all(text is not None for text in made):
                yield swap, tuple(text or "" for text in made)


def drawn(
    identities: Identities, texts: Sequence[str], rng: random.Random
) -> tuple[str, ...] | None:
    """Return the texts under one exchange: any axis as likely as another; None if there is none."""
    by_axis: dict[str, list[tuple[str, ...]]] = {}
    for swap, made in swaps(identities, texts):
        by_axis.setdefault(swap.axis, []).append(made)
    return rng.choice(by_axis[rng.choice(list(by_axis))]) if by_axis else None


def _swapped(
    identities: Identities, text: str, mentions: Sequence[Mention], swap: Swap
) -> str | None:
    parts: list[str] = []
    done = 0
    lower = text.islower()
    for each in mentions:
        to = {swap.group: swap.other, swap.other: swap.group}.get(each.group)
        if each.axis != swap.axis or to is None:
            continue
        word = identities.exchange(each, to)
        if word is None:
            return None
        if each.article is not None and identities.has_articles and each.article[0] >= done:
            start, end = each.article
            parts += [text[done:start], _cased(_article(word), text[start:end], lower=lower)]
            done = end
        parts += [text[done : each.start], _cased(word, text[each.start : each.end], lower=lower)]
        done = each.end
    return "".join([*parts, text[done:]])


def _article(word: str) -> str:
    """Return "a" or "an", by how the word is spoken."""
    low = word.lower()
    vowel = low[0] in _VOWEL_LETTERS and not low.startswith(_SPOKEN_WITH_CONSONANT)
    return "an" if vowel or low.startswith(_SPOKEN_WITH_VOWEL) else "a"


def _cased(word: str, before: str, *, lower: bool) -> str:
    """Return the word in capitals as what it stands for was; in a text that has none, in none."""
    if before.isupper() and len(before) > 1:
        return word.upper()
    if lower:
        return word.lower()
    return word[0].upper() + word[1:] if before[0].isupper() else word
