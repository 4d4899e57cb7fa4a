"""The encoder that a run asks: each text is embedded once, and never again by a later session."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from augment.embed.store import VectorStore
from augment.embed.worker import Worker
from augment.errors import EncoderError
from augment.protocols import Vectors
from augment.records import Place

_AT_ONCE = 1024
"""So many texts are embedded before they are stored: long enough to be sorted by length."""


class RunEncoder:
    """The Protocol `Encoder` over a worker and a store; safe to be called from several threads.

    The worker is started by the first text that the store does not know, unless it was before.
    """

    def __init__(self, worker: Worker, store: VectorStore) -> None:
        self._worker = worker
        self._store = store
        self._starting = threading.Lock()
        self._noted = False

    @property
    def name(self) -> str:
        """The encoder's name, as reports show it."""
        return str(self.about["name"])

    @property
    def about(self) -> dict[str, str]:
        """The encoder's name, dtype and device; waits for it unless an earlier session knew."""
        known = self._store.facts().get("about")
        if known is None:
            self.ready()
            known = self._store.facts()["about"]
        return known

    def ready(self) -> None:
        """Start the worker, if nobody has, and wait until it has loaded the model.

        Raises:
            InputError: the encoder cannot be loaded.
        """
        with self._starting:
            if not self._worker.started:
                known = self._store.facts().get("about")
                self._worker.start(dtype=None if known is None else known["dtype"])
            if not self._noted:
                self._store.note({"about": self._worker.ready()})
                self._noted = True

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return unit-length float32 vectors, one row per text: shape (len(texts), dimensions).

        Zeros where the encoder gives zeros, as some do for a text without any word.

        Raises:
            EncoderError: the worker has died.
        """
        known = self._store.get(texts)
        missing = [text for text in dict.fromkeys(texts) if text not in known]
        for start in range(0, len(missing), _AT_ONCE):
            some = missing[start : start + _AT_ONCE]
            self.ready()
            known |= self._kept(some, self._worker.encode(some))
        return _whole(texts, known)

    def encode_places(
        self, texts: Sequence[str], places: Sequence[Sequence[Place]]
    ) -> tuple[Vectors, list[list[Vectors]]]:
        """Return the vectors of texts as `encode` does, and of each of their places.

        Raises:
            EncoderError: the worker has died.
        """
        wanted: dict[str, dict[Place, None]] = {}
        for text, own in zip(texts, places, strict=True):
            wanted.setdefault(text, {}).update(dict.fromkeys(own))
        known = self._store.get(
            [*wanted, *(_key(text, each) for text, own in wanted.items() for each in own)]
        )
        missing = [
            text
            for text, own in wanted.items()
            if text not in known or any(_key(text, each) not in known for each in own)
        ]
        for start in range(0, len(missing), _AT_ONCE):
            some = missing[start : start + _AT_ONCE]
            self.ready()
            whole, parts = self._worker.encode_places(some, [[*wanted[text]] for text in some])
            keys = [_key(text, each) for text in some for each in wanted[text]]
            known |= self._kept(some, whole) | self._kept(keys, parts)
        return _whole(texts, known), [
            [known[_key(text, each)] for each in own]
            for text, own in zip(texts, places, strict=True)
        ]

    def _kept(self, keys: Sequence[str], made: npt.NDArray[np.float16]) -> dict[str, Vectors]:
        if not np.isfinite(made).all():
            raise EncoderError(f"the encoder {self.name} gave vectors that are no numbers")
        self._store.add(keys, made)
        return dict(zip(keys, made.astype(np.float32), strict=True))

    def pieces(self, texts: Sequence[str]) -> dict[str, int]:
        """Count the tokens that the seeds are cut into, and the unknown ones, once per run."""
        counts = self._store.facts().get("pieces")
        if counts is None:
            self.ready()
            counts = self._worker.pieces(texts)
            self._store.note({"pieces": counts})
        return counts


def _whole(texts: Sequence[str], known: Mapping[str, Vectors]) -> Vectors:
    vectors = np.stack([known[text] for text in texts])
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)  # in half precision not quite 1
    return vectors / np.maximum(lengths, 1e-12)


def _key(text: str, place: Place) -> str:
    """Return what a place's vector is kept by: like no text, for these hold no NUL."""
    return f"{text}\0{place[0]}:{place[1]}"
