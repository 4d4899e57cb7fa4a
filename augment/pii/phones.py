"""Telephone numbers: they have no checksum, so that their form and what stands before them decide.

Sources: ITU-T E.164 (country codes, at most 15 digits); NANP (area codes begin with 2 to 9);
numbers set aside for drama: NANPA (555-0100 to 0199), Ofcom, ACMA, Arcep, Bundesnetzagentur.
"""

from __future__ import annotations

import re

from augment.pii.kinds import Kind, Standing, digits_of, is_filler

_TWO_DIGIT_CODES = re.compile("2[07]|28|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]")
_THREE_DIGIT_CODES = frozenset(
    f"{start}{last}"
    for start in ("21", "22", "23", "24", "25", "26", "29", "35", "37", "38", "42", "50", "59",
                  "67", "68", "69", "80", "85", "87", "88", "96", "97", "99")
    for last in range(10)
)  # fmt: skip

_FICTION = re.compile(
    r"1?[2-9]\d\d555(?:01\d\d)|555(?:01\d\d)"  # NANP
    r"|(?:44|0)(?:1632960|2079460|7700900|3069990|808157|9098790"
    r"|1(?:13|14|15|16|17|18|21|31|41|51|61)496|1914980|28964960|29201800)\d{1,4}"  # Ofcom
    r"|(?:61|0)(?:[2378](?:5550|7010)\d{4}|491570(?:006|156|157|158|159|110|313|737))"  # ACMA
    r"|(?:33|0)(?:19900|26191|35301|46571|53649|63998)\d{4}"  # Arcep
    r"|(?:49|0)(?:3023125|6990009|4066969|2214710|8999998)\d{3}"
    r"|(?:49|0)(?:1713920|17604069)\d{2,4}"  # Bundesnetzagentur
)

_SAID = re.compile(
    r"(?:my number is|meine nummer ist|mon numéro est|mi número es|phone|tel|telephone"
    r"|call(?:ed|ing)?|mobile|cell|whatsapp|whats app|text(?:ed|ing)?|sms"
    r"|fax|ring|dial(?:led)?|telefon(?:nummer)?|handy(?:nummer)?|rufnummer|mobil|anruf\w{0,3}"
    r"|ruf\w{0,2}|appel\w{0,3}|téléphone|portable|ll[aá]m\w{0,4}|tel[eé]fono|móvil|celular"
    r"|telefonino|cellulare|chiam\w{1,3}|telefone|telem[oó]vel|lig[au]\w{0,2})\b"
    r"|电话|電話|手机|手機|携帯|โทร|เบอร์|телефон|позвон|звон"
)
_OTHER = re.compile(
    r"\b(?:order|ref|reference|invoice|tracking|ticket|isbn|issn|serial|case|model|version|build"
    r"|part|item|sku|parcel|booking|claim|flight|bestell\w{0,8}|rechnung\w{0,8}|sendung\w{0,8}"
    r"|auftrag\w{0,8}|commande|facture|pedido|factura)\W{0,3}(?:(?:number|no|nr|num|id|code)\b)?"
    r"\W{0,3}(?:is|ist|:)?\W{0,3}$"
)
_SAID_AFTER = re.compile(r"\W{1,3}(?:office|mobile|cell|home|work|fax)\b")
_BEFORE = 40
_SEPARATORS = r"[ \u00a0.\-/\u2010-\u2013]"
_NUMBER = re.compile(
    rf"(?<![\w#@$€£¥%+-])(?<!\d[.,:/])(?P<plus>\+|00(?=[1-9]))?(?P<opened>\()?\d"
    rf"(?:(?:{_SEPARATORS}|{_SEPARATORS}?[()]{_SEPARATORS}?)?\d){{5,15}}"
    r"(?: ?(?:x|ext\.?) ?\d{1,5})?(?![\w%]|[.,:/-]\d| ?(?:€|£|\$|%|(?:EUR|USD|GBP)\b))"
)
_DATED = re.compile(
    r"(?:1[5-9]|20)\d\d ?[-\u2013/] ?(?:1[5-9]|20)\d\d"
    r"|(?:19|20)\d\d[-./ ][01]?\d[-./ ][0-3]?\d|[0-3]?\d[-./ ][0-3]?\d[-./ ](?:19|20)\d\d"
)
_EXTENSION = re.compile(r" ?(?:x|ext\.?) ?\d{1,5}$")
_GROUPS = re.compile(r"\d+")
_ISBN = re.compile(r"97[89]-?\d")


def _phone(match: re.Match[str]) -> Standing | None:
    written = _EXTENSION.sub("", match[0])
    digits = digits_of(written)
    if match["plus"] == "00":
        digits = digits[2:]
    before = match.string[max(0, match.start() - _BEFORE) : match.start()].lower()
    if _DATED.match(written) or (not match["plus"] and _OTHER.search(before)):
        return None
    said = _SAID.search(before) or _SAID_AFTER.match(
        match.string[match.end() : match.end() + _BEFORE].lower()
    )
    if not _is_number(written, digits, abroad=match["plus"] is not None, said=bool(said)):
        return None
    if is_filler(digits.removeprefix("1")) or is_filler(digits) or _FICTION.fullmatch(digits):
        return "placeholder"
    return "real"


def _is_number(written: str, digits: str, *, abroad: bool, said: bool) -> bool:
    if abroad:
        return 8 <= len(digits) <= 15 and _has_country(digits)
    if said:
        return 7 <= len(digits) <= 15
    if _ISBN.match(written):
        return False
    groups = _GROUPS.findall(written)
    return (
        _is_nanp(groups, digits)
        or (digits.startswith("555") and [len(each) for each in groups] == [3, 4])
        or _has_trunk_prefix(groups, digits)
        or (
            written.startswith("(")
            and 8 <= len(digits) <= 12
            and (2 <= len(groups[0]) <= 5 or written.startswith("(0)"))
        )
        or (len(groups) == 1 and len(digits) == 11 and digits[0] == "1" and digits[1] in "3456789")
        or (len(digits) == 10 and [len(each) for each in groups] == [5, 5] and digits[0] in "6789")
        or (len(groups) > 1 and len(digits) >= 10 and is_filler(digits.removeprefix("1")))
    )


def _has_country(digits: str) -> bool:
    return (
        digits[0] in "17"
        or _TWO_DIGIT_CODES.match(digits) is not None
        or digits[:3] in _THREE_DIGIT_CODES
    )


def _is_nanp(groups: list[str], digits: str) -> bool:
    """Tell whether these are area code, exchange and line, perhaps with the country's 1 before."""
    if len(digits) == 11 and digits[0] == "1":
        groups, digits = (
            (groups[1:] if groups[0] == "1" else [groups[0][1:], *groups[1:]]),
            digits[1:],
        )
    lengths = [len(each) for each in groups]
    return lengths in ([3, 3, 4], [3, 7]) and digits[0] in "23456789"


def _has_trunk_prefix(groups: list[str], digits: str) -> bool:
    """Tell whether this is a number as most of Europe and Australia write it at home."""
    if not 9 <= len(digits) <= 12 or digits[0] != "0" or digits[1] == "0":
        return False
    return len(digits) in {10, 11} if len(groups) == 1 else len(groups[0]) >= 2


KINDS = (Kind(name="phone", pattern=_NUMBER, check=_phone, digits=7),)
