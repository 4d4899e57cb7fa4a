"""brat's folders: what is read, what is left out with its count, what is refused where."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from augment.errors import InputError
from augment.formats.check import Columns, read_seeds
from augment.formats.export import Wish, export
from augment.formats.read_corpus import read_corpus
from augment.records import Annotation, Argument, Event, Relation, SeedSet, Span

TEXT = "Ada left\nBonn \U0001f44d for Kiel.\n"
NOTES = """T1\tperson 0 3\tAda
T2\tcity 9 13\tBonn
T3\tcity 20 24\tKiel
T4\tleave 4 8\tleft
R1\tfrom_to Arg1:T2 Arg2:T3
E1\tleave:T4 who:T1 place:T2 place2:T3
"""
MENTIONS = (
    Span(start=0, end=3, label="person"),
    Span(start=4, end=8, label="leave"),
    Span(start=9, end=13, label="city"),
    Span(start=20, end=24, label="city"),
)


def seeds(folder: Path, *documents: tuple[str, str], task: Any = None, **files: str) -> SeedSet:
    for number, (text, notes) in enumerate(documents, 1):
        (folder / f"d{number}.txt").write_bytes(text.encode())
        (folder / f"d{number}.ann").write_bytes(notes.encode())
    for name, text in files.items():
        (folder / name.replace("_", ".")).write_bytes(text.encode())
    return read_seeds(folder, columns=Columns(), labels=None, lenient=False, task=task)


def faults(folder: Path, *documents: tuple[str, str], **files: str) -> list[tuple[str, str]]:
    with pytest.raises(InputError) as raised:
        seeds(folder, *documents, **files)
    return [(each.where.rpartition(", ")[2], each.what) for each in raised.value.faults]


def test_mentions_relations_and_events_are_read(tmp_path: Path):
    found = seeds(tmp_path, (TEXT, NOTES))
    (row,) = found.examples
    assert (found.task, row.id, row.text) == ("events", "d1", TEXT.strip())
    assert row.target.entities == MENTIONS
    roles = [("who", 0), ("place", 2), ("place", 3)]
    arguments = tuple(Argument(entity=at, role=role) for role, at in roles)
    assert row.target.events == (Event(trigger=1, type="leave", arguments=arguments),)
    (row,) = seeds(tmp_path, task="relations").examples
    assert row.target.relations == (Relation(head=2, tail=3, label="from_to"),)


def test_documents_are_named_by_their_paths_in_natural_order(tmp_path: Path):
    for name in ("d10", "d2", "sub/d1"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / f"{name}.txt").write_text(f"Ada {name}", "utf-8")
        (tmp_path / f"{name}.ann").write_text("T1\tperson 0 3\tAda\n", "utf-8")
    assert [row.id for row in seeds(tmp_path).examples] == ["d2", "d10", "sub/d1"]


def test_what_is_left_out_is_counted(tmp_path: Path):
    notes = "T1\tcity 0 4\tBonn\nT2\tgo 5 9\tgone\nE1\tgo:T2 what:T1\nE2\tgo:T2 of:E1\n"
    notes += "A1\tsure E1\n#1\tAnnotatorNotes T1\tx\n*\tEquiv T1 T2\nN1\tReference T1 W:1\tBonn\n\n"
    found = seeds(tmp_path, ("Bonn gone", notes), lonely_txt="nobody read this")
    assert "texts without an .ann file, left out: 1" in found.warnings
    assert (
        "lines with attributes, notes, normalisations or equivalences, left out: 4"
        in found.warnings
    )
    assert "arguments that are events, taken for their triggers: 1" in found.warnings
    assert found.examples[0].target.events[1].arguments == (Argument(entity=1, role="of"),)


def test_a_mention_over_lines_is_one_and_another_in_parts_is_discontinuous(tmp_path: Path):
    notes = "T1\tcity 0 3;4 8\tNew York\nT2\tcity 0 3;9 12\tNew and\n"
    assert faults(tmp_path, ("New\nYork and", notes)) == [
        (
            "d1.ann",
            "line 2: T2 ('New and') is discontinuous, at 0 3;9 12: a mention is one stretch of "
            "its text; mark it whole, or leave it out",
        )
    ]
    (row,) = seeds(tmp_path, ("New\nYork and", notes.split("\n")[0])).examples
    assert row.target == Annotation(entities=(Span(start=0, end=8, label="city"),))


def test_every_fault_is_named_with_file_and_line(tmp_path: Path):
    notes = "T1\tcity 0 4\tBonn\nT1\tcity 0 4\tBonn\nT2 city 0 4\nT3\tcity zero 4\tBonn\nhello\n"
    notes += "R1\tin Arg1:T1\nR2\tin Arg1:T1 Arg2:T9\nE1\tgo:T8 what:T7\nE2\tgo\n"
    found = faults(tmp_path, ("Bonn is", "T1\tcity 0 4\tKiel\n"), ("Bonn is", notes), bare_ann="")
    assert ("d1.ann", "entities[0]: 0 to 4 is 'Bonn', and 'text' says 'Kiel'") in found
    assert ("bare.ann", "has no .txt file beside it") in found
    assert [what for where, what in found if where == "d2.ann"] == [
        "line 2: 'T1' stands there a second time",
        "line 3: '' is no type with the start and end of a mention",
        "line 4: 'city zero 4' is no type with the start and end of a mention",
        "line 5: 'hello' is no annotation of brat",
        "line 6: the relation 'in' has 1 arguments, not two",
        "line 7: 'T9' stands on no line",
        "line 8: 'T8' stands on no line",
        "line 8: 'T7' stands on no line",
        "line 9: 'go' is no type with its trigger and roles with their arguments",
    ]


def test_bytes_given_for_characters_are_told(tmp_path: Path):
    found = faults(tmp_path, ("\U0001f44d in Bonn", "T1\tcity 8 12\tBonn\n"))
    assert "they seem to count bytes" in found[0][1]


def test_a_file_that_is_no_utf8_is_named(tmp_path: Path):
    (tmp_path / "a.ann").write_bytes(b"T1\tcity 0 1\tx")
    (tmp_path / "a.txt").write_bytes(b"\xff")
    with pytest.raises(InputError, match=r"a\.txt: not UTF-8 at byte 0"):
        seeds(tmp_path)


def test_names_are_shown_only_where_the_types_are_their_plain_forms(tmp_path: Path):
    conf = "[labels]\ncell_line | cell line | cell\nProtein | Eiweiss\n# x\n[drawing]\nx | y\n"
    notes = "T1\tcell_line 0 4\tHeLa\nT2\tProtein 5 7\tp5\n"
    found = seeds(tmp_path, ("HeLa p5", notes), visual_conf=conf)
    assert found.labels == ("cell line", "Protein")
    assert "types with the names that visual.conf shows: 1" in found.warnings


def written(folder: Path, rows: Path, **more: Any) -> Path:
    corpus = read_corpus(rows, columns=Columns(), task=None)
    export(corpus, Wish(to="brat", out=folder / "out.brat", **more))
    return folder / "out.brat"


def test_what_is_written_has_brats_own_form(tmp_path: Path):
    entities = '{"start": 0, "end": 8, "label": "city"}, {"start": 4, "end": 8, "label": "a b"}'
    events = '[{"trigger": 1, "type": "e1", "arguments": [{"entity": 0, "role": "in"}]}]'
    line = f'{{"id": "x", "text": "New\\nYork", "entities": [{entities}], "events": {events}}}'
    (tmp_path / "rows.jsonl").write_text(line, "utf-8")
    folder = written(tmp_path, tmp_path / "rows.jsonl")
    assert (folder / "x.txt").read_bytes() == b"New\nYork"
    assert (folder / "x.ann").read_text("utf-8").split("\n") == [
        "T1\tcity 0 3;4 8\tNew York", "T2\ta_b 4 8\tYork", "E1\te1_:T2 in:T1", "",
    ]  # fmt: skip
    settings = (folder / "annotation.conf").read_text("utf-8")
    assert "[events]\ne1_\tin*:<ENTITY>\n" in settings
    assert "a_b | a b\n" in (folder / "visual.conf").read_text("utf-8")


@pytest.mark.parametrize("ids", [["../x", "y"], ["a", "A"], ["a b", "c"]])
def test_ids_that_cannot_be_names_of_files_give_way_to_numbers(ids: list[str], tmp_path: Path):
    lines = [f'{{"id": "{id}", "text": "Bonn {id}", "entities": []}}\n' for id in ids]
    (tmp_path / "rows.jsonl").write_text("".join(lines), "utf-8")
    folder = written(tmp_path, tmp_path / "rows.jsonl")
    assert sorted(path.name for path in folder.glob("*.ann")) == ["row1.ann", "row2.ann"]


def test_a_type_that_brat_cannot_show_is_refused(tmp_path: Path):
    line = '{"text": "Bonn", "entities": [{"start": 0, "end": 4, "label": "a|b"}]}'
    (tmp_path / "rows.jsonl").write_text(line, "utf-8")
    with pytest.raises(InputError, match=r"no type or role may hold '\|' there: \['a\|b'\]"):
        written(tmp_path, tmp_path / "rows.jsonl")
    assert [path.name for path in tmp_path.iterdir()] == ["rows.jsonl"]


def test_types_of_one_plain_form_stay_apart(tmp_path: Path):
    labels = ["a b", "a_b", "a.b", "a1", "a1_"]
    spans = [{"start": at, "end": at + 1, "label": label} for at, label in enumerate(labels)]
    line = json.dumps({"text": "abcde", "entities": spans})
    (tmp_path / "rows.jsonl").write_text(line, "utf-8")
    folder = written(tmp_path, tmp_path / "rows.jsonl")
    found = read_corpus(folder, columns=Columns(), task="ner")
    assert list(found.types) == labels
