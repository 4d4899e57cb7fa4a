"""What wrong offsets may count in place of characters, for messages that help."""

from __future__ import annotations

from collections.abc import Iterator

from augment.spans.borders import cuts_word


def hint(raw: str, start: int, end: int, given: str | None) -> str:
    """Say in what other unit the offsets would fit, as the end of a message; "" if in none.

    Without the mention's own text only bytes are told, where they begin and end with words and
    characters cut a word at either end.

    Args:
        raw: the text that they are of.
        start: as it was given.
        end: as it was given.
        given: the text of the mention, where the row has one.
    """
    for unit, first, last in _otherwise(raw, start, end):
        found = raw[first:last]
        if given is None:
            if unit == "bytes" and _fits_better(raw, (start, end), (first, last)):
                return _told(unit, first, last)
        elif found and found.strip() == given.strip():
            return _told(unit, first, last)
    if given is not None and (at := raw.find(given)) >= 0 and given.strip():
        return f"; it stands at {at} to {at + len(given)}"
    return ""


def _told(unit: str, first: int, last: int) -> str:
    return f"; they seem to count {unit}: in Python's characters that is {first} to {last}"


def _otherwise(raw: str, start: int, end: int) -> Iterator[tuple[str, int, int]]:
    """Yield what the offsets are in characters if they are of another unit."""
    if start < 0 or end <= start:
        return
    if not raw.isascii():
        for unit, encoding, size in (("bytes", "utf-8", 1), ("UTF-16 units", "utf-16-le", 2)):
            data = raw.encode(encoding)
            if size * end > len(data):
                continue
            try:
                first = len(data[: size * start].decode(encoding))
                last = first + len(data[size * start : size * end].decode(encoding))
            except UnicodeDecodeError:
                continue
            if (first, last) != (start, end):
                yield unit, first, last
    if end < len(raw):
        yield "to the last character of the mention, not to the one after it", start, end + 1


def _fits_better(raw: str, said: tuple[int, int], other: tuple[int, int]) -> bool:
    found = raw[slice(*other)]
    if found != found.strip() or any(cuts_word(raw, at) for at in other):
        return False
    return said[1] > len(raw) or all(cuts_word(raw, at) for at in said)
