"""`augment.as_runnable`: in a chain, a run is a step like any other."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import subprocess
import sys
import textwrap
import threading
from collections import Counter
from itertools import islice

import pytest
from augment_command import LONGEST_S, left_in, seed_rows, until
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.language_models import FakeListChatModel
from langchain_core.runnables import Runnable, RunnableLambda, RunnableParallel

import augment

SEEDS = seed_rows()
OTHERS = seed_rows(("delta", "epsilon"), each=6)
FULL = {"alpha": 2, "beta": 2, "gamma": 2}
UNCHECKED = {"without": ["length", "form", "copy", "agreement", "similarity", "near_duplicate"]}


def labels_of(rows):
    return Counter(row["label"] for row in rows)


def joined(streamed):
    return [row for rows in streamed for row in rows]


async def ajoined(streamed):
    return [row async for rows in streamed for row in rows]


WAYS = {
    "invoke": lambda grow: grow.invoke(SEEDS),
    "batch": lambda grow: grow.batch([SEEDS])[0],
    "stream": lambda grow: joined(grow.stream(SEEDS)),
    "ainvoke": lambda grow: asyncio.run(grow.ainvoke(SEEDS)),
    "abatch": lambda grow: asyncio.run(grow.abatch([SEEDS]))[0],
    "astream": lambda grow: asyncio.run(ajoined(grow.astream(SEEDS))),
}


@pytest.fixture(name="grow")
def _grow(recipe):
    return augment.as_runnable(recipe)


@pytest.fixture(name="slow")
def _slow(openai_server, tmp_path):
    """A server and a recipe with which a run takes some three seconds."""
    server = openai_server(latency_ms=50)
    return server, {
        "endpoint": server.url, "encoder": "ngram", "per_label": 40, "concurrency": 2,
        "out": str(tmp_path / "out"), "filters": UNCHECKED,
    }  # fmt: skip


# What comes out of it ----------------------------------------------------------------------------


@pytest.mark.parametrize("way", WAYS)
def test_every_way_gives_the_rows_that_run_gives(way, grow, recipe, tmp_path):
    rows = WAYS[way](grow)
    run = augment.run(SEEDS, {**recipe, "out": tmp_path / "run"})

    assert rows == run.accepted.to_list()
    assert labels_of(rows) == FULL


@pytest.mark.parametrize("way", WAYS)
async def test_every_way_works_where_a_loop_runs(way, grow):
    calls = {
        "ainvoke": lambda: grow.ainvoke(SEEDS),
        "abatch": lambda: grow.abatch([SEEDS]),
        "astream": lambda: ajoined(grow.astream(SEEDS)),
    }
    found = await calls[way]() if way in calls else WAYS[way](grow)

    assert labels_of(found[0] if way == "abatch" else found) == FULL


def test_it_gives_the_rows_of_the_folder_that_the_seeds_name(grow, recipe, tmp_path):
    rows = grow.invoke(SEEDS)
    [folder] = (tmp_path / "out").iterdir()

    assert rows == left_in(folder).accepted
    assert left_in(folder).report["seeds"]["digest"].startswith(folder.name)


def test_a_stream_gives_one_row_at_a_time(grow):
    assert [len(rows) for rows in grow.stream(SEEDS)] == [1] * 6


def test_the_same_input_again_costs_nothing(openai_server, tmp_path):
    server = openai_server()
    recipe = {"endpoint": server.url, "encoder": "ngram", "per_label": 2, "out": tmp_path / "out"}
    grow = augment.as_runnable(recipe)
    rows, asked = grow.invoke(SEEDS), server.stats()["requests"]

    assert [way(grow) for way in WAYS.values()] == [rows] * len(WAYS)
    assert server.stats()["requests"] == asked >= 6


def test_a_chat_model_answers(tmp_path):
    answers = [json.dumps({"label": label, "text": f"a row of {label}"}) for label in FULL]
    model = FakeListChatModel(responses=answers)
    recipe = {"encoder": "ngram", "per_label": 1, "out": tmp_path / "out", "filters": UNCHECKED}
    rows = augment.as_runnable(recipe, chat_model=model).invoke(SEEDS)

    assert {row["text"] for row in rows} == {"a row of alpha", "a row of beta", "a row of gamma"}
    assert {row["provenance"]["engine"] for row in rows} == {"langchain"}


# While it comes ----------------------------------------------------------------------------------


def test_a_stream_gives_rows_before_the_run_has_ended(slow):
    server, recipe = slow
    with contextlib.closing(augment.as_runnable(recipe).stream(SEEDS)) as streamed:
        next(streamed)

        assert server.stats()["requests"] < 60


async def test_an_async_stream_gives_rows_before_the_run_has_ended(slow):
    server, recipe = slow
    async with contextlib.aclosing(augment.as_runnable(recipe).astream(SEEDS)) as streamed:
        await anext(streamed)

        assert server.stats()["requests"] < 60


def stopped(server, recipe, taken):
    """Hold what a stream that was left leaves against what was taken of it."""
    until(lambda: server.stats()["in_flight"] == 0)
    [folder] = augment.Recipe(**recipe).out.iterdir()
    left = left_in(folder)

    assert left.report["run"]["ending"] == "interrupted"
    assert left.accepted[: len(taken)] == taken
    assert server.stats()["requests"] < 60
    assert "augment" not in {thread.name for thread in threading.enumerate()}


def test_leaving_a_stream_early_ends_the_run_in_good_order(slow):
    server, recipe = slow
    with contextlib.closing(augment.as_runnable(recipe).stream(SEEDS)) as streamed:
        taken = joined(islice(streamed, 3))

    stopped(server, recipe, taken)


async def test_leaving_an_async_stream_early_ends_the_run_in_good_order(slow):
    server, recipe = slow
    taken = []
    async with contextlib.aclosing(augment.as_runnable(recipe).astream(SEEDS)) as streamed:
        async for [row] in streamed:
            taken.append(row)
            if len(taken) == 3:
                break

    stopped(server, recipe, taken)


async def test_a_cancelled_ainvoke_ends_the_run_in_good_order(slow):
    server, recipe = slow
    grown = asyncio.create_task(augment.as_runnable(recipe).ainvoke(SEEDS))
    await asyncio.to_thread(until, lambda: server.stats()["requests"] >= 4)
    grown.cancel()
    with pytest.raises(asyncio.CancelledError):
        await grown

    stopped(server, recipe, [])


def test_a_stream_that_was_left_goes_on_with_the_rows_it_gave(slow):
    server, recipe = slow
    grow = augment.as_runnable({**recipe, "per_label": 10})
    with contextlib.closing(grow.stream(SEEDS)) as streamed:
        taken = joined(islice(streamed, 3))
    server.control(latency_ms=0)
    rows = joined(grow.stream(SEEDS))

    assert rows[:3] == taken
    assert labels_of(rows) == dict.fromkeys(FULL, 10)


# Where it fails ----------------------------------------------------------------------------------


@pytest.mark.parametrize("way", WAYS)
def test_a_quota_that_is_not_met_raises_and_knows_the_run(way, recipe):
    grow = augment.as_runnable({**recipe, "max_requests": 2, "filters": UNCHECKED})
    with pytest.raises(augment.QuotaNotMet, match="--max-requests 2") as found:
        WAYS[way](grow)

    run = found.value.run
    assert (run.finish, len(run.accepted)) == ("budget", 2)
    assert str(found.value) == f"{run.out}: {run.detail}"


def test_a_stream_gives_what_was_accepted_before_it_raises(recipe):
    grow = augment.as_runnable({**recipe, "max_requests": 2, "filters": UNCHECKED})
    streamed = grow.stream(SEEDS)
    taken = [*next(streamed), *next(streamed)]
    with pytest.raises(augment.QuotaNotMet) as found:
        next(streamed)

    assert found.value.run.accepted.to_list() == taken


@pytest.mark.parametrize("way", WAYS)
def test_an_input_that_cannot_be_used_is_an_input_error(way, recipe, tmp_path):
    with pytest.raises(augment.InputError, match=r"^recipe: unknown key 'quota'"):
        WAYS[way](augment.as_runnable({**recipe, "quota": 2}))

    assert list(tmp_path.iterdir()) == []


def test_seeds_that_cannot_be_used_are_an_input_error(grow):
    with pytest.raises(augment.InputError, match="seeds, row 16: column 'text' is empty"):
        grow.invoke([*SEEDS, {"label": "alpha"}])


@pytest.mark.parametrize("way", WAYS)
def test_an_engine_that_is_not_there_is_said(way, recipe):
    recipe = {**recipe, "engine": "endpoint", "endpoint": "http://127.0.0.1:9/v1"}
    with pytest.raises(augment.EngineUnusable, match=r"127\.0\.0\.1:9"):
        WAYS[way](augment.as_runnable(recipe))


# Several inputs ----------------------------------------------------------------------------------


def test_a_batch_of_two_equal_inputs_gives_the_same_twice(grow, tmp_path):
    first, second = grow.batch([SEEDS, SEEDS])

    assert first == second
    assert labels_of(first) == FULL
    assert len(list((tmp_path / "out").iterdir())) == 1


async def test_an_async_batch_of_two_equal_inputs_gives_the_same_twice(grow):
    first, second = await grow.abatch([SEEDS, SEEDS])

    assert first == second
    assert labels_of(first) == FULL


def test_two_threads_with_equal_inputs_get_the_same(grow):
    both = RunnableParallel(one=grow, other=grow).invoke(SEEDS)

    assert both["one"] == both["other"]


def test_a_batch_of_two_inputs_gives_each_its_own(grow, tmp_path):
    first, second = grow.batch([SEEDS, OTHERS])

    assert labels_of(first) == FULL
    assert labels_of(second) == {"delta": 2, "epsilon": 2}
    assert len(list((tmp_path / "out").iterdir())) == 2


async def test_an_async_batch_of_two_inputs_gives_each_its_own(grow):
    first, second = await grow.abatch([SEEDS, OTHERS])

    assert labels_of(first) == FULL
    assert labels_of(second) == {"delta": 2, "epsilon": 2}


def test_one_input_of_a_batch_may_fail_alone(grow):
    found = grow.batch([SEEDS, [{"text": "x"}]], return_exceptions=True)

    assert labels_of(found[0]) == FULL
    assert isinstance(found[1], augment.InputError)


def test_a_batch_of_nothing_is_nothing(grow):
    assert grow.batch([]) == []


# In a chain --------------------------------------------------------------------------------------


def test_it_is_a_runnable(grow):
    assert isinstance(grow, Runnable)
    assert grow.get_name() == "augment"


@pytest.mark.parametrize(
    "way",
    [
        lambda chain: chain.invoke(2),
        lambda chain: chain.batch([2])[0],
        lambda chain: list(chain.stream(2))[-1],
        lambda chain: asyncio.run(chain.ainvoke(2)),
        lambda chain: asyncio.run(chain.abatch([2]))[0],
    ],
)
def test_it_stands_between_other_steps(grow, way):
    chain = RunnableLambda(lambda each: seed_rows(each=2 * each)) | grow | labels_of

    assert way(chain) == FULL


def test_rows_stream_through_the_last_step_of_a_chain(grow):
    chain = RunnableLambda(lambda _: SEEDS) | grow

    assert [len(rows) for rows in chain.stream(None)] == [1] * 6


class Watching(BaseCallbackHandler):
    """Notes the steps that begin and those that fail."""

    def __init__(self):
        self.begun, self.failed = [], []

    def on_chain_start(self, serialized, inputs, **more):
        self.begun.append(more.get("name"))

    def on_chain_error(self, error, **more):
        self.failed.append(type(error))


def test_callbacks_are_told_of_the_step_and_of_its_failure(recipe):
    watching = Watching()
    grow = augment.as_runnable({**recipe, "max_requests": 2})
    with pytest.raises(augment.QuotaNotMet):
        grow.invoke(SEEDS, config={"callbacks": [watching]})

    assert (watching.begun, watching.failed) == (["augment"], [augment.QuotaNotMet])


def test_a_fallback_takes_over_where_a_quota_is_not_met(recipe, grow, tmp_path):
    hasty = augment.as_runnable({**recipe, "max_requests": 2, "out": tmp_path / "hasty"})
    rows = hasty.with_fallbacks([grow], exceptions_to_handle=(augment.QuotaNotMet,)).invoke(SEEDS)

    assert labels_of(rows) == FULL


# Ctrl-C ------------------------------------------------------------------------------------------

SCRIPT = """
import asyncio, json, sys, augment

seeds, recipe = json.loads(sys.argv[1])
grow = augment.as_runnable(recipe)

async def main():
{called}

try:
    {started}
except KeyboardInterrupt:
    print("stopped", flush=True)
else:
    print("went on", flush=True)
"""


@pytest.mark.parametrize(
    ("called", "started"),
    [
        ("return", "grow.batch([seeds])"),
        ("for rows in grow.stream(seeds): pass", "asyncio.run(main())"),
    ],
)
def test_ctrl_c_stops_it_and_keeps_what_it_has(called, started, slow):
    server, recipe = slow
    server.control(latency_ms=200)
    code = SCRIPT.format(called=textwrap.indent(called, "    "), started=started)
    command = [sys.executable, "-c", code, json.dumps([SEEDS, recipe])]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            until(lambda: server.stats()["requests"] >= 4)
            process.send_signal(signal.SIGINT)
            out, _ = process.communicate(timeout=LONGEST_S)
        finally:
            process.kill()

    assert (out, process.returncode) == ("stopped\n", 0)
    stopped(server, recipe, [])
