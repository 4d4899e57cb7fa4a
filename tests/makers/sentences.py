"""Texts that formats stumble over, with mentions whose borders are those of words."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from augment.formats.tokenised import tokens_of
from augment.records import Annotation, Argument, Event, Relation, Span
from augment.spans.ordering import ordered

WORDS = st.sampled_from(
    [
        "Ada", "Bonn", "don't", '"so"', "#", "-DOCSTART-", "x_1", "3.5", "\\n", "a|b", "<b>", "T1",
        "O", "B-x", "e\u0301te\u0301", "na\u00efve", "\u6771\u4eac\u90fd", "\u3059\u3057",
        "\u0e44\u0e17\u0e22",
        "\u0645\u0631\u062d\u0628\u0627", "\u05e9\u05dc\u05d5\u05dd", "\u200b", "\ufeff",
        "\u2764\ufe0f", "\U0001f469\u200d\U0001f680", "\U0001f1e9\U0001f1ea",
        "\U0001f44d\U0001f3fd",
    ]
)  # fmt: skip
GAPS = st.sampled_from(
    [" ", " ", " ", "", "  ", "\n", "\t", "\r\n", "\u00a0", "\u2028", "\n\n", "\x85"]
)
LABELS = st.sampled_from(
    ["city", "person", "Kreis, neu", "TRIGGER:dose", "a b", "a-b", "\u57ce", "a1"]
)


@st.composite
def texts(draw: st.DrawFn) -> str:
    """Draw a text as rows hold them."""
    parts = draw(st.lists(st.tuples(WORDS, GAPS), min_size=1, max_size=8))
    return "".join(part for pair in parts for part in pair).strip()


@st.composite
def annotations(draw: st.DrawFn, text: str, *, flat: bool = False, task: str = "ner") -> Any:
    """Draw mentions of a text that begin and end with tokens, and what hangs on them."""
    tokens = tokens_of(text)
    spans: list[Span] = []
    done = 0
    for _ in range(draw(st.integers(0, 4))):
        first = draw(st.integers(done if flat else 0, len(tokens)))
        if first == len(tokens):
            break
        last = draw(st.integers(first, min(first + 3, len(tokens) - 1)))
        done = last + 1
        spans.append(Span(start=tokens[first][0], end=tokens[last][1], label=draw(LABELS)))
    spans = list(dict.fromkeys(spans))
    places = st.integers(0, max(len(spans) - 1, 0))
    relations, events = [], []
    if task in {"relations", "events"} and len(spans) > 1:
        for _ in range(draw(st.integers(0, 2))):
            head, tail = draw(places), draw(places)
            if head != tail:
                relations.append(Relation(head=head, tail=tail, label=draw(LABELS)))
    if task == "events" and spans:
        for _ in range(draw(st.integers(0, 2))):
            arguments = draw(st.lists(st.builds(Argument, entity=places, role=LABELS), max_size=3))
            events.append(
                Event(trigger=draw(places), type=draw(LABELS), arguments=tuple(arguments))
            )
    return ordered(
        Annotation(entities=tuple(spans), relations=tuple(relations), events=tuple(events))
    )


@st.composite
def corpora_of(draw: st.DrawFn, *, flat: bool = False, task: str = "ner") -> Any:
    """Draw rows: different texts, each with its annotation."""
    found = draw(st.lists(texts(), min_size=1, max_size=4, unique=True))
    return [(text, draw(annotations(text, flat=flat, task=task))) for text in found]
