"""Several rows an answer, pairs of texts, labels that only the recipe knows, other engines."""

from __future__ import annotations

import asyncio
import json
from collections import Counter

import pytest
from augment_command import here, left_in, seed_rows, seeds_file

from augment import app, recipe
from augment.setting import Inputs


def test_four_rows_an_answer_still_make_exact_quotas(openai_server, tmp_path):
    server, out = openai_server(junk=0.1, refuse_forever=0.05, finish_length=0.1), tmp_path / "out"
    result = here(
        "run", seeds_file(tmp_path), "--endpoint", server.url, "--out", out, "--per-label", 21,
        "--rows-per-request", 4,
    )  # fmt: skip
    left = left_in(out)
    answers = Counter(row["id"].split("-")[0] for row in left.accepted + left.rejected)

    assert result.code == 0
    assert left.per_label() == {"alpha": 21, "beta": 21, "gamma": 21}
    assert set(answers.values()) <= {1, 4}  # an answer that cannot be read is one rejected row
    assert left.reasons()["quota"] > 0
    assert left.report["counts"]["asks"] == len(answers)


def test_pairs_of_texts_come_out_as_pairs(openai_server, tmp_path):
    rows = [
        {**row, "text_pair": f"so {row['text'][4:]} as they said"}
        for row in seed_rows(("same", "opposite"))
    ]
    server, out = openai_server(junk=0.1, null_content=0.1), tmp_path / "out"
    result = here(
        "run", seeds_file(tmp_path, rows), "--endpoint", server.url, "--out", out, "--per-label", 9
    )
    left = left_in(out)

    assert result.code == 0
    assert left.per_label() == {"same": 9, "opposite": 9}
    assert all(row["text_pair"] and row["text_pair"] != row["text"] for row in left.accepted)
    assert all("text_pair" in row for row in left.rejected)


def test_a_label_that_only_the_recipe_knows_is_described_and_filled(openai_server, tmp_path):
    labels = {"alpha": "the first", "beta": None, "gamma": "", "delta": "what no seed says"}
    path = tmp_path / "recipe.yaml"
    path.write_text(json.dumps({"labels": labels}), "utf-8")
    server, out = openai_server(), tmp_path / "out"
    given = [seeds_file(tmp_path), "--recipe", path, "--per-label", 6]
    shown = here("prompts", "render", "zeroshot", *given, "--label", "delta")
    result = here("run", *given, "--endpoint", server.url, "--out", out)
    left = left_in(out)

    assert shown.out.count("- delta: what no seed says\n") == 2  # in the list, and as wanted
    assert "- alpha: the first\n" in shown.out
    assert "- beta\n" in shown.out
    assert result.code == 0
    assert "labels without a seed: 1 ('delta')" in result.out
    assert left.per_label() == dict.fromkeys(labels, 6)
    delta = [row for row in left.accepted if row["label"] == "delta"]
    assert all(row["provenance"]["seed_ids"] == [] for row in delta)


def test_a_label_outside_the_recipes_list_is_a_fault_of_the_seeds(tmp_path):
    path = tmp_path / "recipe.yaml"
    path.write_text(json.dumps({"labels": ["alpha", "beta"]}), "utf-8")
    result = here("run", seeds_file(tmp_path), "--recipe", path, "--out", tmp_path / "out")

    assert result.code == 2
    assert result.err.count("'gamma'") == 5
    assert "seeds.jsonl, line 11" in result.err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("reasoning", ["think", "field"])
def test_a_model_that_thinks_aloud_is_heard_without_its_thoughts(
    openai_server, tmp_path, reasoning
):
    server, out = openai_server(reasoning=reasoning), tmp_path / "out"
    result = here(
        "run", seeds_file(tmp_path), "--endpoint", server.url, "--out", out, "--per-label", 5
    )
    left = left_in(out)

    assert result.code == 0
    assert len(left.accepted) == 15
    assert "think" not in (out / "accepted.jsonl").read_text("utf-8")
    assert left.report["tokens"]["reasoning_characters"] > 0


def test_a_server_without_guided_decoding_or_system_role_fills_the_quota(openai_server, tmp_path):
    server = openai_server(
        no_guided="reject", no_system=True, label_pattern=r"- (alpha|beta|gamma)\n\nAnswer"
    )
    out = tmp_path / "out"
    result = here(
        "run", seeds_file(tmp_path), "--endpoint", server.url, "--out", out, "--per-label", 10
    )

    assert result.code == 0, result.err
    assert left_in(out).per_label() == {"alpha": 10, "beta": 10, "gamma": 10}


def test_the_embedded_engine_makes_the_same_rows_from_the_same_seeds(tmp_path):
    rows = seed_rows(each=30)
    seeds = seeds_file(tmp_path, rows)
    made = []
    for name in ("one", "two"):
        out = tmp_path / name
        result = here("run", seeds, "--per-label", 4, "--out", out, "--concurrency", 1)
        made.append([(row["text"], row["label"]) for row in left_in(out).accepted])
        assert result.code == 0, result.out

    assert made[0] == made[1]
    assert not {text for text, _ in made[0]} & {row["text"] for row in rows}


async def test_the_function_run_tells_its_watcher_how_far_it_is(openai_server, tmp_path):
    seen = []
    server = openai_server(latency_ms=50)
    chosen = recipe.load(
        None,
        options={
            "endpoint": server.url, "per_label": 20, "concurrency": 4, "out": tmp_path / "out",
            "encoder": "ngram",
        },
    )  # fmt: skip
    outcome = await app.run(Inputs(seeds=seeds_file(tmp_path)), chosen, watch=seen.append)

    assert (outcome.finish, outcome.exit_code, outcome.out) == ("done", 0, tmp_path / "out")
    accepted = [progress.accepted for progress in seen]
    assert accepted == sorted(accepted)
    assert 0 < accepted[0] < accepted[-1] == 60
    assert seen[-1].filled == seen[-1].wanted == {"alpha": 20, "beta": 20, "gamma": 20}
    assert seen[-1].tokens > 0


async def test_the_function_run_ends_in_good_order_when_it_is_cancelled(openai_server, tmp_path):
    server = openai_server(latency_ms=50)
    chosen = recipe.load(
        None, options={"endpoint": server.url, "out": tmp_path / "out", "encoder": "ngram"}
    )
    task = asyncio.create_task(app.run(Inputs(seeds=seeds_file(tmp_path)), chosen))
    while server.stats()["requests"] < 70 and not task.done():
        await asyncio.sleep(0.02)
    task.cancel()
    outcome = await task

    assert (outcome.finish, outcome.exit_code) == ("interrupted", 130)
    assert len(left_in(tmp_path / "out").accepted) == outcome.progress.accepted > 0
