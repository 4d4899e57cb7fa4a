"""Rows that hold what belongs to a person: numbers, addresses, keys."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

from augment.pii.find import IN_WORDS, NAMED, Finder, Finding, find_all, value_of
from augment.pii.names import Names
from augment.protocols import Vectors
from augment.records import Calibration, Candidate, Example, Verdict

Action: TypeAlias = Literal["reject", "mask", "surrogate"]

_MAX_SEED_SHARE = 0.01
_MAY_BE_WANTED = frozenset({"email", "phone", "ip_address", *NAMED})
"""Kinds that rows may be about; of the others none is let through, whatever the seeds hold."""
_BASIS = "patterns and checksums"
_WORDS = {**IN_WORDS, **NAMED}
_PASSED = Verdict(filter="pii", outcome="passed")


class Pii:
    """Rejects e-mail addresses, numbers of phones, cards, accounts and persons, keys and the like.

    What is set aside for examples (example.org, 555-0100) is a placeholder: it passes, unless
    placeholders are to be rejected too, and the verdict says that it was there. A kind without a
    checksum (e-mail, phone, IP address, names) that over 1 % of the seeds hold is off: such rows
    are what the user wants; but whatever stands in a seed itself is rejected in a row: of names
    that are in many mouths, only a name of two words or an address with a number.

    Where rows are masked or given surrogates beforehand, nothing real is left to reject.

    Args:
        placeholders: whether they are let through.
        changed: whether what is found was exchanged before.
        finder: finds it; another one than that of patterns takes long.
    """

    name = "pii"
    sequential = False
    by_meaning = False

    def __init__(
        self,
        *,
        placeholders: Literal["keep", "reject"] = "keep",
        changed: bool,
        finder: Finder = find_all,
    ) -> None:
        self._find = finder
        self._placeholders = placeholders
        self._changed = changed
        self._off: dict[str, float] = {}
        self._of_seeds: set[tuple[str, str]] = set()
        self.calibration: Calibration | None = None

    def fit(self, seeds: Sequence[Example[Any]], vectors: Vectors | None) -> None:  # noqa: ARG002 - the Protocol's
        """Learn what the seeds hold."""
        holding: Counter[str] = Counter()
        texts = [seed.whole for seed in seeds]
        for text, every in zip(texts, self._find(texts), strict=True):
            real = [found for found in every if found.standing == "real"]
            holding.update({found.kind for found in real})
            own = (found for found in real if _is_ones_own(text, found))
            self._of_seeds |= {(found.kind, value_of(text, found)) for found in own}
        self._off = {
            kind: count / len(seeds)
            for kind, count in holding.items()
            if kind in _MAY_BE_WANTED and count > len(seeds) * _MAX_SEED_SHARE
        }
        if holding:
            self.calibration = Calibration(
                filter=self.name,
                basis=f"{_BASIS}, {self._find.name}" if isinstance(self._find, Names) else _BASIS,
                statement=self._statement(holding, seeds=len(seeds)),
                scores=(),
                thresholds=(),
            )

    def judge(self, candidates: Sequence[Candidate], vectors: Vectors | None) -> list[Verdict]:  # noqa: ARG002 - the Protocol's
        """Return one verdict each, in order, without a score."""
        texts = [row.example.whole for row in candidates]
        return [self._on(text, found) for text, found in zip(texts, self._find(texts), strict=True)]

    def observe(self, accepted: Sequence[Example[Any]]) -> None:
        """Learn nothing."""

    @property
    def slow(self) -> bool:
        """Whether a model looks for names."""
        return self._find is not find_all

    def _on(self, text: str, found: Sequence[Finding]) -> Verdict:
        if not found:
            return _PASSED
        real = [each for each in found if each.standing == "real"]
        repeated = [each for each in real if (each.kind, value_of(text, each)) in self._of_seeds]
        if repeated:
            return self._rejected("pii_of_seed", repeated)
        wrong = [each for each in real if each.kind not in self._off]
        if wrong:
            return self._rejected("pii", wrong)
        unreal = [each for each in found if each.standing == "placeholder"]
        if unreal and self._placeholders == "reject":
            return self._rejected("pii_placeholder", unreal)
        told = [f"{kind} is off: {self._off[kind]:.0%} of the seeds hold one"
                for kind in sorted({each.kind for each in real})]  # fmt: skip
        told += [f"holds a placeholder: {_listed(unreal)}"] if unreal else []
        return Verdict(filter=self.name, outcome="passed", detail="; ".join(told))

    def _rejected(self, reason: str, found: Sequence[Finding]) -> Verdict:
        return Verdict(
            filter=self.name, outcome="rejected", reason=reason, detail=f"holds {_listed(found)}"
        )

    def _statement(self, holding: Counter[str], *, seeds: int) -> str:
        held = ", ".join(f"{_WORDS[kind]} {count}" for kind, count in holding.most_common())
        said = f"Seeds that hold personal data, of {seeds}: {held}. "
        if self._changed:
            return said + "In rows it is exchanged before they are judged."
        off = ", ".join(_WORDS[kind] for kind in self._off)
        if off:
            said += f"Rows may therefore hold others of these kinds: {off}; but n"
        else:
            said += "N"
        return said + "one that stands in a seed passes, and prompts show the seeds as they are."


def _is_ones_own(text: str, found: Finding) -> bool:
    """Tell whether somebody is known by it, as nobody is by a first name or a town."""
    written = text[found.start : found.end]
    if found.kind == "name":
        return len(written.split()) > 1
    return found.kind != "place" or any(map(str.isdigit, written))


def _listed(found: Sequence[Finding]) -> str:
    """Name the kinds, never what was found: a report must not spread it."""
    kinds = Counter(_WORDS[each.kind] for each in found)
    return ", ".join(kind if n == 1 else f"{kind} ({n})" for kind, n in kinds.items())
