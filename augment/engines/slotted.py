"""`seedlm --model ngram` for annotated texts: the n-grams of the seeds, with slots for mentions.

A text is drawn from the n-grams of the seeds' templates, in which a mention is one token, and its
slots are filled with mentions of the seeds, or with those that the ask gives. What has not all
that was asked for, or does not fit the types, is drawn again; in the end a seed's own template is
filled.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncGenerator, AsyncIterable, Callable
from dataclasses import dataclass, replace

from augment.engines.ngram import NgramWriter
from augment.records import (
    EMPTY,
    Annotation,
    Ask,
    Completion,
    Example,
    Failure,
    Json,
    Request,
    Sampling,
    SeedSet,
    TaskName,
)
from augment.spans.ordering import counted
from augment.spans.slots import Slots

_DRAFTS = 4
_SEEDS_TRIED = 64
_TOKEN = 8
"""Characters at most, on average."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """How the engine's rows become answers.

    Attributes:
        row_of: the row of an answer that an example would be.
        fits: whether an example is one that the task would take.
        repeated: whether the same mention may stand in a text twice.
        skeleton: the row whose mentions an ask wants, where it gives them.
    """

    row_of: Callable[[Example[Annotation]], dict[str, Json]]
    fits: Callable[[Example[Annotation]], bool]
    repeated: bool
    skeleton: Callable[[Ask], Example[Annotation] | None] = lambda _: None


class SlottedLM:
    """The engine; the same request gets the same answer, whatever came before it.

    Args:
        seeds: of an extraction task, one at least.
        answers: the task's.
        random_seed: the run's.
    """

    name = "seedlm"
    revision = None
    model = "ngram"

    def __init__(self, seeds: SeedSet, answers: Answers, *, random_seed: int) -> None:
        self._random_seed = random_seed
        self._answers = answers
        self._task: TaskName = seeds.task
        self._seeds = seeds.by_id
        self._slots = Slots(seeds.examples)
        self._types = {
            seed.id: frozenset(counted(seed.target, seeds.task)) for seed in seeds.examples
        }
        templates = tuple(
            replace(seed, text=self._slots.templates[seed.id], target=tuple(self._types[seed.id]))
            for seed in seeds.examples
        )
        self._writer = NgramWriter(replace(seeds, examples=templates, several=True))

    async def complete(
        self, requests: AsyncIterable[Request]
    ) -> AsyncGenerator[tuple[Request, Completion | Failure], None]:
        """Answer one request after the other."""
        async for request in requests:
            yield request, self._answer(request)
            await asyncio.sleep(0)

    def _answer(self, request: Request) -> Completion:
        ask, sampling = request.ask, request.sampling
        rng = random.Random(f"{self._random_seed} {sampling.seed}")
        rows: list[dict[str, Json]] = []
        tokens = 0
        for _ in range(ask.k):
            example, drawn = self._row(ask, sampling, room=sampling.max_tokens - tokens, rng=rng)
            tokens += drawn
            if example is None:
                break
            rows.append(self._answers.row_of(example))
        whole = rows[0] if ask.k == 1 and rows else {"rows": rows}
        return Completion(
            text=json.dumps(whole, ensure_ascii=False),
            finish="stop" if len(rows) == ask.k else "length",
            completion_tokens=tokens,
        )

    def _row(
        self, ask: Ask, sampling: Sampling, *, room: int, rng: random.Random
    ) -> tuple[Example[Annotation] | None, int]:
        """Return a row and how many tokens were drawn for it; no row where room is too small."""
        tokens = 0
        given = self._answers.skeleton(ask)
        for _ in range(_DRAFTS):
            written = self._writer.write(ask, sampling=sampling, room=room, rng=rng)
            tokens = max(tokens, written.tokens)
            if written.cut:
                continue
            row = self._filled(written.text, given, rng)
            if row is not None and self._will_do(row, ask):
                return row, tokens
        found = self._of_a_seed(ask, given, rng)
        return (None if len(found.text) > _TOKEN * room else found), tokens

    def _filled(
        self, template: str, given: Example[Annotation] | None, rng: random.Random
    ) -> Example[Annotation] | None:
        if given is None:
            found = self._slots.filled(template, rng, twice=self._answers.repeated)
        else:
            found = self._slots.filled_as(template, given)
        return None if found is None else _made(*found)

    def _of_a_seed(
        self, ask: Ask, given: Example[Annotation] | None, rng: random.Random
    ) -> Example[Annotation]:
        """Return a seed with other mentions; those that are given, in another seed if one suits."""
        if given is None:
            seed = self._seeds[self._seed_for(ask, rng)]
            return _made(*self._slots.refilled(seed, rng, twice=self._answers.repeated))
        others = [seed for seed in self._seeds if seed not in ask.exemplars[:1]]
        for seed in rng.sample(others, min(len(others), _SEEDS_TRIED)):
            row = self._filled(self._slots.templates[seed], given, rng)
            if row is not None and self._will_do(row, ask):
                return row
        return given

    def _will_do(self, row: Example[Annotation], ask: Ask) -> bool:
        has = set(counted(row.target, self._task))
        asked = has >= set(ask.labels) if ask.labels else not has
        return bool(row.text) and asked and self._answers.fits(row)

    def _seed_for(self, ask: Ask, rng: random.Random) -> str:
        """Return a seed with all types asked for, else one with most of them."""
        wanted = set(ask.labels)
        ranked = [
            (len(wanted & types) if wanted else -len(types), seed)
            for seed, types in self._types.items()
        ]
        most = max(rank for rank, _ in ranked)
        return rng.choice([seed for rank, seed in ranked if rank == most])


def _made(text: str, annotation: Annotation) -> Example[Annotation]:
    return Example(id="", text=text, target=annotation, meta=EMPTY, origin="generated")
