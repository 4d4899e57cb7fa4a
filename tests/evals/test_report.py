import base64
import hashlib
import itertools
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_runs import LENGTHS, NGRAMS, SmallRun, answer, seed_set

from augment.plan.goal import per_label
from augment.records import Completion, Failure
from evals import wording
from evals.report import render

VOID = {"meta", "wbr", "br"}
ALLOWED_ATTRIBUTES = {
    "aria-hidden", "aria-label", "aria-labelledby", "aria-live", "autocomplete", "charset", "class",
    "content", "cx", "cy", "d", "data-at", "data-i", "data-l", "data-r", "dir", "for", "height",
    "hidden", "href", "http-equiv", "id", "label", "lang", "name", "preserveaspectratio", "r",
    "role", "scope", "style", "tabindex", "value", "viewbox", "width", "x", "x1", "x2", "y", "y1",
    "y2",
}  # fmt: skip
NEVER = {"img", "link", "iframe", "object", "embed", "base", "form", "input", "image"}
SCRIPT = files("evals").joinpath("report.js").read_text("utf-8")
HOSTILE = [
    "<script>document.title='owned'</script>",
    "</title></style></svg></details><h1>mine</h1>",
    '"><img src=x onerror="document.title=1">',
    "' onmouseover='alert(1)",
    "{{ 7 * 191 }} {% include 'card.md.j2' %} {# gone #} ${7*191}",
    "--> ]]> <!-- <![CDATA[",
    "end\u202eesrever\u202c of \u2066it\u2069",
    "line\u2028paragraph\u2029next\x85",
    "nul\x00 bell\x07 escape\x1b[31m delete\x7f",
    "lone \ud800 and \udfff",
    "שלום where is my card",
    "&lt;b&gt; &amp; &#x3c;",
    "zero\u200bwidth \ufeff \U000e0041tag",
]


class Page(HTMLParser):
    """A document taken apart; refuses tags that do not close in order."""

    def __init__(self, html):
        super().__init__(convert_charrefs=True)
        self.tags, self.attributes, self.texts, self.scripts, self.open = [], [], [], [], []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attributes]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        self.handle_endtag(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        (self.scripts if self.open[-1:] == ["script"] else self.texts).append(data)

    @property
    def text(self):
        return "".join(self.texts)

    def values(self, name):
        return [value for _, each, value in self.attributes if each == name]


def page_of(run, **changes):
    """The report with all its parts."""
    html = render(run.figures(calibrations=[LENGTHS], space=NGRAMS, **changes))
    html.encode()
    return Page(html)


@pytest.fixture
def run(tmp_path):
    run = SmallRun(path=tmp_path / "run")
    yield run
    run.close()


def busy(run):
    for n in range(4):
        run.arrive(
            ["card"],
            answer(
                f"my card number {n} is late",
                ["card"],
                prompt_tokens=99,
                completion_tokens=9,
                calls=1,
            ),
        )
        run.arrive(["refund"], Completion(text="junk"), strategy="paraphrase")
    run.arrive(["card"], answer("no", ["card"]))
    run.arrive(["refund"], Failure(code="refused", detail="400"))
    return run


def test_the_headline_says_what_happened(run):
    run = busy(run)
    run.unjudged = True
    run.arrive(["card"], answer("too late to be judged", ["card"]))
    page = page_of(run, ending="budget", ending_detail="10 of 10 requests")
    headline = (
        "4 of 10 rows accepted in 5.5 s; the budget was spent; 80 % of the candidates were kept; "
        "rejected most: answers without JSON."
    )
    assert headline in page.text.replace("\u00a0", " ")
    assert "10 of 10 requests" in page.text
    assert "1 row still without a decision." in page.text


def test_quotas_that_share_rows_are_not_added_up_in_the_headline(tmp_path):
    seeds = seed_set([("a sunny day", ("joy", "calm")), ("alas", ("grief",))])
    run = SmallRun(path=tmp_path, seeds=seeds, goal=per_label(seeds, rows=1))
    run.arrive(["joy", "calm"], answer("what a fine evening", ["joy", "calm"], seeds=seeds))
    assert "1 row accepted in 0.5 s; 2 of 3 quotas full;" in page_of(run).text.replace("\xa0", " ")
    run.close()


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (0.041, "0.041 s"),
        (0.305, "0.3 s"),
        (9.94, "9.9 s"),
        (59.4, "59 s"),
        (59.6, "1 min 0 s"),
        (3_725, "1 h 2 min"),
    ],
)
def test_durations_are_said_in_two_units(seconds, words):
    assert wording.duration(seconds).replace("\u00a0", " ") == words


