"""How sure an engine was of what it chose, read off the log-probabilities of its tokens.

Servers give them as they were before guided decoding, where part of the probability lies on
tokens that no label allows. So at each token of the label it counts only against those rivals
that would have led to some label, which is what guided decoding samples from (rivals that are not
told count as 0). A rival that can only have led to the same label, by other tokens, counts for it:

    P(label | from here) = p(token) P(label | from the next) + sum of p(rival) that lead to it alone
                           over  sum of p(rival) that lead to some label
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence

from augment.records import TokenLogprob

_LEAST = -700.0
"""No log-probability is less: exp of it is the least number there is, nearly."""
_KEY = re.compile(r'"label"\s*:\s*')
_LIST = re.compile(r'\[(?:[^"\]]|"(?:[^"\\]|\\.)*+")*+\]', re.DOTALL)


def probability_of_one(tokens: Sequence[TokenLogprob], labels: Sequence[str]) -> float | None:
    """Return the probability of the label in an answer `{"label": "..."}`; None: it is not there.

    Args:
        tokens: of the answer, in order.
        labels: that could be chosen.
    """
    every = probabilities(tokens, labels)
    return None if every is None else next(iter(every.values()))


def probabilities(
    tokens: Sequence[TokenLogprob], labels: Sequence[str]
) -> Mapping[str, float] | None:
    """Return the probability of each label, that in the answer first; None: none is there.

    A rival that may have led to several of the others counts for these in equal parts. A label
    that no rival leads to has 0.

    Args:
        tokens: of an answer `{"label": "..."}`, in order.
        labels: that could be chosen.
    """
    text = "".join(token.token for token in tokens)
    start = _value(text)
    spellings = {spelt: label for label in labels for spelt in _spellings(label)}
    chosen = next((one for one in spellings if start and text.startswith(one, start)), None)
    if start is None or chosen is None:
        return None
    named = spellings[chosen]
    found = {named: 1.0} | {label: 0.0 for label in labels if label != named}
    for offset, token in reversed(list(_within(tokens, start, start + len(chosen)))):
        shares = _shares(token)
        if shares is None:
            return None
        leads = {name: _labels(text[:offset] + name, text[:start], spellings) for name in shares}
        whole = sum(shares[name] for name in shares if leads[name])
        found = {label: shares[token.token] * found[label] for label in found}
        for name in shares.keys() - {token.token}:
            parts = leads[name] - {named} or leads[name]
            for label in parts:
                found[label] += shares[name] / len(parts)
        found = {label: found[label] / whole for label in found}
    return {label: min(1.0, found[label]) for label in found}


def probability_of_list(tokens: Sequence[TokenLogprob]) -> float | None:
    """Return the probability of the list in an answer `{"label": [...]}`, all its tokens together.

    Rivals are not weighed: which lists a beginning may lead to is not told apart.
    """
    text = "".join(token.token for token in tokens)
    start = _value(text)
    found = None if start is None else _LIST.match(text, start)
    if found is None:
        return None
    logprob = sum(token.logprob for _, token in _within(tokens, *found.span()))
    return None if math.isnan(logprob) else math.exp(min(logprob, 0.0))


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


def _shares(token: TokenLogprob) -> dict[str, float] | None:
    """Return the chances of a token and its rivals; None where nothing can be made of them.

    Only what they are to each other counts, so that the likeliest is taken as 1.
    """
    every = {**token.top, token.token: token.logprob}
    most = max(every.values())
    if any(map(math.isnan, every.values())) or math.isinf(most):
        return None
    return {name: math.exp(max(value - most, _LEAST)) for name, value in every.items()}


def _labels(text: str, before: str, spellings: Mapping[str, str]) -> set[str]:
    """Return the labels that the text so far can still become, `before` standing before them."""
    if len(text) <= len(before):
        return set(spellings.values()) if before.startswith(text) else set()
    if not text.startswith(before):
        return set()
    value = text[len(before) :]
    return {
        label for one, label in spellings.items() if one.startswith(value) or value.startswith(one)
    }
