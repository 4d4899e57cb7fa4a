"""What is chosen for a model, a machine and the work, and why."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from augment.engines.vllm_environment import Environment
from augment.engines.vllm_weights import Weights
from augment.errors import InputError
from augment.recipe_fields import Serving
from serving.vllm.choice import Work, choose
from serving.vllm.machine import GIB, Gpu, Machine
from serving.vllm.model import Model, find

CPU = Environment(python=Path("/v/bin/python"), version="0.32.0", for_gpu=False)
GPU = Environment(python=Path("/v/bin/python"), version="0.32.0", for_gpu=True)
CARD = Gpu(name="NVIDIA L4", memory=24 * GIB, free=23 * GIB, capability=8.9)
HERE = Machine(gpus=(), cores=8, memory=32 * GIB)
WITH_CARD = Machine(gpus=(CARD,), cores=8, memory=32 * GIB)
WORK = Work(prompt_tokens=700, answer_tokens=512, concurrency=64)


def model(**own):
    facts = {
        "name": "acme/writer", "path": "acme/writer", "here": True, "limit": 40_960,
        "token_bytes": 147_456, "heads": 32, "chats": True, "tokenizer": None,
    }  # fmt: skip
    weights = {"stored": 8 * GIB, "dtype": "bfloat16"}
    weights |= {name: own.pop(name) for name in ("stored", "dtype", "quantized") if name in own}
    return Model(**{**facts, **own}, weights=Weights(**weights))


def options(*, wish=None, machine=HERE, environment=CPU, work=WORK, **own):
    choice = choose(
        Serving.model_validate(wish or {}),
        model=model(**own),
        machine=machine,
        environment=environment,
        work=work,
    )
    return {each.name: each.value for each in choice.chosen}, choice


@given(prompt=st.integers(1, 60_000), answer=st.integers(1, 4096), limit=st.integers(512, 200_000))
def test_the_length_holds_the_longest_prompt_and_answer_or_is_the_models_limit(
    prompt, answer, limit
):
    work = Work(prompt_tokens=prompt, answer_tokens=answer, concurrency=8)
    found, choice = options(work=work, limit=limit, token_bytes=1024)
    length = int(found["max-model-len"])

    assert length <= limit
    assert length == limit or prompt + answer <= length < prompt + answer + 128
    warned = any("leave no room" in notice for notice in choice.notices)
    assert warned == (prompt + answer > limit)


def test_without_seeds_the_length_is_what_prompts_hardly_ever_have():
    work = Work(prompt_tokens=None, answer_tokens=512, concurrency=64)

    assert options(work=work)[0]["max-model-len"] == "4096"


@given(prompt=st.integers(1, 30_000), wish=st.sampled_from([{}, {"max_model_len": 20_000}]))
def test_a_cpu_reads_every_prompt_at_one_go(prompt, wish):
    found, _ = options(work=Work(prompt_tokens=prompt, answer_tokens=9, concurrency=1), wish=wish)

    assert "no-enable-chunked-prefill" in found
    assert int(found["max-num-batched-tokens"]) >= int(found["max-model-len"])


def test_the_cache_on_a_cpu_holds_all_requests_or_takes_what_is_free():
    roomy, _ = options(token_bytes=1024)
    tight, _ = options()

    assert int(roomy["kv-cache-memory-bytes"]) == GIB // 4
    assert int(tight["kv-cache-memory-bytes"]) == 64 * 1280 * 147_456
    small = Machine(gpus=(), cores=2, memory=12 * GIB)
    assert int(options(machine=small)[0]["kv-cache-memory-bytes"]) == 2 * GIB


def test_a_model_that_does_not_fit_the_memory_is_refused_with_the_figures():
    with pytest.raises(InputError, match=r"10\.0 GiB of memory are free, its weights take 8\.0"):
        options(machine=Machine(gpus=(), cores=2, memory=10 * GIB))


def test_weights_of_four_bytes_take_half_as_much_in_two():
    found, _ = options(dtype="float32", machine=Machine(gpus=(), cores=2, memory=7 * GIB))

    assert found["dtype"] == "bfloat16"


@pytest.mark.parametrize(
    ("memory", "weights", "dtype"),
    [(32 * GIB, 4 * GIB, "float32"), (24 * GIB, 4 * GIB, "bfloat16"), (32 * GIB, None, "bfloat16")],
)
def test_a_processor_that_is_slow_in_bfloat16_gets_float32_where_there_is_room(
    memory, weights, dtype
):
    narrow = Machine(gpus=(), cores=2, memory=memory, narrow=True)

    assert options(machine=narrow, stored=weights, token_bytes=1)[0]["dtype"] == dtype
    wished, _ = options(machine=narrow, wish={"dtype": "bfloat16"}, token_bytes=1)
    assert wished["dtype"] == "bfloat16"
    packed, _ = options(machine=narrow, stored=weights, token_bytes=1, quantized=True)
    assert packed["dtype"] == "bfloat16"


def test_a_gpu_is_used_where_there_is_one_with_a_vllm_for_it():
    found, choice = options(machine=WITH_CARD, environment=GPU)

    assert choice.device == "gpu"
    assert found["dtype"] == "auto"
    assert found["gpu-memory-utilization"] == "0.9"
    assert "enforce-eager" not in found
    assert "on NVIDIA L4 (23 GiB free)" in choice.notices[0]


def test_of_a_gpu_in_use_no_more_is_taken_than_is_free():
    busy = Gpu(name="NVIDIA L4", memory=24 * GIB, free=12 * GIB, capability=8.9)
    found, _ = options(machine=Machine(gpus=(busy,), cores=8, memory=GIB), environment=GPU)

    assert found["gpu-memory-utilization"] == "0.47"


def test_an_old_gpu_gets_float16():
    old = Gpu(name="Tesla T4", memory=16 * GIB, free=15 * GIB, capability=7.5)
    found, _ = options(machine=Machine(gpus=(old,), cores=8, memory=GIB), environment=GPU)

    assert found["dtype"] == "float16"


def test_weights_that_no_gpu_holds_are_shared_among_as_many_as_it_takes():
    many = Machine(gpus=(CARD,) * 4, cores=8, memory=GIB)

    assert options(machine=many, environment=GPU, stored=30 * GIB)[0]["tensor-parallel-size"] == "2"
    assert "tensor-parallel-size" not in options(machine=many, environment=GPU)[0]


def test_everything_that_is_wished_for_is_taken():
    wish = {"dtype": "float32", "max-model-len": "777", "kv-cache-gib": "3"}
    found, _ = options(wish=wish)

    assert found["dtype"] == "float32"
    assert found["max-model-len"] == "777"
    assert found["kv-cache-memory-bytes"] == str(3 * GIB)
    share, _ = options(wish={"gpu-memory": 0.5}, machine=WITH_CARD, environment=GPU)
    assert share["gpu-memory-utilization"] == "0.5"


@pytest.mark.parametrize(
    ("word", "left_out"),
    [
        ("--dtype=float32", "dtype"),
        ("--max_num_seqs", "max-num-seqs"),
        ("--no-enable-prefix-caching", "enable-prefix-caching"),
        ("--enable-chunked-prefill", "no-enable-chunked-prefill"),
    ],
)
def test_what_is_given_to_vllm_itself_is_not_chosen_too(word, left_out):
    found, choice = options(wish={"arguments": [word, "9"]})

    assert left_out not in found
    assert choice.arguments[-2:] == [word, "9"]


@pytest.mark.parametrize(
    ("wish", "machine", "environment", "said"),
    [
        ({"device": "gpu"}, HERE, GPU, "no NVIDIA GPU is to be seen"),
        ({"device": "gpu"}, WITH_CARD, CPU, "/v is for CPUs"),
        ({}, HERE, GPU, "for GPUs, and no NVIDIA GPU is to be seen here"),
        ({"device": "cpu"}, WITH_CARD, GPU, "for GPUs, and the CPU is wanted"),
    ],
)
def test_a_device_that_cannot_be_had_is_refused(wish, machine, environment, said):
    with pytest.raises(InputError, match=said):
        options(wish=wish, machine=machine, environment=environment)


def test_a_model_without_a_chat_template_is_refused_unless_one_is_given():
    with pytest.raises(InputError, match="has no chat template"):
        options(chats=False)
    options(chats=False, wish={"arguments": ["--chat-template", "mine.jinja"]})


def test_the_bundled_model_is_known():
    bundled = find("bundled")

    assert (bundled.limit, bundled.here, bundled.chats) == (1024, True, True)
    assert bundled.token_bytes == 2 * 6 * 4 * 32 * 2
    assert 5 < bundled.tokens(["where is my parcel?"]) < 40


def test_a_folder_without_a_model_and_a_name_that_is_none_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"is a folder without config\.json"):
        find(str(tmp_path))
    with pytest.raises(InputError, match="cannot be a hub's name"):
        find("/no/such/folder")


def test_a_part_of_the_weights_is_not_taken_for_the_whole(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "model-1.safetensors").write_bytes(b"12")
    index = {"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))

    assert not find(str(tmp_path)).here
    (tmp_path / "model-2.safetensors").write_bytes(b"3")
    assert find(str(tmp_path)).here
