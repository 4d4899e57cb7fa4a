"""`augment seeds` has rows proposed from labels that are described, for a run to start from."""

from __future__ import annotations

import csv
import json
from collections import Counter

import pytest
from augment_command import here, left_in

LABELS = {"beta": "about rivers", "alpha": 'about lamps, and "kettles"', "a, 'c'": "about pianos"}


@pytest.fixture
def recipe(tmp_path):
    """Write a recipe and return its path."""

    def write(labels=LABELS, **more):
        path = tmp_path / "recipe.yaml"
        path.write_text(json.dumps({"labels": labels, "encoder": "ngram", **more}), "utf-8")
        return path

    return write


@pytest.fixture
def propose(tmp_path, recipe):
    """Have seeds written to seeds.csv."""

    def run(server, *more, **changes):
        return here(
            "seeds", tmp_path / "seeds.csv", "--recipe", recipe(**changes), "--endpoint",
            server.url, "--out", tmp_path / "proposed", *more,
        )  # fmt: skip

    return run


@pytest.fixture
def started_from(tmp_path, openai_server):
    """Run with seeds.csv and the recipe, and return what is left."""

    def run():
        ended = here(
            "run", tmp_path / "seeds.csv", "--recipe", tmp_path / "recipe.yaml", "--per-label", 4,
            "--endpoint", openai_server().url, "--out", tmp_path / "out",
        )  # fmt: skip
        assert ended.code == 0, ended.err
        return left_in(tmp_path / "out")

    return run


def rows_in(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, strict=True))


def test_five_accepted_rows_of_each_label_are_written_label_by_label(
    propose, openai_server, tmp_path
):
    ended = propose(openai_server(junk=0.2))
    file = tmp_path / "seeds.csv"
    rows = rows_in(file)

    assert ended.code == 0, ended.err
    assert [row["label"] for row in rows] == sorted([*LABELS] * 5)
    assert len({row["text"] for row in rows}) == 15
    assert {(row["text"], row["label"]) for row in rows} == {
        (row["text"], row["label"]) for row in left_in(tmp_path / "proposed").accepted
    }
    assert f"15 rows written to {file}: no person has read them yet." in ended.out
    assert f"augment run {file} --recipe " in ended.out


def test_a_run_takes_the_file_as_its_seeds(propose, openai_server, started_from):
    propose(openai_server())
    left = started_from()

    assert left.per_label() == dict.fromkeys(LABELS, 4)
    assert left.report["seeds"]["rows"] == 15
    assert {row["provenance"]["strategy"] for row in left.accepted} <= {"fewshot", "paraphrase"}
    assert "there are no seeds" not in json.dumps(left.report["notices"])


@pytest.mark.parametrize(
    "strange", [", \"so\" to say; 'so'", "\nin two lines", "\ra return", ' \\n "', "日本語 🎉"]
)
def test_a_strange_text_comes_back_as_a_seed_just_as_it_was_accepted(
    propose, openai_server, started_from, tmp_path, strange
):
    texts = ("=1+1 lamps broke today", "my kettle is cold", "where has our ticket gone")
    propose(openai_server(hostile=[text + strange for text in texts]), "--per-label", 1)
    accepted = {row["text"] for row in left_in(tmp_path / "proposed").accepted}

    assert len(accepted) == 3
    assert {row["text"] for row in rows_in(tmp_path / "seeds.csv")} == accepted
    started_from()


def test_a_total_takes_the_place_of_five_a_label(propose, openai_server, tmp_path):
    ended = propose(openai_server(), "--total", 7)

    assert ended.code == 0, ended.err
    counts = Counter(row["label"] for row in rows_in(tmp_path / "seeds.csv"))
    assert sorted(counts.values()) == [2, 2, 3]


@pytest.mark.parametrize("quota", ["per-label", "total"])
def test_the_recipes_quota_is_the_runs_and_not_that_of_its_seeds(
    propose, openai_server, tmp_path, quota
):
    ended = propose(openai_server(), **{quota: 40})

    assert ended.code == 0, ended.err
    assert len(rows_in(tmp_path / "seeds.csv")) == 15


def test_the_recipes_folder_is_left_to_the_run(openai_server, recipe, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    given = ["seeds.csv", "--recipe", recipe(out="mine"), "--endpoint", openai_server().url]
    codes = [here("seeds", *given).code, here("run", *given, "--per-label", 2).code]

    assert codes == [0, 0]
    assert left_in(tmp_path / "mine").report["seeds"]["rows"] == 15


def test_the_columns_have_the_names_that_the_recipe_gives_them(
    propose, openai_server, started_from, tmp_path
):
    propose(openai_server(), **{"text-field": "utterance", "label-field": "intent"})

    assert rows_in(tmp_path / "seeds.csv")[0].keys() == {"utterance", "intent"}
    started_from()


def test_a_file_that_is_there_is_left_alone_and_nobody_is_asked(propose, openai_server, tmp_path):
    server, file = openai_server(), tmp_path / "seeds.csv"
    file.write_text("mine", "utf-8")
    ended = propose(server)

    assert ended.code == 2
    assert ended.err == f"error: {file}: is there already; it may hold your edits\n"
    assert file.read_text("utf-8") == "mine"
    assert server.stats()["requests"] == 0


def test_a_file_that_cannot_be_written_is_said_before_anybody_is_asked(
    openai_server, recipe, tmp_path
):
    server = openai_server()
    ended = here(
        "seeds", tmp_path / "no" / "folder" / "seeds.csv", "--recipe", recipe(), "--endpoint",
        server.url, "--out", tmp_path / "proposed",
    )  # fmt: skip

    assert (ended.code, server.stats()["requests"]) in {(0, 15), (2, 0)}


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (
            {"alpha": "about lamps", "beta": None, "gamma": ""},
            "labels: 'beta' has no description: no seed shows it\n"
            "  labels: 'gamma' has no description: no seed shows it\n",
        ),
        (["alpha", "beta"], "labels: 'alpha' has no description: no seed shows it\n"),
        ({"alpha": "about lamps"}, "a recipe that names two labels or more under `labels`"),
        (None, "a recipe that names two labels or more under `labels`"),
    ],
)
def test_labels_that_nothing_describes_are_named_and_nobody_is_asked(
    propose, openai_server, tmp_path, labels, said
):
    server = openai_server()
    ended = propose(server, labels=labels)

    assert ended.code == 2
    assert said in ended.err
    assert server.stats()["requests"] == 0
    assert not (tmp_path / "seeds.csv").exists()
    assert not (tmp_path / "proposed").exists()


def test_the_embedded_engine_has_nothing_to_propose(recipe, tmp_path):
    ended = here("seeds", tmp_path / "seeds.csv", "--recipe", recipe(), "--out", tmp_path / "out")

    assert ended.code == 2
    assert "seedlm learns from seeds; without them name an engine, such as --endpoint" in ended.err


def test_no_file_is_written_short_and_the_same_command_with_a_larger_budget_writes_it(
    propose, openai_server, tmp_path
):
    server, file = openai_server(), tmp_path / "seeds.csv"
    short = propose(server, "--max-requests", 7)
    assert (short.code, file.exists()) == (3, False)
    assert "the same command continues" in short.err
    whole = propose(server, "--max-requests", 30)

    assert whole.code == 0, whole.err
    assert len(rows_in(file)) == server.stats()["requests"] == 15
