"""Personal data drawn at random in the ways in which people write it, and put into texts."""

from __future__ import annotations

import hashlib
import random
import string
from collections.abc import Callable, Mapping

from augment.pii.checksums import luhn, mod_11_10, mod_97, verhoeff, weighted
from augment.pii.money import IBAN_LENGTHS

_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_NAMES = ("lena", "otto.vogt", "j_smith", "maria-luz", "p.novak", "kofi", "yuki88", "a.b.c")
_HOSTS = ("posthaus.de", "mailbox.org", "uni-stadt.ac.uk", "firma.co.jp", "bank.com", "web.fr")
_PHONES = (
    "+49 30 9######", "+49 171 ######4", "030/9######", "0171-#######", "+44 20 7### ####",
    "(0)20 7### ####", "0161 7## ####", "+1 (2##) 7##-####", "312-7##-####", "(415) 7##-####",
    "1-800-2##-####", "call 7######", "+33 6 1# ## ## ##", "01.4#.##.##.##", "+34 6## ### ###",
    "+39 3## #######", "+91 98### #####", "98### #####", "139########", "+86 139 #### ####",
    "+61 4## ### ###", "04## ### ###", "phone: 7###-####", "+420 7## ### ###", "+55 11 9####-####",
    "my number is 7### ####", "text me on 079########", "0049 89 3######", "+972 5#-###-####",
)  # fmt: skip
_ALPHANUMERIC = string.ascii_letters + string.digits


def planted(text: str, kind: str, rng: random.Random) -> tuple[str, int, int]:
    """Return the text with a value of the kind between two of its words, and where that lies."""
    value = _DRAWN[kind](rng)
    words = text.split(" ")
    place = rng.randrange(len(words) + 1)
    before = " ".join(words[:place])
    start = len(before) + bool(before)
    whole = " ".join([*([before] if before else []), value, *words[place:]])
    return whole, start, start + len(value)


def _digits(count: int, rng: random.Random) -> str:
    return "".join(rng.choices(string.digits, k=count))


def _filled(form: str, rng: random.Random) -> str:
    return "".join(rng.choice(string.digits) if sign == "#" else sign for sign in form)


def _checked(body: str, check: Callable[[str], bool]) -> str:
    return next(body + digit for digit in string.digits if check(body + digit))


def _email(rng: random.Random) -> str:
    mail = f"{rng.choice(_NAMES)}{rng.randrange(100)}@{rng.choice(_HOSTS)}"
    return rng.choice((mail, mail.upper(), f"<{mail}>", mail.replace("@", " (at) ")))


def _phone(rng: random.Random) -> str:
    return _filled(rng.choice(_PHONES), rng)


def _ip_address(rng: random.Random) -> str:
    if rng.random() < 0.5:
        return ".".join(str(rng.randrange(low, 223)) for low in (11, 0, 0, 1))
    parts = [f"{rng.randrange(1, 1 << 16):x}" for _ in range(6)]
    return rng.choice((f"2a00:{parts[0]}::{parts[1]}", "2a02:1450:" + ":".join(parts)))


def _iban(rng: random.Random) -> str:
    country = rng.choice(sorted(IBAN_LENGTHS))
    own = _digits(IBAN_LENGTHS[country] - 4, rng)
    if rng.random() < 0.3:
        own = "".join(rng.choices(string.ascii_uppercase, k=4)) + own[4:]
    check = next(n for n in range(2, 99) if mod_97(f"{own}{country}{n:02d}"))
    iban = f"{country}{check:02d}{own}"
    spaced = " ".join(iban[start : start + 4] for start in range(0, len(iban), 4))
    return rng.choice((iban, spaced, iban.lower()))


def _card(rng: random.Random) -> str:
    head, length = rng.choice(
        (("4", 16), ("51", 16), ("55", 16), ("2221", 16), ("34", 15), ("37", 15), ("6011", 16),
         ("65", 16), ("3528", 16), ("36", 14), ("62", 16), ("5018", 16))
    )  # fmt: skip
    card = _checked(head + _digits(length - len(head) - 1, rng), luhn)
    fours = [card[start : start + 4] for start in range(0, length, 4)]
    return rng.choice((card, " ".join(fours), "-".join(fours)))


def _national_number(rng: random.Random) -> str:
    return rng.choice((_ssn, _nino, _steuer_id, _dni, _cpf, _aadhaar, _pesel, _china))(rng)


