"""The langchain engine with a chat model that obeys the class, and with ChatOpenAI over HTTP."""

from __future__ import annotations

import asyncio
import dataclasses
import functools
import gc
import importlib.util
import json
import socket
import time
from typing import Any

import httpx
import pytest
from augment_command import until
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.rate_limiters import InMemoryRateLimiter
from langchain_core.runnables import RunnableLambda
from pydantic import PrivateAttr, SecretStr
from requests_made import SCHEMA, a_request, requests_of, until_answered

from augment.engines.langchain import LangChain, LangChainSettings, chat_model
from augment.errors import EngineGone, EngineUnusable
from augment.records import Completion, Failure, TokenLogprob


class StatusError(Exception):
    """An error as the providers' packages raise them: a status and a response with headers."""

    def __init__(self, status, text="", headers=None):
        super().__init__(text or f"status {status}")
        self.status_code = status
        self.response = httpx.Response(status, headers=headers)


class Told(BaseChatModel):
    """A chat model whose answers a function gives: a string, a message, or an error to raise."""

    temperature: float | None = None
    max_tokens: int | None = None
    structured: bool = True
    _tell: Any = PrivateAttr()
    _seen: list[dict[str, Any]] = PrivateAttr(default_factory=list)
    _bound: list[Any] = PrivateAttr(default_factory=list)

    def __init__(self, tell, **fields):
        super().__init__(**fields)
        self._tell = tell

    @property
    def _llm_type(self):
        return "told"

    def _generate(self, messages, stop=None, run_manager=None, **kwargs):
        raise AssertionError("the engine is to call the async side")

    async def _agenerate(self, messages, stop=None, run_manager=None, **kwargs):
        self._seen.append({**kwargs, "fields": (self.temperature, self.max_tokens)})
        answer = self._tell(messages, **kwargs)
        if asyncio.iscoroutine(answer):
            answer = await answer
        if isinstance(answer, Exception):
            raise answer
        message = answer if isinstance(answer, AIMessage) else AIMessage(content=answer)
        return ChatResult(generations=[ChatGeneration(message=message)])

    def with_structured_output(self, schema, *, include_raw=False, **kwargs):
        if not self.structured:
            return super().with_structured_output(schema, include_raw=include_raw, **kwargs)
        assert kwargs["method"] == "json_schema"
        self._bound.append(schema)
        bound = self.bind(response_format=schema)
        return {"raw": bound} | RunnableLambda(lambda raw: raw) if include_raw else bound


def number_of(messages):
    return int(messages[-1].content.split()[2])


async def outcomes(model, requests=3, **settings):
    """Return the outcomes in the order of their requests, after each was found exactly once."""
    engine = LangChain(model, LangChainSettings(**settings))
    source = requests_of(requests) if isinstance(requests, int) else several(requests)
    found = [item async for item in engine.complete(source)]
    found.sort(key=lambda item: item[0].ask.number)
    count = requests if isinstance(requests, int) else len(requests)
    assert [request.ask.number for request, _ in found] == list(range(count))
    return [outcome for _, outcome in found]


async def several(requests):
    for request in requests:
        yield request


async def test_an_answer_brings_its_text_usage_finish_and_one_call():
    usage = {"input_tokens": 5, "output_tokens": 7, "total_tokens": 12}
    told = Told(
        lambda messages, **_: AIMessage(
            content=f"row {number_of(messages)}",
            usage_metadata=usage,
            response_metadata={"finish_reason": "stop"},
        )
    )
    found = await outcomes(told, 20)

    assert found[3] == Completion(
        text="row 3", finish="stop", prompt_tokens=5, completion_tokens=7, calls=1
    )
    assert [outcome.text for outcome in found] == [f"row {number}" for number in range(20)]


async def test_messages_keep_their_roles():
    roles = []
    await outcomes(Told(lambda messages, **_: roles.append([m.type for m in messages]) or "x"), 1)

    assert roles == [["system", "human"]]


@pytest.mark.parametrize(
    ("told", "finish"),
    [
        ({"finish_reason": "stop"}, "stop"),
        ({"finish_reason": "MAX_TOKENS"}, "length"),
        ({"stop_reason": "end_turn"}, "stop"),
        ({"stop_reason": "max_tokens"}, "length"),
        ({"done_reason": "length"}, "length"),
        ({"finish_reason": "content_filter"}, "content_filter"),
        ({"finish_reason": "SAFETY"}, "content_filter"),
        ({"finish_reason": "new_one"}, "other"),
        ({}, "other"),
    ],
)
async def test_each_providers_word_for_the_end_is_understood(told, finish):
    model = Told(lambda *_, **__: AIMessage(content="x", response_metadata=told))

    assert [outcome.finish for outcome in await outcomes(model, 1)] == [finish]


