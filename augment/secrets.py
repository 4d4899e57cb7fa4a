"""Keys, which no file, report or log may tell on: neither ours of them nor a provider's words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, cast

from pydantic import SecretStr

_SHORTEST = 6
"""Shorter ones would strike out words."""
_NAMES = re.compile("key|token|secret|password|credential", re.IGNORECASE)
_USER = re.compile(r"(?:[a-z][a-z0-9+.-]*://)?([^/?#]*)@", re.IGNORECASE)
_INSTEAD = "[struck out]"


class Secrets:
    """Strikes secrets out of texts that come from elsewhere and go into files and logs."""

    def __init__(self, texts: Iterable[str] = ()) -> None:
        known = {text for text in texts if len(text) >= _SHORTEST}
        longest_first = sorted(known, key=len, reverse=True)
        self._found = re.compile("|".join(map(re.escape, longest_first))) if known else None

    def struck(self, text: str) -> str:
        """Return the text without them."""
        return text if self._found is None else self._found.sub(_INSTEAD, text)


def of_fields(fields: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is secret among the fields of a client: keys by type or name, and headers."""
    for name, value in fields.items():
        if isinstance(value, SecretStr):
            yield value.get_secret_value()
        elif isinstance(value, str) and _NAMES.search(name):
            yield value
        elif isinstance(value, Mapping):
            inner = cast("Mapping[str, Any]", value)
            if "header" in name:
                yield from (each for each in inner.values() if isinstance(each, str))
            else:
                yield from of_fields({str(key): each for key, each in inner.items()})


def of_url(url: str) -> Iterator[str]:
    """Yield the user and the password in an address, which may be a faulty one."""
    if found := _USER.match(url):
        user, _, password = found[1].partition(":")
        yield from (each for each in (user, password) if each)


def without_secrets(value: Any, *, name: str = "") -> Any:
    """Return a JSON value in which the texts under names of secrets are struck out."""
    if isinstance(value, Mapping):
        fields = cast("Mapping[str, Any]", value)
        return {key: without_secrets(each, name=str(key)) for key, each in fields.items()}
    if isinstance(value, list):
        return [without_secrets(each, name=name) for each in cast("list[Any]", value)]
    return _INSTEAD if isinstance(value, str) and _NAMES.search(name) else value
