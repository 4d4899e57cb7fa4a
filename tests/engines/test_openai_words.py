"""What we send to a chat server and what its answers mean."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from requests_made import a_request

from augment.engines import openai
from augment.engines.concurrency import Concurrency
from augment.messages import folded, without_thoughts
from augment.records import Completion, Message

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["choices", "message", "content", "usage", "logprobs", "x"]), inner
        )
    ),
)


@given(st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_body_is_a_completion_or_a_value_error(body):
    said = ""
    try:
        found = openai.completion(body)
    except ValueError as error:
        found, said = None, str(error)

    assert isinstance(found, Completion) or said.startswith("not a chat completion")


@given(message=JSON, choice=JSON, usage=JSON)
def test_strange_parts_of_a_completion_do_no_harm(message, choice, usage):
    body = {"choices": [{"message": {"content": message}, "logprobs": choice}], "usage": usage}
    found = openai.completion(json.dumps(body).encode())

    assert isinstance(found.text, str)
    assert found.prompt_tokens is None or found.prompt_tokens >= 0


def test_logprobs_are_read():
    tokens = [{"token": "a", "logprob": -0.5, "top_logprobs": [{"token": "b", "logprob": -1}]}]
    body = {"choices": [{"message": {"content": "a"}, "logprobs": {"content": tokens}}]}
    found = openai.completion(json.dumps(body).encode())

    assert found.logprobs is not None
    assert (found.logprobs[0].logprob, found.logprobs[0].top) == (-0.5, {"b": -1.0})


def test_characters_spread_over_tokens_are_put_together_by_their_bytes():
    octets = "日".encode()
    tokens = [
        {"token": "\\xe6", "bytes": [octets[0]], "logprob": -0.5},
        {"token": "\\x97\\xa5", "bytes": [*octets[1:]], "logprob": -0.5},
    ]
    found = openai.token_logprobs({"content": tokens})

    assert found is not None
    assert [(each.token, each.logprob) for each in found] == [("日", -1.0)]


@pytest.mark.parametrize("octets", [7, [300], ["a"], [-1], {"a": 1}, "text"])
def test_bytes_that_are_none_do_no_harm(octets):
    tokens = [{"token": "a", "bytes": octets, "logprob": -1.0}]
    found = openai.token_logprobs({"content": tokens})

    assert found is None or [each.token for each in found] == ["a"]


@pytest.mark.parametrize(
    ("text", "answer", "thoughts"),
    [
        ('{"text": "<think>"}', '{"text": "<think>"}', None),
        ("<think>hm</think>\n{}", "{}", "hm"),
        ("\n <think>\nhm\n</think>{}", "{}", "hm"),
        ("<think>never ends", "", "never ends"),
        ("plain", "plain", None),
    ],
)
def test_only_leading_thoughts_are_split_off(text, answer, thoughts):
    assert without_thoughts(text) == (answer, thoughts)


def test_the_systems_text_is_folded_into_the_first_user_turn():
    messages = (
        Message(role="system", content="rules"),
        Message(role="assistant", content="hello"),
        Message(role="user", content="task"),
        Message(role="user", content="more"),
    )
    assert folded(messages) == (
        Message(role="assistant", content="hello"),
        Message(role="user", content="rules\n\ntask"),
        Message(role="user", content="more"),
    )


def test_nothing_is_folded_without_a_user_turn():
    messages = (Message(role="system", content="rules"),)

    assert folded(messages) == messages


def test_the_schema_is_left_out_where_the_server_lacks_it():
    body = openai.payload(
        a_request(), model="m", dialect=openai.Dialect(schema=False), extra={"top_k": 5}
    )

    assert "response_format" not in body
    assert body["top_k"] == 5


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("2.5", 2.5),
        ("-3", 0.0),
        ("Thu, 01 Jan 1970 00:01:40 GMT", 90.0),
        ("Thu, 01 Jan 1970 00:00:01 GMT", 0.0),
        ("soon", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(value, seconds):
    assert openai.retry_after_s(value, now=10.0) == seconds


@given(st.binary(max_size=2000))
def test_an_excerpt_is_one_short_line_without_control_characters(body):
    said = openai.excerpt(body)

    assert len(said) <= 300
    assert said.isprintable()


async def test_concurrency_is_halved_once_for_all_that_were_in_flight():
    concurrency = Concurrency(16)
    marks = [concurrency.sent() for _ in range(10)]
    for mark in marks:
        concurrency.refused(mark)
    assert concurrency.allowed == 8
    concurrency.refused(concurrency.sent())
    assert concurrency.allowed == 4
    for _ in range(100):
        concurrency.answered()
    assert concurrency.allowed == 16


async def test_concurrency_never_falls_to_none():
    concurrency = Concurrency(2)
    for _ in range(5):
        concurrency.refused(concurrency.sent())

    assert concurrency.allowed == 1


@pytest.mark.parametrize(
    "said",
    [
        "This model's maximum context length is 1024 tokens. However, you requested 1100 tokens",
        "The input (2000 tokens) is longer than the model's context length (1024 tokens).",
        "the request exceeds the available context size. try increasing the context size",
        "context_length_exceeded",
        "Prompt is too long",
        "The decoder prompt (length 1300) is longer than the maximum model length of 1024.",
    ],
)
def test_a_complaint_of_the_length_is_told_from_other_refusals(said):
    assert openai.refusal_code(f'{{"error": {{"message": "{said}"}}}}') == "prompt_too_long"


@pytest.mark.parametrize(
    "said",
    ["this prompt was refused by the content policy", "max_tokens must be at least 1", ""],
)
def test_other_refusals_are_not_taken_for_complaints_of_the_length(said):
    assert openai.refusal_code(said) == "refused"
