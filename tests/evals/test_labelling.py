"""How far the seeds' classifier agrees with the engine's labels, and what the report says of it."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_runs import SmallRun, seed_set

from augment.plan.given import all_texts
from augment.records import Arrival, Ask, Candidate, Completion, Decision, Example, Fault, Verdict
from augment.tasks.labelling import Labelling as Task
from evals.figures import gather
from evals.labelling import wilson
from evals.report import render

SEEDS = seed_set([("where is my card", "card"), ("send my money back", "refund")])
TITLE = "Agreement with the seeds' classifier"
HOSTILE = [
    "<script>document.title='owned'</script>",
    '"><img src=x onerror="document.title=1">',
    "</th></table></section><h1>mine</h1>",
    "{{ 7 * 191 }} {% include 'card.md.j2' %}",
    "end\u202eesrever\u202c of it",
    "snake_case_<b>label</b>",
]


def row(label, margin=None, probability=None, *, accepted=True):
    """A text that got this label, and how much better another one fits by the classifier."""
    target = label if isinstance(label, str | tuple) else ()
    example = Example(id="u1", text="some text", target=target, origin="given")
    ask = Ask(number=0, strategy="annotate", labels=())
    agreement = Verdict(
        filter="agreement",
        outcome="abstained" if margin is None else "passed",
        score=margin,
        reason="too_few_seeds" if margin is None else None,
    )
    last = Verdict(filter="confidence", outcome="passed" if accepted else "rejected", score=0.5)
    candidate = Candidate(example=example, ask=ask, key="k", index=0, probability=probability)
    return candidate, Decision(arrival=1, index=0, accepted=accepted, verdicts=(agreement, last))


def fault():
    """An answer that gave the text no label."""
    verdict = Verdict(filter="schema", outcome="rejected", reason="json")
    return Fault(filter="schema", reason="json", detail="none", text="some text"), Decision(
        arrival=1, index=0, accepted=False, verdicts=(verdict,)
    )


def rounds_of(rows):
    for number, (found, decision) in enumerate(rows, 1):
        ask = Ask(number=number - 1, strategy="annotate", labels=())
        outcome = Completion(text="{}")
        arrival = Arrival(number=number, ask=ask, key=f"{number:064x}", outcome=outcome, at=1.0)
        yield arrival, (found,), (decision,)


def figures_of(path, *rows, seeds=SEEDS, kind="labelled", **changes):
    run = SmallRun(path=path, seeds=seeds)
    task = Task(run.task, labels=seeds.labels, several=seeds.several, texts=())
    goal = all_texts(len(rows))
    subject = run.subject(
        kind=kind, labels_of=task.labels_of, fields=task.fields,
        wanted=goal.wanted, cells_of=goal.cells_of, **changes,
    )  # fmt: skip
    run.close()
    return gather(subject, rounds_of(rows), sessions=[(0.0, 9.0)], notes=())


@pytest.fixture
def figures(tmp_path):
    def gathered(*rows, **more):
        return figures_of(tmp_path / "run", *rows, **more)

    return gathered


@pytest.fixture
def labelling(figures):
    return lambda *rows, **more: figures(*rows, **more)["labelling"]


def test_the_classifier_agrees_where_no_other_label_fits_better(labelling):
    found = labelling(row("card", -0.3), row("card", 0.0), row("card", 0.001), row("card", 0.9))
    assert (found["rows"], found["judged"], found["agree"], found["share"]) == (4, 4, 2, 0.5)


def test_a_text_that_was_not_judged_is_neither_agreed_with_nor_against(labelling):
    found = labelling(row("card", -0.3), row("card"), row("card"))
    assert (found["rows"], found["judged"], found["agree"], found["share"]) == (3, 1, 1, 1.0)


def test_rows_that_were_rejected_count_like_those_that_were_accepted(labelling):
    found = labelling(row("card", 0.3, accepted=False), row("card", -0.3))
    assert (found["rows"], found["judged"], found["agree"]) == (2, 2, 1)


def test_a_text_that_got_no_label_is_not_counted(labelling):
    assert labelling(fault(), row("card", -1.0), fault())["rows"] == 1


def test_where_nothing_was_judged_there_is_no_share_and_no_interval(labelling):
    for found in (labelling(), labelling(row("card"))):
        assert (found["share"], found["interval"], found["mean_probability"]) == (None, None, None)
        assert found["by_probability"] == []
        assert [each["label"] for each in found["by_label"]] == ["card", "refund"]
        assert {each["share"] for each in found["by_label"]} == {None}


@pytest.mark.parametrize(
    ("hits", "trials", "interval"),
    [
        # Newcombe, Statistics in Medicine 17 (1998), table I, method 3
        (81, 263, (0.2553, 0.3662)),
        (15, 148, (0.0624, 0.1605)),
        (0, 20, (0.0, 0.1611)),
        (1, 29, (0.0061, 0.1718)),
        (29, 29, (0.8830, 1.0)),
        (0, 0, None),
    ],
)
def test_the_interval_is_wilsons(hits, trials, interval):
    assert wilson(hits, trials) == (interval and pytest.approx(interval, abs=6e-5))


@given(trials=st.integers(1, 10_000), data=st.data())
def test_the_interval_holds_the_share_and_stays_between_none_and_all(trials, data):
    hits = data.draw(st.integers(0, trials))
    found = wilson(hits, trials)
    assert found is not None
    low, high = found
    assert 0 <= low <= high <= 1
    assert low - 1e-4 <= hits / trials <= high + 1e-4
    other = wilson(trials - hits, trials)
    assert other == pytest.approx((1 - high, 1 - low), abs=2e-4), "it is as sure of the contrary"


EDGES = [(0.0, 0.5), (0.5, 0.7), (0.7, 0.9), (0.9, 0.95), (0.95, 0.99), (0.99, 1.0)]


@pytest.mark.parametrize(
    ("probability", "bucket"),
    [
        (0.0, 0), (0.4999, 0), (0.5, 1), (0.6999, 1), (0.7, 2), (0.9, 3), (0.9499, 3),
        (0.95, 4), (0.9899, 4), (0.99, 5), (1.0, 5),
    ],
)  # fmt: skip
def test_a_probability_counts_in_the_range_that_begins_with_it(labelling, probability, bucket):
    (found,) = labelling(row("card", -0.3, probability))["by_probability"]
    assert (found["least"], found["most"]) == EDGES[bucket]
    assert (found["rows"], found["judged"], found["agree"]) == (1, 1, 1)


def test_ranges_stand_in_ascending_order_and_empty_ones_are_left_out(labelling):
    rows = [row("card", -1.0, 0.999), row("card", 1.0, 0.2), row("card", 1.0, 0.3), row("card")]
    found = labelling(*rows)
    assert [(each["least"], each["rows"], each["agree"]) for each in found["by_probability"]] == [
        (0.0, 2, 0), (0.99, 1, 1),
    ]  # fmt: skip
    assert (found["with_probability"], found["mean_probability"]) == (3, 0.4997)


def test_each_label_has_its_own_share_in_the_order_of_the_seeds(labelling):
    found = labelling(row("refund", -1.0), row("refund", 1.0), row("card", -1.0))["by_label"]
    assert [(each["label"], each["rows"], each["agree"], each["share"]) for each in found] == [
        ("card", 1, 1, 1.0), ("refund", 2, 1, 0.5),
    ]  # fmt: skip
    assert found[1]["interval"] == pytest.approx(wilson(1, 2))


def test_a_row_of_several_labels_counts_for_each_and_once_in_all(labelling):
    seeds = seed_set([("a sunny day", ("joy", "calm")), ("alas", ("grief",)), ("hm", ())])
    rows = row(("joy", "calm"), -1.0), row(("joy",), 1.0), row((), -1.0)
    found = labelling(*rows, seeds=seeds)
    assert (found["rows"], found["agree"]) == (3, 2)
    assert [(each["label"], each["rows"], each["agree"]) for each in found["by_label"]] == [
        ("joy", 2, 1), ("calm", 1, 1), ("grief", 0, 0),
    ]  # fmt: skip


ROWS = st.builds(
    row,
    st.sampled_from(SEEDS.labels),
    st.none() | st.floats(-1, 1),
    st.none() | st.floats(0, 1),
    accepted=st.booleans(),
)


@given(rows=st.lists(ROWS | st.builds(fault), max_size=20))
def test_the_counts_add_up(tmp_path_factory, rows):
    whole = figures_of(tmp_path_factory.mktemp("run"), *rows)
    found = whole["labelling"]
    for count in ("rows", "judged", "agree"):
        assert found[count] == sum(each[count] for each in found["by_label"])
        assert found[count] >= sum(each[count] for each in found["by_probability"])
    assert found["rows"] == whole["counts"]["candidates"]
    assert found["with_probability"] == sum(each["rows"] for each in found["by_probability"])
    for each in (found, *found["by_label"], *found["by_probability"]):
        assert each["agree"] <= each["judged"] <= each["rows"]
    assert json.loads(json.dumps(whole, allow_nan=False)) == whole, "plain JSON"
    render(whole)


# The report's section ----------------------------------------------------------------------------


class Page(HTMLParser):
    """The tags of a document and its text, the style left out."""

    def __init__(self, html):
        super().__init__(convert_charrefs=True)
        self.tags, self.texts, self.names = [], [], set()
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.names |= {name for name, _ in attrs}
        self.texts += [" "] * (tag in {"th", "td"})

    def handle_data(self, data):
        if self.tags[-1:] != ["style"]:
            self.texts.append(data)

    @property
    def text(self):
        return " ".join("".join(self.texts).split())


def section(page):
    (found,) = re.findall(r'<section id="labelling".*?</section>', page, re.DOTALL)
    return Page(found)


def test_the_section_says_how_many_agree_and_what_that_is_worth(figures):
    rows = [row("card", -1.0)] * 6 + [row("refund", 1.0)] * 2 + [row("card")]
    found = section(render(figures(*rows))).text
    assert found.startswith(TITLE)
    assert (
        "Of 9 labelled texts the classifier that the seeds trained judged 8; for 6 of these "
        "(75 %, 95 % interval 41 % to 93 %) it would have given the engine's label."
    ) in found
    assert "this measures consistency, not truth" in found
    assert "The engine did not tell how sure it was of its labels." in found
    assert "card 7 6 100 % 61 % to 100 % refund 2 2 0 % 0 % to 66 %" in found


def test_the_section_shows_agreement_by_probability_where_that_is_known(figures):
    rows = [row("card", -1.0, 0.9925), row("card", 1.0, 0.25), row("card", None, 0.3)]
    found = section(render(figures(*rows))).text
    assert "The engine told how sure it was of 3 labels: 51 % on average." in found
    assert "0.0 to 0.5 2 1 0 %" in found
    assert "0.99 to 1.0 1 1 100 %" in found
    assert "did not tell" not in found


def test_where_the_classifier_judged_nothing_the_section_says_so(figures):
    found = section(render(figures(row("card"), fault()))).text
    assert "1 text got a label; the classifier that the seeds trained judged none of them." in found
    assert "card 1 0 – –" in found


@pytest.mark.parametrize("kind", ["made", "checked"])
def test_rows_that_no_engine_labelled_have_no_such_section(figures, kind):
    found = figures(row("card", -1.0, 0.5), kind=kind)
    assert found["labelling"] is None
    page = render(found)
    assert TITLE not in Page(page).text
    assert 'id="labelling"' not in page
    assert "#labelling" not in page, "a link leads nowhere"


@pytest.mark.parametrize("hostile", HOSTILE)
def test_a_hostile_label_stays_text(figures, hostile):
    seeds = seed_set([("something", hostile), ("other", "card")])
    harmless = figures(row("card", -1.0, 0.5), seeds=seed_set([("a", "plain"), ("b", "card")]))
    page = section(render(figures(row(hostile, -1.0, 0.5), seeds=seeds)))
    shown = hostile.replace("\u202e", "[U+202E]").replace("\u202c", "[U+202C]")
    assert shown in page.text
    expected = section(render(harmless))
    assert {*page.tags} - {"wbr"} == {*expected.tags}
    assert page.names == expected.names
