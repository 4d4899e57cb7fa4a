from __future__ import annotations

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from augment.tokens import words

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=60)


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("Where's my NEW card?", ["where", "s", "my", "new", "card"]),
        ("Straße, STRASSE", ["strasse", "strasse"]),
        ("ﬁne ｆｕｌｌ ２４", ["fine", "full", "24"]),
        ("cost: $5 + tax", ["cost", "$", "5", "+", "tax"]),
        ("हिन्दी में लिखो", ["हिन्दी", "में", "लिखो"]),
        ("مُحَمَّد هنا", ["مُحَمَّد", "هنا"]),
        ("한국어 문장", ["한국어", "문장"]),
        ("我用iPhone打电话。", ["我用", "iphone", "打电", "电话"]),
        ("水 と ｶﾞｽ", ["水", "と", "ガス"]),
        ("ที่บ้าน", ["ที", "ี่", "่บ", "บ้", "้า", "าน"]),
        ("😀😀❤️ ok", ["😀", "😀", "❤", "ok"]),
        ("a\U0001fae8\ue000b", ["a", "\U0001fae8", "\ue000", "b"]),
        ("می\u200cخواهم so\u00adft", ["میخواهم", "soft"]),
        ("a\u2066b\u2069 c\u0000d \ud800e", ["ab", "c", "d", "e"]),
        ("...!? \n\t", []),
    ],
)
def test_a_text_is_cut_as_its_script_is_written(text: str, cut: list[str]) -> None:
    assert words(text) == cut, f"{text!a} was cut to {words(text)}"


@given(ANY_TEXT)
def test_no_text_raises_and_no_word_is_empty_or_holds_white_space(text: str) -> None:
    assert all(word.split() == [word] for word in words(text)), f"a broken word in {words(text)}"


@given(ANY_TEXT)
def test_letters_and_digits_are_never_lost(text: str) -> None:
    kept = "".join(words(text))
    if any(char.isalnum() for char in text if unicodedata.name(char, "")[-6:] != "FILLER"):
        assert kept, f"{text!a} has letters and no words"


@given(st.text(st.characters(max_codepoint=127), max_size=60))
def test_plain_text_is_cut_alike_with_and_without_other_letters_beside_it(text: str) -> None:
    assert [*words(text), "é"] == words(f"{text} é"), "the short way for ASCII cuts otherwise"


@given(ANY_TEXT)
def test_a_text_and_its_decomposed_form_have_the_same_words(text: str) -> None:
    assert words(unicodedata.normalize("NFD", text)) == words(text), "accents changed the words"


@pytest.mark.parametrize(
    "unit",
    ["\u0301\u0323", "\u0301\uff9e", "\u0390\u0323", "\ufdfa", "我", "😀", "\ud800", "a ", "a."],
    ids=ascii,
)
def test_a_megabyte_of_anything_takes_time_in_proportion(unit: str) -> None:
    text = unit * (1_000_000 // len(unit.encode("utf-8", errors="surrogatepass")))
    began = time.process_time()
    words(text)
    assert time.process_time() - began < 10, f"a megabyte of {unit!a} takes too long"
