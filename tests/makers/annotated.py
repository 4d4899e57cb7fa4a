"""Annotated texts for tests, written in marks, and strategies that draw them."""

from __future__ import annotations

import re
from typing import Any

from hypothesis import strategies as st

from augment.records import Annotation, Argument, Event, Relation, Span
from augment.spans.ordering import ordered

_MARK = re.compile(r"<(/?)([^<>]+)>")


def spans(marked: str) -> tuple[str, tuple[Span, ...]]:
    """Return the text and the mentions of `<person>Ada</person> met <person>Bo</person>`."""
    text, open_, found, done = "", [], [], 0
    for mark in _MARK.finditer(marked):
        text += marked[done : mark.start()]
        done = mark.end()
        if mark[1]:
            label, start = open_.pop()
            found.append(Span(start=start, end=len(text), label=label))
        else:
            open_.append((mark[2], len(text)))
    return text + marked[done:], tuple(sorted(found, key=lambda each: each.start))


def row(marked: str, **more: Any) -> dict[str, Any]:
    """Return the row of a marked text."""
    text, found = spans(marked)
    entities = [{"start": s.start, "end": s.end, "label": s.label} for s in found]
    return {"text": text, "entities": entities, **more}


TEXTS = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0<>") | st.sampled_from("ab é  "),
    min_size=1,
    max_size=40,
).filter(str.strip)
TYPES = st.sampled_from(["city", "person", "Kreis, neu", "TRIGGER:dose", "a b"])


@st.composite
def annotated(draw: st.DrawFn, *, kinds: tuple[str, ...] = ("relations", "events")) -> Any:
    """Draw a text and an annotation of it: nested, overlapping, repeated, with what hangs on it."""
    text = draw(TEXTS).strip()
    found: list[Span] = []
    for _ in range(draw(st.integers(0, 5))):
        start = draw(st.integers(0, len(text) - 1))
        end = draw(st.integers(start + 1, len(text)))
        mention = text[start:end]
        if mention == mention.strip():
            found.append(Span(start=start, end=end, label=draw(TYPES)))
    found = list(dict.fromkeys(found))
    places = st.integers(0, max(len(found) - 1, 0))
    relations, events = [], []
    if len(found) > 1 and "relations" in kinds:
        for _ in range(draw(st.integers(0, 2))):
            head, tail = draw(places), draw(places)
            if head != tail:
                relations.append(Relation(head=head, tail=tail, label=draw(TYPES)))
    if found and "events" in kinds:
        for _ in range(draw(st.integers(0, 2))):
            arguments = draw(st.lists(st.builds(Argument, entity=places, role=TYPES), max_size=3))
            events.append(Event(trigger=draw(places), type=draw(TYPES), arguments=tuple(arguments)))
    whole = Annotation(entities=tuple(found), relations=tuple(relations), events=tuple(events))
    return text, ordered(whole)
