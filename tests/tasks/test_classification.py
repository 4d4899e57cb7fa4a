import json
import sys
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from augment.errors import InputError
from augment.protocols import Task
from augment.records import Ask, Example, Fault
from augment.tasks.classification import OFFERED, REQUIRED, Classification, Guidance

LABELS = ("card", "refund", "transfer")
SINGLE = Classification(LABELS)
SEVERAL = Classification(LABELS, several=True)
PAIRS = Classification(LABELS, pairs=True)


def ask(*labels: str, **more: Any) -> Ask:
    return Ask(number=0, strategy="fewshot", labels=labels, **more)


CARD = ask("card")


def fault(answer: str, *, task: Classification = SINGLE, wanted: Ask = CARD) -> Fault:
    (row,) = task.parse(answer, wanted)
    assert isinstance(row, Fault), row
    assert row.filter == "schema"
    return row


def example(answer: str, *, task: Classification = SINGLE, wanted: Ask = CARD) -> Example[Any]:
    (row,) = task.parse(answer, wanted)
    assert isinstance(row, Example), row
    return row


def satisfies(value: Any, schema: Any) -> bool:
    """Check a value against those parts of JSON Schema that the task uses."""
    if schema is False:
        return False
    if schema["type"] == "string":
        known = value in schema.get("enum", [value])
        return isinstance(value, str) and known and len(value) >= schema.get("minLength", 0)
    if schema["type"] == "array":
        if not isinstance(value, list):
            return False
        low, high = schema.get("minItems", 0), schema.get("maxItems", len(value))
        first = schema.get("prefixItems", [])
        each = [*first, *[schema.get("items", {})] * len(value)][: len(value)]
        return low <= len(value) <= high and all(map(satisfies, value, each))
    assert schema["type"] == "object"
    assert schema["additionalProperties"] is False
    return (
        isinstance(value, dict)
        and value.keys() == set(schema["required"]) == set(schema["properties"])
        and all(satisfies(value[key], schema["properties"][key]) for key in value)
    )


def test_it_is_a_task() -> None:
    task: Task[str | tuple[str, ...]] = SINGLE
    assert task.name == "classification"


def test_the_schema_of_one_label_fixes_it_and_puts_it_first() -> None:
    assert SINGLE.schema(CARD) == {
        "type": "object",
        "properties": {
            "label": {"type": "string", "enum": ["card"]},
            "text": {"type": "string", "minLength": 1},
        },
        "required": ["label", "text"],
        "additionalProperties": False,
    }
    assert list(PAIRS.schema(CARD)["properties"]) == ["label", "text", "text_pair"]


def test_the_schema_of_several_labels_fixes_each() -> None:
    assert SEVERAL.schema(ask("card", "refund"))["properties"]["label"] == {
        "type": "array",
        "prefixItems": [
            {"type": "string", "enum": ["card"]},
            {"type": "string", "enum": ["refund"]},
        ],
        "items": False,
        "minItems": 2,
        "maxItems": 2,
    }
    assert SEVERAL.schema(ask())["properties"]["label"] == {"type": "array", "maxItems": 0}


def test_the_schema_of_many_rows_counts_them() -> None:
    assert SINGLE.schema(ask("card", k=3)) == {
        "type": "object",
        "properties": {
            "rows": {"type": "array", "minItems": 3, "maxItems": 3, "items": SINGLE.schema(CARD)}
        },
        "required": ["rows"],
        "additionalProperties": False,
    }


def test_asks_for_the_same_labels_share_one_schema() -> None:
    again = Ask(number=7, strategy="paraphrase", labels=("card",))
    assert SINGLE.schema(again) is SINGLE.schema(CARD)
    assert SINGLE.schema(ask("card", k=2)) is not SINGLE.schema(CARD)


@pytest.mark.parametrize("task", [SINGLE, SEVERAL, PAIRS])
@pytest.mark.parametrize("k", [1, 2])
def test_the_shape_shown_in_the_prompt_satisfies_the_schema(task: Classification, k: int) -> None:
    wanted = ask("card", k=k)
    shape = json.loads(task.variables(wanted, [])["answer_shape"])
    if k > 1:
        shape["rows"] *= k
    assert satisfies(shape, task.schema(wanted))
    assert all(isinstance(row, Example) for row in task.parse(json.dumps(shape), wanted))


