"""The join that finds sets of words that are alike.

It is exact. Two sets of n and m words with a Jaccard similarity of at least t share at least
t / (1 + t) * (n + m) of them; so, with each set in one fixed order, the first k of those that they
share lie within the first n - t n + k of either (prefix filter: Chaudhuri, Ganti and Kaushik,
ICDE 2006; Xiao, Wang, Lin and Yu, WWW 2008; k words: Wang, Li and Feng, SIGMOD 2012). A set is
filed under the pairs of words in its prefix (k = 2), a long one under its single words (k = 1),
for the pairs of a long prefix are too many. The order is the newest word first: what a corpus
came to last is rare in it. Few sets share two rare words by chance, so few are compared in vain.

Where many are filed under one key, as the rows of one template are, the later ones are filed by
their size and the word's place as well: those in whose case too few words come after that place
to make up a near-duplicate are then never looked at.
"""

# To numba, which compiles this, numpy's numbers are numbers like others.
# pyright: reportArgumentType=false, reportReturnType=false, reportCallIssue=false

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from augment.filters.compiled import compiled, inlined, mixed, sort

Words = npt.NDArray[np.uint64]
Numbers = npt.NDArray[np.int64]
Small = npt.NDArray[np.int32]

LOOK, ADD, SIFT = 0, 1, 2
SHORT = 40
"""Words of a set that is filed under pairs of them."""
_CROWDED = 64
"""Sets under one key from which on they are filed by their size as well."""
_SIZED = 64
"""Words of the largest set for which that is done: more sizes and places are too many."""
_PLACE_BITS = 20
_MOST_PLACE = (1 << _PLACE_BITS) - 1
_PAIR = 1 << 40
_SLACK = 1e-9
"""What rounding may take from a bound; what it lets through is measured exactly."""

_ONE = np.uint64(0x9E3779B97F4A7C15)
_OTHER = np.uint64(0xC2B2AE3D27D4EB4F)


class Filed(NamedTuple):
    """Sets of words, and the keys that they are filed under.

    Attributes:
        vocabulary: an open table of word hashes; `ranks` beside it, 0 where there is none. The
            rank of a word is minus the number of words that were there before it, less one.
        tokens: the ranks of the words of each set, ascending: the newest word first.
        starts: where each set begins in `tokens`; `sizes`, `bits` (six bits of each word's hash
            choose one of 64) and `sequences` are of the same sets.
        slots: the first node of each chain of keys, 0 for none.
        nodes: a set, the next node of the chain, and 12 bits of the key above the place of the
            key's last word.
        used: sets, nodes, tokens and words so far.
    """

    vocabulary: Words
    ranks: Small
    tokens: Small
    starts: Numbers
    sizes: Small
    bits: Words
    sequences: Words
    slots: Small
    nodes: Small
    used: Numbers


class Keys(NamedTuple):
    """The keys of a set, the place of each one's last word, and how many sets were filed there."""

    values: Words
    lasts: Numbers
    crowds: Numbers


class Asked(NamedTuple):
    """A set to be compared with others.

    Attributes:
        start: where it stands behind the other sets' tokens.
        n: how many words it has; `bits` and `sequence` as in `Filed`.
        least: the least similarity that is sought.
        but: the number of a set that is passed over unless it is the same, or -1.
    """

    start: int
    n: int
    bits: np.uint64
    sequence: np.uint64
    least: float
    but: int


@compiled
def needed_words(n: int, m: int, least: float) -> int:
    """Return how many words sets of these sizes share at a similarity of `least`."""
    return math.ceil(least / (1 + least) * (n + m) - _SLACK)


