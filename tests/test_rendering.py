import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from augment.draws import draw_seed
from augment.records import Ask, Example, Json, Message, Request, SeedSet
from augment.rendering import Decoding, Renderer
from augment.tasks.classification import OFFERED, Classification
from prompts.templates import Template, load

LABELS = ("card", "refund")
DECODING = Decoding(temperature=1.0, top_p=0.95, max_tokens=64)
ASK = Ask(number=0, strategy="fewshot", labels=("card",), exemplars=("s1", "s0"))


def template(strategy: str, folder: Path | None = None) -> Template:
    return load("classification", strategy, folder=folder, offered=OFFERED, required=())


TEMPLATES = {name: template(name) for name in ("fewshot", "paraphrase")}


def renderer(*texts: str, **changes: Any) -> Renderer:
    examples = tuple(
        Example(id=f"s{number}", text=text, target="card")
        for number, text in enumerate(texts or ("where is my card?", "no card yet"))
    )
    seeds = SeedSet(examples=examples, labels=LABELS, several=False, pairs=False, digest="-")
    parts: dict[str, Any] = {
        "task": Classification(LABELS),
        "templates": TEMPLATES,
        "seeds": seeds,
        "decoding": DECODING,
        "random_seed": 0,
    }
    return Renderer(**parts | changes)


def digest_of(request: Request) -> str:
    sent = {
        "messages": [asdict(message) for message in request.messages],
        "schema": request.schema,
        "sampling": asdict(request.sampling),
    }
    canonical = json.dumps(sent, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def test_a_request_shows_the_exemplars_in_the_order_of_the_ask() -> None:
    request = renderer().request(ASK)
    assert [message.role for message in request.messages] == ["system", "user"]
    user = request.messages[1].content
    assert 0 < user.index("Text: no card yet\n") < user.index("Text: where is my card?\n")
    assert request.schema == Classification(LABELS).schema(ASK)
    assert request.ask is ASK
    assert asdict(request.sampling) | {"logprobs": request.logprobs} == {
        **asdict(DECODING),
        "seed": draw_seed(0, 0, "sampling"),
    }


def test_each_strategy_has_its_own_template() -> None:
    assert (
        "<original>" in renderer().request(replace(ASK, strategy="paraphrase")).messages[1].content
    )
    assert "<example>" in renderer().request(ASK).messages[1].content


@given(
    texts=st.lists(st.text(), min_size=2, max_size=2),
    number=st.integers(0, 2**40),
    k=st.integers(1, 3),
    temperature=st.floats(0, 5) | st.integers(0, 5),
)
def test_the_key_is_the_digest_of_what_the_engine_gets(
    texts: list[str], number: int, k: int, temperature: float
) -> None:
    decoding = replace(DECODING, temperature=temperature)
    request = renderer(*texts, decoding=decoding).request(replace(ASK, number=number, k=k))
    assert request.key == digest_of(request)


@pytest.mark.parametrize(
    "messages",
    [
        "[{role: user, content: hello}]",
        "[{role: system, content: hello}, {role: user, content: world}]",
        "[{role: user, content: '{{{k}}}'}]",
        "[{role: user, content: a}, {role: assistant, content: '{{{k}}}'}]",
    ],
)
def test_the_key_is_the_same_digest_for_any_order_of_fixed_messages(
    messages: str, tmp_path: Path
) -> None:
    path = tmp_path / "classification" / "fewshot.yaml"
    path.parent.mkdir()
    path.write_text(f"description: d\nmessages: {messages}", "utf-8")
    request = renderer(templates={"fewshot": template("fewshot", tmp_path)}).request(ASK)
    assert request.key == digest_of(request)


def test_the_same_ask_gives_the_same_request() -> None:
    assert renderer().request(ASK) == renderer().request(ASK)


@pytest.mark.parametrize(
    "other",
    [
        renderer().request(replace(ASK, number=1)),
        renderer().request(replace(ASK, labels=("refund",))),
        renderer().request(replace(ASK, exemplars=("s0", "s1"))),
        renderer().request(replace(ASK, k=2)),
        renderer().request(replace(ASK, instructions="Be brief.")),
        renderer(random_seed=1).request(ASK),
        renderer("other", "texts").request(ASK),
        renderer(decoding=replace(DECODING, max_tokens=65)).request(ASK),
    ],
    ids=["number", "labels", "exemplars", "k", "instructions", "seed", "texts", "decoding"],
)
def test_whatever_differs_in_a_request_differs_in_its_key(other: Any) -> None:
    assert other.key != renderer().request(ASK).key


def test_what_the_system_message_says_is_one_value_for_all_requests() -> None:
    made = renderer()
    first, second = (made.request(replace(ASK, number=number)) for number in (0, 1))
    assert isinstance(first.messages[0], Message)
    assert first.messages[0] is second.messages[0]


class Forgetful(Classification):
    """Builds a schema anew for each ask, so that the ids of old ones are given out again."""

    def schema(self, ask: Ask) -> Mapping[str, Json]:
        return dict(super().schema(ask))


def test_a_schema_is_known_by_its_content_not_by_where_it_stood() -> None:
    made = renderer(task=Forgetful(LABELS))
    for number in range(1500):
        labels = (f"label {number % 700}",)
        request = made.request(Ask(number=number, strategy="fewshot", labels=labels))
        assert request.key == digest_of(request), f"ask {number}"


@given(random_seed=st.integers(0, 2**63), start=st.integers(0, 2**31 - 5000))
def test_no_two_asks_of_a_run_draw_the_same_seed(random_seed: int, start: int) -> None:
    drawn = {draw_seed(random_seed, start + step, "sampling") for step in range(5000)}
    assert len(drawn) == 5000
    assert all(0 <= seed < 2**31 for seed in drawn)


def test_drawn_seeds_are_spread_evenly() -> None:
    drawn = [draw_seed(0, number, "sampling") for number in range(16_000)]
    for shift in (0, 9, 18, 27):
        counts = [0] * 16
        for seed in drawn:
            counts[seed >> shift & 15] += 1
        assert min(counts) > 850, f"bits {shift} to {shift + 3}: {counts}"
        assert max(counts) < 1150, f"bits {shift} to {shift + 3}: {counts}"


def test_draws_differ_by_random_seed_and_purpose() -> None:
    numbers = range(1000)
    mine = [draw_seed(0, number, "sampling") for number in numbers]
    for random_seed, purpose in ((1, "sampling"), (0, "exemplars")):
        other = [draw_seed(random_seed, number, purpose) for number in numbers]
        assert sum(a == b for a, b in zip(mine, other, strict=True)) <= 1


def test_a_drawn_seed_never_changes_between_versions() -> None:
    assert [draw_seed(0, number, "sampling") for number in range(3)] == [
        1792297624,
        1722981551,
        1445931646,
    ]
