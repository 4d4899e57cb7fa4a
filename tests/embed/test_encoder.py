"""MiniLM as a run asks it: any text at all, each once, and only of what it knows."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sphere import examples

from augment.embed.encoder import RunEncoder
from augment.embed.seeds import seed_vectors
from augment.embed.store import VectorStore
from augment.embed.worker import Worker
from augment.ngrams import ngram_vectors
from augment.records import Annotation, Example, Span

HOSTILE = [
    "", " ", "\ud800", "a\ud800b", "\x00\x07", "\u202e", "x" * 1_000_000, "word " * 200_000,
    "[CLS] [SEP] [MASK]", "🙂" * 9, "e\u0301" * 30,
]  # fmt: skip
ENGLISH = [
    (f"{start} {what}", label)
    for what, label in (
        ("my parcel has not arrived", "parcel"),
        ("the delivery is late", "parcel"),
        ("I cannot log in to my account", "login"),
        ("the password is not accepted", "login"),
    )
    for start in ("hello,", "sorry,", "please help:", "again", "why is it that", "today")
]
CHINESE = [
    (f"{start}{what}", label)
    for what, label in (("我的包裹在哪里", "parcel"), ("我无法登录账户", "login"))
    for start in ("你好", "请问", "对不起", "今天", "为什么", "麻烦您")
]


@pytest.fixture
def encoder(minilm) -> RunEncoder:
    return RunEncoder(minilm, VectorStore(None, encoder="minilm"))


def test_any_text_has_a_vector_of_unit_length(encoder):
    vectors = encoder.encode(HOSTILE)

    assert (vectors.shape, vectors.dtype) == ((len(HOSTILE), 384), np.float32)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(len(HOSTILE)), abs=1e-6)


@settings(max_examples=8)
@given(st.lists(st.text(st.characters(exclude_categories=()), max_size=30), min_size=1, max_size=5))
def test_a_vector_does_not_depend_on_the_texts_beside_it(minilm, texts):
    alone = RunEncoder(minilm, VectorStore(None, encoder="minilm")).encode(texts[-1:])
    among = RunEncoder(minilm, VectorStore(None, encoder="minilm")).encode(texts)

    assert among[-1:] == pytest.approx(alone, abs=2e-3)


def test_each_text_is_embedded_once_over_two_sessions(minilm, tmp_path):
    path, before = tmp_path / "vectors.db", minilm.texts
    texts = ["one text", "another", "one text", "\ud800"]
    store = VectorStore(path, encoder="minilm")
    made = RunEncoder(minilm, store).encode(texts)
    store.close()
    assert minilm.texts == before + 3

    other = Worker("minilm")
    resumed = RunEncoder(other, VectorStore(path, encoder="minilm"))
    assert np.array_equal(resumed.encode(texts), made)
    assert resumed.name == "all-MiniLM-L6-v2"
    assert (other.started, other.texts, minilm.texts) == (False, 0, before + 3)


def test_two_threads_at_once_get_what_one_would(minilm, encoder):
    batches = [
        [f"batch {batch} text {n} {'x ' * (n % 5)}" for n in range(16)] for batch in range(4)
    ]
    with ThreadPoolExecutor(2) as pool:
        at_once = list(pool.map(encoder.encode, batches))
    for texts, vectors in zip(batches, at_once, strict=True):
        alone = RunEncoder(minilm, VectorStore(None, encoder="minilm")).encode(texts)
        assert vectors == pytest.approx(alone, abs=2e-3)


def test_texts_that_mean_alike_are_more_alike(encoder):
    asked, alike, other = encoder.encode(
        ["Where is my parcel?", "My package has not been delivered yet.", "Play some jazz."]
    )
    assert asked @ alike > asked @ other + 0.3


def at(text, *mentions):
    return [(text.index(each), text.index(each) + len(each)) for each in mentions]


def test_a_place_is_seen_in_its_text(encoder):
    texts = ["I flew to Paris", "I flew to Bonn", "I took aspirin", "Paris Hilton sang"]
    places = [at(texts[0], "Paris"), at(texts[1], "Bonn"), at(texts[2], "aspirin"), [(0, 5)]]
    whole, seen = encoder.encode_places(texts, places)
    paris, bonn, drug, name = (own[0].reshape(3, 384)[0] for own in seen)

    assert whole == pytest.approx(encoder.encode(texts), abs=2e-3)
    assert paris @ bonn > paris @ drug + 0.1
    assert paris @ name < 0.9, "the same word, beside other words"


def test_a_place_has_what_stands_beside_it(encoder):
    text = "we met Ada Lovelace there"
    _, [[one, other, first]] = encoder.encode_places(
        [text], [at(text, "Ada Lovelace", "met", "we")]
    )
    mention, before, after = one.reshape(3, 384)

    assert before @ other.reshape(3, 384)[0] > 0.99
    assert np.linalg.norm([mention, before, after], axis=1) == pytest.approx(np.ones(3), abs=1e-2)
    assert not first.reshape(3, 384)[1].any()


def test_a_place_does_not_depend_on_the_texts_beside_it_and_is_embedded_once(encoder, minilm):
    texts = [f"{'very ' * n}far to {where}" for n in range(40) for where in ("Bonn", "Rome")]
    places = [at(text, "far", text.split()[-1]) for text in texts]
    _, among = encoder.encode_places(texts, places)
    for n in (0, 17, 79):
        _, [alone] = RunEncoder(minilm, VectorStore(None, encoder="minilm")).encode_places(
            [texts[n]], [places[n]]
        )
        assert np.array(among[n]) == pytest.approx(np.array(alone), abs=1e-2)
    before = minilm.texts
    _, again = encoder.encode_places(texts[::-1], places[::-1])
    encoder.encode(texts)

    assert minilm.texts == before
    assert np.array_equal(np.array(again[::-1]), np.array(among))


def test_what_the_encoder_does_not_read_is_zeros(encoder):
    text = "word " * 1000 + "Bonn"
    _, [[far, near, nothing]] = encoder.encode_places([text], [[*at(text, "Bonn", "word"), (4, 5)]])

    assert not far.any()
    assert near.any()
    assert not nothing.any()


def test_places_of_any_text_can_be_asked_for(encoder):
    places = [[(0, min(len(text), 3))] if text else [] for text in HOSTILE]
    whole, seen = encoder.encode_places(HOSTILE, places)

    assert whole == pytest.approx(encoder.encode(HOSTILE), abs=2e-3)
    assert [len(own) for own in seen] == [len(own) for own in places]


def seeds_of(pairs):
    return examples([label for _, label in pairs], [text for text, _ in pairs])


def test_seeds_in_a_language_that_it_knows_are_compared_by_meaning(encoder):
    seeds = seeds_of(ENGLISH)
    found = seed_vectors(seeds, encoder)

    assert found.encoder is encoder
    assert (found.name, found.notices) == ("all-MiniLM-L6-v2", ())
    assert np.array_equal(found.vectors, encoder.encode([seed.text for seed in seeds]))
    assert found.about.startswith("all-MiniLM-L6-v2, ")
    assert found.about.endswith(" a word, nearest other seed of the same label for 100%")


def test_seeds_in_a_language_that_it_does_not_know_are_compared_by_characters(encoder):
    seeds = seeds_of(CHINESE)
    found = seed_vectors(seeds, encoder)

    assert (found.encoder, found.no_basis, found.name) == (
        None, "unknown_language", "character n-grams",
    )  # fmt: skip
    assert np.array_equal(found.vectors, ngram_vectors([seed.text for seed in seeds]))
    (notice,) = found.notices
    assert "% of the tokens are unknown to it (at most 5%)" in notice
    assert "--encoder names one that knows the language" in notice


def test_the_seeds_of_a_run_without_an_encoder_are_compared_by_characters():
    found = seed_vectors(seeds_of(ENGLISH), None)

    assert (found.encoder, found.no_basis, found.about, found.notices) == (
        None, "no_encoder", "", (),
    )  # fmt: skip
    assert found.vectors.shape == (len(ENGLISH), 1024)


def test_without_seeds_the_encoder_is_there_for_what_needs_none(encoder):
    found = seed_vectors([], encoder)

    assert found.vectors.shape == (0, 1024)
    assert (found.encoder, found.no_basis) == (encoder, "no_seeds")
    assert found.about.startswith("all-MiniLM-L6-v2, ")
    assert seed_vectors([], None).encoder is None


def test_seeds_without_any_two_of_a_label_are_not_measured_and_say_so(encoder):
    found = seed_vectors(seeds_of([ENGLISH[0], ENGLISH[-1]]), encoder)

    assert found.encoder is encoder
    assert found.about.endswith("labels not measured")


def test_both_texts_of_a_pair_are_embedded(encoder, minilm):
    pair = Example(id="s", text="Where is it?", text_pair="In the kitchen.", target="a")
    found = seed_vectors([pair], encoder)

    assert np.array_equal(found.vectors, encoder.encode(["Where is it?\nIn the kitchen."]))


def test_seeds_with_mentions_are_not_measured_by_the_types_of_these(encoder):
    texts = [text for text, _ in ENGLISH]
    seeds = [
        Example(
            id=f"s{n}",
            text=text,
            target=Annotation(entities=(Span(start=0, end=5, label="x" if n % 5 else "y"),)),
        )
        for n, text in enumerate(texts)
    ]
    found = seed_vectors(seeds, encoder)

    assert (found.encoder, found.notices) == (encoder, ())
    assert found.about.endswith("labels not measured")
    assert np.array_equal(found.vectors, encoder.encode(texts))
    assert [len(own) for own in found.mentions] == [1] * len(seeds)
