"""A server that leaves, comes back, or never was there."""

from __future__ import annotations

import socket
import time

import pytest
from augment_command import SOAK, alone, here, left_in, meanwhile, seeds_file

DOWN_S = 30 if SOAK else 1.5
FULL = {"alpha": 20, "beta": 20, "gamma": 20}


@pytest.fixture
def command(tmp_path):
    """A run's arguments, apart from the endpoint."""
    return ["run", seeds_file(tmp_path), "--per-label", 20, "--out", tmp_path / "out"]


def test_a_server_that_is_down_for_a_while_is_waited_for(command, openai_server, tmp_path):
    server = openai_server(latency_ms=60)
    began = time.monotonic()
    with meanwhile(
        lambda: server.stats()["requests"] >= 12, lambda: server.control(down_for_s=DOWN_S)
    ):
        result = here(*command, "--endpoint", server.url, "--concurrency", 4)

    assert result.code == 0
    assert time.monotonic() - began > DOWN_S
    assert left_in(tmp_path / "out").per_label() == FULL
    assert not left_in(tmp_path / "out").rejected


def test_a_server_that_is_gone_for_good_ends_the_run_and_another_continues_it(
    command, openai_server, tmp_path
):
    server = openai_server(latency_ms=60)
    options = ("--max-wait-s", 1, "--concurrency", 4)
    with meanwhile(lambda: server.stats()["requests"] >= 12, server.kill):
        result = here(*command, *options, "--endpoint", server.url)
    kept = left_in(tmp_path / "out")

    assert result.code == 3
    assert "Stopped: there are no answers any more." in result.out
    assert "the same command continues" in result.err
    assert 0 < len(kept.accepted) < 60
    assert kept.report["run"]["ending"] == "gone"

    other = openai_server()
    result = here(*command, *options, "--endpoint", other.url)
    left = left_in(tmp_path / "out")

    assert result.code == 0
    assert left.per_label() == FULL
    assert [row for row in left.accepted if row in kept.accepted] == kept.accepted
    assert sum(other.stats()["answered"].values()) == 60 - len(kept.accepted)


def test_where_nothing_listens_the_command_says_so_and_writes_nothing(command, tmp_path):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # held, and not listening
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}/v1"
        began = time.monotonic()
        result = alone(*command, "--endpoint", url)

    assert time.monotonic() - began < 5
    assert result.code == 2
    assert result.out == ""
    assert url in result.err
    assert "start the server first" in result.err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("config", "options", "said"),
    [
        (
            {"auth": "a key"},
            (),
            "it wants a key: put it into the variable that --api-key-env names",
        ),
        ({"models_status": 403}, (), "it refuses access"),
        ({"models_status": 404}, (), "it usually ends in /v1"),
        ({"models": ["a", "b"]}, (), "choose one with --model; it has ['a', 'b']"),
        ({}, ("--model", "other"), "has no model 'other'; it has ['stub']"),
    ],
)
def test_a_server_that_will_not_have_us_is_an_error_and_nothing_is_written(
    command, openai_server, tmp_path, config, options, said
):
    result = here(*command, *options, "--endpoint", openai_server(**config).url)

    assert result.code == 2
    assert said in result.err
    assert result.out == ""
    assert not (tmp_path / "out").exists()


def test_a_key_in_the_environment_opens_the_server(command, openai_server, tmp_path, monkeypatch):
    server = openai_server(auth="open sesame")
    monkeypatch.setenv("SECRET", "open sesame")
    result = here(*command, "--endpoint", server.url, "--api-key-env", "SECRET")

    assert result.code == 0
    left = [path for path in (tmp_path / "out").iterdir() if b"open sesame" in path.read_bytes()]
    assert left == [], "the key was written down"
