"""Near-duplicates by MinHash: which of many texts shares the most words with this one.

A band of six minima is shared by two texts of Jaccard similarity s with probability s^6, one of
21 bands with 1 - (1 - s^6)^21: .93 at .7, .998 at .8 (Leskovec, Rajaraman and Ullman, Mining of
Massive Datasets, section 3.4). What the bands bring together is then compared exactly.
"""

from __future__ import annotations

import hashlib
import math
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, repeat

import numpy as np
import numpy.typing as npt

from augment.tokens import words

BANDS = 21
ROWS = 6
FLOOR = 0.7
"""Below this Jaccard similarity, two texts are never near-duplicates."""

_MAX_VOCABULARY = 1 << 16
_MAX_WORD = 64
_MAX_HELD = 1 << 22
_ENTRY_WEIGHT = 1024
_TEXTS_AT_ONCE = 64
_TOKENS_AT_ONCE = 2048
_MAX_SHARE = 0.01
_MAX_PAIRS = 20_000


def _constants(purpose: str, count: int) -> npt.NDArray[np.uint64]:
    """Draw odd 64-bit numbers that are the same on every machine and in every version."""
    drawn = hashlib.shake_128(f"augment minhash {purpose}".encode()).digest(8 * count)
    return np.frombuffer(drawn, dtype="<u8").astype(np.uint64) | np.uint64(1)


