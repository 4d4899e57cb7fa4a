"""`augment preview` shows what a run would do, estimates it, and writes nothing."""

from __future__ import annotations

import pytest
from augment_command import digests, here, seeds_file


@pytest.fixture
def preview(openai_server, tmp_path, monkeypatch):
    """Preview a run against a server configured so."""
    seeds = seeds_file(tmp_path)
    monkeypatch.chdir(tmp_path)

    def run(*more, **config):
        server = openai_server(**config)
        before = digests(tmp_path)
        ended = here("preview", seeds, "--endpoint", server.url, "--per-label", 100, *more)
        assert digests(tmp_path) == before, "a preview wrote something"
        return ended, server

    return run


def test_three_prompts_are_shown_with_their_answers_and_verdicts(preview):
    ended, server = preview()

    assert ended.code == 0
    assert server.stats()["requests"] == 3
    for place in (1, 2, 3):
        assert f"=== Prompt {place} of 3: " in ended.out
    assert ended.out.count("--- system") == 3
    assert ended.out.count("--- accepted: ") == 3
    for name in ("length", "form", "copy", "leak", "agreement", "similarity", "near_duplicate"):
        assert ended.out.count(f"    {name} ") == 3, name
    assert "no_encoder" in ended.out


def test_the_estimate_counts_requests_tokens_time_and_cost(preview, tmp_path):
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("prices: {prompt: 1000000, completion: 2000000}\n", "utf-8")
    ended, _ = preview("--recipe", recipe, latency_ms=200)
    table = {
        line[:20].strip(): line[20:].split() for line in ended.out.splitlines() if line[:2] == "  "
    }

    assert table["requests"] == ["300", "375"]
    prompt, completion, cost = (
        [float(cell.replace(",", "")) for cell in table[name]]
        for name in ("prompt tokens", "completion tokens", "cost")
    )
    for at in (0, 1):
        assert cost[at] == pytest.approx(prompt[at] + 2 * completion[at], rel=0.01)
    assert prompt[1] / prompt[0] == pytest.approx(1.25, rel=0.01)
    assert 0.9 <= float(table["time"][0]) < 5, "300 requests of 0.2 s, 64 at a time"
    assert "3 of the 3 rows seen were kept" in ended.out


def test_a_judge_is_not_asked_and_that_is_said(preview):
    ended, server = preview("--judge")

    assert ended.code == 0
    assert server.stats()["requests"] == 3
    assert "the judge is not asked in a preview, nor in the estimate" in ended.out


def test_rejected_rows_are_shown_with_the_reason_and_counted(preview):
    ended, _ = preview(junk=1.0)

    assert ended.code == 0
    assert ended.out.count("--- rejected: ") == 3
    assert "0 of the 3 rows seen were kept" in ended.out
    assert "is taken as 20%" in ended.out


def test_a_refused_prompt_is_shown_as_no_answer(preview):
    ended, _ = preview(refuse_forever=1.0)

    assert ended.code == 0
    assert ended.out.count("--- no answer: refused") == 3


def test_what_a_server_sends_cannot_move_the_cursor(preview):
    ended, _ = preview(hostile=["\x1b[2J\x1b]0;owned\x07 \u202e"])

    assert "\x1b" not in ended.out
    assert "\u202e" not in ended.out
    assert "[U+001B]" in ended.out


def test_a_preview_needs_the_server_that_it_names(tmp_path):
    ended = here("preview", seeds_file(tmp_path), "--endpoint", "http://127.0.0.1:9/v1")

    assert ended.code == 2
    assert "cannot be reached" in ended.err


def test_the_embedded_engine_is_previewed_too(tmp_path):
    ended = here("preview", seeds_file(tmp_path), "--per-label", 10)

    assert ended.code == 0
    assert "prompt tokens              not counted" in ended.out


def test_a_prompt_that_is_too_long_is_shown_with_fewer_examples(preview):
    ended, server = preview(max_prompt=1_300)

    assert ended.code == 0
    assert "prompt_too_long" not in ended.out
    assert ended.out.count("--- accepted: ") == 3
    assert server.stats()["counts"]["max_prompt"] > 0


def test_an_option_without_effect_is_said(preview):
    ended, _ = preview("--max-variants", "2")

    assert "warning: max-variants has no effect: the rows hold no mentions" in ended.out
