"""Tokens: they end where a mention may end, and what does not fit them is said."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from augment.formats.export import Wish, export
from augment.formats.read_corpus import read_corpus
from augment.formats.rows import Columns
from augment.formats.tokenised import fitted, tokens_of
from augment.formats.write import write_jsonl
from augment.records import Span


@pytest.mark.parametrize(
    "cut",
    [
        "don|'|t stop|.",
        "x_1 3|.|5|\u20ac",
        "e\u0301te\u0301 \u2764\ufe0f",
        "\U0001f469\u200d\U0001f680|\U0001f44d\U0001f3fd",
        "\U0001f1e9\U0001f1ea|\U0001f1eb\U0001f1f7",
        "\u6771|\u4eac is",
        "\u0645\u0631\u062d\u0628\u0627 \u05e9\u05dc\u05d5\u05dd",
        "a\u00a0b\u2028c\x85d",
    ],
)
def test_a_token_ends_where_a_mention_may_end(cut: str) -> None:
    text = cut.replace("|", "")
    assert [text[start:end] for start, end in tokens_of(text)] == re.split(r"[|\s]", cut)


@given(text=st.text(st.characters(codec="ascii"), max_size=30))
def test_the_short_cut_for_ascii_cuts_alike(text: str) -> None:
    assert [*tokens_of(text), (len(text) + 1, len(text) + 2)] == tokens_of(f"{text} \u00e9")


def test_of_mentions_that_share_tokens_the_first_and_longest_is_kept() -> None:
    spans = [
        Span(start=0, end=5, label="long"), Span(start=0, end=1, label="short"),
        Span(start=4, end=7, label="crossing"), Span(start=6, end=7, label="next"),
    ]  # fmt: skip
    fit = fitted("a b c d", spans)
    assert fit.chunks == [(0, 3, "long"), (3, 4, "next")]
    assert [(span.label, reason) for span, reason in fit.unfit] == [
        ("short", "shares tokens with long at 0 to 5"),
        ("crossing", "shares tokens with long at 0 to 5"),
    ]


def test_a_first_token_that_looks_like_a_mark_of_the_encoding_is_kept(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "a.jsonl", [{"text": "\ufeff", "entities": []}])
    corpus = read_corpus(tmp_path / "a.jsonl", columns=Columns(), task="ner")
    export(corpus, Wish(to="conll", out=tmp_path / "a.conll"))
    again = read_corpus(tmp_path / "a.conll", columns=Columns(), task="ner")
    assert [row.text for row in again.examples] == ["\ufeff"]
