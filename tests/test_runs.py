"""`augment.run`: what a script or a notebook gets is what the command would have left."""

from __future__ import annotations

import asyncio
import contextvars
import dataclasses
import json
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections import Counter

import pandas as pd
import pytest
import yaml
from augment_command import LONGEST_S, here, left_in, seed_rows, seeds_file, until
from datasets import Dataset, List, Value
from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import RunnableLambda
from pydantic import PrivateAttr

import augment
from augment.runs import waited_for

SEEDS = seed_rows()
FULL = {"alpha": 2, "beta": 2, "gamma": 2}
UNCHECKED = {"without": ["length", "form", "copy", "agreement", "similarity", "near_duplicate"]}
PROVENANCE = {
    "strategy": Value("string"), "template": Value("string"), "template_digest": Value("string"),
    "engine": Value("string"), "model": Value("string"), "request_key": Value("string"),
    "seed_ids": List(Value("string")), "ask": Value("int64"),
}  # fmt: skip
ACCEPTED = {
    "text": Value("string"), "label": Value("string"), "id": Value("string"),
    "provenance": PROVENANCE,
}  # fmt: skip
REJECTED = {
    **ACCEPTED, "filter": Value("string"), "score": Value("float64"),
    "threshold": Value("float64"), "reason": Value("string"), "detail": Value("string"),
}  # fmt: skip


class Told(BaseChatModel):
    """A chat model that answers with a new text each time, or with `junk`."""

    model_name: str = "told"
    junk: str = ""
    _calls: int = PrivateAttr(default=0)

    @property
    def calls(self):
        return self._calls

    @property
    def _llm_type(self):
        return "told"

    def _generate(self, messages, stop=None, run_manager=None, **kwargs):
        raise AssertionError("the engine is to call the async side")

    async def _agenerate(self, messages, stop=None, run_manager=None, **kwargs):
        self._calls += 1
        label = kwargs["response_format"]["properties"]["label"]
        several = [part["enum"][0] for part in label.get("prefixItems", ())]
        row = {"label": several or label["enum"][0], "text": f"told the {self._calls}th time"}
        message = AIMessage(content=self.junk or json.dumps(row))
        return ChatResult(generations=[ChatGeneration(message=message)])

    def with_structured_output(self, schema, *, include_raw=False, **kwargs):
        return {"raw": self.bind(response_format=schema)} | RunnableLambda(lambda raw: raw)


@pytest.fixture(name="served")
def _served(openai_server, tmp_path):
    """A server and a recipe that asks it."""
    server = openai_server()
    return server, {
        "endpoint": server.url, "encoder": "ngram", "per_label": 2, "out": str(tmp_path / "out"),
    }  # fmt: skip


@pytest.fixture(name="told")
def _told(tmp_path):
    """A recipe for a chat model."""
    return {
        "encoder": "ngram", "per_label": 2, "out": str(tmp_path / "out"), "filters": UNCHECKED,
    }  # fmt: skip


# Where it is called ------------------------------------------------------------------------------


def test_a_script_gets_a_run_whose_quotas_are_full(recipe, tmp_path):
    run = augment.run(SEEDS, recipe)

    assert (run.finish, run.detail, run.out) == ("done", "", tmp_path / "out")
    assert Counter(run.accepted["label"]) == FULL


def test_the_folder_is_that_of_the_command(recipe, tmp_path):
    run = augment.run(SEEDS, recipe)
    there = tmp_path / "command"
    options = ["--engine", "seedlm", "--model", "ngram", "--per-label", "2", "--out", there]
    assert here("run", seeds_file(tmp_path, SEEDS), *options).code == 0

    assert {path.name for path in run.out.iterdir()} == {path.name for path in there.iterdir()}
    for name in ("accepted.jsonl", "rejected.jsonl"):
        assert (run.out / name).read_bytes() == (there / name).read_bytes()
    assert left_in(run.out).per_label() == FULL


