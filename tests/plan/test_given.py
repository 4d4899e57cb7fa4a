"""The plan of rows that are there already: each is asked for once, in order, wherever it begins."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from augment.plan.given import STRATEGY, InOrder, all_of, given_ask
from augment.records import Ask

LABELS = st.sampled_from(["a", "b", "", "\ud800", "a + b"])
SINGLE = st.lists(LABELS.map(lambda label: (label,)), max_size=12)
SETS = st.lists(st.lists(LABELS, max_size=3, unique=True).map(tuple), max_size=12)


def plan_of(rows, *, several, sent=0):
    plan = InOrder(all_of(rows, several=several), lambda number: given_ask(number, rows))
    for number in range(min(sent, len(rows))):
        plan.sent(given_ask(number, rows))
    return plan


def asked(plan):
    found: list[Ask] = []
    while (ask := plan.next()) is not None:
        found.append(ask)
    return found


@given(rows=SINGLE | SETS, first=st.integers(0, 15), several=st.booleans())
def test_every_row_is_asked_for_once_in_order_from_the_first_that_is_left(rows, first, several):
    plan = plan_of(rows, several=several, sent=first)
    asks = asked(plan)

    assert [ask.number for ask in asks] == list(range(first, len(rows)))
    assert [ask.labels for ask in asks] == rows[first:]
    assert {(ask.strategy, ask.exemplars, ask.k) for ask in asks} <= {(STRATEGY, (), 1)}
    assert plan.next() is None


@given(rows=SINGLE, kept=st.sets(st.integers(0, 11)))
def test_the_plan_is_finished_when_every_row_was_judged_whatever_became_of_it(rows, kept):
    plan = plan_of(rows, several=False)
    for ask in asked(plan):
        assert not plan.filled
        assert plan.has_room(ask.labels), "a given row was not wanted"
        if ask.number in kept:
            plan.accept(ask.labels)
        assert plan.judged(ask, int(ask.number in kept)) == []

    assert plan.filled
    assert plan.finished
    assert plan.exhausted == ()
    assert sum(plan.accepted.values()) == sum(number < len(rows) for number in kept)


@given(rows=SINGLE)
def test_of_one_label_a_row_every_row_is_wanted_in_the_cell_of_its_label(rows):
    plan = plan_of(rows, several=False)

    assert plan.wanted == Counter(label for (label,) in rows)
    assert set(plan.accepted.values()) <= {0}
    assert plan.accepted.keys() == plan.wanted.keys()


@given(rows=SETS)
def test_of_several_labels_a_row_counts_for_each_and_one_of_none_for_itself(rows):
    goal = all_of(rows, several=True)
    wanted = Counter(cell for own in rows for cell in (own or ("(no label)",)))

    assert goal.wanted == wanted
    assert goal.rows == len(rows)
    assert all(goal.cells_of(own) for own in rows)


def test_what_an_earlier_session_sent_is_not_counted_again():
    plan = plan_of([("a",), ("b",)], several=False, sent=1)
    plan.take_heart()

    assert [ask.number for ask in asked(plan)] == [1]
    assert not plan.filled


@given(rows=SINGLE.filter(len), lost=st.lists(st.sets(st.integers(0, 11)), max_size=4))
def test_what_was_not_answered_is_asked_again_by_each_later_session_until_it_is(rows, lost):
    owed, history = set(range(len(rows))), list[tuple[Ask, bool]]()
    for gone in [*lost, set[int]()]:
        plan = plan_of(rows, several=False)
        for ask, answered in history:
            plan.sent(ask)
            plan.judged(ask, 0, answered=answered)
        plan.take_heart()
        asks = asked(plan)
        assert {ask.number % len(rows) for ask in asks} == owed
        assert all(ask.labels == rows[ask.number % len(rows)] for ask in asks)
        for ask in asks:
            answered = ask.number % len(rows) not in gone
            plan.judged(ask, 0, answered=answered)
            history.append((ask, answered))
            assert plan.finished == (ask is asks[-1])
        owed &= gone
        assert plan.finished
        assert plan.filled == (not owed)
        assert bool(plan.exhausted) == bool(owed)

    assert len({ask.number for ask, _ in history}) == len(history), "a number was given twice"


def test_what_was_asked_again_when_the_process_died_is_neither_lost_nor_asked_a_third_time():
    plan = plan_of([("a",), ("b",)], several=False)
    first, second = given_ask(0, [("a",), ("b",)]), given_ask(1, [("a",), ("b",)])
    for ask, answered in ((first, False), (second, True)):
        plan.sent(ask)
        plan.judged(ask, 0, answered=answered)
    again = given_ask(2, [("a",), ("b",)])
    plan.sent(again)  # in the journal without an answer: the pipeline sends it once more
    plan.take_heart()

    assert asked(plan) == []
    assert not plan.finished
    plan.judged(again, 1)
    assert plan.filled
    assert plan.finished


def test_no_rows_at_all_are_filled_from_the_start():
    plan = plan_of([], several=False)

    assert plan.filled
    assert plan.next() is None


@given(order=st.permutations(range(8)), first=st.integers(0, 8))
def test_in_an_order_of_its_own_every_row_is_asked_for_once_wherever_it_begins(order, first):
    labels = [("a",)] * 8
    plan = InOrder(all_of(labels, several=False), lambda n: given_ask(n, labels), order=order)
    for number in order[:first]:
        plan.sent(given_ask(number, labels))
    assert [ask.number for ask in asked(plan)] == order[first:]


@given(
    before=st.permutations(range(6)),
    now=st.permutations(range(6)),
    asked=st.integers(0, 6),
)
def test_where_the_order_changes_between_sessions_no_row_is_lost_or_asked_for_twice(
    before, now, asked
):
    labels = [("a",)] * 6
    plan = InOrder(all_of(labels, several=False), lambda n: given_ask(n, labels), order=now)
    for number in before[:asked]:
        plan.sent(given_ask(number, labels))
    found = []
    while (ask := plan.next()) is not None:
        found.append(ask.number)

    assert sorted(found) == sorted(before[asked:])
    assert found == [number for number in now if number in before[asked:]]
