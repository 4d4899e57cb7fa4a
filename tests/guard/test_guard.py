"""A guard over a real server: each text is asked about once, whatever the server does."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from augment.engines.endpoint import EndpointSettings
from augment.errors import EngineGone, EngineUnusable, JournalError
from augment.guard.answers import Answer, Answers, answers_in, asked_in
from augment.guard.model import answering
from augment.tasks.templates import load_template

TEMPLATE = load_template("guard", folder=None)
ROW = {"row_pattern": "<row>(.*)</row>"}
TEXTS = [f"this is {kind} number {n}" for n in range(10) for kind in ("safe", "unsafe")]
UNSAFE = np.array([text.startswith("this is unsafe") for text in TEXTS])


def guard_at(url, *, template=TEMPLATE, **settings):
    options = {"timeout_s": 30.0, "max_wait_s": 30.0, "prefix": "guard-", **settings}
    return answering(EndpointSettings(url=url, **options), template)


async def refusal(url, **settings):
    with pytest.raises(EngineUnusable) as caught:
        async with guard_at(url, **settings):
            pass
    return str(caught.value)


async def test_each_text_gets_the_probability_of_unsafe_in_order(openai_server):
    async with guard_at(openai_server(**ROW).url) as guard:
        found = guard.probabilities(TEXTS)  # while the loop of the run stands still

    assert (guard.name, guard.classes) == ("stub", ("unsafe",))
    assert found.dtype == np.float64
    assert ((found > 0.5) == UNSAFE).all()
    assert ((found > 0) & (found < 1)).all()


async def test_a_text_is_asked_about_once_however_many_threads_want_it(openai_server):
    server = openai_server(latency_ms=50, **ROW)
    async with guard_at(server.url) as guard:
        with ThreadPoolExecutor(4) as pool:
            found = list(pool.map(guard.probabilities, [[*TEXTS, *TEXTS]] * 4))
    stats = server.stats()

    assert all((each == found[0]).all() for each in found)
    assert stats["requests"] == len(TEXTS)
    assert stats["max_in_flight"] > 1


async def test_no_text_is_no_question(openai_server):
    server = openai_server()
    async with guard_at(server.url) as guard:
        assert guard.probabilities([]).shape == (0,)
    assert server.stats()["requests"] == 0


@pytest.mark.parametrize(
    "lack",
    [
        {**ROW, "no_logprobs": True},
        {"no_guided": "reject", "no_logprobs": True, "label_pattern": r"this is (\w+)"},
    ],
)
async def test_where_a_server_lacks_something_the_answer_alone_tells(openai_server, lack):
    async with guard_at(openai_server(**lack).url) as guard:
        found = guard.probabilities(TEXTS)

    assert (found == UNSAFE).all()


async def test_a_storm_costs_no_score(openai_server):
    server = openai_server(
        **ROW, error_500=0.2, error_429=0.1, reset=0.05, hang=0.02, body_junk=0.1
    )
    async with guard_at(server.url, timeout_s=0.5) as guard:
        found = guard.probabilities(TEXTS)

    assert ((found > 0.5) == UNSAFE).all()


async def test_what_is_garbled_or_refused_has_no_score_and_the_rest_has(openai_server):
    server = openai_server(**ROW, junk=0.3, refuse_forever=0.2)
    async with guard_at(server.url) as guard:
        found = guard.probabilities(TEXTS)
        again = guard.probabilities(TEXTS)
    told = np.isfinite(found)

    assert 0 < told.sum() < len(TEXTS)
    assert ((found[told] > 0.5) == UNSAFE[told]).all()
    assert np.array_equal(found, again, equal_nan=True)
    assert server.stats()["requests"] == len(TEXTS)


async def test_a_guard_that_tells_nothing_of_many_texts_in_a_row_is_given_up(openai_server):
    server = openai_server(**ROW)
    async with guard_at(server.url) as guard:
        assert np.isfinite(guard.probabilities(["one text"])).all()
        server.control(junk=1.0)
        few = guard.probabilities(TEXTS[:15])
        with pytest.raises(EngineGone) as caught:
            guard.probabilities(TEXTS)

    assert np.isnan(few).all()
    assert str(caught.value).startswith(
        f"--guard-endpoint {server.url}: 16 answers in a row told nothing, the last one since: "
    )


async def test_texts_that_a_provider_refuses_have_no_score_however_many_they_are(openai_server):
    server = openai_server(**ROW)
    async with guard_at(server.url) as guard:
        guard.probabilities(["one text"])
        server.control(refuse_forever=1.0)
        found = guard.probabilities([*TEXTS, *(f"{text} again" for text in TEXTS)])

    assert np.isnan(found).all()


async def test_a_guard_that_refuses_whatever_it_is_asked_is_given_up_and_asked_anew_once_mended(
    openai_server, tmp_path
):
    server = openai_server(**ROW, refuse_forever=1.0)
    async with guard_at(server.url) as guard:
        with pytest.raises(EngineGone, match="content policy"), guard.remembering(tmp_path):
            guard.probabilities(TEXTS)
    server.control(refuse_forever=0.0)
    async with guard_at(server.url) as guard:
        with guard.remembering(tmp_path):
            found = guard.probabilities(TEXTS)

    assert ((found > 0.5) == UNSAFE).all()


async def test_a_guard_that_sends_elsewhere_has_refused_no_text(openai_server, tmp_path):
    server = openai_server(**ROW)
    async with guard_at(server.url, max_wait_s=1.0) as guard:
        with guard.remembering(tmp_path):
            guard.probabilities(["one text"])
            server.control(chat_status=302)
            with pytest.raises(EngineGone, match="HTTP 302"):
                guard.probabilities(TEXTS[:3])

    assert len([*answers_in(tmp_path / "guard.jsonl")]) == 1


async def test_texts_that_are_too_long_have_no_score_however_many_they_are(openai_server):
    server = openai_server(**ROW, max_prompt=5_000)
    async with guard_at(server.url) as guard:
        found = guard.probabilities([f"{'long ' * 1_000} {n}" for n in range(30)])
        assert np.isfinite(guard.probabilities(TEXTS)).all()

    assert np.isnan(found).all()


async def test_a_guard_that_cannot_be_used_names_its_own_options(openai_server):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    several = openai_server(models=["one", "two"])

    assert "check --guard-endpoint" in await refusal(f"http://127.0.0.1:{port}/v1")
    assert "choose one with --guard-model; it has ['one', 'two']" in await refusal(several.url)
    assert "has no model 'three'" in await refusal(several.url, model="three")
    assert "the variable that --guard-api-key-env names" in await refusal(
        openai_server(auth="a key that is long").url
    )


@pytest.mark.parametrize("rest", ["/v1", "host:port/v1", "[::1/v1", "127.0.0.1:9/v1"])
async def test_an_address_that_cannot_be_used_does_not_tell_its_password(rest):
    assert "a-long-secret" not in await refusal(f"http://user:a-long-secret@{rest}")


async def test_a_guard_that_is_gone_breaks_who_waits_and_who_asks_later(openai_server):
    server = openai_server(**ROW)
    url = server.url.replace("http://", "http://user:a-long-secret@")
    async with guard_at(url, max_wait_s=2.0) as guard:
        guard.probabilities(TEXTS[:2])
        server.kill()
        for _ in range(2):
            with pytest.raises(EngineGone) as caught:
                guard.probabilities(TEXTS)

    said = str(caught.value)
    assert said.startswith("--guard-endpoint http://user:[struck out]@127.0.0.1:")
    assert "has not answered for 2 s (--max-wait-s); the last error was " in said
    assert "a-long-secret" not in said


async def test_who_waits_when_the_guard_is_stopped_is_let_go(openai_server):
    server = openai_server(hang=1.0)
    async with guard_at(server.url) as guard:
        waiting = asyncio.create_task(asyncio.to_thread(guard.probabilities, TEXTS))
        while server.stats()["requests"] < len(TEXTS):
            await asyncio.sleep(0.01)
    with pytest.raises(EngineGone, match="not asked any more"):
        await waiting


async def test_what_was_told_is_known_to_the_next_session(openai_server, tmp_path):
    server, path = openai_server(**ROW, junk=0.3), tmp_path / "guard.jsonl"
    async with guard_at(server.url) as guard:
        with guard.remembering(tmp_path):
            first = guard.probabilities(TEXTS)
    told = np.isfinite(first)
    server.control(junk=0.0)
    async with guard_at(server.url) as guard:
        with guard.remembering(tmp_path):
            second = guard.probabilities(TEXTS)

    assert 0 < told.sum() < len(TEXTS)
    assert (second[told] == first[told]).all()
    assert ((second > 0.5) == UNSAFE).all()
    assert server.stats()["requests"] == len(TEXTS) + (~told).sum() == asked_in(path).calls


async def test_a_text_that_has_no_score_by_its_own_doing_is_not_asked_about_again(
    openai_server, tmp_path
):
    path = tmp_path / "guard.jsonl"
    server = openai_server(**ROW, refuse_forever=0.3, max_prompt=5_000)
    texts = [*TEXTS, "long " * 1_000]
    found, left = [], []
    for _ in range(2):
        async with guard_at(server.url) as guard:
            with guard.remembering(tmp_path):
                found.append(guard.probabilities(texts))
        left.append(path.read_bytes())
    reasons = {each.reason for each in answers_in(path)}

    assert reasons == {None, "refused", "prompt_too_long"}
    assert np.array_equal(*found, equal_nan=True)
    assert left[0] == left[1]
    assert server.stats()["requests"] == len(texts)


async def test_what_another_guard_said_is_not_taken_for_this_ones_word(openai_server, tmp_path):
    server, path = openai_server(**ROW, models=["one", "two"]), tmp_path / "guard.jsonl"
    own = tmp_path / "toxicity" / "guard.yaml"
    own.parent.mkdir()
    own.write_text("description: Own.\nmessages: [{role: user, content: '<row>{{{text}}}</row>'}]")
    template = load_template("guard", folder=tmp_path)
    for model, told in (("one", TEMPLATE), ("two", TEMPLATE), ("one", template), ("two", TEMPLATE)):
        async with guard_at(server.url, template=told, model=model) as guard:
            with guard.remembering(tmp_path):
                guard.probabilities(TEXTS)

    assert server.stats()["requests"] == 3 * len(TEXTS) == asked_in(path).calls


async def test_what_was_asked_is_told_over_all_sessions_and_whether_it_was_known(
    openai_server, tmp_path
):
    server = openai_server(**ROW, junk=0.3, error_500=0.3)
    async with guard_at(server.url) as guard:
        with guard.remembering(tmp_path):
            first = guard.probabilities([*TEXTS, *TEXTS])
            assert guard.recalled == 0
    server.control(junk=0.0, error_500=0.0)
    async with guard_at(server.url) as guard:
        with guard.remembering(tmp_path):
            guard.probabilities([*TEXTS, *TEXTS])
        asked, recalled = guard.asked(), guard.recalled
    failures = int(np.isnan(first[: len(TEXTS)]).sum())

    assert failures > 0
    assert recalled == len(TEXTS) - failures
    assert (asked.questions, asked.failures) == (len(TEXTS) + failures, failures)
    assert asked.calls == server.stats()["requests"] == asked.questions + asked.repeated_calls
    assert asked.repeated_calls > 0
    assert asked.prompt_tokens > asked.completion_tokens > 0


async def test_how_long_an_answer_took_is_told_and_files_of_before_tell_nothing(
    openai_server, tmp_path
):
    path = tmp_path / "guard.jsonl"
    async with guard_at(openai_server(**ROW, latency_ms=50).url) as guard:
        with guard.remembering(tmp_path):
            guard.probabilities(TEXTS)
    asked = asked_in(path)
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    for line in lines:
        del line["seconds"]
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))

    assert asked.median_s >= 0.05
    assert asked_in(path) == replace(asked, median_s=None)


DAMAGES = [
    {"probability": "x"}, {"probability": 7.5}, {"probability": True}, {"probability": -0.1},
    {"calls": None}, {"calls": 1.5}, {"prompt_tokens": "3"}, {"completion_tokens": -1},
    {"key": 5}, {"reason": 0}, {"seconds": -1}, {"seconds": "x"},
]  # fmt: skip


@pytest.mark.parametrize("damage", [*DAMAGES, b"\xff\xfe", b"\0\0\0", b"[" * 5_000, b"null"])
async def test_a_line_that_is_damaged_costs_its_own_text_alone(openai_server, tmp_path, damage):
    server, path = openai_server(**ROW), tmp_path / "guard.jsonl"
    for session in range(2):
        async with guard_at(server.url) as guard:
            with guard.remembering(tmp_path):
                found = guard.probabilities(TEXTS)
        if session == 0:
            line, rest = path.read_bytes().split(b"\n", 1)
            if isinstance(damage, dict):
                damage = json.dumps({**json.loads(line), **damage}).encode()
            path.write_bytes(damage + b"\n" + rest)

    assert ((found > 0.5) == UNSAFE).all()
    assert server.stats()["requests"] == len(TEXTS) + 1


async def test_what_is_known_of_a_text_takes_less_than_half_a_kilobyte(openai_server, tmp_path):
    path, count = tmp_path / "guard.jsonl", 5_000
    with contextlib.closing(Answers(path)) as answers:
        for n in range(count):
            answers.add(
                Answer(
                    key=f"{n:064x}",
                    probability=n / count,
                    reason=None,
                    calls=1,
                    prompt_tokens=200,
                    completion_tokens=6,
                )
            )
    async with guard_at(openai_server(**ROW).url) as guard:
        tracemalloc.start()
        with guard.remembering(tmp_path):
            held, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()

    assert held < 512 * count


@pytest.mark.parametrize("cut", [1, 20, 60])
async def test_a_line_that_was_cut_off_costs_its_own_text_alone(openai_server, tmp_path, cut):
    server, path = openai_server(**ROW), tmp_path / "guard.jsonl"
    for texts in (TEXTS, [*TEXTS, "one more"], [*TEXTS, "one more"]):
        async with guard_at(server.url) as guard:
            with guard.remembering(tmp_path):
                guard.probabilities(texts)
        if texts is TEXTS:
            path.write_bytes(path.read_bytes()[:-cut])

    assert server.stats()["requests"] == len(TEXTS) + 1 + (cut > 1)
    assert len({each.key for each in answers_in(path)}) == len(TEXTS) + 1


def test_a_file_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "guard.jsonl").mkdir()
    with pytest.raises(JournalError, match=r"guard\.jsonl: .*the same command continues"):
        Answers(tmp_path / "guard.jsonl")
    assert list(answers_in(tmp_path / "none.jsonl")) == []
