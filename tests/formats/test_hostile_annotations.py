"""Whatever stands in another tool's file, it is read or refused in words: never another error."""

from __future__ import annotations

import copy
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from augment.errors import InputError
from augment.formats.check import Columns, read_holdout, read_seeds
from augment.formats.docbin import Binder
from augment.formats.read_corpus import read_corpus
from augment.records import Span

TEXT = "Ada\nLee in Bonn"
LABEL_STUDIO = {
    "id": 1,
    "data": {"text": TEXT, "n": 1},
    "annotations": [
        {
            "was_cancelled": False,
            "result": [
                {
                    "id": "a",
                    "type": "labels",
                    "value": {"start": 0, "end": 7, "text": "Ada\\nLee", "labels": ["person"]},
                },
                {"id": "b", "type": "labels", "value": {"start": 11, "end": 15, "labels": ["c"]}},
                {"type": "relation", "from_id": "a", "to_id": "b", "labels": ["in"]},
                {"type": "choices", "value": {"choices": ["news"]}},
            ],
        }
    ],
}
DOCCANO = {
    "text": TEXT,
    "entities": [
        {"id": 1, "label": "person", "start_offset": 0, "end_offset": 7},
        {"id": 2, "label": "city", "start_offset": 11, "end_offset": 15},
    ],
    "relations": [{"from_id": 1, "to_id": 2, "type": "in"}],
}
ROWS = [
    LABEL_STUDIO,
    DOCCANO,
    {"text": TEXT, "label": [[0, 7, "person"], [11, 15, "city"]]},
    {"tokens": ["Ada", "left"], "ner_tags": ["B-person", "O"], "text": "Ada left"},
]
VALUES = st.recursive(
    st.sampled_from([None, True, -1, 0, 10**30, 0.5, "", "x", "B-x", "\ud800", "a\0", "a\nb"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["start", "id", "text", "labels", "result"]), inner)
    ),
    max_leaves=5,
)


@st.composite
def twisted(draw: st.DrawFn) -> Any:
    """Draw a row of another tool's with something else in one of its places."""
    row: Any = copy.deepcopy(draw(st.sampled_from(ROWS)))
    place, key = row, draw(st.sampled_from(sorted(row)))
    while isinstance(place[key], dict | list) and place[key] and draw(st.integers(0, 4)):
        place = place[key]
        keys = sorted(place) if isinstance(place, dict) else range(len(place))
        key = draw(st.sampled_from(keys))
    if draw(st.booleans()):
        place[key] = draw(VALUES)
    else:
        del place[key]
    return row


def read_or_refuse(path: Path) -> None:
    for task in (None, "classification", "ner", "relations"):
        with suppress(InputError):
            read_corpus(path, columns=Columns(), task=task)
    with suppress(InputError):
        read_seeds(path, columns=Columns(), labels=None, lenient=True)
    with suppress(InputError):
        read_holdout(path, columns=Columns())


@pytest.fixture(name="folder", scope="module")
def _folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("hostile")


@given(rows=st.lists(twisted() | st.sampled_from(ROWS), min_size=1, max_size=3))
def test_twisted_rows_are_read_or_refused(rows: Any, folder: Path) -> None:
    (folder / "a.jsonl").write_text("\n".join(map(json.dumps, rows)), "utf-8")
    read_or_refuse(folder / "a.jsonl")


PIECES = st.sampled_from(
    [
        "# text = a b", "# id 1", "a", "B-x", "I-y", "O", "\t", "\t", " ", "\n", "\n", "\r", "\0",
        "\x85", "-DOCSTART-", "\ufeff", "S-", "T1", "city 0 3", ";5 9", "E1", "R1", "in Arg1:T1",
        " Arg2:E1", ":", "x:T1", "*", "Ada",
    ]
)  # fmt: skip
TEXTS = st.lists(PIECES, max_size=20).map("".join)


@given(text=TEXTS)
def test_any_lines_are_conll_or_refused(text: str, folder: Path) -> None:
    (folder / "a.conll").write_bytes(text.encode())
    read_or_refuse(folder / "a.conll")


@given(text=TEXTS, notes=TEXTS, conf=TEXTS)
def test_any_lines_are_brats_or_refused(text: str, notes: str, conf: str, folder: Path) -> None:
    (folder / "brat").mkdir(exist_ok=True)
    (folder / "brat" / "a.txt").write_bytes(text.encode())
    (folder / "brat" / "a.ann").write_bytes(f"T1\tcity 0 3\tAda\n{notes}".encode())
    (folder / "brat" / "visual.conf").write_bytes(f"[labels]\n{conf}|{conf}".encode())
    read_or_refuse(folder / "brat")


@given(data=st.data())
def test_a_damaged_docbin_is_read_or_refused(data: st.DataObject, spacy: Any, folder: Path) -> None:
    binder = Binder("xx")
    list(binder.add("Ada in Bonn", [Span(start=7, end=11, label="city")]))
    found = bytearray(binder.whole())
    for _ in range(data.draw(st.integers(1, 4))):
        found[data.draw(st.integers(0, len(found) - 1))] = data.draw(st.integers(0, 255))
    (folder / "a.spacy").write_bytes(found)
    read_or_refuse(folder / "a.spacy")