def test_the_variables_are_exactly_those_that_templates_are_offered() -> None:
    seed = Example(id="s", text="hi", target=("card", "refund"), meta={"channel": "chat"})
    wanted = ask("card", "refund", attributes={"mood": "angry"}, instructions="Be brief.")
    variables = SEVERAL.variables(wanted, [seed])
    assert {*SEVERAL.constants(), *variables} == set(OFFERED) >= set(REQUIRED)
    assert variables == {
        "wanted": [
            {"name": "card", "description": "", "last": False},
            {"name": "refund", "description": "", "last": True},
        ],
        "none_wanted": False,
        "k": 1,
        "many": False,
        "answer_shape": '{"label": ["card", "refund"], "text": "..."}',
        "examples": [
            {"text": "hi", "text_pair": "", "label": "card, refund", "meta": {"channel": "chat"}}
        ],
        "attributes": [{"name": "mood", "value": "angry"}],
        "avoid": [],
        "instructions": "Be brief.",
    }
    assert SEVERAL.variables(ask(), [])["none_wanted"] is True


def test_the_constants_hold_the_guidance() -> None:
    guidance = Guidance(
        descriptions={"card": "about cards"},
        guidelines="Be polite.",
        glossary={"PIN": "four digits"},
        language="German",
    )
    assert Classification(("card", "refund"), guidance=guidance).constants() == {
        "several": False,
        "pairs": False,
        "labels": [
            {"name": "card", "description": "about cards"},
            {"name": "refund", "description": ""},
        ],
        "guidelines": "Be polite.",
        "glossary": [{"term": "PIN", "meaning": "four digits"}],
        "language": "German",
    }


def test_descriptions_of_unknown_labels_are_all_refused() -> None:
    with pytest.raises(InputError) as raised:
        Classification(LABELS, guidance=Guidance(descriptions={"crad": "", "card": "", "x": ""}))
    assert [str(each) for each in raised.value.faults] == [
        "descriptions: 'crad' is none of the labels ['card', 'refund', 'transfer']",
        "descriptions: 'x' is none of the labels ['card', 'refund', 'transfer']",
    ]


TEXTS = st.text().filter(lambda text: text.strip() != "")


@given(text=TEXTS, second=TEXTS, labels=st.sets(st.sampled_from(LABELS)), k=st.integers(1, 3))
def test_what_satisfies_the_schema_is_read_and_only_trimmed(
    text: str, second: str, labels: set[str], k: int
) -> None:
    task = Classification(LABELS, several=True, pairs=True)
    wanted = ask(*sorted(labels), k=k)
    row = {"label": sorted(labels), "text": text, "text_pair": second}
    answer: Any = row if k == 1 else {"rows": [row] * k}
    assert satisfies(answer, task.schema(wanted))
    expected = Example(
        id="",
        text=text.strip(),
        text_pair=second.strip(),
        target=tuple(sorted(labels)),
        origin="generated",
    )
    for ascii_only in (True, False):
        assert task.parse(json.dumps(answer, ensure_ascii=ascii_only), wanted) == [expected] * k


def test_the_fields_are_those_of_the_rows_format() -> None:
    single = Example(id="", text="a", target="card")
    assert SINGLE.fields(single) == {"text": "a", "label": "card"}
    pair = Example(id="", text="a", text_pair="b", target="card")
    assert list(PAIRS.fields(pair).items()) == [
        ("text", "a"),
        ("text_pair", "b"),
        ("label", "card"),
    ]
    several = Example(id="", text="a", target=("card", "refund"))
    assert SEVERAL.fields(several) == {"text": "a", "label": ["card", "refund"]}
    assert SEVERAL.fields(Example(id="", text="a", target=()))["label"] == []


