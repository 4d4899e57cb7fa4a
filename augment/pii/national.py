"""Numbers by which a state knows a person, each with its checksum and rules.

Sources: US SSA, Social Security Number randomization; HMRC, NIM39110; Service Canada, SIN code of
practice; BZSt, Steuer-ID; INSEE, NIR; Spanish Interior Ministry, DNI; DM 23/12/1976 (codice
fiscale); RvIG, BSN; PESEL act; Receita Federal, CPF; UIDAI, Aadhaar; GB 11643-1999; Skatteverket,
personnummer; Rijksregister; DVV, henkilötunnus; Korean RRN; Swiss ZAS, AHV; Skatteetaten.
"""

from __future__ import annotations

import datetime
import re

from augment.pii.checksums import luhn, mod_11_10, verhoeff, weighted
from augment.pii.kinds import Check, Kind, Standing, digits_of, is_filler

_DNI_LETTERS = "TRWAGMYFPDXBNJZSQVHLCKE"
_HETU_SIGNS = "0123456789ABCDEFHJKLMNPRSTUVWXY"
_CHINA_SIGNS = "10X98765432"
_NO_NINO = frozenset({"BG", "GB", "KN", "NK", "NT", "TN", "ZZ"})
_ADVERTISED_SSN = frozenset({"078051120", "219099999"})
"""Printed on sample cards, and void since."""
_FISCAL_ODD = dict(
    zip(
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3,
         6, 8, 12, 14, 16, 10, 22, 25, 24, 23),
        strict=True,
    )
)  # fmt: skip


def _is_date(year: int, month: int, day: int) -> bool:
    try:
        datetime.date(year, month, day)
    except ValueError:
        return False
    return True


def _short_date(digits: str) -> bool:
    """Tell whether YYMMDD is a day of some century."""
    year, month, day = int(digits[:2]), int(digits[2:4]), int(digits[4:6])
    return _is_date(1900 + year, month, day) or _is_date(2000 + year, month, day)


def _if(true: bool) -> Standing | None:
    return "real" if true else None


def _ssn(match: re.Match[str]) -> Standing | None:
    digits = digits_of(match[0])
    area, group, serial = digits[:3], digits[3:5], digits[5:]
    if digits in _ADVERTISED_SSN or is_filler(digits) or digits.startswith("98765432"):
        return "placeholder"
    if area in {"000", "666"} and group != "00" and serial != "0000":
        return "placeholder"  # never issued
    if area[0] == "9":
        return _if(50 <= int(group) <= 99 and group not in {"66", "67", "68", "69", "89", "93"})
    return _if(area not in {"000", "666"} and group != "00" and serial != "0000")


def _nino(match: re.Match[str]) -> Standing | None:
    prefix = match[0][:2].upper()
    if prefix == "QQ":
        return "placeholder"
    allowed = prefix[0] not in "DFIQUV" and prefix[1] not in "DFIOQUV" and prefix not in _NO_NINO
    return _if(allowed)


def _sin(match: re.Match[str]) -> Standing | None:
    digits = digits_of(match[0])
    return _if(digits[0] not in "08" and luhn(digits))


def _steuer_id(match: re.Match[str]) -> Standing | None:
    digits = digits_of(match[0])
    counts = sorted(digits[:10].count(digit) for digit in set(digits[:10]))
    return _if(digits[0] != "0" and counts[-1] in {2, 3} and counts[-2] == 1 and mod_11_10(digits))


def _nir(match: re.Match[str]) -> Standing | None:
    signs = "".join(filter(str.isalnum, match[0])).upper()
    number = signs[:13].replace("2A", "19").replace("2B", "18")
    return _if(number.isdigit() and 97 - int(number) % 97 == int(signs[13:]))


def _dni(match: re.Match[str]) -> Standing | None:
    signs = "".join(filter(str.isalnum, match[0])).upper()
    number = int(signs[:-1].translate(str.maketrans("XYZ", "012")))
    if _DNI_LETTERS[number % 23] != signs[-1]:
        return None
    return "placeholder" if is_filler(digits_of(signs)) else "real"


def _codice_fiscale(match: re.Match[str]) -> Standing | None:
    signs = match[0].upper()
    total = sum(_FISCAL_ODD[sign] for sign in signs[0:15:2])
    total += sum(int(sign) if sign.isdigit() else ord(sign) - 65 for sign in signs[1:15:2])
    return _if(chr(65 + total % 26) == signs[15])


def _bsn(match: re.Match[str]) -> Standing | None:
    digits = digits_of(match["found"])
    return _if(weighted(digits, (9, 8, 7, 6, 5, 4, 3, 2, -1)) % 11 == 0 and int(digits) > 0)


def _pesel(match: re.Match[str]) -> Standing | None:
    digits = match[0]
    month = f"{int(digits[2:4]) % 20:02d}"
    dated = _short_date(digits[:2] + month + digits[4:6])
    check = weighted(digits, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1))
    return _if(dated and check % 10 == 0)


