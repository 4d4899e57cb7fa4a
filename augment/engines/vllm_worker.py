"""The process that drives vLLM for a run; started with the interpreter of vLLM's environment.

    python -I augment/engines/vllm_worker.py

It needs nothing but vLLM, so that this environment need not hold augment in the same version. What
it is asked comes as frames on its standard input, the model and vLLM's options first: there they
may hold a key, which a command line would show to everybody. What it says goes as frames to what
was its standard output; everything that vLLM prints goes to standard error. Where the input ends,
whoever started it is gone, and it ends too; vLLM's own processes end with it.
"""

from __future__ import annotations

import asyncio
import ctypes
import dataclasses
import importlib
import json
import os
import signal
import struct
import sys
import threading
from collections.abc import Mapping
from typing import Any, BinaryIO

HEADER = struct.Struct(">IQB")
"""Of a frame: how many bytes of JSON follow, the number of the request, and what it is."""
BEGIN, ASK, CANCEL, READY, ANSWER, REFUSED, TOO_LONG, FAILED, FATAL = range(9)
_LONGEST = 8192
"""Tokens of prompt and answer that room is kept for, unless `max_model_len` says otherwise: a long
context costs memory that rows of some sentences never use.
"""
_PR_SET_PDEATHSIG = 1


def frame(number: int, kind: int, value: object) -> bytes:
    """Return a frame."""
    body = json.dumps(value).encode()
    return HEADER.pack(len(body), number, kind) + body


def die_with_parent() -> None:
    """Have the kernel end this process with its parent (Linux; elsewhere vLLM's own means do)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


class Worker:
    """Requests on their way through the engine, each a task of its own: none waits for another."""

    def __init__(self, engine: Any, *, out: BinaryIO, seeded: bool) -> None:
        self._engine = engine
        self._out = out
        self._seeded = seeded
        self._tokenizer: Any = engine.get_tokenizer()
        self._limit: int = engine.model_config.max_model_len
        usual = engine.model_config.get_diff_sampling_param()
        self._usual = {n: v for n, v in usual.items() if n in {"top_k", "min_p"}}
        self._tasks: dict[int, asyncio.Task[None]] = {}

    def take(self, number: int, kind: int, value: Any) -> None:
        """Take a frame."""
        if kind == CANCEL:
            task = self._tasks.get(number)
            if task is not None:
                task.cancel()
            return
        task = asyncio.create_task(self._work(number, value))
        self._tasks[number] = task
        task.add_done_callback(lambda _: self._tasks.pop(number, None))

    def say(self, number: int, kind: int, value: object) -> None:
        """Put out a frame."""
        self._out.write(frame(number, kind, value))
        self._out.flush()

    async def _work(self, number: int, ask: Mapping[str, Any]) -> None:
        try:
            prompt = self._prompt(ask["messages"])
        except Exception as error:  # noqa: BLE001 - a chat template's code may raise anything
            self.say(number, REFUSED, f"the prompt cannot be put into tokens: {error!r}")
            return
        if len(prompt) >= self._limit:
            what = f"the prompt has {len(prompt)} tokens, the model's context {self._limit}"
            self.say(number, TOO_LONG, what)
            return
        try:
            self.say(number, ANSWER, await self._answer(number, prompt, ask))
        except Exception as error:  # noqa: BLE001 - of vLLM's many kinds; told, and judged there
            if self._engine.errored:
                self.say(0, FATAL, f"vLLM's engine died: {error!r}")
                os._exit(1)
            refused = isinstance(error, ValueError)
            self.say(number, REFUSED if refused else FAILED, f"{type(error).__name__}: {error}")

    def _prompt(self, messages: Any) -> list[int]:
        text = self._tokenizer.apply_chat_template(
            messages, tokenize=False, add_generation_prompt=True
        )
        return self._tokenizer.encode(text, add_special_tokens=False)

    async def _answer(
        self, number: int, prompt: list[int], ask: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Return the answer as an OpenAI-compatible server words it."""
        vllm, words = _of_vllm(""), _of_vllm(".sampling_params")
        schema, sampling = ask["schema"], ask["sampling"]
        room = min(sampling["max_tokens"], self._limit - len(prompt))
        parameters = vllm.SamplingParams(
            **self._usual,
            temperature=sampling["temperature"],
            top_p=sampling["top_p"],
            seed=sampling["seed"] if self._seeded else None,
            max_tokens=room,
            logprobs=ask["logprobs"],
            structured_outputs=None
            if schema is None
            else words.StructuredOutputsParams(json=schema),
            output_kind=words.RequestOutputKind.FINAL_ONLY,
        )
        final: Any = None
        given = {"prompt_token_ids": prompt}
        async for output in self._engine.generate(given, parameters, str(number)):
            final = output
        [answer] = final.outputs
        return {
            "choices": [
                {
                    "message": {"content": answer.text},
                    "finish_reason": answer.finish_reason,
                    "logprobs": _told(answer, ask["logprobs"]),
                }
            ],
            "usage": {
                "prompt_tokens": len(prompt),
                "completion_tokens": len(answer.token_ids),
                "prompt_tokens_details": {"cached_tokens": final.num_cached_tokens or 0},
            },
        }


