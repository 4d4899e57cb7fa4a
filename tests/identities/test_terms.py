"""Groups of people in texts: what is found, in which language, on which axis."""

from __future__ import annotations

from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from augment.identities.terms import LANGUAGES, Axis, Identities, axes_of, language_of

ENGLISH = Identities(axes_of("en"), languages=("en",))
GERMAN = Identities(axes_of("de"), languages=("de",))


@pytest.mark.parametrize(
    ("text", "groups"),
    [
        ("She asked HER boss", {("gender", "women")}),
        ("he's late, Mr. Smith", {("gender", "men")}),
        ("a black car and a white wall", set()),
        ("Black people and white neighbours",
         {("ethnicity", "Black people"), ("ethnicity", "white people")}),
        ("a German course", set()),
        ("a German woman", {("nationality", "Germans"), ("gender", "women")}),
        ("an asylum-seeker", {("migration", "migrants")}),
        ("the theatre, the sheriff, a womanly mantle", set()),
        ("", set()),
    ],
)  # fmt: skip
def test_groups_are_found_where_people_are_meant(text, groups) -> None:
    assert ENGLISH.groups_in(text) == groups


@pytest.mark.parametrize(
    ("text", "groups"),
    [
        ("Die Türken und die jüdischen Nachbarn",
         {("nationality", "Turks"), ("religion", "Jews")}),
        ("man sagt, her damit", set()),
        ("junge Leute", {("age", "young people")}),
    ],
)  # fmt: skip
def test_german_groups_are_found(text, groups) -> None:
    assert GERMAN.groups_in(text) == groups


def test_the_longest_term_of_an_axis_wins_and_says_where_it_stands() -> None:
    text = "my gay friend, an African American"
    found = {(m.axis, m.group): text[m.start : m.end] for m in ENGLISH.mentions(text)}
    assert found == {
        ("sexuality", "gay people"): "gay friend",
        ("ethnicity", "Black people"): "African American",
    }


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_term_of_a_list_stands_for_two_groups_of_an_axis(language) -> None:
    for axis in axes_of(language):
        owner: dict[str, str] = {}
        for row in axis.rows:
            assert len(row) == len(axis.groups)
            for group, cell in zip(axis.groups, row, strict=True):
                for form in cell:
                    assert owner.setdefault(form.casefold(), group) == group
        assert set(axis.level) <= set(axis.groups)
        assert all(
            any(row[place] for row in axis.rows)
            for place, _ in enumerate(axis.groups)
            if language == "en"
        )


def test_the_language_is_that_of_the_function_words() -> None:
    assert language_of(["where is the parcel that I sent to you"]) == ("en",)
    assert language_of(["wo ist das Paket, das ich mit der Post geschickt habe"]) == ("de",)
    assert language_of(["où est mon colis", "12345"]) == ()
    assert language_of([]) == ()


def test_axes_of_ones_own_join_those_of_the_list() -> None:
    own = Axis(name="gender", groups=("women", "men"), rows=((("ballerina",), ("danseur",)),))
    jobs = Axis(name="job", groups=("nurses", "doctors"), rows=((("nurse",), ("doctor",)),))
    found = Identities([*axes_of("en"), own, jobs], languages=("en",))
    assert found.groups_in("she is a ballerina") == {("gender", "women")}
    assert found.groups_in("a doctor") == {("job", "doctors")}
    assert found.groups["gender"] == ("women", "men")


@given(
    st.lists(
        st.sampled_from(["she", "black", "people", "é", "ß", " ", "-", "man", "\ud800", "İ", "."])
    )
)
def test_mentions_lie_in_their_text_and_do_not_overlap_on_an_axis(parts) -> None:
    text = "".join(parts)
    ends: dict[str, int] = {}
    for mention in ENGLISH.mentions(text):
        assert ends.get(mention.axis, 0) <= mention.start < mention.end <= len(text)
        ends[mention.axis] = mention.end
    assert {m.group for m in ENGLISH.mentions(text)} <= set(chain(*ENGLISH.groups.values()))
