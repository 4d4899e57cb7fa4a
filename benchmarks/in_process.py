"""How many rows a second the engine `transformers` gives on this machine, with random weights.

    python benchmarks/in_process.py [--hidden 256] [--layers 6] [--batches 16 32 64] [--seeds 3]

A Llama with a vocabulary of 8,000, guided to one label and one text (at most 48 tokens); prompts
begin alike and end each in examples of its own. The weights are random, so that texts end when
chance has it: `tokens` is how many an answer has on average. One line a batch size: the mean over
the random seeds with the least and the greatest, after one run that does not count.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "makers"))

from augment.engines.in_process import InProcess  # noqa: E402 - after the path
from augment.engines.transformers import loaded  # noqa: E402 - after the path
from augment.records import Ask, Completion, Message, Request, Sampling  # noqa: E402
from augment.tasks.classification import Classification  # noqa: E402

LABELS = tuple(f"{verb}_{noun}" for verb in ("lost", "late", "new") for noun in ("card", "fee"))
VOCABULARY, MOST_TOKENS = 8000, 48


def _words() -> list[str]:
    rng = random.Random(0)
    syllables = [consonant + vowel for consonant in "bdfgklmnprst" for vowel in "aeiou"]
    return ["".join(rng.choices(syllables, k=rng.randint(1, 4))) for _ in range(12_000)]


WORDS = _words()


def pseudo_text(rng: random.Random, words: int) -> str:
    """Return words of a made-up language, some more frequent than others."""
    last = len(WORDS) - 1
    return " ".join(WORDS[min(int(rng.paretovariate(0.6)), last)] for _ in range(words))


def write_model(folder: Path, *, hidden: int, layers: int) -> int:
    """Write the model; return how many parameters it has."""
    from safetensors import safe_open
    from tiny_llama import trained_tokenizer, write_causal
    from transformers import LlamaConfig

    texts = tuple(pseudo_text(random.Random(n), 4000) for n in range(40))
    config = LlamaConfig(
        hidden_size=hidden,
        intermediate_size=hidden * 8 // 3,
        num_hidden_layers=layers,
        num_attention_heads=hidden // 64,
        num_key_value_heads=hidden // 64,
        max_position_embeddings=2048,
        tie_word_embeddings=True,
    )
    write_causal(folder, config, trained_tokenizer(texts, vocabulary=VOCABULARY))
    with safe_open(folder / "model.safetensors", "pt") as weights:
        shapes = [weights.get_slice(name).get_shape() for name in weights.keys()]  # noqa: SIM118
    return sum(shape[0] * (shape[1] if len(shape) > 1 else 1) for shape in shapes)


async def requests(count: int, *, seed: int, words: int) -> AsyncIterator[Request]:
    """Yield requests whose prompts have `words` words in common and half as many of their own."""
    task = Classification(LABELS)
    common = pseudo_text(random.Random(-1), words)
    for number in range(count):
        rng = random.Random(seed * 1_000_003 + number)
        ask = Ask(number=number, strategy="fewshot", labels=(rng.choice(LABELS),))
        yield Request(
            key="",
            messages=(
                Message(role="system", content=common),
                Message(role="user", content=pseudo_text(rng, rng.randint(words // 3, words // 2))),
            ),
            schema=task.schema(ask),
            sampling=Sampling(
                temperature=1.0, top_p=0.95, max_tokens=MOST_TOKENS, seed=rng.getrandbits(32)
            ),
            ask=ask,
        )


async def timed(
    engine: InProcess, count: int, *, seed: int, words: int
) -> tuple[float, float, float]:
    """Return rows a second, tokens an answer and tokens a prompt."""
    start = time.perf_counter()
    asked = requests(count, seed=seed, words=words)
    answers = [outcome async for _, outcome in engine.complete(asked)]
    seconds = time.perf_counter() - start
    whole = [answer for answer in answers if isinstance(answer, Completion)]
    assert len(whole) == count
    return (
        count / seconds,
        statistics.mean(answer.completion_tokens or 0 for answer in whole),
        statistics.mean(answer.prompt_tokens or 0 for answer in whole),
    )


async def measured(arguments: argparse.Namespace) -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "model"
        size = write_model(folder, hidden=arguments.hidden, layers=arguments.layers)
        print(f"{size / 1e6:.1f}M parameters, {os.cpu_count()} cores, n = {arguments.rows} rows")
        print("batch  rows/s (least to greatest)  tokens  prompt")
        for batch in arguments.batches:
            async with loaded(str(folder), concurrency=batch) as engine:
                await timed(engine, batch, seed=99, words=arguments.words)
                found = [
                    await timed(engine, arguments.rows, seed=seed, words=arguments.words)
                    for seed in range(arguments.seeds)
                ]
            rates, tokens, prompts = zip(*found, strict=True)
            print(
                f"{batch:5}  {statistics.mean(rates):6.1f} ({min(rates):.1f} to {max(rates):.1f})"
                f"          {statistics.mean(tokens):6.1f}  {statistics.mean(prompts):6.0f}",
                flush=True,
            )


def main() -> None:
    """Read the options and measure."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--hidden", type=int, default=256)
    parser.add_argument("--layers", type=int, default=6)
    parser.add_argument("--batches", type=int, nargs="+", default=[16, 32, 64])
    parser.add_argument("--rows", type=int, default=256, help="a run")
    parser.add_argument("--words", type=int, default=60, help="that prompts have in common")
    parser.add_argument("--seeds", type=int, default=3)
    asyncio.run(measured(parser.parse_args()))


if __name__ == "__main__":
    main()
