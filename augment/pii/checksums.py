"""The checksums that tell a number that somebody holds from digits that only look like one."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

# Verhoeff, J. (1969), Error Detecting Decimal Codes: multiplication in the dihedral group D5, and
# the powers of its permutation.
_D5 = tuple(
    tuple((a + b) % 5 if a < 5 and b < 5 else (a + b) % 5 + 5 if a < 5
          else (a - b) % 5 + 5 if b < 5 else (a - b) % 5 for b in range(10))
    for a in range(10)
)  # fmt: skip
_TURN = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)
_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_BECH32_STEPS = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_BECH32_ENDS = frozenset({1, 0x2BC830A3})
"""Of bech32 (BIP 173) and bech32m (BIP 350)."""


def luhn(digits: str) -> bool:
    """Tell whether the last digit checks the others (ISO/IEC 7812-1, annex B)."""
    total = 0
    for place, digit in enumerate(map(int, reversed(digits))):
        total += digit if place % 2 == 0 else digit * 2 - 9 * (digit > 4)
    return total % 10 == 0


def mod_97(alphanumeric: str) -> bool:
    """Tell whether the check digits hold, those of an IBAN moved to its end (ISO 7064, 97-10)."""
    return int("".join(str(int(sign, 36)) for sign in alphanumeric)) % 97 == 1


def verhoeff(digits: str) -> bool:
    """Tell whether the last digit checks the others, as Aadhaar's does."""
    check = 0
    for place, digit in enumerate(map(int, reversed(digits))):
        for _ in range(place % 8):
            digit = _TURN[digit]
        check = _D5[check][digit]
    return check == 0


def mod_11_10(digits: str) -> bool:
    """Tell whether the last digit checks the others (ISO 7064, 11,10)."""
    product = 10
    for digit in map(int, digits[:-1]):
        product = ((product + digit) % 10 or 10) * 2 % 11
    return (11 - product) % 10 == int(digits[-1])


def weighted(digits: str, weights: Sequence[int]) -> int:
    """Return the sum of the digits by their weights, as far as there are weights."""
    return sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=False))


def base58(text: str) -> bytes | None:
    """Return what a Base58Check string holds, its checksum taken off; None where that fails."""
    number = 0
    for sign in text:
        place = _BASE58.find(sign)
        if place < 0:
            return None
        number = number * 58 + place
    held = number.to_bytes((number.bit_length() + 7) // 8)
    held = bytes(len(text) - len(text.lstrip("1"))) + held
    payload, check = held[:-4], held[-4:]
    twice = hashlib.sha256(hashlib.sha256(payload).digest()).digest()
    return payload if payload and twice[:4] == check else None


def bech32(text: str) -> bool:
    """Tell whether a lower-case bech32 or bech32m string checks (BIP 173, BIP 350)."""
    human, _, data = text.rpartition("1")
    values = [_BECH32.find(sign) for sign in data]
    if not human or len(values) < 6 or min(values) < 0:
        return False
    signs = [ord(sign) for sign in human]
    check = 1
    for value in (*(sign >> 5 for sign in signs), 0, *(sign & 31 for sign in signs), *values):
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for bit, step in enumerate(_BECH32_STEPS):
            check ^= step if top >> bit & 1 else 0
    return check in _BECH32_ENDS
