"""People exchanged in a text, with the grammar kept."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from augment.identities.swap import drawn, swaps
from augment.identities.terms import Identities, axes_of

ENGLISH = Identities(axes_of("en"), languages=("en",))
GERMAN = Identities(axes_of("de"), languages=("de",))


def under(identities: Identities, text: str, axis: str, other: str) -> str | None:
    """The text with a group of the axis exchanged for another."""
    for swap, (made,) in swaps(identities, [text]):
        if swap.axis == axis and other in {swap.other, swap.group}:
            return made
    return None


@pytest.mark.parametrize(
    ("text", "swapped"),
    [
        ("She told her friend that I know her.", "He told his friend that I know him."),
        ("His book is better than hers", "Her book is better than his"),
        ("He saw himself and called his mother.", "She saw herself and called her father."),
        ("AN ACTRESS SMILED", "AN ACTOR SMILED"),
        ("a nephew and an uncle", "a niece and an aunt"),
        ("Men and women", "Women and men"),
        ("she's late", "he's late"),
    ],
)
def test_genders_change_places(text, swapped) -> None:
    assert under(ENGLISH, text, "gender", "women") == swapped


@pytest.mark.parametrize(
    ("text", "axis", "other", "swapped"),
    [
        ("a Muslim family near a mosque", "religion", "Christians",
         "a Christian family near a church"),
        ("a Turkish man", "nationality", "Italians", "an Italian man"),
        ("an Indian man", "nationality", "Ukrainians", "a Ukrainian man"),
        ("My Black neighbours", "ethnicity", "Asian people", "My Asian neighbours"),
        ("i hate muslims", "religion", "Jews", "i hate jews"),
        ("an old woman", "age", "young people", "a young woman"),
    ],
)  # fmt: skip
def test_other_groups_take_the_form_and_the_article_of_the_first(
    text, axis, other, swapped
) -> None:
    assert under(ENGLISH, text, axis, other) == swapped


@pytest.mark.parametrize(
    ("text", "axis", "other", "swapped"),
    [
        ("Ich sah einen Mann", "gender", "women", "Ich sah eine Frau"),
        ("Sie half dem Bruder", "gender", "women", "Sie half der Schwester"),
        ("die türkischen Nachbarn", "nationality", "Poles", "die polnischen Nachbarn"),
        ("mit den Juden", "religion", "Christians", "mit den Christen"),
    ],
)
def test_german_keeps_case_and_number(text, axis, other, swapped) -> None:
    assert under(GERMAN, text, axis, other) == swapped


@pytest.mark.parametrize(
    ("identities", "text", "axis", "other"),
    [
        (GERMAN, "der Frau", "gender", "men"),  # dative or genitive
        (GERMAN, "die Christen", "religion", "Muslims"),  # Muslime or Muslimen
        (GERMAN, "alter Mann", "gender", "women"),  # the adjective would have to change
        (ENGLISH, "the Muslim faith", "religion", "Jews"),  # a Jew, or Jewish
        (ENGLISH, "the refugees", "migration", "locals"),  # has no counterpart
        (ENGLISH, "no one is named", "gender", "men"),
    ],
)
def test_what_is_not_sure_is_left_alone(identities, text, axis, other) -> None:
    assert under(identities, text, axis, other) is None


def test_both_texts_of_a_pair_are_exchanged_together() -> None:
    found = {swap.axis: made for swap, made in swaps(ENGLISH, ["He left.", "His wife stayed."])}
    assert found["gender"] == ("She left.", "Her husband stayed.")
    assert drawn(ENGLISH, ["nobody", "here"], random.Random(0)) is None


@given(
    st.lists(st.sampled_from(["she", "He", "a", "an", "uncle", "Muslim", "people", "\ud800", "x"]))
)
def test_an_exchange_changes_nothing_but_terms_and_articles(words) -> None:
    text = " ".join(words)
    for swap, (made,) in swaps(ENGLISH, [text]):
        assert made != text
        assert (swap.axis, swap.other) in ENGLISH.groups_in(made)
        assert len(made.split()) == len(text.split())
