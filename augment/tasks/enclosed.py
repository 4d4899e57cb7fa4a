"""Texts in prompts that are only read: none ends the part, or the turn, in which it stands.

Many servers read the marks of their chat template as such wherever they stand. A space within a
mark makes plain characters of it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

_MARK: Final = re.compile(
    r"<(?=\s*/?\s*(?:row|example)\b"  # ours
    r"|[|\uff5c]|/?(?:s|bos|eos|start_of_turn|end_of_turn)>|</?SYS>)"
    r"|\[(?=/?(?:INST|SYSTEM_PROMPT)\])",
    re.IGNORECASE,
)


def within(text: str) -> str:
    """Return a text that cannot end the part of the prompt in which it stands."""
    return _MARK.sub(r"\g<0> ", text)


def row_within(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the prompt variables of a row with such texts."""
    return {**row, "text": within(row["text"]), "text_pair": within(row["text_pair"])}
