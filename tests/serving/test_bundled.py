"""The bundled model's training: what it learns from, and a few steps of it."""

from __future__ import annotations

import gzip
import json
import random
from itertools import islice

import pytest
import torch
from safetensors.torch import load_file

from augment.decoding.loading import load
from augment.engines.training_texts import TrainingTexts
from serving.bundled.corpus import SHARES, Group, groups, marked
from serving.bundled.episodes import Episodes
from serving.bundled.meanings import begin_with_meanings
from serving.bundled.tokenizer import ANSWER, END, USER, trained
from serving.bundled.train import Plan, train

SPOKEN = """please book me a quiet table near the old harbour for two at seven""".split()  # noqa: SIM905


def texts(count, *, seed, first):
    rng = random.Random(seed)
    return [" ".join([first, *rng.sample(SPOKEN, 6)]) for _ in range(count)]


@pytest.fixture(scope="module")
def corpora(tmp_path_factory):
    """A folder laid out as that of the public corpora, with texts made up."""
    folder = tmp_path_factory.mktemp("corpora")

    def write(path, rows):
        path = folder / path
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        opened = gzip.open if path.suffix == ".gz" else open
        with opened(path, "wt", encoding="utf-8") as file:
            file.write(lines)

    turns = [
        {"t": text, "s": speaker, "svc": "Cafes_1", "intent": intent, "slots": [["time", 0, 4]]}
        for speaker, intent, first in (
            ("USER", "BookTable", "could you"), ("USER", "CancelTable", "no longer"),
            ("SYSTEM", None, "shall i"),
        )
        for text in texts(40, seed=len(first), first=first)
    ]  # fmt: skip
    write("lm/schema_guided_dialogue.jsonl.gz", turns)
    write(
        "classification/hwu64/train.jsonl",
        [{"text": text, "label": "cafe_query"} for text in texts(30, seed=5, first="what is")],
    )
    write(
        "classification/goemotions/train.jsonl",
        [{"text": "yay for [NAME] again", "label": ["joy"]}]
        + [{"text": text, "label": ["joy"]} for text in texts(30, seed=6, first="yay")]
        + [{"text": f"darn {text}", "label": ["anger"]} for text in texts(30, seed=7, first="")],
    )
    write(
        "extraction/restaurant8k_slots/train.jsonl",
        [
            {"text": text, "entities": [{"label": "people", "start": 0, "end": 3}]}
            for text in texts(5, seed=8, first="two of us")
        ],
    )
    write(
        "safety/ldnoobw/all.jsonl", [{"text": "darn", "label": "en"}, {"text": "me", "label": "x"}]
    )
    return folder


def test_texts_are_grouped_by_what_they_mean_without_small_or_offensive_groups(corpora):
    found = {(each.kind, each.domain, each.label): each.texts for each in groups(corpora)}

    assert found.keys() == {
        ("turns", "Cafes_1", "book_table"), ("turns", "Cafes_1", "cancel_table"),
        ("turns with slots", "Cafes_1", "book_table time"),
        ("turns with slots", "Cafes_1", "cancel_table time"),
        ("marked", "Cafes_1", "book_table"), ("marked", "Cafes_1", "cancel_table"),
        ("agent", "Cafes_1", "agent time"), ("intents", "hwu64", "cafe_query"),
        ("emotions", "goemotions", "joy"),
    }  # fmt: skip
    assert all(len(set(texts)) == len(texts) >= 8 for texts in found.values())
    assert {kind for kind, _, _ in found} == set(SHARES)
    assert all(text.startswith("<time>coul</time>d")
               for text in found["marked", "Cafes_1", "book_table"])  # fmt: skip
    assert not any("[" in text for texts in found.values() for text in texts)


def test_an_episode_is_a_prompt_of_ours_and_another_text_of_its_group(corpora):
    every = groups(corpora)
    owner = {text: group for group in every for text in group.texts}
    for episode in islice(Episodes(every, seed=1), 200):
        answer = json.loads(episode.answer)
        assert list(answer) == ["label", "text"]
        assert answer["text"] in owner
        assert f"- {answer['label']}\n" in episode.prompt
        assert f'{{"label": "{answer["label"]}", "text": "..."}}' in episode.prompt


