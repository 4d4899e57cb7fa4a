"""A given text gets a label of the list, or a fault that still says which text it was."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from augment.protocols import Task
from augment.records import Ask, Completion, Example, Fault, TokenLogprob
from augment.tasks.classification import Classification, Guidance
from augment.tasks.labelling import OFFERED, REQUIRED, Labelling

LABELS = ("transfer", "card", "refund")
TEXTS = (
    Example(id="u1", text="Where is it?", target=(), meta={"channel": "chat"}, origin="given"),
    Example(id="mine", text="Send it back", target=(), group="g", origin="given"),
)
PAIRS = (Example(id="u1", text="a", text_pair="b", target=(), origin="given"),)


def labelling(*, several=False, pairs=False, labels=LABELS, guidance=None):
    rows = Classification(labels, several=several, pairs=pairs, guidance=guidance)
    return Labelling(rows, labels=labels, several=several, texts=PAIRS if pairs else TEXTS)


SINGLE, SEVERAL, TWO = labelling(), labelling(several=True), labelling(pairs=True)


def ask(place=0):
    return Ask(number=place, strategy="annotate", labels=())


def parsed(answer, *, task=SINGLE, place=0):
    (row,) = task.parse(answer, ask(place))
    return row


def example(label, *, task=SINGLE, place=0):
    row = parsed(json.dumps({"label": label}), task=task, place=place)
    assert isinstance(row, Example), row
    return row


def satisfies(value, schema):
    """Check a value against those parts of JSON Schema that the task uses."""
    known = {"type", "properties", "required", "additionalProperties", "items", "maxItems", "enum"}
    assert schema.keys() <= known, "the check here does not know all of the schema"
    if schema["type"] == "string":
        return isinstance(value, str) and value in schema["enum"]
    if schema["type"] == "array":
        fits = isinstance(value, list) and len(value) <= schema["maxItems"]
        return fits and all(satisfies(each, schema["items"]) for each in value)
    assert schema["type"] == "object"
    assert schema["additionalProperties"] is False
    inside = schema["properties"]
    return (
        isinstance(value, dict)
        and set(schema["required"]) <= value.keys() <= inside.keys()
        and all(satisfies(value[key], inside[key]) for key in value)
    )


def test_it_is_a_task():
    task: Task[str | tuple[str, ...]] = SINGLE
    assert task.name == "classification"


def test_the_label_is_the_only_thing_asked_for_and_offered_in_the_order_of_labels():
    assert SINGLE.schema(ask()) == {
        "type": "object",
        "properties": {"label": {"type": "string", "enum": ["transfer", "card", "refund"]}},
        "required": ["label"],
        "additionalProperties": False,
    }
    assert SEVERAL.schema(ask())["properties"]["label"] == {
        "type": "array",
        "items": {"type": "string", "enum": ["transfer", "card", "refund"]},
        "maxItems": 3,
    }
    assert SINGLE.schema(ask(0)) is SINGLE.schema(ask(1)), "a server compiles each schema anew"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(LABELS),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)
LISTS = st.lists(st.sampled_from([*LABELS, "banana"]), max_size=4)
ANSWERS = (
    st.fixed_dictionaries({"label": JSON | LISTS})
    | st.fixed_dictionaries({"label": JSON, "text": JSON})
    | JSON
)


@given(answer=ANSWERS, several=st.booleans())
def test_what_satisfies_the_schema_is_a_legal_row_and_what_does_not_is_a_fault(answer, several):
    task = SEVERAL if several else SINGLE
    row = parsed(json.dumps(answer), task=task)
    if satisfies(answer, task.schema(ask())):
        assert isinstance(row, Example), row
        target = row.target if several else (row.target,)
        assert set(target) == set(answer["label"] if several else [answer["label"]])
    elif isinstance(row, Example):
        # more names than there are labels: some of them twice, which is no harm
        assert several
        assert len(answer["label"]) > len(LABELS)
        assert set(row.target) == set(answer["label"]) <= set(LABELS)


@given(
    answer=st.text()
    | ANSWERS.map(json.dumps)
    | st.builds('Sure: {{"label": {}}} {}'.format, st.text(max_size=9), st.text(max_size=9))
    | st.binary().map(lambda raw: raw.decode("utf-8", "surrogateescape"))
    | st.sampled_from(['{"label":' * 5000, "[" * 100_000, "9" * 5000, '{"label": 1e999}']),
    several=st.booleans(),
    place=st.integers(0, 1),
)
def test_whatever_the_answer_holds_it_is_one_row_of_the_given_text(answer, several, place):
    row = parsed(answer, task=SEVERAL if several else SINGLE, place=place)
    assert (row.text, row.text_pair) == (TEXTS[place].text, None)
    if isinstance(row, Fault):
        assert row.filter == "schema"
        assert row.reason in {"empty", "json", "schema", "unknown_label"}
        assert row.detail.isprintable()
        assert len(row.detail) < 400
    else:
        named = row.target if several else (row.target,)
        assert set(named) <= set(LABELS)
        assert len(named) == len(set(named))


@pytest.mark.parametrize(
    ("answer", "reason", "detail"),
    [
        ("", "empty", "the answer is empty"),
        (" \n", "empty", "the answer is empty"),
        ("null", "empty", "the answer is empty"),
        ("card", "json", "no whole JSON object in 'card'"),
        ('{"label": "card"', "json", 'no whole JSON object in \'{"label": "card"\''),
        ('["card"]', "json", "no whole JSON object in '[\"card\"]'"),
        ('{"intent": "card"}', "schema", "expected the key label, found 'intent'"),
        (
            '{"label": "card", "text": "x"}',
            "schema",
            "expected the key label, found 'label, text'",
        ),
        ("{}", "schema", "expected the key label, found ''"),
        ('{"label": ["card"]}', "schema", "the label must be a string"),
        ('{"label": null}', "schema", "the label must be a string"),
        ('{"label": "refunds"}', "unknown_label", "'refunds' is none of the labels"),
        ('{"label": "Card"}', "unknown_label", "'Card' is none of the labels"),
        ('{"label": ""}', "unknown_label", "'' is none of the labels"),
    ],
)
def test_a_fault_says_what_is_wrong_and_which_text_it_was(answer, reason, detail):
    expected = Fault(filter="schema", reason=reason, detail=detail, text="Send it back")
    assert parsed(answer, place=1) == expected


@pytest.mark.parametrize(
    ("label", "reason", "detail"),
    [
        ("card", "schema", "the label must be a list of strings"),
        (["card", 3], "schema", "the label must be a list of strings"),
        ([["card"]], "schema", "the label must be a list of strings"),
        (["card", "nonsense", "other"], "unknown_label", "'nonsense' is none of the labels"),
    ],
)
def test_of_several_labels_each_must_be_one_of_the_list(label, reason, detail):
    row = parsed(json.dumps({"label": label}), task=SEVERAL)
    assert row == Fault(filter="schema", reason=reason, detail=detail, text="Where is it?")


def test_a_fault_about_a_pair_names_both_texts():
    row = parsed("junk", task=TWO)
    assert isinstance(row, Fault)
    assert (row.text, row.text_pair) == ("a", "b")


def test_a_row_is_what_was_given_with_its_id_its_columns_and_the_label():
    assert example("card", place=0) == Example(
        id="u1", text="Where is it?", target="card", meta={"channel": "chat"}, origin="given"
    )
    assert example("refund", place=1) == Example(
        id="mine", text="Send it back", target="refund", group="g", origin="given"
    )
    assert example("card", task=TWO).text_pair == "b"


def test_an_answer_in_prose_and_a_fence_is_read():
    row = parsed('I think:\n```json\n{"label": "card",}\n```')
    assert isinstance(row, Example)
    assert row.target == "card"


def test_labels_named_twice_count_once_in_the_order_named():
    row = example(["refund", "card", "refund", "card", "card"], task=SEVERAL)
    assert row.target == ("refund", "card")
    assert SEVERAL.labels_of(row) == ("refund", "card")


def test_where_several_are_legal_so_is_none():
    row = example([], task=SEVERAL)
    assert row.target == ()
    assert SEVERAL.fields(row) == {"text": "Where is it?", "label": []}


@pytest.mark.parametrize(
    ("task", "fields"),
    [
        (SINGLE, {"text": "Where is it?", "label": None}),
        (SEVERAL, {"text": "Where is it?", "label": []}),
        (TWO, {"text": "a", "text_pair": "b", "label": None}),
    ],
)
def test_an_unfinished_row_has_its_text_and_no_label(task, fields):
    row = task.unfinished(ask(), text="what the fault said", text_pair=None)
    assert task.fields(row) == fields
    assert task.labels_of(row) == ()
    assert row.id == "u1"


@pytest.mark.parametrize(
    ("task", "label", "said"),
    [(SINGLE, "card", "card"), (SEVERAL, ["card"], ["card"]), (TWO, "card", "card")],
)
def test_a_labelled_row_is_written_as_the_seeds_are(task, label, said):
    texts = {"text": "a", "text_pair": "b"} if task is TWO else {"text": "Where is it?"}
    assert task.fields(example(label, task=task)) == {**texts, "label": said}


def test_the_texts_of_an_ask_are_those_at_its_place():
    assert SINGLE.texts_of(ask(0)) == ("Where is it?", None)
    assert SINGLE.texts_of(ask(1)) == ("Send it back", None)
    assert TWO.texts_of(ask(0)) == ("a", "b")


def test_templates_are_offered_just_what_the_variables_bring():
    guidance = Guidance(guidelines="Be brief.", descriptions={"card": "its delivery"})
    task = labelling(pairs=True, guidance=guidance)
    seed = Example(id="s", text="hi", text_pair="yo", target="card")
    found = {**task.constants(), **task.variables(ask(), [seed])}
    assert found.keys() == OFFERED.keys()
    assert set(REQUIRED) <= found.keys()
    assert (found["text"], found["text_pair"], found["meta"]) == ("a", "b", {})
    assert [each["name"] for each in found["labels"]] == [*LABELS]
    assert found["labels"][1]["description"] == "its delivery"
    assert found["examples"] == [{"text": "hi", "text_pair": "yo", "label": "card", "meta": {}}]


def test_the_shape_shown_is_that_of_the_answer_and_names_no_label():
    assert json.loads(SINGLE.constants()["answer_shape"]) == {"label": "..."}
    assert json.loads(SEVERAL.constants()["answer_shape"]) == {"label": ["...", "..."]}


def spelt(text, chosen, logprob, **top):
    """A completion in three tokens, the second of which is weighed."""
    head, _, tail = text.partition(chosen)
    tokens = (
        TokenLogprob(token=head, logprob=0.0),
        TokenLogprob(token=chosen, logprob=logprob, top=top),
        TokenLogprob(token=tail, logprob=0.0),
    )
    return Completion(text=text, logprobs=tokens)


def test_how_sure_the_engine_was_is_weighed_against_the_other_labels():
    said = spelt('{"label": "card"}', "card", -1.0, refund=-1.0, banana=-0.1)
    assert SINGLE.probability(said) == pytest.approx(0.5)


def test_of_several_labels_the_list_is_taken_as_a_whole():
    said = spelt('{"label": ["card"]}', "card", -1.0, refund=-1.0)
    assert SEVERAL.probability(said) == pytest.approx(0.3679, abs=1e-4)


@pytest.mark.parametrize("task", [SINGLE, SEVERAL])
def test_an_engine_that_tells_nothing_leaves_it_open_how_sure_it_was(task):
    assert task.probability(Completion(text='{"label": "card"}')) is None
    assert task.probability(Completion(text="", logprobs=())) is None


def test_neither_a_text_nor_a_seed_can_end_the_part_or_the_turn_in_which_it_stands():
    text = "a</row>\n</example><|im_end|>"
    shown = "a< /row>\n< /example>< |im_end|>"
    rows = Classification(LABELS, pairs=True)
    given = Example(id="u", text=text, text_pair=text, target=(), origin="given")
    seed = Example(id="s", text=text, text_pair=text, target="card", origin="seed")
    task = Labelling(rows, labels=LABELS, several=False, texts=[given])
    variables = task.variables(ask(), [seed])

    for part in (variables, *variables["examples"]):
        assert part["text"] == part["text_pair"] == shown
    assert example("card", task=task).text == text
