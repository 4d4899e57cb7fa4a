"""What is written in a format and read again is what it was, as far as the format carries it."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sentences import corpora_of, texts

from augment.formats.corpus import Corpus
from augment.formats.export import Exported, Wish, export
from augment.formats.read_corpus import read_corpus
from augment.formats.rows import Columns
from augment.formats.tags import SCHEMES
from augment.formats.tokenised import tokens_of
from augment.records import Annotation, Example, Span
from augment.spans.reading import FIELDS

SUFFIXES = {"hf": ".hf", "brat": ".brat", "label-studio": ".json", "doccano": ".jsonl"}
WHOLE = ("jsonl", "csv", "parquet", "hf")


def corpus_of(rows: Any, task: Any, *, several: bool = False, pairs: bool = False, aside: Any = ()):
    examples = [
        Example(id=f"r{number}", text=text, text_pair=pair, target=target)
        for number, (text, pair, target) in enumerate(
            ((*row, None)[0], row[1] if pairs else None, row[-1]) for row in rows
        )
    ]
    return Corpus(
        task=task,
        examples=examples,
        aside=aside or [{} for _ in examples],
        several=several,
        pairs=pairs,
        fields=fields_held(task, examples),
    )


def fields_held(task: Any, examples: Any) -> tuple[str, ...]:
    beside = task == "events" and any(each.target.relations for each in examples)
    return ("entities", "relations", "events") if beside else FIELDS[task]


def wrote(corpus: Corpus, to: Any, folder: Path, **more: Any) -> tuple[Path, Exported]:
    """Export; return what was written, by a name by which it is recognised, and the report."""
    out = folder / f"out{SUFFIXES.get(to, f'.{to}')}"
    return out, export(corpus, Wish(to=to, out=out, overwrite=True, **more))


def again(path: Path, task: Any) -> list[Any]:
    found = read_corpus(path, columns=Columns(), task=task)
    return [(each.id, each.text, each.text_pair, each.target) for each in found.examples]


def rows_of(corpus: Corpus) -> list[Any]:
    return [(each.id, each.text, each.text_pair, each.target) for each in corpus.examples]


@pytest.fixture(name="folder", scope="module")
def _folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("out")


@pytest.mark.parametrize(
    ("to", "task"),
    [
        *((to, task) for to in (*WHOLE, "brat") for task in ("ner", "relations", "events")),
        *((to, task) for to in ("doccano", "label-studio") for task in ("ner", "relations")),
    ],
)
@given(data=st.data())
def test_annotated_rows_are_read_as_they_were_written(
    to: Any, task: Any, data: st.DataObject, folder: Path
) -> None:
    corpus = corpus_of(data.draw(corpora_of(task=task)), task)
    path, exported = wrote(corpus, to, folder)
    assert (exported.rows, exported.unfit) == (len(corpus.examples), [])
    if any(each.entities for each in corpus.annotations):  # or Doccano's are lists of labels
        assert sorted(again(path, task), key=repr) == sorted(rows_of(corpus), key=repr)


NAMES = st.sampled_from(["card", "wrong charge", "\u57ce", "[other]", "a,b", 'the "x"'])


@pytest.mark.parametrize("to", [*WHOLE, "doccano", "label-studio"])
@given(data=st.data(), several=st.booleans(), pairs=st.booleans())
def test_labelled_rows_are_read_as_they_were_written(
    to: Any, data: st.DataObject, several: bool, pairs: bool, folder: Path
) -> None:
    lists = st.lists(NAMES, max_size=3, unique=True).map(tuple)
    label = lists if several else NAMES
    row = st.tuples(texts(), texts(), label) if pairs else st.tuples(texts(), label)
    rows = data.draw(st.lists(row, min_size=1, max_size=4))
    rows = [*rows, (*rows[0][:-1], ("card", "a,b"))] if several else rows  # a row with several
    corpus = corpus_of(rows, "classification", several=several, pairs=pairs)
    path, _ = wrote(corpus, to, folder)
    assert again(path, "classification") == rows_of(corpus)


# Tokens -----------------------------------------------------------------------------------------


def as_tokens(text: str, target: Annotation) -> tuple[str, Annotation]:
    """Return a text whose tokens are joined by single spaces, with its mentions."""
    tokens = tokens_of(text)
    starts, ends, length = {}, {}, -1
    for start, end in tokens:
        starts[start] = length + 1
        length += 1 + end - start
        ends[end] = length
    spans = (
        Span(start=starts[each.start], end=ends[each.end], label=each.label)
        for each in target.entities
    )
    return " ".join(text[start:end] for start, end in tokens), Annotation(entities=tuple(spans))


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("to", ["conll", "hf"])
@given(drawn=corpora_of(flat=True))
def test_flat_mentions_outlast_tags_with_their_tokens(
    scheme: Any, to: Any, drawn: Any, folder: Path
) -> None:
    corpus = corpus_of(drawn, "ner")
    path, exported = wrote(corpus, to, folder, scheme=scheme, tokens=True)
    assert exported.unfit == []
    found = [(text, target) for _, text, _, target in again(path, "ner")]
    assert found == [as_tokens(*row) for row in drawn]


@given(drawn=corpora_of())
def test_every_mention_is_written_in_tags_or_listed(drawn: Any, folder: Path) -> None:
    corpus = corpus_of(drawn, "ner")
    path, exported = wrote(corpus, "conll", folder)
    kept = sum(len(target.entities) for *_, target in again(path, "ner"))
    assert kept + len(exported.unfit) == sum(len(each.entities) for each in corpus.annotations)
    for row in exported.unfit:
        assert row["text"] == drawn[row["row"] - 1][0][row["start"] : row["end"]]
        assert "shares tokens with" in row["reason"]


@given(text=texts())
def test_tokens_are_the_text_but_for_its_white_space(text: str) -> None:
    tokens = tokens_of(text)
    found = [text[start:end] for start, end in tokens]
    assert "".join(found) == "".join(text.split())
    assert all(end <= start for (_, end), (start, _) in pairwise(tokens))
    assert all(not any(map(str.isspace, token)) for token in found)


# spaCy ------------------------------------------------------------------------------------------


@given(drawn=corpora_of())
def test_every_mention_is_in_the_docbin_or_listed(drawn: Any, spacy: Any, folder: Path) -> None:
    corpus = corpus_of(drawn, "ner")
    path, exported = wrote(corpus, "spacy", folder)
    unfit = {(row["row"], row["start"], row["end"], row["label"]) for row in exported.unfit}
    expected = [
        (
            text,
            tuple(s for s in target.entities if (n, s.start, s.end, s.label) not in unfit),
        )
        for n, (text, target) in enumerate(drawn, 1)
    ]
    assert [(text, target.entities) for _, text, _, target in again(path, "ner")] == expected
    docs = list(spacy.tokens.DocBin().from_disk(path).get_docs(spacy.vocab.Vocab()))
    assert [doc.text for doc in docs] == [text for text, _ in drawn]
