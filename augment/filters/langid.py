"""What py3langid's model says of texts: naive Bayes over runs of bytes, in 140 languages.

Its own code takes one text at a time and walks its bytes in Python; this gives the same numbers,
to the last bit, of many texts at once (Lui and Baldwin 2012, "langid.py").
"""

# To numba, which compiles this, numpy's numbers are numbers like others.
# pyright: reportArgumentType=false, reportReturnType=false, reportCallIssue=false

from __future__ import annotations

import importlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt

from augment.filters.compiled import compiled

_ONE_AT_A_TIME = Lock()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Model:
    """The automaton that finds the runs, and what each run says.

    Attributes:
        identifier: py3langid's own.
        moves: the next state, by row of the state and byte; `rows` gives the row of a state.
        runs: the run that ends in a state, -1 for none.
    """

    identifier: Any
    moves: npt.NDArray[np.uint32]
    rows: npt.NDArray[np.int64]
    runs: npt.NDArray[np.int32]


def probabilities(texts: Sequence[str]) -> npt.NDArray[np.float32]:
    """Return the probability of each language of `languages`: shape (texts, languages)."""
    model = _model()
    own = model.identifier
    encoded = [own._encode(text) for text in texts]
    data = np.frombuffer(b"".join(encoded), np.uint8)
    ends = np.cumsum(np.fromiter(map(len, encoded), np.int64, len(encoded)))
    found, times = np.empty(len(data), np.int32), np.empty(len(data), np.float32)
    parts = np.empty(len(encoded), np.int64)
    places = np.full(len(own.nb_ptc), -1, np.int64)
    _count(data, ends, model.moves, model.rows, model.runs, places, found, times, parts)
    told = np.zeros((len(encoded), len(own.nb_pc)), np.float32)
    weights, start = np.log1p(times[: parts[-1] if len(parts) else 0]), 0
    for row, end in zip(told, parts.tolist(), strict=True):
        if end > start:
            row[:] = weights[start:end] @ own.nb_ptc[found[start:end]] + own.nb_pc
        start = end
    # T = sqrt(bytes) keeps the probabilities calibrated across lengths
    scales = [1.0 / math.sqrt(len(each) or 1) for each in encoded]
    told *= np.array(scales, np.float32)[:, None]
    np.exp(told - told.max(axis=1, keepdims=True), out=told)
    told /= told.sum(axis=1, keepdims=True)
    for first, other in own._alias_pairs:
        told[:, first] += told[:, other]
        told[:, other] = 0.0
    return told


@cache
def languages() -> list[str]:
    """Return the codes of the languages, by ISO 639."""
    return list(_model().identifier.nb_classes)


def load() -> None:
    """Load the model, if it is not; others can run beside most of the half second that it takes."""
    _model()


def _model() -> _Model:
    with _ONE_AT_A_TIME:
        return _loaded()


@cache
def _loaded() -> _Model:
    langid: Any = importlib.import_module("py3langid.langid")  # it has no types
    own = langid.LanguageIdentifier.from_model_file(langid.MODEL_FILE, norm_probs=True)
    return _Model(
        identifier=own,
        moves=np.frombuffer(own.tk_nextmove, np.uint32),
        rows=np.array(own.tk_row, np.int64) << 8,
        runs=np.array(own.tk_output, np.int32),
    )


@compiled
def _count(
    data: npt.NDArray[np.uint8],
    ends: npt.NDArray[np.int64],
    moves: npt.NDArray[np.uint32],
    rows: npt.NDArray[np.int64],
    runs: npt.NDArray[np.int32],
    places: npt.NDArray[np.int64],
    found: npt.NDArray[np.int32],
    times: npt.NDArray[np.float32],
    parts: npt.NDArray[np.int64],
) -> None:
    """Fill in the runs of each text in order of first appearance, and how often each stands there.

    Args:
        data: the bytes of all texts; `ends` tells where each ends.
        ends: see above.
        moves: of the automaton, as `rows` and `runs`.
        rows: see above.
        runs: see above.
        places: all -1 before and after.
        found: filled with the runs of all texts, one text after the other.
        times: filled with how often each stands there.
        parts: filled with where those of each text end.
    """
    made = start = 0
    for text in range(len(ends)):
        first, state = made, np.int64(0)
        for each in range(start, ends[text]):
            state = np.int64(moves[rows[state] + data[each]])
            run = runs[state]
            if run < 0:
                continue
            if places[run] < 0:
                places[run], found[made], times[made] = made, run, 0.0
                made += 1
            times[places[run]] += 1.0
        for each in range(first, made):
            places[found[each]] = -1
        parts[text], start = made, ends[text]
