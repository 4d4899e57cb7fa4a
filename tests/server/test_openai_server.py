import asyncio
import hashlib
import http.client
import itertools
import json
import math
import os
import re
import socket
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai_answers import OUTSIDE, likeliest, logprobs, near_copy, sentence

HEAD = b"POST /v1/chat/completions HTTP/1.1\r\nContent-Length: %d\r\n\r\n"
PROGRAM = Path(__file__).parent / "openai_server.py"
SCHEMA = {
    "type": "object",
    "properties": {"text": {"type": "string"}, "label": {"enum": ["card", "refund"]}},
    "required": ["text", "label"],
}
HTTP_FAULTS = {"error_500": 500, "error_429": 429, "refuse_forever": 400}


def request(number=0, *, schema=SCHEMA, messages=None, **more):
    body = {"model": "stub", "seed": number, **more}
    body["messages"] = messages or [{"role": "user", "content": "Write a row. Label: refund"}]
    if schema is not None:
        form = {"name": "row", "schema": schema}
        body["response_format"] = {"type": "json_schema", "json_schema": form}
    return json.dumps(body).encode()


def post(server, body, path="/v1/chat/completions", headers=None):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    try:
        connection.request("POST" if body is not None else "GET", path, body, headers or {})
        with connection.getresponse() as response:
            return response.status, response.headers, response.read()
    finally:
        connection.close()


def message_of(server, body):
    status, _, data = post(server, body)
    assert status == 200, data
    return json.loads(data)["choices"][0]["message"]


def row_of(server, body):
    return json.loads(message_of(server, body)["content"])


async def outcomes(server, bodies, *, in_flight=32, timeout_s=20):
    """Return what became of each body, in order: its status and data, or the error's name."""
    room = asyncio.Semaphore(in_flight)
    limit = aiohttp.ClientTimeout(total=timeout_s)

    async def one(session, body):
        async with room:
            try:
                async with session.post(f"{server.url}/chat/completions", data=body) as response:
                    return response.status, await response.read()
            except (aiohttp.ClientError, TimeoutError) as error:
                return type(error).__name__, b""

    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, timeout=limit) as session:
        return await asyncio.gather(*(one(session, body) for body in bodies))


def near(count, share, total):
    """Whether a count is within four standard errors of a share of the total."""
    return abs(count - share * total) <= 4 * (total * share * (1 - share)) ** 0.5 + 1


def words(text):
    return set(re.findall(r"\w+", text.lower()))


def jaccard(one, other):
    return len(one & other) / len(one | other)


def wait_until(condition, within_s=10):
    end = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)


def test_an_answer_fills_the_schema_and_counts_its_tokens(openai_server):
    status, headers, data = post(openai_server(), request())
    answer = json.loads(data)
    row = json.loads(answer["choices"][0]["message"]["content"])
    assert status == 200
    assert headers["Content-Type"] == "application/json"
    assert row["label"] == "card"
    assert 8 <= len(row["text"].split()) <= 14
    assert answer["choices"][0]["finish_reason"] == "stop"
    assert answer["usage"]["prompt_tokens"] > 0
    assert answer["usage"]["completion_tokens"] > 0


def test_arrays_pairs_and_choices_are_filled(openai_server):
    row = {"type": "object", "properties": {"text": {"type": "string"}, "n": {"type": "integer"}}}
    schema = {
        "type": "object",
        "properties": {
            "text": {"type": "string"},
            "text_pair": {"type": "string", "maxLength": 20},
            "labels": {"type": "array", "prefixItems": [{"const": "a"}, {"const": "b"}]},
            "others": {"type": "array", "items": {"enum": ["x", "y", "z"]}, "minItems": 2},
            "rows": {"type": "array", "items": row, "minItems": 2},
            "maybe": {"anyOf": [{"type": "null"}, {"type": "string"}]},
            "none": {"type": "array", "items": {"type": "string"}},
            "sure": {"type": ["boolean", "null"]},
        },
    }
    found = row_of(openai_server(), request(schema=schema))
    texts = [found["text"], found["text_pair"], *(one["text"] for one in found["rows"])]
    assert found["labels"] == ["a", "b"]
    assert found["others"] == ["x", "y"]
    assert [one["n"] for one in found["rows"]] == [0, 0]
    assert (found["maybe"], found["none"], found["sure"]) == (None, [], True)
    assert len(found["text_pair"]) == 20
    # The first row's text is the text of the whole answer: only there do hostile texts go.
    assert len(set(texts)) == 3


