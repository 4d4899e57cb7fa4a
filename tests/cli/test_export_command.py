"""`augment export`: a run's rows, or a file's, for other tools; what is left out is told."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import datasets
import pyarrow.parquet as pq
import pytest
from annotated import row
from augment_command import alone, here, left_in, rows_in, seed_rows, seeds_file

NESTED = row("<org><city>Bonn</city> club</org> met", id="n1", source="web")
CUT = row("Bonnland is <city>Kiel</city>wards", id="n2", source="web")
FLAT = row("<person>Ada</person> left <city>Kiel</city>", id="n3", source="web")
LINKED = {**FLAT, "relations": [{"head": 0, "tail": 1, "label": "left"}]}


@pytest.fixture(name="run", scope="module")
def _run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small finished run."""
    folder = tmp_path_factory.mktemp("run")
    result = here("run", seeds_file(folder), "--per-label", "3", "--out", folder / "first")
    assert result.code == 0
    return folder / "first"


@pytest.fixture(name="rows")
def _rows(tmp_path: Path) -> Path:
    return seeds_file(tmp_path, [NESTED, CUT, FLAT])


def test_a_runs_rows_are_written_beside_its_folder_with_all_that_they_hold(run: Path):
    result = here("export", run, "--to", "jsonl")

    assert (result.code, result.err) == (0, "")
    assert result.out == f"9 rows written to {run.parent / 'first.jsonl'}\n"
    written = rows_in(run.parent / "first.jsonl")
    assert [{**each} for each in written] == left_in(run).accepted


def test_csv_and_parquet_and_datasets_hold_every_column(run: Path):
    accepted = left_in(run).accepted
    for to in ("csv", "parquet", "hf"):
        assert here("export", run, "--to", to).code == 0
    with (run.parent / "first.csv").open(encoding="utf-8", newline="") as file:
        cells = list(csv.DictReader(file))
    assert [{**each, "provenance": json.loads(each["provenance"])} for each in cells] == accepted
    assert pq.read_table(run.parent / "first.parquet").to_pylist() == accepted
    saved = datasets.load_from_disk(str(run.parent / "first.hf"))
    assert isinstance(saved, datasets.Dataset)
    label = saved.features["label"]
    assert isinstance(label, datasets.ClassLabel)
    assert [{**each, "label": label.names[each["label"]]} for each in saved] == accepted


@pytest.mark.parametrize("to", ["doccano", "label-studio"])
def test_columns_without_a_place_are_told(to: str, run: Path):
    result = here("export", run, "--to", to)

    assert result.code == 0
    assert result.err == f"columns that {to} does not carry, left out: 1 (provenance)\n"


def test_mentions_that_are_not_made_of_whole_tokens_are_told_and_listed(rows: Path, tmp_path: Path):
    out = tmp_path / "rows.conll"
    result = here("export", rows, "--to", "conll", "--out", out)

    assert result.code == 0
    assert "columns that conll does not carry, left out: 1 (source)\n" in result.err
    assert (
        "mentions that are not made of whole tokens, or share some, left out: 2 (in n1, n2); "
        f"{out}.unfit.jsonl lists them\n"
    ) in result.err
    listed = rows_in(Path(f"{out}.unfit.jsonl"))
    assert listed == [
        {"row": 1, "id": "n1", "start": 0, "end": 4, "label": "city", "text": "Bonn",
         "reason": "shares tokens with org at 0 to 9"},
        {"row": 2, "id": "n2", "start": 12, "end": 16, "label": "city", "text": "Kiel",
         "reason": "begins or ends within a token"},
    ]  # fmt: skip
    lines = out.read_text("utf-8").split("\n")
    assert lines[:4] == ["Bonn\tB-org", "club\tI-org", "met\tO", ""]


def test_a_list_of_an_earlier_export_does_not_outlive_it(rows: Path, tmp_path: Path):
    out = tmp_path / "rows.conll"
    here("export", rows, "--to", "conll", "--out", out)
    flat = seeds_file(tmp_path, [FLAT])
    result = here("export", flat, "--to", "conll", "--scheme", "bioes", "--out", out, "--overwrite")

    assert result.code == 0
    assert out.read_text("utf-8") == "Ada\tS-person\nleft\tO\nKiel\tS-city\n\n"
    assert not Path(f"{out}.unfit.jsonl").exists()


