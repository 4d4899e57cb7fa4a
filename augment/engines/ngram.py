"""Texts from the n-grams of a label's seeds, with spans that change places.

A text is drawn from an n-gram model of its label's seeds, mixed with one of all seeds; then spans
that stand between the same neighbours in two seeds of the label change places; a text that is too
near a seed is drawn again.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

from augment.engines.copies import Copies
from augment.engines.kneser_ney import (
    BEGIN,
    END,
    MARKS,
    SEPARATOR,
    KneserNey,
    Mixture,
    sample,
    tokenize,
    untokenize,
)
from augment.engines.writer import Written
from augment.records import (
    Ask,
    Example,
    Sampling,
    SeedSet,
    labels_of,
)

TEXT_TOKENS, LABEL_TOKENS, ALL_TOKENS = 2_000, 20_000, 200_000
"""How many tokens are learnt at most: of one text, of one label's seeds, of all seeds."""
GROUPS_KEPT = 256
TRIES = 8
WARMING = 1.1
"""By how much the temperature grows from one try to the next."""
GENERAL = 0.03
"""The weight of all seeds beside the label's. Weights ten times as large predict unseen texts
better, yet let the texts that are drawn drift into other labels."""
EXEMPLAR = 0.5
"""The weight of the seed that is to be said in other words."""
EXCHANGED = 0.3
"""How many of the places in a text where spans may change do change."""
SPAN_TOKENS = 3