def test_without_a_schema_prose_holds_a_fenced_object_with_the_label_of_the_prompt(openai_server):
    server = openai_server(label_pattern=r"Label: (\w+)")
    content = message_of(server, request(schema=None))["content"]
    fence = re.search(r"\n```json\n(.*)\n```\n", content, re.DOTALL)
    assert fence is not None, content
    assert content[: fence.start()].strip()
    assert json.loads(fence[1])["label"] == "refund"


def test_the_same_body_gets_the_same_answer_and_another_body_another(openai_server):
    first, second = openai_server(), openai_server()
    assert post(first, request(1))[2] == post(second, request(1))[2]
    assert row_of(first, request(1))["text"] != row_of(first, request(2))["text"]


def test_ten_thousand_sentences_are_distinct_and_no_near_duplicates():
    texts = [sentence(hashlib.sha256(b"%d" % n).digest(), "text") for n in range(10_000)]
    assert len(set(texts)) == len(texts)
    assert {len(text.split()) for text in texts} <= set(range(8, 15))
    pairs = itertools.combinations([words(text) for text in texts[:700]], 2)
    assert max(jaccard(one, other) for one, other in pairs) < 0.7


@given(st.binary(min_size=32, max_size=32))
def test_a_near_copy_differs_in_one_word_and_is_a_near_duplicate(digest):
    text = sentence(digest, "text")
    copy = near_copy(text)
    assert sum(one != other for one, other in zip(text.split(), copy.split(), strict=True)) == 1
    assert jaccard(words(text), words(copy)) >= 0.6
    assert near_copy(copy) != copy


async def test_every_share_of_calls_is_near_what_was_asked(openai_server):
    shares = {"error_500": 0.2, "error_429": 0.1, "reset": 0.05, "hang": 0.02, "body_junk": 0.05}
    server = openai_server(**shares, refuse_forever=0.1)
    bodies = [request(number) for number in range(1000)]
    found = await outcomes(server, bodies, in_flight=200, timeout_s=3)
    wait_until(lambda: server.stats()["in_flight"] == 0)
    counts = server.stats()["counts"]
    assert near(counts["refuse_forever"], 0.1, 1000), counts
    rest = sum(counts.values()) - counts["refuse_forever"]
    for name, share in shares.items():
        assert near(counts[name], share, rest), (name, counts)
    statuses = Counter(status for status, _ in found)
    for name, status in HTTP_FAULTS.items():
        assert statuses[status] == counts[name], name
    # aiohttp itself repeats nothing: a POST that was reset is an error.
    assert statuses["ClientOSError"] + statuses["ServerDisconnectedError"] == counts["reset"]
    assert statuses["TimeoutError"] + statuses["ServerTimeoutError"] == counts["hang"]
    assert statuses[200] == counts["ok"] + counts["body_junk"]


