"""What a provider's words may not tell on: keys that we sent it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, cast

from pydantic import SecretStr

_SHORTEST = 6
"""Shorter ones would strike out words."""
_NAMES = re.compile("key|token|secret|password|credential", re.IGNORECASE)
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
        elif isinstance(value, Mapping) and "header" in name:
            headers = cast("Mapping[Any, Any]", value)
            yield from (each for each in headers.values() if isinstance(each, str))