def _told(answer: Any, rivals: int | None) -> dict[str, Any] | None:
    """Return the tokens' log-probabilities with those of their rivals."""
    if rivals is None or answer.logprobs is None:
        return None
    content: list[dict[str, Any]] = []
    for token, found in zip(answer.token_ids, answer.logprobs, strict=True):
        best = sorted(found.values(), key=lambda one: one.rank)[:rivals]
        own = _piece(found[token])
        content.append({**own, "top_logprobs": [_piece(one) for one in best]})
    return {"content": content}


def _piece(found: Any) -> dict[str, Any]:
    text = found.decoded_token or ""
    return {
        "token": text,
        "bytes": list(text.encode("utf-8", "replace")),
        "logprob": max(found.logprob, -9999.0),  # JSON has no infinity
    }


def _engine(model: str, options: Mapping[str, Any], cpu_dtype: str) -> tuple[Any, bool]:
    """Start vLLM; return its engine, and whether requests may bring a random seed of their own.

    Raises:
        ValueError: an option is none of vLLM's; whatever else vLLM raises.
    """
    arguments: Any = _of_vllm(".engine.arg_utils").AsyncEngineArgs
    os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", str(_cache_gib()))
    known = {one.name for one in dataclasses.fields(arguments)}
    if strange := sorted(set(options) - known):
        raise ValueError(f"model-options: vLLM knows no {', '.join(strange)}")
    on_cpu: bool = _of_vllm(".platforms").current_platform.is_cpu()
    usual = {
        "enable_prefix_caching": True,
        "structured_outputs_config": {"backend": "guidance", "disable_any_whitespace": True},
        "disable_log_stats": True,
    }
    if on_cpu:  # compilation takes two minutes and more
        usual |= {"enforce_eager": True, "dtype": cpu_dtype}
    args: Any = arguments(model=model, **{**usual, **options})
    if "max_model_len" not in options:
        args.max_model_len = min(_LONGEST, args.create_model_config().max_model_len)
    # As vLLM does where there is no server: larger batches, since nobody waits for one answer.
    for_batches: Any = _of_vllm(".usage.usage_lib").UsageContext.LLM_CLASS
    llm: Any = _of_vllm(".v1.engine.async_llm").AsyncLLM
    # vLLM's sampler for CPUs dies of a seeded request whose prompt is read in parts.
    return llm.from_engine_args(args, usage_context=for_batches), not on_cpu


def _cache_gib() -> int:
    """Return how much memory the keys and values get on a CPU: a quarter of what is free.

    vLLM's own choice is nearly all memory of the machine, and to fail where that is not free.
    """
    free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return max(1, min(16, (free >> 30) // 4))


def _of_vllm(module: str) -> Any:
    """Return a module of vLLM, which only its own environment has."""
    return importlib.import_module(f"vllm{module}")


async def serve(out: BinaryIO) -> None:
    """Start the engine that the first frame names, and answer until the input ends."""
    loop = asyncio.get_running_loop()
    gone = threading.Thread(target=_end_with_input, args=(inbox := _Inbox(loop),), daemon=True)
    gone.start()
    _, _, said = await inbox.get()
    try:
        engine, seeded = _engine(said["model"], said["options"], said["cpu_dtype"])
        worker = Worker(engine, out=out, seeded=seeded)
        if not worker_has_template(engine):
            raise ValueError("the model has no chat template: it is no chat model")  # noqa: TRY301
    except Exception as error:
        out.write(frame(0, FATAL, f"{type(error).__name__}: {error}"))
        out.flush()
        raise
    worker.say(0, READY, {"limit": engine.model_config.max_model_len})
    while True:
        worker.take(*await inbox.get())


def worker_has_template(engine: Any) -> bool:
    """Tell whether the model says how a conversation is put into one text."""
    return bool(getattr(engine.get_tokenizer(), "chat_template", None))


class _Inbox:
    """Frames from the thread that reads them to the loop that works on them."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._frames: asyncio.Queue[tuple[int, int, Any]] = asyncio.Queue()

    def put(self, number: int, kind: int, value: Any) -> None:
        """Hand over a frame, from the other thread."""
        self._loop.call_soon_threadsafe(self._frames.put_nowait, (number, kind, value))

    async def get(self) -> tuple[int, int, Any]:
        """Return the next frame."""
        return await self._frames.get()


def _end_with_input(inbox: _Inbox) -> None:
    """Read frames; at their end kill this process and, with it, vLLM's: nobody listens any more."""
    source = os.fdopen(os.dup(0), "rb")  # Python locks its own at its end
    while len(head := source.read(HEADER.size)) == HEADER.size:
        length, number, kind = HEADER.unpack(head)
        inbox.put(number, kind, json.loads(source.read(length)))
    os.killpg(0, signal.SIGKILL)  # the run started this process in a group of its own


def main() -> None:
    """Keep the standard output for frames, and work."""
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    asyncio.run(serve(out))


if __name__ == "__main__":
    main()
elif __name__ == "__mp_main__":  # a process of vLLM's, started anew with this file as its main
    die_with_parent()
