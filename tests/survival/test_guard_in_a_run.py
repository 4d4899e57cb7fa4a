"""Toxicity judged by a guard: what it says is kept, and no run goes on with another one."""

from __future__ import annotations

import json
import signal
import time

import pytest
from augment_command import ended as end_of
from augment_command import (
    here,
    left_in,
    meanwhile,
    rows_in,
    seed_rows,
    seeds_file,
    started,
    until,
)

from augment.guard.answers import answers_in
from augment.journal import SqliteJournal

GUARD = {"row_pattern": "<row>(.*)</row>"}
ROWS = [
    {"text": f"{word} said the {thing} to me {n} times", "label": label}
    for n, (word, thing, label) in enumerate(
        [("unsafe", "piano", "alpha"), ("safe", "kettle", "alpha"), ("unsafe", "river", "beta"),
         ("safe", "market", "beta"), ("safe", "carpet", "gamma"), ("safe", "letter", "gamma")]
    )
]  # fmt: skip
UNSAFE = {row["text"] for row in ROWS if row["text"].startswith("unsafe")}
SEEDS = [{**row, "text": f"safe as {row['text']}"} for row in seed_rows()]


def check_of(tmp_path, server, *more, rows=ROWS, seeds=SEEDS, recipe=None):
    """The command that checks rows with a guard, with nothing else that might reject them."""
    file, options = tmp_path / "rows.jsonl", tmp_path / "recipe.yaml"
    file.write_text("".join(f"{json.dumps(row)}\n" for row in rows), "utf-8")
    without = {"without": ["similarity", "agreement", "language", "shortcuts", "length"]}
    options.write_text(json.dumps({"filters": without, **(recipe or {})}))
    return [
        "check", file, "--seeds", seeds_file(tmp_path, seeds), "--recipe", options,
        "--guard-endpoint", server.url, "--out", tmp_path / "out", *more,
    ]  # fmt: skip


def checked(*arguments, **inputs):
    return here(*check_of(*arguments, **inputs))


def run_of(tmp_path, guard, *more, per_label=3):
    return [
        "run", seeds_file(tmp_path, SEEDS), "--per-label", per_label, "--guard-endpoint",
        guard.url, "--out", tmp_path / "out", *more,
    ]  # fmt: skip


def manifest_in(out):
    return json.loads((out / "manifest.json").read_text("utf-8"))


PEOPLE = [
    {"text": f"safe said the {who} of ours near the {thing} today", "label": label}
    for who, thing, label in [("woman", "piano", "alpha"), ("man", "kettle", "beta")]
]
LAST = len(SEEDS) + len(PEOPLE)
"""So many questions are asked before those about people who are exchanged, for the report."""


def scored_again(out):
    """Of the exchanges in the report: how many there are, and of how many toxicity is known."""
    left = left_in(out)
    assert len(left.accepted) == len(PEOPLE)
    (axis,) = left.report["bias"]["swaps"]["axes"]
    return axis["swaps"], axis["scored"]


def test_check_rejects_what_the_guard_calls_unsafe_and_the_report_names_it(openai_server, tmp_path):
    server = openai_server(**GUARD)
    result = checked(tmp_path, server)
    left, manifest = left_in(tmp_path / "out"), manifest_in(tmp_path / "out")
    (shown,) = [each for each in left.report["scores"] if each["filter"] == "toxicity"]

    assert result.code == 0, result.err
    assert {row["text"] for row in left.rejected} == UNSAFE
    assert {row["filter"] for row in left.rejected} == {"toxicity"}
    assert all(0.6 <= row["score"] < 1 for row in left.rejected)
    assert len(left.accepted) == len(ROWS) - len(UNSAFE)
    assert shown["basis"] == "the model stub, its classes unsafe"
    assert "toxicity" not in left.report["error_rates"]
    assert manifest["recipe"]["guard_model"] == "stub"
    assert server.url not in json.dumps(manifest)
    assert manifest["calls"]["guard"] == server.stats()["requests"] == len(SEEDS) + len(ROWS)


