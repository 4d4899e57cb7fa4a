"""Where a mention may begin and end: never within a character as people see it, nor a word."""

from __future__ import annotations

import re
import unicodedata

from augment.tokens import SPACELESS

_SPACELESS = re.compile(f"[{SPACELESS}]")
_JOINER = "\u200d"
_FLAG = re.compile("[\U0001f1e6-\U0001f1ff]")
_TONE = re.compile("[\ufe0e\ufe0f\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]")
_PAIR = 2


def cuts_character(text: str, at: int) -> bool:
    """Tell whether a border there would part a letter from its marks, or an emoji from its parts.

    A close stand-in for the grapheme clusters of Unicode Standard Annex 29.
    """
    if not 0 < at < len(text):
        return False
    before, after = text[at - 1], text[at]
    if after.isascii() and before.isascii():
        return before == "\r" and after == "\n"
    if after == _JOINER or _TONE.match(after) or unicodedata.category(after)[0] == "M":
        return True
    if before == _JOINER:
        return not after.isalnum()
    if _FLAG.match(before) and _FLAG.match(after):
        first = at
        while first and _FLAG.match(text[first - 1]):
            first -= 1
        return (at - first) % _PAIR == 1
    return False


def cuts_word(text: str, at: int) -> bool:
    """Tell whether letters or digits of a script with spaces stand on both sides."""
    if not 0 < at < len(text):
        return False
    before, after = text[at - 1], text[at]
    if not (_in_word(before) and _in_word(after)):
        return False
    return not (_SPACELESS.match(before) or _SPACELESS.match(after))


def _in_word(character: str) -> bool:
    return character.isalnum() or character == "_" or unicodedata.category(character)[0] == "M"
