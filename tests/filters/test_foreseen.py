"""What is foreseen is found as if each row had been looked for when its turn came."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from augment.filters.foreseen import ForeseenIndex
from augment.filters.near_index import NearIndex, floor_for
from augment.records import Example

WORDS = st.lists(st.sampled_from("abcdefg"), max_size=6).map(" ".join)
ROWS = st.lists(st.tuples(WORDS, st.booleans(), st.booleans()), max_size=40)
"""Texts, each with whether it comes with those before it and whether it is accepted."""


def a_row(number: int, text: str) -> Example[str]:
    return Example(id=f"r{number}", text=text, target="a", origin="generated")


@given(rows=ROWS, threshold=st.sampled_from([None, 0.2, 0.7, 1.0]), foreseen=st.booleans())
@example(
    rows=[("a b", True, True), ("a c", True, True), ("a b c", True, True), ("c a b", True, True)],
    threshold=0.2,
    foreseen=True,
)
def test_what_is_foreseen_has_the_nearest_that_it_has_in_its_turn(rows, threshold, foreseen):
    ahead, plain = ForeseenIndex(threshold), NearIndex(floor=floor_for(threshold))
    batches: list[list[tuple[Example[str], bool]]] = [[]]
    for number, (text, together, accepted) in enumerate(rows):
        if not together:
            batches.append([])
        batches[-1].append((a_row(number, text), accepted))
    for batch in batches:
        if foreseen:
            ahead.foresee([row for row, _ in batch])
        for row, accepted in batch:
            assert [ahead.nearest(row)] == plain.nearest([row.whole])
            if accepted:
                ahead.add([row])
                plain.add([row.id], [row.whole])


def test_a_row_that_nobody_foresaw_is_found_and_compared_with():
    index = ForeseenIndex(0.5)
    first, second, third = (a_row(n, text) for n, text in enumerate(["a b", "a b c", "a b c d"]))
    index.foresee([first, third])
    index.add([first])
    index.add([second])
    near = index.nearest(third)
    assert near is not None
    assert (near.id, near.jaccard) == ("r1", 0.75)
