from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from augment.formats.tags import SCHEMES, chunks_of, fault_of_tag, scheme_of, tags_of

LABELS = st.sampled_from(["org", "city", "a-b", "B-x", "Kreis, neu"])


@st.composite
def chunked(draw: st.DrawFn) -> Any:
    """Draw how many tokens there are, and mentions that share none."""
    tokens = draw(st.integers(1, 12))
    cuts = sorted(draw(st.sets(st.integers(0, tokens), max_size=8)))
    pairs = pairwise(cuts)
    return tokens, [(a, b, draw(LABELS)) for a, b in pairs if draw(st.booleans())]


@pytest.mark.parametrize("scheme", SCHEMES)
@given(drawn=chunked())
def test_what_tags_say_is_what_they_were_made_of(scheme: Any, drawn: Any) -> None:
    tokens, chunks = drawn
    tags = tags_of(chunks, tokens=tokens, scheme=scheme)
    assert len(tags) == tokens
    assert chunks_of(tags) == chunks
    assert not any(map(fault_of_tag, tags))


@pytest.mark.parametrize("scheme", SCHEMES)
@given(drawn=st.lists(chunked(), min_size=1, max_size=5))
def test_no_scheme_calls_its_own_tags_irregular(scheme: Any, drawn: Any) -> None:
    found = scheme_of([tags_of(each, tokens=tokens, scheme=scheme) for tokens, each in drawn])
    assert found.irregular == () or not list(found.irregular)


CHUNKS = [(0, 1, "org"), (2, 4, "city")]


@pytest.mark.parametrize(
    ("tags", "name"),
    [
        ("B-org O B-city I-city", "BIO"),
        ("I-org O I-city I-city", "IOB1"),
        ("I-org B-org I-org O", "IOB1"),
        ("S-org O B-city E-city", "BIOES"),
        ("U-org O B-city L-city", "BILOU"),
        ("O O O O", "BIO"),
    ],
)
def test_the_scheme_is_recognised_by_its_tags(tags: str, name: str) -> None:
    found = scheme_of([tags.split()])
    assert (found.name, list(found.irregular)) == (name, [])


@pytest.mark.parametrize(
    "tags", ["B-org O B-city I-city", "I-org O I-city I-city", "U-org O B-city L-city"]
)
def test_a_mention_is_the_same_in_every_scheme(tags: str) -> None:
    assert chunks_of(tags.split()) == CHUNKS


@pytest.mark.parametrize(
    ("tags", "chunks", "irregular"),
    [
        ("B-a I-b O", [(0, 1, "a"), (1, 2, "b")], [(0, 1)]),
        ("O I-a B-b", [(1, 2, "a"), (2, 3, "b")], [(0, 1)]),
        ("B-a I-a O S-b", [(0, 2, "a"), (3, 4, "b")], [(0, 2)]),
        ("O E-a O", [(1, 2, "a")], [(0, 1)]),
        ("S-b B-a", [(0, 1, "b"), (1, 2, "a")], [(0, 1)]),
        ("B-a S-a B-a E-a", [(0, 1, "a"), (1, 2, "a"), (2, 4, "a")], [(0, 1)]),
    ],
)
def test_tags_of_no_scheme_are_read_as_conlleval_does_and_told(
    tags: str, chunks: Any, irregular: Any
) -> None:
    assert chunks_of(tags.split()) == chunks
    assert list(scheme_of([tags.split()]).irregular) == irregular


@pytest.mark.parametrize("tag", ["", "city", "B", "B-", "B- ", "X-city", "b-city", "_"])
def test_a_tag_that_is_none_is_refused(tag: str) -> None:
    assert fault_of_tag(tag) is not None
