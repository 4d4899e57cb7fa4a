"""How vLLM is started for a model, a machine and the work that is to be done, and why so."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from augment.engines.vllm_environment import Environment, cpu_dtype
from augment.errors import InputError
from augment.recipe_fields import Serving
from serving.vllm.machine import GIB, Machine
from serving.vllm.model import Model

UNKNOWN_WORK_TOKENS = 4096
_STEP = 128
"""Of `max-model-len`: vLLM's cache comes in blocks of 16 to 128 tokens."""
_GPU_SHARE, _GPU_SPARE = 0.9, GIB // 2
_CPU_SPARE = 2 * GIB
"""For the encoder, the run and vLLM's own processes, which take a gigabyte and a half."""
_LEAST_CACHE = GIB // 4
_CPU_STEP_TOKENS = 4096
_AMPERE = 8.0
_STRUCTURED = {"backend": "guidance", "disable_any_whitespace": True}
_NEEDS_NO_TEMPLATE = frozenset({"chat-template", "tokenizer-mode", "tokenizer"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What a server is to do.

    Attributes:
        prompt_tokens: of the longest prompt; None where the prompts are not known.
        answer_tokens: that one answer may have.
        concurrency: requests at a time.
    """

    prompt_tokens: int | None
    answer_tokens: int
    concurrency: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """One of vLLM's settings, and why it is as it is.

    Attributes:
        name: of the option, without dashes before it.
        value: None where the option takes none.
        why: in words; empty where nobody needs to be told.
    """

    name: str
    value: str | None
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """How vLLM is started.

    Attributes:
        device: `gpu` or `cpu`.
        chosen: what was chosen for the user, who gave `given` over it.
        notices: what the user should know beforehand.
    """

    device: str
    chosen: tuple[Chosen, ...]
    given: tuple[str, ...]
    notices: tuple[str, ...] = ()

    @property
    def arguments(self) -> list[str]:
        """Return the options for vLLM's command line, what the user gave last."""
        own = [
            word
            for each in self.chosen
            for word in (f"--{each.name}", *([] if each.value is None else [each.value]))
        ]
        return [*own, *self.given]


def choose(
    wish: Serving, *, model: Model, machine: Machine, environment: Environment, work: Work
) -> Choice:
    """Return settings that suit; what the wish says is taken, and what it leaves open is chosen.

    Raises:
        InputError: the model cannot be served so, on this machine or at all.
    """
    given = _names(wish.arguments)
    if not model.chats and not given & _NEEDS_NO_TEMPLATE:
        what = (
            "has no chat template, so that it cannot be asked (a base model?): take a model that "
            "was tuned to follow instructions, or give `-- --chat-template FILE`"
        )
        raise InputError.one(model.name, what)
    device, why = _device(wish, machine, environment)
    length = _length(wish, model, work)
    chosen = [Chosen(name="served-model-name", value=model.name, why=""), length]
    if device == "gpu":
        chosen += _on_gpu(wish, model, machine)
    else:
        chosen += _on_cpu(wish, model, machine, work=work, length=int(length.value or 0))
    chosen += _always()
    return Choice(
        device=device,
        chosen=tuple(each for each in chosen if each.name not in given),
        given=tuple(wish.arguments),
        notices=(why, *_too_long(work, length)),
    )


def _names(arguments: Sequence[str]) -> set[str]:
    """Return the options that are given, also by their negation, `--no-...`."""
    words = [word[2:].partition("=")[0] for word in arguments if word.startswith("--")]
    names = {word.replace("_", "-") for word in words}
    return names | {f"no-{name}" for name in names} | {name.removeprefix("no-") for name in names}


def _device(wish: Serving, machine: Machine, environment: Environment) -> tuple[str, str]:
    """Return the device, and a sentence on it."""
    kind = "GPUs" if environment.for_gpu else "CPUs"
    if wish.device == "gpu" and not (machine.gpus and environment.for_gpu):
        what = "no NVIDIA GPU is to be seen here (nvidia-smi)"
        if machine.gpus:
            what = f"the vLLM in {environment.folder} is for CPUs: remove it and `make vllm` again"
        raise InputError.one("--device gpu", what)
    if (not machine.gpus or wish.device == "cpu") and environment.for_gpu:
        what = (
            f"the vLLM in {environment.folder} is for GPUs, and "
            + ("the CPU is wanted" if machine.gpus else "no NVIDIA GPU is to be seen here")
            + ": remove it and `make vllm DEVICE=cpu`"
        )
        raise InputError.one("--device" if wish.device else "device", what)
    where = f"vLLM {environment.version} for {kind} in {environment.folder}"
    if environment.for_gpu:
        gpus = ", ".join(f"{gpu.name} ({gpu.free / GIB:.0f} GiB free)" for gpu in machine.gpus)
        return "gpu", f"on {gpus}, with {where}"
    unused = "; a GPU is here, and only a vLLM for GPUs would use it" if machine.gpus else ""
    memory = f"{machine.memory / GIB:.0f} GiB free"
    return "cpu", f"on the CPU ({machine.cores} cores, {memory}), with {where}{unused}"


def _length(wish: Serving, model: Model, work: Work) -> Chosen:
    name = "max-model-len"
    if wish.max_model_len is not None:
        return Chosen(name=name, value=str(wish.max_model_len), why="as given")
    if work.prompt_tokens is None:
        wanted, why = UNKNOWN_WORK_TOKENS, "no seeds are known; prompts are rarely longer"
    else:
        counted = "" if model.tokenizer is not None else " at the most"
        wanted = -(-(work.prompt_tokens + work.answer_tokens) // _STEP) * _STEP
        why = (
            f"the longest prompt has about {work.prompt_tokens:,} tokens{counted}, an answer up to "
            f"{work.answer_tokens:,}"
        )
    if model.limit is not None and model.limit < wanted:
        return Chosen(name=name, value=str(model.limit), why=f"the model's limit; {why}")
    return Chosen(name=name, value=str(wanted), why=why)


def _too_long(work: Work, length: Chosen) -> Iterator[str]:
    most = int(length.value or 0)
    if work.prompt_tokens is not None and work.prompt_tokens + work.answer_tokens > most:
        yield (
            f"warning: the longest prompts, of about {work.prompt_tokens:,} tokens, leave no room "
            f"for {work.answer_tokens:,} tokens of answer within {most:,}: fewer shots or a "
            "smaller sampling.max-tokens would help"
        )


def _on_gpu(wish: Serving, model: Model, machine: Machine) -> Iterator[Chosen]:
    old = min(gpu.capability for gpu in machine.gpus)
    if wish.dtype is not None:
        yield Chosen(name="dtype", value=wish.dtype, why="as given")
    elif old < _AMPERE:
        why = f"a GPU of compute capability {old:g} has no bfloat16"
        yield Chosen(name="dtype", value="float16", why=why)
    else:
        yield Chosen(name="dtype", value="auto", why="as the weights are stored")
    count = _gpus_needed(model, machine)
    if count > 1:
        size = f"{(model.weights.stored or 0) / GIB:.0f} GiB of weights do not fit one GPU"
        yield Chosen(name="tensor-parallel-size", value=str(count), why=size)
    if wish.kv_cache_gib is not None:
        cache = str(round(wish.kv_cache_gib * GIB))
        yield Chosen(name="kv-cache-memory-bytes", value=cache, why="as given")
    share, why = wish.gpu_memory, "as given"
    if share is None:
        free = min((gpu.free - _GPU_SPARE) / gpu.memory for gpu in machine.gpus[:count])
        share = max(0.05, math.floor(100 * min(_GPU_SHARE, free)) / 100)
        why = "the rest is for others" if share == _GPU_SHARE else "of the memory no more is free"
    yield Chosen(name="gpu-memory-utilization", value=f"{share:g}", why=why)


def _gpus_needed(model: Model, machine: Machine) -> int:
    """Return the least power of two of GPUs that holds the weights and shares the heads evenly."""
    count = 1
    smallest = min(gpu.memory for gpu in machine.gpus) * _GPU_SHARE**2  # room for a cache
    while (model.weights.stored or 0) > count * smallest and 2 * count <= len(machine.gpus):
        if model.heads is not None and model.heads % (2 * count):
            break
        count *= 2
    return count


def _on_cpu(
    wish: Serving, model: Model, machine: Machine, *, work: Work, length: int
) -> Iterator[Chosen]:
    chosen = _cpu_dtype(wish, model, machine)
    yield chosen
    dtype = chosen.value
    number = (
        4 if dtype == "float32" or (dtype == "auto" and model.weights.dtype == "float32") else 2
    )
    yield _cpu_cache(wish, model, machine, number=number, wanted=work.concurrency * length)
    yield Chosen(
        name="max-num-seqs", value=str(work.concurrency), why="so many requests come at a time"
    )
    yield Chosen(
        name="no-enable-chunked-prefill",
        value=None,
        why="vLLM on CPUs fails when it reads a prompt in parts that has a random seed",
    )
    step = max(_CPU_STEP_TOKENS, length)
    why = "a whole prompt fits one step"
    yield Chosen(name="max-num-batched-tokens", value=str(step), why=why)
    yield Chosen(
        name="enforce-eager", value=None, why="it starts without compiling, which takes minutes"
    )


def _cpu_dtype(wish: Serving, model: Model, machine: Machine) -> Chosen:
    """Return the numbers to compute with; float32 only where it leaves most of the memory."""
    if wish.dtype is not None:
        return Chosen(name="dtype", value=wish.dtype, why="as given")
    dtype = cpu_dtype(model.weights.as_float32, memory=machine.memory, narrow=machine.narrow)
    why = "half the memory of float32, and vLLM's kernels take it"
    if dtype == "float32":
        why = "this processor is slower in bfloat16"
    return Chosen(name="dtype", value=dtype, why=why)


def _cpu_cache(
    wish: Serving, model: Model, machine: Machine, *, number: int, wanted: int
) -> Chosen:
    """Return the cache for so many tokens, or what there is room for."""
    name = "kv-cache-memory-bytes"
    if wish.kv_cache_gib is not None:
        return Chosen(name=name, value=str(round(wish.kv_cache_gib * GIB)), why="as given")
    weights = model.weights.loaded(number_bytes=number) or 0
    room = machine.memory - weights - _CPU_SPARE
    if room < _LEAST_CACHE:
        what = (
            f"{machine.memory / GIB:.1f} GiB of memory are free, its weights take "
            f"{weights / GIB:.1f} and {_CPU_SPARE / GIB:g} are kept for the run: take a smaller "
            "or quantized model, or say with --kv-cache-gib how much memory to use"
        )
        raise InputError.one(model.name, what)
    if model.token_bytes is None:
        return Chosen(name=name, value=str(min(room // 2, 4 * GIB)), why="its need is not known")
    need = max(_LEAST_CACHE, wanted * model.token_bytes * number // 2)
    if need <= room:
        return Chosen(name=name, value=str(need), why=f"room for {wanted:,} tokens at a time")
    return Chosen(name=name, value=str(room), why="the memory that is free")


def _always() -> Iterator[Chosen]:
    yield Chosen(
        name="enable-prefix-caching", value=None, why="prompts begin alike: read once, kept"
    )
    yield Chosen(
        name="structured-outputs-config",
        value=json.dumps(_STRUCTURED),
        why="answers hold to the schema, without runaway white space",
    )
    yield Chosen(name="disable-uvicorn-access-log", value=None, why="")
