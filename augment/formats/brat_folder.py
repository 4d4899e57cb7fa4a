"""A folder for brat, written: a text and its annotation a row, and the settings that brat needs."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from augment.formats.brat import VISUAL, plain_names
from augment.formats.corpus import Corpus
from augment.records import Annotation, Event, Span

_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
_BREAK = re.compile(r"[\t\r\n\v\f\x1c-\x1e\x85\u2028\u2029]")


def write_brat(corpus: Corpus, folder: Path) -> None:
    """Write a corpus of an extraction task into a folder that is there and empty.

    Files bear the rows' ids where all of these can be names of files, else the rows' numbers.

    Raises:
        InputError: a type cannot be told.
        OSError: something cannot be written.
    """
    names = plain_names(_all_names(corpus.annotations))
    stems = _stems([each.id for each in corpus.examples])
    for stem, example, annotation in zip(stems, corpus.examples, corpus.annotations, strict=True):
        (folder / f"{stem}.txt").write_bytes(example.text.encode())
        lines = [f"{line}\n" for line in _lines(example.text, annotation, names)]
        (folder / f"{stem}.ann").write_bytes("".join(lines).encode())
    settings = _settings(corpus.annotations, names)
    (folder / "annotation.conf").write_bytes(settings.encode())
    labels = [f"{own} | {name}" for name, own in names.items()]
    shown = "\n".join(["[labels]", *labels, "[drawing]", ""])
    (folder / VISUAL).write_bytes(shown.encode())


def _all_names(annotations: Sequence[Annotation]) -> list[str]:
    names: dict[str, None] = {}
    for each in annotations:
        names |= dict.fromkeys(one.label for one in (*each.entities, *each.relations))
        for event in each.events:
            names |= dict.fromkeys([event.type, *(one.role for one in event.arguments)])
    return list(names)


def _stems(ids: Sequence[str]) -> Sequence[str]:
    alike = len({id.casefold() for id in ids}) < len(ids)
    if alike or not all(_FILE.fullmatch(id) for id in ids):
        return [f"row{number}" for number in range(1, len(ids) + 1)]
    return ids


def _lines(text: str, annotation: Annotation, names: Mapping[str, str]) -> Iterator[str]:
    for number, span in enumerate(annotation.entities, 1):
        told = " ".join(text[start:end] for start, end in _parts(text, span))
        places = ";".join(f"{start} {end}" for start, end in _parts(text, span))
        yield f"T{number}\t{names[span.label]} {places}\t{_BREAK.sub(' ', told)}"
    for number, one in enumerate(annotation.relations, 1):
        yield f"R{number}\t{names[one.label]} Arg1:T{one.head + 1} Arg2:T{one.tail + 1}"
    for number, event in enumerate(annotation.events, 1):
        roles = (f" {role}:T{entity + 1}" for role, entity in _numbered(event, names))
        yield f"E{number}\t{names[event.type]}:T{event.trigger + 1}{''.join(roles)}"


def _parts(text: str, span: Span) -> list[tuple[int, int]]:
    """Return the parts of a mention that stand on one line each, without their white space."""
    found: list[tuple[int, int]] = []
    start = span.start
    for line in text[span.start : span.end].split("\n"):
        if line.strip():
            first = start + len(line) - len(line.lstrip())
            found.append((first, first + len(line.strip())))
        start += len(line) + 1
    return found


def _numbered(event: Event, names: Mapping[str, str]) -> Iterator[tuple[str, int]]:
    before: Counter[str] = Counter()
    for one in event.arguments:
        role = names[one.role]
        before[role] += 1
        yield (role if before[role] == 1 else f"{role}{before[role]}"), one.entity


def _settings(annotations: Sequence[Annotation], names: Mapping[str, str]) -> str:
    entities = dict.fromkeys(names[one.label] for each in annotations for one in each.entities)
    relations = dict.fromkeys(names[one.label] for each in annotations for one in each.relations)
    events: dict[str, dict[str, None]] = {}
    for event in (one for each in annotations for one in each.events):
        roles = events.setdefault(names[event.type], {})
        roles |= dict.fromkeys(names[one.role] for one in event.arguments)
    lines = [
        "[entities]",
        *entities,
        "[relations]",
        *(f"{name}\tArg1:<ENTITY>, Arg2:<ENTITY>" for name in relations),
        "[events]",
        *(
            "\t".join([name, ", ".join(f"{role}*:<ENTITY>" for role in roles)]).rstrip()
            for name, roles in events.items()
        ),
        "[attributes]",
        "",
    ]
    return "\n".join(lines)