@pytest.mark.parametrize(
    ("ratio", "words"), [(0, "0 %"), (0.001, "<1 %"), (0.5, "50 %"), (0.999, ">99 %"), (1, "100 %")]
)
def test_only_all_is_shown_as_all_and_none_as_none(ratio, words):
    assert wording.share(ratio).replace("\u00a0", " ") == words


def test_nothing_in_the_page_can_be_fetched_and_only_our_script_run(run):
    page = page_of(busy(run))
    digest = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
    assert page.tags.count("script") == 1
    assert "".join(page.scripts) == SCRIPT
    assert not NEVER & set(page.tags)
    assert {name for _, name, _ in page.attributes} <= ALLOWED_ATTRIBUTES
    assert "url(" not in "".join(page.texts)
    assert all(href.startswith("#") for href in page.values("href"))
    policy = (
        f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; "
        "base-uri 'none'; form-action 'none'"
    )
    assert ("meta", "content", policy) in page.attributes
    assert not re.search(r"https?://", render(run.figures(space=NGRAMS)))


def test_a_page_without_a_map_runs_nothing(run):
    page = Page(render(busy(run).figures()))
    assert "script" not in page.tags
    policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
    assert ("meta", "content", policy) in page.attributes
    assert not {"map", "scores"} & set(page.values("id"))


def test_nothing_in_our_script_ends_it_early():
    assert not re.search("<!--|<script|</", SCRIPT)


def test_every_link_leads_to_a_part_of_the_page(run):
    page = page_of(busy(run))
    ids = page.values("id")
    assert len(ids) == len(set(ids))
    assert {href[1:] for href in page.values("href")} <= set(ids)
    assert set(page.values("aria-labelledby")) <= set(ids)


def test_a_reader_who_hears_the_page_finds_its_way(run):
    page = page_of(busy(run))
    levels = [int(tag[1]) for tag in page.tags if re.fullmatch("h[1-6]", tag)]
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    assert ("html", "lang", "en") in page.attributes
    assert page.tags.count("th") == page.values("scope").count("col") + page.values("scope").count(
        "row"
    )
    hidden = [tag for tag, name, _ in page.attributes if name == "aria-hidden"].count("svg")
    assert page.tags.count("svg") - hidden == page.values("role").count("img")
    assert set(page.values("for")) == {"by-label", "by-reason"} <= set(page.values("id"))
    assert {"header", "nav", "main", "footer"} <= set(page.tags)


def test_every_chart_stands_in_numbers_too(run):
    figures = busy(run).figures(calibrations=[LENGTHS])
    text = Page(render(figures)).text
    for stage in figures["funnel"]:
        assert f"{stage['saw']}{stage['passed']}" in re.sub(r"\s", "", text)
    for value in figures["throughput"]["answers_per_s"]:
        assert wording.number(value) in text
    bins = figures["scores"][0]["histogram"]
    for counts in zip(bins["seeds"], bins["accepted"], bins["rejected"], strict=True):
        assert "{}{}{}".format(*counts) in re.sub(r"\s", "", text)
    for quantile in figures["lengths"]["accepted"].values():
        assert wording.number(quantile) in text


