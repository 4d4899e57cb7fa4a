"""The command as a shell sees it: what it offers, how it fails, what it shows while it runs."""

from __future__ import annotations

import os
import pty
import re
import select
import time

import pytest
from augment_command import LONGEST_S, alone, here, left_in, seeds_file, started

from augment.recipe import Recipe

ONLY_IN_A_FILE = {
    "headers", "extra_body", "model_options", "prices", "serving", "labels", "glossary",
    "attributes", "strategies", "sampling", "filters", "entities", "identities", "mentions",
    "relations", "events",
}  # fmt: skip


def test_help_lists_the_commands_and_what_exit_codes_mean():
    result = alone("--help")

    assert result.code == 0
    assert re.search(r"^ +run +make accepted rows", result.out, re.MULTILINE)
    assert re.search(r"^ +prompts +list, show or render", result.out, re.MULTILINE)
    assert "130 interrupted" in result.out


def test_without_a_command_help_is_shown():
    assert here().out == here("--help").out


def test_run_help_lists_every_option_with_what_it_does():
    shown = here("run", "--help").out

    for name in Recipe.model_fields:
        option = f"--{name.replace('_', '-')}"
        assert (re.search(rf"^ +{option}\b", shown, re.MULTILINE) is None) == (
            name in ONLY_IN_A_FILE
        ), option
    assert "default 20 x the rows + 200" in " ".join(shown.split())


def test_the_version_is_told():
    assert re.fullmatch(r"augment \d+\.\d+\.\d+\n", here("--version").out)


def test_an_unknown_command_names_those_there_are():
    result = here("walk")

    assert result.code == 2
    assert "invalid choice: 'walk'" in result.err
    assert "'run'" in result.err
    assert "did you mean" not in result.err
    assert "(did you mean 'check'?)" in here("chekc").err


def test_an_unknown_option_is_named(tmp_path):
    result = here("run", seeds_file(tmp_path), "--per-lable", "5", "--out", tmp_path / "out")

    assert result.code == 2
    assert "--per-lable 5 (did you mean '--per-label'?)" in result.err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("export", "x", "--to", "parqet"), "(did you mean 'parquet'?)"),
        (("prompts", "render", "fewshot", "--lables", "x"), "(did you mean '--label'?)"),
        (("check", "x", "--pii=maks"), "(found 'maks') (did you mean 'mask'?)"),
        (("check", "x", "--encoder", "MiniLMM"), "is no folder (did you mean 'minilm'?); a name"),
    ],
)
def test_the_closest_of_what_is_allowed_is_named(words, said):
    result = here(*words)

    assert result.code == 2
    assert said in result.err


def test_all_faults_of_options_and_recipe_are_named_at_once(tmp_path):
    path = tmp_path / "recipe.yaml"
    path.write_text("per-label: many\nshot: 3\nsampling: {temperature: hot, topp: 1}\n")
    result = here(
        "run", seeds_file(tmp_path), "--recipe", path, "--concurrency", "0", "--out",
        tmp_path / "out", "--reserve", "1.5",
    )  # fmt: skip

    assert result.code == 2
    assert f"{path}, per-label: " in result.err
    assert (
        f"{path}: unknown key 'shot' (did you mean 'shots'?); allowed are task, per-label"
        in result.err
    )
    assert f"{path}, sampling.temperature: " in result.err
    assert "'sampling.topp'" in result.err
    assert "command line, concurrency: " in result.err
    assert "command line, reserve: " in result.err
    assert "(found '1.5')" in result.err
    assert not (tmp_path / "out").exists()


def test_faults_of_the_seeds_are_told_before_the_endpoint_is_asked(tmp_path):
    seeds = tmp_path / "seeds.csv"
    seeds.write_text("text,label\n,alpha\nfine,\n")
    result = here("run", seeds, "--endpoint", "http://127.0.0.1:9/v1", "--out", tmp_path / "out")

    assert result.code == 2
    assert "row 2" in result.err
    assert "row 3" in result.err
    assert "127.0.0.1" not in result.err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("what", ["missing.csv", "a folder", "recipe"])
def test_files_that_cannot_be_read_are_named(tmp_path, what):
    (tmp_path / "a folder").mkdir()
    seeds = seeds_file(tmp_path) if what == "recipe" else tmp_path / what
    recipe = ["--recipe", tmp_path / "recipe.yaml"] if what == "recipe" else []
    result = here("run", seeds, *recipe, "--out", tmp_path / "out")

    assert result.code == 2
    assert result.err.startswith(f"error: {tmp_path / what}")
    assert not (tmp_path / "out").exists()


def test_an_out_that_is_a_file_is_refused(openai_server, tmp_path):
    (tmp_path / "out").write_text("mine")
    result = here(
        "run", seeds_file(tmp_path), "--endpoint", openai_server().url, "--out", tmp_path / "out"
    )

    assert result.code == 2
    assert f"{tmp_path / 'out'}: cannot be used as a run's folder" in result.err
    assert (tmp_path / "out").read_text() == "mine"


def test_where_the_output_is_no_terminal_lines_are_plain_and_a_table_ends_them(
    openai_server, tmp_path
):
    server, out = openai_server(junk=0.1, latency_ms=1), tmp_path / "out"
    result = here(
        "run", seeds_file(tmp_path), "--endpoint", server.url, "--out", out, "--per-label", 20
    )
    left = left_in(out)
    table = dict(line.rsplit(maxsplit=1) for line in result.out.splitlines()[1:])

    assert "\x1b" not in result.out
    assert result.err == ""
    assert table["accepted"] == "60"
    assert table["asked"] == table["answered"] == str(60 + len(left.rejected))
    assert table["rejected"] == str(len(left.rejected))
    assert result.out.endswith(f"report  {out}/report.html\n")
    assert {"tokens", "  json"} <= table.keys()


def test_a_terminal_shows_the_run_live(openai_server, tmp_path):
    server, out = openai_server(latency_ms=60), tmp_path / "out"
    ours, theirs = pty.openpty()
    shown, deadline = b"", time.monotonic() + LONGEST_S
    with started(
        "run", seeds_file(tmp_path), "--endpoint", server.url, "--out", out, "--per-label", 12,
        "--concurrency", 4, stdout=theirs, stderr=theirs,
        env={**os.environ, "TERM": "xterm-256color", "COLUMNS": "100", "LINES": "30"},
    ) as process:  # fmt: skip
        os.close(theirs)
        while time.monotonic() < deadline and select.select([ours], [], [], LONGEST_S)[0]:
            try:
                part = os.read(ours, 65536)
            except OSError:  # the other end is closed
                break
            shown += part
        code = process.wait(timeout=LONGEST_S)
    os.close(ours)
    text = shown.decode("utf-8")

    assert code == 0, text
    assert "Traceback" not in text
    assert "\x1b[" in text
    assert re.search(r"alpha +\d+/12", text), "accepted per label against the quota"
    assert re.search(r"requests/s · .* tokens/s · \d+ in flight", text)
    assert "Done: every quota is full." in text
    assert left_in(out).per_label() == {"alpha": 12, "beta": 12, "gamma": 12}


def test_a_reader_that_has_enough_ends_the_command_quietly(tmp_path):
    with started("prompts", "list") as process:
        assert process.stdout is not None
        process.stdout.close()
        process.stdout = None
        _, err = process.communicate(timeout=LONGEST_S)

    assert "Traceback" not in err
    assert "Exception ignored" not in err
