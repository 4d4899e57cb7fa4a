"""Whole runs of the extraction tasks: quotas of mentions, exact offsets, a folder like any."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import datasets
import pytest
from augment_command import here
from openai_answers import sentence

CORPORA = {
    # seeds, of each what to keep; how many mentions of each type
    "crossner_ai/train": (100, 6),
    "wnut17/train": (150, 6),
    "restaurant8k_slots/train_frac64": (128, 6),
    "fewrel_val_wiki/train": (0, 4),
    "phee_pharmacovigilance_events/train": (80, 6),
}
_COUNTED = {"ner": ("entities", "label"), "relations": ("relations", "label")}


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").split("\n") if line]


def seeds_from(path: Path, *, rows: int) -> list[dict[str, Any]]:
    """The first rows, or five of each relation."""
    found = lines(path)
    if rows:
        return found[:rows]
    seen: Counter[str] = Counter()
    kept = []
    for row in found:
        label = row["relations"][0]["label"]
        seen[label] += 1
        kept += [row] if seen[label] <= 5 else []
    return kept


def counted(rows: list[dict[str, Any]], task: str) -> Counter[str]:
    name, key = _COUNTED.get(task, ("events", "type"))
    return Counter(each[key] for row in rows for each in row[name])


def check_offsets(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        for each in row["entities"]:
            assert row["text"][each["start"] : each["end"]] == each["text"]
            assert each["text"] == each["text"].strip() != ""
        places = range(len(row["entities"]))
        for each in row.get("relations", ()):
            assert {each["head"], each["tail"]} <= set(places)
        for each in row.get("events", ()):
            assert {each["trigger"], *(a["entity"] for a in each["arguments"])} <= set(places)


@pytest.mark.parametrize("name", CORPORA)
def test_a_run_from_a_public_corpus_fills_every_type(name, corpora: Path, tmp_path: Path) -> None:
    keep, mentions = CORPORA[name]
    seeds = seeds_from(corpora / "extraction" / f"{name}.jsonl", rows=keep)
    path = tmp_path / "seeds.jsonl"
    path.write_text("".join(f"{json.dumps(row)}\n" for row in seeds), "utf-8")
    out = tmp_path / "out"

    ended = here("run", path, "--per-label", mentions, "--out", out)
    assert (ended.code, ended.err) == (0, "")
    report = json.loads((out / "report.json").read_text("utf-8"))
    accepted, rejected = lines(out / "accepted.jsonl"), lines(out / "rejected.jsonl")
    check_offsets(accepted)
    check_offsets(rejected)
    types = counted(accepted, report["run"]["task"])
    assert all(
        types[cell["cell"]] == cell["accepted"] >= cell["wanted"]
        for cell in report["cells"]
        if not cell["cell"].startswith("(")
    )
    assert report["counts"]["accepted"] == len(accepted)
    assert report["counts"]["rejected"] == len(rejected)
    again = here("run", path, "--per-label", mentions, "--out", out)
    assert (again.code, lines(out / "accepted.jsonl")) == (0, accepted)


STORM = {
    "error_500": 0.1, "error_429": 0.05, "reset": 0.05, "body_junk": 0.03, "refuse_forever": 0.03,
    "junk": 0.1, "null_content": 0.03, "wrong_label": 0.05, "finish_length": 0.03,
}  # fmt: skip


@pytest.mark.parametrize(("name", "form"), [
    *((name, "marks") for name in CORPORA),
    ("fewrel_val_wiki/train", "mentions"), ("phee_pharmacovigilance_events/train", "mentions"),
])  # fmt: skip
def test_a_server_that_misbehaves_leaves_exact_offsets_and_counts_that_add_up(
    name, form, corpora: Path, openai_server, tmp_path: Path
) -> None:
    keep, _ = CORPORA[name]
    seeds = seeds_from(corpora / "extraction" / f"{name}.jsonl", rows=keep)
    path, out = tmp_path / "seeds.jsonl", tmp_path / "out"
    path.write_text("".join(f"{json.dumps(row)}\n" for row in seeds), "utf-8")
    server = openai_server(annotates=True, **STORM)
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("filters: {without: [agreement]}", "utf-8")  # its words mean nothing

    ended = here(
        "run", path, "--recipe", recipe, "--endpoint", server.url, "--encoder", "ngram",
        "--per-label", 1,
        "--answer-form", form, "--max-requests", 400, "--out", out,
    )  # fmt: skip
    assert ended.code == 0, ended.err
    report = json.loads((out / "report.json").read_text("utf-8"))
    accepted, rejected = lines(out / "accepted.jsonl"), lines(out / "rejected.jsonl")
    check_offsets(accepted)
    check_offsets(rejected)
    types = counted(accepted, report["run"]["task"])
    assert all(
        types[cell["cell"]] == cell["accepted"] >= cell["wanted"]
        for cell in report["cells"]
        if not cell["cell"].startswith("(")
    )
    counts = report["counts"]
    assert (counts["accepted"], counts["rejected"]) == (len(accepted), len(rejected))
    assert counts["candidates"] + counts["none"] == len(accepted) + len(rejected)
    assert sum(each["rows"] for each in report["rejections"]) == len(rejected)
    assert server.stats()["counts"]["ok"] < server.stats()["requests"]


SEEDS = [
    {"text": f"{who} went to {where} by {how}", "entities": [
        {"start": 0, "end": len(who), "label": "person"},
        {"start": len(who) + 9, "end": len(who) + 9 + len(where), "label": "city"},
    ]}
    for who, where, how in [
        ("Ada", "Bonn", "train early that morning"), ("Bo", "Kiel", "boat"),
        ("Grace", "New York", "plane once more"), ("Zoë", "Köln", "bus 😀 again"),
    ]
] + [{"text": text, "entities": []} for text in (
    "nobody came to the door at all that night", "nobody knows why the door was open",
    "the door was shut again that night and we slept", "we slept until nobody came back again",
)]  # fmt: skip


def seeds_file(folder: Path) -> Path:
    path = folder / "seeds.jsonl"
    path.write_text("".join(f"{json.dumps(row)}\n" for row in SEEDS), "utf-8")
    return path


@pytest.mark.parametrize("form", ["marks", "mentions"])
def test_so_many_rows_in_total_in_either_form(form, tmp_path: Path) -> None:
    out = tmp_path / "out"
    ended = here(
        "run", seeds_file(tmp_path), "--total", 6, "--answer-form", form, "--max-variants", 9,
        "--out", out,
    )  # fmt: skip
    assert ended.code == 0, ended.err
    rows = lines(out / "accepted.jsonl")
    assert len(rows) == 6
    assert sum(not row["entities"] for row in rows) == 3
    loaded = datasets.load_dataset(str(out), split="train", cache_dir=str(tmp_path / "cache"))
    assert [row["entities"] for row in loaded] == [row["entities"] for row in rows]


def test_seeds_with_other_mentions_are_rows_that_no_engine_writes(
    openai_server, tmp_path: Path
) -> None:
    server = openai_server()
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("strategies: {mention-replacement: 1}\nmentions: {city: [Ulm]}\n", "utf-8")
    seeds = tmp_path / "seeds.jsonl"
    seeds.write_text("".join(f"{json.dumps(row)}\n" for row in SEEDS[:4]), "utf-8")
    out = tmp_path / "out"
    given = ["run", seeds, "--recipe", recipe, "--endpoint", server.url, "--encoder", "ngram"]
    ended = here(*given, "--total", 8, "--out", out)
    assert ended.code == 0, ended.err
    assert server.stats()["requests"] == 0
    rows = lines(out / "accepted.jsonl")
    check_offsets(rows)
    assert "Ulm" in {each["text"] for row in rows for each in row["entities"]}
    for row in rows:
        made = row["provenance"]
        assert made["strategy"] == "mention-replacement"
        assert (made["engine"], made["model"], made["template"]) == (None, None, None)
        seed = SEEDS[int(made["seed_ids"][0].removeprefix("s")) - 1]
        assert [e["label"] for e in row["entities"]] == [e["label"] for e in seed["entities"]]
    loaded = datasets.load_dataset(str(out), split="train", cache_dir=str(tmp_path / "cache"))
    assert [row["provenance"]["engine"] for row in loaded] == [None] * 8
    again = here(*given, "--total", 9, "--out", out)
    assert again.code == 0, again.err
    assert lines(out / "accepted.jsonl")[:8] == rows


@pytest.mark.parametrize("strategy", ["entities-first", "mention-replacement"])
def test_strategies_of_annotated_rows_are_refused_for_labels(strategy, tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(f"strategies: {{{strategy}: 1}}\n", "utf-8")
    seeds = tmp_path / "seeds.csv"
    seeds.write_text("text,label\nwhere is it,a\nsend it back,b\n", "utf-8")
    ended = here("run", seeds, "--recipe", recipe, "--out", tmp_path / "out")
    assert ended.code == 2
    assert f"strategies: {strategy} is for annotated rows" in ended.err


def test_rows_from_elsewhere_are_checked_against_annotated_seeds(tmp_path: Path) -> None:
    rows = [
        {"text": "Cy took a walk through old Wien", "entities": [
            {"start": 0, "end": 2, "label": "person"}, {"start": 27, "end": 31, "label": "city"}]},
        {"text": "Cy", "entities": [{"start": 0, "end": 9, "label": "person"}]},
        {"text": "a river", "entities": [{"start": 2, "end": 7, "label": "river"}]},
        {**SEEDS[0]},
    ]  # fmt: skip
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), "utf-8")
    out = tmp_path / "out"
    ended = here("check", path, "--seeds", seeds_file(tmp_path), "--out", out)
    assert ended.code == 0, ended.err
    assert [row["text"] for row in lines(out / "accepted.jsonl")] == [rows[0]["text"]]
    reasons = Counter(row["reason"] for row in lines(out / "rejected.jsonl"))
    assert reasons == {"offsets": 1, "unknown_type": 1, "copy_of_seed": 1}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            ["--model", "bundled", "--answer-form", "mentions"],
            "--model: the bundled model marks mentions, and does not answer in mentions",
        ),
        (["--serve", "bundled"], "--serve: the bundled model writes no rows of the task ner"),
        (["--task", "events"], "no column 'events', which the task events needs"),
    ],
)
def test_what_does_not_go_with_annotated_seeds_is_refused(options, said, tmp_path: Path) -> None:
    ended = here("run", seeds_file(tmp_path), *options, "--out", tmp_path / "out")
    assert ended.code == 2
    assert said in ended.err


@pytest.mark.parametrize(
    ("recipe", "said"),
    [
        ("labels: [city]", "labels: the seeds are rows of the task ner: describe its types under"),
        ("entities: [city]", "label 'person' is not one of ['city']"),
        ("mentions: {river: [Elbe]}", "['river'] are none of the types ['person', 'city']"),
        ("strategies: {entities-first: 1}", "which entities-first cannot ask for; add fewshot"),
    ],
)
def test_types_of_the_recipe_are_the_types(recipe, said, tmp_path: Path) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text(recipe, "utf-8")
    ended = here("run", seeds_file(tmp_path), "--recipe", path, "--out", tmp_path / "out")
    assert ended.code == 2
    assert said in ended.err


def test_the_server_answers_annotated_asks_with_faults_that_are_counted(
    openai_server, tmp_path: Path
) -> None:
    server = openai_server(junk=0.3, error_500=0.1)
    out = tmp_path / "out"
    ended = here(
        "run", seeds_file(tmp_path), "--endpoint", server.url, "--total", 3, "--max-requests", 30,
        "--out", out,
    )  # fmt: skip
    assert ended.code in {0, 3}, ended.err
    counts = json.loads((out / "report.json").read_text("utf-8"))["counts"]
    assert counts["candidates"] + counts["none"] == counts["accepted"] + counts["rejected"]
    check_offsets(lines(out / "accepted.jsonl"))


def test_given_texts_are_annotated_and_stay_as_they_are(openai_server, tmp_path: Path) -> None:
    server = openai_server(annotates=True, junk=0.2, error_500=0.1)
    pairs = [("Bonn", "Ada"), ("Kiel", "Bo"), ("New York", "Grace"), ("Köln", "Zoë")] * 5
    texts = [
        f"in {city} {sentence(b'texts', str(at)).lower()} with {who}"
        for at, (city, who) in enumerate(pairs)
    ]
    given, out = tmp_path / "texts.jsonl", tmp_path / "out"
    given.write_text("".join(f"{json.dumps({'text': text})}\n" for text in texts), "utf-8")
    asked = [
        "run", seeds_file(tmp_path), "--unlabelled", given, "--endpoint", server.url,
        "--encoder", "ngram", "--out", out,
    ]  # fmt: skip
    ended = here(*asked)
    assert ended.code in {0, 3}, ended.err
    accepted, rejected = lines(out / "accepted.jsonl"), lines(out / "rejected.jsonl")
    check_offsets(accepted)
    assert sorted(row["text"] for row in accepted + rejected) == sorted(texts)
    assert len(accepted) > 8
    kinds = Counter(each["label"] for row in accepted for each in row["entities"])
    assert min(kinds["city"], kinds["person"]) > 4
    assert {row["provenance"]["given"] for row in accepted} <= {f"u{n}" for n in range(1, 21)}
    report = json.loads((out / "report.json").read_text("utf-8"))
    assert report["labelling"] is None
    assert report["counts"]["accepted"] == len(accepted)
    loaded = datasets.load_dataset(str(out), split="train", cache_dir=str(tmp_path / "cache"))
    assert [row["entities"] for row in loaded] == [row["entities"] for row in accepted]
    again = here(*asked)
    assert (again.code, lines(out / "accepted.jsonl")) == (ended.code, accepted)


def test_the_model_in_the_box_annotates_no_texts(tmp_path: Path) -> None:
    given = tmp_path / "texts.jsonl"
    given.write_text('{"text": "Ada came"}\n', "utf-8")
    ended = here("run", seeds_file(tmp_path), "--unlabelled", given, "--out", tmp_path / "out")
    assert ended.code == 2
    assert "--unlabelled: seedlm cannot find mentions; name an engine that can" in ended.err


def test_types_that_are_described_do_without_seeds(openai_server, tmp_path: Path) -> None:
    server = openai_server(annotates=True, junk=0.1, error_500=0.1, wrong_label=0.4)
    recipe, out = tmp_path / "recipe.yaml", tmp_path / "out"
    recipe.write_text("entities: {tool: what one works with, place: where things are}", "utf-8")
    given = ["run", "--recipe", recipe, "--endpoint", server.url, "--encoder", "ngram"]
    ended = here(*given, "--per-label", 6, "--out", out)
    assert ended.code == 0, ended.err
    accepted, rejected = lines(out / "accepted.jsonl"), lines(out / "rejected.jsonl")
    check_offsets(accepted)
    types = counted(accepted, "ner")
    assert set(types) == {"tool", "place"}
    assert min(types.values()) >= 6
    assert {row["provenance"]["strategy"] for row in accepted} == {"zeroshot"}
    assert "unknown_type" in {row["reason"] for row in rejected}


def test_listed_mentions_stand_in_rows_that_begin_without_seeds(
    openai_server, tmp_path: Path
) -> None:
    server = openai_server(annotates=True)
    recipe, out = tmp_path / "recipe.yaml", tmp_path / "out"
    recipe.write_text(
        "entities: {tool: what one works with, place: where things are}\n"
        "mentions: {tool: [a saw, the pliers], place: [the shed, the loft]}\n"
        "strategies: {entities-first: 1}",
        "utf-8",
    )
    ended = here(
        "run", "--recipe", recipe, "--endpoint", server.url, "--encoder", "ngram",
        "--per-label", 4, "--out", out,
    )  # fmt: skip
    assert ended.code == 0, ended.err
    accepted = [
        row for row in lines(out / "accepted.jsonl")
        if row["provenance"]["strategy"] == "entities-first"
    ]  # fmt: skip
    check_offsets(accepted)
    assert {each["text"] for row in accepted for each in row["entities"]} == {
        "a saw", "the pliers", "the shed", "the loft",
    }  # fmt: skip


def test_where_addresses_are_masked_the_mentions_behind_them_stay_exact(tmp_path: Path) -> None:
    seeds = [
        {
            "text": f"{who} writes to {who.lower()}@{host}.de from {city} {when}",
            "entities": [
                {"start": at, "end": at + len(city), "label": "city"},
            ],
        }
        for who, host, city, when in [
            ("Ada", "werft", "Bonn", "every single day"), ("Grace", "hafen", "Kiel", "at night"),
            ("Zoë", "kontor", "Köln", "before the boat leaves"), ("Bo", "anker", "Ulm", "too"),
        ]
        for at in [len(f"{who} writes to {who.lower()}@{host}.de from ")]
    ]  # fmt: skip
    path, out = tmp_path / "seeds.jsonl", tmp_path / "out"
    path.write_text("".join(f"{json.dumps(row)}\n" for row in seeds), "utf-8")
    here("run", path, "--total", 6, "--pii", "mask", "--out", out)
    made = lines(out / "accepted.jsonl") + lines(out / "rejected.jsonl")

    check_offsets(made)
    assert any("@" not in row["text"] and row["entities"] for row in made)
    assert not any("@" in row["text"] for row in made)