def contrast(one, other):
    """WCAG 2.2, relative luminance and contrast ratio."""

    def luminance(colour):
        digits = colour * 2 if len(colour) == 3 else colour
        parts = [int(digits[n : n + 2], 16) / 255 for n in (0, 2, 4)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return sum(weight * p for weight, p in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_words_can_be_read_in_both_themes(run, theme):
    block = re.findall(r":root \{(.*?)\}", render(run.figures()), re.DOTALL)[theme]
    colour = dict(re.findall(r"--([\w-]+): #([0-9a-f]+)", block))
    grounds = {"ink": ("paper", "card", "bad-wash"), "soft": ("paper", "card"),
               "good": ("paper",), "bad": ("bad-wash",)}  # fmt: skip
    for n in range(8):
        assert contrast(colour[f"l{n}"], colour["card"]) >= 3, "WCAG 1.4.11, marks of the map"
    for name, below in grounds.items():
        for ground in below:
            assert contrast(colour[name], colour[ground]) >= 4.5, (name, ground)


def test_labels_stand_by_shortfall_then_name(tmp_path):
    seeds = seed_set([(f"text of {name}", name) for name in ("delta", "alpha", "bravo", "Charlie")])
    run = SmallRun(path=tmp_path, seeds=seeds, goal=per_label(seeds, rows=1))
    run.arrive(["alpha"], answer("something else", ["alpha"], seeds=seeds))
    run.journal.note("given up", "delta")
    found = Page(render(run.figures())).text
    places = [found.index(name) for name in ("bravo", "Charlie", "delta", "alpha")]
    assert places == sorted(places)
    assert "1 label given up" in found
    run.close()


def test_seventy_seven_labels_all_stand_there(tmp_path):
    names = [f"label_{n}" for n in range(77)]
    seeds = seed_set([(f"text of {name}", name) for name in names])
    run = SmallRun(path=tmp_path, seeds=seeds)
    page = page_of(run)
    assert all(re.search(rf"{name}\b", page.text) for name in names)
    assert page.text.count("0 of 5") == 77
    run.close()


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_text_stays_text_wherever_it_comes_from(tmp_path, hostile):
    label = re.sub("[\ud800-\udfff\x00]", "", hostile)
    seeds = seed_set([("something", label), ("other", "card")], warnings=(hostile,))
    run = SmallRun(path=tmp_path, seeds=seeds)
    run.arrive([label], answer(f"row {hostile} end", [label], seeds=seeds))
    run.arrive([label], Completion(text=hostile))
    run.arrive([label], Failure(code="refused", detail=hostile))
    page = page_of(
        run,
        name=hostile,
        ending="gone",
        ending_detail=hostile,
        making=replace(
            run.subject().making,
            engine=hostile,
            model=hostile,
            recipe={"guidelines": hostile},
            versions={hostile: hostile},
        ),
    )
    shown = wording.visible(hostile.replace("\ud800", "\ufffd").replace("\udfff", "\ufffd"))
    assert page.text.count(f"row {shown} end") == 2, "the accepted row and its mark, as it is"
    assert page.text.count(shown) >= 5
    assert {name for _, name, _ in page.attributes} <= ALLOWED_ATTRIBUTES
    assert not NEVER & set(page.tags)
    assert "".join(page.scripts) == SCRIPT
    styles = "(width|bottom|left):[0-9.]+%|width:auto"
    assert all(re.fullmatch(styles, value) for value in page.values("style"))
    assert not re.search("[\x00\u202a-\u202e\u2066-\u2069\u2028\u2029]", page.text)
    run.close()


@given(text=st.text(st.characters(), max_size=60), label=st.text(min_size=1, max_size=20))
def test_any_text_leaves_the_page_whole(tmp_path_factory, text, label):
    seeds = seed_set([("something", label)])
    run = SmallRun(path=tmp_path_factory.mktemp("run"), seeds=seeds)
    run.arrive([label], answer(f"row {text} end", [label], seeds=seeds))
    run.arrive([label], Completion(text=text))
    page = page_of(run)
    run.close()
    mended = re.sub("[\ud800-\udfff]", "\ufffd", f"row {text} end")
    assert wording.visible(mended).replace("\r", "\n") in page.text
    assert not NEVER & set(page.tags)
    assert "".join(page.scripts) == SCRIPT


def test_a_row_of_a_megabyte_is_shortened(run):
    run.arrive(["card"], answer("x" * 1_000_000, ["card"]))
    html = render(run.figures())
    assert "[999,000 more characters]" in html
    assert len(html) < 60_000


def test_texts_in_any_direction_are_kept_apart(run):
    run.arrive(["card"], answer("أين بطاقتي", ["card"]))
    page = page_of(run)
    assert ("p", "dir", "auto") in page.attributes


def test_a_run_in_which_nothing_happened_has_a_page_too(run):
    text = page_of(run, ending="gone").text
    assert "0 of 10 rows accepted" in text
    assert "The engine stopped answering" in text


def test_replaying_a_journal_gives_the_same_bytes(tmp_path):
    busy(SmallRun(path=tmp_path)).close()
    found = []
    for _ in range(2):
        again = SmallRun(path=tmp_path)
        figures = again.figures(calibrations=[LENGTHS], space=NGRAMS)
        found.append((json.dumps(figures), render(figures)))
        again.close()
    assert found[0] == found[1]
    assert "4 of 10 rows accepted" in found[0][1]
