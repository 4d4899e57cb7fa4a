"""What a model says it mentioned is found in the text, exactly there, or refused with a reason."""

from __future__ import annotations

import unicodedata
from typing import Any

import pytest
from annotated import spans
from hypothesis import assume, given
from hypothesis import strategies as st

from augment.records import Span
from augment.spans.borders import cuts_character, cuts_word
from augment.spans.folding import folded
from augment.spans.grounding import Mention, Unaligned, ground

WORDS = st.sampled_from(
    [
        "Ada",
        "Bo",
        "New",
        "York",
        "the",
        "Straße",
        "cafe\u0301",
        "x",
        "北京",
        "👨‍👩‍👧",
        "🇩🇪",
        "O'Neil",
    ]
)
TEXTS = st.lists(WORDS | st.text(st.characters(exclude_categories=["Cs"]), max_size=4)).map(
    " ".join
)


def found(text: str, *mentions: str, **more: Any) -> list[Any]:
    """Return what each mention was aligned with, or the reason why with nothing."""
    result = ground(text, [Mention(text=each, label="x") for each in mentions], **more)
    return [
        each.reason if isinstance(each, Unaligned) else (each.start, each.end, each.aligned)
        for each in result
    ]


# Laws -------------------------------------------------------------------------------------------


@given(
    words=st.lists(WORDS, min_size=1, max_size=8),
    marked=st.lists(st.booleans(), min_size=8, max_size=8),
    gaps=st.sampled_from([" ", "  ", ", ", "\n"]),
)
def test_mentions_in_order_of_appearance_are_found_where_they_are(words, marked, gaps) -> None:
    marked = [flag or words[n] in words[:n] for n, flag in enumerate(marked[: len(words)])]
    again = {word for n, word in enumerate(words) if marked[n]}
    marked = [word in again for word in words]  # every occurrence is marked, or none
    source = gaps.join(f"<x>{w}</x>" if m else w for w, m in zip(words, marked, strict=True))
    text, expected = spans(source)
    mentions = [Mention(text=text[s.start : s.end], label="x") for s in expected]
    assert ground(text, mentions) == list(expected)


@given(TEXTS, st.lists(WORDS | TEXTS, max_size=6), st.booleans())
def test_whatever_is_said_every_span_is_sound_and_each_stands_once(text, said, within) -> None:
    mentions = [Mention(text=each, label="xy"[n % 2]) for n, each in enumerate(said)]
    result = ground(text, mentions, within_words=within)
    assert len(result) == len(mentions)
    placed = [each for each in result if isinstance(each, Span)]
    assert len(set(placed)) == len(placed)
    for each, mention in zip(result, mentions, strict=True):
        if isinstance(each, Unaligned):
            assert each.mention == mention
            continue
        surface = text[each.start : each.end]
        assert surface
        assert surface == surface.strip()
        assert not cuts_character(text, each.start)
        assert not cuts_character(text, each.end)
        if not within:
            assert not cuts_word(text, each.start)
            assert not cuts_word(text, each.end)
        if each.aligned == "exact":
            assert surface == mention.text.strip()
        if each.aligned == "normalised":
            assert folded(surface).form == folded(mention.text.strip()).form


@given(st.lists(WORDS, min_size=1, max_size=6), st.integers(0, 5), st.integers(1, 3))
def test_another_form_of_a_mention_is_found(words, start, count) -> None:
    text = " ".join(words)
    mention = " ".join(words[start : start + count])
    assume(mention)
    for form in (mention.upper(), unicodedata.normalize("NFD", mention), f"\n{mention}\t"):
        [result] = ground(text, [Mention(text=form, label="x")])
        assert isinstance(result, Span)
        assert folded(text[result.start : result.end]).form == folded(mention).form


@given(TEXTS)
def test_folding_keeps_the_place_of_every_character(text) -> None:
    form = folded(text)
    assert len(form.starts) == len(form.form) + 1
    assert len(form.ends) == len(form.form)
    assert list(form.starts) == sorted(form.starts)
    for at in range(len(form.form)):
        place = form.place(at, at + 1)
        if place is not None and text[slice(*place)]:
            assert folded(text[slice(*place)]).form == form.form[at]


# Cases ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "mentions", "expected"),
    [
        ("Bo saw Ada. Bo left.", ["Ada", "Bo"], [(7, 10, "exact"), (12, 14, "exact")]),
        ("Bo saw Ada. Bo left.", ["Bo", "Bo"], [(0, 2, "exact"), (12, 14, "exact")]),
        ("Ada met Bo", ["Bo", "Ada"], [(8, 10, "exact"), (0, 3, "exact")]),
        (
            "Paris Hilton went to Paris",
            ["Paris Hilton", "Paris"],
            [(0, 12, "exact"), (21, 26, "exact")],
        ),
        (
            "the University of Oslo",
            ["University of Oslo", "Oslo"],
            [(4, 22, "exact"), (18, 22, "exact")],
        ),
        ("Bo left", ["Bo", "Bo"], [(0, 2, "exact"), "taken"]),
        ("a party of art", ["art"], [(11, 14, "exact")]),
        ("a party", ["art"], ["within_a_word"]),
        ("we met O\u2019Neil", ["O'Neil"], [(7, 13, "normalised")]),
        ("in NEW   york now", ["New York"], [(3, 13, "normalised")]),
        ("the cafe\u0301 shut", ["caf\u00e9"], [(4, 9, "normalised")]),
        ("the cafe\u0301 shut", ["cafe"], ["within_a_word"]),
        ("a 👨‍👩‍👧 here", ["👨"], ["within_a_word"]),
        ("我住在北京市", ["北京"], [(3, 5, "exact")]),
        (
            "by the Ministry for Foreign Affairs today",
            ["Ministry of Foreign Affairs"],
            [(7, 35, "fuzzy")],
        ),
        ("the old Ministry", ["Ministry of Foreign Affairs"], ["not_in_text"]),
        ("a one b c two d e three f g h four", ["one two three four"], [(2, 34, "fuzzy")]),
        ("one a b c d two e f g k three h i j l four", ["one two three four"], ["not_in_text"]),
        ("nothing", [" ", "some"], ["blank", "not_in_text"]),
    ],
)  # fmt: skip
def test_a_mention_is_resolved_by_order_form_and_words(text, mentions, expected) -> None:
    assert found(text, *mentions) == expected


def test_within_words_is_for_those_who_annotate_so() -> None:
    assert found("Zürichsee", "Zürich", within_words=True) == [(0, 6, "exact")]


def test_one_place_may_have_two_types() -> None:
    said = [Mention(text="Bo", label="person"), Mention(text="Bo", label="dog")]
    assert ground("Bo left", said) == [
        Span(start=0, end=2, label="person"),
        Span(start=0, end=2, label="dog"),
    ]


def test_of_fuzzy_places_the_one_after_the_mention_before_is_taken() -> None:
    text = "Ministry for Home Affairs, then Bo, then Ministry for Home Affairs"
    assert found(text, "Bo", "Ministry of Home Affairs")[1] == (41, 66, "fuzzy")


@pytest.mark.parametrize("times", [1_000, 4_000])
def test_a_long_text_takes_no_longer_than_its_length(times) -> None:
    import time

    text = "ab " * times
    began = time.monotonic()
    assert found(text, "zz yy xx", "ab ab ab zz")[0] == "not_in_text"
    assert time.monotonic() - began < 20
