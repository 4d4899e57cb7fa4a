"""Numbers of accounts, cards and wallets, all of which hold a checksum.

Sources: ISO 13616 and SWIFT's IBAN registry (lengths); ISO/IEC 7812 and the card schemes' number
ranges; Bitcoin's Base58Check, BIP 173 and BIP 350; EIP-55 (not checked: it needs Keccak).
"""

from __future__ import annotations

import re

from augment.pii.checksums import base58, bech32, luhn, mod_97
from augment.pii.kinds import Kind, Standing, digits_of, is_filler

IBAN_LENGTHS = {
    "AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22,
    "BR": 29, "BY": 28, "CH": 21, "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DK": 18, "DO": 28,
    "EE": 20, "EG": 29, "ES": 24, "FI": 18, "FO": 18, "FR": 27, "GB": 22, "GE": 22, "GI": 23,
    "GL": 18, "GR": 27, "GT": 28, "HR": 21, "HU": 28, "IE": 22, "IL": 23, "IQ": 23, "IS": 26,
    "IT": 27, "JO": 30, "KW": 30, "KZ": 20, "LB": 28, "LC": 32, "LI": 21, "LT": 20, "LU": 20,
    "LV": 21, "LY": 25, "MC": 27, "MD": 24, "ME": 22, "MK": 19, "MR": 27, "MT": 31, "MU": 30,
    "NL": 18, "NO": 15, "PK": 24, "PL": 28, "PS": 29, "PT": 25, "QA": 29, "RO": 24, "RS": 22,
    "SA": 24, "SC": 31, "SD": 18, "SE": 24, "SI": 19, "SK": 24, "SM": 27, "ST": 25, "SV": 28,
    "TL": 23, "TN": 24, "TR": 26, "UA": 29, "VA": 22, "VG": 24, "XK": 20,
}  # fmt: skip
_EXAMPLE_IBANS = frozenset(
    {
        "GB82WEST12345698765432", "GB29NWBK60161331926819", "DE89370400440532013000",
        "FR1420041010050500013M02606", "NL91ABNA0417164300", "ES9121000418450200051332",
        "IT60X0542811101000000123456", "AT611904300234573201", "CH9300762011623852957",
        "BE68539007547034", "PL61109010140000071219812874", "SE4550000000058398257466",
    }
)  # fmt: skip
"""Those that the registry and most manuals print."""
RESERVED_BANKS = ("0000", "TEST", "XXXX")
"""Where a country's own part of an IBAN begins so, no bank has it."""
_TEST_CARDS = frozenset(
    {
        "4111111111111111", "4012888888881881", "4242424242424242", "4000056655665556",
        "5555555555554444", "5105105105105100", "2223003122003222", "378282246310005",
        "371449635398431", "6011111111111117", "6011000990139424", "3530111333300000",
        "3566002020360505", "30569309025904", "38520000023237", "4222222222222", "4012001037141112",
    }
)  # fmt: skip
TEST_CARD_PREFIX = "4000000000"
_SCHEMES = re.compile(
    r"4\d{12}(?:\d{3}){0,2}|(?:5[1-5]\d\d|222[1-9]|22[3-9]\d|2[3-6]\d\d|27[01]\d|2720)\d{12}"
    r"|3[47]\d{13}|3(?:0[0-59]|[689]\d)\d{11,16}|6(?:011|5\d\d|4[4-9]\d)\d{12,15}"
    r"|(?:2131|1800|35\d\d\d)\d{11}|62\d{14,17}|(?:50|5[6-9]|6\d)\d{10,17}|220[0-4]\d{12}"
)
_COUNTRIES = {
    length: "|".join(country for country, own in IBAN_LENGTHS.items() if own == length)
    for length in sorted(set(IBAN_LENGTHS.values()))
}
_IBAN = re.compile(
    r"(?<![^\W_])(?:"
    + "|".join(
        rf"(?:{countries})[ -]?\d\d(?:[ -]?[A-Z0-9]){{{length - 4}}}"
        for length, countries in _COUNTRIES.items()
    )
    + r")(?![^\W_])",
    re.IGNORECASE,
)
_CARD = re.compile(r"(?<![\w.+-])\d(?:[ -]?\d){11,18}(?![\w]|[.,-]\d)")
_WALLET = re.compile(
    r"(?<![\w/])(?:[13LMD][1-9A-HJ-NP-Za-km-z]{25,34}|(?:bc|tb|ltc)1[02-9ac-hj-np-z]{11,87}"
    r"|(?:BC|TB|LTC)1[02-9AC-HJ-NP-Z]{11,87}|0x[0-9a-fA-F]{40})(?!\w)"
)
_WALLET_VERSIONS = frozenset({0x00, 0x05, 0x1E, 0x16, 0x30, 0x32})
"""Of Bitcoin, Dogecoin and Litecoin."""
_NOBODYS = re.compile(r"0x0{24}.*")


def _iban(match: re.Match[str]) -> Standing | None:
    signs = "".join(filter(str.isalnum, match[0])).upper()
    if not mod_97(signs[4:] + signs[:4]):
        return None
    reserved = signs in _EXAMPLE_IBANS or signs[4:8] in RESERVED_BANKS
    return "placeholder" if reserved else "real"


def _card(match: re.Match[str]) -> Standing | None:
    digits = digits_of(match[0])
    if not _SCHEMES.fullmatch(digits) or not luhn(digits):
        return None
    reserved = digits in _TEST_CARDS or digits.startswith(TEST_CARD_PREFIX) or is_filler(digits)
    return "placeholder" if reserved else "real"


def _wallet(match: re.Match[str]) -> Standing | None:
    signs = match[0]
    if signs.startswith("0x"):
        return "placeholder" if _NOBODYS.fullmatch(signs) else "real"
    if signs[:3].lower() in {"bc1", "tb1", "ltc"}:
        return "real" if bech32(signs.lower()) else None
    held = base58(signs)
    return "real" if held is not None and held[0] in _WALLET_VERSIONS and len(held) == 21 else None


KINDS = (
    Kind(name="iban", pattern=_IBAN, check=_iban, digits=8),
    Kind(name="wallet", pattern=_WALLET, check=_wallet, hint="token"),
    Kind(name="card", pattern=_CARD, check=_card, digits=12),
)