_FACTORS = _constants("factors", BANDS * ROWS).astype(np.uint32)
_OFFSETS = (_constants("offsets", BANDS * ROWS) >> np.uint64(32)).astype(np.uint32)
_WEIGHTS = _constants("weights", ROWS)
_BAND_SALTS = _constants("bands", BANDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sketch:
    """What is kept of a text to compare it with others.

    Attributes:
        tokens: the distinct 64-bit hashes of its words, ascending; for a text without any word,
            one hash of the stripped text, so that only the same text is similar to it.
        bands: one 60-bit key per band.
        sequence: a hash of the words in their order.
    """

    tokens: array[int]
    bands: array[int]
    sequence: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Near:
    """The most similar of the texts in an index.

    Attributes:
        id: the one it was added under.
        jaccard: words shared over words in either, 0 to 1.
        same_words: whether both have the same words in the same order.
    """

    id: str
    jaccard: float
    same_words: bool


def _hashed(text: str) -> int:
    encoded = text.encode("utf-8", errors="surrogatepass")
    return int.from_bytes(hashlib.blake2b(encoded, digest_size=8).digest(), "little")


class _Vocabulary(dict[str, int]):
    """The hashes of the words met so far, forgotten all at once when there are too many."""

    def __missing__(self, word: str) -> int:
        hashed = _hashed(word)
        if len(self) >= _MAX_VOCABULARY:
            self.clear()
        if len(word) <= _MAX_WORD:
            self[word] = hashed
        return hashed


class Sketcher:
    """Texts to sketches; holds the last ones for filters that see the same rows in turn."""

    def __init__(self) -> None:
        self._vocabulary = _Vocabulary()
        self._recent: dict[str, Sketch] = {}
        self._held = 0

    def sketch(self, texts: Sequence[str]) -> list[Sketch]:
        """Return one sketch per text, in order."""
        missing = [text for text in dict.fromkeys(texts) if text not in self._recent]
        if not missing:
            return [self._recent[text] for text in texts]
        made: dict[str, Sketch] = {}
        for start in range(0, len(missing), _TEXTS_AT_ONCE):
            batch = missing[start : start + _TEXTS_AT_ONCE]
            made.update(zip(batch, self._make(batch), strict=True))
        sketches = [made[text] if text in made else self._recent[text] for text in texts]
        self._hold(made)
        return sketches

    def _make(self, texts: Sequence[str]) -> list[Sketch]:
        cut = [self._cut(text) for text in texts]
        keys = array("Q", _band_keys([tokens for tokens, _ in cut]).tobytes())
        return [
            Sketch(tokens=tokens, bands=keys[start : start + BANDS], sequence=sequence)
            for start, (tokens, sequence) in zip(range(0, len(keys), BANDS), cut, strict=True)
        ]

    def _cut(self, text: str) -> tuple[array[int], int]:
        found = words(text)
        if not found:
            only = _hashed("\0" + text.strip())
            return array("Q", [only]), only
        hashes = tuple(map(self._vocabulary.__getitem__, found))
        # Unlike that of a str, the hash of a tuple of integers is the same in every process.
        return array("Q", sorted(set(hashes))), hash(hashes)

    def _hold(self, made: dict[str, Sketch]) -> None:
        """Remember sketches and forget the oldest, by a measure of the memory they take."""
        self._recent.update(made)
        self._held += sum(len(text) + _ENTRY_WEIGHT for text in made)
        while self._held > _MAX_HELD:
            oldest = next(iter(self._recent))
            del self._recent[oldest]
            self._held -= len(oldest) + _ENTRY_WEIGHT


def _band_keys(rows: Sequence[array[int]]) -> npt.NDArray[np.uint64]:
    """Return the band keys of token sets, none of them empty: shape (len(rows), BANDS)."""
    if sum(map(len, rows)) <= _TOKENS_AT_ONCE:
        minima = _minima(rows)
    else:
        minima = np.stack([_minima_in_parts(row) for row in rows])
    keys = minima.reshape(-1, BANDS, ROWS).astype(np.uint64) @ _WEIGHTS + _BAND_SALTS
    # Python's integers take a third less memory up to 60 bits, and an index holds 21 of them a row.
    return keys >> np.uint64(4)


def _minima(rows: Sequence[array[int]]) -> npt.NDArray[np.uint32]:
    """Return the least value of each hash function in each row.

    The functions are `factor * token + offset` modulo 2^32 over tokens that are hashes already.
    """
    tokens = np.frombuffer(b"".join(rows), dtype=np.uint64).astype(np.uint32)
    values = np.multiply.outer(tokens, _FACTORS)
    values += _OFFSETS
    starts = [0, *accumulate(map(len, rows[:-1]))]
    return np.minimum.reduceat(values, starts, axis=0)


def _minima_in_parts(row: array[int]) -> npt.NDArray[np.uint32]:
    """Return the same for one row, a part at a time: a long text must not take 126 times itself."""
    parts = range(0, len(row), _TOKENS_AT_ONCE)
    minima = [_minima([row[start : start + _TOKENS_AT_ONCE]]) for start in parts]
    return np.concatenate(minima).min(axis=0)


class NearIndex:
    """Texts, to be found again by what is similar to them."""

    def __init__(self) -> None:
        self._ids: list[str] = []
        self._tokens: list[array[int]] = []
        self._by_sequence: dict[int, int] = {}
        # Most bands hold one row: a bare number there spares a list for each of them.
        self._buckets: dict[int, int | list[int]] = {}

    def add(self, text_id: str, sketch: Sketch) -> None:
        """Add a text, unless one with the same words in the same order is there: that one stays."""
        row = len(self._ids)
        if self._by_sequence.setdefault(sketch.sequence, row) != row:
            return
        self._ids.append(text_id)
        self._tokens.append(sketch.tokens)
        if self._buckets.keys().isdisjoint(sketch.bands):
            self._buckets.update(zip(sketch.bands, repeat(row), strict=False))
            return
        for key in sketch.bands:
            bucket = self._buckets.setdefault(key, row)
            if isinstance(bucket, list):
                bucket.append(row)
            elif bucket != row:
                self._buckets[key] = [bucket, row]

    def nearest(self, sketch: Sketch, *, but: str | None = None) -> Near | None:
        """Return the most similar text, or None where none shares a band.

        The text with the id `but` is left out, unless it has the same words in the same order.

        A text with the same words in the same order comes before all others; otherwise the first
        added wins a tie.
        """
        same = self._by_sequence.get(sketch.sequence)
        if same is not None:
            return Near(id=self._ids[same], jaccard=1.0, same_words=True)
        if self._buckets.keys().isdisjoint(sketch.bands):
            return None
        rows: set[int] = set()
        for key in sketch.bands:
            if (bucket := self._buckets.get(key)) is not None:
                rows.update((bucket,) if isinstance(bucket, int) else bucket)
        return self._most_similar(sketch, [row for row in rows if self._ids[row] != but])

    def _most_similar(self, sketch: Sketch, rows: Iterable[int]) -> Near | None:
        tokens = frozenset(sketch.tokens)
        nearest, most = None, 0.0
        for row in sorted(rows):
            other = self._tokens[row]
            if _reach(len(tokens), len(other)) > most:
                similarity = _jaccard(tokens, other)
                if similarity > most:
                    nearest, most = row, similarity
        if nearest is None:
            return None
        return Near(id=self._ids[nearest], jaccard=most, same_words=False)


def _reach(size: int, other: int) -> float:
    """Return the greatest Jaccard similarity that sets of these sizes can have."""
    return min(size, other) / max(size, other)


def _jaccard(tokens: frozenset[int], other: array[int]) -> float:
    shared = len(tokens.intersection(other))
    return shared / (len(tokens) + len(other) - shared)


def calibrated_threshold(groups: Sequence[Sequence[Sketch]]) -> float:
    """Return the least Jaccard similarity, from FLOOR on, that hardly any distinct pair reaches.

    At most 1 % of the pairs within a group reach it. Pairs with identical token sets are not
    distinct and are left out; of more than 20,000 pairs an evenly spaced part is taken. The
    threshold can be 1.0, where only identical token sets reach it.

    Args:
        groups: the seeds of each label.
    """
    similarities: list[float] = []
    distinct = 0
    for one, other in _spaced_pairs(groups):
        if one.tokens == other.tokens:
            continue
        distinct += 1
        if _reach(len(one.tokens), len(other.tokens)) >= FLOOR:
            similarity = _jaccard(frozenset(one.tokens), other.tokens)
            if similarity >= FLOOR:
                similarities.append(similarity)
    allowed = math.floor(distinct * _MAX_SHARE)
    if len(similarities) <= allowed:
        return FLOOR
    return math.nextafter(sorted(similarities, reverse=True)[allowed], 1.0)


def _spaced_pairs(groups: Sequence[Sequence[Sketch]]) -> Iterable[tuple[Sketch, Sketch]]:
    """Yield pairs within groups, every n-th of them in one count through all groups."""
    total = sum(math.comb(len(group), 2) for group in groups)
    step = max(1, math.ceil(total / _MAX_PAIRS))
    number = 0
    for group in groups:
        count = math.comb(len(group), 2)
        while number < count:
            # Pairs are counted (0, 1), (0, 2), (1, 2), (0, 3) ...: row j begins at j (j - 1) / 2.
            later = (1 + math.isqrt(1 + 8 * number)) // 2
            yield group[number - math.comb(later, 2)], group[later]
            number += step
        number -= count
