"""The endpoint engine against a real server that misbehaves."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections import Counter

import pytest
from augment_command import until
from requests_made import a_request, requests_of, until_answered

from augment.engines.endpoint import EndpointSettings, connected
from augment.errors import EngineGone, EngineUnusable
from augment.records import Completion, Failure


async def answers(server, count, **settings):
    options = {"timeout_s": 30.0, "max_wait_s": 30.0, **settings}
    async with connected(EndpointSettings(url=server.url, **options)) as engine:
        return [item async for item in engine.complete(requests_of(count))]


async def refusal(url, **settings):
    began = time.monotonic()
    with pytest.raises(EngineUnusable) as caught:
        async with connected(EndpointSettings(url=url, **settings)):
            pass
    assert time.monotonic() - began < 5
    return str(caught.value)


async def test_every_request_is_answered_once(openai_server):
    found = await answers(openai_server(latency_ms=5), 200)

    assert sorted(request.ask.number for request, _ in found) == list(range(200))
    assert all(isinstance(outcome, Completion) for _, outcome in found)
    assert {json.loads(outcome.text)["label"] for _, outcome in found} == {"card"}
    assert all(outcome.calls == 1 and outcome.prompt_tokens > 0 for _, outcome in found)


async def test_what_may_pass_is_tried_again_and_what_will_not_is_a_failure(openai_server):
    server = openai_server(
        refuse_forever=0.1, error_500=0.2, error_429=0.1, reset=0.05, hang=0.02, body_junk=0.05
    )
    found = await answers(server, 150, timeout_s=0.3)
    kinds = Counter(
        outcome.code if isinstance(outcome, Failure) else "answered" for _, outcome in found
    )

    assert sorted(request.ask.number for request, _ in found) == list(range(150))
    assert kinds["refused"] == server.stats()["refused_prompts"] > 0
    assert kinds["answered"] >= 0.98 * (150 - kinds["refused"])
    refused = next(o for _, o in found if isinstance(o, Failure) and o.code == "refused")
    assert refused.detail.startswith("HTTP 400")


async def test_a_prompt_that_fails_again_and_again_is_given_up_while_others_are_answered(
    openai_server,
):
    found = await answers(openai_server(error_500=0.8, latency_ms=2), 40)
    given_up = [outcome for _, outcome in found if isinstance(outcome, Failure)]

    assert len(found) == 40
    assert 0 < len(given_up) < 40
    assert {outcome.code for outcome in given_up} == {"server_error"}
    assert all(outcome.detail.startswith("HTTP 500") for outcome in given_up)
    assert min(outcome.calls for outcome in given_up) >= 8


async def test_junk_in_place_of_a_completion_ends_as_unreadable(openai_server):
    found = await answers(openai_server(body_junk=0.8, latency_ms=2), 40)
    given_up = [outcome for _, outcome in found if isinstance(outcome, Failure)]

    assert "unreadable" in {outcome.code for outcome in given_up}
    assert any("not a chat completion" in outcome.detail for outcome in given_up)


async def test_a_server_without_guided_decoding_is_asked_without_it(openai_server, caplog):
    server = openai_server(no_guided="reject", label_pattern="the label (\\w+)")
    found = await answers(server, 20)

    assert all(isinstance(outcome, Completion) for _, outcome in found)
    assert all("```json" in outcome.text for _, outcome in found)
    assert "going on without" in caplog.text


async def test_a_server_without_system_role_gets_its_text_in_the_first_user_turn(openai_server):
    server = openai_server(no_system=True)
    found = await answers(server, 20)

    assert all(isinstance(outcome, Completion) for _, outcome in found)


async def test_a_refusal_after_an_accepted_schema_is_the_prompts_own(openai_server):
    server = openai_server()

    async def requests():
        for number in range(4):
            yield a_request(number)
            await asyncio.sleep(0.1)
            server.control(no_guided="reject")

    async with connected(EndpointSettings(url=server.url)) as engine:
        found = [outcome async for _, outcome in engine.complete(requests())]

    assert isinstance(found[0], Completion)
    assert all(isinstance(outcome, Failure) for outcome in found[1:])


@pytest.mark.parametrize("mode", ["think", "field"])
async def test_reasoning_is_split_off_and_kept(openai_server, mode):
    found = await answers(openai_server(reasoning=mode), 3)

    assert all(json.loads(outcome.text)["label"] == "card" for _, outcome in found)
    assert all(outcome.reasoning for _, outcome in found)
    assert all("<think>" not in outcome.text + outcome.reasoning for _, outcome in found)


async def test_cut_and_empty_answers_say_so(openai_server):
    cut = await answers(openai_server(finish_length=1.0), 1)
    empty = await answers(openai_server(null_content=1.0), 1)

    assert cut[0][1].finish == "length"
    assert empty[0][1].text == ""


async def test_retry_after_is_honoured(openai_server):
    server = openai_server(error_429=1.0, retry_after=1)
    began = time.monotonic()

    async def relent():
        await asyncio.to_thread(until, lambda: server.stats()["counts"].get("error_429") == 4)
        server.control(error_429=0.0)

    relenting = asyncio.create_task(relent())
    found = await answers(server, 4)
    await relenting

    assert time.monotonic() - began >= 1
    assert [outcome.calls for _, outcome in found] == [2, 2, 2, 2]


async def test_a_server_that_is_gone_for_a_while_is_waited_for(openai_server):
    server = openai_server(latency_ms=20)

    async def stumble():
        await until_answered(server)
        server.control(down_for_s=1)

    stumbling = asyncio.create_task(stumble())
    found = await answers(server, 400, concurrency=16)
    await stumbling

    assert len(found) == 400
    assert all(isinstance(outcome, Completion) for _, outcome in found)


async def test_a_server_that_is_gone_for_good_ends_the_wait(openai_server):
    server = openai_server(latency_ms=20)
    began = time.monotonic()

    async def kill():
        await until_answered(server)
        server.kill()

    killing = asyncio.create_task(kill())
    with pytest.raises(EngineGone, match=r"not answered for 1.5 s \(--max-wait-s\)"):
        await answers(server, 10**6, max_wait_s=1.5)
    await killing

    assert 1.5 <= time.monotonic() - began < 6


async def test_a_server_that_hangs_ends_the_wait_before_the_time_out(openai_server):
    with pytest.raises(EngineGone):
        await answers(openai_server(hang=1.0), 3, max_wait_s=1.0, timeout_s=600.0)


async def test_a_slot_is_used_again_only_after_the_consumer_came_back(openai_server):
    server = openai_server()
    drawn = 0

    async def requests():
        nonlocal drawn
        for number in range(40):
            drawn += 1
            yield a_request(number)

    async with connected(EndpointSettings(url=server.url, concurrency=4)) as engine:
        consumed = 0
        async for _ in engine.complete(requests()):
            await asyncio.sleep(0.005)
            assert drawn <= consumed + 4 + 1  # one more may wait for room
            consumed += 1

    assert drawn == consumed == 40


async def test_no_more_are_in_flight_than_allowed(openai_server):
    server = openai_server(latency_ms=30)
    await answers(server, 60, concurrency=7)

    assert server.stats()["max_in_flight"] == 7


async def test_leaving_early_leaves_no_call_behind(openai_server):
    server = openai_server(latency_ms=50)
    async with connected(EndpointSettings(url=server.url, concurrency=8)) as engine:
        stream = engine.complete(requests_of(1000))
        await anext(stream)
        await stream.aclose()

    assert len(asyncio.all_tasks()) == 1


async def test_the_key_is_sent_and_never_shown(openai_server, caplog):
    server = openai_server(auth="s3cret")
    assert "it wants a key" in await refusal(server.url)
    settings = EndpointSettings(url=server.url, api_key="s3cret")
    async with connected(settings) as engine:
        found = [outcome async for _, outcome in engine.complete(requests_of(2))]

    assert all(isinstance(outcome, Completion) for outcome in found)
    assert "s3cret" not in repr(settings) + caplog.text


async def test_nothing_listening_is_said_at_once():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    said = await refusal(f"http://127.0.0.1:{port}/v1")

    assert f"http://127.0.0.1:{port}/v1: cannot be reached" in said


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (403, "it refuses access"),
        (404, "it usually ends in /v1"),
        (418, "it cannot be used"),
        (503, "no answer to GET /models within 4.5 s"),
    ],
)
async def test_a_server_that_cannot_be_used_is_said_within_five_seconds(
    openai_server, status, words
):
    assert words in await refusal(openai_server(models_status=status).url)


NOT_OF_A_PROMPT = [302, 307, 402, 405, 410]


@pytest.mark.parametrize("status", NOT_OF_A_PROMPT)
async def test_a_status_that_is_of_no_prompt_refuses_none(openai_server, status):
    server = openai_server()
    settings = EndpointSettings(url=server.url, max_wait_s=1.0)
    async with connected(settings) as engine:
        [each async for each in engine.complete(requests_of(1))]
        server.control(chat_status=status)
        with pytest.raises(EngineGone, match=rf"has not answered for 1 s.*HTTP {status}"):
            [each async for each in engine.complete(requests_of(3))]

    async with connected(settings) as engine:
        with pytest.raises(EngineUnusable, match=f"HTTP {status} .*it cannot be used"):
            [each async for each in engine.complete(requests_of(1))]


async def test_an_unknown_model_is_refused_with_those_there_are(openai_server):
    server = openai_server(models=["small", "large"])

    assert "has no model 'huge'; it has ['small', 'large']" in await refusal(
        server.url, model="huge"
    )
    assert "choose one with --model; it has ['small', 'large']" in await refusal(server.url)
    async with connected(EndpointSettings(url=server.url, model="large")) as engine:
        assert engine.model == "large"


async def test_the_password_of_a_proxy_is_not_shown(monkeypatch):
    async def proxy(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(proxy, "127.0.0.1", 0) as listener:
        port = listener.sockets[0].getsockname()[1]
        monkeypatch.setenv("https_proxy", f"http://user:a-long-^secret@127.0.0.1:{port}")
        said = await refusal("https://models.invalid/v1")

    assert "HTTP 407: Proxy Authentication Required" in said
    assert "user" not in said
    assert "secret" not in said


async def test_an_address_that_is_none_is_refused():
    assert "no address of a server" in await refusal("http://[nonsense/v1")
    assert "cannot be reached" in await refusal("http:///v1")


async def test_the_environments_proxy_is_used(openai_server, monkeypatch):
    server = openai_server()
    seen: list[bytes] = []

    async def proxy(reader, writer):
        seen.append(await reader.readuntil(b"\r\n"))
        writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    listener = await asyncio.start_server(proxy, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    async with connected(EndpointSettings(url=server.url)):
        assert seen == []
    monkeypatch.delenv("no_proxy")
    await refusal("http://models.invalid/v1")
    listener.close()
    await listener.wait_closed()

    assert seen == [b"GET http://models.invalid/v1/models HTTP/1.1\r\n"]


async def test_headers_and_extra_fields_reach_the_server():
    seen: list[bytes] = []

    async def record(reader, writer):
        while head := await reader.readuntil(b"\r\n\r\n"):
            length = next(
                (int(x.split(b":")[1]) for x in head.split(b"\r\n") if x.startswith(b"Content-L")),
                0,
            )
            seen.append(head + await reader.readexactly(length))
            body = b'{"data": [{"id": "m"}], "choices": [{"message": {"content": "{}"}}]}'
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
            await writer.drain()
            if len(seen) == 2:
                break
        writer.close()

    listener = await asyncio.start_server(record, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    settings = EndpointSettings(
        url=f"http://127.0.0.1:{port}/v1/",
        headers={"X-Team": "nlp"},
        extra_body={"min_p": 0.1, "temperature": 0.2},
    )
    async with connected(settings) as engine:
        [(_, outcome)] = [item async for item in engine.complete(requests_of(1))]
    listener.close()
    await listener.wait_closed()

    assert outcome.text == "{}"
    assert outcome.prompt_tokens is None
    assert b"X-Team: nlp" in seen[1]
    body = json.loads(seen[1].split(b"\r\n\r\n", 1)[1])
    assert (body["min_p"], body["temperature"]) == (0.1, 0.2)
    assert body["response_format"]["json_schema"]["schema"]["required"] == ["label", "text"]


async def test_a_prompt_that_always_fails_is_given_up_though_nobody_else_is_answered(
    openai_server,
):
    [(_, outcome)] = await answers(openai_server(error_500=1.0), 1)

    assert isinstance(outcome, Failure)
    assert (outcome.code, outcome.calls) == ("server_error", 8)


async def test_a_busy_server_costs_no_request(openai_server):
    server = openai_server(slots=1, error_429=0.9, retry_after=0)
    found = await answers(server, 5, concurrency=5)

    assert all(isinstance(outcome, Completion) for _, outcome in found)