def test_the_report_tells_what_a_guard_was_asked_and_what_was_known(openai_server, tmp_path):
    server, out = openai_server(**GUARD, error_500=0.2), tmp_path / "out"
    told = []
    for _ in range(3):
        assert checked(tmp_path, server, rows=PEOPLE).code == 0
        told.append(left_in(out).report["guard"])
    page = " ".join((out / "report.html").read_text("utf-8").split())
    card = (out / "README.md").read_text("utf-8")
    swapped, _ = scored_again(out)

    assert told[0]["questions"] == LAST + swapped
    assert told[0]["calls"] == server.stats()["requests"] > told[0]["questions"]
    assert told[0]["failures"] == told[0]["recalled"] == 0
    assert told[0]["median_s"] >= 0
    assert told[1] == told[0] | {"recalled": len(SEEDS)}
    assert told[2] == told[0] | {"recalled": 2 * len(SEEDS)}
    assert f"{LAST + swapped} questions about toxicity" in page
    assert f"{2 * len(SEEDS)} answers known from an earlier session" in page
    assert f"{told[2]['calls']} calls, for {LAST + swapped} questions, 0 of which" in card


def test_a_run_that_is_done_is_written_again_to_the_same_files_without_a_question(
    openai_server, tmp_path
):
    server, out = openai_server(**GUARD), tmp_path / "out"
    command = run_of(tmp_path, server)
    assert here(*command).code == 0
    names = ("accepted.jsonl", "rejected.jsonl", "guard.jsonl")
    before = [(out / name).read_bytes() for name in names]
    calls = server.stats()["requests"]

    assert here(*command).code == 0
    assert [(out / name).read_bytes() for name in names] == before
    assert server.stats()["requests"] == calls == manifest_in(out)["calls"]["guard"]


def test_seeds_that_are_unsafe_on_purpose_let_such_rows_through(openai_server, tmp_path):
    seeds = [
        {**row, "text": f"unsafe {row['text']}"} if row["label"] == "beta" else row for row in SEEDS
    ]
    seeds = [{**row, "text": row["text"].replace("unsafe safe", "unsafe")} for row in seeds]
    checked(tmp_path, openai_server(**GUARD, no_logprobs=True), seeds=seeds)
    left = left_in(tmp_path / "out")
    (shown,) = [each for each in left.report["scores"] if each["filter"] == "toxicity"]

    assert "these labels, which are so: beta (100%)" in shown["statement"]
    assert {(row["text"], row["label"]) for row in left.rejected} == {(ROWS[0]["text"], "alpha")}
    assert ROWS[2]["text"] in {row["text"] for row in left.accepted}, "a guard that says 0 or 1"


def test_rows_of_which_the_guard_tells_nothing_are_abstained_on_and_counted(
    openai_server, tmp_path
):
    result = checked(tmp_path, openai_server(**GUARD, junk=0.5))
    left = left_in(tmp_path / "out")
    told = {each.key: each.probability for each in answers_in(tmp_path / "out" / "guard.jsonl")}
    abstained = [each for each in left.report["abstentions"] if each["filter"] == "toxicity"]

    assert result.code == 0, result.err
    assert None in told.values()
    assert {each["reason"] for each in abstained} == {"no_score"}
    assert sum(each["rows"] for each in abstained) > 0
    assert {row["text"] for row in left.rejected} <= UNSAFE


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (["--guard-model", "other"], "guard-model: was 'stub', now 'other'"),
        (["--templates", "own"], "guard: was "),
        (None, "guard-model: was 'stub', now None"),
    ],
)
def test_a_run_is_not_continued_with_another_guard(openai_server, tmp_path, change, said):
    server = openai_server(**GUARD, models=["stub", "other"])
    command = run_of(tmp_path, server)
    own = tmp_path / "own" / "toxicity" / "guard.yaml"
    own.parent.mkdir(parents=True)
    own.write_text("description: The text.\nmessages: [{role: user, content: '{{{text}}}'}]\n")
    assert here(*command, "--guard-model", "stub").code == 0
    at = command.index("--guard-endpoint")
    if change is None:
        changed = command[:at] + command[at + 2 :]
    else:
        named = [str(tmp_path / "own") if each == "own" else each for each in change]
        model = [] if "--guard-model" in named else ["--guard-model", "stub"]
        changed = [*command, *named, *model]
    result = here(*changed)

    assert result.code == 2
    assert said in result.err


