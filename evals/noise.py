"""Are the accepted rows as noisy as the seeds? Case, punctuation, emoji, typing errors."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping

from augment.records import Json
from augment.tokens import words

_EMOJI = re.compile("[\u2600-\u27bf\u2b50\u2b55\U0001f1e6-\U0001f1ff\U0001f300-\U0001faff]")
_EMOTICON = re.compile(r"(?:^|\s)[:;=8xX]['-]?[()\[\]DPpOo3/\\|](?=\s|$)")
_ENDS = (".", "!", "?", "\u2026", "\u3002", "\uff01", "\uff1f", "\u0964", "\u061f")
_COMMAS = frozenset(",\uff0c\u3001\u060c")
_QUOTES = "\"'\u201d\u2019)\u00bb\u300d\u300f*_ \t\r\n"
_REPEATED_LETTER = re.compile(r"([^\W\d_])\1\1")
_REPEATED_MARK = re.compile(r"[!?.,]{2,}")

HABITS: Mapping[str, Callable[[str], bool]] = {
    "begins with a capital": lambda text: _first_letter(text).isupper(),
    "has no capital at all": lambda text: text == text.lower() and text != text.upper(),
    "is in capitals": lambda text: text == text.upper() and text != text.lower(),
    "ends with a full stop, ! or ?": lambda text: text.rstrip(_QUOTES).endswith(_ENDS),
    "has a comma": lambda text: not _COMMAS.isdisjoint(text),
    "has marks in a row (!!, ...)": lambda text: _REPEATED_MARK.search(text) is not None,
    "has a letter three times in a row": lambda text: _REPEATED_LETTER.search(text) is not None,
    "has an emoji or emoticon": lambda text: bool(_EMOJI.search(text) or _EMOTICON.search(text)),
    "has a digit": lambda text: any(map(str.isdigit, text)),
}
"""What a text may do, in words."""
TYPOS = "has a word one slip off a common one"

_LETTERS = range(5, 31)
"""In words that are looked at for slips."""
_TIMES = 10
_MOST_WORDS = 50_000


class Noise:
    """Counts the habits of seeds and accepted rows."""

    def __init__(self) -> None:
        self._rows = Counter[str]()
        self._habits: dict[str, Counter[str]] = {"seeds": Counter(), "accepted": Counter()}
        self._words: dict[str, Counter[str]] = {"seeds": Counter(), "accepted": Counter()}

    def add(self, text: str, *, to: str) -> None:
        """Count a text among the `seeds` or the `accepted` rows."""
        self._rows[to] += 1
        self._habits[to].update(name for name, has in HABITS.items() if has(text))
        known = self._words[to]
        long = {word for word in words(text) if len(word) in _LETTERS and word.isalpha()}
        known.update(word for word in long if word in known or len(known) < _MOST_WORDS)

    def figures(self) -> list[Json]:
        """Return how many of either set have each habit; none where either set is empty.

        Typing errors are estimated, without a word list: words of five letters and more that one
        slip (a letter left out, put in, exchanged, or two turned round, neither at the beginning
        nor among the last two, where words are inflected) parts from a word in ten times as many
        texts of both sets.
        """
        if len(self._rows) < 2:
            return []
        common = self._words["seeds"] + self._words["accepted"]
        slips = _slips(common)
        for name, own in self._words.items():
            self._habits[name][TYPOS] = min(self._rows[name], sum(own[word] for word in slips))
        return [
            {
                "habit": habit,
                **{
                    name: {"n": self._rows[name], "with": counts[habit]}
                    for name, counts in self._habits.items()
                },
            }
            for habit in (*HABITS, TYPOS)
        ]


def _slips(counts: Counter[str]) -> set[str]:
    """Return the words that are one slip off a word in ten times as many texts."""
    least = min(counts.values(), default=0) * _TIMES
    known: dict[str, int] = {}
    for word, count in counts.items():
        if count >= least:
            for form in _forms(word):
                known[form] = max(known.get(form, 0), count)
    return {
        word
        for word, count in counts.items()
        if any(known.get(form, 0) >= _TIMES * count for form in _forms(word))
    }


def _forms(word: str) -> Iterator[str]:
    """Yield the word with one place open: two words one slip apart have a form in common."""
    for at in range(1, len(word) - 2):
        yield f"{word[:at]}\0{word[at + 1 :]}"
        yield f"{word[:at]}\0{word[at:]}"
        if at < len(word) - 3:
            pair = "".join(sorted(word[at : at + 2]))
            yield f"{word[:at]}\1{pair}{word[at + 2 :]}"


def _first_letter(text: str) -> str:
    return next(filter(str.isalpha, text), "")