async def test_every_share_of_answers_is_near_what_was_asked(openai_server):
    shares = {"junk": 0.1, "null_content": 0.05, "wrong_label": 0.1, "finish_length": 0.05}
    server = openai_server(**shares, near_copies=0.1)
    found = await outcomes(server, [request(number) for number in range(1000)])
    counts = server.stats()["counts"]
    for name, share in {**shares, "near_copies": 0.1}.items():
        assert near(counts[name], share, 1000), (name, counts)
    kinds = Counter()
    for status, data in found:
        choice = json.loads(data)["choices"][0]
        content = choice["message"]["content"]
        assert status == 200
        if content is None:
            kinds["null_content"] += 1
        elif choice["finish_reason"] == "length":
            kinds["finish_length"] += 1
        elif OUTSIDE in content:
            kinds["wrong_label"] += 1
        else:
            kinds["junk"] += not re.fullmatch(r'\{"text": ".+", "label": "card"\}', content)
    assert kinds == Counter({name: counts[name] for name in shares})


async def test_a_refused_prompt_is_refused_whenever_it_comes_and_never_another(openai_server):
    server = openai_server(refuse_forever=0.3, error_500=0.5)
    bodies = [request(number) for number in range(60)]
    rounds = [await outcomes(server, bodies) for _ in range(4)]
    refused = [{n for n, (status, _) in enumerate(one) if status == 400} for one in rounds]
    broken = [{n for n, (status, _) in enumerate(one) if status == 500} for one in rounds]
    assert refused[0] == refused[1] == refused[2] == refused[3]
    assert server.stats()["refused_prompts"] == len(refused[0]) > 0
    assert "content policy" in json.loads(rounds[0][min(refused[0])][1])["error"]["message"]
    assert broken[0] != broken[1], "a retry must be able to fare better"


def test_too_many_requests_say_when_to_come_back(openai_server):
    server = openai_server(error_429=1, retry_after=0.5)
    status, headers, _ = post(server, request())
    assert (status, headers["Retry-After"]) == (429, "0.5")
    server.control(retry_after=None)
    assert post(server, request())[1]["Retry-After"] is None


def test_a_reset_is_a_tcp_reset_without_an_answer(openai_server):
    server = openai_server(reset=1)
    with pytest.raises(ConnectionResetError, match=r"reset by peer"):
        post(server, request())
    assert server.stats()["counts"] == {"reset": 1}


def test_a_hanging_call_ends_when_its_client_leaves(openai_server):
    server = openai_server(hang=1)
    with socket.create_connection(("127.0.0.1", server.port), timeout=0.3) as client:
        body = request()
        client.sendall(
            b"POST /v1/chat/completions HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(body)
        )
        client.sendall(body)
        with pytest.raises(TimeoutError, match="timed out"):
            client.recv(1)
        assert server.stats()["in_flight"] == 1
    wait_until(lambda: server.stats()["in_flight"] == 0)
    assert server.stats()["counts"] == {"hang": 1}


async def test_a_junk_body_is_no_chat_completion(openai_server):
    server = openai_server(body_junk=1)
    found = await outcomes(server, [request(number) for number in range(20)])
    assert len({data for _, data in found}) >= 4
    for status, data in found:
        assert status == 200
        with pytest.raises(ValueError, match=r"Expecting|Unterminated|codec|Extra"):
            json.loads(data)


async def test_junk_content_holds_no_whole_row(openai_server):
    server = openai_server(junk=1)
    found = await outcomes(server, [request(number) for number in range(100)])
    contents = {json.loads(data)["choices"][0]["message"]["content"] for _, data in found}
    assert {"", "[]", "null"} <= contents
    assert any(content.startswith('{"text"') for content in contents), "truncated JSON"
    assert not any('"label"' in content for content in contents)


def test_a_near_copy_repeats_an_earlier_sentence_but_for_one_word(openai_server):
    server = openai_server()
    first = row_of(server, request(1))["text"]
    server.control(near_copies=1)
    second = row_of(server, request(2))["text"]
    assert second != first
    assert second.split()[:-1] == first.split()[:-1]


def test_reasoning_stands_before_the_answer_or_in_its_own_field(openai_server):
    server = openai_server(reasoning="think")
    thought = re.fullmatch(
        r"<think>\n(.+)\n</think>\n\n(.+)", message_of(server, request())["content"]
    )
    server.control(reasoning="field")
    message = message_of(server, request())
    assert thought is not None
    assert message["reasoning_content"] == thought[1]
    assert message["content"] == thought[2]