def test_an_example_counts_for_each_of_its_labels() -> None:
    assert SINGLE.labels_of(Example(id="", text="a", target="card")) == ("card",)
    assert SEVERAL.labels_of(Example(id="", text="a", target=("card", "refund"))) == (
        "card",
        "refund",
    )
    assert SEVERAL.labels_of(Example(id="", text="a", target=())) == ()


def test_an_unfinished_row_has_the_labels_that_were_asked_for() -> None:
    row = PAIRS.unfinished(CARD, text="", text_pair=None)
    assert (row.target, row.text, row.text_pair, row.origin) == ("card", "", None, "generated")
    assert SEVERAL.unfinished(ask(), text="a", text_pair=None).target == ()


@pytest.mark.parametrize("answer", ["", " \n\t", "null", " null\n"])
def test_an_answer_without_content_is_empty(answer: str) -> None:
    assert fault(answer).reason == "empty"


@pytest.mark.parametrize(
    "answer", ['{"label": "card", "text": " \\n"}', '{"label":"card","text":""}']
)
def test_a_blank_text_is_empty(answer: str) -> None:
    assert (fault(answer).reason, fault(answer).detail) == ("empty", "a text is blank")


def test_a_blank_second_text_is_empty() -> None:
    answer = '{"label": "card", "text": "a", "text_pair": " "}'
    found = fault(answer, task=PAIRS)
    assert (found.reason, found.text, found.text_pair) == ("empty", "a", "")


WHOLE = '{"label": "card", "text": "where {is} my \\"card\\"?"}'


@pytest.mark.parametrize(
    "answer",
    [
        WHOLE,
        f"```json\n{WHOLE}\n```",
        f"```\n{WHOLE}```\nI hope that helps!",
        f"Sure {{here}} is a row:\n\n{WHOLE}\n\nDoes it {{help}}? }}{{",
        f'He said "take this: {WHOLE}',
        f"\ufeff{WHOLE}",
        f"[{WHOLE}]",
        f"{WHOLE}\n{WHOLE}",
        WHOLE.replace('"}', '",\n}'),
        WHOLE.replace('"}', '" , }').replace('"card", "text"', '"card" ,"text"'),
    ],
)
def test_an_object_is_found_in_markdown_and_prose(answer: str) -> None:
    assert example(answer).text == 'where {is} my "card"?'


def test_line_breaks_in_strings_and_commas_in_texts_survive_repair() -> None:
    assert example('```{"label": "card", "text": "a,}\nb, ]",}```').text == "a,}\nb, ]"


@given(cut=st.integers(0, len(WHOLE) - 1), before=st.sampled_from(["", "Sure: ", "```json\n"]))
def test_a_cut_off_object_never_becomes_a_row(cut: int, before: str) -> None:
    found = fault(before + WHOLE[:cut])
    assert found.reason == ("json" if (before + WHOLE[:cut]).strip() else "empty")


@given(cut=st.integers(1, 60), k=st.just(2))
def test_a_cut_off_list_of_rows_gives_none(cut: int, k: int) -> None:
    whole = json.dumps(
        {"rows": [{"label": "card", "text": "one"}, {"label": "card", "text": "two"}]}
    )
    assert fault(whole[:-cut], wanted=ask("card", k=k)).reason == "json"


@pytest.mark.parametrize(
    "answer",
    [
        "no object at all",
        "42",
        '"text"',
        "[]",
        "{'label': 'card', 'text': 'a'}",
        "{label: card}",
        "NaN",
        '{"label": "card", "text": ' + "9" * 5000 + "}",
        '{"label": "card", "text": ' + "[" * 100_000,
        '{"label": "card", "text": ' + "[" * 100_000 + "]" * 100_000 + "}",
    ],
)
def test_an_answer_without_a_json_object_says_what_it_begins_with(answer: str) -> None:
    found = fault(answer)
    assert found.reason == "json"
    assert found.detail.startswith(f"no whole JSON object in {answer[:20]!r}"[:-1])


