"""What an ask gives beforehand: the mentions that a row must hold, and what joins them.

    paraphrase           those of the seed that is to be said otherwise
    entities-first       those of a seed, each exchanged for another of its kind
    mention-replacement  the same, in that seed's own words: a row already

The ask and the run's random seed tell which they are, so that nothing need be kept of them.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from augment.draws import draw_seed
from augment.records import EMPTY, Annotation, Ask, Example, SeedSet, Span
from augment.shown import shown
from augment.spans.folding import folded
from augment.spans.slots import Slots

PARAPHRASE: Final = "paraphrase"
ENTITIES_FIRST: Final = "entities-first"
REPLACEMENT: Final = "mention-replacement"


class Skeletons:
    """The rows whose annotations asks give beforehand; an ask's first exemplar is what they are of.

    Args:
        seeds: of an extraction task.
        listed: mentions by type, beside those of the seeds.
        repeated: whether the same words may stand in a text twice.
        random_seed: the run's.
    """

    def __init__(
        self,
        seeds: SeedSet,
        *,
        listed: Mapping[str, Sequence[str]] = EMPTY,
        repeated: bool = True,
        random_seed: int,
    ) -> None:
        self._seeds = seeds.by_id
        self._slots = Slots(seeds.examples, listed=listed)
        self._listed = listed
        self._repeated = repeated
        self._random_seed = random_seed

    def of(self, ask: Ask) -> Example[Annotation] | None:
        """Return a row with the annotation that is wanted; None where the answer brings its own."""
        if ask.strategy == PARAPHRASE:
            return self._seeds[ask.exemplars[0]] if ask.exemplars else None
        if ask.strategy not in {ENTITIES_FIRST, REPLACEMENT}:
            return None
        rng = random.Random(draw_seed(self._random_seed, ask.number, "mentions"))
        if not ask.exemplars:
            return self._drawn(ask.labels, rng)
        seed = self._seeds[ask.exemplars[0]]
        return _made(*self._slots.refilled(seed, rng, twice=self._repeated))

    def _drawn(self, labels: Sequence[str], rng: random.Random) -> Example[Annotation]:
        """Return one of the listed mentions of each type, side by side."""
        parts: list[str] = []
        spans: list[Span] = []
        for label in labels:
            mention = rng.choice(self._listed[label])
            start = sum(len(part) + 1 for part in parts)
            spans.append(Span(start=start, end=start + len(mention), label=label))
            parts.append(mention)
        return _made(" ".join(parts), Annotation(entities=tuple(spans)))


def links_of(example: Example[Annotation]) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return each relation and event: its type, and the words of each of its parts."""
    words = [example.text[each.start : each.end] for each in example.target.entities]
    found: list[tuple[str, list[tuple[str, str]]]] = [
        (each.label, [("head", words[each.head]), ("tail", words[each.tail])])
        for each in example.target.relations
    ]
    found += [
        (
            each.type,
            [
                ("trigger", words[each.trigger]),
                *((one.role, words[one.entity]) for one in each.arguments),
            ],
        )
        for each in example.target.events
    ]
    return found


def departures(wanted: Example[Annotation], found: Example[Annotation]) -> Iterator[str]:
    """Yield in words what one annotation has and the other has not, but for its form."""
    asked, given = _said(wanted), _said(found)
    for count, how in ((asked, "is not there"), (given, "was not asked for")):
        other = given if count is asked else asked
        for key in count:
            if len(count[key]) > len(other.get(key, ())):
                yield f"{count[key][0]} {how}"


def _said(example: Example[Annotation]) -> dict[tuple[str, ...], list[str]]:
    """Return the words of all mentions, relations and events, by what they are in any form."""
    found: dict[tuple[str, ...], list[str]] = {}
    for each in example.target.entities:
        words = example.text[each.start : each.end]
        key = (each.label, folded(words).form.strip())
        found.setdefault(key, []).append(f"{shown(words)} ({each.label})")
    for name, parts in links_of(example):
        told = Counter((role, folded(words).form.strip()) for role, words in parts)
        key = (name, *(f"{role} {words} {count}" for (role, words), count in sorted(told.items())))
        said = ", ".join(f"{role} {shown(words)}" for role, words in parts)
        found.setdefault(key, []).append(f"{shown(name)} ({said})")
    return found


def _made(text: str, annotation: Annotation) -> Example[Annotation]:
    return Example(id="", text=text, target=annotation, meta=EMPTY, origin="generated")
