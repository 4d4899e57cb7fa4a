"""Prompts longer than the model takes: fewer examples, or a row rejected with that reason."""

from __future__ import annotations

import json

import pytest
from augment_command import digests, here, left_in, rows_in, seed_rows, seeds_file

LONG = " and so on and on" * 60


def long_seeds(tmp_path):
    """Seeds of which those of one label are a thousand characters long."""
    rows = seed_rows()
    for row in rows:
        if row["label"] == "alpha":
            row["text"] += LONG
    return seeds_file(tmp_path, rows)


def recipe(tmp_path, **values):
    path = tmp_path / "recipe.yaml"
    path.write_text(json.dumps({"filters": {"without": ["length", "agreement"]}, **values}))
    return path


def shown(rows, label):
    return {len(row["provenance"]["seed_ids"]) for row in rows if row["label"] == label}


def test_an_ask_too_long_is_asked_again_with_fewer_examples(openai_server, tmp_path):
    server, out = openai_server(max_prompt=4_000), tmp_path / "out"
    command = [
        "run", long_seeds(tmp_path), "--endpoint", server.url, "--out", out, "--per-label", 6,
        "--recipe", recipe(tmp_path, strategies={"fewshot": 1}),
    ]  # fmt: skip
    assert here(*command).code == 0

    left = left_in(out)
    assert left.per_label() == {"alpha": 6, "beta": 6, "gamma": 6}
    assert "prompt_too_long" not in left.reasons()
    assert shown(left.accepted, "alpha") == {2}
    assert shown(left.accepted, "beta") == shown(left.accepted, "gamma") == {5}
    stats = server.stats()
    report = json.loads((out / "report.json").read_text("utf-8"))
    assert report["counts"]["calls"] == stats["requests"]
    assert report["counts"]["asks"] == stats["requests"] - stats["counts"]["max_prompt"]
    keys = [row["provenance"]["request_key"] for row in left.accepted + left.rejected]
    assert len(set(keys)) == len(keys)

    before = digests(out)
    assert here(*command).code == 0
    assert digests(out)["accepted.jsonl"] == before["accepted.jsonl"]
    assert server.stats()["requests"] == stats["requests"]


def test_examples_go_one_and_all_before_a_row_is_given_up(openai_server, tmp_path):
    server, out = openai_server(max_prompt=2_000), tmp_path / "out"
    command = [
        "run", long_seeds(tmp_path), "--endpoint", server.url, "--out", out, "--per-label", 3,
        "--recipe", recipe(tmp_path, strategies={"fewshot": 1}),
    ]  # fmt: skip
    assert here(*command).code == 0
    assert shown(left_in(out).accepted, "alpha") == {0}


def test_what_cannot_be_shortened_is_rejected_with_its_reason(openai_server, tmp_path):
    server, out = openai_server(max_prompt=2_000), tmp_path / "out"
    ended = here(
        "run", long_seeds(tmp_path), "--endpoint", server.url, "--out", out, "--per-label", 3,
        "--recipe", recipe(tmp_path, strategies={"paraphrase": 1}), "--max-requests", 40,
    )  # fmt: skip

    assert ended.code == 3
    left = left_in(out)
    assert left.per_label() == {"beta": 3, "gamma": 3}
    assert left.reasons()["prompt_too_long"] > 3
    details = [r["detail"] for r in left.rejected if r["reason"] == "prompt_too_long"]
    assert all("maximum context length is 2000 tokens" in detail for detail in details)


@pytest.mark.parametrize("limit", [1_150, 400])
def test_a_given_text_is_labelled_with_fewer_examples_or_rejected(openai_server, tmp_path, limit):
    server, out = openai_server(max_prompt=limit), tmp_path / "out"
    texts = tmp_path / "texts.csv"
    texts.write_text("text\n" + "".join(f"row {n} of these\n" for n in range(8)))
    ended = here(
        "run", seeds_file(tmp_path), "--unlabelled", texts, "--endpoint", server.url,
        "--out", out, "--recipe", recipe(tmp_path),
    )  # fmt: skip
    rows = rows_in(out / "accepted.jsonl") + rows_in(out / "rejected.jsonl")
    answered = [row for row in rows if row.get("reason") != "prompt_too_long"]

    assert ended.code in {0, 3}
    assert len(rows) == 8
    assert len(answered) == (8 if limit == 1_150 else 0)
    assert all(len(row["provenance"]["seed_ids"]) < 5 for row in answered)


def test_an_ask_made_shorter_is_one_request_of_the_budget_also_when_the_run_goes_on(
    openai_server, tmp_path
):
    server, out = openai_server(max_prompt=4_000), tmp_path / "out"
    command = [
        "run", long_seeds(tmp_path), "--endpoint", server.url, "--out", out,
        "--recipe", recipe(tmp_path, strategies={"fewshot": 1}), "--per-label", 40,
    ]  # fmt: skip
    for most in (8, 20):
        assert here(*command, "--max-requests", most).code == 3
        asks = json.loads((out / "report.json").read_text("utf-8"))["counts"]["asks"]
        assert asks == most
    assert server.stats()["counts"]["max_prompt"] > 0
