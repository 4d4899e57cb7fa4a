"""Rows in another language than the seeds'."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from augment.filters.langid import languages, probabilities
from augment.protocols import Vectors
from augment.records import Calibration, Candidate, Example, Verdict

THRESHOLD = 0.97
"""Probability of another language, were there no third, from which a row is rejected."""
_SURE = 0.9
"""Probability from which a seed is taken to be in a language."""
_LEAST_LETTERS = 12
_LEAST_LETTERS_SPACELESS = 4
_SPACELESS = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\u0e00-\u0eff]")
_NOISE = re.compile(r"https?://\S+|www\.\S+|\S+@\S+|[@#]\w+|[{<\[]\w+[}>\]]")
_OWN_SHARE = 0.05
"""Share of the seeds from which on a language is one of theirs."""
_MOST_STRANGE = 0.05
"""Share of the seeds in other languages from which on there is no telling."""


class Language:
    """Rejects rows in a language in which the seeds are not.

    py3langid tells the probabilities of 140 languages (BSD licence, 4.6 MB, in the package). The
    seeds' languages are those in which at least 5 % of them, and one, surely are; the score is the
    probability of the likeliest other one, if it must be that or theirs. Links, addresses, handles
    and hashtags are not looked at. Abstains on texts of fewer than twelve letters (four, where
    words are not spaced), and on all where one seed in twenty would be rejected itself or none can
    be told.

    Args:
        threshold: probability of another language from which a row is rejected.
        spoken: languages that rows may be in, where no seeds tell.
    """

    name = "language"
    sequential = False
    by_meaning = False

    def __init__(self, *, threshold: float = THRESHOLD, spoken: Sequence[str] = ()) -> None:
        self._threshold = threshold
        self._own = tuple(spoken)
        self._places = _places(spoken)
        self._why = "no_seeds"
        self.calibration: Calibration | None = None

    def fit(self, seeds: Sequence[Example[Any]], vectors: Vectors | None) -> None:  # noqa: ARG002 - the Protocol's
        """Learn in which languages the seeds are."""
        texts = [text for seed in seeds if (text := _plain(seed.whole)) is not None]
        if not texts:
            self._why = "too_few_seeds" if seeds else "no_seeds"
            return
        told, names = probabilities(texts), languages()
        sure = Counter(names[int(row.argmax())] for row in told if row.max() >= _SURE)
        least = max(1.0, _OWN_SHARE * len(texts))
        own = [name for name, count in sure.most_common() if count >= least]
        self._places = _places(own)
        scores = self._scores(told)
        strange = int((scores >= self._threshold).sum())
        if not own or strange > _MOST_STRANGE * len(texts):
            self._why = "mixed_languages"
            return
        self._own = tuple(own)
        self.calibration = Calibration(
            filter=self.name,
            basis="py3langid, runs of bytes",
            statement=(
                f"The seeds are in {' and '.join(own)}. Rows are rejected from a probability of "
                f"{self._threshold:g} of another language; {strange} of {len(texts)} seeds reach "
                "it."
            ),
            scores=tuple(map(float, scores)),
            thresholds=(self._threshold,),
        )

    def judge(self, candidates: Sequence[Candidate], vectors: Vectors | None) -> list[Verdict]:  # noqa: ARG002 - the Protocol's
        """Return one verdict each, in order; the score is the probability of another language."""
        plain = [_plain(row.example.whole) if self._own else None for row in candidates]
        told = probabilities([text for text in plain if text is not None])
        likeliest = iter(zip(map(float, self._scores(told)), self._others(told), strict=True))
        return [self._abstained if text is None else self._on(*next(likeliest)) for text in plain]

    def observe(self, accepted: Sequence[Example[Any]]) -> None:
        """Learn nothing."""

    def _scores(self, told: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        other = np.delete(told, self._places, axis=1).max(axis=1)
        return other / (other + told[:, self._places].sum(axis=1))

    def _others(self, told: npt.NDArray[np.float32]) -> list[int]:
        """Return the place of the likeliest language that is none of the seeds'."""
        others = told.copy()
        others[:, self._places] = 0
        return others.argmax(axis=1).tolist()

    @property
    def _abstained(self) -> Verdict:
        reason = "too_short_to_tell" if self._own else self._why
        return Verdict(filter=self.name, outcome="abstained", reason=reason)

    def _on(self, score: float, other: int) -> Verdict:
        if score < self._threshold:
            return Verdict(
                filter=self.name, outcome="passed", score=score, threshold=self._threshold
            )
        return Verdict(
            filter=self.name,
            outcome="rejected",
            score=score,
            threshold=self._threshold,
            reason="language",
            detail=f"looks like {languages()[other]}, and the seeds are in "
            f"{' and '.join(self._own)}",
        )


def _plain(text: str) -> str | None:
    """Return the text without what is of no language; None where too little is left to tell."""
    plain = _NOISE.sub(" ", text)
    letters = sum(map(str.isalpha, plain))
    spaceless = letters < _LEAST_LETTERS and _SPACELESS.search(plain) is not None
    least = _LEAST_LETTERS_SPACELESS if spaceless else _LEAST_LETTERS
    return plain if letters >= least else None


def _places(names: Sequence[str]) -> npt.NDArray[np.intp]:
    return np.array([languages().index(name) for name in names], dtype=np.intp)
