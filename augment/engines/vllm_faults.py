"""What vLLM's last words mean, and what to do about it."""

from __future__ import annotations

import re
from dataclasses import dataclass

_KILLED = 128 + 9
_LAST_LINES = 12
_WIDTH = 240
_PREFIX = re.compile(r"^\([\w ]+pid=\d+\) ")
_NOISE = re.compile(r"^\s*$|Loading safetensors checkpoint shards|resource_tracker|\^+\s*$")
_ERROR = re.compile(r"^(?:[\w.]+\.)?\w*(?:Error|Exception|Interrupt): .+|.*\berror: .+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Knobs:
    """How the settings that may help are called, which depends on who starts vLLM."""

    length: str
    memory: str
    cache: str
    dtype: str
    gpus: str
    port: str


SERVING = Knobs(
    length="--max-model-len", memory="--gpu-memory", cache="--kv-cache-gib", dtype="--dtype",
    gpus="-- --tensor-parallel-size N", port="--port",
)  # fmt: skip
"""Where `serve` or `--serve` starts it."""
IN_PROCESS = Knobs(
    length="max_model_len", memory="gpu_memory_utilization", cache="VLLM_CPU_KVCACHE_SPACE (GiB)",
    dtype="dtype:", gpus="tensor_parallel_size: N", port="another port",
)  # fmt: skip
"""Where `--engine vllm` does: by `model-options` of the recipe, and a variable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """A failure that is known: what it looks like, and what to say of it.

    Attributes:
        pattern: its groups are g[0], g[1] ... in `said`, where k is the knobs.
    """

    pattern: re.Pattern[str]
    said: str


def _known(pattern: str, said: str) -> _Known:
    return _Known(pattern=re.compile(pattern, re.IGNORECASE), said=said)


_ON_GPU = "take a smaller or quantized model, or give it more GPUs ({k.gpus})"
_EVERY = (
    _known(
        r"No module named '?(vllm[\w.]*)",
        "vLLM is not whole in its environment ({g[0]} is missing): remove it and `make vllm` again",
    ),
    _known(r"(unrecognized arguments: .+)", "vLLM does not know an option: {g[0]}"),
    _known(r"api_server\.py: error: (.+)", "vLLM refuses an option: {g[0]}"),
    _known(
        r"Address already in use",
        "the port is in use: give another with {k.port}, or end what listens there",
    ),
    _known(
        r"Free memory on device .*?\((.+?)\) on startup is less than desired GPU memory",
        "the GPU's memory is in use by others ({g[0]} free): lower {k.memory}, or end what uses it",
    ),
    _known(
        r"No available memory for the cache blocks",
        "the model fits, and no memory is left for its cache: raise {k.memory} if it is below "
        "0.95, lower {k.length}, or " + _ON_GPU,
    ),
    _known(
        r"estimated maximum model length is (\d+)",
        "its cache is too small for one request: lower {k.length} to {g[0]} or less, or raise "
        "{k.cache} (on a GPU {k.memory})",
    ),
    _known(
        r"larger than the available KV cache",
        "its cache is too small for one request: lower {k.length}, or raise {k.cache} "
        "(on a GPU {k.memory})",
    ),
    _known(
        r"CUDA out of memory|OutOfMemoryError|CUDA error: out of memory",
        "the GPU's memory is too small: lower {k.length} or {k.memory}, or " + _ON_GPU,
    ),
    _known(
        r"DefaultCPUAllocator|can't allocate memory|Cannot allocate memory|MemoryError",
        "there is not enough memory: lower {k.cache} or {k.length}, or take a smaller model",
    ),
    _known(
        r"less than desired CPU memory",
        "there is not enough memory: give a smaller {k.cache}",
    ),
    _known(
        r"User-specified max_model_len \((\d+)\) is greater than the derived \w*max_model_len[^\d]*"
        r"(\d+)",
        "{k.length} {g[0]} is more than the model can read: give {g[1]} or less",
    ),
    _known(
        r"Bfloat16 is only supported on GPUs",
        "this GPU has no bfloat16: give {k.dtype} float16",
    ),
    _known(
        r"requires you to execute|argument `?trust_remote_code|contains custom code",
        "the model wants to run code of its own, which is never allowed here: take a model that "
        "vLLM itself knows",
    ),
    _known(
        r"Model architectures (\[.+?\]) (?:are not supported|failed to be inspected)",
        "vLLM does not know this kind of model, {g[0]}: take another, or a newer vLLM",
    ),
    _known(
        r"model type `([^`]+)` but Transformers does not recognize this architecture",
        "nobody here knows this kind of model, {g[0]!r}: take another, or a newer vLLM",
    ),
    _known(
        r"gated repo|401 Client Error|403 Client Error",
        "the hub wants an agreement or a token: give it on the model's page, and set HF_TOKEN",
    ),
    _known(
        r"Invalid repository ID or local directory|not a local folder and is not a valid|"
        r"RepositoryNotFoundError",
        "there is no such model, neither a folder nor on the hub",
    ),
    _known(
        r"couldn't connect to|offline mode is enabled|LocalEntryNotFoundError|"
        r"Name or service not known|ConnectError|Max retries exceeded",
        "the model's files are not all here, and the hub cannot be reached: fetch the model where "
        "there is a network (hf download), or give the path of a folder",
    ),
    _known(
        r"SafetensorError|Error while deserializing|HeaderTooLarge|Cannot find any model weights",
        "the model's weights are not there or are damaged: fetch the model again",
    ),
    _known(
        r"No space left on device",
        "a disk is full: the hub's cache lies in HF_HOME, and vLLM writes to TMPDIR too",
    ),
    _known(
        r"Failed to find C compiler|gcc: not found|No such file or directory: '(?:gcc|g\+\+|cc)'",
        "vLLM wants a C compiler: install gcc (apt-get install gcc g++)",
    ),
    _known(
        r"libcuda\.so|no NVIDIA GPU|Failed to infer device type|No CUDA GPUs are available",
        "this vLLM is for GPUs and finds none: remove its environment and `make vllm DEVICE=cpu`",
    ),
    _known(
        r"model-options: vLLM knows no (.+)",
        "vLLM has no argument {g[0]}: see its `AsyncEngineArgs`",
    ),
    _known(r"no chat template", "it has no chat template: take an instruct or chat model"),
)


def failure(head: str, log: str, *, code: int | None, knobs: Knobs, where: str) -> str:
    """Return what to tell of a start that failed: why, what to do, and the last lines of the log.

    Args:
        head: what happened.
        log: as for `explained`, and so `code` and `knobs`.
        code: its exit code.
        knobs: how its settings are called.
        where: the log lies, or what it is of.
    """
    lines = [f"  {line}" for line in last_lines(log)]
    end = [f"the last lines of {where}:", *lines] if lines else []
    return "\n".join([f"{head}: {explained(log, code=code, knobs=knobs)}", *end])


def explained(log: str, *, code: int | None, knobs: Knobs) -> str:
    """Return why vLLM did not start, and what to do.

    Args:
        log: what it wrote, or the end of it.
        knobs: how its settings are called where it was started.
        code: its exit code, 128 and the signal where one ended it; None where it runs.
    """
    for known in _EVERY:
        if found := known.pattern.search(log):
            groups = [group or "" for group in found.groups()]
            return known.said.format(g=groups, k=knobs)
    if code == _KILLED:
        return (
            "it was killed (signal 9), as Linux does when the memory is used up: lower "
            f"{knobs.cache} or {knobs.length}, or take a smaller model"
        )
    errors = [line for line in _lines(log) if _ERROR.match(line)]
    if errors:
        return errors[-1][:_WIDTH]
    return "it ended without a word" if code is not None else "it never became ready"


def last_lines(log: str) -> list[str]:
    """Return the last lines that say something."""
    return [line[:_WIDTH] for line in _lines(log)[-_LAST_LINES:]]


def last_line(log: str) -> str:
    """Return the last line that says something; empty where there is none."""
    return (last_lines(log) or [""])[-1]


def _lines(log: str) -> list[str]:
    lines = (_PREFIX.sub("", line) for line in log.replace("\r", "\n").split("\n"))
    return [line.rstrip() for line in lines if not _NOISE.search(line)]
