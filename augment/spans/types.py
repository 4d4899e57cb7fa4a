"""Which types there are, what goes with what, and what in an annotation does not.

Learnt from the seeds, as far as nobody says otherwise: a relation joins the types that it joins
in them, an event has the roles that it has in them. What never happens in the seeds (mentions
within mentions, say) is refused in what is made from them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from augment.records import EMPTY, Annotation, Example, Span, TaskName
from augment.shown import listed, shown
from augment.spans.borders import cuts_word
from augment.spans.ordering import crossing

_ENOUGH = 5
"""So many events must all have a role before it counts as required."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RelationType:
    """Which types of mentions a relation joins; () is any."""

    heads: tuple[str, ...] = ()
    tails: tuple[str, ...] = ()
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventType:
    """The types of an event's trigger (() is any) and its roles, each with its mentions' types."""

    triggers: tuple[str, ...] = ()
    required: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: EMPTY)
    optional: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: EMPTY)
    description: str = ""

    @property
    def roles(self) -> dict[str, tuple[str, ...]]:
        """The types of each role's mentions, the required roles first."""
        return {**self.required, **self.optional}


@dataclass(frozen=True, slots=True, kw_only=True)
class Types:
    """What annotations of a task may hold.

    Attributes:
        entities: descriptions by type, "" where there is none; `relations` and `events` likewise.
        nested: whether one mention may lie within another.
        crossing: whether mentions may overlap otherwise.
        doubled: whether one place may have two types.
        repeated: whether the same words may be marked more than once in a text.
        within_words: whether a mention may begin or end within a word.
    """

    task: TaskName
    entities: Mapping[str, str]
    relations: Mapping[str, RelationType] = field(default_factory=lambda: EMPTY)
    events: Mapping[str, EventType] = field(default_factory=lambda: EMPTY)
    nested: bool = False
    crossing: bool = False
    doubled: bool = False
    repeated: bool = True
    within_words: bool = False

    @property
    def counted(self) -> Mapping[str, str]:
        """Descriptions of the types that quotas count."""
        if self.task == "relations":
            return {name: each.description for name, each in self.relations.items()}
        if self.task == "events":
            return {name: each.description for name, each in self.events.items()}
        return self.entities

    def faults(self, text: str, annotation: Annotation) -> Iterator[tuple[str, str]]:
        """Yield what is wrong with an annotation, each with a short code for it."""
        yield from self._of_mentions(text, annotation.entities)
        for each in annotation.relations:
            head, tail = annotation.entities[each.head], annotation.entities[each.tail]
            yield from self._of_relation(text, each.label, head, tail)
        for each in annotation.events:
            roles = [(one.role, annotation.entities[one.entity]) for one in each.arguments]
            yield from self._of_event(text, each.type, annotation.entities[each.trigger], roles)

    def _of_mentions(self, text: str, spans: Sequence[Span]) -> Iterator[tuple[str, str]]:
        for label in dict.fromkeys(each.label for each in spans):
            if label not in self.entities:
                yield "unknown_type", f"{shown(label)} is not one of {listed([*self.entities])}"
        allowed = {"nested": self.nested, "crossing": self.crossing, "doubled": self.doubled}
        for how, one, other in overlaps(spans):
            if not allowed[how]:
                yield how, f"{_quoted(text, one)} and {_quoted(text, other)}: no seed has that"
        if not self.repeated:
            said = Counter((text[each.start : each.end], each.label) for each in spans)
            for (mention, label), count in said.items():
                if count > 1:
                    yield "repeated", f"{shown(mention)} ({label}) is marked {count} times"

    def _of_relation(
        self, text: str, label: str, head: Span, tail: Span
    ) -> Iterator[tuple[str, str]]:
        known = self.relations.get(label)
        if known is None:
            allowed = listed([*self.relations])
            yield "unknown_relation", f"{shown(label)} is not one of {allowed}"
            return
        for end, span, types in (("head", head, known.heads), ("tail", tail, known.tails)):
            if types and span.label not in types:
                what = f"the {end} of {shown(label)} is {_quoted(text, span)}, "
                yield "relation_types", f"{what}and must be one of {listed(types)}"

    def _of_event(
        self, text: str, kind: str, trigger: Span, roles: Sequence[tuple[str, Span]]
    ) -> Iterator[tuple[str, str]]:
        known = self.events.get(kind)
        if known is None:
            yield "unknown_event", f"{shown(kind)} is not one of {listed([*self.events])}"
            return
        if known.triggers and trigger.label not in known.triggers:
            what = f"the trigger of {shown(kind)} is {_quoted(text, trigger)}, "
            yield "trigger_type", f"{what}and must be one of {listed(known.triggers)}"
        for role, span in roles:
            types = known.roles.get(role)
            if types is None:
                what = f"{shown(role)} is no role of {shown(kind)}: "
                yield "unknown_role", f"{what}it has {listed([*known.roles])}"
            elif types and span.label not in types:
                what = f"{shown(role)} of {shown(kind)} is {_quoted(text, span)}, "
                yield "role_type", f"{what}and must be one of {listed(types)}"
        absent = [role for role in known.required if role not in {name for name, _ in roles}]
        if absent:
            yield "missing_role", f"{shown(kind)} has no {' and no '.join(map(shown, absent))}"


