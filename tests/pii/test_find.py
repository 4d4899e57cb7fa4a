from __future__ import annotations

import random
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from personal_data import FOUND, pairs

from augment.pii import find as finder
from augment.pii.find import IN_WORDS, find

NOTHING = [
    "I paid 1,234,567.89 on 2024-03-01 at 10:30:15",
    "version 10.4.1.2 of the app",
    "my order number 08712300220 has not arrived",
    "between 2019-2020 and 1879–1883",
    "ISBN 978-3-16-148410-0",
    "it costs 12 345 678 EUR",
    "call me at 10 or 11",
    "@lena and @otto, see #20240301",
    "my password is wrong and my secret is safe",
    "the password must be 8 characters",
    "std::vector<int> x::y",
    "4556737586899856 does not check, nor does DE44 5001 0517 5407 3249 32",
    "536-00-4399",
    "score was 3-2-1, then 21-19 21-17",
    "tokens: 123456",
    "Donaudampfschifffahrtsgesellschaftskapitän",
    "12/25/2024 to 01/05/2025",
    "room 204, 3rd floor, 90210",
]
PLACEHOLDERS = {
    "email": ["sam@example.org", "sam@mail.example.com", "a@b.test", "root@host.invalid"],
    "phone": [
        "212-555-0142",
        "+1 212 555 0199",
        "07700 900123",
        "020 7946 0018",
        "call 1234567890",
        "01 99 00 12 34",
        "+49 30 23125 123",
    ],
    "ip_address": ["192.0.2.7", "127.0.0.1", "192.168.1.4", "2001:db8::8a2e:370:7334"],
    "card": ["4111 1111 1111 1111", "4242424242424242", "378282246310005"],
    "iban": ["GB82 WEST 1234 5698 7654 32", "DE89370400440532013000"],
    "national_number": ["078-05-1120", "666-12-3456", "QQ123456C", "111.111.111-11"],
    "key": ["AKIAIOSFODNN7EXAMPLE", "api_key: your_key_12345"],
    "credentials": ["https://user:password@host.net/", "https://lena:hunter2@example.com"],
    "wallet": ["0x000000000000000000000000000000000000dEaD"],
}


@pytest.mark.parametrize(("kind", "text"), pairs(FOUND))
def test_what_somebody_may_hold_is_found_where_it_stands(kind: str, text: str) -> None:
    around = f"Hello, it is {text} \u2013 thanks"
    (found,) = find(around)
    assert (found.kind, found.standing) == (kind, "real")
    assert around[found.start : found.end] in text


@pytest.mark.parametrize("text", NOTHING)
def test_what_only_looks_so_is_not_found(text: str) -> None:
    assert find(text) == ()


@pytest.mark.parametrize(("kind", "text"), pairs(PLACEHOLDERS))
def test_what_is_set_aside_for_examples_is_a_placeholder(kind: str, text: str) -> None:
    found = find(f"Hello, it is {text} \u2013 thanks")
    assert [(each.kind, each.standing) for each in found] == [(kind, "placeholder")]


def test_every_kind_has_a_name_for_people_and_an_example_here() -> None:
    assert IN_WORDS.keys() == FOUND.keys() == PLACEHOLDERS.keys()


@given(st.text(), st.sampled_from(pairs(FOUND)), st.text())
def test_findings_lie_in_the_text_in_order_and_apart(
    before: str, planted: tuple[str, str], after: str
) -> None:
    text = f"{before} {planted[1]} {after}"
    found = find(text)
    places = [0, *(place for each in found for place in (each.start, each.end)), len(text)]
    assert places == sorted(places)
    assert all(each.start < each.end for each in found)


@given(st.lists(st.sampled_from(pairs(FOUND)), min_size=1, max_size=4))
def test_the_cheap_look_misses_nothing_that_the_patterns_find(
    planted: list[tuple[str, str]],
) -> None:
    text = " and then ".join(value for _, value in planted)
    plain = text.translate(finder._PLAIN)
    for kind in finder._KINDS:
        holds = any(kind.check(match) for match in kind.pattern.finditer(plain))
        assert not holds or kind.hint in finder._hints(plain), f"{kind.name} of {text!r}"


@pytest.fixture(name="no_network")
def _no_network(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    return


@pytest.mark.usefixtures("no_network")
def test_nothing_is_asked_of_a_network_when_it_runs() -> None:
    for kind, text in pairs(FOUND):
        assert find(text)[0].kind == kind


def test_nothing_is_asked_of_a_network_when_it_is_imported() -> None:
    code = (
        "import sys\n"
        "def heard(event, _):\n"
        "    if event.startswith('socket.'): raise SystemExit(event)\n"
        "sys.addaudithook(heard)\n"
        "import augment.filters.pii\n"
        "from augment.pii.find import find\n"
        "assert find('write to lena@posthaus.de')\n"
        "print('socket' in sys.modules)\n"
    )
    root = Path(__file__).parents[2]
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=root
    )
    assert ran.returncode == 0, ran.stderr


@pytest.mark.parametrize(
    "part",
    ["1", "1 ", "a@", "a.", "(1)", "1-", "::", "1:", "a:b@", "-----BEGIN ", "+1", "x1-", "0x", "١"],
)
def test_no_text_keeps_it_busy_for_long(part: str) -> None:
    began = time.thread_time()
    find(part * (100_000 // len(part)))
    assert time.thread_time() - began < 2.0


def test_long_texts_take_time_in_proportion() -> None:
    rng = random.Random(0)
    signs = "abc 0123456789@.:-()+/ \n"
    seconds = []
    for size in (10_000, 80_000):
        text = "".join(rng.choices(signs, k=size))
        began = time.thread_time()
        find(text)
        seconds.append(time.thread_time() - began)
    assert seconds[1] < 40 * max(seconds[0], 0.001)