@compiled
def ones(x: np.uint64) -> int:
    """Return how many bits are set."""
    x -= (x >> np.uint64(1)) & np.uint64(0x5555555555555555)
    x = (x & np.uint64(0x3333333333333333)) + ((x >> np.uint64(2)) & np.uint64(0x3333333333333333))
    x = (x + (x >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return np.int64((x * np.uint64(0x0101010101010101)) >> np.uint64(56))


@compiled
def _keys(words: Small, floor: float, keys: Keys) -> int:
    """Fill in the keys of a set and the place of each one's last word; return how many there are.

    Places of pairs have `_PAIR` added.
    """
    n, values, lasts = len(words), keys.values, keys.lasts
    least = math.ceil(floor * n - _SLACK)
    count = 0
    if n > floor * SHORT or least <= 1:
        for place in range(n - least + 1):
            values[count] = mixed(np.uint64(words[place]) * _ONE)
            lasts[count] = place
            count += 1
    if 2 <= n <= SHORT:
        for one in range(n - least + 1):
            key = np.uint64(words[one]) * _ONE
            for other in range(one + 1, min(n, n - least + 2)):
                values[count] = mixed(key ^ np.uint64(words[other]) * _OTHER)
                lasts[count] = other + _PAIR
                count += 1
    return count


@compiled
def _with_size(key: np.uint64, size: int, place: int) -> np.uint64:
    return mixed(key ^ (np.uint64(size) << np.uint64(32) | np.uint64(place)) * _ONE)


@compiled
def _tag(key: np.uint64) -> int:
    return np.int64(key >> np.uint64(52))


@inlined
def _file(filed: Filed, row: int, keys: Keys, count: int) -> None:
    """File a set under its keys."""
    n, slots, nodes, node = filed.sizes[row], filed.slots, filed.nodes, filed.used[1]
    values, lasts, crowds = keys.values, keys.lasts, keys.crowds
    mask = np.uint64(len(slots) - 1)
    for each in range(count):
        key, place = values[each], min(lasts[each] & (_PAIR - 1), _MOST_PLACE)
        if crowds[each] >= _CROWDED and n <= _SIZED:
            key = _with_size(key, n, place)
        node += 1
        nodes[node, 0] = row
        nodes[node, 1] = slots[key & mask]
        nodes[node, 2] = np.int32(np.uint32(_tag(key) << _PLACE_BITS | place))
        slots[key & mask] = node
    filed.used[1] = node


@compiled
def refile(filed: Filed, floor: float, keys: Keys) -> None:
    """File all sets anew, under slots and nodes that are empty."""
    filed.used[1] = 0
    mask = np.uint64(len(filed.slots) - 1)
    for row in range(filed.used[0]):
        start = filed.starts[row]
        count = _keys(filed.tokens[start : start + filed.sizes[row]], floor, keys)
        for each in range(count):
            tag, there = _tag(keys.values[each]), 0
            node = np.int64(filed.slots[keys.values[each] & mask])
            while node != 0 and there < _CROWDED:
                there += np.int64(np.uint32(filed.nodes[node, 2])) >> _PLACE_BITS == tag
                node = np.int64(filed.nodes[node, 1])
            keys.crowds[each] = there
        _file(filed, row, keys, count)


@compiled
def rehash(filed: Filed, vocabulary: Words, ranks: Small) -> None:
    """Copy the words into a larger table."""
    mask = np.uint64(len(vocabulary) - 1)
    for old in range(len(filed.vocabulary)):
        if filed.ranks[old] != 0:
            slot = filed.vocabulary[old] & mask
            while ranks[slot] != 0:
                slot = (slot + np.uint64(1)) & mask
            vocabulary[slot], ranks[slot] = filed.vocabulary[old], filed.ranks[old]


@inlined
def _read(filed: Filed, hashes: Words, keep: bool) -> np.uint64:
    """Put a set behind the others, in order, not yet among them; return its 64 bits.

    New words get their rank for good if it is to be kept.
    """
    start, words = filed.used[2], filed.used[3]
    vocabulary, ranks, tokens = filed.vocabulary, filed.ranks, filed.tokens
    mask = np.uint64(len(vocabulary) - 1)
    bits = np.uint64(0)
    for each in range(len(hashes)):
        value = hashes[each]
        slot = value & mask
        while ranks[slot] != 0 and vocabulary[slot] != value:
            slot = (slot + np.uint64(1)) & mask
        rank = ranks[slot]
        if rank == 0:
            words += 1
            rank = -words
            if keep:
                vocabulary[slot], ranks[slot] = value, rank
        tokens[start + each] = rank
        bits |= np.uint64(1) << (value >> np.uint64(58))
    if keep:
        filed.used[3] = words
    sort(tokens[start : start + len(hashes)])
    return bits


@compiled
def shared_words(tokens: Small, a: int, n: int, b: int, m: int, needed: int) -> int:
    """Return how many words the sets at a and b share; 0 if fewer than needed."""
    a_end, b_end, count = a + n, b + m, 0
    while a < a_end and b < b_end:
        if count + min(a_end - a, b_end - b) < needed:
            return 0
        x, y = tokens[a], tokens[b]
        count += x == y
        a += x <= y
        b += y <= x
    return count if count >= needed else 0


@inlined
def _walk(
    slots: Small,
    nodes: Small,
    sizes: Small,
    bits: Words,
    sequences: Words,
    tokens: Small,
    starts: Numbers,
    key: np.uint64,
    asked: Asked,
    place: int,
    k: int,
    found: tuple[int, float, bool],
    seen: Numbers,
) -> tuple[tuple[int, float, bool], int]:
    """Compare with the sets filed under a key; return the nearest so far, and how many they are."""
    best, most, same = found
    tag, there = _tag(key), 0
    node = slots[key & np.uint64(len(slots) - 1)]
    while node != 0:
        told = np.int64(np.uint32(nodes[node, 2]))
        if told >> _PLACE_BITS == tag:
            there += 1
            seen[0] += 1
            other = nodes[node, 0]
            m = sizes[other]
            needed = needed_words(asked.n, m, asked.least)
            after = min(asked.n - 1 - place, m - 1 - (told & _MOST_PLACE))
            apart = asked.n + m - 2 * needed
            if k + after >= needed and ones(asked.bits ^ bits[other]) <= apart:
                shared = shared_words(tokens, asked.start, asked.n, starts[other], m, needed)
                alike = shared / (asked.n + m - shared)
                if shared and alike >= asked.least:
                    equal = alike == 1.0 and sequences[other] == asked.sequence
                    closer = alike > most or (alike == most and other < best)
                    passed_over = other == asked.but and not equal
                    if not passed_over and (equal > same or (equal == same and closer)):
                        best, most, same = np.int64(other), alike, equal
        node = nodes[node, 1]
    return (best, most, same), there


@inlined
def _nearest(
    filed: Filed, asked: Asked, count: int, keys: Keys, seen: Numbers
) -> tuple[int, float, bool]:
    """Return the set most like the one asked about, its similarity, and whether it is the same.

    -1 where none reaches the least. One with the same words in the same order comes before all
    others; otherwise the first wins a tie.
    """
    n, least = asked.n, asked.least
    values, lasts, crowds = keys.values, keys.lasts, keys.crowds
    # Read ahead: loads that do not wait for each other take hardly longer than one.
    slots, nodes, sizes, bits = filed.slots, filed.nodes, filed.sizes, filed.bits
    sequences, tokens, starts = filed.sequences, filed.tokens, filed.starts
    mask = np.uint64(len(slots) - 1)
    for each in range(count):
        crowds[each] = slots[values[each] & mask]
    for each in range(count):
        crowds[each] = nodes[crowds[each], 2]
    found = (np.int64(-1), 0.0, False)
    fewest, most = math.ceil(least * n - _SLACK), math.floor(n / least + _SLACK)
    for each in range(count):
        key, last = values[each], lasts[each]
        place, k = last & (_PAIR - 1), 2 if last >= _PAIR else 1
        found, there = _walk(
            slots, nodes, sizes, bits, sequences, tokens, starts, key, asked, place, k, found, seen
        )
        crowds[each] = there
        if there >= _CROWDED:
            for size in range(fewest, min(most, _SIZED) + 1):
                needed = needed_words(n, size, least)
                if k + n - 1 - place >= needed:
                    for at in range(k - 1, size - needed + k):
                        sized = _with_size(key, size, at)
                        found, _ = _walk(
                            slots,
                            nodes,
                            sizes,
                            bits,
                            sequences,
                            tokens,
                            starts,
                            sized,
                            asked,
                            place,
                            k,
                            found,
                            seen,
                        )
        if found[2]:
            break
    return found


@compiled
def join(
    filed: Filed,
    hashes: Words,
    counts: Small,
    sequences: Words,
    but: Numbers,
    mode: int,
    floor: float,
    keys: Keys,
    rows: Numbers,
    similarities: npt.NDArray[np.float64],
    same: npt.NDArray[np.bool_],
    seen: Numbers,
) -> None:
    """Look for the nearest of each set in turn, and file it as `mode` says.

    LOOK files none; SIFT those that have no other at `floor` or above; ADD all but those whose
    words are there in the same order, looking for these alone. There must be room.

    Args:
        filed: the sets so far.
        hashes: the words of sets to look for, as `hash_words` makes them.
        counts: how many words each has.
        sequences: of each, its words in order.
        but: the number of a set that each may resemble, or -1.
        mode: see above.
        floor: the least similarity that is found.
        keys: room for the keys of a set.
        rows: filled with the nearest one's number, -1 for none.
        similarities: filled with the similarity to it.
        same: filled with whether it has the same words in the same order.
        seen: one number, to which that of the sets that are looked at is added.
    """
    start = 0
    for row in range(len(counts)):
        n = counts[row]
        bits = _read(filed, hashes[start : start + n], mode != LOOK)
        begin = filed.used[2]
        asked = Asked(
            begin, np.int64(n), bits, sequences[row], 1.0 if mode == ADD else floor, but[row]
        )
        count = _keys(filed.tokens[begin : begin + n], floor, keys)
        best, most, equal = _nearest(filed, asked, count, keys, seen)
        rows[row], similarities[row], same[row] = best, most, equal
        if (mode == SIFT and best < 0) or (mode == ADD and not equal):
            number = filed.used[0]
            filed.starts[number], filed.sizes[number] = begin, n
            filed.bits[number], filed.sequences[number] = bits, sequences[row]
            filed.used[0] += 1
            filed.used[2] += n
            _file(filed, number, keys, count)
        start += n
