"""A small Llama, read from its folder in a tenth of a second.

The same weights load in transformers and vLLM (`tests/decoding/test_llama.py` holds the logits
against those of transformers), but importing transformers' causal models takes five seconds on two
cores, which is longer than a first run with the model in the box; and a step of so small a model
is half overhead there.

Touvron et al. 2023 (arXiv 2302.13971): RMS norms before, rotary positions (Su et al. 2021, arXiv
2104.09864), SwiGLU, and heads that share keys and values (Ainslie et al. 2023, arXiv 2305.13245).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import (
    load_file,  # pyright: ignore[reportUnknownVariableType] - its PathLike
)
from torch.nn import functional as fn

from augment.decoding.key_values import KeyValues


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layer:
    """One layer's matrices, each (out, in), with the norm's weights before it worked in.

    Attributes:
        attend: to queries, keys and values, one below the other.
        widen: to the feed-forward's gate and what it lets through, one below the other.
    """

    attend: torch.Tensor
    gather: torch.Tensor
    widen: torch.Tensor
    narrow: torch.Tensor


class Llama:
    """The Protocol `augment.decoding.model.Network`, on the CPU in float32.

    Args:
        folder: in the format of transformers: safetensors, embeddings tied.
        config: its config.json.
    """

    def __init__(self, folder: Path, config: Mapping[str, Any]) -> None:
        weights: dict[str, torch.Tensor] = {}
        for path in sorted(folder.glob("*.safetensors")):
            weights |= {name: value.float() for name, value in load_file(path).items()}
        self._heads: int = config["num_attention_heads"]
        self._shared: int = config["num_key_value_heads"]
        self._size: int = config["head_dim"]
        self._eps: float = config["rms_norm_eps"]
        self._embedded = weights["model.embed_tokens.weight"]
        self._head = self._embedded * weights["model.norm.weight"]
        self._layers = [
            _layer(weights, f"model.layers.{number}.")
            for number in range(config["num_hidden_layers"])
        ]
        self._turns = _turns(
            config["max_position_embeddings"], self._size, config["rope_parameters"]["rope_theta"]
        )

    @torch.inference_mode()
    def __call__(
        self, tokens: torch.Tensor, lengths: torch.Tensor, cache: KeyValues
    ) -> torch.Tensor:
        """Return the logits after the last token; see `augment.decoding.model.Network`."""
        rows, new = tokens.shape
        ends = lengths.unsqueeze(1)
        places = (ends - new + torch.arange(new)).clamp_min(0)
        seen = _seen(ends, new, longest=cache.shown)
        turns = [each[places].unsqueeze(1) for each in self._turns]
        state = self._embedded[tokens]
        for number, layer in enumerate(self._layers):
            parts = fn.linear(self._even(state), layer.attend)
            parts = parts.view(rows, new, -1, self._size).transpose(1, 2)
            turned = _turned(parts[:, : self._heads + self._shared], *turns)
            keys, values = cache.update(
                number, turned[:, self._heads :], parts[:, self._heads + self._shared :]
            )
            heard = fn.scaled_dot_product_attention(
                turned[:, : self._heads], keys, values, attn_mask=seen, enable_gqa=True
            )
            state = state + fn.linear(heard.transpose(1, 2).flatten(2), layer.gather)
            gate, through = fn.linear(self._even(state), layer.widen).chunk(2, dim=-1)
            state = state + fn.linear(fn.silu(gate) * through, layer.narrow)
        return fn.linear(self._even(state[:, -1]), self._head)

    def _even(self, state: torch.Tensor) -> torch.Tensor:
        return fn.rms_norm(state, state.shape[-1:], eps=self._eps)


def _layer(weights: Mapping[str, torch.Tensor], prefix: str) -> _Layer:
    attention, feed = f"{prefix}self_attn.", f"{prefix}mlp."
    before, between = (
        weights[f"{prefix}{norm}_layernorm.weight"] for norm in ("input", "post_attention")
    )
    into = torch.cat([weights[f"{attention}{one}_proj.weight"] for one in "qkv"])
    widen = torch.cat([weights[f"{feed}{one}_proj.weight"] for one in ("gate", "up")])
    return _Layer(
        attend=into * before,
        gather=weights[f"{attention}o_proj.weight"],
        widen=widen * between,
        narrow=weights[f"{feed}down_proj.weight"],
    )


def _turns(places: int, size: int, base: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Return cosines and sines of each place: (places, size / 2) each."""
    speeds = base ** -(torch.arange(0, size, 2) / size)
    angles = torch.outer(torch.arange(places), speeds)
    return angles.cos(), angles.sin()


def _turned(states: torch.Tensor, cosines: torch.Tensor, sines: torch.Tensor) -> torch.Tensor:
    """Turn each half against the other by its place's angles."""
    first, second = states.chunk(2, dim=-1)
    return torch.cat((first * cosines - second * sines, second * cosines + first * sines), dim=-1)


def _seen(ends: torch.Tensor, new: int, *, longest: int) -> torch.Tensor:
    """Return what each new token sees: booleans, (rows, 1, new, longest).

    What stands before a row's first token sees itself, since nothing at all is not a number.
    """
    columns = torch.arange(longest)
    own = torch.arange(longest - new, longest).unsqueeze(1)
    inside = (columns >= longest - ends).unsqueeze(1) & (columns <= own)
    return (inside | (columns == own)).unsqueeze(1)
