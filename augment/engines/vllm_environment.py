"""Where vLLM is installed, what surrounds its process, and what its start-up errors mean."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path

from augment.errors import EngineUnusable

NAMED_BY = "AUGMENT_VLLM"
"""The variable that names the folder of an environment with vLLM."""
FOLDER = ".venv-vllm"
_OURS = frozenset({"AUGMENT_API_KEY", "PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV"})
_QUIET = {
    "VLLM_NO_USAGE_STATS": "1",
    "VLLM_DO_NOT_TRACK": "1",
    "DO_NOT_TRACK": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "VLLM_WORKER_MULTIPROC_METHOD": "spawn",
}
"""No telemetry; and processes started anew: only these can be told to die with their parent."""

_CAUSES = (
    (
        r"No module named 'vllm'",
        "the environment has no vLLM: `make vllm` makes one that has",
    ),
    (
        r"model-options: vLLM knows no",
        "see vLLM's engine arguments",
    ),
    (
        r"out of memory|No available memory for the cache|larger than the available KV cache"
        r"|less than desired [CG]PU memory|Not enough memory|Cannot allocate memory|MemoryError",
        "there is not enough memory: lower max_model_len or gpu_memory_utilization in "
        "`model-options`, or VLLM_CPU_KVCACHE_SPACE (GiB) on a CPU, or take a smaller model",
    ),
    (
        r"does not recognize this architecture|[Mm]odel architectures .* (?:not supported|failed)"
        r"|not supported for now",
        "this vLLM does not know the model's architecture: take a newer vLLM or another model",
    ),
    (
        r"is not a local folder|is not a valid model identifier|couldn't connect|offline mode"
        r"|LocalEntryNotFound|Repository Not Found|Invalid repository ID|Repo id must"
        r"|config\\.json",
        "the model was not found: --model takes a folder, or a name on the model hub, which must "
        "then be within reach",
    ),
    (
        r"no chat template",
        "take an instruct or chat model",
    ),
)
_ERROR = re.compile(r"\b(?:\w+\.)*\w*(?:Error|Exception): .+")
"""As Python ends a traceback; vLLM's processes each report that of the one below."""


def python_of(environ: Mapping[str, str], *, here: Path) -> Path:
    """Return the interpreter of an environment that has vLLM.

    It is in the folder that a variable names; else in `.venv-vllm` in the working folder, in the
    project, or beside the environment that we run in.

    Raises:
        EngineUnusable: there is none.
    """
    named = environ.get(NAMED_BY)
    beside = (here, Path(__file__).parents[2], Path(sys.prefix).parent)
    folders = [Path(named)] if named else [place / FOLDER for place in beside]
    for folder in folders:
        python = folder / "bin" / "python"
        if python.is_file():
            return python
    if named:
        raise EngineUnusable(f"{NAMED_BY} names {named}, where there is no bin/python")
    raise EngineUnusable(
        f"vLLM is not installed: there is no {FOLDER} here; `make vllm` in augment's folder makes "
        f"it, or {NAMED_BY} names the folder of an environment that has vLLM"
    )


def surroundings(environ: Mapping[str, str], *, offline: bool) -> dict[str, str]:
    """Return the variables of vLLM's process.

    Args:
        environ: our own.
        offline: whether the model lies here, so that no hub need be asked.
    """
    own = {name: value for name, value in environ.items() if name not in _OURS}
    return own | _QUIET | ({"HF_HUB_OFFLINE": "1"} if offline else {})


def explained(said: str, log: str) -> str:
    """Return what a start-up error means, what to do about it, and the last lines of the log.

    Args:
        said: by the worker before it ended; may be empty.
        log: the end of what vLLM printed.
    """
    roots = [line for line in _ERROR.findall(log) if "initialization failed" not in line]
    if roots and ("initialization failed" in said or not _ERROR.search(said)):
        said = roots[-1]
    meaning = next((advice for cause, advice in _CAUSES if re.search(cause, said)), None)
    lines = [line.rstrip() for line in log.splitlines() if line.strip()][-8:]
    head = meaning or "vLLM could not be started"
    said = said.splitlines()[0][:300] if said else ""
    return "\n".join([f"{head} ({said})" if said else head, *(f"| {line[:300]}" for line in lines)])


def current() -> Path:
    """Return the interpreter as seen from here; as `python_of`."""
    return python_of(os.environ, here=Path.cwd())
