"""A text classifier in process: how toxic texts are, by a model of the user's choice.

Only safetensors are read, and no code that comes with a model is run. A text that is longer than
the model takes is read in windows that overlap, and is as toxic as the worst of them.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from augment.decoding.hub import library, name_of, placed, tried
from augment.errors import EngineUnusable, InputError
from augment.toxicity.classes import toxic_classes

_BATCH = 32
_LONGEST = 20_000
"""Characters of a text that are read."""
_MOST_TOKENS = 512
_MARGIN = 2
"""Positions that some models (RoBERTa) count and do not use."""
_OVERLAP = 32


class Classifier:
    """Scores texts; the Protocol `Scorer`. May be asked by several threads.

    Where the classes exclude each other the score is the sum of the probabilities of the toxic
    ones, otherwise the largest of them.

    Args:
        model: a folder, or a name on the hub, which is then downloaded.
        classes: names of the classes that mean toxic; where none are given their names must tell.

    Attributes:
        name: the model's, as reports show it.
        classes: the names of the toxic ones.
        recalled: none.

    Raises:
        InputError: there is no such model, it is no text classifier, or no class means toxic.
    """

    def __init__(self, model: str, *, classes: Sequence[str] = ()) -> None:
        self.name = name_of(model)
        try:
            self._network, self._tokenizer = _loaded(model)
        except EngineUnusable as error:
            raise InputError.one("--toxicity-model", str(error)) from error
        self.recalled = 0
        config: Any = self._network.config
        names = [str(config.id2label.get(place, place)) for place in range(config.num_labels)]
        self._exclusive = (
            config.num_labels > 1 and config.problem_type != "multi_label_classification"
        )
        self._toxic = toxic_classes(self.name, names, exclusive=self._exclusive, said=classes)
        self.classes = tuple(names[place] for place in self._toxic)
        positions = getattr(config, "max_position_embeddings", None) or _MOST_TOKENS
        self._tokens = min(self._tokenizer.model_max_length, positions - _MARGIN, _MOST_TOKENS)
        self._lock = threading.Lock()

    def probabilities(self, texts: Sequence[str]) -> npt.NDArray[np.float64]:
        """Return how probably each text is toxic; not a number where the model gives none."""
        if not texts:
            return np.empty(0)
        with self._lock:  # a tokenizer keeps how it is to cut between calls
            cut = self._tokenizer(
                [text[:_LONGEST].encode("utf-8", "replace").decode() for text in texts],
                truncation=True,
                max_length=self._tokens,
                stride=min(_OVERLAP, self._tokens // 4),
                return_overflowing_tokens=True,
            )
        of_text = np.array(cut.pop("overflow_to_sample_mapping"))
        lengths = np.array([len(ids) for ids in cut["input_ids"]])
        scores = np.full(len(lengths), np.nan)
        order = np.argsort(-lengths, kind="stable")[: np.count_nonzero(lengths)]
        for start in range(0, len(order), _BATCH):
            some = order[start : start + _BATCH]
            scores[some] = self._scored({key: [row[n] for n in some] for key, row in cut.items()})
        worst = np.full(len(texts), -np.inf)
        with np.errstate(invalid="ignore"):  # a window without a number leaves its text without
            np.maximum.at(worst, of_text, scores)
        return worst

    def _scored(self, windows: dict[str, list[list[int]]]) -> npt.NDArray[np.float64]:
        with torch.inference_mode():
            padded: Any = self._tokenizer.pad(windows, return_tensors="pt")
            logits = self._network(**padded.to(self._network.device)).logits.double()
            if self._exclusive:
                return logits.softmax(-1)[:, self._toxic].sum(-1).clamp(max=1.0).cpu().numpy()
            return logits.sigmoid()[:, self._toxic].amax(-1).cpu().numpy()

    def remembering(self, folder: Path) -> AbstractContextManager[None]:  # noqa: ARG002 - the Protocol's
        """Keep nothing: it scores as fast as one reads."""
        return nullcontext()

    def asked(self) -> None:
        """Return nothing: it lives in this process."""

    def stop(self) -> None:
        """Do nothing: nobody waits for long."""


def _loaded(model: str) -> tuple[Any, Any]:
    """Return the network and its tokenizer."""
    transformers = library()
    place, common = placed(model)
    tokenizer: Any = tried(
        model,
        "no tokenizer",
        lambda: transformers.AutoTokenizer.from_pretrained(place, **common),
    )
    if not tokenizer.is_fast:
        raise EngineUnusable(f"{model}: no fast tokenizer (tokenizer.json)")
    if tokenizer.pad_token_id is None:
        raise EngineUnusable(f"{model}: its tokenizer has no token to fill up with (pad_token)")

    def weights() -> Any:
        found, info = transformers.AutoModelForSequenceClassification.from_pretrained(
            place, dtype=torch.float32, use_safetensors=True, output_loading_info=True, **common
        )
        if missing := sorted(info["missing_keys"]):
            raise ValueError(f"no weights for {', '.join(missing[:3])}")
        return found

    network: Any = tried(model, "no text classifier can be loaded", weights)
    if network.config.problem_type == "regression":
        raise EngineUnusable(f"{model}: its scores are no probabilities (problem_type regression)")
    if network.config.pad_token_id is None:  # a decoder reads its last token that is none
        network.config.pad_token_id = tokenizer.pad_token_id
    return network.eval().to("cuda" if torch.cuda.is_available() else "cpu"), tokenizer