def learnt(
    seeds: Sequence[Example[Annotation]],
    *,
    task: TaskName,
    entities: Mapping[str, str] | None = None,
    relations: Mapping[str, RelationType] | None = None,
    events: Mapping[str, EventType] | None = None,
) -> Types:
    """Return what the seeds show, with what is given in its place.

    Args:
        seeds: of the task.
        task: an extraction task.
        entities: the types there are, each with its description.
        relations: likewise; the types that one joins are learnt where they are left open.
        events: likewise; its roles are learnt where none is given.
    """
    seen = dict.fromkeys((e.label for seed in seeds for e in seed.target.entities), "")
    found = Types(task=task, entities=seen if entities is None else entities)
    if task == "relations":
        found = replace(found, relations=_relations(seeds, relations))
    if task == "events":
        found = replace(found, events=_events(seeds, events))
    kinds = {how for seed in seeds for how, _, _ in overlaps(seed.target.entities)}
    return replace(
        found,
        nested="nested" in kinds,
        crossing="crossing" in kinds,
        doubled="doubled" in kinds,
        repeated=_may_repeat(seeds),
        within_words=any(
            cuts_word(seed.text, at)
            for seed in seeds
            for each in seed.target.entities
            for at in (each.start, each.end)
        ),
    )


def overlaps(spans: Sequence[Span]) -> Iterator[tuple[str, Span, Span]]:
    """Yield the pairs of mentions that share characters, and how: nested, crossing or doubled."""
    pairs = {(id(one), id(other)) for one, other in crossing(spans)}
    for at, one in enumerate(spans):
        for other in spans[at + 1 :]:
            if one.start < other.end and other.start < one.end:
                if (one.start, one.end) == (other.start, other.end):
                    yield "doubled", one, other
                elif (id(one), id(other)) in pairs or (id(other), id(one)) in pairs:
                    yield "crossing", one, other
                else:
                    yield "nested", one, other


def _may_repeat(seeds: Sequence[Example[Annotation]]) -> bool:
    """Tell whether the same words may be marked twice: unless seeds leave the second one out."""
    left_out = False
    for seed in seeds:
        spans = seed.target.entities
        said = Counter((seed.text[each.start : each.end], each.label) for each in spans)
        if any(count > 1 for count in said.values()):
            return True
        left_out = left_out or any(seed.text.count(mention) > 1 for mention, _ in said)
    return not left_out


def _relations(
    seeds: Sequence[Example[Annotation]], given: Mapping[str, RelationType] | None
) -> dict[str, RelationType]:
    ends: dict[str, tuple[dict[str, None], dict[str, None]]] = {}
    for seed in seeds:
        for each in seed.target.relations:
            heads, tails = ends.setdefault(each.label, ({}, {}))
            heads[seed.target.entities[each.head].label] = None
            tails[seed.target.entities[each.tail].label] = None
    names = dict.fromkeys(ends if given is None else given)
    found: dict[str, RelationType] = {}
    for name in names:
        said = (given or {}).get(name) or RelationType()
        heads, tails = ends.get(name, ({}, {}))
        found[name] = replace(
            said, heads=said.heads or tuple(heads), tails=said.tails or tuple(tails)
        )
    return found


def _events(
    seeds: Sequence[Example[Annotation]], given: Mapping[str, EventType] | None
) -> dict[str, EventType]:
    seen: dict[str, list[tuple[str, dict[str, list[str]]]]] = {}
    for seed in seeds:
        spans = seed.target.entities
        for each in seed.target.events:
            roles: dict[str, list[str]] = {}
            for one in each.arguments:
                roles.setdefault(one.role, []).append(spans[one.entity].label)
            seen.setdefault(each.type, []).append((spans[each.trigger].label, roles))
    names = dict.fromkeys(seen if given is None else given)
    found: dict[str, EventType] = {}
    for name in names:
        said = (given or {}).get(name) or EventType()
        learnt_ = _event_of(seen.get(name, []))
        found[name] = replace(
            said if said.roles else replace(learnt_, description=said.description),
            triggers=said.triggers or learnt_.triggers,
        )
    return found


def _event_of(seen: Sequence[tuple[str, Mapping[str, Sequence[str]]]]) -> EventType:
    counts = Counter(role for _, roles in seen for role in roles)
    types = {role: _once(t for _, own in seen for t in own.get(role, ())) for role in counts}
    required = [role for role in types if counts[role] == len(seen) >= _ENOUGH]
    return EventType(
        triggers=_once(trigger for trigger, _ in seen),
        required={role: types[role] for role in required},
        optional={role: types[role] for role in types if role not in required},
    )


def _once(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


def _quoted(text: str, span: Span) -> str:
    return f"{shown(text[span.start : span.end])} ({span.label})"
