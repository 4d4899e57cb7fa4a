"""Mentions left out: words that are marked wherever the seeds have them, and not in this row.

What a model forgets to mark teaches whoever learns from it to overlook it. A form counts as known
where nine in ten of its occurrences in the seeds, or in rows accepted since, are marked. How often
that would accuse a seed wrongly is measured on the seeds, each against the others.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

from augment.protocols import Vectors
from augment.records import Annotation, Calibration, Candidate, Example, Verdict
from augment.shown import shown
from augment.spans.borders import cuts_word

_WORD = re.compile(r"\w+|[^\w\s]")
_RELIABLE = 0.9
_SHORTEST = 3
"""Shorter forms, such as numbers, mean too much."""
_LEAST_MADE = 2
"""So often must a form have been marked in accepted rows that no seed has."""
_MOST_ALARMS = 0.05
"""Share of the seeds that may be accused."""
_MIN_SEEDS = 20
Found: TypeAlias = Iterator[tuple[str, int]]


class Unmarked:
    """Rejects rows in which a known form stands unmarked.

    Abstains where seeds are too few, or would themselves be accused too often: where what counts
    as a mention is a matter of context.

    Args:
        repeated: whether the same words are marked wherever they stand in a text, and not once.
    """

    name = "unmarked"
    sequential = True
    by_meaning = False

    def __init__(self, *, repeated: bool = True) -> None:
        self._repeated = repeated
        self._forms: dict[str, list[str]] = {}
        self._types: dict[str, str] = {}
        self._marked: Counter[str] = Counter()
        self._seen: Counter[str] = Counter()
        self._from_seeds: frozenset[str] = frozenset()
        self._why: str | None = "too_few_seeds"
        self.calibration: Calibration | None = None

    def fit(self, seeds: Sequence[Example[Any]], vectors: Vectors | None) -> None:  # noqa: ARG002 - the Protocol's
        """Learn the forms, and count how many seeds would be accused by the others."""
        for seed in seeds:
            self._learn(seed)
        for seed in seeds:
            self._count(seed, sign=1)
        self._from_seeds = frozenset(self._types)
        if len(seeds) < _MIN_SEEDS:
            return
        accused = 0
        for seed in seeds:
            self._count(seed, sign=-1)
            accused += next(self._left_out(seed), None) is not None
            self._count(seed, sign=1)
        share = accused / len(seeds)
        self._why = "cannot_tell" if share > _MOST_ALARMS else None
        told = f"Forms that the other seeds always mark stand unmarked in {accused} of {len(seeds)}"
        verdict = (
            "seeds: too many, so that mentions left out are NOT judged."
            if self._why
            else "seeds; rows in which one does are rejected."
        )
        self.calibration = Calibration(
            filter=self.name,
            basis="known forms",
            statement=f"{told} {verdict}",
            scores=(),
            thresholds=(),
        )

    def judge(self, candidates: Sequence[Candidate], vectors: Vectors | None) -> list[Verdict]:  # noqa: ARG002 - the Protocol's
        """Return one verdict each, in order; the score is how many known forms are unmarked."""
        return [self._on(row.example) for row in candidates]

    def observe(self, accepted: Sequence[Example[Any]]) -> None:
        """Learn the forms of these rows too."""
        for each in accepted:
            self._learn(each)
            self._count(each, sign=1)

    def _on(self, example: Example[Any]) -> Verdict:
        if self._why is not None:
            return Verdict(filter=self.name, outcome="abstained", reason=self._why)
        found = list(self._left_out(example))
        if not found:
            return Verdict(filter=self.name, outcome="passed", score=0.0, threshold=1.0)
        form, start = found[0]
        return Verdict(
            filter=self.name,
            outcome="rejected",
            score=float(len(found)),
            threshold=1.0,
            reason="unmarked",
            detail=f"{shown(form)} is {self._types[form]} elsewhere, and unmarked at {start}",
        )

    def _learn(self, example: Example[Annotation]) -> None:
        for span in example.target.entities:
            form = example.text[span.start : span.end]
            if len(form) >= _SHORTEST and form not in self._types:
                self._types[form] = span.label
                self._forms.setdefault(_first(form), []).append(form)

    def _count(self, example: Example[Annotation], *, sign: int) -> None:
        marked = {(e.start, e.end) for e in example.target.entities}
        for form, start in self._occurrences(example.text):
            if (start, start + len(form)) in marked:
                self._marked[form] += sign
                self._seen[form] += sign
            elif not _covered(example, start, start + len(form)):
                self._seen[form] += sign

    def _left_out(self, example: Example[Annotation]) -> Found:
        """Yield the known forms that stand unmarked in a row, and where."""
        marked = {example.text[e.start : e.end] for e in example.target.entities}
        for form, start in self._occurrences(example.text):
            if not self._is_known(form) or _covered(example, start, start + len(form)):
                continue
            if self._repeated or form not in marked:
                yield form, start

    def _is_known(self, form: str) -> bool:
        least = 1 if form in self._from_seeds else _LEAST_MADE
        marked = self._marked[form]
        return marked >= least and marked >= _RELIABLE * self._seen[form]

    def _occurrences(self, text: str) -> Found:
        """Yield every form that stands in a text as whole words."""
        for word in _WORD.finditer(text):
            start = word.start()
            for form in self._forms.get(word[0], ()):
                if text.startswith(form, start) and not cuts_word(text, start + len(form)):
                    yield form, start


def _first(form: str) -> str:
    found = _WORD.search(form)
    return found[0] if found else form


def _covered(example: Example[Annotation], start: int, end: int) -> bool:
    return any(start < each.end and each.start < end for each in example.target.entities)
