"""Extraction answers: what is written is read again, and whatever is wrong has a reason."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import jsonschema
import pytest
from annotated import annotated, row, spans
from hypothesis import assume, given
from hypothesis import strategies as st

from augment.formats.check import no_seeds
from augment.recipe import Recipe
from augment.records import Annotation, Argument, Ask, Event, Example, Fault, Relation, Span
from augment.spans.reading import FIELDS
from augment.spans.types import EventType, RelationType, learnt
from augment.spans.writing import fields_of
from augment.tasking import extraction
from augment.tasks.extraction import Extraction

FORMS = ["marks", "mentions"]


def seed(marked: str, *, relations: Any = (), events: Any = ()) -> Example[Annotation]:
    text, found = spans(marked)
    target = Annotation(entities=found, relations=tuple(relations), events=tuple(events))
    return Example(id="s", text=text, target=target)


NER = [
    seed("a table in <city>Bonn</city> for <person>Ada</person>"),
    seed("<city>Kiel</city> or <city>Kiel</city>"),
]
RELATIONS = [
    seed(
        "<person>Ada</person> lives in <city>Bonn</city>",
        relations=[Relation(head=0, tail=1, label="lives in")],
    )
]
EVENTS = [
    seed(
        "<person>Ada</person> <go>left</go> <city>Bonn</city>",
        events=[
            Event(
                trigger=1,
                type="leave",
                arguments=(Argument(entity=0, role="who"), Argument(entity=2, role="whence")),
            )
        ],
    )
] * 5
SEEDS: Any = {"ner": NER, "relations": RELATIONS, "events": EVENTS}


def task_of(name: Any, form: Any = "marks", **given: Any) -> Extraction:
    return Extraction(learnt(SEEDS[name], task=name, **given), form=form)


def ask(*labels: str, k: int = 1, strategy: str = "fewshot") -> Ask:
    return Ask(number=0, strategy=strategy, labels=labels, k=k)


def only(task: Extraction, answer: Any, *labels: str, **more: Any) -> Any:
    said = answer if isinstance(answer, str) else json.dumps(answer)
    [found] = task.parse(said, ask(*labels, **more))
    return found


# Laws -------------------------------------------------------------------------------------------


@given(
    st.sampled_from([("ner", ()), ("relations", ("relations",)), ("events", ("events",))]),
    st.sampled_from(FORMS),
    st.data(),
)
def test_an_answer_that_says_what_a_seed_says_is_that_seed(kind, form, data) -> None:
    name, kinds = kind
    text, annotation = data.draw(annotated(kinds=kinds))
    example = Example(id="", text=text, target=annotation)
    bare = not set("<>").intersection(text)
    task = Extraction(learnt([example], task=name), form=form, bare=bare)
    assume(task.can_carry(example))
    answer = json.dumps(task.row_of(example))
    labels = task.labels_of(example)
    found = only(task, answer, *labels[:1])
    assert not isinstance(found, Fault), found
    assert (found.text, found.target) == (text, annotation)
    jsonschema.validate(json.loads(answer), dict(task.schema(ask(*labels[:1]))))
    as_row = only(task, fields_of(text, annotation, FIELDS[name]), strategy="given")
    assert (as_row.text, as_row.target) == (text, annotation)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", SEEDS)
@given(st.text() | st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["text", "entities", "relations", "events", "rows", "id", "label",
                         "head", "tail", "type", "trigger", "arguments", "role", "entity"]),
        inner, max_size=5),
    max_leaves=20,
))  # fmt: skip
def test_whatever_an_answer_holds_it_is_read_or_refused(name, form, value) -> None:
    task = task_of(name, form)
    said = value if isinstance(value, str) else json.dumps(value)
    for k, strategy in ((1, "fewshot"), (2, "fewshot"), (1, "given")):
        rows = task.parse(said, ask("city", k=k, strategy=strategy))
        assert len(rows) >= 1
        for each in rows:
            if isinstance(each, Fault):
                assert each.reason
                assert each.detail
                continue
            for span in each.target.entities:
                mention = each.text[span.start : span.end]
                assert mention
                assert mention == mention.strip()


@given(annotated(kinds=()))
def test_marks_lose_only_what_looks_like_marks_or_crosses_its_like(drawn: Any) -> None:
    text, annotation = drawn
    example = Example(id="", text=text, target=annotation)
    task = Extraction(learnt([example], task="ner"), form="marks")
    crossing_likes = task.types.crossing or task.types.doubled
    assert task.can_carry(example) or crossing_likes


# Cases ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "form", "answer", "labels", "reason", "detail"),
    [
        ("ner", "marks", "", ("city",), "empty", "the answer is empty"),
        ("ner", "marks", "Bonn!", ("city",), "json", "no whole JSON object in 'Bonn!'"),
        ("ner", "marks", {"txt": "a"}, ("city",), "schema", "expected the keys text, found 'txt'"),
        ("ner", "marks", {"text": 3}, ("city",), "schema", "a text must be a string"),
        ("ner", "marks", {"text": " "}, ("city",), "empty", "a text is blank"),
        ("ner", "marks", {"text": "in <city>Rome"}, ("city",), "marks", "'<city>' is not closed"),
        ("ner", "marks", {"text": "in Rome</city>"}, ("city",), "marks", "was not opened"),
        ("ner", "marks", {"text": "in <city> </city>"}, ("city",), "marks", "marks nothing"),
        (
            "ner", "marks", {"text": "in <town>Rome</town>"}, ("city",), "unknown_type",
            "'town' is not one of ['city', 'person']",
        ),
        (
            "ner", "marks", {"text": "<person>Bo</person> left"}, ("city",), "label",
            "asked for ['city'], got ['person']",
        ),
        (
            "ner", "marks", {"text": "in <city>Rome</city>"}, (), "label",
            "asked for a text without any, got ['city']",
        ),
        (
            "ner", "marks", {"text": "<city>New <person>Ada</person></city>"}, ("city",), "nested",
            "'New Ada' (city) and 'Ada' (person): no seed has that",
        ),
        (
            "ner", "mentions",
            {"text": "in Rome", "entities": [{"text": "Paris", "label": "city"}]}, ("city",),
            "unaligned", "'Paris' (city): not_in_text",
        ),
        (
            "ner", "mentions", {"text": "in Rome", "entities": [{"text": "Rome"}]}, ("city",),
            "schema", "an entity must have a text and a label",
        ),
        (
            "relations", "marks",
            {"text": "<person 1>Bo</person> in <city 2>Rome</city>",
             "relations": [{"head": 2, "label": "lives in", "tail": 1}]},
            ("lives in",), "relation_types",
            "the head of 'lives in' is 'Rome' (city), and must be one of ['person']",
        ),
        (
            "relations", "marks",
            {"text": "<person 1>Bo</person> in <city 2>Rome</city>",
             "relations": [{"head": 1, "label": "lives in", "tail": 3}]},
            ("lives in",), "reference", "tail 3 is the number of no mention",
        ),
        (
            "relations", "marks",
            {"text": "<person 1>Bo</person>",
             "relations": [{"head": 1, "label": "lives in", "tail": 1}]},
            ("lives in",), "reference", "head and tail of 'lives in' are the same mention",
        ),
        (
            "events", "marks",
            {"text": "<person 1>Bo</person> <go 2>left</go>",
             "events": [{"type": "leave", "trigger": 2,
                         "arguments": [{"role": "who", "entity": 1}]}]},
            ("leave",), "missing_role", "'leave' has no 'whence'",
        ),
        (
            "events", "marks",
            {"text": "<go 1>left</go> <city 2>Rome</city>",
             "events": [{"type": "leave", "trigger": 1,
                         "arguments": [{"role": "who", "entity": 2}]}]},
            ("leave",), "role_type", "'who' of 'leave' is 'Rome' (city)",
        ),
        (
            "events", "marks",
            {"text": "<go 1>left</go>", "events": [{"type": "arrive", "trigger": 1,
                                                     "arguments": []}]},
            ("leave",), "unknown_event", "'arrive' is not one of ['leave']",
        ),
    ],
)  # fmt: skip
def test_a_fault_of_an_answer_has_its_reason(name, form, answer, labels, reason, detail) -> None:
    found = only(task_of(name, form), answer, *labels)
    assert isinstance(found, Fault)
    assert (found.filter, found.reason) == ("schema", reason)
    assert detail in found.detail


def test_a_row_with_some_of_what_was_asked_for_will_do() -> None:
    found = only(task_of("ner"), {"text": "<city>Rome</city> it is"}, "city", "person")
    assert task_of("ner").labels_of(found) == ("city",)


def test_every_mention_counts() -> None:
    found = only(task_of("ner"), {"text": "<city>Rome</city> or <city>Kiel</city>"}, "city")
    assert task_of("ner").labels_of(found) == ("city", "city")


def test_how_a_mention_was_aligned_is_kept() -> None:
    entities = [{"text": "ROME", "label": "city"}, {"text": "Bonn", "label": "city"}]
    answer = {"text": "Rome, Bonn", "entities": entities}
    found = only(task_of("ner", "mentions"), answer, "city")
    assert [each.aligned for each in found.target.entities] == ["normalised", "exact"]


def test_several_rows_come_each_for_itself() -> None:
    rows = [{"text": "in <city>Rome</city>"}, {"text": "<city>"}]
    found = task_of("ner").parse(json.dumps({"rows": rows}), ask("city", k=3))
    assert [getattr(each, "reason", None) for each in found] == [None, "marks", "schema"]


def test_what_is_given_of_types_goes_before_what_seeds_show() -> None:
    given = {"lives in": RelationType(heads=("person", "city")), "left": RelationType()}
    types = learnt(RELATIONS, task="relations", relations=given)
    assert types.relations["lives in"].heads == ("person", "city")
    assert types.relations["lives in"].tails == ("city",)
    assert types.relations["left"] == RelationType()
    leave = EventType(required={"whence": ("city",)})
    events = learnt(EVENTS, task="events", events={"leave": leave}).events
    assert events["leave"].roles == {"whence": ("city",)}
    assert events["leave"].triggers == ("go",)


def test_seeds_that_leave_the_second_of_two_like_mentions_unmarked_refuse_it() -> None:
    seeds = [seed("<city>Rome</city>, not Rome")]
    task = Extraction(learnt(seeds, task="ner"))
    found = only(task, {"text": "<city>Kiel</city> and <city>Kiel</city>"}, "city")
    assert (found.reason, found.detail) == ("repeated", "'Kiel' (city) is marked 2 times")


def test_a_given_row_is_held_to_its_text() -> None:
    task = task_of("ner")
    wrong = {"text": "Rome", "entities": [{"start": 0, "end": 9, "label": "city"}]}
    assert only(task, wrong, strategy="given").reason == "offsets"
    strange = row("<town>Rome</town>")
    assert only(task, strange, strategy="given").reason == "unknown_type"


@pytest.mark.parametrize(
    ("marked", "fits"),
    [
        ('<city>Bonn</city>, "2 & 3"', True),
        ("no mention", True),
        ("<city>Bonn</person>", False),
        ("<city>Bonn", False),
        ("<city></city>", False),
        ("<town>Bonn</town>", False),
        ("a < b", False),
        ("", False),
    ],
)
def test_the_schema_says_how_marks_stand_where_no_text_has_angle_brackets(marked, fits) -> None:
    def allows(schema: Any) -> bool:
        return jsonschema.Draft202012Validator(schema).is_valid({"text": marked})

    types = learnt(NER, task="ner")
    assert allows(Extraction(types, bare=True).schema(ask())) is fits
    assert allows(Extraction(types, bare=False).schema(ask())) is bool(marked)
    for overlapping in (
        "<city>New <person>York</person></city>",
        "<city><person>York</person></city>",
    ):
        types = learnt([seed(overlapping)], task="ner")
        assert allows(Extraction(types, bare=True).schema(ask())) is bool(marked)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({}, True),
        ({"engine": "vllm", "model": "x"}, True),
        ({"serve": "x"}, True),
        ({"endpoint": "http://there/v1"}, False),
        ({"engine": "langchain", "model": "a:b"}, False),
    ],
)
@pytest.mark.parametrize("text", ["in <city>Bonn</city>", "I <3 <city>Bonn</city>"])
def test_only_who_decodes_with_llguidance_is_told_how_marks_stand(options, says, text) -> None:
    place = text.index("<city>")
    plain = text.replace("<city>", "").replace("</city>", "")
    target = Annotation(entities=(Span(start=place, end=place + 4, label="city"),))
    seeds = replace(
        no_seeds(()), task="ner", examples=(Example(id="s", text=plain, target=target),)
    )
    recipe = Recipe(**options)
    if recipe.serve:  # as it is once the server is up
        recipe = recipe.model_copy(update={"endpoint": "http://here/v1"})
    task = extraction(seeds, recipe)
    told = task.schema(ask())["properties"]["text"]
    assert ("pattern" in told) is (says and "<3" not in text)


def test_the_schema_says_that_marks_have_numbers_where_links_speak_of_them() -> None:
    task = Extraction(learnt(RELATIONS, task="relations"), bare=True)
    text = {"text": "<person>Ada</person>", "relations": []}
    for marked, fits in (("<person 1>Ada</person>", True), ("<person>Ada</person>", False)):
        found = jsonschema.Draft202012Validator(task.schema(ask()))
        assert found.is_valid({**text, "text": marked}) is fits


@pytest.mark.parametrize("name", SEEDS)
@pytest.mark.parametrize("form", FORMS)
def test_the_schema_allows_what_the_seeds_say_and_one_row_for_each(name, form) -> None:
    task = task_of(name, form)
    rows = [task.row_of(each) for each in SEEDS[name][:2]]
    jsonschema.validate(rows[0], dict(task.schema(ask())))
    jsonschema.validate({"rows": rows * 2}, dict(task.schema(ask(k=2 * len(rows)))))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"rows": rows}, dict(task.schema(ask(k=9))))


@pytest.mark.parametrize("form", FORMS)
def test_a_row_that_has_other_mentions_than_the_ask_gives_is_refused_and_names_them(form) -> None:
    given = NER[0]
    task = Extraction(learnt(NER, task="ner"), form=form, skeleton=lambda _: given)
    kept = seed("for <person>Ada</person> a table , in <city>Bonn</city> if you can")
    assert only(task, task.row_of(kept), "city").target == kept.target
    other = seed("a table in <city>Rome</city> for <person>Ada</person>")
    fault = only(task, task.row_of(other), "city")
    assert (fault.reason, fault.text) == ("mentions", other.text)
    assert fault.detail == "'Bonn' (city) is not there; 'Rome' (city) was not asked for"


def test_a_prompt_tells_the_mentions_that_are_given_and_not_the_seed_that_they_are_of() -> None:
    given = EVENTS[0]
    task = Extraction(learnt(EVENTS, task="events"), skeleton=lambda _: given)
    told = task.variables(ask("leave", strategy="entities-first"), [given, RELATIONS[0]])
    assert [each["text"] for each in told["mentions"]] == ["Ada", "left", "Bonn"]
    assert [part["role"] for part in told["links"][0]["parts"]] == ["trigger", "who", "whence"]
    assert [each["text"] for each in told["examples"]] == [RELATIONS[0].text]
    assert task.variables(ask("leave"), [given])["mentions"] == []