Tokens: TypeAlias = tuple[int, ...]
Slots: TypeAlias = Mapping[tuple[int, int | str], Sequence[Tokens]]
"""By the token to the left and the one to the right, or the kind of thing: what stands there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Group:
    """What was learnt from the seeds of a label or label set.

    Attributes:
        copies: tells what says nearly what one of the seeds says.
        shortest: how many tokens a new text has at least.
        longest: how many it has at most.
    """

    mixture: Mixture
    slots: Slots
    copies: Copies
    shortest: int
    longest: int


class NgramWriter:
    """Writes by the n-grams of the seeds, of which there must be one at least."""

    model = "ngram"

    def __init__(self, seeds: SeedSet) -> None:
        self._parts = 2 if seeds.pairs else 1
        self._tokens = [""] * MARKS
        numbers: dict[str, int] = {}
        self._texts = {seed.id: self._numbered(seed, numbers=numbers) for seed in seeds.examples}
        self._labels = {seed.id: frozenset(labels_of(seed.target)) for seed in seeds.examples}
        self._kinds = [_kind(token) for token in self._tokens]
        every = _thinned(list(self._texts.values()), limit=ALL_TOKENS)
        self._general = KneserNey(every, size=len(self._tokens))
        self._group = lru_cache(maxsize=GROUPS_KEPT)(self._learn)
        self._near = lru_cache(maxsize=GROUPS_KEPT)(self._mix_near)

    def write(self, ask: Ask, *, sampling: Sampling, room: int, rng: random.Random) -> Written:
        """Return a new text for `ask`: the first draft that is fit, else the last one."""
        group = self._group(ask.labels)
        mixture = group.mixture
        if ask.strategy == "paraphrase" and ask.exemplars and ask.exemplars[0] in self._texts:
            mixture = self._near(ask.labels, ask.exemplars[0])
        drawn: Tokens = ()
        draft: Tokens = ()
        ended = False
        for attempt in range(TRIES):
            found, done = sample(
                mixture,
                rng=rng,
                temperature=sampling.temperature * WARMING**attempt,
                top_p=sampling.top_p,
                max_tokens=min(room, group.longest),
                parts=self._parts,
            )
            if ended and not done:
                continue
            drawn, ended = found, done
            draft = self._exchanged(drawn, slots=group.slots, rng=rng) if ended else drawn
            if len(draft) > room:
                draft = drawn
            if ended and self._is_fit(draft, group=group):
                break
        text, text_pair = self._spelled(draft)
        return Written(text=text, text_pair=text_pair, tokens=len(drawn), cut=not ended)

    def _mix_near(self, labels: tuple[str, ...], exemplar: str) -> Mixture:
        """Return a mixture in which the n-grams of one seed weigh as much as all the others."""
        own = KneserNey([self._texts[exemplar]], size=len(self._tokens))
        return ((EXEMPLAR, own), *((w * (1 - EXEMPLAR), m) for w, m in self._group(labels).mixture))

    def _learn(self, labels: tuple[str, ...]) -> _Group:
        texts = _thinned(
            [self._texts[seed] for seed in self._seeds_for(labels)], limit=LABEL_TOKENS
        )
        model = KneserNey(texts, size=len(self._tokens))
        # One or two seeds on their own can only be said again.
        general = max(GENERAL, 0.5 / len(texts) ** 2)
        lengths = [len(text) for text in texts]
        return _Group(
            mixture=((1 - general, model), (general, self._general)),
            slots=self._slots(texts),
            copies=Copies([self._whole(text) for text in texts]),
            shortest=3 * min(lengths) // 4,
            longest=5 * max(lengths) // 4 + 2,
        )

    def _seeds_for(self, labels: tuple[str, ...]) -> Sequence[str]:
        """Return the ids of the seeds with all the labels, else with any, else of all seeds."""
        wanted = frozenset(labels)
        carried = self._labels.items()
        whole = [seed for seed, own in carried if (wanted <= own if wanted else not own)]
        some = [seed for seed, own in carried if not wanted.isdisjoint(own)]
        return whole or some or list(self._texts)

    def _numbered(self, seed: Example[Any], *, numbers: dict[str, int]) -> Tokens:
        """Return the token numbers of a seed; new tokens are added to the vocabulary."""
        parts = [seed.text, seed.text_pair or ""][: self._parts]
        text: list[int] = []
        for part in parts:
            text += [SEPARATOR] if text else []
            for token in tokenize(part, limit=TEXT_TOKENS):
                if token not in numbers:
                    numbers[token] = len(self._tokens)
                    self._tokens.append(token)
                text.append(numbers[token])
        return tuple(text)

    def _spelled(self, draft: Tokens) -> tuple[str, str]:
        """Return both texts of a pair; the second is empty where there is none."""
        end = draft.index(SEPARATOR) if SEPARATOR in draft else len(draft)
        first, second = draft[:end], draft[end + 1 :]
        return (
            untokenize(self._tokens[token] for token in first),
            untokenize(self._tokens[token] for token in second),
        )

    def _whole(self, draft: Tokens) -> str:
        return "\n".join(self._spelled(draft))

    def _is_fit(self, draft: Tokens, *, group: _Group) -> bool:
        """Say whether a draft has a seed's length and is no near copy of a seed."""
        if not group.shortest <= len(draft) <= group.longest:
            return False
        return not group.copies.has_near(self._whole(draft))

    def _slots(self, texts: Sequence[Tokens]) -> Slots:
        """Return what stands in each place, where more than one thing does."""
        first: dict[tuple[int, int | str], Tokens] = {}
        several: dict[tuple[int, int | str], set[Tokens]] = {}
        for text in texts:
            for place, span in self._places((BEGIN, *text, END)):
                before = first.setdefault(place, span)
                if before != span:
                    several.setdefault(place, {before}).add(span)
        return {place: sorted(spans) for place, spans in several.items()}

    def _places(self, framed: Tokens) -> Iterator[tuple[tuple[int, int | str], Tokens]]:
        """Yield the places of one text, each with what stands there."""
        for start in range(1, len(framed) - 1):
            left = framed[start - 1]
            if kind := self._kind_at(framed, start):
                yield (left, kind), framed[start : start + 1]
            for stop in range(start + 1, min(start + SPAN_TOKENS, len(framed) - 1) + 1):
                if framed[stop - 1] == SEPARATOR:
                    break
                # A whole text stands in no place: nothing around it says what it is.
                if left >= MARKS or framed[stop] >= MARKS:
                    yield (left, framed[stop]), framed[start:stop]

    def _exchanged(self, draft: Tokens, *, slots: Slots, rng: random.Random) -> Tokens:
        """Return `draft` with some of its spans exchanged for others of the same place."""
        framed = (BEGIN, *draft, END)
        changed: list[int] = []
        start = 1
        while start <= len(draft):
            if rng.random() < EXCHANGED:
                stop = min(start + rng.randint(1, SPAN_TOKENS), len(draft) + 1)
                kind = self._kind_at(framed, start)
                spans = slots.get((framed[start - 1], kind or framed[stop]), ())
                if spans and SEPARATOR not in framed[start:stop]:
                    changed += rng.choice(spans)
                    start += 1 if kind else stop - start
            # The neighbour to the right stays, for what comes after it stands in its place.
            changed += framed[start : start + 1] if start <= len(draft) else ()
            start += 1
        return tuple(changed)

    def _kind_at(self, framed: Tokens, place: int) -> str:
        """Return the kind of the token there: numbers, and names, which start no sentence."""
        before = framed[place - 1]
        kind = self._kinds[framed[place]]
        starts = before < MARKS or self._tokens[before].strip() in {".", "!", "?", ":"}
        return "" if kind == "name" and starts else kind


def _thinned(texts: Sequence[Tokens], *, limit: int) -> Sequence[Tokens]:
    """Return texts of about `limit` tokens at most, evenly spread; at least one."""
    return texts[:: 1 + sum(map(len, texts)) // limit]


def _kind(token: str) -> str:
    word = token.strip()
    if any(character.isdigit() for character in word):
        return "number"
    return "name" if len(word) > 1 and word[0].isupper() else ""
