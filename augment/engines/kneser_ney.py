"""An interpolated Kneser-Ney model over tokens: what small corpora allow a language model to be.

The model is that of Kneser and Ney, "Improved backing-off for m-gram language modeling" (ICASSP
1995), in the interpolated form of Chen and Goodman, "An empirical study of smoothing techniques
for language modeling" (Computer Speech and Language 13, 1999): the longest n-grams are weighed by
how often they occur, shorter ones by how many different tokens precede them, each less a discount
D = n1 / (n1 + 2 n2), where ni is the number of n-grams seen i times; what the discounts take away
goes to the next shorter context. Their modified form, with a discount for each of the counts one,
two and three or more, made next to no difference in perplexity on 5 to 100 texts a label, where
such counts are few: it is left out.

A gram is one integer, the number of its prefix times the size of the vocabulary plus its last
token, and each length one sorted array of them: a fit is a few sorts.
"""

from __future__ import annotations

import random
import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain, islice
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]
Mixture: TypeAlias = Sequence[tuple[float, "KneserNey"]]
"""Models of one order and one vocabulary, each with its weight."""

BEGIN, END, SEPARATOR = 0, 1, 2
MARKS = 3
"""The number of the first token proper; those below mark where texts begin, end and meet."""

CONTEXTS_KEPT = 2_000
"""For how many contexts a model remembers what follows."""
COOLEST = 0.05
"""The temperature that stands for 0, which would divide by nothing."""

# Thai, Lao, Myanmar, Khmer, kana and Han are written without spaces.
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
# Vowel signs and accents belong to the letter before them but are no word characters for `re`.
_COMBINING = "\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0900-\u0963\u0966-\u0dff"
_LETTER = rf"(?:(?![{_UNSPACED}])[\w{_COMBINING}])"
_FLAG = "[\U0001f1e6-\U0001f1ff]{2}"
_TONE = "[\ufe0f\U0001f3fb-\U0001f3ff]*"
# Every repetition is bounded, so that no text makes a token, or the search for one, long.
_TOKEN = re.compile(
    f"[{_UNSPACED}]"
    rf"|\s{{0,8}}{_LETTER}{{1,64}}(?:['\u2019]{_LETTER}{{1,64}}){{0,3}}"
    rf"|\s{{0,8}}(?:{_FLAG}|[^\w\s]{_TONE}(?:\u200d[^\w\s]{_TONE}){{0,8}})"
    r"|\s{1,8}"
)


def tokenize(text: str, *, limit: int | None = None) -> tuple[str, ...]:
    """Return the tokens of `text`, at most `limit`, from which `untokenize` makes it again.

    A word or a sign keeps the white space before it; the first is given a space, so that a word
    is the same token at the start of a text as within it. Scripts without spaces go by characters.
    """
    return tuple(islice((found[0] for found in _TOKEN.finditer(f" {text}")), limit))


def untokenize(tokens: Iterable[str]) -> str:
    """Return the text that `tokenize` took apart."""
    return "".join(tokens)[1:]


@dataclass(frozen=True, slots=True)
class _Order:
    """The grams of one length.

    Attributes:
        grams: prefix number times vocabulary size plus token, ascending; a gram's place here is
            its number where it is a prefix itself.
        shares: what each gram adds to the probability of its token after its prefix.
        leftover: by prefix number, what is left to the shorter context.
    """

    grams: Ints
    shares: Floats
    leftover: Floats


