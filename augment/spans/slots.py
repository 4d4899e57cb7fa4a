"""Annotated seeds as texts with typed slots, and such texts filled again.

    Ada lives in Bonn   ->   P lives in C      P, C: one character each, of no script
    P saw C from C      ->   Bo saw Kiel from Rome, with its mentions

A slot's kind is what stands in it: the label of its mention, and its part in relations and events.
Mentions that overlap share one slot. A filler is the words of a slot in some seed, with the
mentions within them.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from augment.records import EMPTY, Annotation, Argument, Event, Example, Relation, Span
from augment.spans.ordering import ordered

_FIRST_SLOT, _LAST_SLOT = 0xF0000, 0xFFFFD
"""A private-use plane: no text has these characters, and no tokenizer joins them to words."""
Part: TypeAlias = tuple[str, ...]
"""In a relation, `("head", "lives in")`; in an event, `("trigger", "move")` or an argument's."""
Row: TypeAlias = tuple[str, Annotation]
Kind: TypeAlias = tuple[tuple[str, tuple[Part, ...]], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Filler:
    """The words of a slot, and the mentions in them: their places count from its beginning."""

    text: str
    spans: tuple[Span, ...]


class Slots:
    """The kinds of slots of some seeds, and what may fill them.

    Args:
        seeds: whose texts become templates.
        listed: mentions by type that may fill a slot too, if one mention of that type stands in it.
    """

    def __init__(
        self,
        seeds: Sequence[Example[Annotation]],
        *,
        listed: Mapping[str, Sequence[str]] = EMPTY,
    ) -> None:
        used = {
            character for seed in seeds for character in seed.text if ord(character) >= _FIRST_SLOT
        }
        self._free = (chr(code) for code in range(_FIRST_SLOT, _LAST_SLOT) if chr(code) not in used)
        self._slots: dict[Kind, str] = {}
        self._kinds: dict[str, Kind] = {}
        self._fillers: dict[str, dict[str, Filler]] = {}
        self.templates = {seed.id: self._template(seed) for seed in seeds}
        for kind, slot in self._slots.items():
            if len(kind) == 1:
                for words in listed.get(kind[0][0], ()):
                    whole = Span(start=0, end=len(words), label=kind[0][0])
                    self._fillers[slot].setdefault(words, Filler(text=words, spans=(whole,)))

    def filled(self, template: str, rng: random.Random, *, twice: bool) -> Row | None:
        """Return a template's text with words in its slots, and its annotation.

        Relations and events follow from the parts that the slots have in them.

        Args:
            template: with slots.
            rng: draws the words.
            twice: whether the same words may stand in two slots; they do where there are no
                others.

        Returns:
            None where a relation or event lacks a part.
        """
        return _joined(*self._fill(template, self._drawn(rng, twice=twice)))

    def filled_as(self, template: str, example: Example[Annotation]) -> Row | None:
        """Return a template's text with the mentions of an example in its slots.

        Returns:
            None unless the template has just the slots that these mentions fill.
        """
        own = list(self._split(example))
        if Counter(slot for slot, _, _ in own) != Counter(filter(self._kinds.get, template)):
            return None
        left = {slot: [one for name, one, _ in own if name == slot] for slot, _, _ in own}
        return _joined(*self._fill(template, lambda slot: left[slot].pop(0)))

    def refilled(self, seed: Example[Annotation], rng: random.Random, *, twice: bool) -> Row:
        """Return a seed's text with other mentions of the same kinds, and its annotation."""
        text, spans, _ = self._fill(self.templates[seed.id], self._drawn(rng, twice=twice))
        return _whole(text, spans, seed.target.relations, seed.target.events)

    def _drawn(self, rng: random.Random, *, twice: bool) -> Callable[[str], Filler]:
        """Return what draws a filler for a slot."""
        used: set[str] = set()

        def draw(slot: str) -> Filler:
            every = self._fillers[slot]
            names = list(every) if twice else [name for name in every if name not in used]
            filler = every[rng.choice(names or list(every))]
            used.add(filler.text)
            return filler

        return draw

    def _fill(
        self, template: str, draw: Callable[[str], Filler]
    ) -> tuple[str, list[Span], list[tuple[Part, ...]]]:
        parts: list[str] = []
        spans: list[Span] = []
        roles: list[tuple[Part, ...]] = []
        length = 0
        for character in template:
            kind = self._kinds.get(character)
            if kind is None:
                parts.append(character)
                length += 1
                continue
            filler = draw(character)
            for span, (_, own) in zip(filler.spans, kind, strict=True):
                start, end = span.start + length, span.end + length
                spans.append(Span(start=start, end=end, label=span.label))
                roles.append(own)
            parts.append(filler.text)
            length += len(filler.text)
        return "".join(parts), spans, roles

    def _template(self, seed: Example[Annotation]) -> str:
        """Return the seed's text with a slot for each group of mentions that overlap."""
        text: list[str] = []
        done = 0
        for slot, filler, start in self._split(seed):
            self._fillers.setdefault(slot, {}).setdefault(filler.text, filler)
            text += [seed.text[done:start], slot]
            done = start + len(filler.text)
        return "".join([*text, seed.text[done:]])

    def _split(self, seed: Example[Annotation]) -> Iterator[tuple[str, Filler, int]]:
        """Yield each group of mentions that overlap: its slot, what fills it, and where."""
        parts = _parts_of(seed.target)
        for group in _groups(seed.target.entities):
            spans = [seed.target.entities[at] for at in group]
            start, end = min(each.start for each in spans), max(each.end for each in spans)
            kind: Kind = tuple((seed.target.entities[at].label, parts[at]) for at in group)
            if kind not in self._slots:
                self._slots[kind] = next(self._free)
                self._kinds[self._slots[kind]] = kind
            words = seed.text[start:end]
            inner = tuple(
                Span(start=each.start - start, end=each.end - start, label=each.label)
                for each in spans
            )
            yield self._slots[kind], Filler(text=words, spans=inner), start


def _groups(spans: Sequence[Span]) -> Iterator[list[int]]:
    """Yield the places of mentions that overlap, group by group; `spans` are in order."""
    group: list[int] = []
    end = 0
    for at, span in enumerate(spans):
        if group and span.start >= end:
            yield group
            group = []
        group.append(at)
        end = max(end, span.end) if len(group) > 1 else span.end
    if group:
        yield group


def _parts_of(annotation: Annotation) -> list[tuple[Part, ...]]:
    """Return what part each mention has in relations and events, in a fixed order."""
    found: list[set[Part]] = [set() for _ in annotation.entities]
    for each in annotation.relations:
        found[each.head].add(("head", each.label))
        found[each.tail].add(("tail", each.label))
    for each in annotation.events:
        found[each.trigger].add(("trigger", each.type))
        for one in each.arguments:
            found[one.entity].add(("argument", each.type, one.role))
    return [tuple(sorted(parts)) for parts in found]


def _whole(
    text: str,
    spans: Sequence[Span],
    relations: tuple[Relation, ...],
    events: tuple[Event, ...],
) -> Row:
    """Return the text without white space at its ends, and all that is in it, in order."""
    shift = len(text) - len(text.lstrip())
    moved = [Span(start=s.start - shift, end=s.end - shift, label=s.label) for s in spans]
    whole = Annotation(entities=tuple(moved), relations=relations, events=events)
    return text.strip(), ordered(whole)


def _joined(text: str, spans: Sequence[Span], roles: Sequence[tuple[Part, ...]]) -> Row | None:
    """Return the text with its annotation; None where a relation or event lacks a part."""
    links = _linked(spans, roles)
    return None if links is None else _whole(text, spans, *links)


def _linked(
    spans: Sequence[Span], roles: Sequence[tuple[Part, ...]]
) -> tuple[tuple[Relation, ...], tuple[Event, ...]] | None:
    """Return relations and events by the mentions' parts in them; None where one is not whole."""
    places: dict[Part, list[int]] = {}
    for at, parts in enumerate(roles):
        for part in parts:
            places.setdefault(part, []).append(at)
    relations = _relations(places)
    events = _events(places, spans)
    return None if relations is None or events is None else (relations, events)


def _relations(places: Mapping[Part, list[int]]) -> tuple[Relation, ...] | None:
    """Join heads to tails: all to the only one, else one to one in order; None if any is left."""
    found: list[Relation] = []
    for label in dict.fromkeys(part[1] for part in places if part[0] in {"head", "tail"}):
        heads, tails = places.get(("head", label), []), places.get(("tail", label), [])
        if not heads or not tails or (len(heads) != len(tails) and min(len(heads), len(tails)) > 1):
            return None
        most = max(len(heads), len(tails))
        pairs = zip(heads * (most // len(heads)), tails * (most // len(tails)), strict=True)
        found += [Relation(head=h, tail=t, label=label) for h, t in pairs if h != t]
    return tuple(found)


def _events(places: Mapping[Part, list[int]], spans: Sequence[Span]) -> tuple[Event, ...] | None:
    """Give each argument to the nearest trigger of its event's type; None if there is none."""
    own: dict[tuple[str, int], list[Argument]] = {
        (part[1], at): [] for part, found in places.items() if part[0] == "trigger" for at in found
    }

    for part, found in places.items():
        if part[0] != "argument":
            continue
        _, kind, role = part
        triggers = [at for name, at in own if name == kind]
        if not triggers:
            return None
        for at in found:
            distances = [(abs(spans[one].start - spans[at].start), one) for one in triggers]
            own[kind, min(distances)[1]].append(Argument(entity=at, role=role))
    return tuple(
        Event(trigger=at, type=kind, arguments=tuple(arguments))
        for (kind, at), arguments in own.items()
    )