@pytest.mark.parametrize(
    ("message", "reasoning"),
    [
        (AIMessage(content="<think>hm</think>row"), "hm"),
        (AIMessage(content=[{"type": "text", "text": "ro"}, "w"]), None),
        (
            AIMessage(
                content=[{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "row"}]
            ),
            "hm",
        ),
        (
            AIMessage(
                content=[
                    {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]},
                    {"type": "text", "text": "row"},
                ]
            ),
            "hm",
        ),
        (
            AIMessage(
                content=[
                    {"type": "reasoning_content", "reasoning_content": {"text": "hm"}},
                    {"type": "image", "url": "x"},
                    {"type": "text", "text": "row"},
                ]
            ),
            "hm",
        ),
        (AIMessage(content="row", additional_kwargs={"reasoning_content": "hm"}), "hm"),
    ],
)
async def test_reasoning_is_split_off_whatever_form_it_has(message, reasoning):
    [outcome] = await outcomes(Told(lambda *_, **__: message), 1)

    assert (outcome.text, outcome.reasoning) == ("row", reasoning)


async def test_an_answer_that_came_as_a_tool_call_is_its_arguments():
    call = {"name": "answer", "args": {"label": "card", "text": "à"}, "id": "1"}
    [outcome] = await outcomes(Told(lambda *_, **__: AIMessage(content="", tool_calls=[call])), 1)

    assert outcome.text == '{"label": "card", "text": "à"}'


async def test_log_probabilities_are_asked_for_and_read():
    content = [
        {"token": "a", "logprob": -0.5, "top_logprobs": [{"token": "b", "logprob": -1.0}]},
    ]
    told = Told(
        lambda *_, **__: AIMessage(
            content="a", response_metadata={"logprobs": {"content": content}}
        )
    )
    [outcome] = await outcomes(told, [dataclasses.replace(a_request(), logprobs=4)])

    assert outcome.logprobs == (TokenLogprob(token="a", logprob=-0.5, top={"b": -1.0}),)
    assert (told._seen[0]["logprobs"], told._seen[0]["top_logprobs"]) == (True, 4)


async def test_sampling_and_schema_go_with_each_call_and_a_schema_is_bound_once():
    told = Told(lambda *_, **__: "x")
    await outcomes(told, 30)

    sent = sorted(told._seen, key=lambda call: call["seed"])
    assert sent[7] == {
        "temperature": 1.0,
        "top_p": 0.9,
        "max_tokens": 64,
        "seed": 7,
        "response_format": {"title": "answer", **SCHEMA},
        "fields": (None, None),
    }
    assert len(told._bound) == 1


async def test_no_more_schemas_are_kept_than_there_is_room_for():
    told = Told(lambda *_, **__: "x")
    engine = LangChain(told)
    requests = [dataclasses.replace(a_request(n), schema={**SCHEMA}) for n in range(300)]
    async for _ in engine.complete(several(requests)):
        pass

    assert len(told._bound) == 300
    assert len(engine._structured) == 256


async def test_a_model_without_structured_output_is_asked_without(caplog):
    told = Told(lambda *_, **__: "x", structured=False)
    found = await outcomes(told, 10)

    assert all(isinstance(outcome, Completion) for outcome in found)
    assert all("response_format" not in call for call in told._seen)
    assert caplog.text.count("no guided decoding") == 1


async def test_a_schema_that_is_refused_by_name_is_left_out_from_then_on(caplog):
    def tell(messages, **kwargs):
        if "response_format" in kwargs:
            return StatusError(400, "response_format of type json_schema is not supported")
        return "x"

    told = Told(tell)
    found = await outcomes(told, 10, concurrency=1)

    assert [outcome.calls for outcome in found] == [2] + [1] * 9
    assert caplog.text.count("going on without") == 1


