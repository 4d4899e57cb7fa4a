"""The model in the box with its guides: new rows of the asked label, by the schema, and honest."""

from __future__ import annotations

import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from annotated import spans

from augment import app, recipe
from augment.engines.bundled import SeedGuides, bundled, load_bundled, training_texts
from augment.engines.copies import Copies
from augment.engines.embedded import (
    BUNDLED_PRECISION,
    BUNDLED_SAMPLING,
    MISSING,
    WEIGHTS,
    unfit,
)
from augment.engines.kneser_ney import MARKS
from augment.engines.seed_rows import MarkedRows, PlainRows
from augment.engines.training_texts import FILES
from augment.recipe import Recipe
from augment.records import Annotation, Ask, Completion, Example, SeedSet
from augment.setting import Inputs, prepare, renderer_of
from augment.spans.types import learnt
from augment.tasks.extraction import Extraction

EXAMPLES = Path(__file__).parents[2] / "examples" / "support_intents.csv"
BOOKINGS = EXAMPLES.with_name("table_bookings.jsonl")
SUPPORT = [
    (row["text"], row["label"]) for row in csv.DictReader(EXAMPLES.read_text("utf-8").splitlines())
]
TRAINING = training_texts()
GERMAN = [
    ("Wo bleibt mein Paket, es sollte am Dienstag kommen?", "lieferung"),
    ("Die Sendungsverfolgung zeigt seit drei Tagen nichts Neues an.", "lieferung"),
    ("Ich möchte die Schuhe zurückschicken und mein Geld wiederhaben.", "rückgabe"),
    ("Wie lange dauert die Erstattung nach einer Rücksendung?", "rückgabe"),
]


def seed_set(rows, **changes):
    examples = tuple(
        Example(id=f"s{n}", text=text, target=target) for n, (text, target) in enumerate(rows)
    )
    plain = SeedSet(examples=examples, labels=(), several=False, pairs=False, digest="")
    return replace(plain, **changes)


@pytest.fixture(scope="module")
def model():
    return load_bundled()


@pytest.fixture(scope="module")
def guides(model):
    return SeedGuides(seed_set(SUPPORT), model, training=TRAINING)


def guide(guides, *labels):
    return guides.guide(Ask(number=0, strategy="fewshot", labels=labels))


def row(text, **more):
    return json.dumps({"label": "delivery_status", "text": text, **more})


def test_only_what_is_new_and_like_its_label_will_do(guides):
    one = guide(guides, "delivery_status")

    assert one.will_do(row("my parcel was due last week, where is the driver with it"))
    assert not one.will_do(row("where is my parcel? it should have been here on Tuesday"))
    assert not one.will_do(row("WHERE is my parcel -- it should have been here on Tuesday!"))
    assert not one.will_do(row("please refund me for the shoes, I want my money back"))
    assert not one.will_do(row("my parcel was due last week, where is the drivent with it"))
    assert not one.will_do(row("..."))


def test_every_row_of_an_answer_is_judged_and_what_is_none_is_left_to_others(guides):
    one = guide(guides, "delivery_status")
    new, old = "my parcel was due, where is the driver with it", SUPPORT[0][0]

    assert one.will_do(json.dumps({"rows": [{"text": new}, {"text": new}]}))
    assert not one.will_do(json.dumps({"rows": [{"text": new}, {"text": old}]}))
    assert one.will_do("no JSON")


def test_the_model_s_own_marks_in_a_seed_are_never_proposed(model):
    rows = [("<|end|> hello <|answer|> there <|user|>", "a"), ("<|end|>", "b")]
    guides = SeedGuides(seed_set(rows), model, training=TRAINING)
    for label in ("a", "b"):
        for answer in model.tokens.numbers([',"text":"', " hello", " there"]):
            assert all(token >= MARKS for token in guide(guides, label).after(answer)[0])


def test_the_more_rows_an_answer_has_the_fewer_answers_are_thrown_away(guides):
    asks = [Ask(number=0, strategy="fewshot", labels=("refund",), k=k) for k in (1, 2, 10)]

    assert [guides.guide(ask).drafts for ask in asks] == [8, 4, 0]
    assert guides.guide(asks[1]).room == 2 * guides.guide(asks[0]).room


def test_the_order_in_which_a_seed_names_its_labels_says_nothing(model):
    rows = [("please bring the sun", ("joy", "calm")), ("where is the sea", ("calm", "joy")),
            ("this is an outrage", ("anger",))]  # fmt: skip
    guides = SeedGuides(seed_set(rows, several=True), model, training=TRAINING)
    one = guide(guides, "calm", "joy")

    assert one.will_do(row("the sun and the sea"))
    assert not one.will_do(row("an outrage, this"))
    (opening,) = model.tokens.numbers([',"text":"'])
    assert {"please", "where"} <= {model.tokens.text([token]) for token in one.after(opening)[0]}


