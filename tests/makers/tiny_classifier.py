"""A text classifier in a folder: a Bert of one layer with random weights."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    PreTrainedTokenizerFast,
)
from transformers.utils import logging

WORDS = (
    "[PAD]", "[UNK]", "[CLS]", "[SEP]", "you", "are", "where", "is", "my", "parcel", "awful", "?",
)  # fmt: skip
POSITIONS = 18


def write_classifier(folder: Path, classes: Sequence[str], **config: Any) -> Path:
    """Write a model with these classes and return its folder; `config` is put into its own."""
    logging.disable_progress_bar()
    names = dict(enumerate(classes))
    settings = BertConfig(
        vocab_size=len(WORDS),
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=POSITIONS,
        id2label=names,
        label2id={name: place for place, name in names.items()},
        **config,
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = BertForSequenceClassification(settings)
        for weights in model.parameters():
            torch.nn.init.normal_(weights, std=0.5)
    model.save_pretrained(folder)
    tokenizer().save_pretrained(folder)
    return folder


def tokenizer() -> PreTrainedTokenizerFast:
    """Return one of whole words, lower-cased."""
    words = Tokenizer(
        models.WordLevel({word: n for n, word in enumerate(WORDS)}, unk_token="[UNK]")
    )
    words.normalizer = normalizers.Lowercase()
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    words.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=words, pad_token="[PAD]", unk_token="[UNK]", model_max_length=POSITIONS - 2
    )