def test_the_same_seed_draws_the_same_episodes(corpora):
    every = groups(corpora)
    first, same, other = (list(islice(Episodes(every, seed=n), 20)) for n in (1, 1, 2))

    assert first == same != other


def test_marks_stand_around_mentions_of_which_none_overlap():
    spans = [(11, 19, "city"), (0, 7, "thing"), (2, 9, "other")]

    assert marked("a table in San Jose", spans) == "<thing>a table</thing> in <city>San Jose</city>"
    assert marked("", []) == ""


def test_the_first_answers_repeat_an_example(corpora):
    episodes = list(islice(Episodes(groups(corpora), seed=1, copying=40), 80))
    copied = [
        f"Text: {json.loads(each.answer)['text']}\n" in each.prompt
        for each in episodes
        if "Text: " in each.prompt
    ]

    assert sum(copied[:30]) == 30
    assert not any(copied[-30:])


def test_tokens_begin_with_what_their_words_mean(corpora):
    every = groups(corpora)
    episodes = list(islice(Episodes(every, seed=0), 300))
    tokenizer = trained([text for group in every for text in group.texts], episodes)
    embedding = torch.zeros(len(tokenizer), 64)
    begin_with_meanings(embedding, tokenizer)

    ids = {word: tokenizer(word)["input_ids"] for word in (" two", " seven", " table")}
    assert all(len(found) == 1 for found in ids.values())
    two, seven, table = (embedding[found[0]] for found in ids.values())
    assert torch.cosine_similarity(two, seven, 0) > torch.cosine_similarity(two, table, 0) + 0.1
    assert embedding[embedding.any(dim=1)].std() == pytest.approx(0.02, rel=0.05)
    assert not embedding[tokenizer.convert_tokens_to_ids("!")].any(), "no word, and left as it was"


def test_a_group_too_small_for_its_shots_still_gives_an_answer():
    group = Group(
        label="a", kind="turns", domain="d", texts=tuple(f"text {n} {n * n}" for n in range(8))
    )
    for episode in islice(Episodes([group], seed=0), 100):
        text = json.loads(episode.answer)["text"]
        assert f"Text: {text}\n" not in episode.prompt


def test_fixed_lines_of_prompts_are_one_token_each_and_any_text_comes_back(corpora):
    every = groups(corpora)
    episodes = list(islice(Episodes(every, seed=0), 300))
    tokenizer = trained([text for group in every for text in group.texts], episodes)
    line = "Write one new row with this label:\n"

    assert len(tokenizer(line)["input_ids"]) == 1
    assert tokenizer.decode(tokenizer("naïve 日本 🎉\n\tx")["input_ids"]) == "naïve 日本 🎉\n\tx"
    turns = [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}]
    shown = tokenizer.apply_chat_template(turns, add_generation_prompt=True, tokenize=False)
    assert shown == f"{USER}u{ANSWER}"
    assert tokenizer.eos_token == END


def last_of(folder):
    return json.loads((folder / "training.jsonl").read_text("utf-8").splitlines()[-1])


def test_a_few_steps_teach_it_something_and_leave_what_the_engine_loads(corpora, tmp_path):
    plan = Plan(steps=12, tokens=512, width=32, layers=2, heads=2, key_value_heads=1,
                feed_forward=64, save_every_s=0)  # fmt: skip
    train(corpora, tmp_path, plan)
    first = last_of(tmp_path)
    train(corpora, tmp_path, plan)  # goes on from there
    again = last_of(tmp_path)
    ready = load(str(tmp_path))

    assert again["tokens"] > first["tokens"] > 0
    assert again["unseen"] < first["unseen"] < 8.7, "no better than a guess among so many tokens"
    assert ready.context == 1024
    assert {"table", "harbour"} <= TrainingTexts.read(tmp_path).known
    weights = load_file(tmp_path / "model.safetensors")
    assert {each.dtype for each in weights.values()} == {torch.float16}
