import re

import pytest
from small_runs import LENGTHS, NGRAMS, SmallRun, answer, seed_set

from evals import wording
from evals.marks import marks
from evals.report import render

MANY = [f"label_{n}" for n in range(9)]


def point(kind, labels, **more):
    return {"x": 1.0, "y": 2.0, "kind": kind, "labels": labels, "text": "a text", "id": "a-0",
            "reason": None, "filter": None, **more}  # fmt: skip


def view(points, *, several=False):
    return marks({"points": points}, several=several)


@pytest.fixture
def run(tmp_path):
    run = SmallRun(path=tmp_path / "run")
    run.arrive(["card"], answer("my card has not come", ["card"]))
    run.arrive(["card"], answer("no", ["card"]))
    yield run
    run.close()


def test_kinds_of_points_differ_in_shape_and_not_by_colour_alone(run):
    page = render(run.figures(space=NGRAMS))
    shapes = {
        kind: re.findall(rf'<(\w+) class="{kind} [^"]*"(?: d="M\S+ [\d.]+([^"]*)")?', page)
        for kind in ("origin", "accepted", "rejected")
    }
    assert all(len(set(found)) == 1 for found in shapes.values())
    assert len({found[0] for found in shapes.values()}) == 3
    assert [len(found) - 1 for found in shapes.values()] == [2, 1, 1], "and one in the legend"


def test_without_the_script_a_mark_says_what_it_is(run):
    page = render(run.figures(space=NGRAMS))
    assert "<title>Seed\ncard\nwhere is my card</title>" in page
    assert "<title>Rejected: texts too short (length)\ncard\nno</title>" in page


def test_the_page_says_what_the_map_can_and_cannot_tell(run):
    page = " ".join(render(run.figures(space=NGRAMS)).split())
    assert "Texts that are alike by character n-grams lie together, as far as" in page
    assert "Only nearness says something: how far two groups lie apart" in page
    assert "Shown are 2 seeds, 1 accepted row and 1 rejected row." in page


def test_a_draw_is_said_to_be_one(run):
    figures = run.figures(space=NGRAMS)
    figures["map"]["counts"]["seed"]["total"] = 1_234
    page = " ".join(render(figures).split())
    assert "Shown are 2 of 1,234 seeds, 1 accepted row and 1 rejected row, drawn at random." in page


def test_reasons_are_chosen_by_the_commonest_first_after_seeds_and_accepted_rows():
    lost = {"filter": "agreement", "reason": "label"}
    found = view(
        [
            point("rejected", ["a"], filter="schema", reason="label"),
            point("rejected", ["a"], **lost),
            point("accepted", ["a"]),
            point("rejected", ["b"], **lost),
            point("seed", ["b"]),
        ]
    )
    assert [(each["name"], each["rows"]) for each in found["reasons"]] == [
        ("seeds", 1), ("accepted rows", 1), ("wrong labels (agreement)", 2),
        ("wrong labels (schema)", 1),
    ]  # fmt: skip
    assert [each["reason"] for each in found["marks"]] == [1, 3, 2, 2, 0]


def test_labels_are_chosen_by_name_and_none_comes_last():
    found = view([point("seed", ["b", "A"]), point("seed", []), point("seed", ["c"])], several=True)
    assert [(each["name"], each["rows"]) for each in found["labels"]] == [
        ("A", 1), ("b", 1), ("c", 1), ("no label", 1),
    ]  # fmt: skip
    assert [each["labels"] for each in found["marks"]] == ["1 0", "3", "2"]


def test_few_labels_have_colours_and_many_or_several_a_row_have_none():
    assert view([point("seed", [name]) for name in MANY[:8]])["marks"][7]["colour"] == 7
    assert view([point("seed", [name]) for name in MANY])["marks"][0]["colour"] is None
    assert view([point("seed", ["a"])], several=True)["marks"][0]["colour"] is None


def test_a_label_cannot_pass_for_the_text_of_a_mark():
    found = view([point("seed", ["one\ntwo"], text="three\nfour")])
    assert found["marks"][0]["title"] == "Seed\none two\nthree\nfour"


def test_a_point_takes_little_room(tmp_path):
    seeds = seed_set([(f"text number {n}", MANY[n % 9]) for n in range(200)])
    run = SmallRun(path=tmp_path, seeds=seeds)
    with_map, without = (len(render(run.figures(space=space))) for space in (NGRAMS, None))
    run.close()
    assert (with_map - without - 12_000) / 200 < 250


def test_each_threshold_stands_in_its_chart_with_its_value(run):
    page = render(run.figures(calibrations=[LENGTHS]))
    assert page.count('<line class="mark"') == 1
    [(left, value)] = re.findall(r'style="left:([\d.]+)%">([^<]+)</span>', page)
    assert (left, value) == ("10.53", "4")  # from 2 to 21, the first and the last bin
    assert "Texts of 4 characters and more are let through." in page


def test_the_reasons_of_filters_by_meaning_are_said_in_words():
    codes = ("too_far", "too_near", "no_encoder", "unknown_language", "no_label", "cannot_tell")
    assert all("_" not in wording.in_words(code) for code in codes)
    assert wording.in_words("too_far") == "rows unlike the seeds of their label"
