"""JSON schemas as masks over a tokenizer's vocabulary, by llguidance.

A grammar is compiled once and copied for each answer. The answers are compact JSON, since white
space between the values costs tokens and tells nobody anything.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import llguidance
import llguidance.numpy
import numpy as np
import torch
from llguidance import LLMatcher, LLTokenizer

from augment.records import Json

_MOST_GRAMMARS = 256


class Grammars:
    """Compiled schemas for one tokenizer.

    Args:
        vocabulary: the tokenizer's; see `augment.decoding.tokens.Tokens.vocabulary`.
        width: how many tokens the model gives a logit to.
    """

    def __init__(self, vocabulary: LLTokenizer, *, width: int) -> None:
        self._width = width
        self._vocabulary = vocabulary
        self._words = (self._vocabulary.vocab_size + 31) // 32
        self._compiled: dict[str, LLMatcher] = {}
        self._executor = llguidance.LLExecutor()
        self._bits = torch.arange(8, dtype=torch.uint8)

    def matcher(self, schema: Mapping[str, Json]) -> LLMatcher:
        """Return a matcher at the beginning of an answer.

        Raises:
            ValueError: the schema cannot be compiled; the text says why.
        """
        key = json.dumps(schema)
        compiled = self._compiled.pop(key, None)
        if compiled is None:
            compiled = self._compile(key)
            if len(self._compiled) >= _MOST_GRAMMARS:
                del self._compiled[next(iter(self._compiled))]
        self._compiled[key] = compiled  # the last one now: the least recently used goes first
        return compiled.deep_copy()

    def _compile(self, schema: str) -> LLMatcher:
        grammar = LLMatcher.grammar_from_json_schema(
            schema, overrides={"whitespace_flexible": False}
        )
        compiled = LLMatcher(self._vocabulary, grammar, log_level=0)
        if compiled.is_error():
            raise ValueError(compiled.get_error())
        return compiled

    def allowed(
        self, matchers: Sequence[LLMatcher | None], *, device: torch.device
    ) -> torch.Tensor | None:
        """Return which tokens may come next: booleans, (len(matchers), width).

        None stands for an answer that may go on as it likes; None is returned if all may.
        """
        guided = [(one, row) for row, one in enumerate(matchers) if one is not None]
        if not guided:
            return None
        packed = np.full((len(matchers), self._words), -1, dtype=np.int32)
        # Not llguidance.torch: importing it imports torch's compiler, which takes seconds.
        llguidance.numpy.fill_next_token_bitmask_par(self._executor, guided, packed)
        octets = torch.as_tensor(packed.view(np.uint8), device=device)
        if self._bits.device != device:
            self._bits = self._bits.to(device)
        unpacked = octets.unsqueeze(-1).bitwise_right_shift(self._bits).bitwise_and_(1)
        return unpacked.view(len(matchers), -1)[:, : self._width].bool()

    def octets(self, tokens: Sequence[int]) -> bytes:
        """Return the bytes that tokens stand for, as the matchers see them."""
        return self._vocabulary.decode_bytes(list(tokens))
