from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from augment.errors import InputError
from augment.formats.check import Columns, read_holdout, read_seeds
from augment.formats.write import write_jsonl
from augment.records import Example, SeedSet

Rows = Sequence[Mapping[str, Any]]


@pytest.fixture(name="seeds_of")
def _seeds_of(tmp_path: Path) -> Callable[..., SeedSet]:
    def read(
        rows: Rows, *, labels: Sequence[str] | None = None, lenient: bool = False, **columns: str
    ) -> SeedSet:
        write_jsonl(tmp_path / "seeds.jsonl", rows)
        path = tmp_path / "seeds.jsonl"
        return read_seeds(path, columns=Columns(**columns), labels=labels, lenient=lenient)

    return read


def rows_of(*pairs: tuple[str, Any]) -> list[dict[str, Any]]:
    return [{"text": text, "label": label} for text, label in pairs]


TWO_EACH = rows_of(("a", "card"), ("b", "refund"), ("c", "card"), ("d", "refund"))


def test_seeds_stand_in_file_order_with_ids_made_of_their_rows(
    seeds_of: Callable[..., SeedSet],
) -> None:
    seeds = seeds_of(TWO_EACH)
    assert seeds.examples[1] == Example(id="s2", text="b", target="refund")
    assert [seed.id for seed in seeds.examples] == ["s1", "s2", "s3", "s4"]
    assert (seeds.labels, seeds.several, seeds.pairs) == (("card", "refund"), False, False)
    assert seeds.warnings == ()


def test_given_labels_keep_their_order_and_those_without_a_seed_are_said(
    seeds_of: Callable[..., SeedSet],
) -> None:
    seeds = seeds_of(TWO_EACH, labels=["transfer", "refund", "card", "card"])
    assert seeds.labels == ("transfer", "refund", "card")
    assert seeds.warnings == ("labels without a seed: 1 ('transfer')",)


def test_other_columns_go_to_meta_as_scalars_and_provenance_nowhere(
    seeds_of: Callable[..., SeedSet],
) -> None:
    other = {"n": 3, "ok": True, "x": 1.5, "no": None, "deep": {"é": [1]}, "url": "u"}
    row = {"text": "a", "label": "card", "group": 7, "provenance": {"ask": 1}, **other}
    [seed] = seeds_of([row]).examples
    assert dict(seed.meta) == {**other, "deep": '{"é": [1]}'}
    assert seed.group == "7"


def test_own_ids_are_taken_where_every_row_has_another(seeds_of: Callable[..., SeedSet]) -> None:
    rows = [{"id": id, **row} for id, row in zip([7, "b", " c", "s1"], TWO_EACH, strict=True)]
    assert [seed.id for seed in seeds_of(rows).examples] == ["7", "b", "c", "s1"]


@pytest.mark.parametrize("ids", [["a", "a", "b", "c"], ["a", None, "b", "c"], [1, "1", 2, 3]])
def test_ids_that_fail_a_row_are_set_aside_for_all_and_said(
    ids: list[Any], seeds_of: Callable[..., SeedSet]
) -> None:
    rows = [{"id": id, **row} for id, row in zip(ids, TWO_EACH, strict=True)]
    seeds = seeds_of(rows)
    assert [seed.id for seed in seeds.examples] == ["s1", "s2", "s3", "s4"]
    assert [seed.meta["id"] for seed in seeds.examples] == ids
    assert seeds.warnings == (
        "ids not given once to every row: 1 (column 'id'; the lines name the seeds)",
    )


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ({"Utterance": "a", "INTENT": "card"}, ("a", None)),
        ({"text": "a", "content": "b", "label": "card", "category": "x"}, ("a", None)),
        ({"premise": "a", "hypothesis": "b", "class": "card"}, ("a", "b")),
        ({"text": "a", "text_pair": None, "label": "card"}, ("a", None)),
    ],
)
def test_columns_are_found_by_known_names_and_the_formats_own_go_first(
    names: dict[str, Any], expected: tuple[str, str | None], seeds_of: Callable[..., SeedSet]
) -> None:
    [seed] = seeds_of([names]).examples
    assert (seed.text, seed.text_pair, seed.target) == (*expected, "card")
    assert "text_pair" not in seed.meta


