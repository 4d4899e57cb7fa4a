"""Finds personal data in a text: one look whether there can be any, and only then the patterns."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias

from augment.pii import contacts, keys, money, national, phones
from augment.pii.kinds import Hint, Kind, Standing, digits_of

IN_WORDS: Mapping[str, str] = MappingProxyType(
    {
        "card": "card number",
        "credentials": "URL with credentials",
        "email": "e-mail address",
        "iban": "IBAN",
        "ip_address": "IP address",
        "key": "key or password",
        "national_number": "national number",
        "phone": "phone number",
        "wallet": "crypto address",
    }
)
"""Every kind that patterns find, as people say it."""
NAMED: Mapping[str, str] = MappingProxyType({"name": "name", "place": "place or address"})
"""Every other kind, which a model finds (`augment.pii.names`)."""

LONGEST = 100_000
"""Characters of a text that are looked at, from its beginning."""

# The kinds that a checksum vouches for come first: what one of them took, no later one sees.
_KINDS: tuple[Kind, ...] = (
    *keys.KINDS,
    *contacts.KINDS,
    *money.KINDS,
    *national.KINDS,
    *contacts.MACHINES,
    *phones.KINDS,
    *national.BARE,
)

_DIGIT = re.compile(r"[0-9]")
_AT = re.compile(r"@(?<=\S@)\w")
_NUMBER = re.compile(r"[0-9](?:[^0-9]{0,3}[0-9]){5}")
_DOTS = re.compile(r"[0-9]\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]")
_TOKEN = re.compile(r"[0-9A-Za-z_-]{16}|xox[abprs]-|SG\.")
_PASSWORDS = (
    "passw", "secret", "token", "bearer", "pwd", "kennwort", "mot de passe", "contraseña", "key",
)  # fmt: skip
_SPOKEN = ("(at)", "[at]", "( at )", "[ at ]", "(ät)", "[ät]", "(@)", "[@]")
# Digits of any script and the signs between them that full-width writing has, one for one.
_PLAIN = {
    code: str(unicodedata.digit(chr(code)))
    for code in range(0x80, 0x20000)
    if unicodedata.category(chr(code)) == "Nd"
} | {0xFF20: "@", 0xFF0E: ".", 0xFF0B: "+", 0xFF0D: "-", 0xFF08: "(", 0xFF09: ")", 0xFF1A: ":"}

_FOREIGN = re.compile(r"[^\D0-9]|[\uff08-\uff20]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Personal data at `text[start:end]`.

    Attributes:
        kind: one of those in `IN_WORDS` or `NAMED`.
        standing: `placeholder` is set aside for examples, so that nobody's it can be.
    """

    start: int
    end: int
    kind: str
    standing: Standing


Finder: TypeAlias = Callable[[Sequence[str]], Sequence[tuple[Finding, ...]]]
"""Returns what is found in each text, by place; findings do not overlap."""


def find_all(texts: Sequence[str]) -> list[tuple[Finding, ...]]:
    """Find what patterns find: the `Finder` that needs no model."""
    return [find(text) for text in texts]


def find(text: str) -> tuple[Finding, ...]:
    """Return what is found, by place; findings do not overlap."""
    plain = text[:LONGEST]
    if not plain.isascii() and _FOREIGN.search(plain) is not None:
        plain = plain.translate(_PLAIN)
    hints = _hints(plain)
    if not hints:
        return ()
    count = sum(map(plain.count, "0123456789"))
    findings: list[Finding] = []
    for kind in _KINDS:
        if kind.hint in hints and kind.digits <= count:
            findings += _found(kind, plain, taken=findings)
    return tuple(sorted(findings, key=lambda finding: finding.start))


def _hints(plain: str) -> set[Hint]:
    """Look for the signs without which there is nothing to be found; most texts have none."""
    hints: set[Hint] = set()
    if _AT.search(plain) is not None:
        hints.add("at")
    if ("(" in plain or "[" in plain) and any(map(plain.lower().__contains__, _SPOKEN)):
        hints.add("spoken")
    if "-----BEGIN" in plain:
        hints.add("pem")
    if _DIGIT.search(plain) is None:
        return hints
    if _NUMBER.search(plain) is not None:
        hints.add("number")
    if _DOTS.search(plain) is not None:
        hints.add("dots")
    if plain.count(":") > 1:
        hints.add("colons")
    if _TOKEN.search(plain) is not None:
        hints.add("token")
    if any(map(plain.lower().__contains__, _PASSWORDS)):
        hints.add("password")
    return hints


def _found(kind: Kind, plain: str, *, taken: Sequence[Finding]) -> list[Finding]:
    """Return what is of this kind and no part of what was taken before."""
    findings: list[Finding] = []
    for match in kind.pattern.finditer(plain):
        start, end = match.span("found" if "found" in kind.pattern.groupindex else 0)
        if any(start < other.end and other.start < end for other in taken):
            continue
        standing = kind.check(match)
        if standing is not None:
            findings.append(Finding(start=start, end=end, kind=kind.name, standing=standing))
    return findings


def value_of(text: str, finding: Finding) -> str:
    """Return what tells a finding from others of its kind, however it is written."""
    written = text[finding.start : finding.end].translate(_PLAIN)
    if finding.kind in {"phone", "card"}:
        return digits_of(written)
    if finding.kind in {"key", "wallet", "credentials"}:
        return written
    return "".join(sign for sign in written.lower() if sign.isalnum() or sign in "@.:")
