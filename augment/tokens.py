"""How a text is cut into words, for everything that compares texts by their words."""

from __future__ import annotations

import re
import unicodedata

SPACELESS = (
    r"\u0e00-\u0eff\u0f00-\u0fff\u1000-\u109f\ua9e0-\ua9ff\uaa60-\uaa7f"  # Thai to Myanmar
    r"\u1780-\u17ff\u19e0-\u19ff"  # Khmer
    r"\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3038-\u30ff\u31f0-\u31ff"  # radicals, kana
    r"\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"  # Han
    r"\U0001aff0-\U0001b16f\U00020000-\U0003ffff"  # rarer kana and Han
)
_RUN = re.compile(f"[{SPACELESS}]")
_PIECES = re.compile(rf"([{SPACELESS}]+)|([^\s{SPACELESS}]+)")

# Marks, and the two half-width kana signs that NFKC turns into marks. Reordering a run of them
# is quadratic in CPython's normalize, so that a joiner, dropped afterwards, breaks long runs
# (the stream-safe format of Unicode Standard Annex 15, section 13).
_MARKS = re.compile(r"((?:[^\w\s]|[\uff9e\uff9f]){30})")
_JOINER = "\u2060"

# Without a shape of their own: grapheme joiner, Hangul fillers, variation selectors.
_SHAPELESS = frozenset({0x034F, 0x115F, 0x1160, 0x3164}).union(
    range(0x180B, 0x1810), range(0xFE00, 0xFE10), range(0xE0100, 0xE01F0)
)
_MAX_REMEMBERED = 1 << 16


class _Cuts(dict[int, int | str]):
    """What becomes of each character, by code point; learnt as characters turn up."""

    def __missing__(self, code: int) -> int | str:
        cut = _cut(code)
        if len(self) < _MAX_REMEMBERED:
            self[code] = cut
        return cut


def _cut(code: int) -> int | str:
    category = unicodedata.category(chr(code))
    if category == "Cf" or code in _SHAPELESS:
        return ""
    if category[0] in "LMN":
        return code
    # An emoji younger than this Python's tables is unassigned here; it is a symbol all the same.
    if category[0] == "S" or category in {"Cn", "Co"}:
        return f" {chr(code)} "
    return " "


_CUTS = _Cuts()


def words(text: str) -> list[str]:
    """Return the words of any text, in order, compatibility-normalised and case-folded.

    A word is a run of letters, digits and the marks on them; what is between words (punctuation,
    white space, control characters, lone surrogates) is dropped, and so are characters without a
    shape. A symbol or emoji is a word of its own. Runs of the scripts that are written without
    spaces (Han, kana, Thai, Lao, Khmer, Myanmar, Tibetan) become their overlapping pairs of
    characters; a run of one character stays as it is.
    """
    if text.isascii():
        return text.lower().translate(_CUTS).split()
    folded = unicodedata.normalize("NFKC", _MARKS.sub(rf"\1{_JOINER}", text)).casefold()
    cut = unicodedata.normalize("NFKC", folded).translate(_CUTS)
    if _RUN.search(cut) is None:
        return cut.split()
    found: list[str] = []
    for run, word in _PIECES.findall(cut):
        if word or len(run) == 1:
            found.append(word or run)
        else:
            found.extend(run[start : start + 2] for start in range(len(run) - 1))
    return found
