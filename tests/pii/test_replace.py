from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from personal_data import FOUND, pairs

from augment.pii.find import find
from augment.pii.replace import MASKS, mask, moved, replaced, surrogates

PLANTED = st.lists(st.sampled_from(pairs(FOUND)), min_size=1, max_size=4)


@given(PLANTED)
def test_a_masked_text_names_the_kinds_and_holds_nothing_more(
    planted: list[tuple[str, str]],
) -> None:
    text = " and then ".join(value for _, value in planted)
    changed, edits = replaced(text, mask)
    assert edits
    assert find(changed) == ()
    assert {each.kind for each in find(text)} == {
        kind for kind, shown in MASKS.items() if shown in changed
    }


@pytest.mark.parametrize(("kind", "text"), pairs(FOUND))
@pytest.mark.parametrize("seed", range(5))
def test_a_surrogate_is_nobodys_and_another_one_than_what_it_stands_for(
    kind: str, text: str, seed: int
) -> None:
    changed, (edit,) = replaced(f"it is {text}, ok?", surrogates(seed))
    assert all(each.standing == "placeholder" for each in find(changed)), f"{kind}: {changed}"
    assert text not in changed
    assert changed.startswith("it is ")
    assert edit.length > 0


def test_the_same_value_has_the_same_surrogate_however_it_is_written() -> None:
    exchange = surrogates(7)
    one, _ = replaced("card 4556 7375 8689 9855", exchange)
    other, _ = replaced("card 4556737586899855", exchange)
    assert one.replace(" ", "") == other.replace(" ", "")
    assert replaced("mail A@B.de", exchange) == replaced("mail a@b.de", exchange)
    assert replaced("mail a@b.de", exchange) != replaced("mail c@b.de", exchange)
    assert replaced("mail a@b.de", exchange) != replaced("mail a@b.de", surrogates(8))


def test_placeholders_and_texts_without_anything_stay_as_they_are() -> None:
    for text in ("", "hello", "call 212-555-0142 or write to sam@example.org"):
        assert replaced(text, mask) == (text, ())


@given(st.text(max_size=20), st.sampled_from(pairs(FOUND)), st.text(max_size=20))
def test_a_span_elsewhere_still_covers_its_words(
    before: str, planted: tuple[str, str], after: str
) -> None:
    head, tail = f"{before} zebra ", f" quagga {after}"
    text = f"{head}{planted[1]}{tail}"
    changed, edits = replaced(text, mask)
    for word in ("zebra", "quagga"):
        start = text.index(word)
        inside = any(e.start < start + len(word) and start < e.end for e in edits)
        new = slice(moved(start, edits, end=False), moved(start + len(word), edits, end=True))
        assert inside or changed[new] == word


def test_a_span_on_what_was_exchanged_covers_what_stands_there_now() -> None:
    text = "write to lena@posthaus.de now"
    changed, edits = replaced(text, mask)
    new = slice(moved(9, edits, end=False), moved(25, edits, end=True))
    assert changed[new] == "[EMAIL]"
