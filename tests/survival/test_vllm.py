"""The real vLLM, from `.venv-vllm`: it starts, answers a run, dies and leaves nothing behind."""

from __future__ import annotations

import json
import signal
from collections import Counter
from pathlib import Path

import psutil
import pytest
from augment_command import left_in, started, until
from fake_vllm_environment import alive
from tiny_llama import SIZES, TEXTS, trained_tokenizer, write_causal, write_tiny_llama
from transformers import LlamaConfig

from augment.engines.embedded import WEIGHTS
from augment.engines.vllm_environment import current
from augment.errors import EngineUnusable

pytestmark = [pytest.mark.vllm, pytest.mark.slow]
READY_WITHIN_S = 400
LABELS = 7


@pytest.fixture(scope="module", autouse=True)
def _there(missing):
    try:
        current()
    except EngineUnusable as error:
        missing(str(error))


@pytest.fixture(scope="module")
def seeds(corpora, tmp_path_factory):
    """Ten seeds of each label of snips_intent."""
    kept, counts = [], Counter()
    with (corpora / "classification/snips_intent/train.jsonl").open(encoding="utf-8") as lines:
        for line in lines:
            label = json.loads(line)["label"]
            counts[label] += 1
            if counts[label] <= 10:
                kept.append(line)
    path = tmp_path_factory.mktemp("seeds") / "seeds.jsonl"
    path.write_text("".join(kept), "utf-8")
    assert len(kept) == 10 * LABELS
    return path


@pytest.fixture
def command(seeds, tmp_path):
    return ["run", seeds, "--encoder", "ngram", "--out", tmp_path / "out"]


def family(pid):
    """The ids of a process and all below it."""
    return [pid, *(each.pid for each in psutil.Process(pid).children(recursive=True))]


def named(pids, name):
    return [pid for pid in pids if alive(pid) and name in " ".join(psutil.Process(pid).cmdline())]


def all_gone(pids):
    until(lambda: not any(alive(pid) for pid in pids), within_s=30)
    return True


def test_vllm_is_killed_in_a_run_which_goes_on_and_fills_its_quotas(command, tmp_path):
    journal = tmp_path / "out/journal.db"
    with started(*command, "--per-label", 5, "--serve", "bundled") as process:
        until(journal.exists, within_s=READY_WITHIN_S)
        before = family(process.pid)
        (engine,) = named(before, "EngineCore")
        psutil.Process(engine).send_signal(signal.SIGKILL)
        out, err = process.communicate(timeout=2 * READY_WITHIN_S)

    assert process.returncode == 0, out + err
    assert out.count("vLLM is ready after") == 2
    left = left_in(tmp_path / "out")
    assert set(left.per_label().values()) == {5}
    assert len(left.per_label()) == LABELS
    assert not {"server_error", "unanswered", "refused"} & left.reasons().keys()
    assert all_gone(before)
    assert named(psutil.pids(), str(WEIGHTS)) == []


def test_a_model_of_noise_spends_the_budget_which_is_reported(command, tmp_path):
    # vLLM on CPUs has no kernel for heads as small as those of the other tests
    sizes = {**SIZES, "hidden_size": 128, "head_dim": 32, "max_position_embeddings": 2048}
    folder = write_causal(tmp_path / "noise", LlamaConfig(**sizes), trained_tokenizer(TEXTS))
    budget = ("--per-label", 5, "--max-requests", 40)
    with started(*command, "--serve", folder, *budget) as process:
        out, err = process.communicate(timeout=2 * READY_WITHIN_S)
    left = left_in(tmp_path / "out")

    assert process.returncode == 3, out + err
    assert "Stopped: the budget is spent." in out
    assert len(left.accepted) + len(left.rejected) == 40
    assert "refused" not in left.reasons(), "the prompts were measured beforehand"
    assert named(psutil.pids(), str(folder)) == []


def test_nothing_of_vllm_outlives_a_serve_command_that_is_killed(tmp_path):
    log = tmp_path / "vllm.log"
    with started("serve", "bundled", "--port", 0, "--log", log) as process:
        while not (line := process.stdout.readline()).startswith("stop"):
            assert line, process.communicate()[1]
        every = family(process.pid)
        assert named(every, "EngineCore")
        process.kill()
        assert all_gone(every)


def unknown_kind(folder: Path) -> Path:
    write_tiny_llama(folder)
    config = json.loads((folder / "config.json").read_text("utf-8"))
    config["architectures"] = ["NoSuchForCausalLM"]
    (folder / "config.json").write_text(json.dumps(config), "utf-8")
    return folder


def damaged(folder: Path) -> Path:
    write_tiny_llama(folder)
    (folder / "model.safetensors").write_bytes(b"\0" * 100)
    return folder


@pytest.mark.parametrize(
    ("model", "more", "said"),
    [
        (unknown_kind, (), "vLLM does not know this kind of model, ['NoSuchForCausalLM']"),
        (damaged, (), "the model's weights are not there or are damaged"),
        (
            write_tiny_llama,
            ("--no-such-option",),
            "vLLM does not know an option: unrecognized arguments: --no-such-option",
        ),
        (
            write_tiny_llama,
            ("--max-model-len", "4096"),
            "--max-model-len 4096 is more than the model can read: give 512 or less",
        ),
        (
            write_tiny_llama,
            ("--kv-cache-memory-bytes", "60000"),
            "its cache is too small for one request: lower --max-model-len",
        ),
    ],
)
def test_a_start_that_fails_is_explained(tmp_path, model, more, said):
    folder = model(tmp_path / "model")
    command = ("serve", folder, "--port", 0, "--log", tmp_path / "log", "--", *more)
    with started(*command) as process:
        out, err = process.communicate(timeout=READY_WITHIN_S)

    assert process.returncode == 2, out + err
    assert f"vLLM did not start: {said}" in err
    assert named(psutil.pids(), str(folder)) == []
