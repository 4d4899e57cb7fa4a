"""What a run is to reach, and what it may spend."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from seed_sets import seeds

from augment.plan.budget import Budget, Spent
from augment.plan.goal import in_total, largest_remainder, per_label


@given(
    counts=st.dictionaries(st.tuples(st.text(max_size=3)), st.integers(0, 50), min_size=1),
    rows=st.integers(0, 500),
)
def test_largest_remainder_shares_all_rows_and_misses_no_share_by_a_whole_one(counts, rows):
    shares = largest_remainder(counts, rows=rows)
    total = sum(counts.values())

    assert sum(shares.values()) == rows
    if total:
        assert all(abs(shares[key] - rows * counts[key] / total) < 1 for key in counts)


def test_per_label_wants_so_many_of_each():
    goal = per_label(seeds("a", "b", "a", labels=("a", "b", "c")), rows=5)

    assert goal.wanted == {"a": 5, "b": 5, "c": 5}
    assert goal.rows == 15
    assert goal.cells_of(("b",)) == ("b",)
    assert goal.cells_of(("unknown",)) == ()


def test_several_labels_are_asked_for_in_the_seeds_own_sets():
    goal = per_label(seeds(("a", "b"), (), ("b",), labels=("a", "b", "c"), several=True), rows=2)

    assert set(goal.choices) == {("a", "b"), ("b",), ("c",)}
    assert goal.cells_of(("b", "a")) == ("a", "b")


def test_a_total_is_shared_among_label_sets_as_in_the_seeds():
    goal = in_total(seeds(("a", "b"), (), (), ("b",), several=True), rows=8)

    assert goal.wanted == {"a + b": 2, "(no label)": 4, "b": 2}
    assert goal.cells_of(()) == ("(no label)",)
    assert goal.rows == 8


def test_a_label_without_seeds_gets_no_share_of_a_total():
    goal = in_total(seeds("a", "a", "b", labels=("a", "b", "c")), rows=3)

    assert goal.wanted == {"a": 2, "b": 1, "c": 0}


def test_each_limit_of_a_budget_is_named_when_it_is_reached():
    budget = Budget(
        max_requests=10,
        max_tokens=100,
        max_minutes=1,
        max_cost=5,
        prompt_price=1e6,
        completion_price=2e6,
    )

    assert Spent(requests=9).exceeds(budget) is None
    assert "--max-requests 10" in str(Spent(requests=10).exceeds(budget))
    assert "--max-tokens 100" in str(Spent(prompt_tokens=60, completion_tokens=40).exceeds(budget))
    assert "--max-minutes 1" in str(Spent(seconds=60).exceeds(budget))
    assert "--max-cost 5" in str(Spent(prompt_tokens=1, completion_tokens=2).exceeds(budget))
    assert Spent(prompt_tokens=1, completion_tokens=2).cost(budget) == 5
