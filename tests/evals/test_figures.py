import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_runs import SEEDS, SmallRun, answer, seed_set

from augment.plan.goal import in_total, per_label
from augment.records import Completion, Failure


@pytest.fixture
def run(tmp_path):
    run = SmallRun(path=tmp_path / "run")
    yield run
    run.close()


def eventful(run):
    """Eight asks of which two end well."""
    run.arrive(
        ["card"],
        answer(
            "my card has not come",
            ["card"],
            prompt_tokens=90,
            completion_tokens=10,
            reasoning="a person",
            calls=1,
        ),
    )
    run.arrive(["card"], answer("my card has not come", ["card"], calls=3), strategy="paraphrase")
    run.arrive(["refund"], answer("I want a refund", ["refund"], calls=1))
    run.arrive(["card"], answer("no", ["card"], calls=1))
    run.arrive(["card"], Completion(text="Sure! Here you go", calls=1))
    run.arrive(["refund"], answer("where is it", ["card"], calls=1))
    run.arrive(["refund"], Failure(code="refused", detail="400: not this prompt", calls=2))
    run.unjudged = True
    run.arrive(["card"], answer("too late to be judged", ["card"], calls=1))


def test_every_row_is_counted_once_and_where_it_ended(run):
    eventful(run)
    assert run.figures()["counts"] == {
        "wanted": 10, "asks": 8, "failures": 1, "calls": 11, "repeated_calls": 3,
        "candidates": 4, "none": 3, "accepted": 2, "rejected": 5, "awaiting": 1,
    }  # fmt: skip


def test_the_funnel_says_what_each_check_saw_in_order(run):
    eventful(run)
    seen = [tuple(stage.values()) for stage in run.figures()["funnel"]]
    assert seen == [
        ("engine", 7, 6, 1, 0),
        ("schema", 6, 4, 2, 0),
        ("length", 4, 3, 1, 0),
        ("leak", 3, 0, 0, 3),
        ("near_duplicate", 3, 2, 1, 0),
        ("quota", 2, 2, 0, 0),
    ]


def test_rows_beyond_the_quota_stand_at_the_end_of_the_funnel(run):
    for n in range(7):
        run.arrive(["card"], answer(f"card question {n}", ["card"]))
    last = run.figures()["funnel"][-1]
    assert last == {"filter": "quota", "saw": 7, "passed": 5, "rejected": 2, "abstained": 0}
    assert [stage["filter"] for stage in run.figures()["funnel"]].count("quota") == 1


def test_a_reason_comes_with_the_text_the_label_and_the_measurement(run):
    eventful(run)
    found = {each["reason"]: each for each in run.figures()["rejections"]}
    assert found["too_short"] == {
        "filter": "length",
        "reason": "too_short",
        "rows": 1,
        "examples": [{"text": "no", "labels": ["card"], "filter": "length", "reason": "too_short",
                      "detail": None, "score": 2.0, "threshold": 4.0}],
    }  # fmt: skip
    assert found["refused"]["examples"][0]["detail"] == "400: not this prompt"
    assert found["label"]["examples"][0]["labels"] == ["refund"]


def test_reasons_stand_in_order_of_size_with_five_examples_at_most(run):
    for n in range(12):
        run.arrive(["card"], Completion(text="junk"))
        if n % 3 == 0:
            run.arrive(["card"], answer("no", ["card"]))
    rejections = run.figures()["rejections"]
    assert [(each["reason"], each["rows"]) for each in rejections] == [
        ("json", 12), ("too_short", 4),
    ]  # fmt: skip
    assert [len(each["examples"]) for each in rejections] == [5, 4]


def test_tokens_that_the_engine_did_not_count_are_said_and_not_taken_for_none(run):
    eventful(run)
    assert run.figures()["tokens"] == {
        "prompt": 90, "completion": 10, "reasoning_characters": 8, "uncounted_answers": 6,
    }  # fmt: skip


def test_each_strategy_shows_what_it_brought(run):
    eventful(run)
    by_name = {each["strategy"]: each for each in run.figures()["strategies"]}
    assert by_name["paraphrase"] == {
        "strategy": "paraphrase", "template": "classification/paraphrase",
        "template_digest": "p" * 64, "asks": 1, "accepted": 0, "rejected": 1,
    }  # fmt: skip
    assert by_name["fewshot"]["asks"] == 7


def test_accepted_rows_stand_against_the_quota_and_the_seeds(run):
    eventful(run)
    figures = run.figures()
    assert figures["cells"] == [
        {"cell": "card", "wanted": 5, "accepted": 1, "given_up": False},
        {"cell": "refund", "wanted": 5, "accepted": 1, "given_up": False},
    ]
    assert figures["labels"][0] == {"label": "card", "seeds": 1, "accepted": 1, "rejected": 3}


def test_a_label_given_up_is_named_unless_it_was_filled_later(run):
    run.journal.note("given up", "card")
    run.journal.note("given up", "refund")
    run.journal.note("weather", "card")
    for n in range(5):
        run.arrive(["card"], answer(f"card question {n}", ["card"]))
    assert [cell["given_up"] for cell in run.figures()["cells"]] == [False, True]


