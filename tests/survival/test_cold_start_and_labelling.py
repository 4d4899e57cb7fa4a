"""Runs that begin without seeds, texts that are given labels, and attributes that are drawn."""

from __future__ import annotations

import itertools
import json
from collections import Counter

import pytest
from augment_command import (
    STORM,
    Left,
    digests,
    here,
    killed,
    left_in,
    rows_in,
    seed_rows,
    started,
    until,
)
from augment_command import seeds_file as write_seeds
from openai_answers import sentence

DESCRIBED = {"alpha": "about lamps", "beta": "about rivers", "gamma": "about pianos"}
TEXTS = [
    f"{label} {sentence(b'texts', str(number))}"
    for number, label in zip(range(100), itertools.cycle(DESCRIBED), strict=False)
]
ROW = r"<row>\nText: (.*?)\n</row>"
"""Where a prompt shows the text that is to be labelled."""


def left(out):
    """Read a folder whose rows say more of their making than `left_in` allows."""
    accepted, rejected = rows_in(out / "accepted.jsonl"), rows_in(out / "rejected.jsonl")
    report = json.loads((out / "report.json").read_text("utf-8"))
    ids = [row["id"] for row in accepted + rejected]
    assert len(set(ids)) == len(ids), "an id stands on two rows"
    assert report["counts"]["accepted"] == len(accepted)
    assert report["counts"]["rejected"] == len(rejected)
    return Left(accepted, rejected, report)


def texts_file(folder, texts, name="texts.jsonl"):
    path = folder / name
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts), "utf-8")
    return path


@pytest.fixture
def recipe(tmp_path):
    """Write a recipe and return its path."""

    def write(**values):
        path = tmp_path / "recipe.yaml"
        path.write_text(json.dumps(values), "utf-8")
        return path

    return write


# Without seeds -----------------------------------------------------------------------------------


def test_labels_that_are_described_do_without_seeds(openai_server, recipe, tmp_path):
    server, out = openai_server(junk=0.1, error_500=0.1, wrong_label=0.05), tmp_path / "out"
    ended = here(
        "run", "--recipe", recipe(labels=DESCRIBED), "--endpoint", server.url, "--out", out,
        "--per-label", 8,
    )  # fmt: skip
    found = left_in(out)
    made = [row["provenance"] for row in found.accepted + found.rejected]

    assert ended.code == 0, ended.err
    assert found.per_label() == dict.fromkeys(DESCRIBED, 8)
    assert {(each["strategy"], *each["seed_ids"]) for each in made} == {("zeroshot",)}
    assert {each["template"] for each in made} == {"classification/zeroshot"}


def test_without_seeds_what_needs_them_abstains_and_the_report_says_so(
    openai_server, recipe, tmp_path
):
    ended = here(
        "run", "--recipe", recipe(labels=DESCRIBED), "--endpoint", openai_server().url,
        "--out", tmp_path / "out", "--per-label", 5,
    )  # fmt: skip
    report = left_in(tmp_path / "out").report
    said = "length, language, label agreement, similarity and shortcuts were not judged"
    judged = {each["filter"]: each["passed"] + each["rejected"] for each in report["funnel"]}

    assert f"warning: there are no seeds: {said}" in " ".join(ended.out.split())
    assert said in json.dumps(report["notices"])
    assert said in (tmp_path / "out" / "report.html").read_text("utf-8")
    assert {each["filter"]: each["reason"] for each in report["abstentions"]} == {
        "length": "too_few_seeds", "agreement": "too_few_seeds", "similarity": "no_seeds",
        "toxicity": "no_encoder", "leak": "no_holdout", "language": "no_seeds",
        "shortcuts": "no_seeds",
    }  # fmt: skip
    assert [judged[name] for name in ("length", "agreement", "similarity")] == [0, 0, 0]
    assert judged["form"] == judged["near_duplicate"] == 15


def test_a_label_without_seeds_is_served_by_its_description_and_the_others_by_seeds(
    openai_server, recipe, tmp_path
):
    seeds = write_seeds(tmp_path, seed_rows(("alpha", "beta")))
    ended = here(
        "run", seeds, "--recipe", recipe(labels=DESCRIBED), "--endpoint", openai_server().url,
        "--out", tmp_path / "out", "--per-label", 6,
    )  # fmt: skip
    found = left_in(tmp_path / "out")
    ways = {(row["label"] == "gamma", row["provenance"]["strategy"]) for row in found.accepted}

    assert ended.code == 0, ended.err
    assert found.per_label() == dict.fromkeys(DESCRIBED, 6)
    assert {way for bare, way in ways if bare} == {"zeroshot"}
    assert {way for bare, way in ways if not bare} <= {"fewshot", "paraphrase"}


