"""What a guard said outlives kill -9 and full disks: no text that it judged is asked of again."""

from __future__ import annotations

import json
import random
import time

from augment_command import (
    SOAK,
    here,
    killed,
    left_in,
    rows_in,
    seed_rows,
    seeds_file,
    started,
    until,
)

GUARD = {"row_pattern": "<row>(.*)</row>"}
CONCURRENCY = 16
LABELS = ("alpha", "beta", "gamma")


def keys_in(out):
    """Whose answers stand in whole lines, in order; none may stand there twice."""
    whole = (out / "guard.jsonl").read_bytes().rpartition(b"\n")[0]
    keys = []
    for line in whole.splitlines():
        try:
            keys.append(json.loads(line)["key"])
        except ValueError:
            continue  # one that was cut off, and ended by the next session
    assert len(set(keys)) == len(keys), "a text was asked about twice"
    return keys


def repeated(server):
    return sum(times - 1 for times in server.stats()["answered"].values())


def test_kill_9_loses_no_answer_of_a_guard_but_those_in_flight(openai_server, tmp_path):
    kills = 30 if SOAK else 4
    guard, engine = openai_server(**GUARD, latency_ms=40), openai_server(latency_ms=5)
    out, rng = tmp_path / "out", random.Random(0)
    command = [
        "run", seeds_file(tmp_path, seed_rows(LABELS)), "--per-label", 40 * kills, "--endpoint",
        engine.url, "--guard-endpoint", guard.url, "--concurrency", CONCURRENCY, "--out", out,
    ]  # fmt: skip
    kept = []
    for _ in range(kills):
        seen = guard.stats()["requests"]
        with started(*command) as process:
            until(lambda seen=seen: guard.stats()["requests"] > seen or process.poll() is not None)
            time.sleep(rng.uniform(0, 0.5))
            killed(process)
        now = keys_in(out)
        assert now[: len(kept)] == kept, "an answer was lost"
        kept = now
    result, left = here(*command), left_in(out)

    assert result.code == 0, result.err
    assert left.per_label() == dict.fromkeys(LABELS, 40 * kills)
    assert 0 < len(kept) < len(keys_in(out)), "every kill came too early or too late"
    assert keys_in(out)[: len(kept)] == kept
    assert repeated(guard) <= CONCURRENCY * kills
    assert left.report["guard"]["questions"] == len(rows_in(out / "guard.jsonl"))


def test_a_disk_that_is_full_of_a_guards_answers_loses_none_and_more_room_goes_on(
    small_disk, openai_server, tmp_path
):
    disk, enlarge = small_disk
    server, out = openai_server(**GUARD), disk / "out"
    seeds = seeds_file(tmp_path, seed_rows(LABELS, each=500))
    rows = tmp_path / "rows.jsonl"
    rows.write_text('{"text": "the lamp was safe with us", "label": "alpha"}\n', "utf-8")
    recipe = tmp_path / "recipe.json"
    without = ["similarity", "agreement", "language", "shortcuts", "length", "form", "copy"]
    recipe.write_text(json.dumps({"filters": {"without": without}}))
    command = [
        "check", rows, "--seeds", seeds, "--guard-endpoint", server.url, "--out", out,
        "--concurrency", CONCURRENCY, "--recipe", recipe,
    ]  # fmt: skip
    kept, ballast = [], (400, 300, 300)
    for kilobytes in ballast:
        (disk / "ballast").write_bytes(bytes(kilobytes * 1024))
        result = here(*command)
        now = keys_in(out)
        assert result.code == 1
        assert f"{out / 'guard.jsonl'}: [Errno 28]" in result.err
        assert "what was committed before is kept, the same command continues" in result.err
        assert now[: len(kept)] == kept, "an answer was lost"
        kept = now
    assert 0 < len(kept) < 1500

    enlarge()
    result = here(*command)

    assert result.code == 0, result.err
    assert keys_in(out)[: len(kept)] == kept
    assert len(keys_in(out)) == 1501 == len(server.stats()["answered"])
    assert repeated(server) <= CONCURRENCY * len(ballast)
    assert len(left_in(out).accepted) == 1