def test_a_row_of_several_labels_counts_for_each_of_them(tmp_path):
    seeds = seed_set([("a sunny day", ("joy", "calm")), ("alas", ("grief",)), ("hm", ())])
    run = SmallRun(path=tmp_path, seeds=seeds, goal=per_label(seeds, rows=2))
    run.arrive(["joy", "calm"], answer("what a fine evening", ["joy", "calm"], seeds=seeds))
    figures = run.figures()
    assert figures["counts"]["wanted"] is None, "rows cannot be added up where they share cells"
    assert [cell["accepted"] for cell in figures["cells"]] == [1, 1, 0]
    run.close()


def test_label_sets_with_quotas_of_their_own_add_up(tmp_path):
    seeds = seed_set([("a sunny day", ("joy", "calm")), ("alas", ("grief",))])
    run = SmallRun(path=tmp_path, seeds=seeds, goal=in_total(seeds, rows=4))
    run.arrive(["joy", "calm"], answer("what a fine evening", ["joy", "calm"], seeds=seeds))
    figures = run.figures()
    assert figures["counts"]["wanted"] == 4
    assert {cell["cell"]: cell["accepted"] for cell in figures["cells"]} == {
        "joy + calm": 1, "grief": 0,
    }  # fmt: skip
    run.close()


def test_long_and_broken_texts_are_cut_and_mended(run):
    run.arrive(["card"], answer("long " * 1_000, ["card"]))
    run.arrive(["card"], Completion(text=f"broken \ud800 {'x' * 2_000}"))
    figures = run.figures(name="a folder named \udcff")
    text = figures["accepted_rows"][0]["fields"]["text"]
    assert len(text) < 1_050
    assert text.endswith("… [3,999 more characters]")
    json.dumps(figures, ensure_ascii=False).encode()


def test_the_same_journal_gives_the_same_figures(run):
    for n in range(60):
        run.arrive(
            ["card", "refund"][n % 2 : n % 2 + 1],
            answer("no" * (n % 7), [["card"], ["refund"]][n % 2]),
        )
    first = json.dumps(run.figures())
    assert json.dumps(run.figures()) == first


def test_another_random_seed_draws_other_rows(run):
    for _ in range(100):
        run.arrive(["card"], Completion(text="junk"))
    ids = []
    for random_seed in (0, 1):
        making = run.subject().making
        changed = replace(making, recipe={**making.recipe, "random_seed": random_seed})
        ids.append([row["id"] for row in run.figures(making=changed)["rejected_rows"]])
    assert ids[0] != ids[1]
    assert len(ids[0]) == 20


def test_headers_of_the_recipe_are_never_shown(run):
    changed = replace(
        run.subject().making, recipe={"headers": {"Authorization": "Bearer sesame"}, "shots": 5}
    )
    assert "sesame" not in json.dumps(run.figures(making=changed))


def test_a_run_in_which_nothing_happened_has_figures_too(run):
    figures = run.figures(ending="interrupted")
    assert figures["rates"]["kept"] is None, "a share of nothing is no number"
    assert figures["throughput"]["answers_per_s"] == []
    assert figures["lengths"]["accepted"] is None
    assert figures["lengths"]["seeds"]["max"] == 18


OUTCOMES = st.sampled_from(
    [
        answer("where is my new card", ["card"]),
        answer("it got lost in the post", ["card"]),
        answer("no", ["card"]),
        answer("where is my new card", ["refund"]),
        Completion(text="junk"),
        Completion(text="", finish="length"),
        Failure(code="refused", detail="no"),
        Failure(code="unanswered", detail="late"),
    ]
)


@given(asks=st.lists(st.tuples(st.sampled_from(SEEDS.labels), OUTCOMES), max_size=30),
       judged=st.integers(0, 30))  # fmt: skip
def test_the_counts_add_up(tmp_path_factory, asks, judged):
    path: Path = tmp_path_factory.mktemp("run")
    run = SmallRun(path=path, goal=per_label(SEEDS, rows=2))
    for n, (label, outcome) in enumerate(asks):
        run.unjudged = n >= judged
        run.arrive([label], outcome)
    run.close()
    reopened = SmallRun(path=path, goal=per_label(SEEDS, rows=2))
    figures = reopened.figures()
    reopened.close()
    counts = figures["counts"]
    rejected = sum(each["rows"] for each in figures["rejections"])
    assert counts["candidates"] + counts["none"] == counts["accepted"] + counts["rejected"]
    assert counts["accepted"] + counts["rejected"] + counts["awaiting"] == len(asks)
    assert rejected == counts["rejected"] == sum(s["rejected"] for s in figures["funnel"])
    assert counts["accepted"] == sum(cell["accepted"] for cell in figures["cells"])
    assert counts["accepted"] == sum(figures["lengths"]["histogram"]["accepted"])
    assert sum(each["asks"] for each in figures["strategies"]) == counts["asks"]
    for stage in figures["funnel"]:
        assert stage["saw"] == stage["passed"] + stage["rejected"] + stage["abstained"]
    assert json.loads(json.dumps(figures, allow_nan=False)) == figures, "plain JSON"


def test_what_was_rejected_is_shown_without_personal_data(run):
    run.arrive(["card"], answer("I am otto@posthaus.de", ["card"]))
    run.arrive(["card"], answer("I am otto@posthaus.de", ["card"]))
    run.arrive(["refund"], Completion(text="Sure! lena@posthaus.de is mine"))
    figures = run.figures()

    shown = json.dumps([figures["rejections"], figures["rejected_rows"]])
    assert "posthaus" not in shown
    assert "I am [EMAIL]" in shown
    assert figures["accepted_rows"][0]["fields"]["text"] == "I am otto@posthaus.de"