@pytest.mark.parametrize(
    ("complaint", "name"),
    [
        (TypeError("chat() got an unexpected keyword argument 'seed'"), "seed"),
        (StatusError(400, "seed: Extra inputs are not permitted"), "seed"),
        (StatusError(400, "`temperature` and `top_p` cannot both be specified"), "top_p"),
        (StatusError(422, "Unsupported value: 'temperature' does not support 1.0"), "temperature"),
        (StatusError(400, "Unsupported parameter: 'max_tokens'"), "max_tokens"),
    ],
)
async def test_sampling_that_a_provider_does_not_know_is_left_out(complaint, name, caplog):
    told = Told(lambda messages, **kwargs: complaint if name in kwargs else "x")
    found = await outcomes(told, 10, concurrency=4)

    assert sorted(outcome.calls for outcome in found) == [1] * 6 + [2] * 4
    assert len(told._seen[-1]) == 5
    assert caplog.text.count("going on without") == 1


async def test_sampling_that_no_call_takes_is_set_on_a_copy_of_the_model(caplog):
    def tell(messages, **kwargs):
        for name in ("temperature", "max_tokens"):
            if name in kwargs:
                return TypeError(f"chat() got an unexpected keyword argument '{name}'")
        return "x"

    told = Told(tell, temperature=0.1)
    found = await outcomes(told, 4)

    assert all(isinstance(outcome, Completion) for outcome in found)
    assert told._seen[-1]["fields"] == (1.0, 64)
    assert told.temperature == 0.1
    assert caplog.text == ""


async def test_a_complaint_about_what_was_accepted_before_is_the_prompts_own():
    def tell(messages, **kwargs):
        bad = number_of(messages) == 3
        return StatusError(400, "seed and response_format: invalid") if bad else "x"

    told = Told(tell)
    found = await outcomes(told, 6, concurrency=1)

    assert [isinstance(outcome, Failure) for outcome in found] == [False] * 3 + [True] + [False] * 2
    assert found[3].code == "refused"
    assert "seed" in told._seen[-1]


async def test_a_refused_prompt_is_a_failure_and_stops_nothing():
    def tell(messages, **kwargs):
        return StatusError(400, "no such prompt here") if number_of(messages) % 4 == 0 else "x"

    found = await outcomes(Told(tell), 20)
    refused = [outcome for outcome in found if isinstance(outcome, Failure)]

    assert len(refused) == 5
    assert refused[0].detail == "HTTP 400: StatusError: no such prompt here"


async def test_a_model_that_raises_on_one_prompt_gives_that_one_up():
    def tell(messages, **kwargs):
        return ValueError("what is this") if number_of(messages) == 2 else "x"

    found = await outcomes(Told(tell), 4)

    assert found[2] == Failure(code="server_error", detail="ValueError: what is this", calls=8)
    assert all(isinstance(outcome, Completion) for at, outcome in enumerate(found) if at != 2)


async def test_retry_after_is_honoured_and_a_busy_model_costs_no_request():
    began = time.monotonic()
    told = Told(
        lambda *_, **__: (
            StatusError(429, headers={"Retry-After": "1"})
            if time.monotonic() - began < 0.5
            else "x"
        )
    )
    found = await outcomes(told, 4)

    assert time.monotonic() - began >= 1
    assert [outcome.calls for outcome in found] == [2, 2, 2, 2]


@pytest.mark.parametrize("status", [408, 500, 502, 503, 529])
async def test_what_may_pass_is_tried_again(status):
    calls = 0

    def tell(messages, **kwargs):
        nonlocal calls
        calls += 1
        return StatusError(status) if calls < 4 else "x"

    [outcome] = await outcomes(Told(tell), 1)

    assert (outcome.text, outcome.calls) == ("x", 4)


@pytest.mark.parametrize(
    "error",
    [
        {"code": 429},
        {"status": 429},
        {"response": {"ResponseMetadata": {"HTTPStatusCode": 429}}},
        {"__cause__": StatusError(429)},
    ],
)
async def test_a_status_is_found_wherever_an_error_carries_it(error):
    failing = RuntimeError("a wrapped error")
    for name, value in error.items():
        setattr(failing, name, value)
    calls = 0

    def tell(messages, **kwargs):
        nonlocal calls
        calls += 1
        return failing if calls <= 12 else "x"

    engine = LangChain(Told(tell), LangChainSettings(max_wait_s=0.8))
    with pytest.raises(EngineGone):  # a busy server is waited for, where others are given up
        _ = [item async for item in engine.complete(requests_of(1))]


