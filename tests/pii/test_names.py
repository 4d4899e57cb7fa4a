"""Names and places are found by a pipeline, beside what patterns find, and treated alike."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest
import spacy
from small_names import write_pipeline

from augment.errors import InputError
from augment.filters.pii import Pii
from augment.pii.find import find
from augment.pii.names import Names
from augment.pii.replace import mask, replaced, surrogates
from augment.records import Annotation, Ask, Candidate, Example, Span, Verdict
from augment.tasks.exchanged import exchanged

TEXT = "Lena Vogt of Kiel, lena@posthaus.de, lives at 12 Harbour Road with Otto and Acme"


@pytest.fixture(scope="module")
def folder(tmp_path_factory, missing) -> Path:
    if importlib.util.find_spec("presidio_analyzer") is None:
        missing("presidio is not installed: pip install 'augment-corpora[presidio]'")
    return write_pipeline(tmp_path_factory.mktemp("pipelines") / "names")


@pytest.fixture(scope="module")
def names(folder: Path) -> Names:
    return Names(folder)


def told(names: Names, text: str) -> list[tuple[str, str, str]]:
    (found,) = names([text])
    return [(text[each.start : each.end], each.kind, each.standing) for each in found]


def test_names_and_places_are_found_beside_what_patterns_find(names: Names) -> None:
    assert told(names, TEXT) == [
        ("Lena Vogt", "name", "real"),
        ("Kiel", "place", "real"),
        ("lena@posthaus.de", "email", "real"),
        ("12 Harbour Road", "place", "real"),
        ("Otto", "name", "real"),
    ]
    assert names(["", "nobody here", TEXT])[:2] == [(), ()]
    assert names.name == "names"


def test_what_a_pattern_finds_is_no_name(tmp_path: Path, folder: Path) -> None:
    other = write_pipeline(tmp_path / "other", people=["lena@posthaus.de"])
    assert [kind for _, kind, _ in told(Names(other), "ask lena@posthaus.de")] == ["email"]


def test_only_the_kinds_that_are_wanted_are_looked_for(folder: Path) -> None:
    assert [kind for _, kind, _ in told(Names(folder, kinds=["name"]), TEXT)] == [
        "name", "email", "name",
    ]  # fmt: skip


def test_names_that_stand_for_nobody_are_placeholders_and_masks_are_none(names: Names) -> None:
    assert told(names, "I am Mia Doe") == [("Mia Doe", "name", "placeholder")]
    assert told(names, "I am [NAME], or NAME") == []


def test_names_are_masked_with_the_rest(names: Names) -> None:
    text, _ = replaced(TEXT, mask, finder=names)
    assert text == "[NAME] of [PLACE], [EMAIL], lives at [PLACE] with [NAME] and Acme"
    assert names([text]) == [()]


def test_a_surrogate_is_the_same_for_the_same_name_and_belongs_to_nobody(
    names: Names, tmp_path: Path
) -> None:
    text, _ = replaced(f"{TEXT}. Lena Vogt left Kiel.", surrogates(3), finder=names)
    person, place = re.match(r"(\w+ \w+) of (\w+),", text).groups()  # type: ignore[union-attr]
    assert text.endswith(f". {person} left {place}.")
    assert re.search(r"lives at \d+ Example Street, \w+ with \w+ \w+ and Acme", text)
    known = Names(write_pipeline(tmp_path / "names", people=[person], places=[place]))
    assert {each.standing for each in known([text])[0]} == {"placeholder"}


def test_mentions_move_with_what_is_exchanged_before_them(names: Names) -> None:
    row = Example(
        id="1",
        text="Lena Vogt likes jazz",
        target=Annotation(entities=(Span(start=16, end=20, label="music"),)),
    )
    changed = exchanged(row, mask, finder=names)
    (span,) = changed.target.entities
    assert changed.text[span.start : span.end] == "jazz"


def judged(by: Pii, text: str) -> Verdict:
    ask = Ask(number=0, strategy="fewshot", labels=("a",))
    example = Example(id="1", text=text, target="a")
    (verdict,) = by.judge([Candidate(example=example, ask=ask, key="k", index=0)], None)
    return verdict


def fitted(names: Names, *seeds: str) -> Pii:
    by = Pii(changed=False, finder=names)
    by.fit([Example(id=str(n), text=text, target="a") for n, text in enumerate(seeds)], None)
    return by


def test_a_row_that_names_somebody_is_rejected_and_the_name_not_repeated(names: Names) -> None:
    by = fitted(names, "hello")
    verdict = judged(by, "Otto called")
    assert (verdict.reason, verdict.detail) == ("pii", "holds name")
    assert judged(by, "somebody called").outcome == "passed"
    assert by.slow
    assert not Pii(changed=False).slow


def test_where_seeds_name_people_others_pass_but_never_one_of_theirs(names: Names) -> None:
    by = fitted(names, "Lena Vogt called", "Otto called from Kiel", "nobody called")
    assert judged(by, "Anna Maria Berg called").outcome == "passed"
    assert judged(by, "Otto went to Kiel").outcome == "passed"
    assert judged(by, "LENA VOGT").outcome == "passed"  # the pipeline does not know it so
    assert judged(by, "it was Lena Vogt").reason == "pii_of_seed"
    assert by.calibration is not None
    assert by.calibration.basis == "patterns and checksums, names"
    assert "name 2, place or address 1" in by.calibration.statement


def test_what_is_no_pipeline_of_names_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"--pii-model: .*no folder of a spaCy pipeline"):
        Names(tmp_path)
    spacy.blank("en").to_disk(tmp_path / "blank")
    with pytest.raises(InputError, match=r"marks no name and no place \(PER or PERSON or GPE"):
        Names(tmp_path / "blank")
    write_pipeline(tmp_path / "people", places=[])
    with pytest.raises(InputError, match="marks no place"):
        Names(tmp_path / "people")
    (tmp_path / "people" / "config.cfg").write_text("[nlp")
    with pytest.raises(InputError, match="no spaCy pipeline can be loaded"):
        Names(tmp_path / "people", kinds=["name"])


def test_lone_surrogates_and_long_texts_do_not_stop_it(names: Names) -> None:
    assert told(names, "\ud800 Otto") == [("Otto", "name", "real")]
    (found,) = names(["x " * 60_000 + "Otto"])
    assert found == find("x")
