from __future__ import annotations

import random
import time
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from augment.filters.near_index import FLOOR, Near, NearIndex
from augment.filters.seed_threshold import calibrated_threshold
from augment.tokens import words

WORDS = [f"{a}{b}{c}" for a in "kmtrsl" for b in "aeiou" for c in ("n", "la", "ri", "sto", "vem")]
SENTENCES = st.lists(st.sampled_from(WORDS), min_size=1, max_size=12).map(" ".join)
TEXTS = st.text(st.characters(exclude_categories=()), max_size=30)


def jaccard(one: str, other: str) -> float:
    mine, theirs = set(words(one)), set(words(other))
    return len(mine & theirs) / len(mine | theirs)


def indexed(texts: list[str], floor: float = FLOOR) -> NearIndex:
    index = NearIndex(floor=floor)
    index.add([str(number) for number in range(len(texts))], texts)
    return index


def found(index: NearIndex, text: str) -> Near | None:
    (near,) = index.nearest([text])
    return near


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


@given(
    st.lists(SENTENCES, max_size=12),
    SENTENCES,
    st.sampled_from([0.1, 0.3, 0.5, FLOOR, 0.9, 1.0]),
)
def test_the_nearest_of_all_is_found_wherever_one_is_near_enough(
    texts: list[str], text: str, floor: float
) -> None:
    near = found(indexed(texts, floor), text)
    most = max((jaccard(text, other) for other in texts), default=0.0)
    assert (near.jaccard if near else None) == (most if most >= floor else None)
    assert near is None or jaccard(text, texts[int(near.id)]) == most


@given(st.lists(st.integers(1, 120), min_size=2, max_size=12), st.randoms(use_true_random=False))
def test_short_and_long_texts_are_found_by_each_other(
    sizes: list[int], draw: random.Random
) -> None:
    kept = [f"w{number}" for number in range(130)]
    texts = [" ".join(draw.sample(kept[: size + 10], size)) for size in sizes]
    index = NearIndex()
    for number, text in enumerate(texts):
        near = found(index, text)
        most = max((jaccard(text, other) for other in texts[:number]), default=0.0)
        assert (near.jaccard if near else None) == (most if most >= FLOOR else None)
        index.add([str(number)], [text])


@given(st.lists(SENTENCES, max_size=30), st.integers(1, 30))
def test_texts_are_sifted_one_by_one_as_they_are_all_at_once(texts: list[str], part: int) -> None:
    names = [str(number) for number in range(len(texts))]
    whole, index = NearIndex().sift(names, texts), NearIndex()
    parts = [
        near
        for start in range(0, len(texts), part)
        for near in index.sift(names[start : start + part], texts[start : start + part])
    ]
    assert parts == whole
    kept = [place for place, near in enumerate(whole) if near is None]
    for place, near in enumerate(whole):
        before = [jaccard(texts[place], texts[other]) for other in kept if other < place]
        most = max(before, default=0.0)
        assert (near.jaccard if near else None) == (most if most >= FLOOR else None)


@given(TEXTS)
def test_every_text_is_found_again_whatever_it_holds(text: str) -> None:
    near = found(indexed(["before", text, "after"]), text)
    assert near is not None, f"{text!a} was not found"
    assert near.same_words, f"{text!a} was found by other words"
    assert near.jaccard == 1.0


