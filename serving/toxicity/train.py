"""Trains the toxicity model: what it learns from, in which shares, and how.

Training splits only: HatemojiBuild (CC-BY-4.0), Davidson et al. 2017 (MIT), Civil Comments' toxic
spans (CC0), unintended-bias madlibs (Apache-2.0), GoEmotions (Apache-2.0) and HWU64 (CC-BY-4.0),
which both count as not toxic, and sentences of our own. HateCheck is for measuring; texts that
stand in it, or in a test split, are left out.
"""

from __future__ import annotations

import html
import json
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix  # pyright: ignore[reportMissingTypeStubs] - has none
from sklearn.linear_model import (  # pyright: ignore[reportMissingTypeStubs] - has none
    LogisticRegression,
)

from augment.embed.model import BUNDLED, Model
from augment.embed.store import VectorStore
from augment.toxicity.model import ENCODER, Vectors, Weights, kernels
from augment.toxicity.words import PLACES, places, words
from serving.toxicity.sentences import sentences

Labelled = list[tuple[str, bool]]

_SENTENCES = 2_000
"""Hateful ones, and as many others."""
_OFFENSIVE, _REQUESTS, _EMOTIONS = 5_000, 1_000, 4_000
"""So many of Davidson's offensive tweets, of HWU64's requests, and of GoEmotions' comments."""
_CENTRES = {
    "hatemoji": 600, "madlibs": 100, "davidson": 350, "civil": 250, "hwu": 50, "goemotions": 150,
    "ours": 200,
}  # fmt: skip
_HATE = {"hatemoji": 1.0, "ours": 0.3, "madlibs": 0.15, "goemotions": 0.15, "hwu": 0.03}
"""What either class of a corpus weighs: Davidson's and Civil Comments' labels mean abuse."""
_ABUSE = {"davidson": 0.7, "goemotions": 0.3, "hatemoji": 0.3, "civil": 0.15, "hwu": 0.1}
"""What a text weighs: only toxic ones of Civil Comments, only others of Hatemoji."""
_SMOOTHNESS = 3e-3
_STRENGTH = 3.0
_STEEPNESS, _CAUTION = 2.5, 2.0
_AT_ONCE = 1024
_TEST_SPLITS = (
    "safety/hatecheck/test", "safety/hatemoji/test", "classification/hate_offensive_davidson/test",
    "safety/toxic_spans_civil_comments/test",
)  # fmt: skip


def train(corpora: Path, *, vectors: Path | None = None) -> Weights:
    """Return the weights; `vectors` is a file that keeps the texts' vectors for another time."""
    texts = _texts(corpora)
    found = embedded((text for rows in texts.values() for text, _ in rows), kept=vectors)
    centres, hate = _hate(texts, found)
    return Weights(
        centres=centres,
        hate=hate,
        abuse=_abuse(texts),
        steepness=_STEEPNESS,
        caution=_CAUTION,
    )


def embedded(texts: Iterable[str], *, kept: Path | None) -> dict[str, Vectors]:
    """Return MiniLM's vector of each text, as a run has them: kept in half precision."""
    wanted = list(dict.fromkeys(texts))
    store = VectorStore(kept, encoder=ENCODER)
    known = store.get(wanted)
    missing = [text for text in wanted if text not in known]
    if missing:
        model = Model(BUNDLED)
        for start in range(0, len(missing), _AT_ONCE):
            some = missing[start : start + _AT_ONCE]
            made, _ = model.begin(some)()
            store.add(some, made)
            known.update(zip(some, made.astype(np.float32), strict=True))
    store.close()
    return known


