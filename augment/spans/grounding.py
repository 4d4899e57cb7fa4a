"""Mentions found again in a text: nobody's offsets are trusted, and no model's least of all.

Each mention is looked for letter by letter; then but for its form (case, white space, quotes,
dashes, Unicode form); then by its words, of which three in four must stand in the text in this
order, and not too far apart: coverage >= 0.75 and density >= 1/3 of the longest common
subsequence, as langextract (github.com/google/langextract) has it. What does not align is told
so, with the reason.

A mention that occurs several times is resolved by order: the mentions come as they appear, and
each is the first occurrence after the one before it. Where there is none, one that no other
mention has taken; then one that overlaps others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from augment.records import Aligned, Place, Span
from augment.spans.borders import cuts_character, cuts_word
from augment.spans.folding import Folded, folded
from augment.spans.subsequence import best_window


@dataclass(frozen=True, slots=True, kw_only=True)
class Mention:
    """A mention as somebody says it: its words, and what it is."""

    text: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unaligned:
    """A mention that is not in the text.

    Attributes:
        reason: `blank`, `not_in_text`, `within_a_word` (it is, but only as a part of a word
            or of a character) or `taken` (only where another mention of the same type is already).
    """

    mention: Mention
    reason: str


def ground(
    text: str, mentions: Sequence[Mention], *, within_words: bool = False
) -> list[Span | Unaligned]:
    """Return the span of each mention, in the order given, or why it has none.

    No two spans are the same, place and label; none begins or ends in white space or within a
    character as people see it.

    Args:
        text: to be searched.
        mentions: in order of appearance, as far as whoever says them knows it.
        within_words: whether a mention may begin or end within a word, where it stands nowhere
            as whole ones.
    """
    search = _Search(text, within_words=within_words)
    return [search.place(mention) for mention in mentions]


class _Search:
    """One text, and what is taken of it."""

    def __init__(self, text: str, *, within_words: bool) -> None:
        self._text = text
        self._within_words = within_words
        self._taken: list[Place] = []
        self._spans: set[tuple[int, int, str]] = set()
        self._after = 0
        self._folded: Folded | None = None

    def place(self, mention: Mention) -> Span | Unaligned:
        """Return the span of the next mention, and take it."""
        wanted = mention.text.strip()
        if not wanted:
            return Unaligned(mention=mention, reason="blank")
        reasons: list[str] = []
        found, aligned = self._whole_first(lambda: self._exact(wanted), mention, reasons), "exact"
        if found is None:
            text = self._folded = self._folded or folded(self._text)
            found = self._whole_first(lambda: self._normalised(text, wanted), mention, reasons)
            aligned = "normalised"
        if found is None and self._folded is not None and not reasons:
            window = best_window(self._folded, folded(wanted), after=self._after)
            places = iter(() if window is None else (window,))
            found, aligned = self._chosen(places, mention.label, reasons, within=False), "fuzzy"
        if found is None:
            return Unaligned(mention=mention, reason=reasons[0] if reasons else "not_in_text")
        return self._take(found, mention.label, aligned)

    def _whole_first(
        self, places: Callable[[], Iterator[Place]], mention: Mention, reasons: list[str]
    ) -> Place | None:
        """Return a place of whole words before one within them, where such will do."""
        found = self._chosen(places(), mention.label, reasons, within=False)
        if found is None and self._within_words:
            return self._chosen(places(), mention.label, reasons, within=True)
        return found

    def _take(self, place: Place, label: str, aligned: Aligned) -> Span:
        self._taken.append(place)
        self._spans.add((*place, label))
        self._after = place[1]
        return Span(start=place[0], end=place[1], label=label, aligned=aligned)

    def _chosen(
        self, places: Iterator[Place], label: str, reasons: list[str], *, within: bool
    ) -> Place | None:
        """Return the first place after the mention before; else a free one; else any."""
        free: Place | None = None
        overlapping: Place | None = None
        for place in places:
            if self._is_cut(place, within=within):
                reasons.append("within_a_word")
                continue
            if (*place, label) in self._spans:
                reasons.append("taken")
                continue
            if any(place[0] < end and start < place[1] for start, end in self._taken):
                overlapping = overlapping or place
                continue
            if place[0] >= self._after:
                return place
            free = free or place
        return free or overlapping

    def _is_cut(self, place: Place, *, within: bool) -> bool:
        if any(cuts_character(self._text, at) for at in place):
            return True
        return not within and any(cuts_word(self._text, at) for at in place)

    def _exact(self, wanted: str) -> Iterator[Place]:
        at = self._text.find(wanted)
        while at >= 0:
            yield at, at + len(wanted)
            at = self._text.find(wanted, at + 1)

    def _normalised(self, text: Folded, wanted: str) -> Iterator[Place]:
        form = folded(wanted).form.strip()
        if not form:
            return
        at = text.form.find(form)
        while at >= 0:
            if (place := text.place(at, at + len(form))) is not None:
                yield place
            at = text.form.find(form, at + 1)
