"""Which of `seedlm`'s models suits some seeds, known without loading any."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from augment.engines.training_texts import FILES
from augment.records import Example, SeedSet

BUNDLED, NGRAM = "bundled", "ngram"
WEIGHTS = Path(__file__).with_name("weights")
"""Of the bundled model: a folder that transformers and vLLM load as it is."""
BUNDLED_SAMPLING = {"temperature": 0.9, "top_p": 0.9}
"""Unless the recipe says otherwise: so small a model is lost where larger ones are at ease."""
BUNDLED_ANSWER_TOKENS = 256
"""Likewise of one answer, where another server than `seedlm` counts it in its 1,024 tokens."""
BUNDLED_SHOTS = 3
"""Likewise: five were hardly better on hwu64 (`benchmarks/taste.py`), and take a fifth longer."""
BUNDLED_PRECISION = 0.2
"""Likewise of what is rejected for its label: its rows cost nothing, and four that are right may go
for each that is wrong. At 0.5 students learnt less (`benchmarks/README.md`)."""
_MOST_TOKENS_A_WORD = 2.0
"""English texts of the public corpora have 1.2 to 1.8 of the model's tokens a word, German ones
3.1 and more; tweets full of names and entities 3.3, which it cannot write either."""
_LONGEST = 96
"""Tokens of all texts but one in ten; the model was trained on texts of a sentence or two."""
_CONTEXT, _ROOM = 1024, 800
"""Tokens that the model reads, and those that are left to the texts in a prompt and answer."""
_ENOUGH = 200
"""Seeds that are looked at, evenly spread."""


MISSING = "its files are not there, or are damaged: install augment-corpora again"


def tokenizer_of(folder: Path = WEIGHTS) -> Tokenizer | None:
    """Return the bundled model's tokenizer; None where a file of the model is not there or broken.

    Weights are not read: that they are whole is seen when they are loaded.
    """
    if not all((folder / name).is_file() for name in FILES) or not any(
        folder.glob("*.safetensors")
    ):
        return None
    try:
        return Tokenizer.from_file(str(folder / "tokenizer.json"))
    except Exception:  # noqa: BLE001 - the library raises nothing more specific
        return None


def unfit(
    seeds: SeedSet,
    *,
    shots: int,
    rows: int,
    said: Callable[[Example[Any]], str] = attrgetter("text"),
    folder: Path = WEIGHTS,
) -> str | None:
    """Return why the bundled model should not write such rows; None where it may.

    Args:
        seeds: at least one.
        shots: seeds in a prompt.
        rows: in an answer.
        said: returns the text of a seed as it stands in an answer.
        folder: the model's.
    """
    tokenizer = tokenizer_of(folder)
    if tokenizer is None:
        return MISSING
    if seeds.pairs:
        return "it writes no pairs of texts"
    some = seeds.examples[:: 1 + len(seeds.examples) // _ENOUGH]
    tokens = sum(_lengths(tokenizer, [seed.text for seed in some]))
    a_word = tokens / max(sum(len(seed.text.split()) for seed in some), 1)
    if a_word > _MOST_TOKENS_A_WORD:
        return f"it knows plain English, and the seeds take {a_word:.1f} tokens a word"
    lengths = sorted(_lengths(tokenizer, [said(seed) for seed in some]))
    long = lengths[len(lengths) * 9 // 10]
    if (shots + 2 * rows) * long > _ROOM:
        return f"it reads {_CONTEXT} tokens, and prompts with seeds of {long} would have more"
    if long > _LONGEST:
        return f"it writes a sentence or two, and the seeds have up to {long} tokens"
    return None


def _lengths(tokenizer: Tokenizer, texts: list[str]) -> list[int]:
    return [len(one.ids) for one in tokenizer.encode_batch(texts, add_special_tokens=False)]
