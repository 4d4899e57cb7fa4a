"""Of all places that hold enough of a mention's words in order the best is found."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from augment.spans.folding import folded
from augment.spans.subsequence import COVERAGE, DENSITY, best_window

WORDS = st.sampled_from(list("abcd"))


def common(one: list[str], other: list[str]) -> int:
    """Return the length of the longest common subsequence."""
    row = [0] * (len(other) + 1)
    for word in one:
        before = row[:]
        for n, each in enumerate(other, 1):
            row[n] = before[n - 1] + 1 if word == each else max(before[n], row[n - 1])
    return row[-1]


def best_of_all(words: list[str], wanted: list[str], after: int) -> tuple[int, int] | None:
    """Look at every window; each word is a letter, so that word n begins at character 2 n."""
    ranked = [
        (-matched, last - first, 2 * first < after, first)
        for first in range(len(words))
        for last in range(first, len(words))
        if (matched := common(words[first : last + 1], wanted)) >= COVERAGE * len(wanted)
        and matched >= DENSITY * (last - first + 1)
    ]
    if not ranked:
        return None
    _, more, _, first = min(ranked)
    return 2 * first, 2 * (first + more) + 1


@given(
    words=st.lists(WORDS | st.sampled_from("xyz"), max_size=14),
    wanted=st.lists(WORDS, min_size=2, max_size=9),
    after=st.integers(0, 30),
)
def test_no_window_is_better_than_the_one_found(
    words: list[str], wanted: list[str], after: int
) -> None:
    found = best_window(folded(" ".join(words)), folded(" ".join(wanted)), after=after)
    assert found == best_of_all(words, wanted, after)


@given(wanted=st.lists(st.sampled_from("abcdefgh"), min_size=2, max_size=12), data=st.data())
def test_words_may_be_missing_as_far_as_coverage_allows(wanted: list[str], data) -> None:
    kept = math.ceil(COVERAGE * len(wanted))
    places = st.lists(
        st.sampled_from(range(len(wanted))), min_size=kept, max_size=kept, unique=True
    )
    words = [wanted[at] for at in sorted(data.draw(places))]
    found = best_window(folded(" ".join(words)), folded(" ".join(wanted)), after=0)
    assert found == (0, 2 * kept - 1)
