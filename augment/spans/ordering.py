"""Annotations in one order, whatever order they came in, so that equal ones are equal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TypeVar

from augment.records import Annotation, Event, Span, TaskName

T = TypeVar("T")


def ordered(annotation: Annotation) -> Annotation:
    """Return the annotation with its mentions in order of appearance, each thing once.

    Of mentions that begin together the longer stands first. Relations and events follow their
    mentions; an event is the same as another where trigger, type and arguments are.
    """
    spans = annotation.entities
    order = sorted(range(len(spans)), key=lambda at: _place(spans[at]))
    kept: list[Span] = []
    places: dict[int, int] = {}
    for at in order:
        if not kept or spans[at] != kept[-1]:
            kept.append(spans[at])
        places[at] = len(kept) - 1
    return moved(annotation, entities=kept, places=places)


def moved(
    annotation: Annotation, *, entities: Sequence[Span], places: dict[int, int]
) -> Annotation:
    """Return the annotation over other entities; `places` says where each old one stands now.

    Relations and events of which a mention has no place are left out, and so are such arguments.
    """
    relations = [
        replace(each, head=places[each.head], tail=places[each.tail])
        for each in annotation.relations
        if each.head in places and each.tail in places
    ]
    events = [
        Event(
            trigger=places[each.trigger],
            type=each.type,
            arguments=_once(
                sorted(
                    (
                        replace(one, entity=places[one.entity])
                        for one in each.arguments
                        if one.entity in places
                    ),
                    key=lambda one: (one.entity, one.role),
                )
            ),
        )
        for each in annotation.events
        if each.trigger in places
    ]
    return Annotation(
        entities=tuple(entities),
        relations=_once(sorted(relations, key=lambda one: (one.head, one.tail, one.label))),
        events=_once(sorted(events, key=_event_place)),
    )


def crossing(spans: Sequence[Span]) -> list[tuple[Span, Span]]:
    """Return the pairs of mentions that overlap without one lying within the other."""
    found: list[tuple[Span, Span]] = []
    open_: list[Span] = []
    for span in sorted(spans, key=_place):
        open_ = [one for one in open_ if one.end > span.start]
        found += [(one, span) for one in open_ if one.start < span.start and one.end < span.end]
        open_.append(span)
    return found


def counted(annotation: Annotation, task: TaskName) -> tuple[str, ...]:
    """Return what a row of a task counts for: the label of each mention, relation or event."""
    if task == "relations":
        return tuple(each.label for each in annotation.relations)
    if task == "events":
        return tuple(each.type for each in annotation.events)
    return tuple(each.label for each in annotation.entities)


def _place(span: Span) -> tuple[int, int, str]:
    return span.start, -span.end, span.label


def _event_place(event: Event) -> tuple[int, str, tuple[tuple[int, str], ...]]:
    return event.trigger, event.type, tuple((each.entity, each.role) for each in event.arguments)


def _once(values: Iterable[T]) -> tuple[T, ...]:
    return tuple(dict.fromkeys(values))
