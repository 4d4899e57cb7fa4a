"""The counts of a run, row by row."""

from __future__ import annotations

from collections import Counter
from typing import TypeAlias

from augment.records import Arrival, Candidate, Decision, Failure, Fault, Json
from evals.samples import (
    Reservoir,
    masked,
    rejection_fields,
    row_masked,
    shorten,
    shortened,
)
from evals.subject import Subject
from evals.timeline import rate

Row: TypeAlias = Candidate | Fault

_ROWS_SHOWN = 20
_EXAMPLES_OF_A_REASON = 5
_REMARKS_SHOWN = 20
_BEFORE_FILTERS = ("engine", "schema")
_COUNTS = ("asks", "failures", "calls", "repeated_calls", "candidates", "none", "accepted",
           "rejected", "awaiting")  # fmt: skip
_TOKENS = ("prompt", "completion", "reasoning_characters", "uncounted_answers")


class Tally:
    """All counts of the rows seen so far.

    Attributes:
        counts: rows and calls, by the names in `_COUNTS`.
        lengths: how many accepted rows have which length in characters.
    """

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._random_seed = subject.random_seed
        self.counts: Counter[str] = Counter()
        self._tokens: Counter[str] = Counter()
        self.lengths: Counter[int] = Counter()
        self._abstentions: Counter[tuple[str, str]] = Counter()
        self._flags: Counter[tuple[str, str]] = Counter()
        self._remarks: Counter[tuple[str, str]] = Counter()
        self._cells: Counter[str] = Counter()
        self._labels: dict[bool, Counter[str]] = {True: Counter(), False: Counter()}
        self._strategies: dict[str, Counter[str]] = {}
        self._servers: dict[str, Counter[str]] = {}
        self._none: Counter[str] = Counter()
        self._outcomes: dict[str, Counter[str]] = {}
        self._reasons: dict[tuple[str, str], Reservoir] = {}
        self._accepted_rows = self._reservoir(_ROWS_SHOWN, "accepted")
        self._rejected_rows = self._reservoir(_ROWS_SHOWN, "rejected")

    def _reservoir(self, size: int, purpose: str) -> Reservoir:
        return Reservoir(size, draw_seed=f"{self._random_seed}/{purpose}")

    # Row by row ---------------------------------------------------------------------------------

    def arrived(self, arrival: Arrival) -> None:
        """Count an answer or failure."""
        outcome = arrival.outcome
        self.counts["asks"] += 1
        self.counts["calls"] += outcome.calls
        self.counts["repeated_calls"] += max(outcome.calls - 1, 0)
        self._strategies.setdefault(arrival.ask.strategy, Counter())["asks"] += 1
        if isinstance(outcome, Failure):
            self.counts["failures"] += 1
            return
        self._tokens["prompt"] += outcome.prompt_tokens or 0
        self._tokens["completion"] += outcome.completion_tokens or 0
        self._tokens["reasoning_characters"] += len(outcome.reasoning or "")
        self._tokens["uncounted_answers"] += outcome.completion_tokens is None
        if outcome.server is not None:
            own = self._servers.setdefault(outcome.server, Counter())
            own["answers"] += 1
            own["tokens"] += (outcome.prompt_tokens or 0) + (outcome.completion_tokens or 0)

    def judged(self, arrival: Arrival, row: Row, decision: Decision) -> None:
        """Count a row and its end."""
        end = "accepted" if decision.accepted else "rejected"
        self.counts[end] += 1
        self._strategies[arrival.ask.strategy][end] += 1
        labels = arrival.ask.labels
        if isinstance(row, Candidate):
            labels = self._subject.labels_of(row.example)
            self.counts["candidates"] += 1
            self._pass_filters(decision)
        else:
            self.counts["none"] += 1
            self._none[decision.rejection.filter] += 1
        self._labels[decision.accepted].update(labels)
        if not decision.accepted:
            self._reject(arrival, row, decision)
        elif isinstance(row, Candidate):
            self._accept(arrival, row, labels)

    def _pass_filters(self, decision: Decision) -> None:
        for verdict in decision.verdicts:
            self._outcomes.setdefault(verdict.filter, Counter())[verdict.outcome] += 1
            if verdict.outcome == "abstained":
                self._abstentions[verdict.filter, verdict.reason or ""] += 1
            elif verdict.outcome == "flagged":
                self._flags[verdict.filter, verdict.reason or ""] += 1
            elif verdict.outcome == "passed" and verdict.detail:
                self._remarks[verdict.filter, verdict.detail] += 1

    def _accept(self, arrival: Arrival, row: Candidate, labels: tuple[str, ...]) -> None:
        self._cells.update(self._subject.cells_of(labels))
        self.lengths[len(row.example.whole)] += 1
        self._accepted_rows.offer(lambda: self._shown(arrival, row, row.index))

    def _reject(self, arrival: Arrival, row: Row, decision: Decision) -> None:
        said = rejection_fields(decision.rejection)
        key = (said["filter"], said["reason"])
        if key not in self._reasons:
            self._reasons[key] = self._reservoir(_EXAMPLES_OF_A_REASON, "/".join(key))
        text = row.example.whole if isinstance(row, Candidate) else row.text
        self._reasons[key].offer(
            lambda: {"text": shorten(masked(text)), "labels": self._borne(arrival, row), **said}
        )
        self._rejected_rows.offer(
            lambda: self._shown(arrival, row_masked(row), decision.index) | said
        )

    def _shown(self, arrival: Arrival, row: Row, index: int) -> dict[str, Json]:
        if isinstance(row, Candidate):
            fields = dict(self._subject.fields(row.example))
        else:
            fields = {"text": row.text} | ({"text_pair": row.text_pair} if row.text_pair else {})
        return {
            "id": f"{arrival.key[:16]}-{index}",
            "strategy": arrival.ask.strategy,
            "labels": self._borne(arrival, row),
            "fields": shortened(fields),
        }

    def _borne(self, arrival: Arrival, row: Row) -> list[str]:
        """Return the labels asked for; those that a given text got, where none were."""
        if arrival.ask.labels or not isinstance(row, Candidate):
            return list(arrival.ask.labels)
        return list(dict.fromkeys(self._subject.labels_of(row.example)))

    # What it comes to ---------------------------------------------------------------------------

    def figures(self, *, active_s: float, given_up: set[str]) -> dict[str, Json]:
        """Return everything counted.

        Args:
            active_s: how long it took, for rates.
            given_up: the cells that the planner stopped asking for.
        """
        return {
            "counts": self._count_figures(),
            "rates": self._rates(active_s),
            "tokens": {name: self._tokens[name] for name in _TOKENS},
            "cells": self._cell_figures(given_up),
            "labels": self._label_figures(),
            "funnel": self._funnel(),
            "rejections": self._rejections(),
            "abstentions": [
                {"filter": name, "reason": reason, "rows": rows}
                for (name, reason), rows in _by_size(self._abstentions)
            ],
            "flags": [
                {"filter": name, "reason": reason, "rows": rows}
                for (name, reason), rows in _by_size(self._flags)
            ],
            "remarks": [
                {"filter": name, "detail": detail, "rows": rows}
                for (name, detail), rows in _by_size(self._remarks)[:_REMARKS_SHOWN]
            ],
            "strategies": self._strategy_figures(),
            "endpoints": [
                {"endpoint": name, "answers": own["answers"], "tokens": own["tokens"]}
                for name, own in sorted(self._servers.items())
            ],
            "accepted_rows": self._accepted_rows.drawn,
            "rejected_rows": self._rejected_rows.drawn,
        }

    def _count_figures(self) -> dict[str, Json]:
        """Return the counts; `wanted` is None where one row can count for several cells."""
        subject = self._subject
        seeds = (subject.labels_of(seed) for seed in subject.seeds.examples)
        shared = any(len(subject.cells_of(labels)) > 1 for labels in seeds)
        shared |= subject.task != "classification" and not subject.wanted.keys().isdisjoint(
            subject.seeds.labels  # cells of types count mentions
        )
        wanted = None if shared else sum(subject.wanted.values())
        return {"wanted": wanted, **{name: self.counts[name] for name in _COUNTS}}

    def _rates(self, active_s: float) -> dict[str, Json]:
        """Return the share of the candidates, or given rows, accepted; speeds over active time."""
        accepted, candidates = self.counts["accepted"], self.counts["candidates"]
        whole = candidates + self.counts["none"] if self._subject.kind == "checked" else candidates
        return {
            "kept": round(accepted / whole, 4) if whole else None,
            "answers_per_s": rate(self.counts["asks"], active_s),
            "accepted_per_s": rate(accepted, active_s),
            "tokens_per_s": rate(self._tokens["prompt"] + self._tokens["completion"], active_s),
        }

    def _cell_figures(self, given_up: set[str]) -> list[Json]:
        """Return accepted against wanted, in the goal's order."""
        return [
            {
                "cell": cell,
                "wanted": wanted,
                "accepted": self._cells[cell],
                "given_up": cell in given_up and self._cells[cell] < wanted,
            }
            for cell, wanted in self._subject.wanted.items()
        ]

    def _label_figures(self) -> list[Json]:
        """Return rows per label; one of several labels counts for each."""
        subject = self._subject
        seeds = Counter(
            label for seed in subject.seeds.examples for label in subject.labels_of(seed)
        )
        return [
            {
                "label": label,
                "seeds": seeds[label],
                "accepted": self._labels[True][label],
                "rejected": self._labels[False][label],
            }
            for label in dict.fromkeys(
                (*subject.seeds.labels, *self._labels[True], *self._labels[False])
            )
        ]

    def _funnel(self) -> list[Json]:
        """Return what each check saw, in order; the quota, which looks on throughout, last."""
        quota = self._outcomes.get("quota", Counter())["rejected"] + self._none["quota"]
        stages: list[Json] = []
        left = self.counts["candidates"] + self.counts["none"]
        for name in (*_BEFORE_FILTERS, *sorted(self._none.keys() - {*_BEFORE_FILTERS, "quota"})):
            stages.append(_stage(name, rejected=self._none[name], passed=left - self._none[name]))
            left -= self._none[name]
        stages += [
            _stage(
                name,
                rejected=outcomes["rejected"],
                passed=outcomes["passed"] + outcomes["flagged"],
                abstained=outcomes["abstained"],
            )
            for name, outcomes in self._outcomes.items()
            if name != "quota"
        ]
        return [*stages, _stage("quota", rejected=quota, passed=self.counts["accepted"])]

    def _rejections(self) -> list[Json]:
        """Return the reasons, the commonest first, each with a few rows drawn at random."""
        sizes = Counter({key: reservoir.seen for key, reservoir in self._reasons.items()})
        return [
            {
                "filter": name,
                "reason": reason,
                "rows": rows,
                "examples": self._reasons[name, reason].drawn,
            }
            for (name, reason), rows in _by_size(sizes)
        ]

    def _strategy_figures(self) -> list[Json]:
        """Return what each way of asking brought."""
        templates = self._subject.making.templates
        return [
            {
                "strategy": name,
                "template": templates.get(name, {}).get("name"),
                "template_digest": templates.get(name, {}).get("digest"),
                **{each: counts[each] for each in ("asks", "accepted", "rejected")},
            }
            for name in sorted({*templates, *self._strategies})
            for counts in [self._strategies.get(name, Counter())]
        ]


def _stage(name: str, *, rejected: int, passed: int, abstained: int = 0) -> dict[str, Json]:
    return {
        "filter": name,
        "saw": rejected + passed + abstained,
        "passed": passed,
        "rejected": rejected,
        "abstained": abstained,
    }


def _by_size(counts: Counter[tuple[str, str]]) -> list[tuple[tuple[str, str], int]]:
    return sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