@pytest.mark.parametrize(("slow", "chunked"), [(1, 0), (0, 1), (1, 1)])
def test_an_answer_in_pieces_is_the_same_answer(openai_server, slow, chunked):
    server = openai_server()
    _, _, whole = post(server, request())
    server.control(slow_body=slow, chunked=chunked, slow_body_ms=80)
    start = time.monotonic()
    _, headers, data = post(server, request())
    assert data == whole
    assert headers["Transfer-Encoding"] == ("chunked" if chunked else None)
    assert time.monotonic() - start >= 0.07 * slow


def test_requests_sent_in_one_go_are_answered_in_order(openai_server):
    server = openai_server(latency_ms=5, slow_body=0.5, slow_body_ms=10)
    bodies = [request(number) for number in range(6)]
    texts = [sentence(hashlib.sha256(body).digest(), "text").encode() for body in bodies]
    received = b""
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as client:
        client.sendall(b"".join(HEAD % len(body) + body for body in bodies))
        while not all(text in received for text in texts):
            received += client.recv(65536)
    places = [received.index(text) for text in texts]
    assert places == sorted(places)


async def test_slots_bound_what_is_worked_on_at_once(openai_server):
    server = openai_server(slots=2, latency_ms=50)
    start = time.monotonic()
    await outcomes(server, [request(number) for number in range(8)], in_flight=8)
    assert time.monotonic() - start >= 4 * 0.05 - 0.01
    assert server.stats()["max_in_flight"] == 8


async def test_latency_is_kept_and_jitter_added(openai_server):
    server = openai_server(latency_ms=60, latency_jitter_ms=200)
    ends = []

    async def one(number):
        start = time.monotonic()
        await outcomes(server, [request(number)])
        ends.append(time.monotonic() - start)

    await asyncio.gather(*(one(number) for number in range(20)))
    assert min(ends) >= 0.06
    assert max(ends) - min(ends) >= 0.05


async def test_a_long_queue_is_answered_to_its_end(openai_server):
    server = openai_server(slots=1, latency_ms=300)
    calls = asyncio.create_task(
        outcomes(server, [request(number) for number in range(400)], in_flight=400)
    )
    await asyncio.sleep(0.2)
    await asyncio.to_thread(server.control, latency_ms=0)
    assert Counter(status for status, _ in await calls) == {200: 400}


def test_a_server_without_guided_decoding_rejects_or_ignores_the_schema(openai_server):
    server = openai_server(no_guided="reject")
    status, _, data = post(server, request())
    assert status == 400
    assert "response_format" in json.loads(data)["error"]["message"]
    assert message_of(server, request(schema=None))["content"]
    server.control(no_guided="ignore")
    content = message_of(server, request())["content"]
    assert json.loads(content.split("```json")[1].split("```")[0])["label"] == "card"
    server.control(label_pattern=r"Label: (\w+)")
    assert '"label": "refund"' in message_of(server, request())["content"]


@pytest.mark.parametrize(
    ("config", "more", "status", "message"),
    [
        (
            {"no_system": True},
            {"messages": [{"role": "system", "content": "x"}]},
            400,
            "System role",
        ),
        ({"no_logprobs": True}, {"logprobs": True}, 400, "logprobs are not supported"),
        ({"models": ["a", "b"]}, {}, 404, "`stub` does not exist"),
        ({"max_body": 1000}, {"pad": "x" * 1000}, 413, "more than 1000"),
        ({}, {"messages": [3]}, 400, "no chat request"),
        ({}, {"stream": True}, 400, "stream"),
    ],
)
def test_what_the_server_does_not_take_is_refused(openai_server, config, more, status, message):
    found, _, data = post(openai_server(**config), request(**more))
    assert found == status
    assert message in json.loads(data)["error"]["message"]


