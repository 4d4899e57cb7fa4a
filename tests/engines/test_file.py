"""The engine that reads rows: each ask gets the row of its number, whichever ask comes first."""

from __future__ import annotations

import asyncio

import pytest
from requests_made import a_request

from augment.engines.file import AT_ONCE, FileRows
from augment.plan.given import InOrder, all_of, given_ask
from augment.records import Completion

ROWS = [f'{{"text": "row {number}", "label": "card"}}' for number in range(20)]


async def requests_for(numbers):
    for number in numbers:
        yield a_request(number)


async def answers_to(numbers):
    engine = FileRows(ROWS, model="rows.jsonl")
    return [answer async for answer in engine.complete(requests_for(numbers))]


@pytest.mark.parametrize("numbers", [range(20), range(13, 20), [7, 3, 19], []])
async def test_each_ask_is_answered_with_the_row_of_its_number(numbers):
    answers = await answers_to(numbers)

    assert [request.ask.number for request, _ in answers] == list(numbers)
    assert [outcome for _, outcome in answers] == [Completion(text=ROWS[n]) for n in numbers]


async def test_it_calls_nobody_and_bears_the_name_of_its_file():
    engine = FileRows(ROWS, model="rows.jsonl")
    ((_, outcome),) = await answers_to([0])

    assert (engine.name, engine.model) == ("file", "rows.jsonl")
    assert (outcome.calls, outcome.prompt_tokens, outcome.finish) == (0, None, "stop")


@pytest.mark.parametrize("first", [0, 7, 20])
async def test_with_the_plan_of_given_rows_every_row_left_is_read_once_and_in_order(first):
    labels = [("card",)] * 20
    plan = InOrder(all_of(labels, several=False), lambda n: given_ask(n, labels))
    for number in range(first):
        plan.sent(given_ask(number, labels))
    numbers = [ask.number for ask in iter(plan.next, None)]
    answers = await answers_to(numbers)

    assert [outcome.text for _, outcome in answers] == ROWS[first:]


async def test_requests_are_drawn_again_only_when_the_rows_before_are_done_with():
    drawn: list[int] = []
    rows = AT_ONCE + 3

    async def requests():
        for number in range(rows):
            drawn.append(number)
            yield a_request(number)

    answers = FileRows(ROWS, model="rows.jsonl").complete(requests())
    for number in range(rows):
        await anext(answers)
        assert len(drawn) == (AT_ONCE if number < AT_ONCE else rows)
    assert [answer async for answer in answers] == []


async def test_rows_are_answered_although_the_next_request_has_to_wait_for_them():
    done = asyncio.Event()

    async def requests():
        yield a_request(0)
        await done.wait()
        yield a_request(1)

    numbers: list[int] = []
    async for request, _ in FileRows(ROWS, model="rows.jsonl").complete(requests()):
        numbers.append(request.ask.number)
        done.set()
    assert numbers == [0, 1]
