"""The question whether a text is hateful or abusive, put to a guard model.

    {"label": "unsafe"}

A template for a model that is told by its server what to look for may hold the text alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from augment.records import Ask, Completion, Example, Failure, Json
from augment.tasks.classification import closed
from augment.tasks.enclosed import within
from augment.tasks.judging import vote_of

GUARD: Final = "guard"
"""The name of the template, and the strategy of its asks."""
SAFE: Final = "safe"
UNSAFE: Final = "unsafe"
CHOICES: Final = (SAFE, UNSAFE)

OFFERED: Final[Mapping[str, Any]] = {"text": None, "answer_shape": None}
REQUIRED: Final = ("text",)
_SHAPE: Final = json.dumps({"label": "..."})
_SCHEMA: Final = closed({"label": {"type": "string", "enum": [*CHOICES]}})
_WORD: Final = re.compile(rf"\W*({SAFE}|{UNSAFE})\b", re.IGNORECASE)


class Guarding:
    """How it is asked whether a text is unsafe.

    Args:
        text_of: gives the text that an ask is about.
    """

    def __init__(self, text_of: Callable[[Ask], str]) -> None:
        self._text_of = text_of

    def constants(self) -> Mapping[str, Any]:
        """Return the prompt variables that are the same for every text."""
        return {"answer_shape": _SHAPE}

    def variables(self, ask: Ask, exemplars: Sequence[Example[Any]]) -> Mapping[str, Any]:  # noqa: ARG002 - the Protocol's
        """Return the prompt variables of one ask."""
        return {"text": within(self._text_of(ask))}

    def schema(self, ask: Ask) -> Mapping[str, Json]:  # noqa: ARG002 - the Protocol's
        """Return the JSON schema of the answer: safe or unsafe."""
        return _SCHEMA


def unsafe_of(outcome: Completion | Failure) -> float | str:
    """Return how probably a text is unsafe, or why the answer does not tell; raises nothing.

    Where there are no log-probabilities the answer that was named has 1. So has the word with
    which an answer begins that is no JSON, as guard models give it where nothing holds them to a
    schema. Reasons are those of `augment.tasks.judging.vote_of`.
    """
    told = vote_of(outcome, CHOICES)
    if not isinstance(told, str):
        return told[UNSAFE]
    found = _WORD.match(outcome.text) if isinstance(outcome, Completion) else None
    if found is None or told != "json":
        return told
    return float(found[1].lower() == UNSAFE)
