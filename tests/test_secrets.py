"""Keys that were sent do not come back in what a provider says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from augment.engines.openai import excerpt
from augment.secrets import Secrets, of_fields, of_url, without_secrets

KEYS = st.text("abc-", min_size=6, max_size=9)


@given(keys=st.lists(KEYS, max_size=3), words=st.lists(st.text("abc- ", max_size=9)))
def test_no_key_is_left_in_a_text_and_nothing_else_is_lost(keys, words):
    said = " ".join(word + key for word, key in zip(words, keys * len(words), strict=False))
    struck = Secrets(keys).struck(said)

    assert not any(key in struck for key in keys)
    assert Secrets().struck(said) == said


def test_what_is_too_short_to_be_a_key_is_no_secret():
    assert Secrets(["", "none"]).struck("none of these") == "none of these"


def test_the_longer_of_two_keys_goes_whole():
    assert Secrets(["secret-1", "secret-12"]).struck("secret-12!") == "[struck out]!"


def test_a_key_that_lies_across_the_end_of_an_excerpt_is_struck_out_first():
    body = b"x" * 290 + b"sk-0123456789-0123456789"

    assert excerpt(body, secrets=Secrets(["sk-0123456789-0123456789"])) == (
        "x" * 290 + "[struck out]"[:10]
    )


@pytest.mark.parametrize(
    ("url", "secrets"),
    [
        ("http://me:a:b@c@host:1/v1?x=@", ["me", "a:b@c"]),
        ("me:secret@host", ["me", "secret"]),
        ("ftp://me@host", ["me"]),
        ("https://:secret@[::1", ["secret"]),
        ("http://host/v1/me:secret@there", []),
        ("host:8000", []),
        ("http://[broken", []),
    ],
)
def test_user_and_password_of_an_address_are_secret_even_if_it_is_faulty(url, secrets):
    assert list(of_url(url)) == secrets


def test_texts_under_names_of_secrets_are_struck_out_however_deep_and_nothing_else():
    body = {"a": [{"api_key": "sk-0123"}], "max_tokens": 5, "stop_token_ids": [1], "n": {"x": "y"}}

    assert without_secrets(body) == body | {"a": [{"api_key": "[struck out]"}]}


def test_keys_are_found_by_type_by_name_and_among_headers():
    fields = {
        "openai_key": SecretStr("by-type"), "access_token": "by-name", "model": "tiny",
        "default_headers": {"x-auth": "among-headers", "n": 1}, "max_tokens": 5, "api_key": None,
    }  # fmt: skip

    assert list(of_fields(fields)) == ["by-type", "by-name", "among-headers"]