async def test_a_notebook_gets_the_same_as_a_script(recipe, tmp_path):
    inside = augment.run(SEEDS, recipe)
    elsewhere = {**recipe, "out": str(tmp_path / "script")}
    outside = await asyncio.to_thread(augment.run, SEEDS, elsewhere)

    assert inside.accepted[:] == outside.accepted[:]
    assert inside.finish == "done"


async def test_no_thread_is_left_in_a_notebook(recipe):
    augment.run(SEEDS, recipe)

    assert "augment" not in {thread.name for thread in threading.enumerate()}


async def test_an_error_reaches_the_cell_of_a_notebook(openai_server, tmp_path):
    server = openai_server(auth="secret")
    recipe = {"endpoint": server.url, "encoder": "ngram", "out": tmp_path / "out"}

    with pytest.raises(augment.EngineUnusable, match="401"):
        augment.run(SEEDS, recipe)
    assert not (tmp_path / "out").exists()


def test_a_time_out_that_ends_the_work_is_raised():
    code = """
        import asyncio
        from augment.runs import waited_for

        def late():
            raise TimeoutError("late")

        def cell():
            waited_for(late)

        asyncio.run(cell())
        """
    command = [sys.executable, "-c", textwrap.dedent(code)]
    ended = subprocess.run(command, capture_output=True, check=False, timeout=60)

    assert ended.stderr.endswith(b"TimeoutError: late\n")


async def test_in_a_notebook_the_work_has_the_context_of_its_caller():
    parent: contextvars.ContextVar[str] = contextvars.ContextVar("parent")
    parent.set("a chain")

    async def work() -> str:
        return parent.get()

    assert waited_for(work) == "a chain"


async def test_several_runs_at_once_do_not_disturb_each_other(recipe, tmp_path):
    recipes = [{**recipe, "out": tmp_path / str(n), "random_seed": n} for n in range(3)]
    runs = await asyncio.gather(*(asyncio.to_thread(augment.run, SEEDS, one) for one in recipes))

    assert [Counter(run.accepted["label"]) for run in runs] == [FULL] * 3
    assert len({run.accepted["text"][0] for run in runs}) > 1


# What it is given --------------------------------------------------------------------------------


def test_a_chat_model_answers(told):
    model = Told()
    run = augment.run(SEEDS, told, chat_model=model)

    assert Counter(run.accepted["label"]) == FULL
    assert {(row["engine"], row["model"]) for row in run.accepted["provenance"]} == {
        ("langchain", "told")
    }
    assert model.calls == run.report["counts"]["calls"] == 6


async def test_a_chat_model_answers_in_a_notebook(told):
    assert augment.run(SEEDS, told, chat_model=Told()).finish == "done"


def test_a_chat_model_goes_before_the_engine_of_the_recipe(told):
    run = augment.run(SEEDS, {**told, "engine": "seedlm"}, chat_model=Told())

    assert run.accepted["text"][0].startswith("told")


def test_labels_that_are_described_do_without_seeds(told):
    labels = {"card": "A card is lost.", "refund": "Money is to come back."}
    run = augment.run(recipe={**told, "labels": labels}, chat_model=Told())

    assert Counter(run.accepted["label"]) == {"card": 2, "refund": 2}


def test_texts_without_labels_are_given_theirs(served):
    _, recipe = served
    del recipe["per_label"]
    texts = pd.DataFrame({"text": ["the kettle of ours rang", "a ticket near the river stopped"]})
    run = augment.run(SEEDS, {**recipe, "filters": UNCHECKED}, unlabelled=texts)

    assert sorted(run.accepted["text"]) == sorted(texts["text"])
    assert set(run.accepted["label"]) <= FULL.keys()