def _cpf(match: re.Match[str]) -> Standing | None:
    digits = digits_of(match[0])
    if is_filler(digits):
        return "placeholder"
    for length in (9, 10):
        check = weighted(digits, range(length + 1, 1, -1)) * 10 % 11 % 10
        if check != int(digits[length]):
            return None
    return "real"


def _aadhaar(match: re.Match[str]) -> Standing | None:
    return _if(verhoeff(digits_of(match[0])))


def _china(match: re.Match[str]) -> Standing | None:
    signs = match[0].upper()
    dated = _is_date(int(signs[6:10]), int(signs[10:12]), int(signs[12:14]))
    weights = [2 ** (17 - place) % 11 for place in range(17)]
    return _if(dated and _CHINA_SIGNS[weighted(signs, weights) % 11] == signs[17])


def _personnummer(match: re.Match[str]) -> Standing | None:
    digits = digits_of(match[0])[-10:]
    return _if(_short_date(digits) and luhn(digits))


def _rijksregister(match: re.Match[str]) -> Standing | None:
    digits = digits_of(match[0])
    number, check = digits[:9], int(digits[9:])
    born = {int(number), int("2" + number)}  # from 2000 on a 2 is set before it
    return _if(any(97 - each % 97 == check for each in born))


def _hetu(match: re.Match[str]) -> Standing | None:
    signs = match[0].upper()
    digits = signs[:6] + signs[7:10]
    dated = _short_date(digits[4:6] + digits[2:4] + digits[:2])
    return _if(dated and _HETU_SIGNS[int(digits) % 31] == signs[10])


def _rrn(match: re.Match[str]) -> Standing | None:
    digits = digits_of(match[0])
    check = (11 - weighted(digits, (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5)) % 11) % 10
    return _if(_short_date(digits) and check == int(digits[12]))


def _ahv(match: re.Match[str]) -> Standing | None:
    return _if(weighted(digits_of(match[0]), (1, 3) * 6 + (1,)) % 10 == 0)


def _norway(match: re.Match[str]) -> Standing | None:
    digits = digits_of(match[0])
    first = weighted(digits, (3, 7, 6, 1, 8, 9, 4, 5, 2, 1)) % 11
    second = weighted(digits, (5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1)) % 11
    dated = _short_date(digits[4:6] + digits[2:4] + digits[:2])
    return _if(dated and first == 0 and second == 0)


def _kind(pattern: str, check: Check, *, digits: int) -> Kind:
    whole = re.compile(rf"(?<![\w.+/-])(?:{pattern})(?![\w]|[.,/-]\d)", re.IGNORECASE)
    return Kind(name="national_number", pattern=whole, check=check, digits=digits)


KINDS = (
    _kind(r"\d{3}-\d{2}-\d{4}|\d{3} \d{2} \d{4}", _ssn, digits=9),
    _kind(r"(?-i:[A-Z]{2} ?\d{2} ?\d{2} ?\d{2} ?[A-D])", _nino, digits=6),
    _kind(r"\d{3}[ -]\d{3}[ -]\d{3}", _sin, digits=9),
    _kind(r"\d{2} ?\d{3} ?\d{3} ?\d{3}", _steuer_id, digits=11),
    _kind(
        r"[12] ?\d{2} ?(?:0[1-9]|1[0-2]|[2-9]\d) ?(?:\d{2}|2[AB]) ?\d{3} ?\d{3} ?\d{2}",
        _nir,
        digits=14,
    ),
    _kind(r"(?:\d{8}|[XYZ]-?\d{7})-?[A-HJ-NP-TV-Z]", _dni, digits=7),
    _kind(
        r"[A-Z]{6}[\dL-NP-V]{2}[A-EHLMPRST][\dL-NP-V]{2}[A-Z][\dL-NP-V]{3}[A-Z]",
        _codice_fiscale,
        digits=4,
    ),
    _kind(
        r"(?:bsn|burgerservicenummer|sofinummer)(?:\W{1,3}\w{1,8}){0,2}\W{1,3}(?P<found>\d{9})",
        _bsn,
        digits=9,
    ),
    _kind(r"\d{3}\.\d{3}\.\d{3}-\d{2}", _cpf, digits=11),
    _kind(r"[2-9]\d{3}([ -])\d{4}\1\d{4}", _aadhaar, digits=12),
    _kind(r"[1-8]\d{16}[\dX]", _china, digits=17),
    _kind(r"(?:\d{2})?\d{6}[-+]\d{4}", _personnummer, digits=10),
    _kind(r"\d{2}\.\d{2}\.\d{2}-\d{3}\.\d{2}", _rijksregister, digits=11),
    _kind(r"\d{6}[-+A]\d{3}[\dA-FHJ-NPR-Y]", _hetu, digits=9),
    _kind(r"\d{6}-[1-4]\d{6}", _rrn, digits=13),
    _kind(r"756\.\d{4}\.\d{4}\.\d{2}", _ahv, digits=13),
)
BARE = (
    _kind(r"\d{11}", _pesel, digits=11),
    _kind(r"\d{6} ?\d{5}", _norway, digits=11),
)
"""Plain runs of digits: what can be a telephone number is taken for one first."""
