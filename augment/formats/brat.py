"""brat's standoff: a folder with a text (.txt) and its annotation (.ann) for each row.

    T1  person 0 3  Ada                 mentions, with their text behind a tab
    R1  born_in Arg1:T1 Arg2:T2         relations
    E1  leave:T3 who:T1 from:T2         events; a role that stands twice is numbered: who, who2

Offsets count code points, as Python does. A mention that goes over lines is told in parts, one a
line; any other that is told in parts is discontinuous, and refused. Types are of ASCII letters,
digits, `-` and `_`; where a type of ours is not, `visual.conf` says it whole, as a display label.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from augment.errors import InputError
from augment.formats.rows import RawRow, RowFault, Table
from augment.records import Json
from augment.shown import listed, shown

_MENTION = re.compile(r"(.+?) (\d+ \d+(?:;\d+ \d+)*)", re.DOTALL)
_NUMBERED = re.compile(r"(.*\D)\d+", re.DOTALL)
_OTHER = "lines with attributes, notes, normalisations or equivalences, left out"
_NESTED = "arguments that are events, taken for their triggers"
_BARE = "texts without an .ann file, left out"
_NAMED = "types with the names that visual.conf shows"
VISUAL = "visual.conf"


@dataclass(slots=True)
class _Document:
    """An annotation being read: what its lines say, by their identifiers."""

    text: str
    names: Mapping[str, str]
    mentions: dict[str, dict[str, Json]] = field(default_factory=dict[str, dict[str, Json]])
    places: dict[str, int] = field(default_factory=dict[str, int])
    triggers: dict[str, str] = field(default_factory=dict[str, str])
    counts: Counter[str] = field(default_factory=Counter[str])

    def place(self, id: str) -> int | None:
        """Return the place of a mention, or of an event's trigger; None where there is none."""
        if id in self.triggers:
            self.counts[_NESTED] += 1
            id = self.triggers[id]
        return self.places.get(id)

    def name(self, name: str) -> str:
        """Return a type as it is shown."""
        return self.names.get(name, name)


def is_brat(folder: Path) -> bool:
    """Tell whether a folder holds annotations of brat."""
    return any(folder.rglob("*.ann"))


def read_brat(folder: Path) -> Table:
    """Return the documents of a folder, named by their paths in it, in their natural order.

    Raises:
        InputError: a file is no UTF-8.
    """
    notes = sorted(folder.rglob("*.ann"), key=_natural)
    names = _shown_names(folder / VISUAL)
    rows: list[RawRow] = []
    faults: list[RowFault] = []
    counts: Counter[str] = Counter({_BARE: len(set(folder.rglob("*.txt"))) - len(notes)})
    counts[_NAMED] = len(names)
    for number, path in enumerate(notes, 1):
        if not path.with_suffix(".txt").is_file():
            faults.append(RowFault(number=number, what="has no .txt file beside it"))
            counts[_BARE] += 1
            continue
        document = _Document(text=_decoded(path.with_suffix(".txt")), names=names)
        values, wrong = _read(document, _decoded(path).split("\n"))
        faults += [RowFault(number=number, what=what) for what in wrong]
        counts += document.counts
        if not wrong:
            id = path.relative_to(folder).with_suffix("").as_posix()
            values = {"id": id, "text": document.text, **values}
            rows.append(RawRow(number=number, values=values))
    return Table(
        name=str(folder),
        unit="row",
        columns=("id", "text", "entities", "relations", "events"),
        rows=tuple(rows),
        faults=tuple(faults),
        warnings=tuple(f"{what}: {count}" for what, count in counts.items() if count > 0),
        files={number: str(path.relative_to(folder)) for number, path in enumerate(notes, 1)},
    )


def _natural(path: Path) -> list[tuple[int, str]]:
    """Return what orders row2 before row10."""
    return [(int(part) if part.isdecimal() else -1, part) for part in re.split(r"(\d+)", str(path))]


