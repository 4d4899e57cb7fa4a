"""The language model in the box, guided by the seeds: what `seedlm` is unless told otherwise.

The model (its card lies beside its weights) writes sentences but hardly takes their topic from the
prompt; the seeds' n-grams do, and nothing else. They are mixed at every token; an answer that
breaks off, loops, repeats a seed or a training text, or is more like another label's seeds, is
drawn again before anyone sees it.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Callable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from augment.engines.embedded import BUNDLED, MISSING, WEIGHTS, tokenizer_of
from augment.engines.fitness import Fitness
from augment.engines.in_process import InProcess, Named, opened
from augment.engines.kneser_ney import MARKS, KneserNey
from augment.engines.memory import SeedMemory, Taste
from augment.engines.seed_rows import PlainRows, SeedRows
from augment.engines.training_texts import TrainingTexts
from augment.errors import EngineUnusable
from augment.records import Ask, Example, SeedSet

if TYPE_CHECKING:
    import numpy.typing as npt

    from augment.decoding.guide import Known
    from augment.decoding.model import Loaded

_MOST_SEEDS = 4096
"""Known to the guides, spread evenly over the labels."""
_MOST_TOKENS = 256
"""Of a seed."""
_GUIDES_KEPT = 256
_AROUND = 48
"""Tokens of a row beside its text: the label, and what JSON needs."""


@contextlib.asynccontextmanager
async def bundled(seeds: SeedSet, *, rows: SeedRows, concurrency: int) -> AsyncGenerator[InProcess]:
    """Load the model for the length of a run.

    Raises:
        EngineUnusable: a file of the model is not there or damaged.
    """

    def guided(model: Loaded) -> Callable[[Ask], SeedGuide]:
        return SeedGuides(seeds, model, training=training_texts(), rows=rows).guide

    named = Named(engine="seedlm", model=BUNDLED)
    async with opened(load_bundled, concurrency=concurrency, guided=guided, named=named) as engine:
        yield engine


def load_bundled() -> Loaded:
    """Load the model; raise EngineUnusable where a file of it is not there or damaged."""
    from safetensors import SafetensorError

    from augment.decoding.small import load_small

    if tokenizer_of() is not None:
        with contextlib.suppress(OSError, ValueError, KeyError, SafetensorError):
            return load_small(WEIGHTS)
    raise EngineUnusable(f"{WEIGHTS}: {MISSING}")


def training_texts() -> TrainingTexts:
    """Return what is known of the texts that the model was trained on; raise as `load_bundled`."""
    try:
        return TrainingTexts.read(WEIGHTS)
    except (OSError, ValueError) as error:
        raise EngineUnusable(f"{WEIGHTS}: {MISSING}") from error


class SeedGuides:
    """Makes the guides of a run's requests.

    Args:
        seeds: at least one.
        model: that they guide.
        training: what is known of the texts that the model was trained on.
        rows: of the task.
        taste: how much the seeds are listened to.
    """

    def __init__(
        self,
        seeds: SeedSet,
        model: Loaded,
        *,
        training: TrainingTexts,
        rows: SeedRows | None = None,
        taste: Taste | None = None,
    ) -> None:
        self._taste = taste or Taste()
        self._rows = rows or PlainRows()
        by_labels: dict[frozenset[str], list[Example[Any]]] = {}
        for seed in seeds.examples:
            by_labels.setdefault(self._rows.kind(seed), []).append(seed)
        most = max(1, _MOST_SEEDS // len(by_labels))
        every = [
            (labels, seed)
            for labels, own in by_labels.items()
            for seed in own[:: 1 + (len(own) - 1) // most]
        ]
        said = [(labels, text) for labels, seed in every for text in self._rows.spelled(seed)]
        spelled = model.tokens.numbers([text for _, text in said])
        self._tokens: dict[frozenset[str], list[list[int]]] = {}
        for (labels, _), tokens in zip(said, spelled, strict=True):
            plain = [token for token in tokens if token >= MARKS]
            self._tokens.setdefault(labels, []).append(plain[:_MOST_TOKENS])
        texts = [tokens for own in self._tokens.values() for tokens in own]
        self._general = KneserNey(texts, size=model.width, order=self._taste.order)
        self._fitness = Fitness(
            [seed.whole for _, seed in every], [labels for labels, _ in every], training=training
        )
        self._memory = lru_cache(maxsize=_GUIDES_KEPT)(self._remembered)
        self._angles: npt.NDArray[np.int64] | None = None
        if self._rows.marked:
            each = [model.tokens.text([token]) for token in range(model.width)]
            self._angles = np.array([[text.count("<"), text.count(">")] for text in each])

    def guide(self, ask: Ask) -> SeedGuide:
        """Return who guides the answer to an ask."""
        return SeedGuide(self, self._memory(frozenset(ask.labels)), ask)

    def will_do(self, answer: str, ask: Ask) -> bool:
        """Say whether every row of an answer is new and what was asked for."""
        return self._rows.will_do(answer, ask, self._fitness)

    def in_mark(self, answer: Sequence[int]) -> bool:
        """Say whether an answer so far ends within a mark, or between one and that which closes it.

        A mention has two marks; of each a bracket opens and one closes.
        """
        if self._angles is None or not answer:
            return False
        opened, closed = self._angles[list(answer)].sum(axis=0)
        return bool(opened % 2 or opened != closed)

    def _remembered(self, labels: frozenset[str]) -> SeedMemory:
        """Return what the seeds with these labels say, else those with any of them."""
        near = (own for each, own in self._tokens.items() if not labels.isdisjoint(each))
        own = self._tokens.get(labels) or [tokens for each in near for tokens in each]
        return SeedMemory(own, self._general, taste=self._taste)


class SeedGuide:
    """The Protocol `augment.decoding.guide.Guide`."""

    def __init__(self, guides: SeedGuides, memory: SeedMemory, ask: Ask) -> None:
        self.room = ask.k * (memory.longest * 3 // 2 + _AROUND)
        self.drafts = memory.taste.drafts // ask.k  # each draft has k rows
        self._after = memory.after
        self._guides = guides
        self._ask = ask

    def after(self, answer: Sequence[int]) -> Known:
        """Return what the seeds say next; within a mark and its mention the model is not heard."""
        tokens, chances, left = self._after(answer)
        if len(tokens) and self._guides.in_mark(answer):
            return tokens, chances / chances.sum(), 0.0
        return tokens, chances, left

    def will_do(self, answer: str) -> bool:
        """Say whether every row of an answer is new and what was asked for."""
        return self._guides.will_do(answer, self._ask)