@pytest.mark.parametrize(
    ("status", "words"), [(401, "wants a key"), (403, "refuses access"), (404, "no such model")]
)
async def test_a_model_that_refuses_us_at_the_start_is_unusable(status, words):
    with pytest.raises(EngineUnusable, match=words):
        await outcomes(Told(lambda *_, **__: StatusError(status)), 3)


async def test_slow_calls_are_cut_off_and_tried_again():
    calls = 0

    async def slowly():
        await asyncio.sleep(60)

    def tell(messages, **kwargs):
        nonlocal calls
        calls += 1
        return slowly() if calls == 1 else "x"

    [outcome] = await outcomes(Told(tell), 1, timeout_s=0.2)

    assert (outcome.text, outcome.calls) == ("x", 2)


async def test_a_model_that_hangs_ends_the_wait():
    async def for_ever(*_, **__):
        await asyncio.sleep(3600)

    with pytest.raises(EngineGone, match=r"not answered for 1 s \(--max-wait-s\)"):
        await outcomes(Told(for_ever), 3, max_wait_s=1.0)
    assert len(asyncio.all_tasks()) == 1


async def test_no_more_are_in_flight_than_allowed():
    now = most = 0

    async def tell(*_, **__):
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.01)
        now -= 1
        return "x"

    await outcomes(Told(tell), 40, concurrency=7)

    assert most == 7


async def test_the_users_rate_limiter_is_kept():
    limiter = InMemoryRateLimiter(requests_per_second=10, max_bucket_size=1)
    began = time.monotonic()
    await outcomes(Told(lambda *_, **__: "x", rate_limiter=limiter), 6)

    assert time.monotonic() - began >= 0.5


async def test_nothing_is_traced_unless_the_environment_asks_for_it(monkeypatch):
    for name in ("LANGSMITH_TRACING", "LANGSMITH_TRACING_V2", "LANGCHAIN_TRACING_V2"):
        monkeypatch.delenv(name, raising=False)
    handlers: list[Any] = []

    class Watched(Told):
        async def _agenerate(self, messages, stop=None, run_manager=None, **kwargs):
            handlers.extend(run_manager.handlers)
            return await super()._agenerate(messages, stop, run_manager, **kwargs)

    await outcomes(Watched(lambda *_, **__: "x"), 1)

    assert handlers == []


async def test_the_model_says_its_name():
    class Named(Told):
        model_name: str = "tiny-1"

    assert LangChain(Told(lambda *_: "x")).model == "Told"
    assert LangChain(Named(lambda *_: "x")).model == "tiny-1"
    assert LangChain(Named(lambda *_: "x"), name="own:tiny").model == "own:tiny"


def test_models_of_one_name_are_told_apart_by_what_answers_depend_on(chat_openai):
    def revision(**options):
        return LangChain(chat_openai("http://127.0.0.1:9/v1", **options)).revision

    assert revision() == revision(timeout=3, api_key="sk-another-one")
    assert len({revision(), revision(top_p=0.5), LangChain(Told(lambda *_: "x")).revision}) == 3


@pytest.mark.parametrize("circle", [False, True])
def test_parameters_that_are_no_json_do_no_harm(circle):
    parameters: dict[Any, Any] = {1: "a", "b": 2}
    if circle:
        parameters = {"me": parameters}
        parameters["me"] = parameters

    class Odd(Told):
        @property
        def _identifying_params(self):
            return parameters

    assert LangChain(Odd(lambda *_: "x")).revision == LangChain(Odd(lambda *_: "y")).revision


async def test_an_error_of_no_known_kind_before_any_answer_makes_it_unusable():
    told = Told(lambda *_, **__: RuntimeError("no such thing"))
    with pytest.raises(EngineUnusable, match="langchain Told: RuntimeError: no such thing"):
        await outcomes(told, 3)

    assert len(told._seen) < 20


async def test_a_key_that_an_error_repeats_is_struck_out(caplog):
    class Keyed(Told):
        api_key: SecretStr = SecretStr("sk-0123456789")

    def tell(messages, **_):
        wrong = number_of(messages) == 1
        return StatusError(400, "temperature: not with key sk-0123456789") if wrong else "x"

    found = await outcomes(Keyed(tell), 3)

    assert isinstance(found[1], Failure)
    assert found[1].detail.endswith("not with key [struck out]")
    assert "sk-0123456789" not in caplog.text


