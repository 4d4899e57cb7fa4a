"""What a report says of mentions: counted right, shown as text, in colours that can be read."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from annotated import annotated, spans
from augment_command import here, rows_in
from hypothesis import given

from augment.records import (
    Annotation,
    Ask,
    Calibration,
    Candidate,
    Decision,
    Example,
    Fault,
    SeedSet,
    Verdict,
)
from augment.spans.writing import fields_of
from evals.marked import COLOURS, colours_of, links, pieces
from evals.mentions import Mentions
from evals.subject import Making, Subject

BOOKINGS = Path(__file__).parents[2] / "examples" / "table_bookings.jsonl"


def example(marked: str, *, aligned: Any = "exact") -> Example[Annotation]:
    text, found = spans(marked)
    told = tuple(replace(each, aligned=aligned) for each in found)
    return Example(id="x", text=text, target=Annotation(entities=told))


SEEDS = (example("<city>Bonn</city> is old"), example("we met <person>Ada</person> there"))


def subject(seeds: tuple[Example[Any], ...] = SEEDS) -> Subject:
    return Subject(
        name="run", task="ner", wanted={}, cells_of=lambda labels: labels,
        seeds=SeedSet(examples=seeds, labels=("city", "person"), several=False, pairs=False,
                      digest="", task="ner"),
        labels_of=lambda _: (), fields=lambda _: {}, ending="done", ending_detail="",
        making=Making(engine="", model="", recipe={}, templates={}, versions={}),
    )  # fmt: skip


def judged(mentions: Mentions, row: Any, *verdicts: Verdict) -> None:
    if isinstance(row, Example):
        ask = Ask(number=0, strategy="fewshot", labels=())
        row = Candidate(example=row, ask=ask, key="k", index=0)
    accepted = all(each.outcome != "rejected" for each in verdicts)
    mentions.judged(row, Decision(arrival=1, index=0, accepted=accepted, verdicts=verdicts))


def unmarked(outcome: Any) -> Verdict:
    return Verdict(filter="unmarked", outcome=outcome, reason="unmarked")


def test_new_forms_are_those_that_no_seed_marks_with_that_type() -> None:
    mentions = Mentions(subject())
    judged(mentions, example("<city>Bonn</city> and <city>Kiel</city>"), unmarked("passed"))
    judged(mentions, example("<person>Bonn</person> came, <city>Bonn</city>"), unmarked("passed"))
    judged(mentions, example("<city>Rome</city>"), unmarked("rejected"))
    found = mentions.figures(())
    assert found["types"] == [
        {"type": "city", "seeds": 1, "accepted": 3, "forms": 2, "new": 1},
        {"type": "person", "seeds": 1, "accepted": 1, "forms": 1, "new": 1},
    ]
    assert (found["novelty"]["hits"], found["novelty"]["n"]) == (2, 4)
    assert found["a_row"] == {"seeds": 1.0, "accepted": 2.0}


def test_unmarked_rows_are_a_share_of_those_that_were_judged_for_it() -> None:
    mentions = Mentions(subject())
    for outcome in ("passed", "passed", "rejected", "abstained"):
        judged(mentions, example("<city>Rome</city>"), unmarked(outcome))
    found = mentions.figures(())["unmarked"]
    assert (found["hits"], found["n"], found["share"]) == (1, 3, 0.3333)
    assert Mentions(subject()).figures(())["unmarked"]["share"] is None


def test_alignments_are_those_of_all_candidates_and_what_is_in_no_text_is_told_beside() -> None:
    mentions = Mentions(subject())
    judged(mentions, example("<city>Rome</city> <city>Ulm</city>", aligned="fuzzy"))
    judged(mentions, example("<city>Rome</city>", aligned="normalised"), unmarked("rejected"))
    for reason in ("unaligned", "json"):
        fault = Fault(filter="schema", reason=reason, detail="")
        judged(mentions, fault, Verdict(filter="schema", outcome="rejected", reason=reason))
    found = mentions.figures(())
    assert found["alignment"] == {"exact": 0, "normalised": 1, "fuzzy": 2}
    assert found["unaligned_rows"] == 1


def test_positions_are_those_of_the_middle_and_add_up_to_the_mentions() -> None:
    mentions = Mentions(subject())
    judged(mentions, example("<city>R</city>......... <person>A</person>"))
    found = mentions.figures(())["positions"]["histogram"]
    assert found["accepted"] == [1, 0, 0, 0, 0, 0, 0, 0, 0, 1]
    assert sum(found["seeds"]) == 2


def test_confusions_come_from_the_checks_own_measure() -> None:
    learnt = Calibration(
        filter="agreement", basis="", statement="", scores=(), thresholds=(),
        confusions=(("city", "person", 3),),
    )  # fmt: skip
    assert Mentions(subject()).figures([learnt])["confusions"] == [
        {"type": "city", "read_as": "person", "mentions": 3}
    ]


@given(annotated())
def test_the_pieces_of_a_row_are_its_text_and_each_mention_ends_once(drawn: Any) -> None:
    text, target = drawn
    fields = fields_of(text, target, ())
    colours = colours_of(sorted({each.label for each in target.entities}))
    found = pieces(fields, colours)
    assert found is not None
    assert "".join(each["text"] for each in found) == text
    ends = sorted(label for each in found for label in each["types"])
    assert ends == sorted(each.label for each in target.entities)
    at = 0
    for each in found:
        inside = any(s.start < at + len(each["text"]) and at < s.end for s in target.entities)
        assert inside is (each["colour"] is not None)
        at += len(each["text"])
    assert pieces({"text": text, "label": "a"}, colours) is None


def test_what_joins_mentions_is_said_in_their_words() -> None:
    fields: dict[str, Any] = {
        "text": "Ada left Bonn",
        "entities": [{"text": "Ada"}, {"text": "left"}, {"text": "Bonn"}],
        "relations": [{"head": 0, "tail": 2, "label": "lives in"}],
        "events": [{"trigger": 1, "type": "leave", "arguments": [{"entity": 0, "role": "who"}]}],
    }
    assert links(fields) == [("lives in", "Ada → Bonn"), ("leave", "left; who: Ada")]


class Page(HTMLParser):
    """The texts of a page, and of what is marked in it; refuses scripts but the page's own."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.marks: list[str] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append(tag)
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        self.text += data
        if self.open[-1:] == ["mark"]:
            self.marks.append(data)


