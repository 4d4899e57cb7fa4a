"""`augment attributes` writes what an engine proposes to the end of the recipe, and no more."""

from __future__ import annotations

import stat

import pytest
import yaml
from augment_command import here, seeds_file

from augment import recipe

OLD = """\
# Mine, and not to be lost.
encoder: ngram   # spaces and all
labels: {alpha: the first, beta: 'the "second"', gamma: the third}

guidelines: |
  # no comment, but a guideline
  Be brief.
# the last line
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "recipe.yaml"


@pytest.fixture
def propose(openai_server, tmp_path, path):
    """Have two attributes of three values proposed; a text is written to the recipe before."""

    def run(old=OLD, *more, server=None):
        path.write_bytes(old if isinstance(old, bytes) else old.encode())
        return here(
            "attributes", seeds_file(tmp_path), "--recipe", path, "--names", 2, "--values", 3,
            "--endpoint", (server or openai_server()).url, *more,
        )  # fmt: skip

    return run


def test_the_block_stands_at_the_end_and_all_before_it_is_as_it_was(propose, path):
    ended = propose()
    new = path.read_bytes().decode()
    block = yaml.safe_load(new.removeprefix(OLD))

    assert ended.code == 0, ended.err
    assert new.startswith(f"{OLD}\n# Proposed by stub from 15 seeds, for you to edit: ")
    assert block.keys() == {"attributes"}
    assert [len(values) for values in block["attributes"].values()] == [3, 3]
    for name, values in block["attributes"].items():
        assert f"{name}: {', '.join(values)}\n" in ended.out
    assert f"Written to {path}: read and edit them before you run.\n" in ended.out


def test_the_result_is_a_recipe_whose_runs_draw_these_attributes(
    propose, openai_server, tmp_path, path
):
    server = openai_server()
    propose(server=server)
    settled = recipe.load(path, options={})
    ended = here(
        "run", seeds_file(tmp_path), "--recipe", path, "--endpoint", server.url, "--per-label", 4,
        "--out", tmp_path / "out",
    )  # fmt: skip
    report = (tmp_path / "out" / "report.html").read_text("utf-8")

    assert ended.code == 0, ended.err
    assert settled.guidelines == "# no comment, but a guideline\nBe brief.\n"
    assert len(settled.attributes) == 2
    assert all(name in report for name in settled.attributes)


def test_five_attributes_of_eight_values_are_asked_for_unless_said(openai_server, tmp_path, path):
    path.write_text(OLD, "utf-8")
    server = openai_server()
    here("attributes", seeds_file(tmp_path), "--recipe", path, "--endpoint", server.url)
    found = recipe.load(path, options={}).attributes

    assert [len(values) for values in found.values()] == [8] * 5
    assert server.stats()["requests"] == 6


@pytest.mark.parametrize(
    "old",
    [
        "",
        "# only a comment",
        "---\nencoder: ngram",
        "shots: 2\n\n\n\n",
        "glossary:\n  a: b\n  c: d\n",
    ],
)
def test_whatever_the_recipe_holds_is_read_as_before(propose, path, old):
    ended = propose(old)
    found = yaml.safe_load(path.read_text("utf-8"))

    assert ended.code == 0, ended.err
    assert {**found, "attributes": None} == {**(yaml.safe_load(old) or {}), "attributes": None}
    assert path.read_text("utf-8").startswith(old.rstrip())


def test_line_ends_of_windows_stay_as_they_are(propose, path):
    old = b"encoder: ngram\r\nshots: 3\r\n"
    propose(old)

    assert path.read_bytes().startswith(old)
    assert len(recipe.load(path, options={}).attributes) == 2


def test_a_recipe_that_is_not_there_is_begun(openai_server, tmp_path, path):
    ended = here(
        "attributes", seeds_file(tmp_path), "--recipe", path, "--endpoint", openai_server().url
    )

    assert ended.code == 0, ended.err
    assert path.read_text("utf-8").startswith("# Proposed by stub from 15 seeds")
    assert len(recipe.load(path, options={}).attributes) == 5


def test_a_recipe_that_nobody_else_may_read_stays_so(propose, path):
    path.touch(mode=0o600)
    propose()

    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_labels_that_are_described_do_where_there_are_no_seeds(openai_server, path):
    path.write_text(OLD, "utf-8")
    ended = here("attributes", "--recipe", path, "--endpoint", openai_server().url)

    assert ended.code == 0, ended.err
    assert "# Proposed by stub from 0 seeds" in path.read_text("utf-8")


@pytest.mark.parametrize("old", ["{shots: 3}\n", "shots: 3\n...\n", "guidelines: |+\n  end\n\n\n"])
def test_a_recipe_without_an_open_end_is_left_alone_and_nobody_is_asked(
    propose, openai_server, path, old
):
    server = openai_server()
    ended = propose(old, server=server)

    assert ended.code == 2
    assert ended.err.startswith(f"error: {path}: nothing can be added to its end: ")
    assert path.read_text("utf-8") == old
    assert server.stats()["requests"] == 0


@pytest.mark.parametrize(
    ("old", "more", "said"),
    [
        (f"{OLD}attributes: {{tone: [dry, warm]}}\n", [], "has attributes; take them out to have"),
        ("x: [", [], "cannot be read as YAML"),
        (b"guidelines: \xff\n", [], "cannot be read"),
        ("shots: many\n", [], "shots"),
        (OLD, ["--names", "few"], "argument --names: invalid int value"),
        (OLD, ["--names", "0"], "--names: must be 1 or more, and is 0"),
        (OLD, ["--values", "1"], "--values: must be 2 or more, and is 1"),
    ],
)
def test_what_is_wrong_is_said_before_anybody_is_asked(
    propose, openai_server, path, old, more, said
):
    server = openai_server()
    ended = propose(old, *more, server=server)

    assert ended.code == 2
    assert said in ended.err
    assert path.read_bytes() == (old if isinstance(old, bytes) else old.encode())
    assert server.stats()["requests"] == 0


@pytest.mark.parametrize("engine", [[], ["--engine", "seedlm"]])
def test_the_embedded_engine_is_refused(tmp_path, path, engine):
    path.write_text(OLD, "utf-8")
    ended = here("attributes", seeds_file(tmp_path), "--recipe", path, *engine)

    assert ended.code == 2
    assert "--engine: seedlm writes rows and nothing else; name an engine, such as" in ended.err
    assert path.read_text("utf-8") == OLD


def test_a_recipe_must_be_named(tmp_path):
    ended = here("attributes", seeds_file(tmp_path), "--endpoint", "http://127.0.0.1:9/v1")

    assert ended.code == 2
    assert ended.err == "error: --recipe: is needed: attributes are written into it\n"


def test_an_engine_of_which_nothing_can_be_used_leaves_the_recipe_alone(
    propose, openai_server, path
):
    server = openai_server(junk=1.0)
    ended = propose(server=server)

    assert ended.code == 2
    assert ended.err == (
        "error: stub gave no attributes that can be used: the answer holds no list 'attributes'\n"
    )
    assert server.stats()["requests"] == 3
    assert path.read_text("utf-8") == OLD
