"""Public corpora, written in the formats that are natural for them, are what they were."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from augment.formats.export import Exported, Wish, export
from augment.formats.read_corpus import read_corpus
from augment.formats.rows import Columns

ROWS = 300


@pytest.fixture(name="cut", scope="module")
def _cut(corpora: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Return the path of the first rows of a corpus."""

    def cut(name: str) -> Path:
        path = tmp_path_factory.mktemp("cut") / "rows.jsonl"
        lines = (corpora / f"{name}.jsonl").read_text("utf-8").split("\n")[:ROWS]
        path.write_text("\n".join(lines), "utf-8")
        return path

    return cut


def there_and_back(path: Path, to: Any, name: str, **more: Any) -> tuple[Any, Any, Exported]:
    task = more.pop("task", None)
    before = read_corpus(path, columns=Columns(), task=task)
    out = path.with_name(name)
    exported = export(before, Wish(to=to, out=out, **more))
    return before, read_corpus(out, columns=Columns(), task=before.task), exported


@pytest.mark.parametrize(
    ("corpus", "to", "name"),
    [
        ("extraction/crossner_ai/dev", "brat", "out.brat"),
        ("extraction/crossner_ai/dev", "label-studio", "out.json"),
        ("extraction/wnut17/dev", "doccano", "out.jsonl"),
        ("extraction/wnut17/dev", "hf", "out.hf"),
        ("extraction/fewrel_val_wiki/test", "brat", "out.brat"),
        ("extraction/fewrel_val_wiki/test", "doccano", "out.jsonl"),
        ("extraction/fewrel_val_wiki/test", "label-studio", "out.json"),
        ("extraction/phee_pharmacovigilance_events/dev", "brat", "out.brat"),
        ("extraction/phee_pharmacovigilance_events/dev", "parquet", "out.parquet"),
        ("extraction/phee_pharmacovigilance_events/dev", "csv", "out.csv"),
        ("classification/goemotions/dev", "doccano", "out.jsonl"),
        ("classification/goemotions/dev", "label-studio", "out.json"),
    ],
)
def test_rows_are_what_they_were(corpus: str, to: Any, name: str, cut: Any) -> None:
    before, after, exported = there_and_back(cut(corpus), to, name)
    assert exported.rows == ROWS
    # Of the order of rows brat's folders know nothing.
    found = [
        sorted(((row.text, row.target) for row in x.examples), key=repr) for x in (after, before)
    ]
    assert found[0] == found[1]


def test_the_relations_of_rows_with_events_are_read(cut: Any) -> None:
    path = cut("extraction/phee_pharmacovigilance_events/dev")
    rows = [json.loads(line) for line in path.read_text("utf-8").split("\n")]
    found = read_corpus(path, columns=Columns(), task=None)
    assert found.task == "events"
    told = [{(one.label) for one in each.relations} for each in found.annotations]
    assert told == [{one["label"] for one in row["relations"]} for row in rows]
    assert found.warnings == ()


@pytest.mark.parametrize("scheme", ["bio", "iob1", "bioes"])
@pytest.mark.parametrize("corpus", ["wnut17/dev", "crossner_ai/dev", "restaurant8k_slots/test"])
def test_mentions_outlast_tags(corpus: str, scheme: Any, cut: Any) -> None:
    path = cut(f"extraction/{corpus}")
    before, after, exported = there_and_back(path, "conll", "out.conll", scheme=scheme)
    unfit = {(each["row"], each["start"], each["label"]) for each in exported.unfit}
    for number, (one, other) in enumerate(zip(before.examples, after.examples, strict=True), 1):
        assert "".join(other.text.split()) == "".join(one.text.split())
        told = [
            (each.label, "".join(one.text[each.start : each.end].split()))
            for each in one.target.entities
            if (number, each.start, each.label) not in unfit
        ]
        assert told == [
            (each.label, "".join(other.text[each.start : each.end].split()))
            for each in other.target.entities
        ]


def test_nested_mentions_of_events_are_listed(cut: Any) -> None:
    path = cut("extraction/phee_pharmacovigilance_events/dev")
    before, after, exported = there_and_back(path, "conll", "out.conll", task="ner")
    kept = sum(len(each.entities) for each in after.annotations)
    assert exported.unfit
    assert kept + len(exported.unfit) == sum(len(each.entities) for each in before.annotations)
