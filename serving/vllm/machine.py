"""What this machine has for vLLM to run on, found without torch."""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from augment.engines.vllm_environment import free_memory, narrow

GIB = 1 << 30
_QUERY = "--query-gpu=index,uuid,name,memory.total,memory.free,compute_cap"
_LONGEST_S = 20.0
_MIB = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Gpu:
    """An NVIDIA GPU; memory in bytes, `capability` as CUDA numbers it (8.0 is Ampere)."""

    name: str
    memory: int
    free: int
    capability: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What there is.

    Attributes:
        gpus: those that a process of ours may use.
        cores: that a process of ours may run on.
        memory: bytes that can be had at present.
        narrow: whether the processor is slow in bfloat16.
    """

    gpus: tuple[Gpu, ...]
    cores: int
    memory: int
    narrow: bool = False


def look(environ: Mapping[str, str]) -> Machine:
    """Return what this machine has, of GPUs those that `CUDA_VISIBLE_DEVICES` leaves."""
    affinity = getattr(os, "sched_getaffinity", None)  # Linux alone has it
    return Machine(
        gpus=_gpus(environ),
        cores=len(affinity(0)) if affinity is not None else os.cpu_count() or 1,
        memory=free_memory(),
        narrow=narrow(),
    )


def _gpus(environ: Mapping[str, str]) -> tuple[Gpu, ...]:
    tool = shutil.which("nvidia-smi", path=environ.get("PATH"))
    if tool is None:
        return ()
    try:
        told = subprocess.run(  # noqa: S603 - the driver's own tool
            [tool, _QUERY, "--format=csv,noheader,nounits"],
            capture_output=True, text=True, timeout=_LONGEST_S, check=True,
        ).stdout  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return ()
    visible = environ.get("CUDA_VISIBLE_DEVICES")
    chosen = None if visible is None else [each.strip() for each in visible.split(",")]
    found: list[Gpu] = []
    for row in csv.reader(told.splitlines(), skipinitialspace=True):
        with suppress(ValueError):  # a line that is no GPU's
            index, uuid, name, total, free, capability = row
            if chosen is None or index in chosen or any(u and uuid.startswith(u) for u in chosen):
                found.append(
                    Gpu(
                        name=name,
                        memory=int(total) * _MIB,
                        free=int(free) * _MIB,
                        capability=float(capability),
                    )
                )
    return tuple(found)
