"""The recipe: one configuration from file and command line, every fault named, growth allowed."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from augment.characters import fault_of_name, fault_of_text
from augment.errors import InputError
from augment.recipe import MAY_GROW, OPERATIONAL, Recipe, comparable, differences, load


@pytest.fixture
def written(tmp_path):
    """Write a recipe file."""

    def write(content):
        path = tmp_path / "recipe.yaml"
        path.write_text(
            content if isinstance(content, str) else yaml.safe_dump(content, sort_keys=False),
            "utf-8",
        )
        return path

    return write


def faults(path, **options):
    with pytest.raises(InputError) as caught:
        load(path, options=options)
    return [str(fault) for fault in caught.value.faults]


def test_without_a_file_everything_has_its_default():
    found = load(None, options={})

    assert (found.random_seed, found.reserve, found.concurrency) == (0, 0.0, 64)
    assert found.strategies is None, "that depends on the rows"
    assert found.per_label is found.total is found.endpoint is None


def test_an_empty_file_says_nothing(written):
    assert load(written(""), options={}) == load(None, options={})


def test_a_list_of_one_endpoint_is_that_endpoint(written):
    one = load(written("endpoint: [http://a/v1]"), options={})
    two = written("endpoint: [http://a/v1, http://b/v1]")

    assert (one.endpoint, one.endpoints) == ("http://a/v1", ("http://a/v1",))
    assert load(two, options={}).endpoints == ("http://a/v1", "http://b/v1")
    assert load(two, options={"endpoint": ["http://c/v1"]}).endpoints == ("http://c/v1",)


def test_names_may_have_dashes_or_underscores(written):
    dashed = {"per-label": 7, "sampling": {"top-p": 0.5, "max-tokens": 9}, "rows-per-request": 2}
    underscored = {
        "per_label": 7,
        "sampling": {"top_p": 0.5, "max_tokens": 9},
        "rows_per_request": 2,
    }

    assert load(written(dashed), options={}) == load(written(underscored), options={})
    assert load(written(dashed), options={}).sampling.top_p == 0.5


@pytest.mark.parametrize("name", ["per-label", "per_label"])
def test_the_command_line_wins_over_the_file(written, name):
    found = load(written({name: 7, "random-seed": 3}), options={"per_label": "9"})

    assert (found.per_label, found.random_seed) == (9, 3)


def test_labels_are_a_list_or_a_mapping_to_descriptions(written):
    listed = load(written({"labels": ["b", "a", 3]}), options={}).labels
    described = load(written({"labels": {"b": "what b means", "a": None}}), options={}).labels

    assert listed is not None
    assert described is not None
    assert list(listed.items()) == [("b", None), ("a", None), ("3", None)]
    assert list(described.items()) == [("b", "what b means"), ("a", None)]


def test_every_fault_is_named_at_once_with_its_place(written):
    path = written({
        "per-label": 0, "shot": 3, "sampling": {"temprature": 1, "top-p": 2},
        "strategies": {"oneshot": 1}, "attributes": {"length": []},
        "filters": {"without": ["typos"]}, "holdout": 5,
    })  # fmt: skip
    found = faults(path, concurrency="many", timeout_s="-1")
    text = "\n".join(found)

    assert len(found) == 10
    for part in (
        f"{path}, per-label: ",
        f"{path}: unknown key 'shot' (did you mean 'shots'?); allowed are task, per-label",
        f"{path}: unknown key 'sampling.temprature' (did you mean 'temperature'?); allowed are tem",
        f"{path}, sampling.top-p: ",
        f"{path}, strategies.oneshot",
        f"{path}, attributes.length: must be a list of texts, or such a list for each label",
        f"{path}, filters.without.0: Input should be 'length', 'form',",
        f"{path}, holdout: ",
        "command line, concurrency: ",
        "command line, timeout-s: Input should be greater than 0 (found '-1')",
    ):
        assert part in text


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"per_label": 3, "total": 9}, "--per-label and --total exclude each other"),
        ({"engine": "endpoint"}, "--engine endpoint needs --endpoint URL"),
        ({"engine": "seedlm", "endpoint": "http://x/v1"}, "--endpoint does not go with --engine"),
        ({"endpoint": "localhost:8000"}, "must begin with http:// or https://"),
        ({"max_cost": 3}, "--max-cost needs `prices` in the recipe"),
        ({"strategies": {"fewshot": 0}}, "must give at least one a weight above 0"),
        ({"model_options": {"dtype": "float32"}}, "goes with --engine langchain, vllm or trans"),
        ({"engine": "transformers", "model": "m", "model_options": {"dtype": "int8", "x": 1}},
         "`model-options` of transformers: dtype alone, found ['x']"),
        ({"engine": "transformers", "model": "m", "model_options": {"dtype": "int8"}},
         "`model-options`, dtype: must be one of float32, bfloat16, float16"),
    ],
)  # fmt: skip
def test_options_that_do_not_go_together_are_refused(options, said):
    (found,) = faults(None, **options)
    assert said in found


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("- a list", "must hold a mapping of option names to values"),
        ("per-label: [", "cannot be read as YAML"),
        ("!!python/object/apply:os.system ['true']", "cannot be read as YAML"),
        ("a: &a [*a]\n" + "[" * 5000, "cannot be read as YAML"),
    ],
)
def test_a_file_that_is_no_recipe_is_refused(written, content, said):
    (found,) = faults(written(content))
    assert said in found


def test_a_file_that_is_not_there_is_named(tmp_path):
    (found,) = faults(tmp_path / "none.yaml")
    assert found.startswith(f"{tmp_path / 'none.yaml'}: cannot be read: No such file")


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"labels": {" a": None}}, "white space"),
        ({"labels": ["a", ""]}, "must not be empty"),
        ({"labels": {"a\nb": None}}, "a line break"),
        ({"labels": {"a": "no\0thing"}}, "holds NUL at character 2"),
        ({"guidelines": "\0"}, "holds NUL at character 0"),
        ({"glossary": {"term": "\0"}}, "holds NUL"),
        ({"attributes": {"tone ": ["dry"]}}, "white space"),
        ({"attributes": {"tone": ["\0"]}}, "holds NUL"),
    ],
)
def test_texts_and_names_hold_what_those_of_rows_may_hold(said, words):
    with pytest.raises(InputError, match=words):
        load(None, options=said)


def test_what_was_found_is_shown_short(written):
    (found,) = faults(written({"per-label": "x" * 5000}))
    assert len(found) < 300


def resumed(before, now):
    """The differences after what a journal does to a recipe."""
    return differences(json.loads(json.dumps(comparable(before))), now)


TEXTS = st.text(max_size=5).filter(lambda text: not fault_of_text(text))
NAMES = TEXTS.map(str.strip).filter(lambda name: name and not fault_of_name(name))
SOME = st.fixed_dictionaries(
    {},
    optional={
        "per_label": st.integers(1, 99),
        "random_seed": st.integers(0, 2**40),
        "reserve": st.floats(0, 0.99),
        "max_minutes": st.floats(0.1, 1e6),
        "guidelines": TEXTS,
        "labels": st.dictionaries(NAMES, st.none() | TEXTS, max_size=3),
        "sampling": st.fixed_dictionaries({"temperature": st.floats(0, 5)}),
        "extra_body": st.dictionaries(st.text(max_size=3), st.integers() | st.text(max_size=3)),
        "filters": st.fixed_dictionaries({"without": st.permutations(["form", "copy", "leak"])}),
    },
)  # fmt: skip


@given(values=SOME)
def test_a_recipe_never_differs_from_itself(values):
    recipe = Recipe.model_validate(values)
    assert resumed(recipe, recipe) == []


@given(before=SOME, now=SOME)
def test_two_recipes_differ_in_exactly_the_fields_that_do(before, now):
    one, other = Recipe.model_validate(before), Recipe.model_validate(now)
    old, new = comparable(one), comparable(other)
    changed = [name for name in old if old[name] != new[name] and name not in MAY_GROW]

    names = (line.split(":")[0].split(",")[0] for line in resumed(one, other))
    found = [name.replace("-", "_") for name in dict.fromkeys(names)]
    assert [name for name in found if name not in MAY_GROW] == changed


@pytest.mark.parametrize(
    ("name", "old", "new", "grown"),
    [
        ("per_label", 5, 6, True), ("per_label", 6, 5, False),
        ("total", 9, 10, True), ("total", 10, 9, False), ("total", None, 9, False),
        ("max_requests", 100, 101, True), ("max_requests", 100, 99, False),
        ("max_tokens", 100, None, True), ("max_tokens", None, 100, False),
        ("max_minutes", 1.5, 2.0, True), ("max_minutes", 1.5, 1.0, False),
    ],
)  # fmt: skip
def test_quotas_and_budgets_may_grow_and_nothing_shrinks(name, old, new, grown):
    before, now = Recipe.model_validate({name: old}), Recipe.model_validate({name: new})
    dashed = name.replace("_", "-")

    assert resumed(before, now) == ([] if grown else [f"{dashed}: was {old}, now {new}"])
    assert resumed(before, before) == []


@pytest.mark.parametrize(
    "change",
    [
        {"endpoint": "http://elsewhere/v1"}, {"concurrency": 3}, {"timeout_s": 5.0},
        {"max_wait_s": 5.0}, {"headers": {"X-Key": "secret"}}, {"out": "moved"}, {"lenient": True},
    ],
)  # fmt: skip
def test_how_the_engine_is_reached_may_change(change):
    assert set(change) <= OPERATIONAL
    assert resumed(Recipe(), Recipe.model_validate(change)) == []


def test_headers_are_not_among_what_is_written_down():
    secret = Recipe.model_validate({"headers": {"X-Key": "secret"}})
    assert "secret" not in json.dumps(comparable(secret))


def test_the_recipe_of_the_readme_loads(tmp_path):
    readme = (Path(__file__).parents[1] / "README.md").read_text("utf-8")
    block = readme.split("and more:\n\n")[1].split("\n\n")[0]
    path = tmp_path / "recipe.yaml"
    path.write_text(textwrap.dedent(block), encoding="utf-8")

    assert load(path, options={}).filters.without == ("length",)


def test_a_fault_in_the_headers_does_not_show_them(tmp_path):
    path = tmp_path / "recipe.yaml"
    path.write_text("headers: 'Authorization: Bearer s3cret'", encoding="utf-8")
    with pytest.raises(InputError) as caught:
        load(path, options={})

    assert "headers" in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_what_an_earlier_version_did_not_know_was_as_it_is_by_default():
    now = Recipe(task="classification", per_label=5)
    before = json.loads(json.dumps(comparable(now)))
    for name in ("task", "pii", "answer_form", "max_variants"):
        del before[name]
    del before["filters"]["toxicity"]

    assert differences(before, now) == []
    assert differences(before, now.model_copy(update={"pii": "mask"})) == [
        "pii: was 'reject', now 'mask'"
    ]


def test_of_a_part_of_the_recipe_what_differs_is_named():
    before = json.loads(json.dumps(comparable(Recipe())))
    before["filters"]["agreement_precision"] = 0.75

    assert differences(before, Recipe()) == ["filters, agreement-precision: was 0.75, now 0.5"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"filters": {"toxicity-classes": ["toxic"]}}, "needs --toxicity-model"),
        (
            {"toxicity-model": "x", "filters": {"without": ["toxicity"]}},
            "--toxicity-model does not go with",
        ),
        (
            {"toxicity-model": "x", "guard-endpoint": "http://x/v1"},
            "--toxicity-model and --guard-endpoint exclude each other",
        ),
        (
            {"guard-endpoint": "http://x/v1", "filters": {"without": ["toxicity"]}},
            "--guard-endpoint does not go with `filters: {without: ",
        ),
        ({"guard-model": "x"}, "--guard-model needs --guard-endpoint URL"),
        ({"guard-endpoint": "x:8001"}, "--guard-endpoint 'x:8001' must begin with http://"),
        (
            {"guard-endpoint": "user:a-long-secret@x/v1"},
            r"--guard-endpoint 'user:\[struck out\]@x/v1' must begin with http://",
        ),
        ({"guard-endpoint": ["http://x/v1"] * 2}, "--guard-endpoint names a server twice"),
    ],
)
def test_a_toxicity_model_and_what_is_said_of_it_go_together(options, message):
    with pytest.raises(InputError, match=message):
        load(None, options=options)


@pytest.mark.parametrize("name", ["endpoint", "guard-endpoint"])
def test_addresses_that_are_none_tell_no_password(name):
    with pytest.raises(InputError, match="must be an address, or a list") as raised:
        load(None, options={name: ["http://user:a-long-secret@x/v1", 5]})
    assert "a-long-secret" not in str(raised.value)


@pytest.mark.parametrize(
    ("filters", "said"),
    [
        ({"order": ["near_duplicate", "form"]},
         "`order` puts near-duplicate before form: rows are judged by their text first, and"),
        ({"order": ["form", "similarity", "pii"]},
         "puts similarity before pii: rows are judged by their text first, and by their meaning"),
        ({"order": ["pii", "form", "pii"]}, "`order` names a filter twice"),
        ({"flag": ["pii"], "without": ["pii"]}, "`flag` names pii, which `without` leaves out"),
        ({"order": ["toxicity"], "without": ["toxicity"]}, "`order` names toxicity, which"),
        ({"flag": ["schema"]}, "Input should be 'length'"),
    ],
)  # fmt: skip
def test_an_order_or_action_that_makes_no_sense_is_refused(filters, said):
    with pytest.raises(InputError) as raised:
        load(None, options={"filters": filters})
    assert said in str(raised.value)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"engine": "transfomers"}, "(found 'transfomers') (did you mean 'transformers'?)"),
        ({"filters": {"flag": ["near-duplikate"]}}, "(did you mean 'near-duplicate'?)"),
        ({"strategies": {"entities_first": 1}}, "(did you mean 'entities-first'?)"),
        ({"model": "Bundeld"}, "--model 'Bundeld' (did you mean 'bundled'?) needs"),
        ({"relations": {"at": {"haed": ["x"]}}},
         "'relations.at.haed' (did you mean 'head'?); allowed are description, head, tail"),
        ({"identities": {"axes": {"job": {"groups": ["a"], "terms": [["b"]], "leve": []}}}},
         "(did you mean 'level'?); allowed are groups, terms, level"),
    ],
)  # fmt: skip
def test_what_was_probably_meant_is_named(options, said):
    assert said in "\n".join(faults(None, **options))


def test_filters_are_named_with_dashes_as_their_thresholds_or_as_files_have_them():
    dashed, other = (
        load(None, options={"filters": {"flag": [f"near{by}duplicate"], f"near{by}duplicate": 0.9}})
        for by in "-_"
    )
    assert dashed == other
    assert dashed.filters.flag == ("near_duplicate",)
    assert comparable(dashed)["filters"]["flag"] == ["near_duplicate"]


def test_filters_may_stand_in_any_order_within_their_stage():
    order = ["pii", "form", "toxicity", "agreement", "shortcuts", "near_duplicate"]
    found = load(None, options={"filters": {"order": order, "flag": ["toxicity", "pii"]}})
    assert found.filters.order == tuple(order)