@given(st.lists(SENTENCES, min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_the_order_of_addition_does_not_change_the_similarity_found(
    texts: list[str], draw: random.Random
) -> None:
    query = texts[0] + " more"
    near = found(indexed(texts), query)
    mixed = found(indexed(draw.sample(texts, len(texts))), query)
    alike = [None if one is None else one.jaccard for one in (near, mixed)]
    assert alike[0] == alike[1], f"the similarity went from {alike[0]} to {alike[1]}"


def test_the_same_words_in_the_same_order_win_over_an_earlier_reordering() -> None:
    index = indexed(["one two three", "three two one", "three, two, one!"])
    for text, due in (("Three two one", "1"), ("two one three", "0")):
        near = found(index, text)
        assert near is not None, f"{text!r} shares every word and was not found"
        assert near.id == due, f"{text!r} was found as {near.id}"
        assert near.same_words == (due == "1")


def test_the_most_similar_of_many_is_found_and_the_first_of_equals() -> None:
    kept = [f"w{number}" for number in range(20)]
    swapped, cut = " ".join(["new", *kept[1:]]), " ".join(kept[:-1])
    without = [" ".join(kept[:place] + kept[place + 1 :]) for place in range(20)]
    mixed = " ".join(reversed(kept))
    for texts, due, similarity in (
        ([swapped, swapped.replace("new", "newer")], "0", 19 / 21),
        ([swapped, cut, without[0]], "1", 19 / 20),
        ([*without, mixed], "20", 1.0),
    ):
        near = found(indexed(texts), " ".join(kept))
        assert near is not None, "nothing was found"
        assert (near.id, near.jaccard) == (due, similarity)


def test_texts_without_any_word_are_alike_only_if_equal_but_for_the_ends() -> None:
    index = indexed(["?!", "", "..."])
    for text, due in ((" ?!\n", "0"), ("  ", "1"), ("!?", None), ("....", None)):
        near = found(index, text)
        assert (near and near.id) == due, f"{text!r} was found as {near}"


def test_a_row_may_resemble_the_text_that_it_is_of_and_no_other() -> None:
    index = indexed(["send a new card to my flat", "send a new card to my house"])
    text = "send a new card to my hut"
    (near, other) = index.nearest([text, "send a new card to my flat"], but=["0", "0"])
    assert near is not None, "one that it is not of was passed over"
    assert near.id == "1"
    assert other is not None, "the same words were passed over"
    assert other.same_words
    (alone,) = indexed(["send a new card to my flat"]).nearest([text], but=["0"])
    assert alone is None


def test_a_long_text_is_found_as_a_short_one_is() -> None:
    short = " ".join(f"w{number}" for number in range(4000))
    longer = short + " ".join(f" v{number}" for number in range(400))
    near = found(indexed(["a", short, "b"]), longer)
    assert near is not None, "a tenth more words, and a long text is not found"
    assert (near.id, near.jaccard) == ("1", 4000 / 4400)


@pytest.mark.parametrize(("words_shared", "slots"), [(13, 4), (30, 12)])
def test_the_rows_of_one_template_are_compared_in_no_more_than_linear_time(
    words_shared: int, slots: int
) -> None:
    draw = random.Random(4)
    frame = [f"t{number}" for number in range(words_shared)]

    def compared(count: int) -> int:
        index = NearIndex()
        rows = [
            " ".join([*frame, *(f"{draw.randrange(10**15)}" for _ in range(slots))])
            for _ in range(count)
        ]
        near = index.sift([str(number) for number in range(count)], rows)
        assert near == [None] * count, "rows were taken for near-duplicates that are none"
        return index.seen

    few, many = compared(5_000), compared(50_000)
    assert many <= 15 * few + 50_000, f"{few} sets were looked at for 5,000 rows, {many} for 50,000"


def test_no_near_duplicate_is_missed_and_nothing_else_is_removed() -> None:
    texts, sources = planted(random.Random(5), 3000)
    index, first = NearIndex(), {}
    due = hits = wrong = 0
    for text, source in zip(texts, sources, strict=True):
        (near,) = index.sift([text], [text])
        removed = near is not None and near.jaccard >= FLOOR
        twin = first.setdefault(source, text)
        repeats = twin is not text and jaccard(twin, text) >= 0.8
        due += repeats
        hits += repeats and removed
        wrong += removed and twin is text
    assert due > 250, f"only {due} near-duplicates were planted: the test shows nothing"
    assert hits == due, f"{due - hits} of {due} near-duplicates were missed"
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
    near = found(indexed([text]), twin)
    assert near is not None, f"{twin!r} was not found"
    assert FLOOR <= near.jaccard < 1, f"similarity {near.jaccard}"


@given(st.lists(st.lists(SENTENCES, max_size=14), max_size=4))
def test_at_most_one_in_a_hundred_distinct_pairs_reaches_the_threshold(
    groups: list[list[str]],
) -> None:
    threshold = calibrated_threshold(groups)
    pairs = [
        jaccard(one, other)
        for group in groups
        for one, other in combinations(group, 2)
        if set(words(one)) != set(words(other))
    ]
    over = sum(pair >= threshold for pair in pairs)
    assert FLOOR <= threshold <= 1
    assert over <= 0.01 * len(pairs), f"{over} of {len(pairs)} pairs reach {threshold}"


def templated(count: int) -> list[str]:
    return [f"please send a new card to my flat in {n}" for n in range(count)]


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
    texts = [*apart[3:], *(f"y{n}" for n in range(3)), *alike]
    assert len(texts) == 18, "of 153 pairs, one may reach the threshold"
    assert calibrated_threshold([texts]) == pytest.approx(9 / 11)
    assert calibrated_threshold([texts]) > 9 / 11, "two of 153 pairs reach it"


def test_identical_seeds_do_not_raise_the_threshold() -> None:
    assert calibrated_threshold([["send a new card"] * 9]) == FLOOR


def test_seeds_of_different_labels_do_not_raise_the_threshold() -> None:
    assert calibrated_threshold([[text] for text in templated(30)]) == FLOOR


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
    began = time.process_time()
    near = found(indexed([text, "short"]), text + " !")
    assert near is not None or not words(text), "a megabyte was not found again"
    assert time.process_time() - began < 20, "a megabyte takes too long"