def test_no_row_of_the_holdout_is_accepted_again(recipe, tmp_path):
    before = augment.run(SEEDS, recipe).accepted
    again = augment.run(SEEDS, {**recipe, "out": tmp_path / "again"}, holdout=before)

    assert not set(before["text"]) & set(again.accepted["text"])
    assert "leak" in again.rejected["filter"]


def test_a_recipe_may_be_a_path_a_mapping_or_a_recipe(recipe, tmp_path):
    file = tmp_path / "recipe.yaml"
    dashed = {name.replace("_", "-"): value for name, value in recipe.items()}
    file.write_text(yaml.safe_dump(dashed), "utf-8")
    kinds = [file, str(file), recipe, dashed, augment.Recipe(**recipe)]
    found = [augment.runs.recipe_of(kind, chat_model=None) for kind in kinds]

    assert found == [augment.Recipe(**recipe)] * 5
    assert found[0].per_label == 2


@settings(max_examples=50)
@given(
    values=st.fixed_dictionaries(
        {},
        optional={
            "per_label": st.integers(1, 9),
            "random_seed": st.integers(0, 9),
            "sampling": st.fixed_dictionaries({}, optional={"top_p": st.floats(0.1, 1)}),
            "labels": st.just({"a": None, "b": "what it means"}),
            "strategies": st.just({"fewshot": 1.0}),
            "filters": st.just({"without": ["length"], "near_duplicate": 0.5}),
            "glossary": st.just({"RMA": "a number"}),
            "attributes": st.just({"length": ["short", "long"]}),
        },
    )
)
def test_every_recipe_is_itself_whether_mapping_or_recipe(values):
    recipe = augment.Recipe(**values)

    assert augment.runs.recipe_of(recipe, chat_model=None) == recipe
    assert augment.runs.recipe_of(values, chat_model=None) == recipe


def test_a_recipe_that_is_a_path_runs(recipe, tmp_path):
    file = tmp_path / "recipe.yaml"
    file.write_text(yaml.safe_dump(recipe), "utf-8")

    assert augment.run(SEEDS, file).finish == "done"


@pytest.mark.parametrize("hostile", [3, ["per_label"], b"recipe.yaml", {"per_label"}])
def test_a_recipe_of_another_kind_is_refused(hostile):
    with pytest.raises(augment.InputError) as found:
        augment.run(SEEDS, hostile)

    assert str(found.value) == (
        f"recipe: must be a path, a mapping or a Recipe, and is {hostile!r}"
    )


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (
            {"per_lable": 2},
            "recipe: unknown key 'per-lable' (did you mean 'per-label'?); allowed are",
        ),
        ({3: 2}, "recipe: unknown key '3'; allowed are"),
        ({"per_label": "many"}, "recipe, per-label: Input should be a valid integer"),
        ({"out": 3}, "recipe, out: "),
        ({"labels": 3}, "recipe, labels: "),
        ({"per_label": 2, "total": 2}, "--per-label and --total exclude each other"),
        ({"sampling": {"top_p": 2}}, "recipe, sampling.top-p: "),
    ],
)
def test_a_fault_in_a_mapping_is_said_with_its_place(wrong, message):
    with pytest.raises(augment.InputError) as found:
        augment.run(SEEDS, wrong)

    assert message in str(found.value)


@pytest.mark.parametrize("name", ["seeds", "unlabelled", "holdout"])
def test_rows_of_another_kind_are_refused_by_their_name(name, recipe):
    rows = {"seeds": SEEDS, name: 3}
    with pytest.raises(augment.InputError, match=rf"^{name}: must be a path, a DataFrame,"):
        augment.run(recipe=recipe, **rows)


def test_a_chat_model_of_another_kind_is_refused(recipe):
    with pytest.raises(augment.InputError, match=r"^chat_model: must be a LangChain chat model"):
        augment.run(SEEDS, recipe, chat_model="openai:gpt")  # pyright: ignore[reportArgumentType]


def test_neither_seeds_nor_labels_are_refused(recipe):
    with pytest.raises(augment.InputError, match=r"^SEEDS: without seeds there must be a recipe"):
        augment.run(recipe=recipe)


