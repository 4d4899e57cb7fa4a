"""A causal language model of transformers, as the batch sees it."""

from __future__ import annotations

import inspect
from typing import Any

import torch
from transformers import Cache
from transformers.cache_utils import DynamicLayer

from augment.decoding.key_values import KeyValues


class Causal:
    """The Protocol `augment.decoding.model.Network`.

    Args:
        model: takes masks, positions and a cache of keys and values.
    """

    def __init__(self, model: Any) -> None:
        self.model = model
        parameters = inspect.signature(model.forward).parameters
        self._only_last = {"logits_to_keep": 1} if "logits_to_keep" in parameters else {}

    @torch.inference_mode()
    def __call__(
        self, tokens: torch.Tensor, lengths: torch.Tensor, cache: KeyValues
    ) -> torch.Tensor:
        """Return the logits after the last token; see `augment.decoding.model.Network`."""
        ends = lengths.unsqueeze(1)
        new = tokens.shape[1]
        columns = torch.arange(cache.shown, device=tokens.device)
        positions = ends - new + torch.arange(new, device=tokens.device)
        output = self.model(
            input_ids=tokens,
            attention_mask=(columns >= cache.shown - ends).long(),
            position_ids=positions.clamp_min(0),
            past_key_values=Cache(layers=[_Layer(cache, at) for at in range(cache.layers)]),
            use_cache=True,
            **self._only_last,
        )
        return output.logits[:, -1].float()


class _Layer(DynamicLayer):
    """One layer of a cache, for one pass."""

    def __init__(self, cache: KeyValues, number: int) -> None:
        super().__init__()  # pyright: ignore[reportUnknownMemberType] - transformers'
        self._cache = cache
        self._number = number

    def update(
        self,
        key_states: torch.Tensor,
        value_states: torch.Tensor,
        *args: Any,  # noqa: ARG002 - the Cache's
        **kwargs: Any,  # noqa: ARG002 - the Cache's
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Write the new columns; return all that the cache shows."""
        return self._cache.update(self._number, key_states, value_states)

    def get_seq_length(self) -> int:
        return self._cache.before

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        return self._cache.before + query_length, 0
