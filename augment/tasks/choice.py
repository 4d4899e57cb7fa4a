"""How sure an engine was of what it chose, read off the log-probabilities of its tokens.

Servers give them as they were before guided decoding, where part of the probability lies on
tokens that no label allows. So at each token of the label it counts only against those rivals
that would have led to some label:

    P(label) = product over its tokens of p(token) / (sum of p(rival) that leads to some label)

which is what guided decoding samples from (with rivals that are not told counted as 0).
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator, Sequence

from augment.records import TokenLogprob

_KEY = re.compile(r'"label"\s*:\s*')
_LIST = re.compile(r'\[(?:[^"\]]|"(?:[^"\\]|\\.)*+")*+\]', re.DOTALL)


def probability_of_one(tokens: Sequence[TokenLogprob], labels: Sequence[str]) -> float | None:
    """Return the probability of the label in an answer `{"label": "..."}`; None: it is not there.

    Args:
        tokens: of the answer, in order.
        labels: that could be chosen.
    """
    text = "".join(token.token for token in tokens)
    start = _value(text)
    spellings = [spelt for label in labels for spelt in _spellings(label)]
    chosen = next((one for one in spellings if start and text.startswith(one, start)), None)
    if start is None or chosen is None:
        return None
    before = text[:start]
    total = 0.0
    for offset, token in _within(tokens, start, start + len(chosen)):
        logprob = {**token.top, token.token: token.logprob}
        total += token.logprob - _log_sum(
            logprob[rival] for rival in logprob if _leads(text[:offset] + rival, before, spellings)
        )
    return _probability(total)


def probability_of_list(tokens: Sequence[TokenLogprob]) -> float | None:
    """Return the probability of the list in an answer `{"label": [...]}`, all its tokens together.

    Rivals are not weighed: which lists a beginning may lead to is not told apart.
    """
    text = "".join(token.token for token in tokens)
    start = _value(text)
    found = None if start is None else _LIST.match(text, start)
    if found is None:
        return None
    return _probability(sum(token.logprob for _, token in _within(tokens, *found.span())))


def _value(text: str) -> int | None:
    ends = [found.end() for found in _KEY.finditer(text)]
    return ends[-1] if ends else None  # the last one: thoughts may speak of labels too


def _spellings(label: str) -> set[str]:
    """Return the label as JSON may spell it."""
    return {json.dumps(label), json.dumps(label, ensure_ascii=False)}


def _within(
    tokens: Sequence[TokenLogprob], start: int, end: int
) -> Iterator[tuple[int, TokenLogprob]]:
    """Yield the tokens that overlap characters `start` to `end`, each with where it begins."""
    offset = 0
    for token in tokens:
        if offset < end and offset + len(token.token) > start:
            yield offset, token
        offset += len(token.token)


def _leads(text: str, before: str, spellings: Sequence[str]) -> bool:
    """Tell whether the text so far can still become `before` and a label."""
    if len(text) <= len(before):
        return before.startswith(text)
    value = text[len(before) :]
    return text.startswith(before) and any(
        one.startswith(value) or value.startswith(one) for one in spellings
    )


def _probability(logprob: float) -> float | None:
    """Return the probability; None where infinities among the log-probabilities leave none."""
    return None if math.isnan(logprob) else math.exp(min(0.0, logprob))


def _log_sum(logprobs: Iterable[float]) -> float:
    """Return log(sum(exp(x)))."""
    values = list(logprobs)
    most = max(values)
    return most + math.log(sum(math.exp(value - most) for value in values))