def test_labels_that_no_seed_bears_are_guided_by_those_with_any_of_them(model):
    several = seed_set(
        [("where and dirty", ("quick", "dirty")), ("please and dirty", ("slow", "dirty"))],
        several=True,
    )
    guides = SeedGuides(several, model, training=TRAINING)
    (opening,) = model.tokens.numbers([',"text":"'])

    def words(*labels):
        return {model.tokens.text([token]) for token in guide(guides, *labels).after(opening)[0]}

    assert words("quick", "dirty") == words("quick", "slow", "dirty") == {"where", "please"}
    _, chances, left = guide(guides, "quick", "dirty").after(opening)
    assert sum(chances) + left == pytest.approx(1)
    assert guide(guides, "quick", "slow").will_do(row("where and please"))
    assert not guide(guides, "clean").will_do(row("anything at all"))


MARKED = [
    "a table for <people>two</people> on <day>Friday</day>, please",
    "could you seat <people>six of us</people> <day>tomorrow</day>?",
    "do you have a table outside?",
]


@pytest.fixture(scope="module")
def marked(model):
    drawn = [spans(text) for text in MARKED]
    rows = [(text, Annotation(entities=own)) for text, own in drawn]
    seeds = replace(seed_set(rows), task="ner")
    task = Extraction(learnt(seeds.examples, task="ner"), bare=True)
    own = MarkedRows(seeds, row_of=task.row_of, parse=task.parse, repeated=True)
    return SeedGuides(seeds, model, training=TRAINING, rows=own)


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("<people>six of us</people> on <day>Friday</day>, please", True),
        ("could you seat <people>two</people> on <day>tomorrow</day>?", True),
        ("a table for <people>two</people>, please", False),
        ("<people>seven of us</people> on <day>Friday</day>, please", False),
        ("a table for <people>two</people> on <day>Friday, please", False),
        ("a table for <people>two</people> on <day>Friday</day>, please", False),
        ("a table for <people>two</people> on <day>Friday</day>, pleasent", False),
    ],
)
def test_a_marked_row_has_all_types_asked_for_and_the_mentions_of_the_seeds(marked, text, fits):
    assert guide(marked, "people", "day").will_do(json.dumps({"text": text})) is fits


def test_within_a_mark_and_its_mention_the_seeds_alone_have_a_say(marked, model):
    one = guide(marked, "people", "day")
    for said, alone in (
        ('{"text":"a table', False),
        ('{"text":"a table for <', True),
        ('{"text":"a table for <people>six', True),
        ('{"text":"a table for <people>two</', True),
        ('{"text":"a table for <people>two</people> on', False),
    ):
        (answer,) = model.tokens.numbers([said])
        _, chances, left = one.after(answer)
        assert (left == 0) is alone
        assert sum(chances) + left == pytest.approx(1)
    (answer,) = model.tokens.numbers(['{"text":"a table for <people>'])
    assert {model.tokens.text([token]) for token in one.after(answer)[0]} >= {"two", "six"}


async def test_a_run_writes_marked_rows_with_mentions_of_the_seeds(tmp_path):
    known = {
        (each["label"], each["text"].casefold())
        for line in BOOKINGS.read_text("utf-8").splitlines()
        for each in json.loads(line)["entities"]
    }
    chosen = recipe.load(None, options={
        "out": tmp_path / "out", "encoder": "ngram", "model": "bundled", "total": 8,
        "max_requests": 60,
    })  # fmt: skip
    outcome = await app.run(Inputs(seeds=BOOKINGS), chosen)
    accepted = (tmp_path / "out/accepted.jsonl").read_text("utf-8").splitlines()
    rows = [json.loads(line) for line in accepted]

    assert outcome.exit_code == 0
    assert {row["provenance"]["model"] for row in rows} == {"bundled"}
    assert any(row["entities"] for row in rows)
    for row in rows:
        for each in row["entities"]:
            assert row["text"][each["start"] : each["end"]] == each["text"]
            assert (each["label"], each["text"].casefold()) in known


def test_it_writes_short_english_texts_alone():
    def why(rows, *, shots=5, k=1, **changes):
        return str(unfit(seed_set(rows, **changes), shots=shots, rows=k))

    assert why(SUPPORT) == "None"
    assert "it knows plain English, and the seeds take" in why(GERMAN)
    assert "it knows plain English" in why([("我的包裹在哪里", "x")])
    assert "a sentence or two, and the seeds have up to" in why([("where is it " * 36, "x")])
    assert "would have more" in why([("where is it " * 20, "x")], shots=20)
    assert "would have more" in why(SUPPORT, k=20)
    assert "no pairs" in why(SUPPORT, pairs=True)