@pytest.mark.parametrize(
    ("answer", "detail", "text"),
    [
        ('{"text": "a"}', "expected the keys label, text, found 'text'", "a"),
        ('{"label": "card"}', "expected the keys label, text, found 'label'", ""),
        ("{}", "expected the keys label, text, found ''", ""),
        (
            '{"label": "card", "text": " a ", "why": "b"}',
            "expected the keys label, text, found 'label, text, why'",
            "a",
        ),
        ('{"label": "card", "text": 7}', "a text must be a string", ""),
        ('{"label": "card", "text": null}', "a text must be a string", ""),
        ('{"label": "card", "text": NaN}', "a text must be a string", ""),
        ('{"label": ["card"], "text": "a"}', "the label must be a string", "a"),
        ('{"label": null, "text": "a"}', "the label must be a string", "a"),
        ('{"label": 1e999, "text": "a"}', "the label must be a string", "a"),
    ],
)
def test_a_wrong_key_or_type_is_a_schema_fault_with_the_text(
    answer: str, detail: str, text: str
) -> None:
    found = fault(answer)
    assert (found.reason, found.detail, found.text) == ("schema", detail, text)


def test_pairs_need_both_texts_and_other_tasks_have_one() -> None:
    assert fault('{"label": "card", "text": "a"}', task=PAIRS).reason == "schema"
    assert fault('{"label": "card", "text": "a", "text_pair": null}', task=PAIRS).reason == "schema"
    found = fault('{"label": "card", "text": "a", "text_pair": "b"}')
    assert (found.reason, found.text, found.text_pair) == ("schema", "a", "b")


@given(label=st.text().filter(lambda label: label != "card"))
def test_another_label_is_a_fault_and_never_replaced(label: str) -> None:
    found = fault(json.dumps({"label": label, "text": "a"}))
    assert (found.reason, found.text) == ("label", "a")
    assert found.detail.startswith(f"asked for 'card', got {label[:80]!r}")


@pytest.mark.parametrize(
    ("given_labels", "reason"),
    [
        (["card", "refund"], None),
        (["refund", "card"], None),
        (["card"], "label"),
        ([], "label"),
        (["card", "card"], "label"),
        (["card", "refund", "card"], "label"),
        (["card", "transfer"], "label"),
        (["card", "refund", "transfer"], "label"),
        (["card", "nothing known"], "label"),
        ("card", "schema"),
        ("card, refund", "schema"),
        (["card", 1], "schema"),
        (["card", ["refund"]], "schema"),
        ({"card": "refund"}, "schema"),
    ],
)
def test_several_labels_may_come_in_any_order_but_only_those(
    given_labels: Any, reason: str | None
) -> None:
    (row,) = SEVERAL.parse(json.dumps({"label": given_labels, "text": "a"}), ask("card", "refund"))
    if reason is None:
        assert isinstance(row, Example)
        assert row.target == ("card", "refund")
    else:
        assert isinstance(row, Fault)
        assert (row.reason, row.text) == (reason, "a")


def test_the_empty_label_set_is_read_and_held() -> None:
    assert example('{"label": [], "text": "a"}', task=SEVERAL, wanted=ask()).target == ()
    found = fault('{"label": ["card"], "text": "a"}', task=SEVERAL, wanted=ask())
    assert found.detail == "asked for [], got ['card']"


def rows(*texts: str) -> str:
    return json.dumps({"rows": [{"label": "card", "text": text} for text in texts]})


def test_every_missing_row_is_a_fault() -> None:
    first, *others = SINGLE.parse(rows("a"), ask("card", k=3))
    assert isinstance(first, Example)
    assert [row.detail for row in others if isinstance(row, Fault)] == [
        "the answer holds 1 rows instead of 3"
    ] * 2


def test_every_row_too_many_is_a_fault_with_its_text() -> None:
    *first, last = SINGLE.parse(rows("a", "b", "c"), ask("card", k=2))
    assert [row.text for row in first if isinstance(row, Example)] == ["a", "b"]
    assert isinstance(last, Fault)
    assert (last.reason, last.text) == ("schema", "c")