def test_a_reports_figures_are_those_of_the_rows_and_hostile_text_stays_text(
    tmp_path: Path,
) -> None:
    hostile = "<script>document.title='owned'</script>"
    rows = rows_in(BOOKINGS)
    rows.append({"text": f"under {hostile} today", "entities": [
        {"start": 6, "end": 6 + len(hostile), "label": "</mark><b>name"},
        {"start": 7 + len(hostile), "end": 12 + len(hostile), "label": "day"}]})  # fmt: skip
    seeds, out = tmp_path / "seeds.jsonl", tmp_path / "out"
    seeds.write_text("".join(f"{json.dumps(row)}\n" for row in rows), "utf-8")
    ended = here("run", seeds, "--per-label", 4, "--encoder", "ngram", "--out", out)
    assert ended.code in {0, 3}, ended.err
    figures = json.loads((out / "report.json").read_text("utf-8"))["mentions"]
    accepted = rows_in(out / "accepted.jsonl")
    said = [(each["label"], each["text"]) for row in accepted for each in row["entities"]]
    known = {(e["label"], row["text"][e["start"] : e["end"]]) for row in rows
             for e in row["entities"]}  # fmt: skip
    assert figures["accepted"] == len(said) == sum(each["accepted"] for each in figures["types"])
    assert figures["novelty"]["hits"] == sum(each not in known for each in said) == 0
    assert sum(figures["lengths"]["histogram"]["accepted"]) == len(said)
    html = (out / "report.html").read_text("utf-8")
    page = Page(html)
    assert hostile in "".join(page.marks)
    assert page.tags.count("script") <= 1
    assert "b" not in page.tags[page.tags.index("main") :]
    assert "Accepted mentions per type" in page.text
    assert "labels were given up" not in page.text


@pytest.mark.parametrize("theme", [0, 1])
@pytest.mark.parametrize("number", range(COLOURS))
def test_words_can_be_read_on_every_mark(theme: int, number: int) -> None:
    """WCAG 2.1, 1.4.3: a contrast of 4.5 at least, in the light theme and the dark."""
    css = files("evals").joinpath("report.html.j2").read_text("utf-8")
    [light, dark] = re.findall(r":root \{(.*?)\}", css, re.DOTALL)
    root = (light, dark)[theme]
    ink, card, colour = (
        _rgb(re.search(rf"--{name}: (#\w+)", root)) for name in ("ink", "card", f"l{number}")
    )
    [percent] = re.findall(r"mark \{[^}]*var\(--c\) (\d+)%", css)
    share = int(percent) / 100
    behind = [share * c + (1 - share) * p for c, p in zip(colour, card, strict=True)]
    bright, dim = sorted((_luminance(ink), _luminance(behind)), reverse=True)
    assert (bright + 0.05) / (dim + 0.05) >= 4.5


def _rgb(found: Any) -> list[float]:
    digits = found[1].removeprefix("#")
    digits = "".join(2 * each for each in digits) if len(digits) == 3 else digits
    return [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]


def _luminance(rgb: list[float]) -> float:
    parts = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in rgb]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]