def _decoded(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8")  # a mark at the start is one of its characters
    except UnicodeDecodeError as error:
        what = f"not UTF-8 at byte {error.start}: save the file as UTF-8"
        raise InputError.one(str(path), what) from error


def _read(document: _Document, lines: Sequence[str]) -> tuple[dict[str, Json], list[str]]:
    """Return the row's annotation, and what is wrong with it by line."""
    wrong: list[str] = []
    kinds: dict[str, list[tuple[int, str, str]]] = {"R": [], "E": []}
    told: set[str] = set()
    for number, line in enumerate(lines, 1):
        id, _, rest = line.removesuffix("\r").partition("\t")
        if id[:1] in {"T", "R", "E"} and id in told:
            wrong.append(f"line {number}: {shown(id)} stands there a second time")
        told.add(id)
        if id[:1] == "T":
            wrong += [f"line {number}: {what}" for what in _mention(document, id, rest)]
        elif id[:1] in kinds:
            kinds[id[0]].append((number, id, rest))
        elif id[:1] and id[0] in "AMN#*":
            document.counts[_OTHER] += 1
        elif line.strip():
            wrong.append(f"line {number}: {shown(line)} is no annotation of brat")
    for _, id, rest in kinds["E"]:
        document.triggers[id] = rest.split(" ")[0].rpartition(":")[2]
    found: dict[str, list[Json]] = {"R": [], "E": []}
    for kind, read in (("R", _relation), ("E", _event)):
        for number, _, rest in kinds[kind]:
            value, unknown = read(document, rest)
            found[kind].append(value)
            wrong += [f"line {number}: {what}" for what in unknown]
    entities = list(document.mentions.values())
    return {"entities": entities, "relations": found["R"], "events": found["E"]}, wrong


def _mention(document: _Document, id: str, rest: str) -> Iterator[str]:
    """Add a mention; yields what is wrong with it."""
    head, _, told = rest.partition("\t")
    document.places[id] = len(document.places)
    read = _MENTION.fullmatch(head)
    if read is None:
        yield f"{shown(head)} is no type with the start and end of a mention"
        return
    parts = [tuple(map(int, part.split())) for part in read[2].split(";")]
    gaps = [document.text[one[1] : other[0]] for one, other in pairwise(parts)]
    if any(gap.strip() or "\n" not in gap for gap in gaps):
        yield (
            f"{id} ({shown(told)}) is discontinuous, at {read[2]}: a mention is one stretch of its "
            "text; mark it whole, or leave it out"
        )
        return
    start, end = parts[0][0], parts[-1][1]
    mention = {"start": start, "end": end, "label": document.name(read[1])}
    if told and told.split() != document.text[start:end].split():
        mention["text"] = told
    document.mentions[id] = mention


def _relation(document: _Document, rest: str) -> tuple[dict[str, Json], list[str]]:
    name, *arguments = rest.split("\t")[0].split(" ")
    ids = [argument.rpartition(":")[2] for argument in filter(None, arguments)]
    places = [document.place(id) for id in ids]
    wrong = [_unknown(id) for id, at in zip(ids, places, strict=True) if at is None]
    if len(ids) != 2:
        wrong.append(f"the relation {shown(name)} has {len(ids)} arguments, not two")
        return {}, wrong
    return {"head": places[0], "tail": places[1], "label": document.name(name)}, wrong


def _event(document: _Document, rest: str) -> tuple[dict[str, Json], list[str]]:
    parts = [part.rpartition(":") for part in rest.split("\t")[0].split(" ") if part]
    if not parts or not all(name for name, _, _ in parts):
        return {}, [f"{shown(rest)} is no type with its trigger and roles with their arguments"]
    (name, _, trigger), *arguments = parts
    roles = {role for role, _, _ in arguments}
    places = [document.place(id) for _, _, id in arguments]
    at = document.places.get(trigger)
    ids = [trigger, *(id for _, _, id in arguments)]
    wrong = [_unknown(id) for id, place in zip(ids, [at, *places], strict=True) if place is None]
    return {
        "trigger": at,
        "type": document.name(name),
        "arguments": [
            {"entity": place, "role": document.name(_unnumbered(role, roles))}
            for (role, _, _), place in zip(arguments, places, strict=True)
        ],
    }, wrong


def _unknown(id: str) -> str:
    return f"{shown(id)} stands on no line"


def _unnumbered(role: str, roles: set[str]) -> str:
    """Return the role that a number tells apart from the same one before it."""
    found = _NUMBERED.fullmatch(role)
    return found[1] if found and found[1] in roles else role


def _shown_names(path: Path) -> dict[str, str]:
    """Return the types that `visual.conf` shows by a name of which theirs is the plain form."""
    if not path.is_file():
        return {}
    labels = _decoded(path).partition("[labels]")[2].partition("\n[")[0].split("\n")
    pairs = [[part.strip() for part in line.split("|")] for line in labels if "|" in line]
    return {
        name: display
        for name, display, *_ in pairs
        if name != display and plain(display).rstrip("_") == name.rstrip("_")
    }


def plain(name: str) -> str:
    """Return a type or role as brat can hold it; none ends in a digit, by which roles are told."""
    found = re.sub(r"[^A-Za-z0-9_-]", "_", name)
    return f"{found}_" if found[-1:].isdigit() else found


def plain_names(names: Sequence[str]) -> dict[str, str]:
    """Return each name as brat can hold it, no two alike.

    Raises:
        InputError: a name holds what `visual.conf` cannot.
    """
    if barred := [name for name in names if "|" in name]:
        raise InputError.one("--to brat", f"no type or role may hold '|' there: {listed(barred)}")
    found: dict[str, str] = {}
    for name in names:
        own = plain(name)
        while own in found.values():
            own += "_"
        found[name] = own
    return found
