"""Texts without what matters little: case, white space, quotes, dashes, Unicode form."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

_AS = {
    **dict.fromkeys("\u2018\u2019\u201a\u201b\u2032\u00b4`\u02bc\uff07", "'"),
    **dict.fromkeys("\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb\u2039\u203a\uff02", '"'),
    **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d", "-"),
}
_SPACES = re.compile(r"\s\s|[^\S ]")
"""White space that is no lone space."""
_SHAPELESS = frozenset("\u00ad\u200b\u200c\u2060\ufeff\ufe0e\ufe0f")
"""Soft hyphen, zero-width space and non-joiner, word joiner, byte order mark, variation marks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Folded:
    """A text's folded form, and where each character of it comes from.

    Attributes:
        starts: for each character of the form, the place in the text of the one it stands for;
            one more for the end.
        ends: for each, where that one ends, white space and all.
    """

    text: str
    form: str
    starts: Sequence[int]
    ends: Sequence[int]

    def place(self, start: int, end: int) -> tuple[int, int] | None:
        """Return where a part of the form stands in the text; None if it parts a character."""
        if start > 0 and self.starts[start] == self.starts[start - 1]:
            return None
        if end < len(self.form) and self.starts[end] == self.starts[end - 1]:
            return None
        first, last = self.starts[start], self.ends[end - 1]
        return first, first + len(self.text[first:last].rstrip())


def folded(text: str) -> Folded:
    """Return the folded form: compatibility-decomposed, case-folded, white space as one space.

    Each character is folded on its own, so that places can be told; marks in an unusual order
    stay in it.
    """
    if text.isascii() and not _SPACES.search(text):
        return Folded(
            text=text,
            form=text.lower().replace("`", "'"),
            starts=range(len(text) + 1),
            ends=range(1, len(text) + 1),
        )
    form: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for at, character in enumerate(text):
        if character in _SHAPELESS:
            continue
        if character.isspace():
            if form and form[-1] == " ":
                ends[-1] = at + 1
                continue
            piece = " "
        elif character.isascii():
            piece = _AS.get(character, character.lower())
        else:
            piece = _piece(character)
        form.extend(piece)
        starts.extend([at] * len(piece))
        ends.extend([at + 1] * len(piece))
    return Folded(text=text, form="".join(form), starts=[*starts, len(text)], ends=ends)


@lru_cache(maxsize=4096)
def _piece(character: str) -> str:
    if character in _AS:
        return _AS[character]
    decomposed = unicodedata.normalize("NFKD", character)
    piece = unicodedata.normalize("NFKD", decomposed.casefold())
    return "".join(_AS.get(each, each) for each in piece) or character
