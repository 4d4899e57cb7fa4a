"""`augment check` puts rows from anywhere through the filters; no row is refused singly."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import shutil
import sqlite3
from pathlib import Path

import pytest
from augment_command import digests, here, left_in, seeds_file
from small_names import write_pipeline
from tiny_classifier import write_classifier

from augment.decoding.classifier import Classifier

STARTS = (
    "again", "sadly", "hello", "listen", "why", "sorry", "look", "well", "so", "please", "today",
    "still", "honestly", "yet", "now", "oh", "right", "help", "yes", "no",
)  # fmt: skip
SEEDS = [
    {"text": f"{start} {what} {n} times this week", "label": label}
    for label, what in (("parcel", "the parcel was not delivered"), ("login", "I cannot log in"))
    for n, start in enumerate(STARTS)
]
EXAMPLE = Path(__file__).parents[2] / "examples" / "support_intents.csv"
GOOD = {"text": "the parcel never came to our door on Friday", "label": "parcel"}


@pytest.fixture
def seeds(tmp_path):
    return seeds_file(tmp_path, SEEDS)


@pytest.fixture
def check(tmp_path, seeds):
    """Check rows and return how the command ended and what it left."""

    def run(rows, *more):
        file = tmp_path / "rows.jsonl"
        lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
        file.write_text("".join(f"{line}\n" for line in lines), "utf-8")
        out = tmp_path / "out"
        ended = here("check", file, "--seeds", seeds, "--out", out, *more)
        return ended, left_in(out) if ended.code == 0 else None

    return run


def test_every_row_ends_accepted_or_rejected_with_its_place_in_the_file(check):
    faults = [
        {"text": "  ", "label": "parcel"},
        {"text": "my wallet was stolen on the train", "label": "theft"},
        {"text": "where is it", "label": None},
        {"text": 17, "label": "login"},
        {"text": "the parcel is not there yet", "label": ["parcel"]},
        {"text": "the parcel \x07 is not there yet", "label": "parcel"},
        {"text": "I'm sorry, but I cannot help with that request.", "label": "login"},
    ]
    ended, left = check([GOOD, *faults, GOOD])

    assert [(row["provenance"]["ask"], row["text"]) for row in left.accepted] == [(0, GOOD["text"])]
    assert [(row["provenance"]["ask"], row["reason"]) for row in left.rejected] == [
        (1, "empty"), (2, "unknown_label"), (3, "unknown_label"), (4, "schema"), (5, "schema"),
        (6, "control"),
        (7, "refusal"), (8, "duplicate"),
    ]  # fmt: skip
    assert (
        "'theft' is no label of the seeds, which are 'parcel', 'login'"
        in (left.rejected[1]["detail"])
    )
    assert "Done: every row was checked." in ended.out
    assert "rows" in ended.out
    assert "\nasked" not in ended.out


def test_what_another_run_accepted_is_not_accepted_again(check, tmp_path):
    new = {"text": "nobody rang our bell all day, and still no parcel", "label": "parcel"}
    _, first = check([GOOD], "--encoder", "ngram")
    assert len(first.accepted) == 1
    before = (tmp_path / "out").rename(tmp_path / "before")
    _, left = check([GOOD, new], "--encoder", "ngram", "--against", before)

    (rejected,) = left.rejected
    assert (rejected["text"], rejected["reason"]) == (GOOD["text"], "duplicate")
    assert rejected["detail"].startswith("repeats before/"), "the run is not named"
    assert [row["text"] for row in left.accepted] == [new["text"]]


def test_what_is_to_be_compared_with_must_be_a_run(check, tmp_path):
    ended, _ = check([GOOD], "--against", tmp_path)
    assert ended.code == 2
    assert f"--against {tmp_path}: is no folder that a run left" in ended.err


def test_a_wrong_label_is_found_and_told_from_a_right_one(check):
    wrong = {"text": "I still cannot log in to the page", "label": "parcel"}
    _, left = check([GOOD, wrong])

    assert [row["text"] for row in left.accepted] == [GOOD["text"]]
    [row] = left.rejected
    assert (row["filter"], row["reason"]) == ("agreement", "label")
    assert row["score"] > row["threshold"] >= 0
    assert "reads like 'login'" in row["detail"]
    assert "of 40 seeds" in row["detail"]


def test_what_is_said_of_a_row_names_its_origin_and_no_template(check, tmp_path):
    _, left = check([GOOD])

    assert left.accepted[0]["provenance"] == {
        "strategy": "given", "template": None, "template_digest": None, "engine": "file",
        "model": "rows.jsonl", "request_key": left.accepted[0]["provenance"]["request_key"],
        "seed_ids": [], "ask": 0,
    }  # fmt: skip
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text("utf-8"))
    assert manifest["counts"]["calls"] == 0
    assert len(manifest["rows"]) == 64


def test_the_same_command_again_leaves_the_same_rows_and_other_rows_are_refused(check, tmp_path):
    check([GOOD, {"text": "", "label": "login"}])
    before = digests(tmp_path / "out")
    check([GOOD, {"text": "", "label": "login"}])
    after = digests(tmp_path / "out")
    assert {n: after[n] for n in ("accepted.jsonl", "rejected.jsonl")} == {
        n: before[n] for n in ("accepted.jsonl", "rejected.jsonl")
    }

    ended, _ = check([GOOD])
    assert ended.code == 2
    assert "rows: was" in ended.err


@pytest.mark.slow
def test_rows_judged_in_another_session_come_to_the_same(tmp_path):
    rows = EXAMPLE.read_text("utf-8").splitlines(keepends=True)
    files = {"seeds": rows[1::3], "rows": [*rows[2::3], *rows[3::3]]}
    for name, own in files.items():
        (tmp_path / f"{name}.csv").write_text("".join([rows[0], *own]), "utf-8")
    command = ("check", tmp_path / "rows.csv", "--seeds", tmp_path / "seeds.csv")
    command += ("--encoder", "minilm", "--out")
    here(*command, tmp_path / "whole")
    shutil.copytree(tmp_path / "whole", tmp_path / "cut")
    with contextlib.closing(sqlite3.connect(tmp_path / "cut" / "journal.db")) as journal, journal:
        journal.execute("DELETE FROM decisions WHERE number > 25")
    ended = here(*command, tmp_path / "cut")

    assert "accepted rows a label on, one that has learnt them too has half the say" in ended.out
    assert len(left_in(tmp_path / "whole").accepted) > 24, "accepted rows must have been learnt"
    assert decided(tmp_path / "cut") == decided(tmp_path / "whole")


def decided(folder):
    """Return what was decided, with every score, as the journal has it."""
    with contextlib.closing(sqlite3.connect(folder / "journal.db")) as journal:
        return journal.execute("SELECT arrival, verdicts FROM decisions ORDER BY number").fetchall()


def test_a_line_that_is_no_row_refuses_the_file_unless_lenient(check, tmp_path):
    ended, _ = check([GOOD, '{"text": "cut'])
    assert ended.code == 2
    assert "rows.jsonl, line 2" in ended.err
    assert not (tmp_path / "out").exists()

    ended, left = check([GOOD, '{"text": "cut'], "--lenient")
    assert ended.code == 0
    assert len(left.accepted) == 1
    assert "lines that are no rows, skipped: 1" in ended.out


def test_a_file_without_a_column_of_labels_is_refused(check):
    ended, _ = check([{"text": "where is it"}])

    assert ended.code == 2
    assert "no column 'label'; the columns are ['text']" in ended.err


def test_rows_with_several_labels_are_checked_as_such(tmp_path):
    seeds = seeds_file(
        tmp_path, [{"text": f"so glad and calm {n}", "label": ["joy", "calm"]} for n in range(3)]
    )
    file = tmp_path / "rows.jsonl"
    rows = [
        {"text": "what a calm evening", "label": ["calm"]},
        {"text": "nothing to feel here", "label": []},
        {"text": "just so glad today", "label": "joy"},
        {"text": "a dark night it was", "label": ["joy", "fear"]},
    ]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    ended = here("check", file, "--seeds", seeds, "--out", tmp_path / "out")
    left = left_in(tmp_path / "out")

    assert ended.code == 0
    assert [row["label"] for row in left.accepted] == [["calm"], [], ["joy"]]
    assert [row["label"] for row in left.rejected] == [["joy", "fear"]]


def test_a_run_folder_can_be_checked_and_its_rows_are_kept(tmp_path):
    made = tmp_path / "made"
    assert here("run", EXAMPLE, "--per-label", 3, "--out", made).code == 0
    ended = here("check", made, "--seeds", EXAMPLE, "--out", tmp_path / "out")

    assert ended.code == 0
    assert len(left_in(tmp_path / "out").accepted) == 18


@pytest.mark.parametrize(
    ("options", "kept", "reason"),
    [
        ((), None, "pii"),
        (("--pii", "mask"), "the parcel for [EMAIL] never came on Friday", None),
        (("--pii", "surrogate"), "@example.", None),
        (("--pii", "surrogate", "--pii-placeholders", "keep"), "@example.", None),
    ],
)
def test_personal_data_is_rejected_masked_or_exchanged(check, options, kept, reason):
    row = {"text": "the parcel for lena.vogt@posthaus.de never came on Friday", "label": "parcel"}
    _, left = check([row], *options)

    assert [row["reason"] for row in left.rejected] == ([reason] if reason else [])
    assert all(kept in row["text"] for row in left.accepted)
    written = "".join(json.dumps(row) for row in [*left.accepted, left.report])
    assert "lena.vogt" not in written or not options


@pytest.mark.parametrize(
    ("recipe", "said"),
    [
        ("pii: mask\nfilters: {without: [pii]}", "does not go with `filters: {without: [pii]}`"),
        ("pii: surrogate\npii-placeholders: reject", "set aside for examples"),
        ("pii-model: x\nfilters: {without: [pii]}", "--pii-model does not go with"),
        ("filters: {pii-names: [name]}", "`filters: {pii-names: [...]}` needs --pii-model"),
    ],
)
def test_what_would_undo_the_exchange_is_refused(check, tmp_path, recipe, said):
    (tmp_path / "recipe.yaml").write_text(recipe, "utf-8")
    ended, _ = check([GOOD], "--recipe", tmp_path / "recipe.yaml")

    assert ended.code == 2
    assert said in ended.err


@pytest.mark.parametrize(
    ("options", "kept"),
    [((), None), (("--pii", "mask"), "the parcel for [NAME] never came on Friday")],
)
def test_names_are_rejected_or_masked_where_a_pipeline_finds_them(
    check, tmp_path, missing, options, kept
):
    if importlib.util.find_spec("presidio_analyzer") is None:
        missing("presidio is not installed")
    pipeline = write_pipeline(tmp_path / "names")
    row = {"text": "the parcel for Lena Vogt never came on Friday", "label": "parcel"}
    _, left = check([row, GOOD], "--pii-model", pipeline, *options)

    assert [row["reason"] for row in left.rejected] == ([] if kept else ["pii"])
    assert [row["text"] for row in left.accepted] == [*filter(None, [kept]), GOOD["text"]]
    assert "Lena Vogt" not in json.dumps(left.report) or not options


def test_a_pipeline_of_names_that_is_none_ends_the_command(check, tmp_path):
    ended, _ = check([GOOD], "--pii-model", tmp_path / "none")

    assert ended.code == 2
    assert f"--pii-model: {tmp_path / 'none'}: no folder of a spaCy pipeline" in ended.err


ROWS = [
    {"text": "the box still has not come to my door and it is Friday", "label": "parcel"},
    {"text": "Sure! Here is one: I cannot log in on my phone", "label": "login"},
    {"text": 17, "label": "login"},
]


def test_explain_tells_every_verdict_on_a_row_that_was_accepted(check):
    ended, left = check(ROWS, "--explain", "0")
    said = ended.out[ended.out.index("Row 0, ") :]
    (accepted,) = left.accepted
    assert said.startswith(f"Row 0, {accepted['id']}: accepted\n")
    assert ROWS[0]["text"] in said
    for name in ("length", "form", "language", "pii", "copy", "leak", "agreement", "shortcuts"):
        assert f"\n{name} " in said, name
    assert "no hold-out was given" in said
    assert "agreement: Left out one at a time" in said
    assert "Measured: of " in said
    assert "not asked" not in said


def test_explain_shows_where_a_row_fell_and_what_was_not_asked(check):
    ended, left = check(ROWS, "--explain", "1")
    (chatter,) = (row for row in left.rejected if row["reason"] == "chatter")
    said = ended.out[ended.out.index("Row 1, ") :]
    assert f"Row 1, {chatter['id']}: rejected by form, the assistant's own voice" in said
    assert [line.split()[:2] for line in said.splitlines() if line.startswith("form ")] == [
        ["form", "rejected"]
    ]
    assert "shortcuts" in said.split("not asked", 1)[1]

    by_id, _ = check(ROWS, "--explain", chatter["id"])
    assert by_id.out[by_id.out.index("Row 1, ") :] == said, "its id names another row"


def test_explain_tells_what_was_wrong_with_what_is_no_row(check):
    said = check(ROWS, "--explain", "2")[0].out
    assert "Row 2, " in said
    assert "schema" in said


@pytest.mark.parametrize("row", ["three", "3", "-1", "00", "d51cd2138198efb6-0"])
def test_explain_names_the_rows_there_are_before_any_is_checked(check, tmp_path, row):
    ended, _ = check(ROWS, f"--explain={row}")
    assert ended.code == 2
    assert ended.err.strip() == (
        f"error: --explain: there is no row {row!r}: places are 0 to 2, ids stand in "
        "accepted.jsonl and rejected.jsonl"
    )
    assert not (tmp_path / "out").exists()


def test_a_classifier_of_ones_own_judges_toxicity_and_the_report_names_it(check, tmp_path):
    folder = write_classifier(tmp_path / "guard", ["fine", "awful"])
    texts = ("where is my parcel this whole week ?", "you are awful you awful parcel you")
    scores = Classifier(str(folder), classes=["awful"]).probabilities(texts)
    recipe = tmp_path / "recipe.yaml"
    filters = {
        "toxicity": round(float(scores.mean()), 6), "toxicity-classes": ["awful"],
        "without": ["similarity", "agreement", "language"],
    }  # fmt: skip
    recipe.write_text(json.dumps({"filters": filters}))
    rows = [{"text": text, "label": "parcel"} for text in texts]
    more = ("--toxicity-model", folder, "--recipe", recipe, "--encoder", "ngram")
    ended, left = check(rows, *more)
    worse = int(scores.argmax())

    assert f"Loading the toxicity model {folder} ..." in ended.out
    assert [(row["text"], row["filter"]) for row in left.rejected] == [(texts[worse], "toxicity")]
    assert left.rejected[0]["score"] == pytest.approx(scores[worse], abs=1e-5)
    assert [row["text"] for row in left.accepted] == [texts[1 - worse]]
    (shown,) = [each for each in left.report["scores"] if each["filter"] == "toxicity"]
    assert shown["basis"] == "the model guard, its classes awful"
    assert "toxicity" not in left.report["error_rates"]


def test_a_toxicity_model_that_is_none_ends_the_command_before_anything_is_written(check, tmp_path):
    ended, _ = check([GOOD], "--toxicity-model", tmp_path / "none", "--encoder", "ngram")
    assert ended.code == 2
    assert f"--toxicity-model: {tmp_path / 'none'}: no folder of a model" in ended.err
    assert not (tmp_path / "out").exists()


@pytest.fixture
def bare(tmp_path):
    """Check rows against nothing."""

    def run(rows, *more):
        file = tmp_path / "rows.jsonl"
        file.write_text("".join(f"{json.dumps(row)}\n" for row in rows), "utf-8")
        out = tmp_path / "out"
        ended = here("check", file, "--out", out, *more)
        return ended, left_in(out) if ended.code == 0 else None

    return run


def test_without_seeds_rows_are_judged_by_what_needs_none(bare):
    card = {"text": "my card is 4556 7375 8689 9855", "label": "login"}
    ended, left = bare([GOOD, GOOD, card, {"text": "", "label": "parcel"}])

    assert [row["text"] for row in left.accepted] == [GOOD["text"]]
    assert [row["reason"] for row in left.rejected] == ["duplicate", "pii", "empty"]
    assert "warning: there are no seeds" in ended.out
    assert "length: NOT judged" not in ended.out
    assert "toxicity: NOT judged, in any of 2 rows: no encoder was asked for" in ended.out


@pytest.mark.parametrize(
    "rows",
    [
        [{"text": "a parcel that I never saw", "label": ["late", "lost"]}],
        [{"text": "it is late", "text_pair": "it came not in time", "label": "same"}],
    ],
)
def test_without_seeds_rows_may_have_several_labels_or_texts(bare, rows):
    _, left = bare(rows)
    assert [{key: row[key] for key in rows[0]} for row in left.accepted] == rows


def test_without_seeds_labels_may_be_given_and_annotated_rows_need_types(bare, tmp_path):
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("labels: [login]")
    _, left = bare([GOOD], "--recipe", recipe)
    assert left.rejected[0]["reason"] == "unknown_label"

    ended, _ = bare([{"text": "in Rome", "entities": [{"start": 3, "end": 7, "label": "place"}]}])
    assert ended.code == 2
    assert "--seeds: rows of the task ner need seeds, or a recipe that describes" in ended.err


@pytest.mark.slow
def test_without_seeds_toxicity_is_judged_by_the_stated_threshold(bare):
    swearing = {"text": "you fucking bitch, shut the fuck up", "label": "parcel"}
    ended, left = bare([GOOD, swearing], "--encoder", "minilm")

    assert [row["text"] for row in left.accepted] == [GOOD["text"]]
    assert [(row["filter"], row["threshold"]) for row in left.rejected] == [("toxicity", 0.6)]
    assert "Rows are rejected from a probability of 0.6, which is not held against" in ended.out


def test_what_a_filter_flags_is_accepted_and_stands_in_report_and_explanation(check, tmp_path):
    recipe = "filters: {flag: [form, near_duplicate], order: [pii, form], without: [shortcuts]}"
    (tmp_path / "recipe.yaml").write_text(recipe, "utf-8")
    rows = [ROWS[0], ROWS[0], ROWS[1]]
    ended, left = check(rows, "--recipe", tmp_path / "recipe.yaml", "--explain", "2")

    assert [row["text"] for row in left.accepted] == [row["text"] for row in rows]
    assert left.report["flags"] == [
        {"filter": "form", "reason": "chatter", "rows": 1},
        {"filter": "near_duplicate", "reason": "duplicate", "rows": 1},
    ]
    assert "near_duplicate: Let 1 row through that it would have rejected (exact d" in ended.out
    assert "near duplicate (exact duplicates, 1 row)" in (
        tmp_path / "out" / "report.html"
    ).read_text("utf-8")
    said = ended.out[ended.out.index("Row 2, ") :]
    lines = [line.split() for line in said.splitlines()]
    assert [words[0] for words in lines if words[1:2] in (["passed"], ["flagged"])][:3] == [
        "pii", "form", "length",
    ]  # fmt: skip
    (form,) = [words for words in lines if words[:1] == ["form"] and words[1] == "flagged"]
    assert form[2] == "flag"
    (length,) = [words for words in lines if words[:2] == ["length", "passed"]]
    assert "reject" in length


def test_the_best_of_near_duplicates_is_kept_on_request(check, tmp_path):
    worse = {"text": "the parcel was not there in log times this week", "label": "parcel"}
    better = {"text": "the parcel was not there in all times this week", "label": "parcel"}
    _, left = check([worse, better], "--encoder", "ngram")
    assert [row["text"] for row in left.accepted] == [worse["text"]]
    (tmp_path / "out").rename(tmp_path / "first")

    ended, left = check([worse, better], "--encoder", "ngram", "--keep", "best", "--explain", "1")
    (kept,), (rejected,) = left.accepted, left.rejected
    assert (kept["text"], kept["provenance"]["ask"]) == (better["text"], 1)
    assert rejected["detail"] == f"repeats {kept['id']}"
    assert f"Row 1, {kept['id']}: accepted" in ended.out, "the place is not that in the file"


def test_the_best_is_kept_only_where_all_rows_are_there(seeds, tmp_path):
    ended = here("run", seeds, "--per-label", 2, "--keep", "best", "--out", tmp_path / "out")
    assert ended.code == 2
    assert "--keep best: is for `augment check`" in ended.err
    assert not (tmp_path / "out").exists()
