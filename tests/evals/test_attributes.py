"""What became of the values that rows were asked to have, and how the report shows it."""

from __future__ import annotations

import json
import re
from collections import Counter
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_runs import SmallRun

from augment.records import Arrival, Ask, Candidate, Completion, Decision, Example, Verdict
from evals.attributes import AttributeCounts
from evals.figures import gather
from evals.report import render

TITLE = "Attributes asked for"
REJECTED = Verdict(filter="length", outcome="rejected", reason="too_short")
HOSTILE = [
    "<script>document.title='owned'</script>",
    '"><img src=x onerror="document.title=1">',
    "' onmouseover='alert(1)",
    "</th></table></section><h1>mine</h1>",
    "{{ 7 * 191 }} {% include 'card.md.j2' %}",
    "end\u202eesrever\u202c of it",
]


def rounds_of(asks):
    """Arrivals from (attributes, whether each row of the answer was accepted; none: undecided)."""
    for number, (attributes, ends) in enumerate(asks, 1):
        ask = Ask(
            number=number - 1, strategy="fewshot", labels=("card",), attributes=attributes,
            k=max(len(ends), 1),
        )  # fmt: skip
        outcome, key = Completion(text="{}"), f"{number:064x}"
        rows = tuple(
            Candidate(
                example=Example(id=f"r{n}", text="a text", target="card", origin="generated"),
                ask=ask, key=key, index=n,
            )
            for n in range(ask.k)
        )  # fmt: skip
        decisions = tuple(
            Decision(
                arrival=number, index=n, accepted=accepted, verdicts=() if accepted else (REJECTED,)
            )
            for n, accepted in enumerate(ends)
        )
        yield Arrival(number=number, ask=ask, key=key, outcome=outcome, at=1.0), rows, decisions


def counted(asks):
    counts = AttributeCounts()
    for arrival, _, decisions in rounds_of(asks):
        counts.arrived(arrival)
        for decision in decisions:
            counts.judged(arrival, decision)
    return counts.figures()


def figures_of(path, asks):
    run = SmallRun(path=path)
    subject = run.subject()
    run.close()
    return gather(subject, rounds_of(asks), sessions=[(0.0, 9.0)], notes=())


@pytest.fixture
def page(tmp_path):
    return lambda asks: render(figures_of(tmp_path / "run", asks))


ASKS = [
    ({"tone": "calm", "length": "short"}, [True, True]),
    ({"tone": "angry", "length": "short"}, [True, False]),
    ({"tone": "calm", "length": "long"}, [False]),
]


def test_each_value_shows_how_often_it_was_asked_for_and_what_became_of_its_rows():
    assert counted(ASKS) == [
        {
            "name": "length",
            "values": [
                {"value": "short", "asks": 2, "accepted": 3, "rejected": 1},
                {"value": "long", "asks": 1, "accepted": 0, "rejected": 1},
            ],
        },
        {
            "name": "tone",
            "values": [
                {"value": "calm", "asks": 2, "accepted": 2, "rejected": 1},
                {"value": "angry", "asks": 1, "accepted": 1, "rejected": 1},
            ],
        },
    ]


def test_values_asked_for_equally_often_stand_in_alphabetical_order():
    (found,) = counted([({"tone": value}, [True]) for value in "cabb"])
    assert [each["value"] for each in found["values"]] == ["b", "a", "c"]


def test_an_ask_that_awaits_its_decision_is_asked_for_all_the_same():
    (found,) = counted([({"tone": "calm"}, [])])
    assert found["values"] == [{"value": "calm", "asks": 1, "accepted": 0, "rejected": 0}]


def test_one_value_of_two_attributes_is_counted_for_each():
    found = counted([({"a": "x", "b": "x"}, [True]), ({"a": "x"}, [False])])
    assert [(each["name"], each["values"][0]["asks"]) for each in found] == [("a", 2), ("b", 1)]


@given(
    asks=st.lists(
        st.tuples(
            st.dictionaries(st.sampled_from("abc"), st.sampled_from("xyz")),
            st.lists(st.booleans(), max_size=3),
        ),
        max_size=15,
    )
)
def test_the_counts_add_up(tmp_path_factory, asks):
    figures = figures_of(tmp_path_factory.mktemp("run"), asks)
    found = figures["attributes"]
    bearing = Counter(name for attributes, _ in asks for name in attributes)
    accepted, rejected = Counter(), Counter()
    for attributes, ends in asks:
        for name in attributes:
            accepted[name] += sum(ends)
            rejected[name] += len(ends) - sum(ends)
    assert [each["name"] for each in found] == sorted(bearing)
    for each in found:
        name, values = each["name"], each["values"]
        assert sum(value["asks"] for value in values) == bearing[name]
        assert sum(value["accepted"] for value in values) == accepted[name]
        assert sum(value["rejected"] for value in values) == rejected[name]
        assert all(value["asks"] for value in values)
    assert json.loads(json.dumps(found)) == found, "plain JSON"


# The report's section ----------------------------------------------------------------------------


class Page(HTMLParser):
    """The tags of a document, its attributes and its text, the style left out."""

    def __init__(self, html):
        super().__init__(convert_charrefs=True)
        self.tags, self.texts, self.attributes = [], [], []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        self.texts += [" "] * (tag in {"th", "td", "h3"})

    def handle_data(self, data):
        if self.tags[-1:] != ["style"]:
            self.texts.append(data)

    @property
    def text(self):
        return " ".join("".join(self.texts).split())


def section(html):
    (found,) = re.findall(r'<section id="attributes".*?</section>', html, re.DOTALL)
    return Page(found)


def test_the_section_has_a_table_of_each_attribute(page):
    found = section(page(ASKS))
    assert found.tags.count("table") == 2
    assert found.text.startswith(TITLE)
    heads = "Value Asks Accepted Rejected"
    assert (
        f"length {heads} short 2 3 1 long 1 0 1 tone {heads} calm 2 2 1 angry 1 1 1" in found.text
    )


def test_the_bar_of_a_value_is_the_share_of_its_rows_that_were_accepted(page):
    widths = [value for name, value in section(page(ASKS)).attributes if name == "style"]
    assert widths == ["width:75.0%", "width:0.0%", "width:66.67%", "width:50.0%"]


def test_a_value_without_a_decided_row_has_an_empty_bar(page):
    widths = [
        v for name, v in section(page([({"tone": "calm"}, [])])).attributes if name == "style"
    ]
    assert widths == ["width:0%"]


@pytest.mark.parametrize("asks", [[], [({}, [True]), ({}, [False])]])
def test_a_run_without_attributes_has_no_such_section(page, asks):
    html = page(asks)
    assert TITLE not in Page(html).text
    assert 'id="attributes"' not in html
    assert "#attributes" not in html, "a link leads nowhere"


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_names_and_values_stay_text(page, hostile):
    found = section(page([({hostile: f"such as {hostile}"}, [True])]))
    plain = section(page([({"tone": "calm"}, [True])]))
    shown = hostile.replace("\u202e", "[U+202E]").replace("\u202c", "[U+202C]")
    assert found.text.count(shown) == 2
    assert f"such as {shown}" in found.text
    assert found.tags == plain.tags
    assert [name for name, _ in found.attributes] == [name for name, _ in plain.attributes]
    assert ("aria-label", f"Values of {shown}") in found.attributes
