import json
import os
import subprocess
import sys
from dataclasses import replace

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from small_runs import SEEDS, SmallRun, answer, seed_set

from augment.records import Completion, Failure
from evals.card import card

HOSTILE_LABELS = [
    "a | b", "back`tick`s", "<b>bold</b> &amp; <script>alert(1)</script>", "**stars** and _lines_",
    "[link](http://example.org)", "http://example.org/x", "www.example.org", "- dash",
    "#7 ~~gone~~",
    "\\", "ends in \\", 'quote " and \' and: colon', "$x$ @you", "---", "& | \\|",
    "!!python/name:os",
    "שלום", "nul-less \u202e turned", "snake_case_label", "_edge_", "{{ run }} {% raw %}",
]  # fmt: skip

SEVERAL = seed_set([("a sunny day", ("joy", "calm")), ("alas", ("grief",)), ("hm", ())])
PAIRS = seed_set([("it rains", "follows"), ("it is dry", "contradicts")], pairs=True)

LOAD = """
import json, sys
from datasets import load_dataset

cache, *wanted = sys.argv[1:]
found = {}
for folder in wanted:
    for name in (None, "accepted", "rejected"):
        for streaming in (False, True):
            try:
                rows = load_dataset(
                    folder, name, split="train", cache_dir=cache, streaming=streaming
                )
                features = {name: repr(kind) for name, kind in rows.features.items()}
                said = {"rows": list(rows), "features": features}
            except ValueError as error:
                said = {"error": str(error)}
            found[f"{folder}|{name}|{streaming}"] = said
print(json.dumps(found))
"""


def leave(run, outcomes):
    """Write the files that `datasets` reads."""
    for labels, outcome in outcomes:
        run.arrive(labels, outcome)
    run.write_rows()
    (run.path / "README.md").write_text(card(run.figures()), "utf-8")
    run.close()


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    """Load several runs in one process that may not touch the network: {run: load function}."""
    root = tmp_path_factory.mktemp("runs")
    junk, failure = Completion(text="junk"), Failure(code="refused", detail="400")
    one = answer("where is my new card", ["card"])
    two = answer("what a fine evening", ["joy", "calm"], seeds=SEVERAL)
    pair = answer("the sun shines", ["contradicts"], seeds=PAIRS)
    leave(SmallRun(path=root / "single"), [(["card"], one), (["card"], one), (["card"], junk)])
    leave(
        SmallRun(path=root / "several", seeds=SEVERAL),
        [(["joy", "calm"], two), ([], answer("well now", [], seeds=SEVERAL)), (["joy"], failure)],
    )
    leave(
        SmallRun(path=root / "pairs", seeds=PAIRS), [(["contradicts"], pair), (["follows"], junk)]
    )
    leave(SmallRun(path=root / "all-kept"), [(["card"], one)])
    leave(SmallRun(path=root / "none-kept"), [(["card"], failure)])
    leave(SmallRun(path=root / "no-scores"), [(["card"], one), (["card"], failure)])
    names = ("single", "several", "pairs", "all-kept", "none-kept", "no-scores")
    offline = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "HF_HOME": str(root / "home")}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", LOAD, str(root / "cache")]
        + [str(root / name) for name in names],
        capture_output=True,
        text=True,
        env={**os.environ, **offline},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)

    def load(run, name=None, *, streaming=False):
        written = {
            each: [
                json.loads(line)
                for line in (root / run / f"{each}.jsonl").read_bytes().splitlines()
            ]
            for each in ("accepted", "rejected")
        }
        return found[f"{root / run}|{name}|{streaming}"], written

    return load


@pytest.mark.parametrize("run", ["single", "several", "pairs", "no-scores"])
@pytest.mark.parametrize("streaming", [False, True])
def test_the_accepted_rows_are_what_datasets_loads_unasked(loaded, run, streaming):
    by_default, written = loaded(run, streaming=streaming)
    assert by_default["rows"] == written["accepted"] != []
    assert loaded(run, "accepted", streaming=streaming)[0] == by_default


@pytest.mark.parametrize("run", ["single", "several", "pairs", "no-scores"])
@pytest.mark.parametrize("streaming", [False, True])
def test_the_rejected_rows_are_loaded_when_asked_for(loaded, run, streaming):
    rejected, written = loaded(run, "rejected", streaming=streaming)
    assert rejected["rows"] == written["rejected"] != []


def test_each_column_has_its_type_whatever_is_in_it(loaded):
    text, number = "Value('string')", "Value('float64')"
    for run, label in (("single", text), ("several", f"List({text})"), ("no-scores", text)):
        features = loaded(run, "rejected")[0]["features"]
        assert features["label"] == label, run
        assert (features["score"], features["detail"]) == (number, text), run
        assert f"'seed_ids': List({text}), 'ask': Value('int64')" in features["provenance"]
    assert loaded("no-scores", "rejected")[0]["rows"][0]["score"] is None
    assert loaded("pairs")[0]["features"]["text_pair"] == text


