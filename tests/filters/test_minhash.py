from __future__ import annotations

import random
import time
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from augment.filters.minhash import FLOOR, NearIndex, Sketch, Sketcher, calibrated_threshold
from augment.tokens import words

WORDS = [f"{a}{b}{c}" for a in "kmtrsl" for b in "aeiou" for c in ("n", "la", "ri", "sto", "vem")]
SENTENCES = st.lists(st.sampled_from(WORDS), min_size=1, max_size=12).map(" ".join)
TEXTS = st.text(st.characters(exclude_categories=()), max_size=30)


def jaccard(one: str, other: str) -> float:
    mine, theirs = set(words(one)), set(words(other))
    return len(mine & theirs) / len(mine | theirs)


def indexed(texts: list[str], sketcher: Sketcher) -> NearIndex:
    index = NearIndex()
    for number, sketch in enumerate(sketcher.sketch(texts)):
        index.add(str(number), sketch)
    return index


def changed(text: str, count: int, draw: random.Random) -> str:
    kept = text.split()
    for place in draw.sample(range(len(kept)), count):
        kept[place] = f"new{draw.randrange(10**6)}"
    return " ".join(kept)


def planted(draw: random.Random, count: int) -> tuple[list[str], list[int]]:
    """Return texts of about twenty words, and for each the number of the text it goes back to."""
    vocabulary = [f"{word}{number}" for word in WORDS for number in range(40)]
    frames = [draw.choices(vocabulary, k=10) for _ in range(10)]
    texts, sources = [], []
    for number in range(count):
        frame = draw.choice(frames) if draw.random() < 0.2 else []
        rest = draw.choices(vocabulary, k=draw.randint(14, 26) - len(frame))
        texts.append(" ".join([*frame, *rest]))
        sources.append(number)
    for _ in range(count // 9):
        source = draw.randrange(count)
        texts.append(changed(texts[source], draw.choice([0, 1, 1]), draw).capitalize() + ".")
        sources.append(source)
    order = draw.sample(range(len(texts)), len(texts))
    return [texts[place] for place in order], [sources[place] for place in order]


@given(st.lists(SENTENCES, max_size=8), SENTENCES, st.integers(0, 99))
def test_what_the_index_finds_has_the_similarity_that_counting_gives(
    others: list[str], text: str, number: int
) -> None:
    sketcher = Sketcher()
    twin = changed(text, 1, random.Random(number)) if len(text.split()) > 8 else text.upper()
    texts = [*others, twin]
    near = indexed(texts, sketcher).nearest(sketcher.sketch([text])[0])
    if near is None:
        assert max(jaccard(text, other) for other in texts) < 0.9, "a near text was not found"
    else:
        assert near.jaccard == jaccard(text, texts[int(near.id)]), "found with another similarity"
        assert near.jaccard >= jaccard(text, twin), "a less similar text was preferred"


@given(TEXTS)
def test_every_text_is_found_again_whatever_it_holds(text: str) -> None:
    sketcher = Sketcher()
    near = indexed(["before", text, "after"], sketcher).nearest(sketcher.sketch([text])[0])
    assert near is not None, f"{text!a} was not found"
    assert near.same_words, f"{text!a} was found by other words"
    assert near.jaccard == 1.0


@given(st.lists(SENTENCES, min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_the_order_of_addition_does_not_change_the_similarity_found(
    texts: list[str], draw: random.Random
) -> None:
    sketcher = Sketcher()
    query = sketcher.sketch([texts[0] + " more"])[0]
    near = indexed(texts, sketcher).nearest(query)
    mixed = indexed(draw.sample(texts, len(texts)), sketcher).nearest(query)
    found = [None if one is None else one.jaccard for one in (near, mixed)]
    assert found[0] == found[1], f"the similarity went from {found[0]} to {found[1]}"


def test_the_same_words_in_the_same_order_win_over_an_earlier_reordering() -> None:
    sketcher = Sketcher()
    index = indexed(["one two three", "three two one", "three, two, one!"], sketcher)
    for text, found in (("Three two one", "1"), ("two one three", "0")):
        near = index.nearest(sketcher.sketch([text])[0])
        assert near is not None, f"{text!r} shares every word and was not found"
        assert near.id == found, f"{text!r} was found as {near.id}"
        assert near.same_words == (found == "1")


def test_the_most_similar_of_many_is_found_and_the_first_of_equals() -> None:
    kept = [f"w{number}" for number in range(20)]
    swapped, cut = " ".join(["new", *kept[1:]]), " ".join(kept[:-1])
    without = [" ".join(kept[:place] + kept[place + 1 :]) for place in range(20)]
    mixed = " ".join(reversed(kept))
    for texts, found, similarity in (
        ([swapped, swapped.replace("new", "newer")], "0", 19 / 21),
        ([swapped, cut, without[0]], "1", 19 / 20),
        ([*without, mixed], "20", 1.0),
    ):
        sketcher = Sketcher()
        near = indexed(texts, sketcher).nearest(sketcher.sketch([" ".join(kept)])[0])
        assert near is not None, "nothing was found"
        assert (near.id, near.jaccard) == (found, similarity)


def test_texts_without_any_word_are_alike_only_if_equal_but_for_the_ends() -> None:
    sketcher = Sketcher()
    index = indexed(["?!", "", "..."], sketcher)
    for text, found in ((" ?!\n", "0"), ("  ", "1"), ("!?", None), ("....", None)):
        near = index.nearest(sketcher.sketch([text])[0])
        assert (near and near.id) == found, f"{text!r} was found as {near}"


@given(st.lists(TEXTS, max_size=5), st.lists(st.lists(TEXTS, max_size=5), max_size=3))
def test_a_sketch_depends_on_its_text_alone(texts: list[str], earlier: list[list[str]]) -> None:
    used = Sketcher()
    for batch in earlier:
        used.sketch(batch)
    fresh = [Sketcher().sketch([text])[0] for text in texts]
    assert used.sketch(texts) == fresh, "what was sketched before or beside changed a sketch"


def test_a_long_text_is_sketched_as_a_short_one_is() -> None:
    short = " ".join(f"w{number}" for number in range(4000))
    sketcher = Sketcher()
    index = indexed(["a", short, "b"], sketcher)
    near = index.nearest(sketcher.sketch([short + " ".join(f" v{n}" for n in range(400))])[0])
    assert near is not None, "a tenth more words, and a long text is not found"
    assert (near.id, near.jaccard) == ("1", 4000 / 4400)


def test_few_near_duplicates_are_missed_and_nothing_else_is_removed() -> None:
    texts, sources = planted(random.Random(5), 3000)
    sketcher, index, first = Sketcher(), NearIndex(), {}
    due = found = wrong = 0
    for text, source, sketch in zip(texts, sources, sketcher.sketch(texts), strict=True):
        near = index.nearest(sketch)
        removed = near is not None and near.jaccard >= FLOOR
        twin = first.setdefault(source, text)
        repeats = twin is not text and jaccard(twin, text) >= 0.8
        due += repeats
        found += repeats and removed
        wrong += removed and twin is text
        if not removed:
            index.add(text, sketch)
    assert due > 250, f"only {due} near-duplicates were planted: the test shows nothing"
    assert found / due >= 0.99, f"recall {found / due:.3f}"
    assert wrong == 0, f"{wrong} rows were removed that repeat nothing"


@pytest.mark.parametrize(
    ("text", "twin"),
    [
        (
            "Meine neue Bankkarte ist auch nach zwei Wochen noch nicht bei mir angekommen",
            "Meine neue Bankkarte ist auch nach drei Wochen noch nicht bei mir angekommen!",
        ),
        (
            "我的新银行卡已经寄出两个星期了还是没有收到",
            "我的新银行卡已经寄出三个星期了，还是没有收到。",
        ),
        ("บัตรธนาคารใบใหม่ของฉันยังไม่มาถึงเลยค่ะ", "บัตรธนาคารใบใหม่ของฉันยังไม่มาถึงเลยครับ"),
    ],
    ids=["German", "Chinese", "Thai"],
)
def test_near_duplicates_are_found_in_scripts_with_and_without_spaces(text: str, twin: str) -> None:
    sketcher = Sketcher()
    near = indexed([text], sketcher).nearest(sketcher.sketch([twin])[0])
    assert near is not None, f"{twin!r} was not found"
    assert FLOOR <= near.jaccard < 1, f"similarity {near.jaccard}"


@given(st.lists(st.lists(SENTENCES, max_size=14), max_size=4))
def test_at_most_one_in_a_hundred_distinct_pairs_reaches_the_threshold(
    groups: list[list[str]],
) -> None:
    sketcher = Sketcher()
    threshold = calibrated_threshold([sketcher.sketch(group) for group in groups])
    pairs = [
        jaccard(one, other)
        for group in groups
        for one, other in combinations(group, 2)
        if set(words(one)) != set(words(other))
    ]
    over = sum(pair >= threshold for pair in pairs)
    assert FLOOR <= threshold <= 1
    assert over <= 0.01 * len(pairs), f"{over} of {len(pairs)} pairs reach {threshold}"


def templated(count: int) -> list[Sketch]:
    return Sketcher().sketch([f"please send a new card to my flat in {n}" for n in range(count)])


def test_seeds_of_one_template_raise_the_threshold_above_their_similarity() -> None:
    threshold = calibrated_threshold([templated(30)])
    assert threshold > 9 / 11, "nine words shared of eleven are common here, and would be rejected"
    assert threshold == pytest.approx(9 / 11), "the threshold is higher than need be"


def test_the_threshold_is_no_higher_than_one_in_a_hundred_pairs_needs() -> None:
    apart = [" ".join(f"w{number}x{place}" for place in range(9)) for number in range(14)]
    alike = [
        f"{apart[0]} a",
        f"{apart[0]} b",
        f"{apart[1]} {apart[2]} a",
        f"{apart[1]} {apart[2]} b",
    ]
    sketches = Sketcher().sketch([*apart[3:], *(f"y{n}" for n in range(3)), *alike])
    assert len(sketches) == 18, "of 153 pairs, one may reach the threshold"
    assert calibrated_threshold([sketches]) == pytest.approx(9 / 11)
    assert calibrated_threshold([sketches]) > 9 / 11, "two of 153 pairs reach it"


def test_identical_seeds_do_not_raise_the_threshold() -> None:
    assert calibrated_threshold([Sketcher().sketch(["send a new card"] * 9)]) == FLOOR


def test_seeds_of_different_labels_do_not_raise_the_threshold() -> None:
    assert calibrated_threshold([[sketch] for sketch in templated(30)]) == FLOOR


def test_many_seeds_are_calibrated_on_a_part_of_their_pairs() -> None:
    began = time.process_time()
    threshold = calibrated_threshold([templated(3000)])
    assert threshold == pytest.approx(9 / 11), f"threshold {threshold}"
    assert time.process_time() - began < 10, "4.5 million pairs were compared, not a part of them"


@pytest.mark.parametrize(
    "text",
    [
        " ".join(map(str, range(150_000))),
        "".join(chr(0x4E00 + number * 7919 % 20_000) for number in range(330_000)),
        "a" * 1_000_000,
        "?" * 1_000_000,
        "\ud800\0" * 250_000,
    ],
    ids=["distinct words", "Han", "one word", "punctuation", "no characters"],
)
def test_a_megabyte_is_sketched_and_found_again_in_bounded_time(text: str) -> None:
    began, sketcher = time.process_time(), Sketcher()
    near = indexed([text, "short"], sketcher).nearest(sketcher.sketch([text + " !"])[0])
    assert near is not None or not words(text), "a megabyte was not found again"
    assert time.process_time() - began < 20, "a megabyte takes too long"


def test_the_reach_of_the_bands_is_what_the_module_says() -> None:
    draw, sketcher = random.Random(3), Sketcher()
    found = 0
    for number in range(400):
        text = " ".join(f"w{number}x{place}" for place in range(28))
        kept = changed(text, 5, draw)
        similarity = jaccard(text, kept)
        assert similarity == pytest.approx(23 / 33)
        found += indexed([text], sketcher).nearest(sketcher.sketch([kept])[0]) is not None
    assert 0.86 <= found / 400 <= 0.97, f"{found / 400:.3f} found at .697, where .926 is expected"
