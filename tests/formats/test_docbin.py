"""spaCy's DocBin: read from spaCy's own documents, refused where it is none."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from augment.errors import InputError
from augment.formats.check import Columns, read_seeds
from augment.formats.docbin import Binder
from augment.records import Span

TEXT = "Ada left New York \U0001f44d"
YORK, NEW_YORK = Span(start=13, end=17, label="b"), Span(start=9, end=17, label="city")


def seeds(path: Path) -> Any:
    return read_seeds(path, columns=Columns(), labels=None, lenient=False)


def test_entities_and_span_groups_are_read_each_once(spacy: Any, tmp_path: Path):
    doc = spacy.blank("en")(TEXT)
    doc.ents = [doc.char_span(0, 3, label="person"), doc.char_span(9, 17, label="city")]
    doc.spans["sc"] = [doc.char_span(9, 17, label="city"), doc.char_span(13, 17, label="b")]
    doc.user_data["x"] = 1
    spacy.tokens.DocBin(docs=[doc], store_user_data=True).to_disk(tmp_path / "a.spacy")
    (row,) = seeds(tmp_path / "a.spacy").examples
    assert row.text == TEXT
    assert row.target.entities == (Span(start=0, end=3, label="person"), NEW_YORK, YORK)


def test_overlapping_mentions_stand_in_the_span_group_and_the_longest_in_ents(spacy: Any):
    binder = Binder("en")
    assert list(binder.add(TEXT, [NEW_YORK, YORK])) == []
    assert list(binder.add("Kiel", [Span(start=0, end=4, label="city")])) == []
    unfit = list(binder.add("Bonn", [Span(start=1, end=4, label="x")]))
    assert unfit == [(Span(start=1, end=4, label="x"), "begins or ends within a token")]
    bound = spacy.tokens.DocBin().from_bytes(binder.whole())
    docs = list(bound.get_docs(spacy.vocab.Vocab()))
    assert [[each.text for each in doc.ents] for doc in docs] == [["New York"], ["Kiel"], []]
    assert [list(doc.spans) for doc in docs] == [["sc"], [], []]


@pytest.mark.parametrize("data", [b"", b"no DocBin", b"x\x9c\x03\x00\x00\x00\x00\x01"])
def test_what_is_no_docbin_is_refused(data: bytes, spacy: Any, tmp_path: Path):
    (tmp_path / "a.spacy").write_bytes(data)
    with pytest.raises(InputError, match=r"a\.spacy: damaged, or no DocBin of spaCy"):
        seeds(tmp_path / "a.spacy")


def test_a_docbin_cut_at_any_byte_is_refused_or_read(spacy: Any, tmp_path: Path):
    binder = Binder("xx")
    list(binder.add(TEXT, [NEW_YORK]))
    whole = binder.whole()
    for end in range(0, len(whole), 7):
        (tmp_path / "a.spacy").write_bytes(whole[:end])
        with pytest.raises(InputError, match="damaged"):
            seeds(tmp_path / "a.spacy")


def test_an_unknown_language_is_named(spacy: Any):
    with pytest.raises(InputError, match=r"--language: 'tlh' cannot be used"):
        Binder("tlh")


def test_without_spacy_the_extra_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setitem(sys.modules, "spacy", None)  # as Python says that it is not there
    (tmp_path / "a.spacy").write_bytes(b"x")
    for use in (lambda: seeds(tmp_path / "a.spacy"), lambda: Binder("xx")):
        with pytest.raises(InputError, match=r"spaCy: is not installed: pip install 'augment-cor"):
            use()