async def test_retries_that_cannot_be_switched_off_are_warned_of(caplog):
    class Insistent(Told):
        max_retries: int = 6

    LangChain(Insistent(lambda *_: "x"))

    assert "its own retries cannot be switched off" in caplog.text
    caplog.clear()
    LangChain(Insistent(lambda *_: "x", max_retries=0))
    assert caplog.text == ""


async def test_a_client_that_is_built_at_its_first_use_is_built_anew_without_retries(caplog):
    class Late(Told):
        max_retries: int = 6

        @functools.cached_property
        def _async_client(self):
            return f"a client with {self.max_retries} retries"

        async def _agenerate(self, messages, stop=None, run_manager=None, **kwargs):
            message = AIMessage(content=self._async_client)
            return ChatResult(generations=[ChatGeneration(message=message)])

    given = Late(lambda *_: "x")
    assert given._async_client == "a client with 6 retries"
    [outcome] = await outcomes(given, 1)

    assert outcome.text == "a client with 0 retries"
    assert given._async_client == "a client with 6 retries"
    assert caplog.text == ""


async def test_a_model_that_only_knows_tools_is_asked_by_a_tool():
    class Tooled(Told):
        def with_structured_output(self, schema, *, include_raw=False, **kwargs):
            if kwargs:
                raise ValueError(f"Received unsupported arguments {kwargs}")
            return {"raw": self.bind(tools=[schema])} | RunnableLambda(lambda raw: raw)

    told = Tooled(lambda *_, **__: "x")
    await outcomes(told, 2)

    assert all(call["tools"][0]["title"] == "answer" for call in told._seen)


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("gpt", {}, "'gpt' is not PROVIDER:MODEL"),
        ("nobody:m", {}, "Unsupported provider='nobody'"),
        ("mistralai:m", {}, "pip install langchain-mistralai"),
        ("openai:m", {"configurable_fields": "any"}, "not an option: configurable_fields"),
    ],
)
def test_a_model_that_cannot_be_made_says_why(name, options, words):
    with pytest.raises(EngineUnusable) as caught:
        chat_model(name, options)

    assert words in str(caught.value)


def test_the_missing_extra_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "langchain.chat_models", None)
    monkeypatch.delattr("langchain.chat_models", raising=False)

    with pytest.raises(EngineUnusable, match=r"pip install 'augment-corpora\[langchain\]'"):
        chat_model("openai:m", {})


@pytest.fixture
def chat_openai(missing):
    """Return a function that makes ChatOpenAI for a server, and closes its connections."""
    if importlib.util.find_spec("langchain_openai") is None:
        missing("langchain-openai is not installed")
    from langchain_openai import ChatOpenAI

    return lambda url, **options: ChatOpenAI(
        base_url=url, **{"api_key": "none", "model": "stub", **options}
    )


@pytest.mark.parametrize("retries", [None, 0, 5])
async def test_every_request_to_a_rude_server_is_settled_once_and_every_call_counted(
    openai_server, chat_openai, retries
):
    server = openai_server(refuse_forever=0.1, error_500=0.2, error_429=0.1, reset=0.05, hang=0.02)
    model = chat_openai(server.url, max_retries=retries)
    found = await outcomes(model, 60, timeout_s=2.0, concurrency=16)
    answered = [outcome for outcome in found if isinstance(outcome, Completion)]
    refused = [o for o in found if isinstance(o, Failure) and o.code == "refused"]

    assert len(refused) == server.stats()["refused_prompts"] > 0
    assert len(answered) >= 0.98 * (60 - len(refused))
    assert {json.loads(outcome.text)["label"] for outcome in answered} == {"card"}
    assert sum(outcome.calls for outcome in found) == server.stats()["requests"]
    assert model.max_retries == retries
    assert refused[0].detail.startswith("HTTP 400: ")


async def test_usage_and_finish_come_through(openai_server, chat_openai):
    [outcome] = await outcomes(chat_openai(openai_server().url), 1)

    assert outcome.prompt_tokens > 0 < outcome.completion_tokens
    assert outcome.finish == "stop"