def test_a_refusal_writes_nothing(recipe, tmp_path):
    with pytest.raises(augment.InputError, match="seeds, row 16: column 'text' is empty"):
        augment.run([*SEEDS, {"label": "alpha"}], recipe)

    assert list(tmp_path.iterdir()) == []


# What it gives -----------------------------------------------------------------------------------


def test_accepted_and_rejected_are_the_rows_of_the_folder(recipe):
    run = augment.run(SEEDS, recipe)
    left = left_in(run.out)

    assert isinstance(run.accepted, Dataset)
    assert run.accepted.to_list() == left.accepted
    assert run.rejected.to_list() == left.rejected
    assert left.rejected, "or else nothing was held against it"


def test_rows_have_the_types_of_the_card(recipe):
    run = augment.run(SEEDS, recipe)

    assert run.accepted.features == ACCEPTED
    assert run.rejected.features == REJECTED
    assert list(run.accepted.to_pandas()) == list(ACCEPTED)


def test_no_accepted_rows_have_the_same_types(told):
    run = augment.run(SEEDS, {**told, "max_requests": 3}, chat_model=Told(junk="{}"))

    assert (len(run.accepted), len(run.rejected)) == (0, 3)
    assert run.accepted.features == ACCEPTED
    assert list(run.accepted.to_pandas()) == list(ACCEPTED)


def test_no_rejected_rows_have_the_same_types(told):
    run = augment.run(SEEDS, {**told, "concurrency": 1}, chat_model=Told())

    assert len(run.rejected) == 0
    assert run.rejected.features == REJECTED


@pytest.mark.parametrize(("junk", "count"), [("{}", 0), ("", 2)])
def test_labels_in_lists_stay_lists_whether_there_are_rows_or_none(told, junk, count):
    seeds = [{**row, "label": [row["label"], "any"]} for row in SEEDS]
    recipe = {**told, "per_label": None, "total": 2, "max_requests": 4}
    run = augment.run(seeds, recipe, chat_model=Told(junk=junk))

    assert len(run.accepted) == count
    assert run.accepted.features == {**ACCEPTED, "label": List(Value("string"))}
    assert run.rejected.features == {**REJECTED, "label": List(Value("string"))}


def test_second_texts_are_a_column_also_without_rows(told):
    seeds = [{**row, "text_pair": f"then {row['text']}"} for row in SEEDS]
    run = augment.run(seeds, {**told, "max_requests": 2}, chat_model=Told(junk="{}"))

    assert run.accepted.features == {**ACCEPTED, "text_pair": Value("string")}


def test_attributes_are_columns_of_the_provenance_also_without_rows(told):
    recipe = {**told, "attributes": {"length": ["short", "long"]}, "max_requests": 2}
    run = augment.run(SEEDS, recipe, chat_model=Told(junk="{}"))

    assert run.accepted.features["provenance"]["attributes"] == {"length": Value("string")}


def test_a_row_is_whole_whatever_characters_it_holds(openai_server, tmp_path):
    text = "a\u2028b\x85c\rd \U0001f389"
    server = openai_server(hostile=[text])
    recipe = {
        "endpoint": server.url, "encoder": "ngram", "total": 1, "out": tmp_path / "out",
        "filters": {"without": [*UNCHECKED["without"], "leak"]},
    }  # fmt: skip
    run = augment.run(SEEDS, recipe)

    assert run.accepted["text"][:] == [text]


def test_the_report_is_that_of_the_folder_and_its_counts_add_up(recipe):
    run = augment.run(SEEDS, recipe)
    counts = run.report["counts"]

    assert run.report == left_in(run.out).report
    assert (counts["wanted"], counts["accepted"]) == (6, 6)
    assert counts["candidates"] + counts["none"] == counts["accepted"] + len(run.rejected)
    assert run.report["run"]["ending"] == "done"