@pytest.mark.parametrize(("run", "empty"), [("all-kept", "rejected"), ("none-kept", "accepted")])
def test_a_file_without_rows_is_never_taken_for_the_other(loaded, run, empty):
    full = {"accepted": "rejected", "rejected": "accepted"}[empty]
    assert loaded(run, full)[0]["rows"] == loaded(run)[1][full] != []
    streamed = loaded(run, empty, streaming=True)[0]
    assert streamed["rows"] == []
    assert streamed["features"]["text"] == "Value('string')"
    # datasets makes no split without rows: huggingface/datasets, arrow_reader.py
    assert "corresponds to no data" in loaded(run, empty)[0]["error"]


def test_the_card_says_that_a_file_without_rows_cannot_be_loaded(tmp_path):
    run = SmallRun(path=tmp_path)
    run.arrive(["card"], answer("where is my new card", ["card"]))
    text = card(run.figures())
    run.close()
    assert "The rejected rows are none: `datasets` refuses" in text


def parts(text):
    """The card's YAML and its Markdown, read."""
    _, front, body = text.split("---\n", 2)
    return yaml.safe_load(front), MarkdownIt("commonmark").enable("table").parse(body)


def tables(tokens):
    """All tables: rows of cells, each the list of the types and the text of what it holds."""
    rows = []
    for token in tokens:
        if token.type == "tr_open":
            rows.append([])
        elif token.type == "inline" and rows and token.level > 3:
            kinds = {child.type for child in token.children} - {"text"}
            rows[-1].append((kinds, "".join(child.content for child in token.children)))
    return rows


def test_hostile_labels_break_neither_yaml_nor_tables(tmp_path):
    seeds = seed_set([(f"text {n}", label) for n, label in enumerate(HOSTILE_LABELS)])
    run = SmallRun(path=tmp_path, seeds=seeds)
    run.journal.note("given up", "a | b")
    front, tokens = parts(card(run.figures(name='"---": [')))
    run.close()
    assert front["pretty_name"] == '"---": ['
    assert [config["config_name"] for config in front["configs"]] == ["accepted", "rejected"]
    rows = [row for row in tables(tokens) if [text for _, text in row[1:]] == ["0", "0", "1"]]
    expected = [label.replace("\u202e", "[U+202E]") for label in HOSTILE_LABELS]
    assert [row[0] for row in rows] == [(set(), label) for label in expected]
    assert not {"html_block", "html_inline"} & {token.type for token in tokens}


@given(label=st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=12))
def test_any_label_reads_as_itself(tmp_path_factory, label):
    run = SmallRun(path=tmp_path_factory.mktemp("run"), seeds=seed_set([("text", label)]))
    _, tokens = parts(card(run.figures()))
    run.close()
    assert (set(), label) in [row[0] for row in tables(tokens)]


def test_hostile_names_and_warnings_stay_on_their_line(tmp_path):
    odd = "one\n# two\n- three <img src=x> | four"
    seeds = replace(SEEDS, warnings=(odd,))
    run = SmallRun(path=tmp_path, seeds=seeds)
    making = replace(run.subject().making, model=odd, versions={odd: odd})
    front, tokens = parts(card(run.figures(name=odd, making=making)))
    run.close()
    assert front["license"] == "unknown"
    assert ["Model", odd.replace("\n", " ")] in [
        [text for _, text in row] for row in tables(tokens)
    ]
    headings = [
        tokens[n + 1].content for n, token in enumerate(tokens) if token.type == "heading_open"
    ]
    assert headings[1:] == [
        "What it is", "How it was made", "From what", "Checks that ran", "Rows per label", "Limits",
        "Licence",
    ]  # fmt: skip
    assert "html_inline" not in {c.type for token in tokens for c in token.children or ()}


def test_the_card_counts_what_the_checks_did(tmp_path):
    run = SmallRun(path=tmp_path)
    run.arrive(["card"], answer("where is my new card", ["card"]))
    run.arrive(["card"], answer("no", ["card"]))
    run.arrive(["card"], Completion(text="junk"))
    front, tokens = parts(card(run.figures()))
    run.close()
    rows = [[text for _, text in row] for row in tables(tokens)]
    assert ["length", "2", "1", "0", "1"] in rows
    assert ["answers without JSON", "schema", "json", "1"] in rows
    assert ["card", "1", "2", "1"] in rows
    assert front["tags"] == ["synthetic"]
    assert front["task_categories"] == ["text-classification"]


def test_the_same_journal_gives_the_same_card(tmp_path):
    run = SmallRun(path=tmp_path)
    run.arrive(["card"], answer("where is my new card", ["card"]))
    run.close()
    again = SmallRun(path=tmp_path)
    first, second = card(again.figures()), card(again.figures())
    again.close()
    assert first == second
    assert "1 of 10 wanted" in first
