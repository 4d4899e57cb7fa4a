"""What a report and a card say of rows that were not made, but came out of a file."""

import re
from dataclasses import replace

import pytest
import yaml
from small_runs import LENGTHS, NGRAMS, SEEDS, SmallRun, answer

from augment.plan.given import all_of
from evals.card import card
from evals.report import render

INVENTED = (
    r"synthetic|machine-written|model|\basks?\b|asked|answer|quota|prompt|engine|generat|candidate"
    r"|request|token|wrote them from|strateg|wanted"
)


@pytest.fixture
def figures(tmp_path):
    goal = all_of([("card",), ("card",), ("card",)], several=False)
    run = SmallRun(path=tmp_path / "run", goal=goal)
    for text in ("my card has not come", "where did my card go", "no"):
        run.arrive(["card"], answer(text, ["card"]), strategy="given")
    made = replace(
        run.subject().making,
        engine="file",
        model="rows.csv",
        templates={"given": {"name": None, "digest": None}},
        recipe={"random_seed": 0},
    )
    yield run.figures(
        calibrations=[LENGTHS],
        space=NGRAMS,
        kind="checked",
        making=made,
        seeds=replace(SEEDS, warnings=("repeated texts: 1",)),
        notices=("the encoder knows no Klingon",),
    )
    run.close()


def words_of(page):
    """The page's text, without its style and script."""
    bare = re.sub(r"<(style|script)>.*?</\1>", " ", page, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]*>", " ", bare).split())


def test_the_report_does_not_say_that_the_rows_were_made(figures):
    words = words_of(render(figures))
    assert not re.findall(INVENTED, words, re.IGNORECASE)
    assert "2 of 3 rows accepted" in words
    assert "of the rows were kept" in words
    assert "3 rows of rows.csv went through the checks" in words
    assert "Rows of a file, held against 2 seeds. Who wrote them is not known here." in words


def test_the_card_does_not_say_that_the_rows_were_made(figures):
    text = card(figures)
    _, front, body = text.split("---\n", 2)
    assert "tags" not in yaml.safe_load(front)
    assert not re.findall(INVENTED, body, re.IGNORECASE)
    assert "rows of the file rows.csv, held against labelled examples" in " ".join(body.split())
    assert "2 of 3 given" in body
    assert "## How it was checked" in body


def test_both_show_what_is_to_be_known_of_how_the_rows_were_judged(figures):
    notice, statement = "the encoder knows no Klingon", LENGTHS.statement
    assert notice in words_of(render(figures))
    checks = card(figures).split("## Checks that ran")[1].split("## ")[0]
    assert f"- Length, by counting characters: {statement}" in checks
    assert f"- {notice}" in checks


def test_a_run_is_still_said_to_have_made_its_rows(tmp_path):
    run = SmallRun(path=tmp_path)
    run.arrive(["card"], answer("my card has not come", ["card"]))
    figures = run.figures()
    run.close()
    assert "Machine-written from 2 seeds" in words_of(render(figures))
    assert "**synthetic**" in card(figures)
