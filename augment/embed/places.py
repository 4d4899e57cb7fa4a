"""What the encoder sees at places of a text: its tokens two thirds of the way up its layers.

There a token tells what it is in its sentence; in the last layer, which was trained for the
meaning of whole texts, less so. Used in the encoder's process; only duck-typed tensors here.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from augment.protocols import PLACE_PARTS
from augment.records import Place

_UP = 2 / 3
_KEY = "part_way"
_Array = npt.NDArray[np.float32]


class Reader:
    """A sentence-transformers model that also tells what it sees at places of texts.

    Attributes:
        width: of a place's vector; 0 where the model reads no word by the words around it.
    """

    def __init__(self, model: Any) -> None:
        self._model = model
        config: Any = getattr(getattr(model[0], "auto_model", None), "config", None)
        layers = getattr(config, "num_hidden_layers", 0)
        able = layers > 0 and getattr(model.tokenizer, "is_fast", False)
        self.width = PLACE_PARTS * int(config.hidden_size) if able else 0
        if able:
            config.output_hidden_states = True
            model[0].register_forward_hook(_keeping(round(_UP * layers)))
            self._tokenizer = copy.deepcopy(model.tokenizer)  # told otherwise how to cut and pad,
            self._cut("")  # which may not change while another thread uses it

    def read(
        self, texts: Sequence[str], places: Sequence[Sequence[Place]]
    ) -> tuple[_Array, _Array]:
        """Return the vectors of texts, and those of their places one after the other."""
        rows = self._model.encode(
            texts, batch_size=len(texts), show_progress_bar=False, output_value=None
        )
        whole = np.stack([_numbers(row["sentence_embedding"]) for row in rows])
        if not self.width:
            return whole, np.zeros((sum(map(len, places)), 0), np.float32)
        found = [
            self._at(row, text, own)
            for row, text, own in zip(rows, texts, places, strict=True)
            if own
        ]
        return whole, np.concatenate([np.zeros((0, self.width), np.float32), *found])

    def _cut(self, text: str) -> Any:
        return self._tokenizer(
            text,
            truncation=True,
            max_length=self._model.max_seq_length,
            return_offsets_mapping=True,
            return_special_tokens_mask=True,
        )

    def _at(self, row: Mapping[str, Any], text: str, places: Sequence[Place]) -> _Array:
        before = self._model.prompts.get(self._model.default_prompt_name) or ""
        cut = self._cut(before + text)
        made = np.zeros((len(places), PLACE_PARTS, self.width // PLACE_PARTS), np.float32)
        if not {_KEY, "input_ids", "attention_mask"} <= row.keys():
            return made.reshape(len(places), -1)  # several texts are read as one
        read = row["attention_mask"].cpu().numpy().astype(bool)
        if row["input_ids"].cpu().numpy()[read].tolist() != cut["input_ids"]:
            return made.reshape(len(places), -1)  # the model cuts texts in a way of its own
        tokens = _unit(_numbers(row[_KEY])[read])
        special = np.array(cut["special_tokens_mask"], dtype=bool)
        starts, ends = np.array(cut["offset_mapping"]).reshape(-1, 2).T - len(before)
        for vector, (start, end) in zip(made, places, strict=True):
            own = np.flatnonzero((starts < end) & (ends > start) & (ends > starts) & ~special)
            if len(own):
                vector[0] = tokens[own].mean(axis=0)
                for part, at in ((1, own[0] - 1), (2, own[-1] + 1)):
                    if 0 <= at < len(special) and not special[at]:
                        vector[part] = tokens[at]
        return _unit(made).reshape(len(places), -1)


def _keeping(layer: int) -> Any:
    """Return a hook that keeps what one layer gives, and lets go of the others."""

    def keep(_module: Any, _inputs: Any, features: dict[str, Any]) -> dict[str, Any]:
        layers = features.pop("all_layer_embeddings", None)
        return features if layers is None else {**features, _KEY: layers[layer]}

    return keep


def _numbers(tensor: Any) -> _Array:
    return tensor.float().cpu().numpy()


def _unit(vectors: _Array) -> _Array:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)