async def test_log_probabilities_come_through_where_the_server_knows_them(
    openai_server, chat_openai, caplog
):
    wanted = [dataclasses.replace(a_request(number), logprobs=3) for number in range(4)]
    told = await outcomes(chat_openai(openai_server().url), wanted)
    untold = await outcomes(chat_openai(openai_server(no_logprobs=True).url), wanted)

    for outcome in told:
        assert "".join(token.token for token in outcome.logprobs) == outcome.text
        assert all(token.top for token in outcome.logprobs)
    assert [outcome.logprobs for outcome in untold] == [None] * 4
    assert "going on without" in caplog.text


async def test_an_answer_that_was_cut_is_no_error(openai_server, chat_openai):
    [outcome] = await outcomes(chat_openai(openai_server(finish_length=1.0).url), 1)

    assert (outcome.finish, outcome.calls) == ("length", 1)
    assert outcome.text.startswith("{")


async def test_a_server_without_guided_decoding_is_asked_without_it(
    openai_server, chat_openai, caplog
):
    server = openai_server(no_guided="reject", label_pattern="the label (\\w+)")
    found = await outcomes(chat_openai(server.url), 20)

    assert all("```json" in outcome.text for outcome in found)
    assert "going on without" in caplog.text


async def test_a_server_without_system_role_gets_its_text_in_the_first_user_turn(
    openai_server, chat_openai
):
    found = await outcomes(chat_openai(openai_server(no_system=True).url), 10)

    assert all(isinstance(outcome, Completion) for outcome in found)


async def test_junk_in_place_of_an_answer_is_given_up_in_the_end(openai_server, chat_openai):
    found = await outcomes(chat_openai(openai_server(body_junk=0.8, latency_ms=2).url), 30)
    given_up = {outcome.code for outcome in found if isinstance(outcome, Failure)}

    assert given_up
    assert given_up <= {"unreadable", "server_error"}


async def test_nothing_listening_is_said_at_once(chat_openai):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    began = time.monotonic()
    with pytest.raises(EngineUnusable, match="stub: cannot be reached"):
        await outcomes(chat_openai(f"http://127.0.0.1:{port}/v1"), 3, max_wait_s=6.0)

    assert time.monotonic() - began < 5


async def test_a_server_that_is_gone_for_a_while_is_waited_for(openai_server, chat_openai):
    server = openai_server(latency_ms=20)

    async def stumble():
        await until_answered(server)
        server.control(down_for_s=1)

    stumbling = asyncio.create_task(stumble())
    found = await outcomes(chat_openai(server.url), 200, concurrency=8)
    await stumbling

    assert all(isinstance(outcome, Completion) for outcome in found)


async def test_a_server_that_is_gone_for_good_ends_the_wait(openai_server, chat_openai):
    server = openai_server(latency_ms=20)

    async def kill():
        most = LangChainSettings().concurrency
        await asyncio.to_thread(
            until, lambda: server.stats()["requests"] > most
        )  # one was answered
        server.kill()

    killing = asyncio.create_task(kill())
    with pytest.raises(EngineGone):
        await outcomes(chat_openai(server.url), 10**6, max_wait_s=3)
    await killing


def test_a_model_is_made_by_words_and_calls_once(openai_server, chat_openai):
    server = openai_server(error_500=0.6)
    model = chat_model("openai:stub", {"base_url": server.url, "api_key": "none"})
    found = asyncio.run(outcomes(model, 8))

    assert model.max_retries == 0
    assert sum(outcome.calls for outcome in found) == server.stats()["requests"] > 8


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"temprature": 1}, "temprature"),
        ({"temperature": "s3cret"}, "temperature: Input should be a valid number"),
    ],
)
def test_a_wrong_option_is_named_and_no_value_shown(chat_openai, options, words):
    with pytest.raises(EngineUnusable) as caught:
        chat_model("openai:stub", {"api_key": "s3cret", **options})

    assert words in str(caught.value)
    assert "s3cret" not in str(caught.value)


async def test_the_given_model_is_never_changed(chat_openai):
    given = chat_openai("http://127.0.0.1:9/v1")
    before = (given.max_retries, given.root_async_client, given.async_client)
    LangChain(given)

    assert (given.max_retries, given.root_async_client, given.async_client) == before
    assert given.root_async_client.max_retries == 2


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_one_model_serves_two_event_loops(openai_server, chat_openai):
    model = chat_openai(openai_server().url)
    for _ in range(2):  # the connections of the first loop are dead in the second, and replaced
        found = asyncio.run(outcomes(model, 20, concurrency=4))
        assert all(isinstance(outcome, Completion) for outcome in found)
    gc.collect()
