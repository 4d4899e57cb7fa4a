"""A causal chat model in a folder: random weights, and a tokenizer trained on the spot."""

from __future__ import annotations

from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    AutoModelForCausalLM,
    LlamaConfig,
    PreTrainedConfig,
    PreTrainedTokenizerFast,
)
from transformers.utils import logging

END, TURN = "<|end|>", "<|turn|>"
TEXTS = (
    'Where is my card? {"label":"card","text":"Wo bleibt meine Überweisung?"}',
    "You write rows. Write one row with the label card_arrival.",
    "日本語のテキスト と emoji 🎉 naïve café",
)
TEMPLATE = (
    "{% for message in messages %}<|turn|>{{ message.role }}\n{{ message.content }}<|end|>"
    "{% endfor %}{% if add_generation_prompt %}<|turn|>assistant\n{% endif %}"
)
NO_SYSTEM = (
    "{% if messages[0].role == 'system' %}{{ raise_exception('no system role') }}{% endif %}"
    + TEMPLATE
)
SIZES = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "max_position_embeddings": 512,
}


def write_tiny_llama(folder: Path, *, template: str | None = TEMPLATE) -> Path:
    """Write a Llama of two layers and return its folder."""
    return write_causal(folder, LlamaConfig(**SIZES), trained_tokenizer(TEXTS), template=template)


def write_causal(
    folder: Path,
    config: PreTrainedConfig,
    tokenizer: PreTrainedTokenizerFast,
    *,
    template: str | None = TEMPLATE,
) -> Path:
    """Write a model with random weights, the same at every call."""
    logging.disable_progress_bar()
    tokenizer.chat_template = template
    config.vocab_size = len(tokenizer)
    config.eos_token_id = tokenizer.eos_token_id
    config.bos_token_id = config.pad_token_id = None
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
        for weights in model.parameters():
            if weights.dim() > 1:
                torch.nn.init.normal_(weights, std=0.15)  # far from all tokens being equal
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def trained_tokenizer(texts: tuple[str, ...], *, vocabulary: int = 400) -> PreTrainedTokenizerFast:
    """Train byte-level BPE."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=[END, TURN],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token=END, pad_token=END)