def _texts(corpora: Path) -> dict[str, Labelled]:
    """Return the texts of each corpus with whether they are toxic by its own labels."""
    rng = random.Random(0)
    unseen = {text for name in _TEST_SPLITS for text, _ in _read(corpora, name, _no)}
    davidson = _read(corpora, "classification/hate_offensive_davidson/train", _label)
    offensive = [row for row in davidson if row[1] == "offensive_language"]
    others = [row for row in davidson if row[1] != "offensive_language"]
    spans = _read(corpora, "safety/toxic_spans_civil_comments/train", _spans)
    read = {
        "davidson": [*others, *rng.sample(offensive, _OFFENSIVE)],
        "hwu": rng.sample(_read(corpora, "classification/hwu64/train", _no), _REQUESTS),
        "goemotions": rng.sample(_read(corpora, "classification/goemotions/train", _no), _EMOTIONS),
        "civil": [row for row in spans if row[1]],
        "hatemoji": _read(corpora, "safety/hatemoji/train", _label),
        "madlibs": _read(corpora, "safety/unintended_bias_madlibs/sample", _label),
        "ours": sentences(_SENTENCES, random_seed=0),
    }
    toxic = {True, "offensive_language", "hate_speech", "hateful", "BAD"}
    return {
        name: [(text, label in toxic) for text, label in rows if text not in unseen]
        for name, rows in read.items()
    }


def _read(
    corpora: Path, name: str, label: Callable[[Mapping[str, Any]], Any]
) -> list[tuple[str, Any]]:
    lines = (corpora / f"{name}.jsonl").read_text("utf-8").split("\n")
    rows = [json.loads(line) for line in lines if line]
    return [(html.unescape(row["text"]), label(row)) for row in rows]


def _label(row: Mapping[str, Any]) -> str:
    return row["label"]


def _spans(row: Mapping[str, Any]) -> bool:
    return bool(row["entities"])


def _no(_: Mapping[str, Any]) -> bool:
    return False


def _hate(texts: Mapping[str, Labelled], found: Mapping[str, Vectors]) -> tuple[Vectors, Vectors]:
    """Fit kernel least squares to -1 and 1; each class of a corpus weighs what `_HATE` says."""
    rng = np.random.default_rng(0)
    vectors = {name: np.stack([found[text] for text, _ in rows]) for name, rows in texts.items()}
    drawn = [
        vectors[name][rng.choice(len(vectors[name]), count, replace=False)]
        for name, count in _CENTRES.items()
    ]
    centres = np.concatenate(drawn)
    count, size = len(centres), len(centres) + 1 + centres.shape[1]
    left, right = np.zeros((size, size)), np.zeros(size)
    for name, weight in _HATE.items():
        toxic = np.array([is_toxic for _, is_toxic in texts[name]])
        for sign, members in ((1.0, toxic), (-1.0, ~toxic)):
            if members.any():
                features = _features(vectors[name][members], centres)
                left += weight * (features.T @ features) / members.sum()
                right += sign * weight * features.sum(axis=0) / members.sum()
    smooth = np.zeros((size, size))
    smooth[:count, :count] = kernels(centres, centres) + 1e-3 * np.eye(count)
    smooth[count + 1 :, count + 1 :] = np.eye(centres.shape[1])
    solved = np.linalg.solve(left + _SMOOTHNESS * smooth, right)
    return centres, solved.astype(np.float32)


def _features(vectors: Vectors, centres: Vectors) -> npt.NDArray[np.float64]:
    ones = np.ones((len(vectors), 1))
    return np.hstack([kernels(vectors, centres), ones, vectors]).astype(np.float64)


def _abuse(texts: Mapping[str, Labelled]) -> Vectors:
    """Fit logistic regression to character runs, their counts by the root of their number."""
    rows = [
        (text, toxic, weight)
        for name, weight in _ABUSE.items()
        for text, toxic in texts[name]
        if name != "hatemoji" or not toxic
    ]
    runs = _counted([text for text, _, _ in rows])
    model: Any = LogisticRegression(C=_STRENGTH, solver="liblinear", random_state=0)
    model.fit(runs, [toxic for _, toxic, _ in rows], sample_weight=[w for _, _, w in rows])
    return np.append(model.coef_[0], model.intercept_[0]).astype(np.float32)


def _counted(texts: Sequence[str]) -> Any:
    """Return a sparse matrix of shape (len(texts), PLACES)."""
    columns: list[npt.NDArray[np.int64]] = []
    for text in texts:
        found = [places(word) for word in words(text)]
        columns.append(np.concatenate(found) if found else np.zeros(0, np.int64))
    lengths = np.array([len(own) for own in columns])
    values = np.repeat(1 / np.sqrt(np.maximum(lengths, 1)), lengths)
    starts = np.concatenate([[0], np.cumsum(lengths)])
    return csr_matrix((values, np.concatenate(columns), starts), (len(texts), PLACES))