def test_a_bad_row_leaves_its_neighbours_alone() -> None:
    answer = json.dumps(
        {
            "rows": [
                {"label": "refund", "text": "a"},
                {"label": "card", "text": "b"},
                "c",
                {"label": "card"},
            ]
        }
    )
    found = SINGLE.parse(answer, ask("card", k=4))
    assert [row.reason if isinstance(row, Fault) else row.text for row in found] == [
        "label",
        "b",
        "schema",
        "schema",
    ]


@pytest.mark.parametrize(
    "answer", ['{"rows": {}}', '{"label": "card", "text": "a"}', '{"rows": [], "more": 1}', "{}"]
)
def test_many_rows_stand_in_a_list_of_that_name(answer: str) -> None:
    found = fault(answer, wanted=ask("card", k=2))
    assert found.reason == "schema"
    assert found.detail.startswith("expected a list 'rows' and no other key, found ")


def test_a_key_that_stands_twice_has_its_last_value() -> None:
    assert example('{"label": "refund", "label": "card", "text": "a", "text": "b"}').text == "b"


def test_nul_and_lone_surrogates_come_through_for_the_filters_to_judge() -> None:
    assert example('{"label": "card", "text": "a\\u0000b\\ud800"}').text == "a\0b\ud800"
    assert fault('{"label": "\\ud800\\u0000", "text": "a"}').detail.endswith("'\\ud800\\x00'")


ANSWERS = st.one_of(
    st.text(),
    st.text(alphabet='{}[]",:\\ \nabc0'),
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text() | st.sampled_from(LABELS),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(["label", "text", "text_pair", "rows"]) | st.text(), inner
            )
        ),
    ).map(json.dumps),
)


@given(answer=ANSWERS, k=st.integers(1, 2))
def test_no_answer_raises_and_every_answer_has_a_row(answer: str, k: int) -> None:
    for task in (SINGLE, SEVERAL, PAIRS):
        found = task.parse(answer, ask("card", k=k))
        assert len(found) >= 1
        for row in found:
            if isinstance(row, Fault):
                assert row.reason in {"empty", "json", "schema", "label"}
                row.detail.encode()  # fit for a file, whatever the answer held
            else:
                assert row.target in ("card", ("card",))


MEGABYTE = 1_000_000


@pytest.mark.parametrize(
    "answer",
    [
        "{" * MEGABYTE,
        "{}" * (MEGABYTE // 2),
        "{a}" * (MEGABYTE // 3),
        '{"' + '\\"' * (MEGABYTE // 2),
        '{"' + "\\" * MEGABYTE,
        "{" + '"' * MEGABYTE,
        '{"a":' * (MEGABYTE // 5),
        '{"label": "card", "text": "a"' + ", " * (MEGABYTE // 2) + "}",
        '{"label": "card", "text": "a",' + " " * MEGABYTE + "x}",
        '{"label": "' + "x" * MEGABYTE + '", "text": "a"}',
        '{"label": ' + "[" * 900 + "]" * 900 + ', "text": "a"}',
        '{"label": ["' + '","'.join(["x"] * (MEGABYTE // 4)) + '"], "text": "a"}',
        f'{{"label": "card", {", ".join(f"{json.dumps(str(n))}: 1" for n in range(90_000))}}}',
    ],
    ids=range(13),
)
def test_a_hostile_megabyte_is_read_in_linear_time(answer: str) -> None:
    start = time.process_time()
    for task in (SINGLE, SEVERAL):
        found = fault(answer, task=task)
        assert len(found.detail) < 1500
    assert time.process_time() - start < 10


def test_a_megabyte_of_text_is_a_row() -> None:
    text = "card " * (MEGABYTE // 5)
    assert example(f'Here: {{"label": "card", "text": "{text}",}}').text == text.strip()


def test_reading_deep_in_the_stack_does_not_raise() -> None:
    def deep(depth: int) -> Fault:
        if depth:
            return deep(depth - 1)
        return fault('{"label": ' + "[" * 400 + "]" * 400 + ', "text": "a"}')

    assert deep(sys.getrecursionlimit() // 3).reason in {"schema", "json"}
