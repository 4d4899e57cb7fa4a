"""What the start-up errors of vLLM in its worker mean, and which of its arguments to change."""

from __future__ import annotations

import re

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
