from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from augment.pii.checksums import base58, bech32, luhn, mod_11_10, mod_97, verhoeff

BODY = st.text(string.digits, min_size=7, max_size=15).filter(lambda digits: digits[0] != "0")


@pytest.mark.parametrize("check", [luhn, verhoeff, mod_11_10])
@given(body=BODY, place=st.integers(0, 6), step=st.integers(1, 9))
def test_one_digit_in_ten_checks_and_one_wrong_digit_never_does(check, body, place, step) -> None:
    (right,) = [body + digit for digit in string.digits if check(body + digit)]
    wrong = str((int(right[place]) + step) % 10)
    assert not check(right[:place] + wrong + right[place + 1 :])


@pytest.mark.parametrize(
    ("check", "published"),
    [
        (luhn, "79927398713"),
        (verhoeff, "2363"),
        (mod_11_10, "86095742719"),
        (mod_97, "WEST12345698765432GB82"),
        (base58, "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"),
        (bech32, "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"),
        (bech32, "a12uel5l"),
    ],
)
def test_published_examples_check(check, published: str) -> None:
    assert check(published)


def test_what_is_no_such_string_does_not_check() -> None:
    assert base58("0OIl") is None
    assert base58("") is None
    assert not bech32("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5")
    assert not bech32("1")
    assert not mod_97("WEST12345698765432GB83")