def test_tags_are_classes_where_tokens_are_asked_for(rows: Path, tmp_path: Path):
    result = here("export", rows, "--to", "hf", "--tokens", "--out", tmp_path / "out")

    assert "left out: 2 (in n1, n2)" in result.err
    saved: Any = datasets.load_from_disk(str(tmp_path / "out"))
    names = saved.features["ner_tags"].feature.names
    assert names == ["O", "B-city", "B-org", "I-org", "B-person"]
    assert [names[tag] for tag in saved[2]["ner_tags"]] == ["B-person", "O", "B-city"]
    assert saved["id"][:] == ["n1", "n2", "n3"]


@pytest.mark.parametrize(
    ("to", "given", "words"),
    [
        (["conll"], LINKED, "--to conll: carries no relations, which these rows bear: hf, csv, "),
        (["hf", "--tokens"], LINKED, "--to hf --tokens: carries no relations"),
        (["spacy"], {"text": "a", "label": "x"}, "carries no labels of whole texts"),
        (["brat"], {"text": "a", "label": "x"}, "carries no labels of whole texts"),
        (["doccano"], {**FLAT, "events": [{"trigger": 0, "type": "e"}]}, "carries no events"),
    ],
)
def test_what_a_format_cannot_carry_is_refused(to: list[str], given: Any, words: str, tmp_path):
    path = seeds_file(tmp_path, [given])
    result = here("export", path, "--to", *to)

    assert result.code == 2
    assert words in result.err
    assert ("--task ner writes the mentions alone" in result.err) is ("label" not in given)
    assert sorted(each.name for each in tmp_path.iterdir()) == [path.name]


BOTH = {**LINKED, "events": [{"trigger": 1, "type": "leave", "arguments": []}]}


@pytest.mark.parametrize("to", ["jsonl", "csv", "parquet", "hf", "brat"])
def test_relations_of_rows_with_events_go_along(to: str, tmp_path: Path):
    path = seeds_file(tmp_path, [FLAT, BOTH])
    result = here("export", path, "--to", to, "--out", tmp_path / f"out.{to}")
    assert result.code == 0
    assert "relations" not in result.err
    there = tmp_path / f"out.{to}"
    assert here("export", there, "--to", "jsonl", "--out", tmp_path / "back.jsonl").code == 0
    found = rows_in(tmp_path / "back.jsonl")
    assert [each["relations"] for each in found] == [[], LINKED["relations"]]
    assert [each["events"] for each in found] == [[], BOTH["events"]]


@pytest.mark.parametrize("to", ["doccano", "label-studio"])
def test_a_format_without_events_is_offered_the_relations(to: str, tmp_path: Path):
    path = seeds_file(tmp_path, [BOTH])
    refused = here("export", path, "--to", to)
    assert refused.code == 2
    assert "--task ner writes the mentions alone, --task relations their relations as well" in (
        refused.err
    )
    result = here("export", path, "--to", to, "--task", "relations")
    assert result.code == 0
    assert "rows whose events the task relations leaves out: 1" in result.err


WITH = {
    "--tokens": "--to hf",
    "--scheme": "--to conll or --to hf --tokens",
    "--language": "--to spacy",
}


@pytest.mark.parametrize(
    ("to", "given", "idle"),
    [
        ("csv", ["--tokens", "--scheme", "bio", "--language", "xx"], list(WITH)),
        ("conll", ["--tokens", "--scheme", "bioes"], ["--tokens"]),
        ("hf", ["--scheme", "iob1"], ["--scheme"]),
        ("hf", ["--tokens", "--scheme", "iob1", "--language", ""], ["--language"]),
        ("spacy", ["--language", "en", "--scheme", "bio"], ["--scheme"]),
    ],
)
def test_options_that_would_do_nothing_are_refused(
    to: str, given: list[str], idle: list[str], rows: Path, tmp_path: Path
):
    result = here("export", rows, "--to", to, *given)

    assert result.code == 2
    for name, those in WITH.items():
        what = f"{name}: does nothing for --to {to}: it goes with {those}\n"
        assert (what in result.err) is (name in idle)
    assert list(tmp_path.iterdir()) == [rows]


def test_tokens_take_a_scheme(tmp_path: Path):
    path = seeds_file(tmp_path, [FLAT])
    result = here("export", path, "--to", "hf", "--tokens", "--scheme", "bioes")

    assert result.code == 0
    saved: Any = datasets.load_from_disk(str(tmp_path / "seeds.hf"))
    assert "S-city" in saved.features["ner_tags"].feature.names


def test_mentions_alone_are_written_where_that_is_asked_for(tmp_path: Path):
    path = seeds_file(tmp_path, [LINKED])
    result = here("export", path, "--to", "conll", "--task", "ner")

    assert result.code == 0
    assert "rows whose relations the task ner leaves out: 1 (line 1)" in result.err


