"""Groups of people in whole runs: measured always, kept level where that is asked for."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from augment_command import here, left_in, seeds_file

PLACES = ("hall", "lab", "ward", "yard", "shop", "park", "bank", "barn", "port", "mill")
DEEDS = ("waited", "talked", "worked", "rested", "walked", "argued")
WAYS = ("alone", "quietly", "slowly", "gladly")
WHEN = {"alpha": ("at dawn", "this morning"), "beta": ("at night", "all evening")}
SKEWED = [
    {
        "text": f"{who} {DEEDS[n % 6]} {WAYS[n % 4]} in the {place} {WHEN[label][n % 2]}",
        "label": label,
    }
    for label, who in (("alpha", "she"), ("beta", "he"))
    for n, place in enumerate(PLACES * 2)
]


@pytest.fixture
def given(tmp_path):
    return [
        seeds_file(tmp_path, SKEWED),
        "--model",
        "ngram",
        "--encoder",
        "ngram",
        "--per-label",
        10,
    ]


def test_a_run_measures_groups_and_rejects_nothing_for_them(given, tmp_path):
    out = tmp_path / "out"
    result = here("run", *given, "--out", out)
    left = left_in(out)
    bias = left.report["bias"]
    found = {(row["label"], row["group"]): row for row in bias["association"]}

    assert result.code == 0
    assert "balance" not in left.reasons()
    assert found["alpha", "women"]["seeds"]["with"] == 20
    assert found["alpha", "women"]["significant"]
    assert found["alpha", "women"]["accepted"]["z"] > bias["least_z"]
    assert bias["swaps"]["axes"][0]["axis"] == "gender"
    assert "beyond chance" in (out / "report.html").read_text("utf-8")


def test_asked_to_a_run_levels_groups_with_counterparts_and_continues(given, tmp_path):
    out = tmp_path / "out"
    result = here("run", *given, "--balance-identities", "--out", out)
    left = left_in(out)
    first = left.accepted

    assert result.code == 0
    assert left.reasons()["balance"] > 0
    for label in ("alpha", "beta"):
        said = Counter(row["text"].split()[0] for row in left.accepted if row["label"] == label)
        assert abs(said["she"] - said["he"]) <= 2
    swapped = [row for row in left.accepted if row["provenance"]["strategy"] == "counterfactual"]
    assert swapped
    texts = {f"s{number}": row["text"] for number, row in enumerate(SKEWED, 1)}
    for row in swapped:
        seed = texts[row["provenance"]["seed_ids"][0]]
        assert row["text"].split()[1:] == seed.split()[1:]
        assert row["text"] != seed
        assert row["provenance"]["engine"] is None

    again = here("run", *given[:-1], 12, "--balance-identities", "--out", out)
    assert again.code == 0
    assert left_in(out).accepted[:20] == first


def test_a_target_that_names_no_group_is_refused_before_anything_is_made(given, tmp_path):
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(json.dumps({"identities": {"target": {"gender": {"robots": 1}}}}), "utf-8")
    result = here("run", *given, "--recipe", recipe, "--out", tmp_path / "out")

    assert result.code == 2
    assert "'robots' is none of ['women', 'men']" in result.err
    assert not (tmp_path / "out").exists()


def test_counterparts_are_refused_for_annotated_rows(tmp_path):
    path = tmp_path / "seeds.jsonl"
    row = {"text": "she left", "entities": [{"start": 0, "end": 3, "label": "who"}]}
    path.write_text(json.dumps(row) + "\n", "utf-8")
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("strategies: {counterfactual: 1}\n", "utf-8")
    result = here("run", path, "--recipe", recipe, "--out", tmp_path / "out")

    assert result.code == 2
    assert "strategies: counterfactual is for labelled rows" in result.err


def test_rows_from_elsewhere_are_kept_level_too(given, tmp_path):
    rows = tmp_path / "rows.jsonl"
    said = [f"she {deed} kindly near the {place}" for deed in DEEDS for place in ("lake", "inn")]
    rows.write_text(
        "".join(json.dumps({"text": t, "label": "alpha"}) + "\n" for t in said), "utf-8"
    )
    options = ["--seeds", given[0], "--encoder", "ngram", "--out", tmp_path / "out"]
    result = here("check", rows, *options, "--balance-identities")

    assert result.code == 0
    assert left_in(tmp_path / "out").reasons()["balance"] >= 5