@pytest.mark.parametrize("lost", [*FILES, "model.safetensors", "tokenizer.json"])
def test_without_one_of_its_files_the_n_grams_write(lost, tmp_path):
    folder = tmp_path / "weights"
    shutil.copytree(WEIGHTS, folder)
    assert unfit(seed_set(SUPPORT), shots=5, rows=1, folder=folder) is None

    (folder / lost).unlink()
    assert unfit(seed_set(SUPPORT), shots=5, rows=1, folder=folder) == MISSING


@pytest.mark.parametrize("content", ["", "{", "{}", "version https://git-lfs.github.com/spec/v1"])
def test_a_broken_tokenizer_is_a_missing_one(content, tmp_path):
    folder = tmp_path / "weights"
    shutil.copytree(WEIGHTS, folder)
    (folder / "tokenizer.json").write_text(content, "utf-8")

    assert unfit(seed_set(SUPPORT), shots=5, rows=1, folder=folder) == MISSING


@pytest.mark.parametrize(
    ("rows", "options", "model", "sampling"),
    [
        (SUPPORT, {}, "bundled", BUNDLED_SAMPLING),
        (SUPPORT, {"sampling": {"top_p": 0.5}}, "bundled", BUNDLED_SAMPLING | {"top_p": 0.5}),
        (SUPPORT, {"model": "ngram"}, "ngram", {"temperature": 1.0, "top_p": 0.95}),
        (GERMAN, {}, "ngram", {"temperature": 1.0, "top_p": 0.95}),
        (GERMAN, {"model": "bundled"}, "bundled", BUNDLED_SAMPLING),
    ],
)
def test_the_model_is_the_one_that_suits_the_seeds(rows, options, model, sampling, tmp_path):
    seeds = tmp_path / "seeds.jsonl"
    seeds.write_text("".join(json.dumps({"text": a, "label": b}) + "\n" for a, b in rows), "utf-8")
    setting = prepare(
        Inputs(seeds=seeds), recipe.load(None, options={"encoder": "ngram", **options})
    )

    assert setting.recipe.model == model
    sampled = setting.recipe.sampling.model_dump()
    assert {name: sampled[name] for name in sampling} == sampling
    assert bool(setting.notices) == (rows is GERMAN and not options)
    assert set(setting.notices) <= set(setting.warnings)


@pytest.mark.parametrize(
    ("seeds", "options", "precision"),
    [
        (EXAMPLES, {}, BUNDLED_PRECISION),
        (EXAMPLES, {"filters": {"agreement_precision": 0.7}}, 0.7),
        (EXAMPLES, {"filters": {"toxicity": 0.7}}, BUNDLED_PRECISION),
        (EXAMPLES, {"model": "ngram"}, Recipe().filters.agreement_precision),
        (EXAMPLES, {"endpoint": "http://localhost"}, Recipe().filters.agreement_precision),
        (BOOKINGS, {"model": "bundled"}, Recipe().filters.agreement_precision),
    ],
)
def test_its_labelled_rows_are_rejected_sooner_than_those_of_others(seeds, options, precision):
    found = recipe.load(None, options={"encoder": "ngram", **options})

    assert prepare(Inputs(seeds=seeds), found).recipe.filters.agreement_precision == precision
    assert Recipe().filters.agreement_precision > BUNDLED_PRECISION


async def test_its_answers_are_new_rows_whatever_their_shape():
    setting = prepare(
        Inputs(seeds=EXAMPLES), recipe.load(None, options={"encoder": "ngram", "per_label": 2})
    )
    renderer = renderer_of(setting)
    ids = [seed.id for seed in setting.used.examples if seed.target == "refund"]

    def asks():
        for number in range(24):
            yield Ask(
                number=number, strategy="fewshot", labels=("refund",), exemplars=tuple(ids[:5]),
                k=1 + number % 2,
            )  # fmt: skip

    async def requests():
        for ask in asks():
            yield renderer.request(ask)

    copies = Copies([seed.text for seed in setting.used.examples])
    texts: list[str] = []
    async with bundled(setting.used, rows=PlainRows(), concurrency=8) as engine:
        assert (engine.name, engine.model, bool(engine.revision)) == ("seedlm", "bundled", True)
        async for request, told in engine.complete(requests()):
            assert isinstance(told, Completion)
            found = setting.task.parse(told.text, request.ask)
            assert len(found) == request.ask.k
            texts += [each.text for each in found]  # a fault has none
            assert told.completion_tokens > 0

    assert sum(map(copies.has_near, texts)) < len(texts) / 10
    assert len(set(texts)) > len(texts) / 2