def test_columns_that_the_user_names_are_taken(seeds_of: Callable[..., SeedSet]) -> None:
    row = {"text": "no", "label": "no", "q": "a", "r": "b", "kind": "card"}
    seeds = seeds_of([row], text="q", text_pair="r", label="kind")
    [seed] = seeds.examples
    assert (seed.text, seed.text_pair, seed.target, seeds.pairs) == ("a", "b", "card", True)
    assert dict(seed.meta) == {"text": "no", "label": "no"}


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"text": "q"}, "no column 'q'; the columns are ['text', 'label']"),
        ({"text_pair": "q"}, "no column 'q'; the columns are ['text', 'label']"),
        ({"label": "text"}, "one column cannot be two things: ['text', 'text']"),
    ],
)
def test_a_column_that_cannot_be_what_it_is_named_for_is_a_fault(
    columns: dict[str, str], words: str, seeds_of: Callable[..., SeedSet]
) -> None:
    with pytest.raises(InputError) as caught:
        seeds_of(TWO_EACH, **columns)
    assert [fault.what for fault in caught.value.faults] == [words]


def test_numbers_and_booleans_serve_as_labels_by_their_text(
    seeds_of: Callable[..., SeedSet],
) -> None:
    seeds = seeds_of(rows_of(("a", 3), ("b", True), ("c", "3")))
    assert [seed.target for seed in seeds.examples] == ["3", "true", "3"]


def test_a_list_makes_every_row_carry_several_labels(seeds_of: Callable[..., SeedSet]) -> None:
    seeds = seeds_of(rows_of(("a", ["x", "y"]), ("b", []), ("c", [1, "x", "x "])))
    assert seeds.several
    assert [seed.target for seed in seeds.examples] == [("x", "y"), (), ("1", "x")]
    assert seeds.labels == ("x", "y", "1")


def test_a_bracket_alone_makes_no_list_in_csv(tmp_path: Path) -> None:
    path = tmp_path / "seeds.csv"
    path.write_text("text,label\na,[other]\nb,[\n", encoding="utf-8")
    seeds = read_seeds(path, columns=Columns(), labels=None, lenient=False)
    assert (seeds.several, seeds.labels) == (False, ("[other]", "["))


def test_a_text_that_looks_like_a_list_stays_a_label_where_lists_have_a_type(
    seeds_of: Callable[..., SeedSet],
) -> None:
    assert seeds_of(rows_of(("a", '["x"]'))).labels == ('["x"]',)


def test_repeated_texts_are_kept_once_and_counted(seeds_of: Callable[..., SeedSet]) -> None:
    seeds = seeds_of([*TWO_EACH, *TWO_EACH, *TWO_EACH[:1]])
    assert len(seeds.examples) == 4
    assert seeds.warnings == ("repeated texts, kept once: 5 (lines 5, 6, 7, 8, 9)",)


def test_a_pair_is_repeated_only_as_a_pair(seeds_of: Callable[..., SeedSet]) -> None:
    pairs = [{"text": "a", "text_pair": pair, "label": pair} for pair in ("x", "y", "x")]
    seeds = seeds_of(pairs)
    assert [seed.text_pair for seed in seeds.examples] == ["x", "y"]
    assert seeds.warnings[0] == "repeated texts, kept once: 1 (line 3)"