def test_faulty_rows_are_named_and_nothing_is_written(tmp_path: Path):
    wrong = {"text": "Bonn", "entities": [{"start": 0, "end": 9, "label": "city"}]}
    path = seeds_file(tmp_path, [FLAT, wrong])
    result = here("export", path, "--to", "csv")

    assert result.code == 2
    assert f"{path}, line 2: entities[0]: start 0 and end 9 do not fit" in result.err
    assert sorted(each.name for each in tmp_path.iterdir()) == [path.name]


def test_what_stands_there_is_replaced_only_where_that_is_asked_for(rows: Path, tmp_path: Path):
    for to in ("csv", "brat", "hf"):
        out = tmp_path / f"seeds.{to}"
        assert here("export", rows, "--to", to).code == 0
        again = here("export", rows, "--to", to)
        assert again.code == 2
        assert f"{out}: is there already: name another --out, or --overwrite" in again.err
        assert here("export", rows, "--to", to, "--overwrite").code == 0
    assert sorted(each.name for each in tmp_path.iterdir()) == [
        "seeds.brat", "seeds.csv", "seeds.hf", "seeds.jsonl",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("to", "suffix"),
    [
        (["conll"], "unfit.jsonl"),
        (["hf", "--tokens"], "unfit.jsonl"),
        (["label-studio"], "config.xml"),
    ],
)
def test_what_stands_beside_is_replaced_only_where_that_is_asked_for(
    to: list[str], suffix: str, tmp_path: Path
):
    out = tmp_path / "a"
    mine = tmp_path / f"a.{suffix}"
    mine.write_text("mine", "utf-8")
    asked = ("export", seeds_file(tmp_path, [FLAT]), "--out", out, "--to", *to)
    result = here(*asked)

    assert result.code == 2
    assert f"{mine}: is there already: name another --out, or --overwrite" in result.err
    assert (mine.read_text("utf-8"), out.exists()) == ("mine", False)
    assert here(*asked, "--overwrite").code == 0
    assert not mine.exists() or mine.read_text("utf-8") != "mine"
    again = here(*asked)
    assert (f"{out}: is there" in again.err, f"{mine}: is there" in again.err) == (
        True,
        mine.exists(),
    )


@pytest.mark.parametrize("to", ["jsonl", "csv", "parquet", "hf", "brat", "doccano", "label-studio"])
def test_what_a_format_does_not_write_is_let_be(to: str, rows: Path, tmp_path: Path):
    mine = [tmp_path / f"a.{suffix}" for suffix in ("unfit.jsonl", "config.xml")]
    mine = mine[:1] if to == "label-studio" else mine
    for path in mine:
        path.write_text("mine", "utf-8")
    for more in ([], ["--overwrite"]):
        assert here("export", rows, "--to", to, "--out", tmp_path / "a", *more).code == 0
        assert [path.read_text("utf-8") for path in mine] == ["mine"] * len(mine)


def test_a_folder_beside_is_never_replaced(rows: Path, tmp_path: Path):
    mine = tmp_path / "a.unfit.jsonl"
    mine.mkdir()
    result = here("export", rows, "--to", "conll", "--out", tmp_path / "a", "--overwrite")

    assert result.code == 2
    assert f"{mine}: is there already, and no export to conll" in result.err
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize("out", [".", "..", "", "/"])
@pytest.mark.parametrize("more", [[], ["--overwrite"]])
def test_the_working_directory_is_never_replaced(
    out: str, more: list[str], rows: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "sub" / "here").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "sub" / "here")
    named = Path(out).resolve()
    for to in ("hf", "brat", "csv"):
        result = here("export", rows, "--to", to, "--out", out, *more)
        assert result.code == 2
        assert f"{named}: is the working directory or holds it: it is not replaced" in result.err
    assert sorted(each.name for each in tmp_path.rglob("*")) == ["here", "seeds.jsonl", "sub"]


def test_no_folder_but_an_export_is_thrown_away(rows: Path, tmp_path: Path):
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.txt").write_text("x", "utf-8")
    for to in ("brat", "hf", "csv"):
        result = here("export", rows, "--to", to, "--out", mine, "--overwrite")
        assert result.code == 2
        assert f"{mine}: is there already, and no export to {to}" in result.err
    assert (mine / "thesis.txt").read_text("utf-8") == "x"


