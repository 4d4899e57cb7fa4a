"""What vLLM's last words are explained as; the words are those of vLLM 0.32's sources."""

from __future__ import annotations

import pytest

from augment.engines.vllm_faults import IN_PROCESS, SERVING, explained


@pytest.mark.parametrize(
    ("log", "said"),
    [
        ("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate", "--max-model-len"),
        (
            "ValueError: Free memory on device cuda:0 (3.1/23.6 GiB) on startup is less than "
            "desired GPU memory utilization (0.9, 21.2 GiB).",
            "in use by others (3.1/23.6 GiB free): lower --gpu-memory",
        ),
        ("ValueError: No available memory for the cache blocks. Try", "raise --gpu-memory"),
        (
            "(2.0 GiB KV cache is needed, which is larger than the available KV cache memory "
            "(1.0 GiB). Based on the available memory, the estimated maximum model length is 4096.",
            "lower --max-model-len to 4096 or less",
        ),
        ("Bfloat16 is only supported on GPUs with compute capability", "--dtype float16"),
        ("OSError: [Errno 98] Address already in use", "the port is in use"),
        ("RuntimeError: [enforce fail] DefaultCPUAllocator: can't allocate", "--kv-cache-gib"),
        ("please pass the argument `trust_remote_code=True`", "code of its own"),
        ("ModuleNotFoundError: No module named 'vllm'", "`make vllm` again"),
        ("Repo id must be\nOSError: couldn't connect to 'https://hub'", "hf download"),
        ("Invalid repository ID or local directory specified: 'x'", "there is no such model"),
        ("OSError: [Errno 28] No space left on device", "a disk is full"),
        ("RuntimeError: Failed to infer device type", "make vllm DEVICE=cpu"),
        ("(Worker pid=3) ValueError: something new", "ValueError: something new"),
    ],
)
def test_known_words_are_explained_with_what_to_do(log, said):
    assert said in explained(log, code=1, knobs=SERVING)


def test_a_process_that_was_killed_and_one_that_is_silent_are_told_apart():
    assert "killed (signal 9)" in explained("", code=137, knobs=SERVING)
    assert explained("", code=1, knobs=SERVING) == "it ended without a word"
    assert explained("", code=None, knobs=SERVING) == "it never became ready"


def test_in_process_the_settings_have_the_names_of_the_recipe():
    log = "ValueError: larger than the available KV cache memory"
    assert "lower max_model_len" in explained(log, code=1, knobs=IN_PROCESS)
    assert "VLLM_CPU_KVCACHE_SPACE" in explained("", code=137, knobs=IN_PROCESS)