CHOICE = {
    "type": "object",
    "properties": {"label": {"type": "string", "enum": ["card_arrival", "card_lost", "refund"]}},
}


def answered(server, body):
    """The content of an answer, and its tokens with their log-probabilities."""
    status, _, data = post(server, body)
    assert status == 200, data
    choice = json.loads(data)["choices"][0]
    return choice["message"]["content"], choice["logprobs"]["content"]


def test_logprobs_come_only_where_they_are_asked_for(openai_server):
    server = openai_server()
    assert b"logprobs" not in post(server, request())[2]
    assert b"logprobs" not in post(server, request(logprobs=False))[2]
    content, tokens = answered(server, request(logprobs=True))
    assert row_of(server, request(logprobs=True)) == json.loads(content)
    assert all(token["top_logprobs"] == [] for token in tokens)


@pytest.mark.parametrize(
    "config",
    [{}, {"junk": 1}, {"null_content": 1}, {"finish_length": 1}, {"wrong_label": 1},
     {"reasoning": "think"}, {"no_guided": "ignore"}, {"hostile": ["é \u2028 <b>", "\ud800"]}],
)  # fmt: skip
def test_the_tokens_join_to_the_content_whatever_that_is(openai_server, config):
    server = openai_server(**config)
    for number in range(10):
        body = request(number, logprobs=True, top_logprobs=5)
        content, tokens = answered(server, body)
        assert "".join(token["token"] for token in tokens) == (content or "")
        for token in tokens:
            assert token["top_logprobs"][0]["token"] == token["token"]
            assert token["top_logprobs"][0]["logprob"] == token["logprob"] < 0


@pytest.mark.parametrize("top", [0, 1, 2, 3, 20])
def test_no_more_rivals_are_told_than_were_asked_for_the_token_itself_among_them(
    openai_server, top
):
    _, tokens = answered(openai_server(), request(schema=CHOICE, logprobs=True, top_logprobs=top))
    assert max(len(token["top_logprobs"]) for token in tokens) == min(top, 3)


def test_the_rivals_of_a_label_are_the_other_labels_and_what_is_none(openai_server):
    content, tokens = answered(
        openai_server(), request(schema=CHOICE, logprobs=True, top_logprobs=20)
    )
    assert content == '{"label": "card_arrival"}'
    rivals = {
        token["token"]: {one["token"] for one in token["top_logprobs"]} - {token["token"], "<|x|>"}
        for token in tokens
    }
    assert {token: others for token, others in rivals.items() if others} == {
        "card": {"refu"}, "arri": {"lost"},
    }  # fmt: skip
    assert all("<|x|>" in {one["token"] for one in token["top_logprobs"]} for token in tokens)


@given(
    labels=st.lists(st.text('ab_" é', min_size=1, max_size=9), min_size=1, max_size=6, unique=True),
    digest=st.binary(min_size=32, max_size=32),
    top=st.integers(0, 20),
)
def test_the_shares_of_a_token_and_its_rivals_are_at_most_the_whole(labels, digest, top):
    answers = [json.dumps({"label": label}, ensure_ascii=False) for label in labels]
    tokens = logprobs(answers[0], answers, digest, top)["content"]
    assert "".join(token["token"] for token in tokens) == answers[0]
    for token in tokens:
        told = {one["token"]: one["logprob"] for one in token["top_logprobs"]}
        assert len(told) == len(token["top_logprobs"]) <= top
        assert sum(map(math.exp, told.values())) <= 1 + 1e-9
        assert token["logprob"] >= max(told.values(), default=-math.inf), "it is not the likeliest"


def test_how_sure_it_is_depends_on_the_body_alone(openai_server):
    server = openai_server()
    bodies = [request(n, schema=CHOICE, logprobs=True, top_logprobs=20) for n in range(8)]
    first = [answered(server, body) for body in bodies]
    assert [answered(server, body) for body in bodies] == first
    assert len({tuple(token["logprob"] for token in tokens) for _, tokens in first}) == 8