def test_of_two_label_sets_for_one_text_the_first_is_kept_and_counted(
    seeds_of: Callable[..., SeedSet],
) -> None:
    sets = [["x", "y"], ["y", "x"], ["x"], ["x", "y", "z"]]
    seeds = seeds_of(rows_of(*(("a", labels) for labels in sets), ("b", ["x", "y"])))
    assert [seed.target for seed in seeds.examples] == [("x", "y"), ("x", "y")]
    assert seeds.warnings == (
        "repeated texts, kept once: 1 (line 2)",
        "texts annotated in two ways, the first kept: 2 (lines 3, 4)",
    )


def test_white_space_at_the_ends_is_trimmed_and_counted(seeds_of: Callable[..., SeedSet]) -> None:
    rows = [
        {"text": "a\n", "text_pair": "p", "label": "x"},
        {"text": "b", "text_pair": "\u3000p", "label": "x"},
        {"text": "c", "text_pair": "p", "label": " x"},
        {"text": "d", "text_pair": "p", "label": "x"},
    ]
    seeds = seeds_of(rows)
    assert [(seed.text, seed.text_pair, seed.target) for seed in seeds.examples] == [
        (text, "p", "x") for text in "abcd"
    ]
    assert seeds.warnings == ("white space at the ends, trimmed: 3 (lines 1, 2, 3)",)


def test_labels_with_one_seed_are_named_with_their_row(seeds_of: Callable[..., SeedSet]) -> None:
    seeds = seeds_of([*TWO_EACH, *rows_of(("e", "lost"))])
    assert seeds.warnings == ("labels with one seed: 1 ('lost' in line 5)",)


def test_labels_that_look_alike_are_named(seeds_of: Callable[..., SeedSet]) -> None:
    seeds = seeds_of(
        [*TWO_EACH, *rows_of(("e", "Card"), ("f", "Card"), ("g", "c ard"), ("h", "c ard"))]
    )
    assert seeds.warnings == (
        "labels that differ only in case or white space: 1 ('card' and 'Card' and 'c ard')",
    )


def test_lenient_skips_faulty_rows_and_counts_them(seeds_of: Callable[..., SeedSet]) -> None:
    bad = rows_of(("", "card"), ("a", "refund"), ("x", "lost"), ("\0", None))
    seeds = seeds_of([*TWO_EACH, *bad], labels=["card", "refund"], lenient=True)
    assert [seed.text for seed in seeds.examples] == ["a", "b", "c", "d"]
    assert seeds.warnings == (
        "faulty rows, skipped: 4 (lines 5, 6, 7, 8); the first: column 'text' is empty",
    )


def test_lenient_still_refuses_a_file_of_which_nothing_is_left(
    seeds_of: Callable[..., SeedSet],
) -> None:
    with pytest.raises(InputError, match=r"line 1: label 'card' is not one of \['x'\]"):
        seeds_of(TWO_EACH, labels=["x"], lenient=True)


def test_lenient_still_refuses_a_missing_column(seeds_of: Callable[..., SeedSet]) -> None:
    with pytest.raises(InputError, match="no column 'label'"):
        seeds_of([{"text": "a"}], lenient=True)


def test_rows_with_entities_and_a_label_are_classification_rows(
    seeds_of: Callable[..., SeedSet],
) -> None:
    [seed] = seeds_of([{"text": "a", "label": "x", "entities": []}]).examples
    assert (seed.target, seed.meta["entities"]) == ("x", "[]")


def test_a_holdout_keeps_every_row_and_needs_no_labels(tmp_path: Path) -> None:
    rows = [*rows_of(("a", "x"), ("a", "y"), ("a", None)), {"text": " b", "id": "i"}]
    write_jsonl(tmp_path / "test.jsonl", rows)
    examples = read_holdout(tmp_path / "test.jsonl", columns=Columns())
    assert [(row.id, row.text, row.target, row.origin) for row in examples] == [
        ("h1", "a", "x", "seed"),
        ("h2", "a", "y", "seed"),
        ("h3", "a", "", "given"),
        ("h4", "b", "", "given"),
    ]


