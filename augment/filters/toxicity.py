"""Rows that are hateful or abusive, unless that is what their label is about."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from augment.filters.language import Language
from augment.protocols import Scorer, Vectors
from augment.records import Calibration, Candidate, Example, Verdict, labels_of
from augment.toxicity.model import ENCODER, Toxicity, bundled

THRESHOLD = 0.6
"""Probability from which a row is rejected; what that finds and loses is in `measured.json`."""
_SPOKEN = "en"
"""The language that our own model knows."""
_WANTED_SHARE = 0.05
"""Share of a label's seeds from which on toxic rows are what the user wants of it."""
_WANTED_SEEDS = 2
_NO_LABEL = ""
"""Seeds without a label are a group of their own; no label is named so."""


class ToxicityFilter:
    """Rejects rows that are toxic by the bundled model.

    Where at least 5 % of a label's seeds, and two of them, are toxic themselves, its rows are held
    against those seeds instead: the threshold lies halfway from the most toxic of them to
    certainty, and the report tells how many of either are toxic. The model takes MiniLM's vectors
    and knows English; without them the filter abstains, unless another model scores in its place.
    Without seeds, which show that the encoder knows their language, it abstains on rows that are
    surely in another one.

    Args:
        encoder: name of the encoder whose vectors come in.
        no_basis: why no vectors come in, where none do.
        threshold: probability from which a row is rejected.
        scorer: the other model.
    """

    name = "toxicity"
    sequential = False
    by_meaning = True

    def __init__(
        self,
        *,
        encoder: str = "",
        no_basis: str = "no_encoder",
        threshold: float = THRESHOLD,
        scorer: Scorer | None = None,
    ) -> None:
        self._scorer = scorer
        self._model = Toxicity(bundled()) if encoder == ENCODER and scorer is None else None
        self._why = "other_encoder" if encoder and self._model is None else no_basis
        self._threshold = threshold
        self._wanted: dict[str, tuple[float, float]] = {}
        self._language: Language | None = None
        self.calibration: Calibration | None = None

    def fit(self, seeds: Sequence[Example[Any]], vectors: Vectors | None) -> None:
        """Learn how toxic the seeds of each label are."""
        if not seeds:
            self._fit_nothing()
            return
        scores = self._scores(seeds, vectors)
        if scores is None:
            return
        of_label: dict[str, list[float]] = {}
        for seed, score in zip(seeds, scores, strict=True):
            for label in labels_of(seed.target) or (_NO_LABEL,):
                if np.isfinite(score):
                    of_label.setdefault(label, []).append(float(score))
        for label, own in of_label.items():
            toxic = sum(score >= self._threshold for score in own)
            if toxic >= max(_WANTED_SEEDS, _WANTED_SHARE * len(own)):
                self._wanted[label] = toxic / len(own), (1 + max(own)) / 2
        self.calibration = Calibration(
            filter=self.name,
            basis=self._basis,
            statement=self._statement(int((scores >= self._threshold).sum()), seeds=len(seeds)),
            scores=tuple(float(score) for score in scores if np.isfinite(score)),
            thresholds=(self._threshold,),
        )

    def judge(self, candidates: Sequence[Candidate], vectors: Vectors | None) -> list[Verdict]:
        """Return one verdict each, in order; the score is the probability of being toxic."""
        scores = self._scores([row.example for row in candidates], vectors)
        if scores is None:
            return [self._abstaining(self._why)] * len(candidates)
        verdicts = [
            self._on(row.example, float(score))
            for row, score in zip(candidates, scores, strict=True)
        ]
        if self._language is None:
            return verdicts
        return [
            self._abstaining("unknown_language") if told.outcome == "rejected" else verdict
            for told, verdict in zip(self._language.judge(candidates, None), verdicts, strict=True)
        ]

    def observe(self, accepted: Sequence[Example[Any]]) -> None:
        """Learn nothing."""

    @property
    def slow(self) -> bool:
        """Whether it takes long: our own model does not."""
        return self._scorer is not None

    @property
    def _basis(self) -> str:
        if self._scorer is None:
            return f"a model on {ENCODER} and character n-grams"
        classes = ", ".join(self._scorer.classes)
        return f"the model {self._scorer.name}, its classes {classes}"

    def _fit_nothing(self) -> None:
        """Judge by the threshold alone, where there is a model to judge by."""
        if self._scorer is None and self._model is None:
            return
        self._language = Language(spoken=(_SPOKEN,)) if self._scorer is None else None
        self.calibration = Calibration(
            filter=self.name,
            basis=self._basis,
            statement=f"Rows are rejected from a probability of {self._threshold:g}, which is not "
            "held against seeds: there are none.",
            scores=(),
            thresholds=(self._threshold,),
        )

    def _scores(
        self, rows: Sequence[Example[Any]], vectors: Vectors | None
    ) -> npt.NDArray[np.float64] | None:
        texts = [row.whole for row in rows]
        if self._scorer is not None:
            return self._scorer.probabilities(texts)
        if self._model is None or vectors is None:
            return None
        return self._model.probabilities(texts, vectors)

    def _abstaining(self, reason: str) -> Verdict:
        return Verdict(filter=self.name, outcome="abstained", reason=reason)

    def _on(self, example: Example[Any], score: float) -> Verdict:
        if not np.isfinite(score):
            return self._abstaining("no_score")
        labels = labels_of(example.target) or (_NO_LABEL,)
        wanted = [label for label in labels if label in self._wanted]
        threshold = max([self._threshold, *(self._wanted[label][1] for label in wanted)])
        rejected = score > threshold if wanted else score >= threshold  # it may lie at certainty
        spared = not rejected and score >= self._threshold
        return Verdict(
            filter=self.name,
            outcome="rejected" if rejected else "passed",
            score=score,
            threshold=threshold,
            reason="toxicity" if rejected else None,
            detail=self._spared(wanted[0]) if spared else None,
        )

    def _spared(self, label: str) -> str:
        return f"toxic, as {self._wanted[label][0]:.0%} of the seeds of {label or 'no label'} are"

    def _statement(self, toxic: int, *, seeds: int) -> str:
        said = (
            f"Rows are rejected from a probability of {self._threshold:g}; "
            f"{toxic} of {seeds} seeds reach it."
        )
        if not self._wanted:
            return said
        listed = ", ".join(
            f"{label or 'no label'} ({share:.0%})" for label, (share, _) in self._wanted.items()
        )
        return f"{said} Rows may be as toxic as the seeds of these labels, which are so: {listed}."