def test_without_seeds_or_descriptions_nothing_is_begun(recipe, tmp_path):
    ended = here("run", "--recipe", recipe(labels=["alpha", "beta"]), "--out", tmp_path / "out")

    assert ended.code == 2
    assert "labels: 'beta' has no description: no seed shows it" in ended.err
    assert not (tmp_path / "out").exists()


# Texts that are given labels ---------------------------------------------------------------------


@pytest.fixture
def label(tmp_path):
    """Have texts labelled by a server; return how the command ended."""
    seeds = write_seeds(tmp_path)

    def run(server, texts, *more):
        file = texts_file(tmp_path, texts)
        server.control(row_pattern=ROW)
        return here(
            "run", seeds, "--unlabelled", file, "--endpoint", server.url, "--out",
            tmp_path / "out", *more,
        )  # fmt: skip

    return run


def test_in_a_storm_each_text_is_asked_about_once_and_stands_on_one_row(
    label, openai_server, tmp_path
):
    server = openai_server(**STORM)
    ended = label(server, TEXTS, "--timeout-s", "0.4")
    found, stats = left(tmp_path / "out"), server.stats()

    assert ended.code == 3
    assert Counter(row["text"] for row in found.accepted + found.rejected) == Counter(TEXTS)
    assert found.report["counts"]["asks"] == len(TEXTS)
    assert found.reasons()["refused"] == stats["refused_prompts"] > 0
    assert {"error_500", "error_429", "reset", "hang", "junk"} <= stats["counts"].keys()
    assert {"json", "empty"} <= found.reasons().keys()


def test_rows_name_their_text_and_a_probability_where_there_is_a_label(
    label, openai_server, tmp_path
):
    server = openai_server(junk=0.2, wrong_label=0.1)
    ended = label(server, TEXTS)
    found = left(tmp_path / "out")

    assert ended.code == 0, ended.err
    assert [*server.stats()["answered"].values()] == [1] * len(TEXTS)
    for row in found.accepted + found.rejected:
        made, answered = row["provenance"], row["label"] is not None
        assert made["given"] == f"u{1 + TEXTS.index(row['text'])}"
        assert (made["probability"] is not None) == answered
        assert not answered or 0 < made["probability"] <= 1
        assert made["strategy"] == "annotate"
        assert 0 < len(made["seed_ids"]) <= 5
    assert {row["label"] for row in found.rejected} >= {None}
    assert all(row["text"].startswith(row["label"]) for row in found.accepted)
    assert found.report["labelling"]["with_probability"] == sum(
        row["label"] is not None for row in found.accepted + found.rejected
    )


def test_what_was_refused_is_asked_again_by_the_same_command_and_nothing_else(
    label, openai_server, tmp_path
):
    server = openai_server(refuse_forever=0.1)
    assert label(server, TEXTS).code == 3
    before, calls = left(tmp_path / "out"), server.stats()["requests"]
    refused = {row["text"] for row in before.rejected if row["reason"] == "refused"}
    server.control(refuse_forever=0.0)
    ended = label(server, TEXTS)
    after = left(tmp_path / "out")

    assert ended.code == 0, ended.err
    assert server.stats()["requests"] - calls == len(refused) > 0
    assert after.accepted[: len(before.accepted)] == before.accepted
    assert Counter(
        row["text"] for row in after.accepted + after.rejected if row["label"] is not None
    ) == Counter(TEXTS)


def test_kill_9_and_the_same_command_leave_each_text_on_one_row(openai_server, tmp_path):
    server, out = openai_server(latency_ms=40, row_pattern=ROW, junk=0.1), tmp_path / "out"
    command = [
        "run", write_seeds(tmp_path), "--unlabelled", texts_file(tmp_path, TEXTS), "--endpoint",
        server.url, "--out", out, "--concurrency", 4,
    ]  # fmt: skip
    with started(*command) as process:
        until(lambda: len(server.stats()["answered"]) >= 30)
        killed(process)
    assert not (out / "accepted.jsonl").exists(), "the kill came too late"
    server.control(latency_ms=0)
    ended = here(*command)
    found, answered = left(out), server.stats()["answered"]

    assert ended.code == 0, ended.err
    assert Counter(row["text"] for row in found.accepted + found.rejected) == Counter(TEXTS)
    assert sum(times - 1 for times in answered.values()) <= 4
    assert found.report["run"]["sessions"] == 2


def test_a_server_without_logprobs_labels_all_the_same_but_tells_no_probability(
    label, openai_server, tmp_path
):
    ended = label(openai_server(no_logprobs=True), TEXTS[:20])
    found = left(tmp_path / "out")

    assert ended.code == 0, ended.err
    assert len(found.accepted) == 20
    assert {row["provenance"]["probability"] for row in found.accepted} == {None}
    assert found.report["labelling"]["with_probability"] == 0