def test_the_same_guard_at_another_address_continues_a_run(openai_server, tmp_path):
    first, second = openai_server(**GUARD), openai_server(**GUARD)
    assert here(*run_of(tmp_path, first)).code == 0
    assert here(*run_of(tmp_path, second, per_label=4)).code == 0
    assert left_in(tmp_path / "out").per_label() == {"alpha": 4, "beta": 4, "gamma": 4}
    assert not set(first.stats()["answered"]) & set(second.stats()["answered"])


def test_an_interrupted_run_asks_the_guard_nothing_more_and_counts_what_it_asked(
    openai_server, tmp_path
):
    guard, engine = openai_server(**GUARD, latency_ms=50), openai_server(latency_ms=2)
    out = tmp_path / "out"
    command = run_of(tmp_path, guard, "--endpoint", engine.url, per_label=200)
    with started(*command, "--concurrency", 16) as process:
        until(lambda: guard.stats()["requests"] >= len(SEEDS) + 30)
        process.send_signal(signal.SIGINT)
        asked = guard.stats()["requests"]
        result = end_of(process)
    told = sum(1 for _ in answers_in(out / "guard.jsonl"))

    assert result.code == 130
    assert manifest_in(out)["calls"]["guard"] == told
    assert guard.stats()["requests"] <= asked + 2 * 16, "it went on while the folder was written"


def test_a_guard_that_is_gone_stops_the_run_and_the_same_command_goes_on(openai_server, tmp_path):
    guard, engine = openai_server(**GUARD, latency_ms=20), openai_server(latency_ms=5)
    out = tmp_path / "out"
    command = run_of(tmp_path, guard, "--endpoint", engine.url, per_label=40)
    with started(*command, "--max-wait-s", 2) as process:
        until(lambda: guard.stats()["requests"] >= len(SEEDS) + 40)
        guard.control(down_for_s=12)
        gone = end_of(process)
    kept = [line for line in (out / "guard.jsonl").read_text().splitlines() if line]
    kept_rows = left_in(out)
    journal = SqliteJournal(out / "journal.db", clock=lambda: 0.0)
    arrived = sum(1 for _ in journal.replay())
    journal.abandon()
    until(lambda: _is_up(guard))

    assert gone.code == 3
    assert f"--guard-endpoint {guard.url}: the engine has not answered for 2 s" in gone.out
    assert "What was made is kept; the same command continues" in gone.err
    assert arrived > 0
    assert kept_rows.report["run"]["ending"] == "gone"
    assert not any(each["scored"] for each in kept_rows.report["bias"]["swaps"]["axes"])
    assert here(*command).code == 0
    left = left_in(out)
    assert left.per_label() == {"alpha": 40, "beta": 40, "gamma": 40}
    assert left.report["counts"]["asks"] >= arrived
    assert (out / "guard.jsonl").read_text().splitlines()[: len(kept)] == kept
    told = [row["key"] for row in rows_in(out / "guard.jsonl") if row["probability"] is not None]
    assert len(set(told)) == len(told), "a text was asked about twice"


@pytest.mark.parametrize("name", ["run", "preview"])
def test_a_guard_that_is_not_there_is_said_before_an_engine_is_waited_for(
    openai_server, tmp_path, name
):
    guard, engine = openai_server(), openai_server()
    guard.kill()
    engine.kill()
    result = here(name, *run_of(tmp_path, guard, "--endpoint", engine.url)[1:])

    assert result.code == 2
    assert "check --guard-endpoint" in result.err