class KneserNey:
    """P(token | context), interpolated over contexts of `order` - 1 tokens down to none.

    Args:
        texts: at least one; token numbers from MARKS on, below `size`, with SEPARATOR between
            the parts of a text where it has any.
        size: size of the vocabulary, marks included.
        order: length of the longest n-grams, at least 2.
    """

    def __init__(self, texts: Sequence[Sequence[int]], *, size: int, order: int = 4) -> None:
        self.size = size
        self.order = order
        self._orders = _count(texts, size=size, order=order)
        self._heads: dict[tuple[tuple[int, ...], float, float], tuple[list[int], list[float]]] = {}

    def probabilities(self, tokens: Ints, *, context: Sequence[int]) -> Floats:
        """Return P(token | context) for each of `tokens`; BEGIN never follows.

        A text begins with `order` - 1 times BEGIN; of a longer context the end counts.
        """
        chances = np.where(tokens == BEGIN, 0.0, 1 / (self.size - 1))
        for length, order in enumerate(self._orders[: len(context) + 1]):
            prefix = self._number(context[len(context) - length :])
            if prefix is None:
                break
            wanted = prefix * self.size + tokens
            places = np.minimum(order.grams.searchsorted(wanted), len(order.grams) - 1)
            shares = np.where(order.grams[places] == wanted, order.shares[places], 0)
            chances = chances * order.leftover[prefix] + shares
        return chances

    def follow(
        self, context: tuple[int, ...], *, rng: random.Random, temperature: float, top_p: float
    ) -> int | None:
        """Return a token that follows the last of `context` somewhere in the texts.

        So much mass is discounted to shorter contexts when texts are few that a draw from all
        tokens would put a pair of words that nobody wrote into nearly every sentence.

        Args:
            context: `order` - 1 tokens.
            rng: what draws.
            temperature: 1 leaves the probabilities as they are.
            top_p: the least likely tokens beyond this share of the mass are never drawn.

        Returns:
            The token, or None where the last of `context` was never seen.
        """
        key = (context, temperature, top_p)
        if key not in self._heads:
            if len(self._heads) >= CONTEXTS_KEPT:
                self._heads.clear()
            self._heads[key] = self._head(context, power=1 / max(temperature, COOLEST), top_p=top_p)
        tokens, sums = self._heads[key]
        return tokens[bisect_left(sums, rng.random() * sums[-1])] if tokens else None

    def after(self, context: Sequence[int]) -> tuple[Ints, Floats, int]:
        """Return the tokens that follow the last of `context` somewhere in the texts.

        Returns:
            The tokens, what n-grams of two tokens or more add to the probability of each after
            this context, and how many tokens of the context are known in a row: 0 where nothing
            follows.
        """
        tokens = self._followers(context[-1])
        chances, length = np.zeros(len(tokens)), 0
        for order in self._orders[1 : len(context) + 1]:
            prefix = self._number(context[len(context) - length - 1 :])
            if prefix is None or not len(tokens):
                break
            length += 1
            wanted = prefix * self.size + tokens
            places = np.minimum(order.grams.searchsorted(wanted), len(order.grams) - 1)
            shares = np.where(order.grams[places] == wanted, order.shares[places], 0)
            chances = chances * order.leftover[prefix] + shares
        return tokens, chances, length

    def _head(
        self, context: tuple[int, ...], *, power: float, top_p: float
    ) -> tuple[list[int], list[float]]:
        """Return the likeliest followers that hold `top_p` of the mass, with running sums of it."""
        tokens = self._followers(context[-1])
        if len(tokens) < 2:
            return tokens.tolist(), [1.0] * len(tokens)
        chances = self.probabilities(tokens, context=context)
        ranks = np.argsort(-chances, kind="stable")
        scaled: list[float] = ((chances[ranks] / chances[ranks[0]]) ** power).tolist()
        sums = list(accumulate(scaled))
        count = bisect_left(sums, top_p * sums[-1]) + 1
        return tokens[ranks[:count]].tolist(), sums[:count]

    def _followers(self, token: int) -> Ints:
        prefix = self._number((token,))
        if prefix is None:
            return np.empty(0, dtype=np.int64)
        first = prefix * self.size
        low, high = self._orders[1].grams.searchsorted((first, first + self.size))
        found = self._orders[1].grams[low:high] - first
        return found[found != BEGIN]

    def _number(self, tokens: Sequence[int]) -> int | None:
        """Return the number of the gram `tokens`, or None where it was never seen."""
        number = 0
        for order, token in zip(self._orders, tokens, strict=False):
            gram = number * self.size + token
            number = int(order.grams.searchsorted(gram))
            if number == len(order.grams) or order.grams[number] != gram:
                return None
        return number


def sample(
    mixture: Mixture,
    *,
    rng: random.Random,
    temperature: float,
    top_p: float,
    max_tokens: int,
    parts: int = 1,
) -> tuple[tuple[int, ...], bool]:
    """Return a text of so many parts, SEPARATOR between them, and whether it came to its end.

    For each token one of the models is drawn by its weight, or the next one that knows the token
    before. All are of one order and vocabulary, and what one says another knows.
    """
    models = [model for _, model in mixture]
    weights = list(accumulate(weight for weight, _ in mixture))
    context = (BEGIN,) * (models[0].order - 1)
    text: list[int] = []
    while len(text) < max_tokens:
        chosen = bisect_left(weights, rng.random() * weights[-1])
        token = None
        for model in chain(models[chosen:], models[:chosen]):
            token = model.follow(context, rng=rng, temperature=temperature, top_p=top_p)
            if token is not None:
                break
        if token is None or token < MARKS:
            # END and SEPARATOR both end the part at hand: so short a memory confuses them.
            parts -= 1
            token = SEPARATOR
            if not parts:
                return tuple(text), True
        text.append(token)
        context = (*context[1:], token)
    return tuple(text), False


def _count(texts: Sequence[Sequence[int]], *, size: int, order: int) -> list[_Order]:
    """Return the orders from 1 to `order`."""
    padding = [BEGIN] * (order - 1)
    stream = np.fromiter(
        chain.from_iterable(chain(padding, text, (END,)) for text in texts), dtype=np.int64
    )
    found: list[tuple[Ints, Ints, Ints, Ints]] = []
    prefixes = np.zeros_like(stream)
    for _ in range(order):
        codes = prefixes * size + stream
        found.append(np.unique(codes, return_index=True, return_inverse=True, return_counts=True))
        # Where one text follows another the prefix is the end of the former: such grams are
        # never looked up, for they end in BEGIN.
        prefixes = np.roll(found[-1][2], 1)
    orders: list[_Order] = []
    for length, (grams, _, numbers, times) in enumerate(found, start=1):
        prefix_count = len(found[length - 2][0]) if length > 1 else 1
        counts = times
        if length < order:
            # How many different tokens precede a gram: how many longer grams end in it.
            longer_first_places = found[length][1]
            counts = np.bincount(numbers[longer_first_places], minlength=len(grams))
        orders.append(_discounted(grams, counts=counts, size=size, prefix_count=prefix_count))
    return orders


def _discounted(grams: Ints, *, counts: Ints, size: int, prefix_count: int) -> _Order:
    """Return the order of `grams` so counted; `prefix_count` grams are shorter by one."""
    counts = np.where(grams % size == BEGIN, 0, counts)
    once, twice = np.count_nonzero(counts == 1), np.count_nonzero(counts == 2)
    # On few texts n1 or n2 may be 0; a discount of 0 or 1 would forget a whole order.
    discount = min(max(once / max(once + 2 * twice, 1), 0.1), 0.95)
    prefixes = grams // size
    totals = np.bincount(prefixes, weights=counts, minlength=prefix_count)
    shares = np.maximum(counts - discount, 0) / np.maximum(totals[prefixes], 1)
    used = np.bincount(prefixes, weights=shares, minlength=prefix_count)
    return _Order(grams=grams, shares=shares, leftover=1.0 - used.astype(np.float64))
