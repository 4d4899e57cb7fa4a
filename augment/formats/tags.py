"""Tags of tokens: mentions as BIO, IOB1 or BIOES, and what stands in such tags.

    EU       B-org   I-org   S-org      Three schemes for the same four tokens: BIO (or IOB2), where
    rejects  O       O       O          every mention begins with B; IOB1, where B only parts a
    New      B-city  I-city  B-city     mention from one of the same type before it; BIOES (with
    York     I-city  I-city  E-city     L and U for E and S: BILOU), where ends are marked too.

None of them can say of a token that it stands in two mentions.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

Scheme: TypeAlias = Literal["bio", "iob1", "bioes"]
SCHEMES: tuple[Scheme, ...] = ("bio", "iob1", "bioes")
Chunk: TypeAlias = tuple[int, int, str]
"""A mention by its tokens: the first, the one after the last, its type."""

_TAG = re.compile(r"O|([BIESLU])-(.*\S.*)", re.DOTALL)
_ENDS = {"L": "E", "U": "S"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The scheme of some sentences.

    Attributes:
        name: as people write it.
        irregular: sentence and token, both from 0, of the tags that the scheme does not allow.
    """

    name: Literal["BIO", "IOB1", "BIOES", "BILOU"]
    irregular: Sequence[tuple[int, int]]


def fault_of_tag(tag: str) -> str | None:
    """Say why a tag belongs to no scheme; None where it does."""
    if _TAG.fullmatch(tag):
        return None
    return "is neither O nor a type after B-, I-, E- or S- (or L-, U-)"


def tags_of(chunks: Iterable[Chunk], *, tokens: int, scheme: Scheme) -> list[str]:
    """Return the tags of so many tokens; no two of the mentions may share one."""
    tags = ["O"] * tokens
    end_before, label_before = -1, ""
    for first, end, label in sorted(chunks):
        inside = [f"I-{label}"] * (end - first)
        if scheme == "bioes" and end - first == 1:
            inside[0] = f"S-{label}"
        elif scheme == "bioes":
            inside[0], inside[-1] = f"B-{label}", f"E-{label}"
        elif scheme == "bio" or (first, label) == (end_before, label_before):
            inside[0] = f"B-{label}"
        tags[first:end] = inside
        end_before, label_before = end, label
    return tags


def chunks_of(tags: Sequence[str]) -> list[Chunk]:
    """Return the mentions that tags of any scheme mark.

    Where tags keep to no scheme, what conlleval finds: a mention begins with B or S, and with any
    tag that does not go on with the one before; it ends with E or S, and where another begins.
    """
    found: list[Chunk] = []
    first, label = -1, ""
    for at, tag in enumerate([*tags, "O"]):
        mark, own = _parted(tag)
        begins = mark in {"B", "S"} or (mark in {"I", "E"} and (first < 0 or own != label))
        if first >= 0 and (begins or mark == "O"):
            found.append((first, at, label))
            first = -1
        if begins:
            first, label = at, own
        if mark in {"E", "S"}:
            found.append((first, at + 1, label))
            first = -1
    return found


def scheme_of(sentences: Sequence[Sequence[str]]) -> Found:
    """Return the scheme in which sentences are tagged."""
    marks = {tag[0] for tags in sentences for tag in tags}
    if marks & set("ESLU"):
        irregular = [(n, at) for n, tags in enumerate(sentences) for at in _open_ended(tags)]
        return Found(name="BILOU" if marks & set("LU") else "BIOES", irregular=irregular)
    inside = [(n, at) for n, tags in enumerate(sentences) for at in _begun_by(tags, "I")]
    parting = any(True for tags in sentences for _ in _begun_by(tags, "B"))
    if inside and not parting:
        return Found(name="IOB1", irregular=())
    return Found(name="BIO", irregular=inside)


def _parted(tag: str) -> tuple[str, str]:
    mark, _, label = tag.partition("-")
    return _ENDS.get(mark, mark), label


def _begun_by(tags: Sequence[str], wanted: str) -> Iterator[int]:
    """Yield where a mention that follows none of its own type begins with this mark."""
    before = ""
    for at, tag in enumerate(tags):
        mark, label = _parted(tag)
        if mark == wanted and label != before:
            yield at
        before = label


def _open_ended(tags: Sequence[str]) -> Iterator[int]:
    """Yield where BIOES begins a mention inside it, or where one that goes on does not."""
    goes_on: str | None = None
    for at, tag in enumerate(tags):
        mark, label = _parted(tag)
        if (label if mark in {"I", "E"} else None) != goes_on:
            yield at
        goes_on = label if mark in {"B", "I"} else None
    if goes_on is not None:
        yield len(tags) - 1
