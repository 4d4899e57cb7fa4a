"""Several servers of one model, some of which misbehave."""

from __future__ import annotations

import asyncio
import socket
import time
from collections import Counter

import pytest
from requests_made import requests_of, until_answered

from augment.engines.endpoint import EndpointSettings, connected
from augment.errors import EngineGone, EngineUnusable
from augment.records import Completion, Failure


def settings_of(servers, **settings):
    first, *others = (server.url for server in servers)
    options = {"timeout_s": 30.0, "max_wait_s": 30.0, **settings}
    return EndpointSettings(url=first, also=tuple(others), **options)


async def answers(servers, count, **settings):
    async with connected(settings_of(servers, **settings)) as engine:
        return [item async for item in engine.complete(requests_of(count))]


def by_server(found):
    return Counter(outcome.server for _, outcome in found if isinstance(outcome, Completion))


async def refusal(servers, **settings):
    began = time.monotonic()
    with pytest.raises(EngineUnusable) as caught:
        async with connected(settings_of(servers, **settings)):
            pass
    assert time.monotonic() - began < 5
    return str(caught.value)


async def test_equal_servers_share_the_requests_and_each_is_answered_once(openai_server):
    servers = [openai_server(latency_ms=20) for _ in range(2)]
    found = await answers(servers, 200, concurrency=8)

    assert sorted(request.ask.number for request, _ in found) == list(range(200))
    assert all(outcome.calls == 1 for _, outcome in found)
    assert by_server(found).keys() == {server.url for server in servers}
    assert min(by_server(found).values()) >= 80


async def test_each_server_keeps_its_own_concurrency(openai_server):
    servers = [openai_server(latency_ms=30) for _ in range(3)]
    await answers(servers, 120, concurrency=5)

    assert [server.stats()["max_in_flight"] for server in servers] == [5, 5, 5]


async def test_the_faster_server_gets_more(openai_server):
    fast, slow = openai_server(latency_ms=10), openai_server(latency_ms=100)
    found = by_server(await answers([fast, slow], 200, concurrency=4))

    assert found[fast.url] > 4 * found[slow.url] > 0


async def test_with_little_to_do_the_calls_go_round(openai_server):
    servers = [openai_server() for _ in range(2)]

    async def one_by_one():
        async for request in requests_of(20):
            await asyncio.sleep(0.01)
            yield request

    async with connected(settings_of(servers, concurrency=1)) as engine:
        found = [item async for item in engine.complete(one_by_one())]

    assert min(by_server(found).values()) >= 8


async def test_a_server_that_dies_is_left_out_and_nothing_is_lost(openai_server, caplog):
    dying, living = openai_server(latency_ms=20), openai_server(latency_ms=20)

    async def kill():
        await until_answered(dying)
        dying.kill()

    killing = asyncio.create_task(kill())
    found = await answers([dying, living], 600, concurrency=8)
    await killing

    assert sorted(request.ask.number for request, _ in found) == list(range(600))
    assert all(isinstance(outcome, Completion) for _, outcome in found)
    assert by_server(found)[living.url] > by_server(found)[dying.url] > 0
    assert f"{dying.url} is left out for now" in caplog.text


async def test_a_server_that_comes_back_is_used_again(openai_server, caplog):
    leaving, staying = openai_server(latency_ms=20), openai_server(latency_ms=20)

    async def leave():
        await until_answered(leaving)
        before = leaving.stats()["requests"]
        leaving.control(down_for_s=0.6)
        return before

    gone = asyncio.create_task(leave())
    found = await answers([leaving, staying], 1000, concurrency=8)

    assert all(isinstance(outcome, Completion) for _, outcome in found)
    assert by_server(found)[leaving.url] > await gone + 100
    assert f"{leaving.url} answers again" in caplog.text


async def test_a_server_that_fails_at_once_draws_no_requests_to_it(openai_server, caplog):
    failing, slow = openai_server(error_500=1.0), openai_server(latency_ms=50)
    found = await answers([failing, slow], 200, concurrency=8)

    assert sum(isinstance(outcome, Failure) for _, outcome in found) <= 2
    assert failing.stats()["requests"] < 100
    assert f"{failing.url} is left out for now: " in caplog.text


async def test_a_server_that_is_busy_at_times_has_its_share_of_the_requests(openai_server):
    busy, other = (openai_server(latency_ms=10, error_429=share) for share in (0.4, 0.0))
    found = await answers([busy, other], 400, concurrency=16)

    assert all(isinstance(outcome, Completion) for _, outcome in found)
    assert by_server(found)[busy.url] > 60


async def test_a_server_that_is_always_busy_is_left_out(openai_server):
    busy, free = openai_server(error_429=1.0), openai_server(latency_ms=10)
    found = await answers([busy, free], 200, concurrency=8)

    assert by_server(found) == {free.url: 200}
    assert busy.stats()["requests"] < 60


async def test_a_server_that_wants_to_be_left_alone_is(openai_server):
    busy, free = openai_server(error_429=1.0, retry_after=5), openai_server(latency_ms=10)
    began = time.monotonic()
    found = await answers([busy, free], 100, concurrency=4)

    assert all(isinstance(outcome, Completion) for _, outcome in found)
    assert by_server(found) == {free.url: 100}
    assert busy.stats()["requests"] <= 4
    assert time.monotonic() - began < 4


async def test_servers_that_are_all_gone_end_the_wait(openai_server):
    servers = [openai_server(latency_ms=20) for _ in range(2)]

    async def kill():
        for server in servers:
            await until_answered(server)
        for server in servers:
            server.kill()

    killing = asyncio.create_task(kill())
    with pytest.raises(
        EngineGone, match=r"not answered for 1.5 s \(--max-wait-s\); the last error"
    ):
        await answers(servers, 10**6, max_wait_s=1.5)
    await killing


async def test_whatever_two_servers_do_every_request_comes_back_once(openai_server):
    servers = [
        openai_server(error_500=0.2, reset=0.1, error_429=0.1, seed=1),
        openai_server(body_junk=0.2, hang=0.02, refuse_forever=0.1, seed=2),
    ]
    found = await answers(servers, 300, timeout_s=0.5)

    assert sorted(request.ask.number for request, _ in found) == list(range(300))
    kinds = Counter(o.code for _, o in found if isinstance(o, Failure))
    assert kinds["server_error"] + kinds["unreadable"] <= 3


async def test_everything_wrong_with_the_servers_is_said_at_the_start(openai_server):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{unused.getsockname()[1]}/v1"
    locked, fine = openai_server(auth="s3cret"), openai_server()

    class Nobody:
        url = nobody

    said = await refusal([fine, locked, Nobody])
    assert f"{locked.url}: the server answered HTTP 401" in said
    assert f"{nobody}: cannot be reached" in said
    assert fine.url not in said


async def test_servers_of_different_models_are_refused(openai_server):
    said = await refusal([openai_server(models=["small"]), openai_server(models=["large"])])

    assert "the endpoints must serve one model, and serve: " in said
    assert "/v1 small, http://" in said


async def test_leaving_early_leaves_no_call_behind(openai_server):
    servers = [openai_server(latency_ms=50) for _ in range(2)]
    async with connected(settings_of(servers, concurrency=8)) as engine:
        stream = engine.complete(requests_of(1000))
        await anext(stream)
        await stream.aclose()

    assert len(asyncio.all_tasks()) == 1
