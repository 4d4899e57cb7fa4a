"""The model's tokenizer: byte-level BPE, in which each fixed line of our templates is one token.

Prompts are mostly such lines; as single tokens they cost nearly nothing to read. A template that
is edited is still read, only slower and less well.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from serving.bundled.episodes import Episode

USER, ANSWER, END = "<|user|>", "<|answer|>", "<|end|>"
CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{% if message.role == 'user' %}<|user|>{{ message.content }}"
    "{% elif message.role == 'assistant' %}<|answer|>{{ message.content }}<|end|>{% endif %}"
    "{% endfor %}"
    "{% if add_generation_prompt %}<|answer|>{% endif %}"
)
"""System turns are left out: what they ask for in general is what it was trained to do."""
VOCABULARY = 6144
CONTEXT = 1024
_FIXED = 0.05
"""The share of prompts that hold a line from which it counts as the template's own."""
_MOST_LINES = 48


def trained(texts: Iterable[str], episodes: Sequence[Episode]) -> PreTrainedTokenizerFast:
    """Train a tokenizer.

    Args:
        texts: that prompts and answers are made of.
        episodes: from which the fixed lines of prompts are taken.
    """
    lines = _fixed_lines(episodes)
    tokenizer: Any = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer: Any = trainers.BpeTrainer(
        vocab_size=VOCABULARY - len(lines),
        special_tokens=[USER, ANSWER, END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    answers = (episode.answer for episode in islice(episodes, 2000))
    tokenizer.train_from_iterator([*texts, *answers], trainer)
    tokenizer.add_tokens([AddedToken(line, normalized=False) for line in lines])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token=END,
        pad_token=END,
        chat_template=CHAT_TEMPLATE,
        model_max_length=CONTEXT,
        clean_up_tokenization_spaces=False,
    )


def _fixed_lines(episodes: Sequence[Episode]) -> list[str]:
    """Return what all prompts of a kind share, longest first, each with the end of its line.

    No answer can hold such an end, so that these tokens are never written.
    """
    seen: Counter[str] = Counter()
    for episode in episodes:
        seen.update({line for line in episode.prompt.splitlines(keepends=True) if line.strip()})
    least = _FIXED * len(episodes)
    lines = [line for line, count in seen.most_common(_MOST_LINES) if count >= least]
    return sorted((line for line in lines if line.endswith("\n")), key=len, reverse=True)
