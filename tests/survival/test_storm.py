"""A server that refuses, fails, hangs and talks nonsense: every quota is met all the same."""

from __future__ import annotations

import itertools
import json
from collections import Counter

import pytest
from augment_command import SOAK, STORM, here, left_in, rows_in, seeds_file

PER_LABEL = 50 if SOAK else 3


def storm(openai_server, seeds, out, *options):
    """Run through the storm and return what is left, the server's counts beside it."""
    server = openai_server(**STORM)
    ended = here(
        "run", seeds, "--endpoint", server.url, "--timeout-s", "0.4", "--out", out, *options
    )
    assert ended.code == 0, ended.err
    assert "Done: every quota is full." in ended.out
    left, stats = left_in(out), server.stats()
    assert {"error_500", "error_429", "reset", "hang", "junk"} <= stats["counts"].keys()
    assert left.reasons()["refused"] == stats["refused_prompts"]
    assert {row["filter"] for row in left.rejected if row["reason"] == "refused"} <= {"engine"}
    assert left.report["counts"]["asks"] == len(stats["answered"]) + stats["refused_prompts"] + (
        left.reasons()["server_error"] + left.reasons()["unreadable"]
    )
    return left


def goemotions_cut(path):
    """The first ten rows of each label, as a row of several labels counts for each of them."""
    taken: Counter[str] = Counter()
    for line in path.read_text("utf-8").split("\n")[:-1]:
        row = json.loads(line)
        if any(taken[label] < 10 for label in row["label"]):
            taken.update(row["label"])
            yield row


@pytest.fixture
def classification(corpora):
    return corpora / "classification"


def test_each_of_77_labels_gets_exactly_its_rows(classification, openai_server, tmp_path):
    seeds = classification / "banking77_fewshot" / "train_5shot.jsonl"
    labels = {row["label"] for row in rows_in(seeds)}
    left = storm(openai_server, seeds, tmp_path / "out", "--per-label", PER_LABEL)

    assert len(labels) == 77
    assert left.per_label() == dict.fromkeys(labels, PER_LABEL)
    assert left.reasons()["refused"] > 0
    assert {"json", "empty", "label"} <= left.reasons().keys()


def test_several_labels_a_row_get_at_least_their_rows(classification, openai_server, tmp_path):
    rows = list(goemotions_cut(classification / "goemotions" / "train.jsonl"))
    seeds = seeds_file(tmp_path, rows)
    left = storm(openai_server, seeds, tmp_path / "out", "--per-label", 4)
    counts = left.per_label()

    assert len(counts) == 28
    assert min(counts.values()) >= 4
    assert len(left.accepted) < 28 * 4  # rows carry several
    seen = {frozenset(row["label"]) for row in rows}
    assert {frozenset(row["label"]) for row in left.accepted} <= seen


def test_german_tweets_get_exactly_their_rows(classification, openai_server, tmp_path):
    lines = (classification / "germeval2018_de" / "train.jsonl").open(
        encoding="utf-8", newline="\n"
    )
    with lines:
        seeds = seeds_file(tmp_path, map(json.loads, itertools.islice(lines, 300)))
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("filters: {without: [language]}")  # the server's words are no German
    left = storm(openai_server, seeds, tmp_path / "out", "--per-label", 60, "--recipe", recipe)

    assert left.per_label() == {"OTHER": 60, "OFFENSE": 60}
