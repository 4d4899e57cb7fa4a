"""Which groups of people texts name, by lists of terms for each language."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import pairwise
from typing import Any, Final, TypeAlias

import yaml

LANGUAGES: Final = ("de", "en")
"""Those that have a list, by their ISO 639-1 codes."""
Row: TypeAlias = tuple[tuple[str, ...], ...]
"""The words of each group for one thing, the first of each what others are exchanged for."""
_WORD = re.compile(r"[^\W_]+")
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The one in C where it is built: it reads a list in a twelfth of the time."""
_BETWEEN = re.compile(r"[ \t\u00a0\-'\u2019]{1,2}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """A way in which people differ, with the terms for its groups.

    Attributes:
        level: groups that are to be level whatever the seeds hold; none where the seeds tell.
        fixed: terms that are found but not exchanged, each with its group.
    """

    name: str
    groups: tuple[str, ...]
    rows: tuple[Row, ...]
    level: tuple[str, ...] = ()
    fixed: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Mention:
    """A term in a text.

    Attributes:
        start: of `text[start:end]`, in characters.
        words: the term's, case-folded.
        following: the word after it in the same sentence, case-folded; "" where there is none.
        article: where "a" or "an" stands before it; None where neither does.
    """

    start: int
    end: int
    axis: str
    group: str
    words: tuple[str, ...]
    following: str
    article: tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class _Known:
    """A term: its group, and what it may be exchanged for, by group."""

    axis: str
    group: str
    others: Mapping[str, frozenset[str]]


class Identities:
    """Finds terms, and knows what each may be exchanged for.

    Args:
        axes: those of every language; of one name they are joined.
        languages: whose function words tell how a text goes on.
    """

    def __init__(self, axes: Iterable[Axis], *, languages: Sequence[str] = ()) -> None:
        self.languages = tuple(languages)
        self.groups: dict[str, tuple[str, ...]] = {}
        self.level: dict[str, tuple[str, ...]] = {}
        self._terms: dict[tuple[str, ...], list[_Known]] = {}
        self._longest: dict[str, int] = {}
        found: dict[tuple[tuple[str, ...], str, str], dict[str, set[str]]] = {}
        for axis in axes:
            known = dict.fromkeys((*self.groups.get(axis.name, ()), *axis.groups))
            self.groups[axis.name] = tuple(known)
            self.level[axis.name] = tuple(
                dict.fromkeys((*self.level.get(axis.name, ()), *axis.level))
            )
            _learn(axis, found)
        for (words, name, group), others in found.items():
            options = {other: frozenset(forms) for other, forms in others.items()}
            self._terms.setdefault(words, []).append(_Known(name, group, options))
            self._longest[words[0]] = max(self._longest.get(words[0], 0), len(words))
        data = [_data(language) for language in self.languages]
        self._no_noun = {word for own in data for word in own["function_words"]}
        self._no_noun |= {word for own in data for word in own["not_nouns"]}
        self._followed = {
            key: value for own in data for key, value in own["by_what_follows"].items()
        }
        self.has_articles = "en" in self.languages

    def mentions(self, text: str) -> list[Mention]:
        """Return the terms of a text in order; of one axis they do not overlap, the longest win."""
        spans = [(found.start(), found.end()) for found in _WORD.finditer(text)]
        words = [text[start:end].casefold() for start, end in spans]
        if self._longest.keys().isdisjoint(words):
            return []
        taken: dict[str, int] = {}
        found: list[Mention] = []
        for at, word in enumerate(words):
            for size in range(min(self._longest.get(word, 0), len(words) - at), 0, -1):
                known = self._terms.get(tuple(words[at : at + size]))
                if known is None or not _joined(text, spans[at : at + size]):
                    continue
                for each in known:
                    if taken.get(each.axis, 0) <= at:
                        taken[each.axis] = at + size
                        found.append(_mention(text, spans, words, at, size, each))
        return found

    def groups_in(self, text: str) -> frozenset[tuple[str, str]]:
        """Return the axis and name of each group that a text names."""
        return frozenset((each.axis, each.group) for each in self.mentions(text))

    def exchange(self, mention: Mention, group: str) -> str | None:
        """Return what may stand for a term of another group; None where that is not sure.

        Where a term has several readings all must come to the same word, or what follows must
        tell which one it is ("her friend", "told her").
        """
        for known in self._terms[mention.words]:
            if known.axis == mention.axis and known.group == mention.group:
                forms = known.others.get(group, frozenset())
                if len(forms) == 1:
                    return next(iter(forms))
                told = self._followed.get(" ".join(mention.words))
                if told is None or not forms:
                    return None
                noun = mention.following and mention.following not in self._no_noun
                return told[0] if noun else told[1]
        return None


def language_of(texts: Iterable[str]) -> tuple[str, ...]:
    """Return the language whose function words are commonest in the texts; none if there are none.

    One that has a list, that is.
    """
    counts = Counter[str]()
    known = {language: frozenset(_data(language)["function_words"]) for language in LANGUAGES}
    for text in texts:
        words = [found[0].casefold() for found in _WORD.finditer(text)]
        for language, function_words in known.items():
            counts[language] += sum(word in function_words for word in words)
    best = counts.most_common(1)
    return (best[0][0],) if best and best[0][1] else ()


@cache
def axes_of(language: str) -> tuple[Axis, ...]:
    """Return the axes of a language's list."""
    data = _data(language)
    return tuple(_axis(name, axis, data) for name, axis in data["axes"].items())


def _axis(name: str, axis: Mapping[str, Any], data: Mapping[str, Any]) -> Axis:
    rows: list[Row] = []
    for cells in axis["terms"]:
        rows += _expanded(tuple(_forms(cell) for cell in cells), data)
    fixed: list[tuple[str, str]] = []
    groups = tuple(axis["groups"])
    for pair in axis.get("determined", ()):
        fixed += zip(pair, groups, strict=True)
        rows += [
            tuple((f"{article} {noun}",) for article, noun in zip(articles, pair, strict=True))
            for articles in data["determiners"]
        ]
    return Axis(
        name=name,
        groups=groups,
        rows=tuple(rows),
        level=tuple(axis.get("level", ())),
        fixed=tuple(fixed),
    )


def _forms(cell: str | Sequence[str] | None) -> tuple[str, ...]:
    return () if cell is None else (cell,) if isinstance(cell, str) else tuple(cell)


def _expanded(row: Row, data: Mapping[str, Any]) -> Iterator[Row]:
    """Yield a row for each of the persons where `*` stands, and each ending where `!` does."""
    marks = {"*": data["persons"], "!": data.get("endings", ())}
    every = [form for cell in row for form in cell]
    plain = tuple(tuple(form for form in cell if form[-1] not in marks) for cell in row)
    if any(plain):
        yield plain
    for mark, fillers in marks.items():
        marked = tuple(tuple(form[:-1] for form in cell if form[-1] == mark) for cell in row)
        if any(form[-1] == mark for form in every):
            yield from (
                tuple(tuple(form + filler for form in cell) for cell in marked)
                for filler in fillers
            )


def _learn(axis: Axis, found: dict[tuple[tuple[str, ...], str, str], dict[str, set[str]]]) -> None:
    for term, group in axis.fixed:
        found.setdefault((_words(term), axis.name, group), {})
    for row in axis.rows:
        for group, cell in zip(axis.groups, row, strict=True):
            for form in cell:
                others = found.setdefault((_words(form), axis.name, group), {})
                for other, forms in zip(axis.groups, row, strict=True):
                    if other != group and forms:
                        others.setdefault(other, set()).add(forms[0])


def _words(term: str) -> tuple[str, ...]:
    return tuple(found[0].casefold() for found in _WORD.finditer(term))


def _joined(text: str, spans: Sequence[tuple[int, int]]) -> bool:
    return all(_BETWEEN.fullmatch(text, end, start) for (_, end), (start, _) in pairwise(spans))


def _mention(
    text: str,
    spans: Sequence[tuple[int, int]],
    words: Sequence[str],
    at: int,
    size: int,
    known: _Known,
) -> Mention:
    end = spans[at + size - 1][1]
    after, before = at + size, at - 1
    follows = after < len(words) and text[end : spans[after][0]].isspace()
    has_article = at > 0 and words[before] in {"a", "an"} and text[spans[before][1] : spans[at][0]]
    return Mention(
        start=spans[at][0],
        end=end,
        axis=known.axis,
        group=known.group,
        words=tuple(words[at:after]),
        following=words[after] if follows else "",
        article=spans[before] if has_article and has_article.isspace() else None,
    )


@cache
def _data(language: str) -> Mapping[str, Any]:
    text = files("augment.identities").joinpath(f"{language}.yaml").read_text("utf-8")
    return yaml.load(text, Loader=_LOADER)  # noqa: S506 - both are safe loaders
