"""What the machine has, told by a stand-in for the driver's tool and by the real kernel."""

from __future__ import annotations

import os

import pytest

from serving.vllm.machine import GIB, look

TOLD = """0, GPU-1a2b, NVIDIA A100-SXM4-80GB, 81920, 80000, 8.0
1, GPU-3c4d, Tesla T4, 15360, 15000, 7.5
2, GPU-5e6f, broken, [N/A], [N/A], [N/A]
"""


@pytest.fixture
def path(tmp_path):
    tool = tmp_path / "nvidia-smi"
    (tmp_path / "told").write_text(TOLD)
    tool.write_text(f"#!/bin/sh\n/bin/cat {tmp_path / 'told'}\n")
    tool.chmod(0o755)
    return str(tmp_path)


@pytest.mark.parametrize(
    ("visible", "names"),
    [
        (None, ["NVIDIA A100-SXM4-80GB", "Tesla T4"]),
        ("1", ["Tesla T4"]),
        ("GPU-1a", ["NVIDIA A100-SXM4-80GB"]),
        ("", []),
    ],
)
def test_gpus_are_those_that_may_be_used(path, visible, names):
    chosen = {} if visible is None else {"CUDA_VISIBLE_DEVICES": visible}

    assert [gpu.name for gpu in look({"PATH": path, **chosen}).gpus] == names


def test_without_the_drivers_tool_there_is_no_gpu_and_memory_is_known(tmp_path):
    machine = look({"PATH": str(tmp_path)})

    assert machine.gpus == ()
    assert machine.cores == len(os.sched_getaffinity(0))
    assert 0.1 * GIB < machine.memory < 10_000 * GIB
