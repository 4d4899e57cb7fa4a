"""CoNLL as it comes: schemes, columns, comments, and every line at fault by its number."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from augment.errors import InputError
from augment.formats.check import Columns, read_seeds
from augment.records import SeedSet

ADA = [("Ada Bonn", [(0, 3, "per"), (4, 8, "city")])]


def seeds(folder: Path, text: str, *, lenient: bool = False, name: str = "a.conll") -> SeedSet:
    (folder / name).write_bytes(text.encode())
    return read_seeds(folder / name, columns=Columns(), labels=None, lenient=lenient)


def rows(found: SeedSet) -> Any:
    return [
        (row.text, [(each.start, each.end, each.label) for each in row.target.entities])
        for row in found.examples
    ]


@pytest.mark.parametrize(
    "text",
    [
        "Ada\tB-per\nBonn\tB-city\n",
        "Ada B-per\nBonn B-city",
        "\n\nAda\tB-per\r\nBonn\tB-city\r\n\r\n \r\n",
        "-DOCSTART- -X- O O\n\nAda NNP I-NP I-per\nBonn  NNP   I-NP I-city\n\n",
        "# id 12-ab\tdomain=en\nAda _ _ S-per\nBonn _ _ U-city\n",
        "# newdoc = 1\nAda\tNNP\tB-per\nBonn\tNNP\tB-city \n",
    ],
)
def test_columns_stand_between_tabs_or_spaces_the_tag_in_the_last(text: str, tmp_path: Path):
    assert rows(seeds(tmp_path, text)) == ADA


def test_a_comment_says_the_text_and_the_id_of_its_sentence(tmp_path: Path):
    text = "# sent_id = x7\n# text = Ada's in Bonn.\nAda\tB-per\n's\tO\nin\tO\nBonn\tB-city\n.\tO\n"
    found = seeds(tmp_path, text)
    assert rows(found) == [("Ada's in Bonn.", [(0, 3, "per"), (9, 13, "city")])]
    assert found.examples[0].id == "x7"


def test_a_hash_that_is_a_token_is_no_comment(tmp_path: Path):
    assert rows(seeds(tmp_path, "# O\nAda B-per\n")) == [("# Ada", [(2, 5, "per")])]
    assert rows(seeds(tmp_path, "Ada\tB-per\n# text = x\tO\n"))[0][0] == "Ada # text = x"


@pytest.mark.parametrize(
    ("first", "token"),
    [
        ("#a=b\tO", "#a=b"),
        ("#a=b\tB-per", "#a=b"),
        ("#a=b O", "#a=b"),
        ("# Number=Sing O", "#"),
        ("# id\tO", "# id"),
        ("# id 7\tO", "# id 7"),
        ("# text = x\tO", "# text = x"),
        ("-DOCSTART-s\tO", "-DOCSTART-s"),
    ],
)
def test_a_line_that_ends_in_a_tag_is_no_comment(first: str, token: str, tmp_path: Path):
    assert rows(seeds(tmp_path, f"{first}\nleft\tB-x\n"))[0][0] == f"{token} left"


@pytest.mark.parametrize("line", ["-DOCSTART-\tO", "-DOCSTART- -X- O"])
def test_a_mark_of_documents_within_a_sentence_is_a_token(line: str, tmp_path: Path):
    assert rows(seeds(tmp_path, f"a\tO\n{line}\nb\tB-x\n"))[0][0] == "a -DOCSTART- b"
    assert rows(seeds(tmp_path, "a\tO\n-DOCSTART-\nb\tB-x\n"))[0][0] == "a b"


def test_the_text_in_a_comment_may_end_in_what_looks_like_a_tag(tmp_path: Path):
    found = seeds(tmp_path, "# id = B-12\n# text = group O\ngroup\tO\nO\tB-blood\n")
    assert rows(found) == [("group O", [(6, 7, "blood")])]
    assert found.examples[0].id == "B-12"


@pytest.mark.parametrize(
    ("tags", "name"),
    [
        (("B-per", "I-per"), "BIO"),
        (("I-per", "I-per"), "IOB1"),
        (("B-per", "E-per"), "BIOES"),
        (("B-per", "L-per"), "BILOU"),
    ],
)
def test_the_scheme_is_told(tags: tuple[str, str], name: str, tmp_path: Path):
    found = seeds(tmp_path, f"Ada\t{tags[0]}\nLee\t{tags[1]}\n\nleft\tO\n")
    assert rows(found) == [("Ada Lee", [(0, 7, "per")]), ("left", [])]
    assert f"sentences tagged in {name}: 2" in found.warnings


def test_tags_that_a_scheme_does_not_allow_are_counted_with_their_sentences(tmp_path: Path):
    text = "a\tB-x\nb\tI-y\n\nc\tO\nd\tB-x\n\ne\tI-y\nf\tB-x\n"
    found = seeds(tmp_path, text)
    expected = "tags that BIO does not allow there, read as conlleval does: 2 (lines 1, 7)"
    assert expected in found.warnings
    assert rows(found)[2] == ("e f", [(0, 1, "y"), (2, 3, "x")])


def test_every_line_at_fault_is_named(tmp_path: Path):
    text = "Ada\tB-per\nBonn\n\nBo\tper\nleft\tO\n\n\tO\n\nKiel\tB-city\n"
    with pytest.raises(InputError) as raised:
        seeds(tmp_path, text)
    assert [(each.where.rpartition(", ")[2], each.what) for each in raised.value.faults] == [
        ("line 2", "has no tag after the token 'Bonn': columns stand between tabs or spaces"),
        ("line 4", "tag 'per' is neither O nor a type after B-, I-, E- or S- (or L-, U-)"),
        ("line 7", "the token '' is empty"),
    ]
    found = seeds(tmp_path, text, lenient=True)
    assert rows(found) == [("Kiel", [(0, 4, "city")])]
    assert "faulty rows, skipped: 3 (lines 2, 4, 7)" in found.warnings[1]


def test_a_text_that_does_not_hold_the_tokens_is_refused(tmp_path: Path):
    with pytest.raises(InputError, match=r"line 2: token 'Bonn' does not stand in the text after"):
        seeds(tmp_path, "# text = Ada in Berlin\nAda\tB-per\nBonn\tB-city\n")


def test_a_file_without_sentences_holds_no_rows(tmp_path: Path):
    with pytest.raises(InputError, match="holds no rows"):
        seeds(tmp_path, "\n-DOCSTART- O\n\n")


@pytest.mark.parametrize("suffix", ["conll", "conll03", "iob", "iob2", "bio", "bioes", "BIO"])
def test_the_kind_is_known_by_the_name(suffix: str, tmp_path: Path):
    found = seeds(tmp_path, "Ada B-per\nBonn B-city", name=f"a.{suffix}")
    assert rows(found) == ADA
