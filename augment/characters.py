"""Which characters texts and names may hold, wherever they come from."""

from __future__ import annotations

import re

_NEVER = re.compile("[\x00\ud800-\udfff]")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def fault_of_text(text: str) -> str | None:
    """Say what in a text cannot be kept: NUL, or half of a character; None if all can."""
    found = _NEVER.search(text)
    if found is None:
        return None
    kind = "NUL" if found[0] == "\0" else f"the lone surrogate {found[0]!r}"
    return f"holds {kind} at character {found.start()}"


def fault_of_name(name: str) -> str | None:
    """Say what in a name, which stands in one line, cannot be kept; None if all can."""
    if fault := fault_of_text(name):
        return fault
    return "holds a control character or a line break" if _CONTROL.search(name) else None
