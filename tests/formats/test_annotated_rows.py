"""Rows of the extraction tasks: recognised, refused with file and row, the same in every format."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from annotated import annotated, row
from hypothesis import given
from hypothesis import strategies as st

from augment.errors import InputError
from augment.formats.check import Columns, read_seeds
from augment.formats.write import write_jsonl
from augment.records import SeedSet
from augment.spans.reading import ANY, FIELDS, Allowed
from augment.spans.writing import fields_of

ADA = row("<person>Ada</person> lives in <city>Bonn</city>")
BO = row("<person>Bo</person> left <city>Kiel</city>")
LIVES = {"relations": [{"head": 0, "tail": 1, "label": "lives in"}]}
LEAVES = {"events": [{"trigger": 0, "type": "leave", "arguments": []}]}


def seeds(path: Path, rows: Any, *, task: Any = None, types: Allowed = ANY, lenient=False, **names):
    write_jsonl(path / "rows.jsonl", rows)
    return read_seeds(
        path / "rows.jsonl",
        columns=Columns(**names),
        labels=None,
        lenient=lenient,
        task=task,
        types=types,
    )


@pytest.mark.parametrize(
    ("rows", "task", "labels"),
    [
        ([ADA, BO], "ner", ("person", "city")),
        ([{**ADA, "label": "x"}, BO], "ner", ("person", "city")),
        ([{**ADA, **LIVES}, BO], "relations", ("lives in",)),
        ([{**ADA, **LIVES}, {**BO, **LEAVES}], "events", ("leave",)),
        ([{"text": "a", "label": "x", "entities": []}], "classification", ("x",)),
    ],
)
def test_the_task_is_the_richest_that_the_rows_hold(rows, task, labels, tmp_path: Path) -> None:
    found = seeds(tmp_path, rows)
    assert (found.task, found.labels) == (task, labels)


def test_a_task_that_is_named_goes_before_what_the_rows_hold(tmp_path: Path) -> None:
    rows = [{**ADA, **LIVES, **LEAVES, "label": "x"}, {**BO, "label": "y"}]
    assert seeds(tmp_path, rows, task="ner").labels == ("person", "city")
    assert seeds(tmp_path, rows, task="relations").labels == ("lives in",)
    assert seeds(tmp_path, rows, task="classification").labels == ("x", "y")
    assert seeds(tmp_path, rows, label="label").labels == ("x", "y")


def test_what_a_task_leaves_out_is_counted(tmp_path: Path) -> None:
    rows = [{**ADA, **LIVES, **LEAVES}, {**BO, **LEAVES}]
    assert "rows whose relations the task events leaves out: 1 (line 1)" in (
        seeds(tmp_path, rows).warnings
    )
    assert "rows whose events the task ner leaves out: 2 (lines 1, 2)" in (
        seeds(tmp_path, rows, task="ner").warnings
    )


def test_a_task_without_its_column_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no column 'relations', which the task relations needs"):
        seeds(tmp_path, [ADA], task="relations")


def test_every_faulty_row_is_named_with_file_row_and_text(tmp_path: Path) -> None:
    wrong = {"text": "Bonn", "entities": [{"start": 0, "end": 9, "label": "city", "text": "Bonn"}]}
    other = {"text": "Kiel", "entities": [{"start": 0, "end": 4, "label": "town"}]}
    with pytest.raises(InputError) as raised:
        seeds(tmp_path, [wrong, ADA, other], types=Allowed(entities=["city", "person"]))
    first, second = raised.value.faults
    assert first.where.endswith("rows.jsonl, line 1")
    assert "do not fit a text of 4 characters (its mention is 'Bonn')" in first.what
    assert second.where.endswith("rows.jsonl, line 3")
    assert "label 'town' is not one of ['city', 'person']" in second.what


def test_faulty_rows_are_left_out_where_that_is_asked_for(tmp_path: Path) -> None:
    wrong = {"text": "Bonn", "entities": [{"start": 0, "end": 9, "label": "city"}]}
    found = seeds(tmp_path, [ADA, wrong], lenient=True)
    assert [each.text for each in found.examples] == [ADA["text"]]
    assert "faulty rows, skipped: 1 (line 2)" in found.warnings[0]


def test_natural_untidiness_is_a_counted_warning(tmp_path: Path) -> None:
    other = {"text": ADA["text"], "entities": ADA["entities"][:1]}
    spaced = {"text": "to Rome now", "entities": [{"start": 2, "end": 8, "label": "city"}]}
    found = seeds(tmp_path, [ADA, ADA, other, spaced])
    assert len(found.examples) == 2
    assert found.warnings == (
        "repeated texts, kept once: 1 (line 2)",
        "texts annotated in two ways, the first kept: 1 (line 3)",
        "mentions with white space at the ends, trimmed: 1 (line 4)",
        "types with one seed: 1 ('person' in line 1)",
    )


def test_rows_without_any_mention_teach_no_types(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no row has any mention"):
        seeds(tmp_path, [{"text": "nothing here", "entities": []}])


def test_given_types_keep_their_order_and_those_without_a_seed_are_said(tmp_path: Path) -> None:
    found = seeds(tmp_path, [ADA, BO], types=Allowed(entities=["river", "city", "person"]))
    assert found.labels == ("river", "city", "person")
    assert found.warnings == ("types without a seed: 1 ('river')",)


# Formats ----------------------------------------------------------------------------------------


def save_csv(path: Path, rows: list[dict[str, Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        for each in rows:
            lists = {name: json.dumps(v) for name, v in each.items() if isinstance(v, list)}
            writer.writerow({**each, **lists})


def save_arrow(path: Path, rows: list[dict[str, Any]]) -> None:
    pq.write_table(pa.Table.from_pylist(rows), path)


def save_dataset(path: Path, rows: list[dict[str, Any]]) -> None:
    datasets.Dataset.from_list(rows).save_to_disk(str(path))


SAVERS: Any = {
    "a.jsonl": write_jsonl,
    "a.json": lambda path, rows: path.write_text(json.dumps(rows), encoding="utf-8"),
    "a.csv": save_csv,
    "a.parquet": save_arrow,
    "saved": save_dataset,
}


def read(path: Path, task: Any) -> SeedSet:
    return read_seeds(path, columns=Columns(), labels=None, lenient=False, task=task)


@given(
    drawn=st.lists(annotated(), min_size=1, max_size=4, unique_by=lambda each: each[0]),
    task=st.sampled_from(["ner", "relations", "events"]),
)
def test_the_same_rows_have_one_digest_in_every_format(
    drawn: Any, task: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("formats")
    whole = row("<person>Ada</person> <city>Bonn</city>", **LIVES, **LEAVES)
    rows = [fields_of(text, annotation, FIELDS[task]) for text, annotation in drawn]
    rows.append({name: whole[name] for name in rows[0]})
    rows = [{"id": f"r{n}", **each} for n, each in enumerate(rows)]
    for name, save in SAVERS.items():
        save(folder / name, rows)
    found = {name: read(folder / name, task) for name in SAVERS}
    first = found["a.jsonl"]
    assert [(each.text) for each in first.examples] == [each["text"] for each in rows]
    for name, each in found.items():
        assert each.examples == first.examples, name
        assert (each.digest, each.labels) == (first.digest, first.labels), name


@pytest.mark.parametrize("kind", ["List", "Sequence"])
def test_classes_within_mentions_are_read_by_their_names(kind: str, tmp_path: Path) -> None:
    names = datasets.ClassLabel(names=["person", "city"])
    entity = {"start": datasets.Value("int64"), "end": datasets.Value("int64"), "label": names}
    made = datasets.List(entity) if kind == "List" else datasets.Sequence(entity)
    features = datasets.Features({"text": datasets.Value("string"), "entities": made})
    rows = [ADA, BO]
    if kind == "Sequence":  # made of an object of lists, which `datasets` stores it as
        rows = [
            {**each, "entities": {k: [e[k] for e in each["entities"]] for k in entity}}
            for each in rows
        ]
    saved = datasets.Dataset.from_list(rows, features=features)
    saved.save_to_disk(str(tmp_path / "saved"))
    saved.to_parquet(str(tmp_path / "a.parquet"))
    expected = seeds(tmp_path, [ADA, BO])
    assert read(tmp_path / "saved", None).digest == expected.digest
    assert read(tmp_path / "a.parquet", None).digest == expected.digest


# file: examples kept, task, types, rows left out
CORPORA = {
    "crossner_ai/train": (100, "ner", 14, 0),
    "wnut17/train": (3_291, "ner", 6, 103),
    "restaurant8k_slots/train_frac64": (128, "ner", 5, 0),
    "restaurant8k_slots/train": (7_959, "ner", 5, 239),
    "fewrel_val_wiki/train": (7_891, "relations", 16, 109),
    "phee_pharmacovigilance_events/train": (2_897, "events", 2, 1),
}


@pytest.mark.parametrize("name", CORPORA)
def test_a_public_corpus_is_read_and_every_row_accounted_for(name: str, corpora: Path) -> None:
    path = corpora / "extraction" / f"{name}.jsonl"
    kept, task, types, left_out = CORPORA[name]
    found = read(path, None)
    assert (len(found.examples), found.task, len(found.labels)) == (kept, task, types)
    lines = path.read_text("utf-8").split("\n")
    assert sum(1 for line in lines if line) == kept + left_out
    for example in found.examples:
        for each in example.target.entities:
            mention = example.text[each.start : each.end]
            assert mention
            assert mention == mention.strip()