def test_a_guard_that_goes_while_the_report_is_made_costs_its_figures_alone(
    openai_server, tmp_path
):
    server, out = openai_server(**GUARD, latency_ms=2_000), tmp_path / "out"
    with meanwhile(lambda: server.stats()["requests"] > LAST, server.kill):
        result = checked(tmp_path, server, "--max-wait-s", 6, rows=PEOPLE)
    assert result.code == 0, result.err
    assert scored_again(out) == (2, 0)

    assert checked(tmp_path, openai_server(**GUARD), rows=PEOPLE).code == 0
    assert scored_again(out) == (2, 2)


def test_ctrl_c_is_heard_while_a_guard_is_asked_for_the_report(openai_server, tmp_path):
    server, out = openai_server(**GUARD, latency_ms=2_000), tmp_path / "out"
    with started(*check_of(tmp_path, server, rows=PEOPLE)) as process:
        until(lambda: server.stats()["requests"] > LAST)
        server.control(hang=1.0)
        process.send_signal(signal.SIGINT)
        result = end_of(process)

    assert result.code == 130
    assert scored_again(out) == (2, 0)


def _is_up(server):
    try:
        server.stats()
    except OSError:
        return False
    return True


def test_a_guard_that_is_not_there_ends_the_command_before_anything_is_written(
    openai_server, tmp_path
):
    server = openai_server()
    server.kill()
    result = checked(tmp_path, server)

    assert result.code == 2
    assert "check --guard-endpoint" in result.err
    assert not (tmp_path / "out").exists()


def test_the_guards_key_is_its_own_and_stands_in_no_file(openai_server, tmp_path, monkeypatch):
    key = "a-key-of-the-guard"
    monkeypatch.setenv("GUARD_KEY", key)
    server = openai_server(**GUARD, auth=key)
    result = checked(tmp_path, server, recipe={"guard-api-key-env": "GUARD_KEY"})
    files = [path.read_bytes() for path in (tmp_path / "out").iterdir() if path.is_file()]

    assert result.code == 0, result.err
    assert not any(key.encode() in each for each in files)
    assert checked(tmp_path, server, "--guard-api-key-env", "NO_SUCH").code == 2
    monkeypatch.delenv("GUARD_KEY")
    without = checked(tmp_path, server)
    assert without.code == 2
    assert "put it into the variable that --guard-api-key-env names" in without.err


@pytest.mark.parametrize("name", ["run", "preview", "check"])
def test_a_key_that_is_missing_is_said_before_anything_is_started(openai_server, tmp_path, name):
    seeds, guard = seeds_file(tmp_path, SEEDS), openai_server(**GUARD)
    rest = [seeds, "--seeds", seeds] if name == "check" else [seeds, "--endpoint", "http://[::1]:9"]
    result = here(
        name, *rest, "--guard-endpoint", guard.url, "--guard-api-key-env", "NO_SUCH_KEY"
    )  # fmt: skip

    assert result.code == 2
    assert "--guard-api-key-env: NO_SUCH_KEY is not set" in result.err
    assert guard.stats()["requests"] == 0


def test_a_preview_asks_the_guard_too(openai_server, tmp_path):
    server = openai_server(**GUARD)
    command = ["preview", *run_of(tmp_path, server)[1:]]
    result = here(*command)

    assert result.code == 0, result.err
    assert server.stats()["requests"] >= len(SEEDS)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["preview", "run"])
def test_ctrl_c_ends_a_command_whose_seeds_a_guard_is_asked_about(openai_server, tmp_path, name):
    server = openai_server(**GUARD, latency_ms=20_000)
    with started(name, *run_of(tmp_path, server)[1:]) as process:
        until(lambda: server.stats()["requests"] >= 5)
        pressed = time.monotonic()
        process.send_signal(signal.SIGINT)
        result = end_of(process)

    assert result.code == 130
    assert time.monotonic() - pressed < 10
