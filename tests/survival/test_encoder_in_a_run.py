"""Runs by meaning, with the real encoder: nothing embedded twice, nothing lost when it dies."""

from __future__ import annotations

import csv
import json
import signal
import time
from pathlib import Path

import psutil
import pytest
from augment_command import alone, ended, here, left_in, started, until

EXAMPLES = Path(__file__).parents[2] / "examples"
SEEDS = EXAMPLES / "support_intents.csv"
MINILM = ("--encoder", "minilm")


def encoders_of(pid: int) -> list[psutil.Process]:
    """The encoder's process among the children of a run."""
    try:
        children = psutil.Process(pid).children()
    except psutil.NoSuchProcess:
        return []
    return [child for child in children if "augment.embed.model" in child.cmdline()]


def test_a_resumed_run_embeds_nothing_twice_and_needs_no_encoder_for_what_it_knows(tmp_path):
    command = ["run", SEEDS, "--per-label", 3, "--out", tmp_path / "out", *MINILM]
    first = here(*command)
    kept = left_in(tmp_path / "out")

    assert first.code == 0
    assert "embedded" in first.out
    assert any(line.startswith("similarity: ") for line in first.out.splitlines())
    verdicts = {stage["filter"]: stage for stage in kept.report["funnel"]}
    for name in ("agreement", "similarity"):
        assert verdicts[name]["passed"] >= 18
        assert verdicts[name]["abstained"] == 0

    again = here(*command)
    assert again.code == 0
    assert "embedded" not in again.out
    assert left_in(tmp_path / "out").accepted == kept.accepted


def test_an_encoder_that_dies_ends_the_run_with_a_word_and_the_same_command_goes_on(
    openai_server, tmp_path
):
    seeds = tmp_path / "seeds.jsonl"
    rows = list(csv.DictReader(SEEDS.read_text("utf-8").splitlines()))
    seeds.write_text("".join(json.dumps({**row, "label": "any"}) + "\n" for row in rows), "utf-8")
    server = openai_server(latency_ms=50)
    command = [
        "run", seeds, "--endpoint", server.url, "--total", 100, "--out", tmp_path / "out",
        "--max-requests", 400, *MINILM,
    ]  # fmt: skip
    with started(*command) as process:
        until(lambda: server.stats()["requests"] >= 70)
        [encoder] = encoders_of(process.pid)
        encoder.send_signal(signal.SIGKILL)
        result = ended(process)

    assert result.code == 1
    assert "the encoder's process ended with code -9" in result.err
    assert "the same command continues" in result.err
    assert here(*command).code in {0, 3}  # the server writes what these seeds need not accept
    left = left_in(tmp_path / "out")
    assert left.report["counts"]["asks"] == len(left.accepted) + len(left.rejected)


def test_an_encoder_that_cannot_be_loaded_is_said_before_anything_is_written(tmp_path):
    result = alone("run", SEEDS, "--out", tmp_path / "out", "--encoder", tmp_path)

    assert result.code == 2
    assert f"--encoder {tmp_path}: cannot be loaded as a sentence encoder" in result.err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("encoder", ["./no/such/folder", "no/such/folder", "/nowhere", "~/mine"])
def test_a_path_where_no_encoder_lies_is_refused_at_once(tmp_path, encoder):
    began = time.monotonic()
    result = here("run", SEEDS, "--out", tmp_path / "out", "--encoder", encoder)

    assert result.code == 2
    assert f"--encoder: {encoder!r} is no folder, and cannot be a hub's name" in result.err
    assert time.monotonic() - began < 5, "it was looked for elsewhere"
    assert not (tmp_path / "out").exists()


def test_a_run_that_is_stopped_while_the_encoder_loads_leaves_no_process_behind(tmp_path):
    command = ["run", SEEDS, "--out", tmp_path / "out", *MINILM]
    with started(*command) as process:
        until(lambda: encoders_of(process.pid))
        encoders = encoders_of(process.pid)
        process.send_signal(signal.SIGINT)
        result = ended(process)

    assert result.code == 130
    assert not (tmp_path / "out").exists()
    until(lambda: not any(each.is_running() for each in encoders), within_s=5)


@pytest.mark.parametrize(
    ("language", "why"), [("de", "it cuts a word into"), ("zh", "of the tokens are unknown to it")]
)
def test_rows_in_a_language_that_the_encoder_does_not_know_are_told_by_ngrams(
    tmp_path, language, why
):
    seeds, rows = (EXAMPLES / f"{name}_{language}.csv" for name in ("support_intents", "rows"))
    result = here("check", rows, "--seeds", seeds, "--out", tmp_path / "out", *MINILM)
    left = left_in(tmp_path / "out")

    assert result.code == 0
    assert why in result.out
    assert len(left.accepted) == 4
    assert [(row["filter"], row["reason"]) for row in left.rejected] == [
        ("agreement", "label"), ("copy", "copy_of_seed"),
    ]  # fmt: skip
    abstentions = {(each["filter"], each["reason"]) for each in left.report["abstentions"]}
    assert ("similarity", "unknown_language") in abstentions


def test_a_row_that_says_what_another_says_in_other_words_is_told_when_it_is_asked_for(tmp_path):
    recipe, rows = tmp_path / "recipe.yaml", tmp_path / "rows.csv"
    recipe.write_text("filters: {semantic-duplicate: 0.8, without: [similarity]}", "utf-8")
    texts = (
        "Do you have any idea when my package will get here?",
        "I would like to know when my package will be here",
    )
    rows.write_text(
        "text,label\n" + "".join(f"{text},delivery_status\n" for text in texts), "utf-8"
    )
    command = ["check", rows, "--seeds", SEEDS, "--out", tmp_path / "out", "--recipe", recipe]
    result = here(*command, *MINILM)
    left = left_in(tmp_path / "out")

    assert result.code == 0
    assert [row["text"] for row in left.accepted] == [texts[0]]
    assert [(row["filter"], row["reason"]) for row in left.rejected] == [
        ("semantic_duplicate", "semantic_duplicate")
    ]
    assert left.rejected[0]["score"] >= left.rejected[0]["threshold"] == 0.8
    assert left.rejected[0]["detail"] == f"says what {left.accepted[0]['id']} says"
