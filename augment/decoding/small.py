"""A small Llama from its folder, without transformers."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from jinja2.sandbox import ImmutableSandboxedEnvironment
from tokenizers import Tokenizer

from augment.decoding.llama import Llama
from augment.decoding.model import Loaded
from augment.decoding.revision import digest_of
from augment.decoding.tokens import Tokens


def load_small(folder: Path) -> Loaded:
    """Load a model onto the CPU.

    Args:
        folder: in the format of transformers: config.json with `model_type` llama, safetensors,
            tokenizer.json and chat_template.jinja.

    Raises:
        OSError: a file is not there.
        ValueError: it is no such model.
    """
    config: dict[str, Any] = json.loads((folder / "config.json").read_text("utf-8"))
    if config["model_type"] != "llama" or not config["tie_word_embeddings"]:
        raise ValueError(f"{folder}: no Llama with tied embeddings")
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    return Loaded(
        network=Llama(folder, config),
        tokens=Tokens(tokenizer, _templated((folder / "chat_template.jinja").read_text("utf-8"))),
        device=torch.device("cpu"),
        layers=config["num_hidden_layers"],
        context=config["max_position_embeddings"],
        width=config["vocab_size"],
        ends=frozenset([config["eos_token_id"]]),
        revision=digest_of(folder),
    )


def _templated(template: str) -> Callable[[list[dict[str, str]]], str]:
    """Return what makes a prompt of a chat, as transformers would."""
    compiled = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True).from_string(
        template
    )
    return lambda turns: compiled.render(messages=turns, add_generation_prompt=True)
