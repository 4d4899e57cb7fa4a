"""vLLM's life, with a stand-in that is three real processes and misbehaves as told."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import urllib.request

import pytest
from augment_command import alone, ended, left_in, seeds_file, started, until
from fake_vllm_environment import alive, environment, starts, variables

from augment.engines.vllm_faults import last_lines


@pytest.fixture
def fake(tmp_path, monkeypatch):
    """A function that says how the fake is to misbehave."""
    environment(tmp_path / "env")

    def told(**how):
        for name, value in variables(tmp_path, **how).items():
            monkeypatch.setenv(name, value)

    told()
    monkeypatch.chdir(tmp_path)
    return told


def nothing_left(folder):
    own = [pid for start in starts(folder) for pid in start]
    assert own, "it was never started"
    until(lambda: not any(alive(pid) for pid in own), within_s=15)
    return True


def run(folder, *more):
    return [
        "run", seeds_file(folder), "--serve", "bundled", "--encoder", "ngram", "--per-label", 10,
        "--out", folder / "out", *more,
    ]  # fmt: skip


def test_a_run_starts_a_server_uses_it_and_leaves_nothing_running(fake, tmp_path):
    result = alone(*run(tmp_path))

    assert result.code == 0, result.err
    assert "--max-model-len" in result.out
    assert "vLLM is ready after" in result.out
    left = left_in(tmp_path / "out")
    assert set(left.per_label().values()) == {10}
    assert {row["provenance"]["model"] for row in left.accepted} == {"bundled"}
    report = json.loads((tmp_path / "out/report.json").read_text("utf-8"))
    assert report["prefix_cache"]["share"] == 0.5
    assert len(starts(tmp_path)) == 1
    assert nothing_left(tmp_path)
    assert (tmp_path / "out.vllm.log").exists()


def test_what_stands_after_the_dashes_goes_to_vllm_over_what_was_chosen(fake, tmp_path):
    result = alone(*run(tmp_path), "--", "--max-model-len", "300", "--no-enable-prefix-caching")
    told = json.loads((tmp_path / "state/told.json").read_text("utf-8"))
    words, environ = told["words"], told["environ"]

    assert result.code == 0, result.err
    assert words[-3:] == ["--max-model-len", "300", "--no-enable-prefix-caching"]
    assert words.count("--max-model-len") == 1
    assert "--enable-prefix-caching" not in words
    assert environ["VLLM_NO_USAGE_STATS"] == environ["DO_NOT_TRACK"] == "1"
    assert environ["HF_HUB_OFFLINE"] == "1", "the weights are here"


def test_no_key_and_no_path_of_ours_reaches_vllm(fake, tmp_path, monkeypatch):
    monkeypatch.setenv("AUGMENT_API_KEY", "of-the-run")
    monkeypatch.setenv("PYTHONPATH", f"{os.environ.get('PYTHONPATH', '')}:/of/the/run")
    alone(*run(tmp_path))
    environ = json.loads((tmp_path / "state/told.json").read_text("utf-8"))["environ"]

    assert not {"AUGMENT_API_KEY", "PYTHONPATH"} & environ.keys()


def test_words_for_vllm_without_a_server_of_our_own_are_refused(tmp_path):
    result = alone("run", seeds_file(tmp_path), "--", "--max-model-len", "300")

    assert result.code == 2
    assert "'--max-model-len' is for vLLM, and only --serve starts one" in result.err


def test_a_server_that_is_killed_is_started_again_and_nothing_is_lost(fake, tmp_path):
    fake(die_after_answers=12, latency_ms=40)
    result = alone(*run(tmp_path, "--concurrency", 4))

    assert result.code == 0, result.err
    assert "vLLM died (it was killed (signal 9)" in result.out
    assert len(starts(tmp_path)) == 2
    left = left_in(tmp_path / "out")
    assert set(left.per_label().values()) == {10}
    assert not {"server_error", "unanswered"} & left.reasons().keys()
    assert nothing_left(tmp_path)


def test_a_server_whose_engine_has_died_is_ended_and_started_again(fake, tmp_path):
    fake(sick_after_answers=12)
    result = alone(*run(tmp_path, "--concurrency", 4))

    assert result.code == 0, result.err
    assert len(starts(tmp_path)) == 2
    assert set(left_in(tmp_path / "out").per_label().values()) == {10}
    assert nothing_left(tmp_path)


def test_a_server_that_dies_again_and_again_ends_the_run_which_can_go_on(fake, tmp_path):
    fake(die_after_answers=5, die_always=True, latency_ms=20)
    result = alone(*run(tmp_path, "--concurrency", 2))

    assert result.code == 3
    assert "Stopped: there are no answers any more." in result.out
    assert "vLLM died 3 times in a row" in result.out
    assert 0 < len(left_in(tmp_path / "out").accepted) < 30
    assert nothing_left(tmp_path)

    fake()
    assert alone(*run(tmp_path)).code == 0
    assert set(left_in(tmp_path / "out").per_label().values()) == {10}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_nothing_of_vllm_outlives_the_run_however_it_ends(fake, tmp_path, number):
    fake(latency_ms=500)
    with started(*run(tmp_path, "--concurrency", 1)) as process:
        until(lambda: (tmp_path / "out/journal.db").exists())
        process.send_signal(number)
        process.wait(timeout=30)
        assert nothing_left(tmp_path)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_nothing_of_vllm_outlives_a_start_that_is_broken_off(fake, tmp_path, number):
    fake(never_ready=True)
    with started(*run(tmp_path)) as process:
        until(lambda: len(starts(tmp_path)) == 1)
        process.send_signal(number)
        process.wait(timeout=30)
        assert nothing_left(tmp_path)
    assert not (tmp_path / "out").exists()


def test_a_keeper_that_is_killed_takes_vllm_with_it_and_another_is_started(fake, tmp_path):
    fake(latency_ms=100)
    with started(*run(tmp_path, "--concurrency", 1)) as process:
        until(lambda: (tmp_path / "out/journal.db").exists())
        (first,) = starts(tmp_path)
        os.kill(parent_of(first[0]), signal.SIGKILL)
        until(lambda: len(starts(tmp_path)) == 2)
        until(lambda: not any(alive(pid) for pid in first), within_s=10)
        assert ended(process).code == 0
    assert nothing_left(tmp_path)


def parent_of(pid):
    with open(f"/proc/{pid}/stat", encoding="utf-8") as file:  # noqa: PTH123 - of the kernel
        return int(file.read().rpartition(")")[2].split()[1])


def test_a_start_that_fails_is_explained_with_the_log_and_nothing_is_written(fake, tmp_path):
    fake(say="loading\n(Worker pid=7) MemoryError: no more\n", exit=1)
    result = alone(*run(tmp_path))

    assert result.code == 2
    assert "vLLM did not start: there is not enough memory: lower --kv-cache-gib" in result.err
    assert f"the last lines of {tmp_path}/out.vllm.log:" in result.err
    assert "  MemoryError: no more" in result.err
    assert not (tmp_path / "out").exists()
    assert nothing_left(tmp_path)


def test_a_start_that_takes_too_long_is_ended_and_said_so(fake, tmp_path):
    fake(never_ready=True, say="waiting for Godot\n")
    result = alone("serve", "bundled", "--start-within-s", "1", "--log", "vllm.log")

    assert result.code == 2
    assert "vLLM was not ready within 1 s (start-within-s)" in result.err
    assert "waiting for Godot" in result.err
    assert nothing_left(tmp_path)


def test_an_environment_that_is_missing_says_how_to_make_it(tmp_path, monkeypatch):
    monkeypatch.setenv("AUGMENT_VLLM", str(tmp_path))
    result = alone(*run(tmp_path))

    assert result.code == 2
    assert f"AUGMENT_VLLM: {tmp_path} is no environment that has vLLM" in result.err


def test_faults_of_the_seeds_are_said_before_vllm_is_looked_for(tmp_path, monkeypatch):
    monkeypatch.setenv("AUGMENT_VLLM", str(tmp_path))
    seeds = seeds_file(tmp_path, [{"text": "", "label": "a"}, {"text": "b", "label": "b"}])
    result = alone("run", seeds, "--serve", "bundled")

    assert result.code == 2
    assert "column 'text' is empty" in result.err


def test_serve_says_where_it_listens_and_ends_with_its_command(fake, tmp_path):
    with started("serve", "bundled", "--port", free_port(), "--log", "vllm.log") as process:
        said = [process.stdout.readline() for _ in range(1)]
        while not said[-1].startswith("stop"):
            said.append(process.stdout.readline())
        url = re.search(r"endpoint +(\S+)", "".join(said))[1]
        with urllib.request.urlopen(f"{url}/models", timeout=10) as answer:  # noqa: S310
            assert json.load(answer)["data"][0]["id"] == "bundled"
        process.send_signal(signal.SIGINT)
        result = ended(process)

    assert result.code == 0
    assert "Stopped." in result.out
    assert nothing_left(tmp_path)


def test_serve_starts_a_server_again_that_was_killed(fake, tmp_path):
    with started("serve", "bundled", "--port", free_port(), "--log", "vllm.log") as process:
        while not process.stdout.readline().startswith("stop"):
            pass
        os.kill(starts(tmp_path)[0][0], signal.SIGKILL)
        while "is ready" not in process.stdout.readline():
            pass
        assert len(starts(tmp_path)) == 2
    assert nothing_left(tmp_path)


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def test_a_port_in_use_is_said_before_anything_is_started(fake, tmp_path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        result = alone("serve", "bundled", "--port", port)

    assert result.code == 2
    assert f"port {port} is in use" in result.err
    assert starts(tmp_path) == []


def test_the_log_is_shown_without_progress_bars_and_process_names():
    log = "(Worker pid=3) one\n\nLoading safetensors checkpoint shards: 0%\r(APIServer pid=1) two\n"

    assert last_lines(log) == ["one", "two"]


def test_preview_and_seeds_may_have_a_server_of_their_own(fake, tmp_path):
    result = alone("preview", seeds_file(tmp_path), "--serve", "bundled")

    assert result.code == 0, result.err
    assert "=== Prompt 1 of 3" in result.out
    assert nothing_left(tmp_path)
