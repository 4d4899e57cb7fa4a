"""Budgets are kept, hopeless labels are given up, and every row that was left out says why."""

from __future__ import annotations

import json

import pytest
from augment_command import here, left_in, seed_rows, seeds_file

LABELS = ("alpha", "beta", "gamma")


@pytest.fixture
def run(openai_server, tmp_path):
    """Run against a server of this configuration: the ending, the folder, the server's counts."""

    def run(*options, rows=None, recipe=None, **config):
        server, out = openai_server(**config), tmp_path / "out"
        given = ["run", seeds_file(tmp_path, rows), "--endpoint", server.url, "--out", out]
        if recipe is not None:
            (tmp_path / "recipe.yaml").write_text(json.dumps(recipe), "utf-8")
            given += ["--recipe", tmp_path / "recipe.yaml"]
        result = here(*given, *options)
        return result, left_in(out), server.stats()

    return run


def test_max_requests_is_kept_exactly_and_what_rejected_most_is_named(run):
    result, left, stats = run(
        "--per-label", 50, "--max-requests", 70, junk=0.5, error_500=0.1, refuse_forever=0.1
    )
    reason, count = left.reasons().most_common(1)[0]

    assert result.code == 3
    assert len(stats["answered"]) + stats["refused_prompts"] == 70
    assert len(left.accepted) + len(left.rejected) == 70
    assert "Stopped: the budget is spent." in result.out
    assert "--max-requests 70" in result.out
    assert f"Rejected most: {reason} ({count})" in result.err
    assert "with a larger budget if you give one" in result.err


def test_max_requests_counts_what_a_crash_left_unanswered(run, openai_server, tmp_path):
    """The server dies under ten requests; their answers may still come, and no other."""
    result, left, _ = run("--per-label", 9, "--max-requests", 10, "--max-wait-s", 0.3, hang=1)
    other = openai_server()
    again = here(
        "run", tmp_path / "seeds.jsonl", "--endpoint", other.url, "--out", tmp_path / "out",
        "--per-label", 9, "--max-requests", 10,
    )  # fmt: skip

    assert (result.code, len(left.accepted), len(left.rejected)) == (3, 0, 0)
    assert again.code == 3
    assert len(other.stats()["answered"]) == len(left_in(tmp_path / "out").accepted) == 10


def test_max_tokens_stops_soon_after_the_limit(run):
    result, left, _ = run("--per-label", 60, "--max-tokens", 20_000, "--concurrency", 4)
    tokens = left.report["tokens"]
    spent = tokens["prompt"] + tokens["completion"]

    assert result.code == 3
    assert "--max-tokens 20000" in result.out
    assert 20_000 <= spent < 20_000 + 5 * spent / len(left.accepted)


def test_max_minutes_stops_in_time_and_counts_all_sessions(run):
    options = ("--per-label", 500, "--max-minutes", 0.01, "--concurrency", 4)
    result, left, _ = run(*options, latency_ms=50)
    again, after, stats = run(*options)

    assert result.code == 3
    assert "--max-minutes 0.01" in result.out
    assert 0.6 <= left.report["run"]["active_s"] < 2
    assert again.code == 3
    assert (after.accepted, stats["requests"]) == (left.accepted, 0)


def test_max_cost_is_reckoned_with_the_prices(run):
    prices = {"prices": {"prompt": 1000.0, "completion": 3000.0}}
    result, left, _ = run("--per-label", 60, "--max-cost", 10, "--concurrency", 2, recipe=prices)
    tokens = left.report["tokens"]

    assert result.code == 3
    assert "--max-cost 10" in result.out
    assert 10 <= (tokens["prompt"] * 1000 + tokens["completion"] * 3000) / 1e6 < 12


def test_a_label_that_never_passes_is_given_up_and_the_others_are_filled(run):
    # Without guided decoding the server reads the label off the prompt, and knows only these two.
    result, left, _ = run("--per-label", 10, no_guided="reject", label_pattern=r"- (alpha|beta)\n")

    assert result.code == 3
    assert "Stopped: some quotas cannot be filled." in result.out
    assert "given up: gamma" in result.out
    assert left.per_label() == {"alpha": 10, "beta": 10}
    assert "Rejected most: schema" in result.err
    assert 100 <= left.reasons()["schema"] < 240


def test_answers_that_come_after_the_quota_is_full_are_rejected_with_that_reason(run):
    result, left, _ = run("--per-label", 40, junk=0.6, latency_ms=20, latency_jitter_ms=20)
    late = [row for row in left.rejected if row["reason"] == "quota"]

    assert result.code == 0
    assert left.per_label() == dict.fromkeys(LABELS, 40)
    assert late
    assert all(row["filter"] == "quota" and row["text"] and row["score"] is None for row in late)


@pytest.mark.parametrize(
    ("total", "shares"), [(10, (6, 3, 1)), (7, (4, 2, 1)), (1, (1, 0, 0)), (23, (14, 7, 2))]
)
def test_a_total_is_shared_as_in_the_seeds_by_largest_remainder(run, total, shares):
    rows = seed_rows(each=6)  # 6, 3 and 1 of them
    result, left, _ = run("--total", total, rows=[*rows[:9], rows[12]], junk=0.2)

    assert result.code == 0
    assert [left.per_label()[label] for label in LABELS] == list(shares)


def test_reserved_seeds_stand_in_no_prompt(run):
    result, left, _ = run("--per-label", 40, "--reserve", 0.4)
    shown = {seed for row in left.accepted for seed in row["provenance"]["seed_ids"]}

    assert result.code == 0
    assert len(shown) == 9  # three of the five of each label


def test_rows_of_the_hold_out_are_rejected_as_leaks_and_copies_of_seeds_as_such(run, tmp_path):
    seeds = seed_rows()
    unseen = [row["text"] for row in seed_rows(("other",), each=9)[5:]]
    (tmp_path / "test.csv").write_text("text\n" + "".join(f"{text}\n" for text in unseen))
    result, left, _ = run(
        "--per-label", 20, "--holdout", tmp_path / "test.csv",
        hostile=[*unseen, seeds[3]["text"], seeds[8]["text"]], hostile_share=0.5,
    )  # fmt: skip
    found = {
        (row["text"], row["reason"], row["score"])
        for row in left.rejected
        if row["reason"] != "quota"
    }

    assert result.code == 0
    assert left.per_label() == dict.fromkeys(LABELS, 20)
    assert found == {
        *((text, "leak", 1.0) for text in unseen),
        *((seeds[n]["text"], "copy_of_seed", 1.0) for n in (3, 8)),
    }
    assert not {row["text"] for row in left.accepted} & {*unseen, *(row["text"] for row in seeds)}


def test_near_copies_of_accepted_rows_are_rejected(run):
    result, left, _ = run("--per-label", 40, near_copies=0.3)
    ids = {row["id"] for row in left.accepted}
    near = [row for row in left.rejected if row["reason"] == "near_duplicate"]

    assert result.code == 0
    assert left.per_label() == dict.fromkeys(LABELS, 40)
    assert len(near) >= 10
    assert all(row["threshold"] <= row["score"] < 1 for row in near)
    assert all(row["detail"].removeprefix("repeats ") in ids for row in near)