def test_a_server_without_logprobs_answers_those_who_want_none(openai_server):
    server = openai_server(no_logprobs=True)
    assert post(server, request(logprobs=True, top_logprobs=5))[0] == 400
    assert row_of(server, request())["label"] == "card"
    assert server.stats()["counts"] == {"no_logprobs": 1, "ok": 1}


def labelled(server, text, label=None):
    schema = CHOICE if label is None else {"type": "object", "properties": {"label": label}}
    messages = [
        {"role": "user", "content": "Text: refund"},
        {"role": "user", "content": f"Label this.\nText: {text}\nLabels: refund, card_lost"},
    ]
    return row_of(server, request(schema=schema, messages=messages))["label"]


def test_the_label_that_shares_most_words_with_the_row_is_chosen(openai_server):
    server = openai_server(row_pattern=r"Text: (.*)\nLabels")
    assert labelled(server, "I lost my card") == "card_lost"
    assert labelled(server, "Why has my CARD not ARRIVED?") == "card_arrival"
    assert labelled(server, "refunding\nthe rest") == "refund", "a row may have several lines"
    assert labelled(server, "refund", {"enum": ["card_lost"]}) == "card_lost"
    assert labelled(server, "refund", {"const": "card_lost"}) == "card_lost"


def test_of_several_labels_the_likeliest_is_the_only_one(openai_server):
    many = {"type": "array", "items": CHOICE["properties"]["label"], "maxItems": 3}
    server = openai_server(row_pattern=r"Text: (.*)\nLabels")
    assert labelled(server, "I lost my card", many) == ["card_lost"]
    server.control(row_pattern="")
    assert labelled(server, "I lost my card", many) == []


def test_a_prompt_in_which_no_row_is_found_is_answered_as_if_none_was_sought(openai_server):
    server = openai_server(row_pattern="Row: (.*)")
    assert labelled(server, "I lost my card") == "card_arrival"


def test_among_labels_equally_likely_the_body_decides():
    values = ("one", "two", "three")
    found = [likeliest(values, "none of them", bytes([0, 0, n])) for n in range(3)]
    assert found == ["one", "two", "three"]
    assert likeliest(("refund_not_here", "refund"), "my refund", bytes(3)) == "refund"


def test_a_key_is_asked_for_everywhere_but_at_the_controls(openai_server):
    server = openai_server(auth="secret")
    for body, path in ((None, "/v1/models"), (request(), "/v1/chat/completions")):
        assert post(server, body, path)[0] == 401
        assert post(server, body, path, {"authorization": "Bearer wrong"})[0] == 401
        assert post(server, body, path, {"Authorization": "Bearer secret"})[0] == 200
    assert server.stats()["counts"] == {"auth": 2, "ok": 1}


def test_the_models_are_listed_unless_told_otherwise(openai_server):
    server = openai_server(models=["a", "b"])
    _, _, data = post(server, None, "/v1/models")
    assert [model["id"] for model in json.loads(data)["data"]] == ["a", "b"]
    server.control(models_status=503)
    assert post(server, None, "/v1/models")[0] == 503


def test_hostile_texts_come_in_turn_escaped_and_raw(openai_server):
    texts = ["\x00", "\ud800", "<script>", "{{ 7*7 }}", "\u202e", "a\u2028b", "x" * 1_000_000]
    server = openai_server(hostile=texts)
    contents = [message_of(server, request(n))["content"] for n in range(2 * len(texts))]
    assert [json.loads(content)["text"] for content in contents] == texts * 2
    assert "\\ud800" in contents[1]
    assert "\ud800" in contents[1 + len(texts)]
    server.control(hostile_share=0)
    assert row_of(server, request(99))["text"] not in texts


