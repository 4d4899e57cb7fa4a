"""From an ask to the request that goes to the engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

import orjson

from augment.draws import draw_seed
from augment.protocols import Question
from augment.records import Ask, Json, Message, Request, Sampling, SeedSet
from prompts.templates import Template, Turn

if TYPE_CHECKING:
    from hashlib import _Hash  # pyright: ignore[reportPrivateUsage] # the only name of its type

    from prompts.templates import Bound

_MOST_SCHEMAS = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoding:
    """How the engine is to sample, for all asks of a run.

    Attributes:
        max_tokens: bounds one answer.
        logprobs: how many rivals of each token are to be told; None: no log-probabilities.
    """

    temperature: float
    top_p: float
    max_tokens: int
    logprobs: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bound:
    """A bound template, with its fixed messages ready for use and already hashed."""

    template: Bound
    fixed: tuple[Message, ...]
    hashed: _Hash


class Renderer:
    """Turns asks into requests; the same ask always into the same request.

    The key of a request is the SHA-256 of its messages, schema and sampling as JSON with sorted
    keys, without white space, in UTF-8. Nothing else enters it, so that whoever holds a request
    can compute its key.

    Args:
        task: what is asked: gives the prompt variables and the schema.
        templates: the template of each strategy.
        seeds: where an ask's exemplars are found.
        decoding: the same for every ask.
        random_seed: the run's; each ask gets a sampling seed of its own from it.
    """

    def __init__(
        self,
        task: Question,
        templates: Mapping[str, Template],
        *,
        seeds: SeedSet,
        decoding: Decoding,
        random_seed: int,
    ) -> None:
        constants = task.constants()
        self._task = task
        self._bound = {name: _prepared(each.bind(constants)) for name, each in templates.items()}
        self._seeds = seeds.by_id
        self._decoding = decoding
        self._random_seed = random_seed
        self._schemas: dict[int, tuple[Mapping[str, Json], bytes]] = {}

    @property
    def instructions(self) -> tuple[str, ...]:
        """The messages that are the same for every ask: what a row must not repeat."""
        return tuple(message.content for each in self._bound.values() for message in each.fixed)

    def request(self, ask: Ask) -> Request:
        """Render an ask; its strategy must have a template, and its exemplars must be seeds."""
        bound = self._bound[ask.strategy]
        exemplars = [self._seeds[each] for each in ask.exemplars]
        turns = bound.template.render_varying(self._task.variables(ask, exemplars))
        schema = self._task.schema(ask)
        sampling = Sampling(
            temperature=self._decoding.temperature,
            top_p=self._decoding.top_p,
            max_tokens=self._decoding.max_tokens,
            seed=draw_seed(self._random_seed, ask.number, "sampling"),
        )
        return Request(
            key=self._key(bound.hashed, turns, sampling, schema),
            messages=bound.fixed + tuple(Message(role=r, content=c) for r, c in turns),
            schema=schema,
            sampling=sampling,
            ask=ask,
            logprobs=self._decoding.logprobs,
        )

    def _key(
        self, head: _Hash, turns: list[Turn], sampling: Sampling, schema: Mapping[str, Json]
    ) -> str:
        decoding = (
            f'{{"max_tokens":{sampling.max_tokens},"seed":{sampling.seed},'
            f'"temperature":{sampling.temperature!r},"top_p":{sampling.top_p!r}}}'
        )
        digest = head.copy()  # the fixed messages were hashed once and for all
        digest.update(
            b'%b],"sampling":%b,"schema":%b}'
            % (b",".join(map(_json_of, turns)), decoding.encode(), self._schema_json(schema))
        )
        return digest.hexdigest()

    def _schema_json(self, schema: Mapping[str, Json]) -> bytes:
        """Return the canonical JSON, computed once for a schema that many asks share."""
        known = self._schemas.get(id(schema))
        if known is None:
            if len(self._schemas) >= _MOST_SCHEMAS:
                self._schemas.clear()
            known = self._schemas[id(schema)] = (schema, _canonical(schema))
        return known[1]  # the schema is held too, so that its id stands for nothing else


def _prepared(bound: Bound) -> _Bound:
    head = b'{"messages":[' + b",".join(map(_json_of, bound.fixed))
    head += b"," if bound.fixed and bound.varies else b""
    return _Bound(
        template=bound,
        fixed=tuple(Message(role=role, content=content) for role, content in bound.fixed),
        hashed=sha256(head),
    )


def _json_of(turn: Turn) -> bytes:
    role, content = turn
    return b'{"content":%b,"role":"%b"}' % (orjson.dumps(content), role.encode())


def _canonical(value: object) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
