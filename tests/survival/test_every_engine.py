"""Each engine meets its quota on a public corpus: snips_intent, twelve seeds a label."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections import Counter

import pytest
from augment_command import here, left_in, seeds_file, started, until
from tiny_llama import SIZES, TEXTS, trained_tokenizer, write_causal
from transformers import LlamaConfig

SEEDS, ROWS = 12, 3


@pytest.fixture(scope="module")
def snips(corpora):
    """The first twelve rows of each label."""
    taken: Counter[str] = Counter()
    rows = []
    path = corpora / "classification" / "snips_intent" / "train.jsonl"
    for line in path.read_text("utf-8").split("\n")[:-1]:
        row = json.loads(line)
        if taken[row["label"]] < SEEDS:
            taken[row["label"]] += 1
            rows.append(row)
    return rows


@pytest.fixture(scope="module")
def model(snips, tmp_path_factory):
    """A Llama with random weights whose tokens are those of the seeds."""
    config = LlamaConfig(**SIZES | {"max_position_embeddings": 4096})
    texts = (*(row["text"] for row in snips), *TEXTS)
    return write_causal(
        tmp_path_factory.mktemp("model"), config, trained_tokenizer(texts, vocabulary=1500)
    )


def met(out, seeds, *options):
    """Run, and return the rows once every label has its own."""
    ended = here("run", seeds, "--per-label", ROWS, "--out", out, *options)
    assert ended.code == 0, ended.err
    left = left_in(out)
    assert left.per_label() == dict.fromkeys({row["label"] for row in left.accepted}, ROWS)
    assert len(left.accepted) == 7 * ROWS
    return left


def test_the_endpoint_meets_it(snips, openai_server, tmp_path):
    met(tmp_path / "out", seeds_file(tmp_path, snips), "--endpoint", openai_server(junk=0.1).url)


@pytest.mark.parametrize("model", ["bundled", "ngram"])
def test_the_embedded_engine_meets_it(snips, tmp_path, model):
    met(tmp_path / "out", seeds_file(tmp_path, snips), "--engine", "seedlm", "--model", model)


def test_the_bundled_model_goes_on_after_a_kill_9(snips, tmp_path):
    out, seeds = tmp_path / "out", seeds_file(tmp_path, snips)
    command = ["--model", "bundled"]
    with started("run", seeds, "--per-label", ROWS, "--out", out, *command) as process:
        until(lambda: answered(out) > 3)
        process.kill()
        process.wait()
    before = answered(out)
    left = met(out, seeds, *command)

    assert left.report["run"]["sessions"] == 2
    assert answered(out) >= before > 3
    assert len({row["id"] for row in left.accepted}) == len(left.accepted)


def answered(out):
    """Return how many answers the journal holds."""
    path = out / "journal.db"
    if not path.exists():
        return 0
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
        try:
            return db.execute("SELECT count(*) FROM arrivals").fetchone()[0]
        except sqlite3.OperationalError:  # not made yet
            return 0


def test_a_langchain_model_meets_it(snips, openai_server, tmp_path):
    pytest.importorskip("langchain_openai")
    server = openai_server(junk=0.1, error_500=0.2, error_429=0.1)
    recipe = tmp_path / "recipe.yaml"
    options = {"base_url": server.url, "api_key": "kept-out-of-all-files"}
    recipe.write_text(json.dumps({"model-options": options}), "utf-8")
    left = met(
        tmp_path / "out", seeds_file(tmp_path, snips), "--engine", "langchain", "--model",
        "openai:stub", "--recipe", recipe,
    )  # fmt: skip

    assert {row["provenance"]["engine"] for row in left.accepted} == {"langchain"}
    assert left.report["counts"]["calls"] == server.stats()["requests"], "retries were doubled"
    for path in (tmp_path / "out").iterdir():
        assert b"kept-out-of-all-files" not in path.read_bytes(), path.name


def test_a_model_in_process_meets_it_and_every_whole_answer_is_in_its_schema(
    snips, model, tmp_path
):
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("sampling: {max-tokens: 200}\n", "utf-8")
    left = met(
        tmp_path / "out", seeds_file(tmp_path, snips), "--engine", "transformers", "--model",
        model, "--concurrency", 16, "--recipe", recipe,
    )  # fmt: skip

    assert {row["provenance"]["engine"] for row in left.accepted} == {"transformers"}
    assert not {"json", "schema", "empty", "label"} & {
        row["reason"] for row in left.rejected if row["filter"] == "schema"
    }
    assert left.report["tokens"]["completion"] > 0
