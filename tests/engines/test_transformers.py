from __future__ import annotations

import asyncio
import contextlib
import json
import math
import shutil
import threading
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from requests_made import a_request
from tiny_encoder import write_tiny
from tiny_llama import NO_SYSTEM, SIZES, TEXTS, trained_tokenizer, write_causal, write_tiny_llama
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    Gemma3TextConfig,
    LlamaConfig,
    MistralConfig,
    Qwen3Config,
)

from augment.decoding.batching import Batch
from augment.decoding.key_values import KeyValues
from augment.decoding.loading import load
from augment.decoding.model import Network
from augment.decoding.rows import Ticket
from augment.decoding.sampling import Draw, next_tokens
from augment.decoding.wording import Wording
from augment.engines.in_process import InProcess
from augment.engines.transformers import loaded
from augment.errors import EngineUnusable
from augment.protocols import Engine
from augment.records import Ask, Completion, Failure, Json, Message, Request
from augment.tasks.classification import Classification

LABELS = tuple(f"{verb}_{noun}" for verb in ("get", "lose", "top") for noun in ("card", "pin", "ä"))


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    """Keep to one core: so small a model is no quicker on two, and stalls where one is busy."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return write_tiny_llama(tmp_path_factory.mktemp("models") / "tiny")


@contextlib.asynccontextmanager
async def _engine(folder: Path, *, concurrency: int = 4) -> AsyncIterator[InProcess]:
    # In half precision an answer depends on what shares its batch
    async with loaded(str(folder), concurrency=concurrency, dtype="float32") as engine:
        yield engine


async def drawn(requests: Iterable[Request]) -> AsyncIterator[Request]:
    for request in requests:
        yield request


async def answered(
    folder: Path, requests: Iterable[Request], *, concurrency: int = 4
) -> dict[int, Completion | Failure]:
    """Return the outcomes by the number of the ask, in order of completion."""
    async with _engine(folder, concurrency=concurrency) as engine:
        return {r.ask.number: outcome async for r, outcome in engine.complete(drawn(requests))}


def asked(number: int, text: str = "", **sampling: Any) -> Request:
    """Return a request for free text whose prompt's length differs from its neighbours'."""
    request = a_request(number)
    words = text or "Where is my card? " * (1 + number % 5)
    return replace(
        request,
        messages=(request.messages[0], Message(role="user", content=f"{number} {words}")),
        schema=None,
        sampling=replace(request.sampling, **sampling),
    )


def guided(number: int, schema: Json, **sampling: Any) -> Request:
    return replace(asked(number, **sampling), schema=schema)


def in_schema(value: Json, schema: Json) -> bool:
    """Tell whether a value is valid, by the keywords that our schemas use; no others are known."""
    kinds = {"object": dict, "array": list, "string": str}
    rules = {
        "type": lambda want: isinstance(value, kinds[want]),
        "enum": lambda want: value in want,
        "minLength": lambda want: len(value) >= want,
        "minItems": lambda want: len(value) >= want,
        "maxItems": lambda want: len(value) <= want,
        "required": lambda want: set(want) <= set(value),
        "additionalProperties": lambda want: (
            want is False and set(value) <= set(schema["properties"])
        ),
        "properties": lambda want: all(in_schema(value[name], want[name]) for name in value),
        "prefixItems": lambda want: all(map(in_schema, value, want)),
        "items": lambda want: all(
            want is not False and in_schema(item, want)
            for item in value[len(schema.get("prefixItems", ())) :]
        ),
    }
    return all(rules[keyword](want) for keyword, want in schema.items())


def schemas() -> dict[str, Json]:
    one = Classification(LABELS)
    many = Classification(LABELS, several=True)
    pairs = Classification(LABELS, pairs=True)

    def of(task: Classification, labels: tuple[str, ...], k: int = 1) -> Json:
        return task.schema(Ask(number=0, strategy="fewshot", labels=labels, k=k))

    return {
        "one label": of(one, LABELS[2:3]),
        "several labels": of(many, LABELS[1:4]),
        "no label": of(many, ()),
        "rows": of(one, LABELS[:1], k=3),
        "rows of several": of(many, LABELS[:2], k=2),
        "pairs": of(pairs, LABELS[:1]),
        "rows of pairs": of(pairs, LABELS[:1], k=2),
        "choice": {
            "type": "object",
            "properties": {"label": {"type": "string", "enum": [*LABELS, *map(str, range(200))]}},
            "required": ["label"],
            "additionalProperties": False,
        },
        'awkward "label"\n': of(one, ('"\\ 日本\t🎉',)),
    }


async def test_every_guided_answer_is_in_its_schema(folder):
    wanted = [*schemas().values()] * 3
    requests = [
        guided(number, schema, max_tokens=200, temperature=(0.0, 1.0, 1.5)[number % 3])
        for number, schema in enumerate(wanted)
    ]
    found = await answered(folder, requests, concurrency=8)

    assert len(found) == len(requests)
    whole = 0
    for number, outcome in found.items():
        assert isinstance(outcome, Completion)
        if outcome.finish == "stop":
            whole += 1
            assert in_schema(json.loads(outcome.text), wanted[number]), outcome.text
    assert whole > len(requests) // 2


async def test_a_guided_answer_is_compact(folder):
    found = await answered(folder, [guided(n, schemas()["choice"]) for n in range(4)])

    for outcome in found.values():
        text = outcome.text
        assert text == json.dumps(json.loads(text), ensure_ascii=False, separators=(",", ":"))


async def test_an_answer_is_cut_off_at_max_tokens_and_says_so(folder):
    schema = schemas()["several labels"]
    lengths = (1, 2, 5, 17)
    requests = [
        request
        for n, limit in enumerate(lengths)
        for request in (
            guided(2 * n, schema, max_tokens=limit),
            replace(guided(2 * n + 1, schema, max_tokens=limit), logprobs=2),
        )
    ]
    found = await answered(folder, requests)

    assert {outcome.finish for outcome in found.values()} == {"length"}
    assert [found[n].completion_tokens for n in range(8)] == [1, 1, 2, 2, 5, 5, 17, 17]
    assert all(len(found[n].logprobs) == found[n].completion_tokens for n in (1, 3, 5, 7))


CONFIGS = {
    "llama": LlamaConfig(**SIZES),
    "sliding windows": MistralConfig(**SIZES, sliding_window=16),
    "mixed windows": Gemma3TextConfig(
        **SIZES | {"num_hidden_layers": 4},
        sliding_window=16,
        layer_types=["sliding_attention", "full_attention"] * 2,
    ),
    "qwen": Qwen3Config(**SIZES),
}


@pytest.mark.parametrize("kind", CONFIGS)
async def test_a_greedy_answer_is_what_generate_gives_whatever_shares_the_batch(kind, tmp_path):
    folder = write_causal(tmp_path / "model", CONFIGS[kind], trained_tokenizer(TEXTS))
    requests = [
        asked(n, "Where " * 90 * (n == 9), temperature=0.0, max_tokens=5 + 11 * (n % 6))
        for n in range(20)
    ]
    found = await answered(folder, requests, concurrency=5)
    alone = await answered(folder, requests[8:11], concurrency=1)

    assert {n: found[n] for n in alone} == alone
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder)
    for request in requests:
        turns = [{"role": one.role, "content": one.content} for one in request.messages]
        prompt = tokenizer.apply_chat_template(
            turns, add_generation_prompt=True, return_tensors="pt", return_dict=True
        )
        whole = model.generate(
            **prompt,
            do_sample=False,
            max_new_tokens=request.sampling.max_tokens,
            pad_token_id=tokenizer.eos_token_id,
        )
        answer = whole[0, prompt["input_ids"].shape[1] :]
        outcome = found[request.ask.number]
        assert outcome.text == tokenizer.decode(answer, skip_special_tokens=True)
        assert outcome.prompt_tokens == prompt["input_ids"].shape[1]


async def test_the_same_seed_gives_the_same_text_whatever_shares_the_batch(folder):
    requests = [asked(n, max_tokens=20, temperature=1.2, top_p=0.8) for n in range(9)]
    other_seeds = [
        replace(one, sampling=replace(one.sampling, seed=100 + one.ask.number)) for one in requests
    ]
    together = await answered(folder, requests, concurrency=5)
    backwards = await answered(folder, reversed(requests), concurrency=3)
    others = await answered(folder, other_seeds, concurrency=5)

    assert together == backwards
    assert sum(together[n].text != others[n].text for n in together) > 6


async def test_a_short_answer_behind_long_ones_comes_back_first(folder):
    requests = [asked(n, max_tokens=300 if n < 3 else 3, temperature=0.0) for n in range(8)]
    found = await answered(folder, requests, concurrency=4)

    order = [n for n in found if found[n].finish == "length"]
    assert max(map(order.index, range(3, 8))) < min(map(order.index, range(3)))


async def test_a_request_is_drawn_only_when_there_is_room(folder):
    taken, returned, most = 0, 0, 0

    async def requests():
        nonlocal taken, most
        for number in range(12):
            taken += 1
            most = max(most, taken - returned)
            yield asked(number, max_tokens=4)

    async with _engine(folder, concurrency=3) as engine:
        answers = engine.complete(requests())
        await anext(answers)
        await asyncio.sleep(0.3)
        assert taken == 3, "no slot is free before the consumer comes back"
        returned += 1
        async for _ in answers:
            returned += 1

    assert (taken, returned, most) == (12, 12, 3)


async def test_requests_that_keep_us_waiting_do_not_hold_up_answers(folder):
    judged = asyncio.Event()

    async def requests():
        yield asked(0, max_tokens=30)
        await judged.wait()
        yield asked(1, max_tokens=30)

    async with _engine(folder) as engine:
        numbers = []
        async for request, _ in engine.complete(requests()):
            numbers.append(request.ask.number)
            judged.set()

    assert numbers == [0, 1]


async def test_closing_early_leaves_nothing_decoding(folder):
    async with _engine(folder) as engine:
        requests = [asked(n, max_tokens=450 if n else 2, temperature=0.0) for n in range(9)]
        answers = engine.complete(drawn(requests))
        await anext(answers)
        await answers.aclose()
        await asyncio.sleep(0.1)  # the step that was under way
        start = time.process_time()
        await asyncio.sleep(0.5)
        assert time.process_time() - start < 0.1, "nobody waits, but the processor is busy"

        again = engine.complete(drawn([asked(9, max_tokens=2)]))
        assert [request.ask.number async for request, _ in again] == [9]

    assert "transformers" not in {thread.name for thread in threading.enumerate()}


async def test_a_cancelled_run_ends_at_once(folder):
    async def run() -> None:
        await answered(folder, [asked(n, max_tokens=450, temperature=0.0) for n in range(400)])

    task = asyncio.create_task(run())
    await asyncio.sleep(1.5)
    start = time.monotonic()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert time.monotonic() - start < 10
    assert "transformers" not in {thread.name for thread in threading.enumerate()}


async def test_a_prompt_longer_than_the_context_is_refused_while_others_are_answered(folder):
    requests = [asked(n, "word " * 2000 if n == 1 else "", max_tokens=5) for n in range(4)]
    found = await answered(folder, requests)

    assert isinstance(found.pop(1), Failure)
    assert all(isinstance(outcome, Completion) for outcome in found.values())


async def test_the_refusal_of_a_long_prompt_names_both_lengths(folder):
    (outcome,) = (await answered(folder, [asked(0, "x" * 3000)])).values()

    assert outcome.code == "prompt_too_long"
    assert outcome.detail.startswith("the prompt has 30")
    assert outcome.detail.endswith(" tokens, the model's context 512")


async def test_an_answer_ends_where_the_context_does(folder):
    (outcome,) = (
        await answered(folder, [asked(0, "x" * 400, max_tokens=9999, temperature=0.0)])
    ).values()

    assert outcome.finish == "length"
    assert outcome.prompt_tokens + outcome.completion_tokens == 512


async def test_a_schema_that_cannot_be_compiled_is_refused_with_the_reason(folder):
    bad = {"type": "object", "properties": {"text": {"type": "strange"}}}
    found = await answered(folder, [guided(0, bad), asked(1, max_tokens=2)])

    assert found[0].code == "refused"
    assert "strange" in found[0].detail
    assert isinstance(found[1], Completion)


async def test_probabilities_are_those_after_the_schema(folder):
    schema = {"type": "string", "enum": ["a", "b", "ä", "ö"]}
    requests = [
        replace(guided(n, schema, temperature=3.0, top_p=0.5), logprobs=6) for n in range(12)
    ]
    found = await answered(folder, requests)

    branches = set()
    for outcome in found.values():
        tokens = outcome.logprobs
        assert "".join(token.token for token in tokens) == outcome.text
        for token in tokens:
            assert token.logprob <= 0
            assert token.logprob == pytest.approx(token.top[token.token])
            assert [*token.top.values()] == sorted(token.top.values(), reverse=True)
            total = sum(map(math.exp, token.top.values()))
            assert total == pytest.approx(1, abs=1e-5), "at most six tokens are ever allowed"
            branches.add(len(token.top))
    assert max(branches) > 1


async def test_rivals_are_as_many_as_asked_for_and_none_where_not_asked(folder):
    plain = asked(0, max_tokens=6, temperature=0.0)
    found = await answered(
        folder, [plain, replace(asked(1, max_tokens=6), logprobs=3), replace(plain, logprobs=0)]
    )

    assert max(len(token.top) for token in found[1].logprobs) == 3
    assert {len(token.top) for token in found[0].logprobs} == {0}
    assert (await answered(folder, [plain]))[0].logprobs is None


async def test_tokens_with_their_probabilities_make_up_the_answer(folder):
    schema = schemas()["one label"]
    found = await answered(
        folder, [replace(guided(n, schema, max_tokens=99), logprobs=n % 3) for n in range(9)]
    )

    for outcome in found.values():
        assert "".join(token.token for token in outcome.logprobs) == outcome.text
        assert outcome.finish == "length" or in_schema(json.loads(outcome.text), schema)


async def test_any_text_comes_through_whole(folder):
    texts = (
        "naïve café",
        "日本語のテキスト",
        "🎉👩‍👩‍👧 ǥ",
        'quotes " and \\ and \n lines',
        "\u2028",
    )
    requests = [guided(n, {"enum": [text]}) for n, text in enumerate(texts)]
    found = await answered(folder, requests)

    assert [json.loads(found[n].text) for n in range(len(texts))] == [*texts]


async def test_a_template_without_system_role_gets_the_systems_text_in_the_first_turn(tmp_path):
    with_system = write_tiny_llama(tmp_path / "with")
    without = write_tiny_llama(tmp_path / "without", template=NO_SYSTEM)
    request = asked(0, "Write.", max_tokens=8, temperature=0.0)
    folded = replace(
        request, messages=(Message(role="user", content="You write rows.\n\n0 Write."),)
    )

    assert await answered(without, [request]) == await answered(with_system, [folded])


async def test_a_template_that_refuses_the_prompt_is_told(tmp_path):
    folder = write_tiny_llama(tmp_path / "model", template="{{ raise_exception('only in verse') }}")
    found = await answered(folder, [asked(0)])

    assert found[0] == Failure(
        code="refused", detail="the chat template refuses the prompt: only in verse"
    )


def test_thoughts_are_split_off_a_free_answer_but_not_off_a_guided_one(folder):
    ready = load(str(folder), dtype="float32")
    wording = Wording(ready)
    text = "<think>Hm, 日本.</think>It is here."
    rows = [
        wording.row(Ticket(request=request)) for request in (asked(0), guided(1, {"enum": [1]}))
    ]
    for row in rows:
        row.answer, row.ended = ready.tokens.numbers([text])[0], "stop"
    free, fixed = map(wording.outcome, rows)

    assert (free.text, free.reasoning) == ("It is here.", "Hm, 日本.")
    assert (fixed.text, fixed.reasoning) == (text, None)


def _without(*patterns: str):
    def write(folder: Path) -> Path:
        write_tiny_llama(folder)
        for pattern in patterns:
            for file in folder.glob(pattern):
                file.unlink()
        return folder

    return write


def _pickled(folder: Path) -> Path:
    write_tiny_llama(folder)
    torch.save({}, folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    return folder


def _empty(folder: Path) -> Path:
    folder.mkdir()
    return folder


UNUSABLE = {
    "missing": (lambda folder: folder, "no folder of a model"),
    "empty": (_empty, "no model: "),
    "no weights": (_without("*.safetensors"), "no causal language model can be loaded: "),
    "pickle only": (_pickled, "no causal language model can be loaded: "),
    "no tokenizer": (_without("tokenizer*"), "no tokenizer: "),
    "no template": (
        lambda folder: write_tiny_llama(folder, template=None),
        "the tokenizer has no chat template: no chat model",
    ),
    "encoder": (write_tiny, "the tokenizer has no chat template: no chat model"),
}


@pytest.mark.parametrize("kind", UNUSABLE)
async def test_what_cannot_be_used_is_told_quickly_and_clearly(kind, tmp_path):
    write, told = UNUSABLE[kind]
    folder = write(tmp_path / "model")
    start = time.monotonic()
    with pytest.raises(EngineUnusable) as found:
        async with loaded(str(folder), concurrency=2):
            pass

    assert time.monotonic() - start < 5
    assert str(found.value).startswith(f"{folder}: {told}")
    assert "\n" not in str(found.value)
    assert "transformers" not in {thread.name for thread in threading.enumerate()}


async def test_it_is_an_engine_that_bears_the_folders_name(folder):
    async with _engine(folder) as engine:
        checked: Engine = engine
        assert (checked.name, checked.model) == ("transformers", "tiny")
        assert checked.revision


def test_folders_of_one_name_are_told_apart_by_their_files(folder, tmp_path):
    same, other = tmp_path / "same" / folder.name, tmp_path / "other" / folder.name
    for copy in (same, other):
        shutil.copytree(folder, copy)
    weights = bytearray((other / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (other / "model.safetensors").write_bytes(weights)
    revisions = [load(str(each)).revision for each in (folder, same, other)]

    assert revisions[0] == revisions[1] != revisions[2]


class _Scarce:
    """A network that has memory for two rows."""

    def __init__(self, network: Network, error: RuntimeError) -> None:
        self._network = network
        self._error = error

    def __call__(
        self, tokens: torch.Tensor, lengths: torch.Tensor, cache: KeyValues
    ) -> torch.Tensor:
        if len(tokens) > 2:
            raise self._error
        return self._network(tokens, lengths, cache)


@pytest.mark.parametrize(
    "error",
    [torch.OutOfMemoryError("no room"), RuntimeError("DefaultCPUAllocator: not enough memory")],
)
def test_where_memory_runs_out_fewer_rows_are_decoded_and_the_answers_are_the_same(folder, error):
    ready = load(str(folder), dtype="float32")
    found = []
    for network in (ready.network, _Scarce(ready.network, error)):
        tickets = [Ticket(request=asked(n, max_tokens=5 + n)) for n in range(9)]
        batch = Batch(replace(ready, network=network), limit=6)
        for ticket in tickets:
            batch.add(ticket)
        while not batch.idle:
            batch.step()
        found.append([ticket.outcome.result(timeout=0) for ticket in tickets])

    assert found[0] == found[1]


@pytest.mark.skipif(
    torch.backends.cpu.get_cpu_capability() != "AVX2" or torch.cuda.is_available(),
    reason="only such processors are known to be slow in bfloat16",
)
def test_a_processor_without_wide_vectors_computes_in_float32(folder):
    assert load(str(folder)).network.model.dtype == torch.float32


def test_the_number_format_may_be_given(folder):
    assert load(str(folder), dtype="bfloat16").network.model.dtype == torch.bfloat16


async def test_an_error_of_our_own_ends_the_run_instead_of_hanging_it(folder):
    impossible = replace(asked(1), logprobs=-1)
    async with _engine(folder) as engine:
        for requests in ([asked(0), impossible], [asked(2)]):
            with pytest.raises(RuntimeError, match="out of range"):
                async for _ in engine.complete(drawn(requests)):
                    pass


@pytest.mark.parametrize("top_p", [0.3, 0.9, 1.0])
def test_draws_have_the_chances_of_the_nucleus(top_p):
    torch.manual_seed(0)
    logits = torch.randn(40)
    logits[7] = -torch.inf
    temperature, draws = 0.8, 40_000
    chances = torch.softmax(logits / temperature, dim=0)
    order = chances.argsort(descending=True)
    before = chances[order].cumsum(0) - chances[order]
    nucleus = order[before < top_p]
    wanted = torch.zeros(40)
    wanted[nucleus] = chances[nucleus] / chances[nucleus].sum()

    rows = [Draw(temperature=temperature, top_p=top_p, seed=n) for n in range(draws)]
    tokens = torch.tensor(next_tokens(logits.expand(draws, -1), rows))
    found = tokens.bincount(minlength=40) / draws

    assert found[wanted == 0].sum() == 0
    spread = 5 * (wanted * (1 - wanted) / draws).sqrt() + 1e-4  # five standard errors
    assert ((found - wanted).abs() < spread).all()