def test_it_goes_down_for_a_while_and_comes_back_on_the_same_port(openai_server):
    server = openai_server(latency_ms=60_000)
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as client:
        body = request()
        client.sendall(HEAD % len(body) + body)
        wait_until(lambda: server.stats()["in_flight"] == 1)
        server.control(down_for_s=0.5, latency_ms=0)
        with pytest.raises(ConnectionResetError, match="reset by peer"):
            client.recv(1)
    with pytest.raises(ConnectionRefusedError, match="refused"):
        post(server, request())

    def is_back():
        try:
            return post(server, request())[0] == 200
        except ConnectionRefusedError:
            return False

    wait_until(is_back)
    assert server.stats()["counts"] == {"gone": 1, "ok": 1}


def test_repeated_calls_are_seen_in_the_counts(openai_server):
    server = openai_server()
    for number in (1, 2, 2):
        post(server, request(number))
    digest = {n: hashlib.sha256(request(n)).hexdigest() for n in (1, 2)}
    stats = server.stats()
    assert stats["answered"] == {digest[1]: 1, digest[2]: 2}
    assert stats["requests"] == 3
    assert stats["max_in_flight"] == 1


def test_an_unknown_or_impossible_configuration_is_refused_with_its_name(openai_server):
    server = openai_server()
    for config, message in (
        ({"eror_500": 0.1}, "unknown: eror_500; allowed: accuracy, annotates, auth"),
        ({"hang": 1.5}, "hang is 1.5, not a share"),
        ({"hang": "much"}, "hang is 'much', which has the wrong type"),
        ({"hang": 0.6, "reset": 0.6}, "add up to more than 1"),
        ({"reasoning": "loud"}, "reasoning is 'loud', not one of"),
        ({"label_pattern": "("}, "label_pattern is '('"),
        ({"row_pattern": "("}, "row_pattern is '('"),
        ({"row_pattern": "Text: .*"}, "row_pattern is 'Text: .*', which has no group"),
        ({"models_status": 299}, "models_status is 299"),
    ):
        with pytest.raises(ValueError, match=re.escape(message)):
            server.control(**config)
    assert post(server, request())[0] == 200


def test_a_body_of_unknown_length_is_refused(openai_server):
    server = openai_server()
    head = b"POST /v1/chat/completions HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(head)  # and nothing more: it is refused before the body comes
        said = b"".join(iter(lambda: connection.recv(4096), b""))
    assert said.startswith(b"HTTP/1.1 411 ")
    assert b"Content-Length is needed" in said


def test_the_program_reads_its_command_line_and_ends_with_its_input():
    command = [sys.executable, str(PROGRAM), "--port", "0", "--config", '{"models": ["mine"]}']
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        server = SimpleNamespace(**json.loads(process.stdout.readline()))
        assert json.loads(post(server, None, "/v1/models")[2])["data"][0]["id"] == "mine"
        process.stdin.close()
        try:
            assert process.wait(10) == 0
        finally:
            process.kill()


def test_a_server_does_not_outlive_a_test_run_that_is_killed():
    code = "import conftest, os; print(conftest.OpenAIServer().pid, flush=True); os.abort()"
    folder = str(PROGRAM.parent.parent)
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, stdout=subprocess.PIPE, check=False
    )
    assert found.returncode < 0

    def is_gone():
        try:
            os.kill(int(found.stdout), 0)
        except ProcessLookupError:
            return True
        return False

    wait_until(is_gone)


@pytest.mark.parametrize(("ci", "outcome"), [("true", "Failed"), ("", "Skipped")])
def test_what_is_missing_skips_on_a_users_machine_and_fails_in_ci(
    monkeypatch, missing, ci, outcome
):
    monkeypatch.setenv("CI", ci)
    with pytest.raises(BaseException, match="no corpora") as found:
        missing("no corpora")
    assert type(found.value).__name__ == outcome