def test_a_folder_that_is_not_there_is_named(rows: Path, tmp_path: Path):
    result = here("export", rows, "--to", "csv", "--out", tmp_path / "no" / "a.csv")

    assert result.code == 2
    assert "cannot be written: there is no such folder" in result.err


def test_label_studio_is_told_how_to_show_the_rows(tmp_path: Path):
    lines = row("<city>New\nYork</city>", id="n4")
    path = seeds_file(tmp_path, [LINKED, {**lines, "relations": []}])
    out = tmp_path / "tasks.jsonl"
    here("export", path, "--to", "label-studio", "--out", out)

    task, other = rows_in(out)
    told = other["predictions"][0]["result"][0]["value"]["text"]
    assert told == "New\\nYork"  # as its editor tells a line break
    assert task["data"] == {"id": "n3", "text": FLAT["text"], "source": "web"}
    assert len(task["predictions"][0]["result"]) == 3
    config = Path(f"{out}.config.xml").read_text("utf-8")
    assert '<Label value="person"/>\n<Label value="city"/>' in config
    assert '<Relation value="left"/>' in config


def test_columns_are_named_as_for_a_run(tmp_path: Path):
    path = seeds_file(tmp_path, [{"a": "x y", "b": "card"}])
    result = here("export", path, "--to", "csv", "--text-field", "a", "--label-field", "b")

    assert result.code == 0
    assert (tmp_path / "seeds.csv").read_text("utf-8") == '"id","text","label"\n"r1","x y","card"\n'


@pytest.mark.parametrize("to", ["conll", "brat", "doccano", "label-studio", "parquet"])
def test_a_run_starts_from_any_format(to: str, tmp_path: Path):
    marked = [f"meet <name>{a}</name> in <city>{b}</city>" for a in "AB" for b in ("Bonn", "Kiel")]
    path = seeds_file(tmp_path, [row(each) for each in marked])
    assert here("export", path, "--to", to).code == 0
    (given,) = [each for each in tmp_path.iterdir() if each != path and each.suffix != ".xml"]
    result = here("run", given, "--total", "1", "--max-requests", "20", "--out", tmp_path / "out")

    assert result.code in {0, 3}
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text("utf-8"))
    assert manifest["recipe"]["task"] == "ner"


def test_help_tells_the_formats():
    result = alone("export", "--help")

    assert result.code == 0
    assert "{hf,csv,parquet,conll,spacy,brat,label-studio,doccano,jsonl}" in result.out


def test_seeds_with_several_labels_and_pairs_are_carried(tmp_path: Path):
    rows = [{**each, "label": [each["label"]], "text_pair": "p"} for each in seed_rows()[:3]]
    path = seeds_file(tmp_path, rows)
    here("export", path, "--to", "label-studio")
    config = (tmp_path / "seeds.label-studio.json.config.xml").read_text("utf-8")
    assert 'choice="multiple"' in config
    assert "$text_pair" in config


ODD = [1, "a", None, {}, {"x": {}}, [1, "b"], 10**30, "\ud800"]


@pytest.mark.parametrize("to", ["parquet", "hf"])
def test_objects_without_keys_are_carried_as_json(to: str, tmp_path: Path):
    path = seeds_file(tmp_path, [{"text": "t", "label": "x", "provenance": {"drawn": [{}]}}])
    out = tmp_path / f"out.{to}"
    assert here("export", path, "--to", to, "--out", out).code == 0
    assert here("export", out, "--to", "jsonl", "--out", tmp_path / "again.jsonl").code == 0
    assert rows_in(tmp_path / "again.jsonl")[0]["provenance"] == '{"drawn": [{}]}'


@pytest.mark.parametrize("to", ["parquet", "hf", "csv", "jsonl"])
def test_columns_without_one_type_are_carried_as_json(to: str, tmp_path: Path):
    rows = [{"text": f"t{n}", "label": "x", "provenance": odd} for n, odd in enumerate(ODD)]
    path = seeds_file(tmp_path, [*rows, {"text": "t", "label": "x"}])
    out = tmp_path / f"out.{to}"
    assert here("export", path, "--to", to, "--out", out).code == 0
    if to == "parquet":
        found = pq.read_table(out).column("provenance").to_pylist()
        assert found == [
            "1", "a", None, "{}", '{"x": {}}', '[1, "b"]', str(10**30), "\ufffd", None,
        ]  # fmt: skip
    assert here("export", out, "--to", "jsonl", "--out", tmp_path / "again.jsonl").code == 0
    assert [each["text"] for each in rows_in(tmp_path / "again.jsonl")] == [
        *(f"t{n}" for n in range(len(ODD))), "t",
    ]  # fmt: skip
