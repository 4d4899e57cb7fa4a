"""`seedlm --model ngram`: a statistical language model of the seeds, without any weights.

It is the "statistical model" of the augmentation surveys and the baseline that the bundled model
and every LLM must beat. The answer takes the shape of the request's JSON schema, as an LLM's does
under guided decoding; the texts in it come from a `Writer`.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Mapping

from augment.engines.ngram import NgramWriter
from augment.engines.writer import Writer, Written
from augment.records import (
    Completion,
    Failure,
    Json,
    Request,
    SeedSet,
)


class SeedLM:
    """The engine `seedlm`: the same request gets the same answer, whatever came before it."""

    name = "seedlm"
    revision = None
    model = "ngram"

    def __init__(self, seeds: SeedSet, *, random_seed: int) -> None:
        self._random_seed = random_seed
        self._writer: Writer | None = NgramWriter(seeds) if seeds.examples else None

    async def complete(
        self, requests: AsyncIterable[Request]
    ) -> AsyncGenerator[tuple[Request, Completion | Failure], None]:
        """Answer one request after the other."""
        async for request in requests:
            yield request, self._answer(request)
            await asyncio.sleep(0)

    def _answer(self, request: Request) -> Completion | Failure:
        writer, sampling = self._writer, request.sampling
        if writer is None:
            return Failure(code="refused", detail="seedlm has no seeds to learn from")
        rng = random.Random(f"{self._random_seed} {sampling.seed}")
        written: list[Written] = []

        def write() -> dict[str, str]:
            room = sampling.max_tokens - sum(one.tokens for one in written)
            written.append(writer.write(request.ask, sampling=sampling, room=room, rng=rng))
            return {"text": written[-1].text, "text_pair": written[-1].text_pair}

        if request.schema is None:
            answer = "\n".join(filter(None, write().values()))
        else:
            answer = json.dumps(_instance(request.schema, write=write), ensure_ascii=False)
        return Completion(
            text=answer,
            finish="length" if any(one.cut for one in written) else "stop",
            completion_tokens=sum(one.tokens for one in written),
        )


def _instance(schema: Mapping[str, Json], *, write: Callable[[], dict[str, str]]) -> Json:
    """Return a value that `schema` allows; every object with a `text` gets a new one."""
    if "enum" in schema:
        return schema["enum"][0]
    match schema.get("type"):
        case "object":
            properties: Mapping[str, Mapping[str, Json]] = schema.get("properties", {})
            texts = write() if "text" in properties else {}
            return {
                name: texts[name] if name in texts else _instance(inner, write=write)
                for name, inner in properties.items()
            }
        case "array":
            items: list[Mapping[str, Json]] = list(schema.get("prefixItems", ()))
            items += [schema.get("items", {})] * (schema.get("minItems", 0) - len(items))
            return [_instance(item, write=write) for item in items]
        case kind:
            return {"string": "", "integer": 0, "number": 0, "boolean": False}.get(str(kind))
