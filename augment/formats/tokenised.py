"""Texts as tokens, for the formats that know of nothing smaller.

Out: a token ends where a mention may end (`augment.spans.borders`), so that only a mention that
cuts a word or a character does not fall on the borders of tokens. In: the text is the tokens joined
by single spaces, unless it stands beside them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from augment.formats.rows import RawRow, RowFault, Table, is_list
from augment.formats.tags import Chunk, Found, chunks_of, fault_of_tag, scheme_of
from augment.records import Json, Span
from augment.shown import shown
from augment.spans.borders import cuts_character, cuts_word

TOKENS = "tokens"
TAGS = ("ner_tags", "tags", "labels")
"""The columns of a tokenised table, as `datasets` are wont to name them."""
_ASCII = re.compile(r"\w+|[^\w\s]")  # the same rule, five times faster


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """A text's mentions as far as tags can carry them.

    Attributes:
        tokens: start and end of each.
        chunks: mentions by their tokens, no two of which share one.
        unfit: the other mentions, each with the reason.
    """

    tokens: Sequence[tuple[int, int]]
    chunks: Sequence[Chunk]
    unfit: Sequence[tuple[Span, str]]


def tokens_of(text: str) -> list[tuple[int, int]]:
    """Return start and end of each token of a text."""
    if text.isascii():
        return [token.span() for token in _ASCII.finditer(text)]
    found: list[tuple[int, int]] = []
    start = -1
    for at, character in enumerate(text):
        blank = character.isspace()
        if start >= 0 and (blank or not (cuts_word(text, at) or cuts_character(text, at))):
            found.append((start, at))
            start = -1
        if start < 0 and not blank:
            start = at
    return [*found, (start, len(text))] if start >= 0 else found


def fitted(text: str, spans: Sequence[Span]) -> Fit:
    """Return what tags can carry of mentions that are in order of appearance, the longer first.

    Of mentions that share a token the one that begins first, and then the longest, is kept.
    """
    tokens = tokens_of(text)
    starts = {start: place for place, (start, _) in enumerate(tokens)}
    ends = {end: place for place, (_, end) in enumerate(tokens, 1)}
    chunks: list[Chunk] = []
    unfit: list[tuple[Span, str]] = []
    kept: Span | None = None
    for span in spans:
        first, end = starts.get(span.start), ends.get(span.end)
        if first is None or end is None:
            unfit.append((span, "begins or ends within a token"))
        elif kept is not None and span.start < kept.end:
            what = f"shares tokens with {kept.label} at {kept.start} to {kept.end}"
            unfit.append((span, what))
        else:
            chunks.append((first, end, span.label))
            kept = span
    return Fit(tokens=tokens, chunks=chunks, unfit=unfit)


def untokenised(table: Table) -> Table | None:
    """Return the table with texts and mentions in place of tokens and tags; None if it has none."""
    tags = next((name for name in TAGS if name in table.columns), None)
    if TOKENS not in table.columns or tags is None or "entities" in table.columns:
        return None
    rows: list[RawRow] = []
    tagged: list[Sequence[str]] = []
    faults: list[RowFault] = []
    for row in table.rows:
        kept = {name: cell for name, cell in row.values.items() if name not in {TOKENS, tags}}
        tokens, own = row.values.get(TOKENS), row.values.get(tags)
        what = _fault_of_cells(tokens, own)
        values = {} if what else sentence(tokens, own, text=kept.get("text"))  # pyright: ignore[reportArgumentType] - seen to be lists of text
        if what or isinstance(values, str):
            faults.append(RowFault(number=row.number, what=what or str(values)))
            continue
        rows.append(RawRow(number=row.number, values={**kept, **values}))
        tagged.append(own)  # pyright: ignore[reportArgumentType] - seen to be a list of text
    columns = [name for name in table.columns if name not in {TOKENS, tags}]
    return table.with_rows(
        rows,
        columns=[*columns, "text", "entities"],
        faults=faults,
        warnings=said_of(scheme_of(tagged), [row.number for row in rows], unit=table.unit),
    )


def sentence(tokens: Sequence[str], tags: Sequence[str], *, text: Any) -> dict[str, Json] | str:
    """Return a row's text and entities; or, as one text, why there are none.

    Args:
        tokens: of the row.
        tags: one for each token, of any scheme.
        text: in which the tokens stand in this order, where there is one.
    """
    if not isinstance(text, str):
        text = " ".join(tokens)
    places: list[tuple[int, int]] = []
    done = 0
    for token in tokens:
        start = text.find(token, done)
        if start < 0:
            return f"token {shown(token)} does not stand in the text after {shown(text[:done])}"
        done = start + len(token)
        places.append((start, done))
    entities = [
        {"start": places[first][0], "end": places[end - 1][1], "label": label}
        for first, end, label in chunks_of(tags)
    ]
    return {"text": text, "entities": entities}


def said_of(found: Found, numbers: Sequence[int], *, unit: str) -> tuple[str, ...]:
    """Say which scheme was read, and where it is not kept.

    Args:
        found: the scheme.
        numbers: of the rows, by which messages name them.
        unit: of the numbers.
    """
    rows = list(dict.fromkeys(numbers[row] for row, _ in found.irregular))
    some = f"{unit}s {', '.join(map(str, rows[:5]))}{', ...' if len(rows) > 5 else ''}"
    loose = f"tags that {found.name} does not allow there, read as conlleval does: "
    return (
        f"sentences tagged in {found.name}: {len(numbers)}",
        *([f"{loose}{len(found.irregular)} ({some})"] if rows else []),
    )


def _fault_of_cells(tokens: Any, tags: Any) -> str | None:
    for name, cell in (("tokens", tokens), ("tags", tags)):
        if not is_list(cell) or not all(isinstance(each, str) for each in cell):
            hint = ": tags are to be names" if name == "tags" else ""
            return f"{name} are no list of text but {shown(cell)}{hint}"
    if len(tokens) != len(tags):
        return f"has {len(tokens)} tokens and {len(tags)} tags"
    for place, (token, tag) in enumerate(zip(tokens, tags, strict=True)):
        if what := fault_of_token(token, tag):
            return f"token {place}: {what}"
    return None


def fault_of_token(token: str, tag: str) -> str | None:
    """Say what is wrong with a token or its tag; None if nothing is."""
    if not token.strip():
        return f"the token {shown(token)} is empty"
    what = fault_of_tag(tag)
    return what and f"tag {shown(tag)} {what}"