def test_rows_below_the_least_probability_are_rejected_with_it(
    label, openai_server, recipe, tmp_path
):
    least = recipe(filters={"least-probability": 0.9})
    ended = label(openai_server(), TEXTS, "--recipe", least)
    found = left(tmp_path / "out")
    unsure = [row for row in found.rejected if row["reason"] == "unsure"]

    assert ended.code == 0, ended.err
    assert min(row["provenance"]["probability"] for row in found.accepted) >= 0.9
    assert {(row["filter"], row["threshold"]) for row in unsure} == {("confidence", 0.9)}
    assert all(row["score"] == row["provenance"]["probability"] < 0.9 for row in unsure)
    assert {row["text"] for row in found.accepted + found.rejected} == {*TEXTS}


def test_another_file_of_texts_is_refused_in_the_same_folder(label, openai_server, tmp_path):
    server = openai_server()
    assert label(server, TEXTS[:9]).code == 0
    before, calls = digests(tmp_path / "out"), server.stats()["requests"]
    ended = label(server, [*TEXTS[:8], TEXTS[9]])

    assert ended.code == 2
    assert "holds another run: choose another --out" in ended.err
    assert "unlabelled: was " in ended.err
    assert digests(tmp_path / "out") == before
    assert server.stats()["requests"] == calls


@pytest.mark.parametrize("quota", ["--per-label", "--total"])
def test_texts_to_be_labelled_go_with_no_quota(label, openai_server, tmp_path, quota):
    ended = label(openai_server(), TEXTS[:3], quota, 3)

    assert ended.code == 2
    assert "--unlabelled goes without per-label and total" in ended.err
    assert not (tmp_path / "out").exists()


def test_texts_of_banking77_get_labels_that_the_report_holds_against_the_seeds(
    corpora, openai_server, tmp_path
):
    folder = corpora / "classification" / "banking77_fewshot"
    rows = rows_in(folder / "test.jsonl")[::50][:60]
    texts, server = texts_file(tmp_path, [row["text"] for row in rows]), openai_server()
    server.control(row_pattern=ROW)
    ended = here(
        "run", folder / "train_5shot.jsonl", "--unlabelled", texts, "--endpoint", server.url,
        "--out", tmp_path / "out",
    )  # fmt: skip
    found = left(tmp_path / "out")
    told = found.report["labelling"]

    assert ended.code == 0, ended.err
    assert Counter(row["text"] for row in found.accepted + found.rejected) == Counter(
        row["text"] for row in rows
    )
    assert all(0 < row["provenance"]["probability"] <= 1 for row in found.accepted + found.rejected)
    assert told["rows"] == told["with_probability"] == 60
    assert 0 < told["agree"] <= told["judged"] <= 60
    assert told["interval"][0] <= told["share"] <= told["interval"][1]
    assert len(told["by_label"]) == 77


# Attributes --------------------------------------------------------------------------------------


def test_the_reports_counts_of_attributes_are_those_of_the_rows_provenance(
    openai_server, recipe, tmp_path
):
    attributes = {
        "tone": ["dry", "warm", "angry"],
        "length": {"alpha": ["short"], "beta": ["long"]},
    }
    ended = here(
        "run", write_seeds(tmp_path), "--recipe", recipe(attributes=attributes), "--endpoint",
        openai_server(junk=0.2, near_copies=0.1).url, "--out", tmp_path / "out", "--per-label", 12,
        "--rows-per-request", 2,
    )  # fmt: skip
    found = left(tmp_path / "out")
    accepted, rejected = (
        [row["provenance"] for row in rows] for rows in (found.accepted, found.rejected)
    )

    assert ended.code == 0, ended.err
    assert {
        (row["label"], row["provenance"]["attributes"]["length"])
        for row in found.accepted
        if row["provenance"]["strategy"] == "fewshot"
    } == {("alpha", "short"), ("beta", "long"), ("gamma", None)}
    assert told(found, "asks") == drawn(
        {made["ask"]: made for made in accepted + rejected}.values()
    )
    assert told(found, "accepted") == drawn(accepted)
    assert told(found, "rejected") == drawn(rejected)
    assert {made["attributes"]["tone"] for made in accepted if made["strategy"] == "fewshot"} == {
        *attributes["tone"]
    }


def drawn(provenances):
    return Counter(
        pair for made in provenances for pair in made["attributes"].items() if pair[1] is not None
    )


def told(found, count):
    return Counter(
        {
            (attribute["name"], each["value"]): each[count]
            for attribute in found.report["attributes"]
            for each in attribute["values"]
        }
    )
