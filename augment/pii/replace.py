"""Personal data exchanged for a mask, or for a surrogate that is nobody's.

A surrogate has the form of what it stands for and lies in a range that is set aside for examples,
or has a checksum that fails: nobody can hold it, and `find` calls it a placeholder or nothing. The
same value becomes the same surrogate wherever it stands in a run.
"""

from __future__ import annotations

import random
import string
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias

from augment.pii.checksums import luhn, mod_97
from augment.pii.find import IN_WORDS, NAMED, Finder, Finding, find, find_all, value_of
from augment.pii.money import TEST_CARD_PREFIX
from augment.pii.names import PEOPLE, PLACES

MASKS: Mapping[str, str] = MappingProxyType(
    {kind: f"[{kind.upper()}]" for kind in (*IN_WORDS, *NAMED)}
)
_GIVEN = ("Alex", "Chris", "Jamie", "Kim", "Robin", "Sam")
_MOST_DRAWS = 100

Exchange: TypeAlias = Callable[[str, Finding], str]
"""What is to stand in the place of a finding, given the text that it is in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """What stood at `start` to `end` of the old text, and how long what stands there now is."""

    start: int
    end: int
    length: int


def replaced(
    text: str, exchange: Exchange, *, finder: Finder = find_all
) -> tuple[str, tuple[Edit, ...]]:
    """Return the text with everything real exchanged, and what was changed; placeholders stay."""
    found = [finding for finding in finder([text])[0] if finding.standing == "real"]
    if not found:
        return text, ()
    parts: list[str] = []
    edits: list[Edit] = []
    done = 0
    for finding in found:
        new = exchange(text, finding)
        parts += (text[done : finding.start], new)
        edits.append(Edit(start=finding.start, end=finding.end, length=len(new)))
        done = finding.end
    return "".join([*parts, text[done:]]), tuple(edits)


def moved(place: int, edits: Sequence[Edit], *, end: bool) -> int:
    """Return where a place in the old text lies in the new one.

    A place within something that was exchanged lies at its edge: its end for the `end` of a span.
    """
    shift = 0
    for edit in edits:
        if place <= edit.start:
            break
        if place < edit.end:
            return edit.start + shift + (edit.length if end else 0)
        shift += edit.length - (edit.end - edit.start)
    return place + shift


def mask(text: str, finding: Finding) -> str:  # noqa: ARG001 - an Exchange
    """Return the mask of the finding's kind, such as [EMAIL]."""
    return MASKS[finding.kind]


def surrogates(random_seed: int) -> Exchange:
    """Return what draws surrogates, the same ones for the same seed."""

    def surrogate(text: str, finding: Finding) -> str:
        written = text[finding.start : finding.end]
        rng = random.Random(f"{random_seed} {finding.kind} {value_of(text, finding)}")
        return _DRAWN[finding.kind](written, rng)

    return surrogate


def _email(_: str, rng: random.Random) -> str:
    name = "".join(rng.choices(string.ascii_lowercase, k=6))
    return f"{name}{rng.randrange(10, 100)}@example.{rng.choice(('com', 'net', 'org'))}"


def _phone(written: str, rng: random.Random) -> str:
    """Draw of the numbers of North America that are set aside for fiction."""
    area = rng.choice("23456789") + f"{rng.randrange(100):02d}"
    line = f"01{rng.randrange(100):02d}"
    abroad = written.startswith(("+", "00"))
    return f"+1 {area} 555 {line}" if abroad else f"{area}-555-{line}"


def _ip_address(written: str, rng: random.Random) -> str:
    if ":" in written:
        return "2001:db8::" + ":".join(f"{rng.randrange(1 << 16):x}" for _ in range(3))
    network = rng.choice(("192.0.2", "198.51.100", "203.0.113"))
    return f"{network}.{rng.randrange(1, 255)}"


def _iban(written: str, rng: random.Random) -> str:
    signs = "".join(filter(str.isalnum, written)).upper()
    country, own = signs[:2], "0000" + "".join(rng.choices(string.digits, k=len(signs) - 8))
    check = next(n for n in range(2, 99) if mod_97(f"{own}{country}{n:02d}"))
    return f"{country}{check:02d}{own}"


def _card(written: str, rng: random.Random) -> str:
    count = sum(map(str.isdigit, written))
    length = min(max(count, 13), 19)
    length = length if length in {13, 16, 19} else 16
    body = TEST_CARD_PREFIX + "".join(rng.choices(string.digits, k=length - 11))
    digits = next(body + check for check in string.digits if luhn(body + check))
    separators = [sign for sign in written if sign in " -"]
    return separators[0].join(_fours(digits)) if separators else digits


def _fours(digits: str) -> list[str]:
    return [digits[start : start + 4] for start in range(0, len(digits), 4)]


def _redrawn(written: str, rng: random.Random) -> str:
    """Draw letters and digits anew until nothing real is left of it."""
    for _ in range(_MOST_DRAWS):
        drawn = "".join(_another(sign, rng) for sign in written)
        if all(finding.standing == "placeholder" for finding in find(drawn)):
            return drawn
    return "0" * len(written)


def _another(sign: str, rng: random.Random) -> str:
    if sign.isdigit():
        return rng.choice(string.digits)
    if sign.isascii() and sign.isalpha():
        return rng.choice(string.ascii_uppercase if sign.isupper() else string.ascii_lowercase)
    return sign


def _wallet(written: str, rng: random.Random) -> str:
    if written.startswith("0x"):
        return "0x" + "0" * 24 + "".join(rng.choices(string.hexdigits[:16], k=16))
    head = 4 if written.lower().startswith(("bc", "tb", "ltc")) else 1
    return written[:head] + _redrawn(written[head:], rng)


def _key(written: str, rng: random.Random) -> str:
    head = written[: min(4, len(written) - len("EXAMPLE"))] if len(written) > 12 else ""
    rest = "".join(_another(sign, rng) for sign in written[len(head) : -len("EXAMPLE")])
    return f"{head}{rest}EXAMPLE"


def _credentials(_: str, rng: random.Random) -> str:
    return f"user{rng.randrange(1000, 10000)}:EXAMPLE@example.org"


def _name(_: str, rng: random.Random) -> str:
    return f"{rng.choice(_GIVEN)} {rng.choice(PEOPLE)}"


def _place(written: str, rng: random.Random) -> str:
    """Draw a place that is nowhere, or a house there for an address with a number."""
    place = rng.choice(PLACES)
    if not any(map(str.isdigit, written)):
        return place
    return f"{rng.randrange(1, 100)} Example Street, {place}"


_DRAWN: Mapping[str, Callable[[str, random.Random], str]] = {
    "card": _card,
    "credentials": _credentials,
    "email": _email,
    "iban": _iban,
    "ip_address": _ip_address,
    "key": _key,
    "name": _name,
    "national_number": _redrawn,
    "phone": _phone,
    "place": _place,
    "wallet": _wallet,
}