def _ssn(rng: random.Random) -> str:
    return f"{rng.randrange(100, 660)}-{rng.randrange(1, 100):02d}-{rng.randrange(1, 10_000):04d}"


def _nino(rng: random.Random) -> str:
    number = _digits(6, rng)
    head, tail = rng.choice(("AB", "CE", "JK", "SW")), rng.choice("ABCD")
    return rng.choice(
        (f"{head}{number}{tail}", f"{head} {number[:2]} {number[2:4]} {number[4:]} {tail}")
    )


def _steuer_id(rng: random.Random) -> str:
    body = rng.sample(string.digits, 9)
    body.insert(rng.randrange(1, 9), body[rng.randrange(9)])
    if body[0] == "0":
        body.reverse()
    number = _checked("".join(body), mod_11_10)
    return rng.choice((number, f"{number[:2]} {number[2:5]} {number[5:8]} {number[8:]}"))


def _dni(rng: random.Random) -> str:
    number = _digits(8, rng)
    return number + rng.choice(("", "-")) + "TRWAGMYFPDXBNJZSQVHLCKE"[int(number) % 23]


def _cpf(rng: random.Random) -> str:
    digits = _digits(9, rng)
    for length in (9, 10):
        digits += str(weighted(digits, range(length + 1, 1, -1)) * 10 % 11 % 10)
    return f"{digits[:3]}.{digits[3:6]}.{digits[6:9]}-{digits[9:]}"


def _aadhaar(rng: random.Random) -> str:
    number = _checked(str(rng.randrange(2, 10)) + _digits(10, rng), verhoeff)
    return f"{number[:4]} {number[4:8]} {number[8:]}"


def _date(rng: random.Random) -> str:
    return f"{rng.randrange(1, 13):02d}{rng.randrange(1, 29):02d}"


def _pesel(rng: random.Random) -> str:
    body = f"{rng.randrange(40, 100)}{_date(rng)}{_digits(4, rng)}"
    return _checked(body, lambda all_: weighted(all_, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1)) % 10 == 0)


def _china(rng: random.Random) -> str:
    body = f"110105{rng.randrange(1940, 2010)}{_date(rng)}{_digits(3, rng)}"
    return (
        body + "10X98765432"[weighted(body, [2 ** (17 - place) % 11 for place in range(17)]) % 11]
    )


def _wallet(rng: random.Random) -> str:
    if rng.random() < 0.4:
        return "0x" + "".join(rng.choices("0123456789abcdef", k=40))
    held = rng.choice((b"\x00", b"\x05")) + rng.randbytes(20)
    number = int.from_bytes(held + hashlib.sha256(hashlib.sha256(held).digest()).digest()[:4])
    signs = ""
    while number:
        number, place = divmod(number, 58)
        signs = _BASE58[place] + signs
    return "1" * (held[0] == 0) + signs


def _key(rng: random.Random) -> str:
    def drawn(count: int, of: str = _ALPHANUMERIC) -> str:
        return "".join(rng.choices(of, k=count - 1)) + rng.choice(string.digits)

    capitals = string.ascii_uppercase + string.digits
    return rng.choice(
        (
            f"AKIA{drawn(16, capitals)}", f"ghp_{drawn(36)}", f"sk-{drawn(48)}", f"hf_{drawn(34)}",
            f"xoxb-{_digits(12, rng)}-{drawn(24)}", f"sk_live_{drawn(24)}", f"AIza{drawn(35)}",
            f"password: {drawn(10)}", f"my password is {drawn(9)}", f"API_KEY={drawn(32)}",
            f"eyJ{drawn(20)}.eyJ{drawn(30)}.{drawn(40)}", f"glpat-{drawn(20)}",
        )
    )  # fmt: skip


def _credentials(rng: random.Random) -> str:
    user, word = rng.choice(_NAMES), "".join(rng.choices(_ALPHANUMERIC, k=9))
    scheme = rng.choice(("https", "postgres", "ftp", "redis", "mongodb+srv"))
    return f"{scheme}://{user}:{word}@{rng.choice(_HOSTS)}{rng.choice(('', '/', ':5432/db'))}"


_DRAWN: Mapping[str, Callable[[random.Random], str]] = {
    "card": _card,
    "credentials": _credentials,
    "email": _email,
    "iban": _iban,
    "ip_address": _ip_address,
    "key": _key,
    "national_number": _national_number,
    "phone": _phone,
    "wallet": _wallet,
}