def test_what_was_noticed_is_told(recipe):
    run = augment.run([*SEEDS, SEEDS[0]], recipe)

    assert run.warnings == ("repeated texts, kept once: 1 (row 16)",)


def test_a_run_cannot_be_altered(recipe):
    run = augment.run(SEEDS, recipe)

    with pytest.raises(dataclasses.FrozenInstanceError):
        run.finish = "gone"  # pyright: ignore[reportAttributeAccessIssue]


# Going on ----------------------------------------------------------------------------------------


def test_the_same_again_costs_nothing_and_gives_the_same(served):
    server, recipe = served
    before = augment.run(SEEDS, recipe)
    rows, asked = before.accepted[:], server.stats()["requests"]
    again = augment.run(pd.DataFrame(SEEDS), recipe)

    assert again == before
    assert again.accepted[:] == rows
    assert server.stats()["requests"] == asked >= 6


def test_a_larger_quota_goes_on_where_it_stopped(served):
    _, recipe = served
    before = augment.run(SEEDS, recipe).accepted[:]["id"]
    after = augment.run(SEEDS, {**recipe, "per_label": 3}).accepted

    assert after[:]["id"][: len(before)] == before
    assert set(Counter(after["label"]).values()) == {3}


def test_other_seeds_are_refused(recipe):
    augment.run(SEEDS, recipe)

    with pytest.raises(augment.InputError, match="holds another run"):
        augment.run(SEEDS[1:], recipe)


def test_a_budget_that_ends_first_is_told_and_what_was_made_is_kept(served):
    _, recipe = served
    run = augment.run(SEEDS, {**recipe, "max_requests": 3, "filters": UNCHECKED})

    assert run.finish == "budget"
    assert "3" in run.detail
    assert len(run.accepted) == run.report["counts"]["accepted"] == 3


def test_a_larger_budget_ends_what_a_small_one_began(served):
    _, recipe = served
    augment.run(SEEDS, {**recipe, "max_requests": 3})
    run = augment.run(SEEDS, {**recipe, "max_requests": 100})

    assert run.finish == "done"
    assert Counter(run.accepted["label"]) == FULL


# Ctrl-C ------------------------------------------------------------------------------------------

CALLED = {
    "plainly": "work()",
    "in asyncio.run": """
        async def main():
            work()

        asyncio.run(main())
        """,
    "in a notebook's loop": """
        async def main():
            work()

        asyncio.new_event_loop().run_until_complete(main())
        """,
}
SCRIPT = """
import asyncio, json, sys, augment

def work():
    seeds, recipe = json.loads(sys.argv[1])
    augment.run(seeds, recipe)
    print("went on", flush=True)

try:
{called}
except KeyboardInterrupt:
    print("stopped", flush=True)
"""


def script(called: str) -> str:
    return SCRIPT.format(called=textwrap.indent(textwrap.dedent(CALLED[called]).strip(), "    "))


@pytest.mark.parametrize("called", CALLED)
def test_ctrl_c_stops_the_run_at_once_and_keeps_what_it_has(called, served, tmp_path):
    server, recipe = served
    server.control(latency_ms=100)
    recipe |= {"per_label": 200, "concurrency": 2, "filters": UNCHECKED}  # some thirty seconds
    command = [sys.executable, "-c", script(called), json.dumps([SEEDS, recipe])]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            until(lambda: server.stats()["requests"] >= 6)
            process.send_signal(signal.SIGINT)
            signalled = time.monotonic()
            out, _ = process.communicate(timeout=LONGEST_S)
            took_s = time.monotonic() - signalled
        finally:
            process.kill()

    assert (out, process.returncode) == ("stopped\n", 0)
    assert took_s < 10
    left = left_in(tmp_path / "out")
    assert left.report["run"]["ending"] == "interrupted"
    assert 0 < len(left.accepted) < 120