def test_a_holdout_without_a_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "test.csv"
    path.write_text("text,label\n,x\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"test.csv, row 2: column 'text' is empty"):
        read_holdout(path, columns=Columns(label="intent"))


def save_csv(path: Path, rows: Rows) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        for row in rows:
            lists = {name: json.dumps(v) for name, v in row.items() if isinstance(v, list)}
            writer.writerow({**row, **lists})


SAVERS: dict[str, Callable[[Path, Rows], Any]] = {
    "a.csv": save_csv,
    "a.jsonl": write_jsonl,
    "a.json": lambda path, rows: path.write_text(json.dumps(rows), encoding="utf-8"),
    "a.parquet": lambda path, rows: pq.write_table(pa.Table.from_pylist(list(rows)), path),
    "saved": lambda path, rows: datasets.Dataset.from_list(list(rows)).save_to_disk(str(path)),
}
# NUL and lone surrogates are faults.
TEXTS = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1
).filter(str.strip)
LABELS = st.sampled_from(["card", "refund", "Überweisung, neu", '"quoted"', "[x]"])


def rows_with(labels: st.SearchStrategy[Any]) -> st.SearchStrategy[list[dict[str, Any]]]:
    row = st.fixed_dictionaries(
        {
            "text": TEXTS,
            "text_pair": TEXTS,
            "label": labels,
            "group": st.none() | st.sampled_from(["g", "h"]),
            "lang": st.none() | TEXTS,
            "votes": st.integers(-(2**40), 2**40),
            "score": st.floats(allow_nan=False, allow_infinity=False),
            "sure": st.booleans(),
        }
    )
    rows = st.lists(row, min_size=1, max_size=5, unique_by=lambda row: row["text"].strip())
    return rows.map(lambda rows: [{"id": f"r{i}", **row} for i, row in enumerate(rows)])


@given(rows=rows_with(LABELS) | rows_with(st.lists(LABELS, unique=True)))
def test_the_same_rows_have_one_digest_in_every_format(
    rows: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("formats")
    for name, save in SAVERS.items():
        save(folder / name, rows)
    seeds = {
        name: read_seeds(folder / name, columns=Columns(), labels=None, lenient=False)
        for name in SAVERS
    }
    first = seeds["a.jsonl"]
    assert [seed.text for seed in first.examples] == [row["text"].strip() for row in rows]
    assert {name: read.digest for name, read in seeds.items()} == dict.fromkeys(
        SAVERS, first.digest
    )
    for read in seeds.values():
        assert [seed.target for seed in read.examples] == [seed.target for seed in first.examples]
        assert [seed.group for seed in read.examples] == [seed.group for seed in first.examples]


@pytest.mark.parametrize(
    "change",
    [{"text": "z"}, {"label": "z"}, {"id": "z"}, {"group": "z"}, {"note": "z"}, {"text_pair": "z"}],
)
def test_the_digest_changes_with_the_content(
    change: dict[str, str], seeds_of: Callable[..., SeedSet]
) -> None:
    row = {"id": "a", "text": "b", "text_pair": "c", "label": "d", "group": "e", "note": "f"}
    assert seeds_of([row]).digest != seeds_of([{**row, **change}]).digest


def test_the_digest_of_several_labels_is_not_that_of_one(seeds_of: Callable[..., SeedSet]) -> None:
    assert seeds_of(rows_of(("a", "x"))).digest != seeds_of(rows_of(("a", ["x"]))).digest


@pytest.mark.parametrize("cell", ["true", "True"])
def test_a_boolean_has_the_digest_of_its_text(
    cell: str, tmp_path: Path, seeds_of: Callable[..., SeedSet]
) -> None:
    path = tmp_path / "seeds.csv"
    path.write_text(f"id,text,label,sure\na,b,c,{cell}\n", encoding="utf-8")
    typed = seeds_of([{"id": "a", "text": "b", "label": "c", "sure": True}])
    untyped = read_seeds(path, columns=Columns(), labels=None, lenient=False)
    assert untyped.digest == typed.digest
