"""The mentions of annotated rows: what they are, where they stand, and whether they are new."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from augment.records import Calibration, Candidate, Decision, Example, Json
from evals import lengths
from evals.labelling import wilson
from evals.subject import Subject
from evals.tally import Row

_ALIGNED = ("exact", "normalised", "fuzzy")
_UNMARKED = "unmarked"
"""The filter that looks for known forms that are left unmarked."""
_UNALIGNED = "unaligned"
"""The reason of rows with a mention that is not in their text."""
_TENTHS = 10
_CONFUSIONS_SHOWN = 20


class Mentions:
    """Counts the mentions of seeds, candidates and accepted rows while these go by."""

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._known: set[tuple[str, str]] = set()
        self._counts: dict[str, Counter[str]] = {"seeds": Counter(), "accepted": Counter()}
        self._new: Counter[str] = Counter()
        self._forms: dict[str, set[str]] = {}
        self._lengths: dict[str, Counter[int]] = {name: Counter() for name in self._counts}
        self._tenths: dict[str, Counter[int]] = {name: Counter() for name in self._counts}
        self._a_row: dict[str, Counter[int]] = {name: Counter() for name in self._counts}
        self._aligned: Counter[str] = Counter()
        self._unaligned = 0
        self._unmarked: Counter[str] = Counter()
        for seed in subject.seeds.examples:
            self._add(seed, to="seeds")
            self._known |= set(_said(seed))

    def judged(self, row: Row, decision: Decision) -> None:
        """Count a row and its end."""
        if not isinstance(row, Candidate):
            self._unaligned += decision.rejection.reason == _UNALIGNED
            return
        example: Example[Any] = row.example
        self._aligned.update(each.aligned for each in example.target.entities)
        self._unmarked.update(v.outcome for v in decision.verdicts if v.filter == _UNMARKED)
        if decision.accepted:
            self._add(example, to="accepted")
            for label, words in _said(example):
                self._forms.setdefault(label, set()).add(words)
                self._new[label] += (label, words) not in self._known

    def _add(self, example: Example[Any], *, to: str) -> None:
        spans = example.target.entities
        self._a_row[to][len(spans)] += 1
        for each in spans:
            self._counts[to][each.label] += 1
            self._lengths[to][each.end - each.start] += 1
            # By its middle, so that the last mention of a text stands as far on as the first.
            middle = (each.start + each.end) / 2 / max(len(example.text), 1)
            self._tenths[to][min(int(_TENTHS * middle), _TENTHS - 1)] += 1

    def figures(self, calibrations: Sequence[Calibration]) -> dict[str, Json]:
        """Return the counts; shares with their intervals (Wilson, 95 %).

        Args:
            calibrations: of the run's filters; agreement's tells which types it takes for which.
        """
        seeds, accepted = self._counts["seeds"], self._counts["accepted"]
        judged = self._unmarked["passed"] + self._unmarked["rejected"]
        confusions = [pair for each in calibrations for pair in each.confusions]
        return {
            "seeds": seeds.total(),
            "accepted": accepted.total(),
            "types": [
                {
                    "type": name,
                    "seeds": seeds[name],
                    "accepted": accepted[name],
                    "forms": len(self._forms.get(name, ())),
                    "new": self._new[name],
                }
                for name in dict.fromkeys((*seeds, *sorted(accepted)))
            ],
            "novelty": _share(self._new.total(), accepted.total()),
            "alignment": {name: self._aligned[name] for name in _ALIGNED},
            "unaligned_rows": self._unaligned,
            "unmarked": _share(self._unmarked["rejected"], judged),
            "confusions": [
                {"type": borne, "read_as": other, "mentions": count}
                for borne, other, count in confusions[:_CONFUSIONS_SHOWN]
            ],
            "lengths": lengths.compare(self._lengths["seeds"], self._lengths["accepted"]),
            "positions": {
                "unit": "per cent of the text",
                "histogram": {
                    "from": [100 * tenth // _TENTHS for tenth in range(_TENTHS)],
                    **{
                        name: [counts[tenth] for tenth in range(_TENTHS)]
                        for name, counts in self._tenths.items()
                    },
                },
            },
            "a_row": {name: _mean(counts) for name, counts in self._a_row.items()},
        }


def _said(example: Example[Any]) -> list[tuple[str, str]]:
    return [(e.label, example.text[e.start : e.end]) for e in example.target.entities]


def _mean(counts: Counter[int]) -> float | None:
    rows = counts.total()
    return round(sum(size * each for size, each in counts.items()) / rows, 2) if rows else None


def _share(hits: int, trials: int) -> dict[str, Json]:
    return {
        "hits": hits,
        "n": trials,
        "share": round(hits / trials, 4) if trials else None,
        "interval": wilson(hits, trials),
    }
