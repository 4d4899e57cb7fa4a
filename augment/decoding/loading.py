"""A causal chat model from a folder or the hub, in the number format that suits the machine."""

from __future__ import annotations

import inspect
import math
import time
from collections.abc import Sequence
from typing import Any

import torch

from augment.decoding.hub import library, placed, tried
from augment.decoding.model import Loaded
from augment.decoding.revision import revision_of
from augment.decoding.tokens import Tokens
from augment.errors import EngineUnusable

_NEEDED = ("attention_mask", "position_ids", "past_key_values")
_UNLIMITED = 1 << 30


def load(model: str, *, dtype: str | None = None) -> Loaded:
    """Load a model by its folder or its name on the hub.

    Args:
        model: its folder or name.
        dtype: `float32`, `bfloat16` or `float16`; None: what suits the machine, found by a trial.

    Raises:
        EngineUnusable: it is not there, or is no causal chat model; the text says which.
    """
    transformers = library()
    place, common = placed(model)
    config: Any = tried(
        model, "no model", lambda: transformers.AutoConfig.from_pretrained(place, **common)
    )
    if config.is_encoder_decoder or type(config) not in transformers.MODEL_FOR_CAUSAL_LM_MAPPING:
        raise EngineUnusable(f"{model}: a {config.model_type} model is no causal language model")
    tokenizer = _tokenizer(model, place, common)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")

    def weights() -> Any:
        found, info = transformers.AutoModelForCausalLM.from_pretrained(
            place,
            dtype=_dtype(device) if dtype is None else getattr(torch, dtype),
            use_safetensors=True,
            output_loading_info=True,
            **common,
        )
        if missing := sorted(info["missing_keys"]):
            raise ValueError(f"no weights for {', '.join(missing[:3])}")
        return found.eval().to(device)

    from augment.decoding.causal import Causal

    network: Any = tried(model, "no causal language model can be loaded", weights)
    return Loaded(
        network=Causal(network),
        tokens=Tokens(
            tokenizer.backend_tokenizer,
            lambda turns: tokenizer.apply_chat_template(
                turns, add_generation_prompt=True, tokenize=False
            ),
        ),
        device=device,
        layers=_layers(model, network),
        context=_context(config),
        width=config.get_text_config(decoder=True).vocab_size,
        ends=_ends(network, tokenizer),
        revision=revision_of(config, place),
    )


def _tokenizer(model: str, place: str, common: dict[str, Any]) -> Any:
    auto: Any = library().AutoTokenizer
    tokenizer: Any = tried(model, "no tokenizer", lambda: auto.from_pretrained(place, **common))
    if not tokenizer.is_fast or len(tokenizer) == 0:
        raise EngineUnusable(f"{model}: no fast tokenizer (tokenizer.json)")
    if not tokenizer.chat_template:
        raise EngineUnusable(f"{model}: the tokenizer has no chat template: no chat model")
    return tokenizer


def _layers(model: str, network: Any) -> int:
    """Return how many layers the cache has, where it is one of keys and values throughout."""
    from transformers import DynamicCache
    from transformers.cache_utils import DynamicLayer, DynamicSlidingWindowLayer

    parameters = inspect.signature(network.forward).parameters
    layers = DynamicCache(config=network.config).layers
    kinds = {type(layer) for layer in layers} - {DynamicLayer, DynamicSlidingWindowLayer}
    if kinds or not layers or any(name not in parameters for name in _NEEDED):
        raise EngineUnusable(
            f"{model}: {type(network).__name__} keeps more than keys and values, "
            "or takes no positions: serve it with vLLM or llama.cpp and name the endpoint"
        )
    return len(layers)


def _context(config: Any) -> int:
    text = config.get_text_config(decoder=True)
    return getattr(text, "max_position_embeddings", None) or _UNLIMITED


def _ends(network: Any, tokenizer: Any) -> frozenset[int]:
    ends = network.generation_config.eos_token_id
    found = {ends} if isinstance(ends, int) else set(ends or ())
    if tokenizer.eos_token_id is not None:
        found.add(tokenizer.eos_token_id)
    return frozenset(found)


def _dtype(device: torch.device) -> torch.dtype:
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    # Without wide vectors bfloat16 is worked out in float32 and takes several times as long.
    if torch.backends.cpu.get_cpu_capability() in {"DEFAULT", "AVX2"}:
        return torch.float32
    taken = _best_s((torch.float32, torch.bfloat16))
    return torch.bfloat16 if taken[torch.bfloat16] < 0.8 * taken[torch.float32] else torch.float32


def _best_s(dtypes: Sequence[torch.dtype]) -> dict[torch.dtype, float]:
    """Return how long a layer takes in each number format, at best: seconds of processor time.

    In one thread, for where other programs keep the cores busy, threads wait for each other, and
    that is all one would measure.
    """
    taken = dict.fromkeys(dtypes, math.inf)
    layers = {
        dtype: (torch.randn(16, 1024).to(dtype), torch.randn(1024, 1024).to(dtype))
        for dtype in dtypes
    }
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        for _ in range(6):
            for dtype, (batch, weights) in layers.items():
                start = time.thread_time()
                torch.nn.functional.linear(batch, weights)
                taken[dtype] = min(taken[dtype], time.thread_time() - start)
    finally:
        torch.set_num_threads(threads)
    return taken
