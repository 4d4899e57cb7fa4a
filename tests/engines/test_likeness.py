"""The label whose seeds a text is most like."""

from __future__ import annotations

import pytest

from augment.engines.likeness import Likeness

TEXTS = [
    "where is my parcel", "my parcel has not come", "track the parcel for me",
    "I want my money back", "please refund my money", "how do I get a refund",
]  # fmt: skip
LABELS = [("track",)] * 3 + [("refund",)] * 3


@pytest.mark.parametrize(
    ("text", "label"),
    [("has the parcel come", "track"), ("refunding money", "refund"), ("PARCELS?", "track")],
)
def test_it_is_the_one_with_its_words_or_parts_of_them(text, label):
    assert Likeness(TEXTS, LABELS).likest(text) == (label,)


def test_the_order_of_the_seeds_changes_nothing():
    turned = Likeness(TEXTS[::-1], LABELS[::-1])
    mixed = Likeness(TEXTS[::2] + TEXTS[1::2], LABELS[::2] + LABELS[1::2])
    for text in [*TEXTS, "where is the refund for my parcel"]:
        expected = Likeness(TEXTS, LABELS).likest(text)
        assert turned.likest(text) == mixed.likest(text) == expected


def test_a_text_without_words_gets_some_label():
    assert Likeness(TEXTS, LABELS).likest("...") in {("track",), ("refund",)}
    assert Likeness(["!", "?"], ["a", "b"]).likest("x") in {"a", "b"}
