"""What new rows were asked to be like, and what became of those asks."""

from __future__ import annotations

from collections import Counter

from augment.records import Arrival, Decision, Json


class AttributeCounts:
    """How often each value of each attribute was asked for and accepted."""

    def __init__(self) -> None:
        self._counts: dict[str, dict[str, Counter[str]]] = {}

    def arrived(self, arrival: Arrival) -> None:
        """Count an ask."""
        for counts in self._of(arrival):
            counts["asks"] += 1

    def judged(self, arrival: Arrival, decision: Decision) -> None:
        """Count a row and its end."""
        for counts in self._of(arrival):
            counts["accepted" if decision.accepted else "rejected"] += 1

    def figures(self) -> list[Json]:
        """Return the attributes in alphabetical order, their values by how often they were asked.

        A value that many asks bring and few rows keep is one that the model cannot write, or that
        the filters take for strange.
        """
        return [
            {
                "name": name,
                "values": [
                    {"value": value, **{each: counts[each] for each in _COUNTED}}
                    for value, counts in sorted(
                        values.items(), key=lambda pair: (-pair[1]["asks"], pair[0])
                    )
                ],
            }
            for name, values in sorted(self._counts.items())
        ]

    def _of(self, arrival: Arrival) -> list[Counter[str]]:
        return [
            self._counts.setdefault(name, {}).setdefault(value, Counter())
            for name, value in arrival.ask.attributes.items()
        ]


_COUNTED = ("asks", "accepted", "rejected")
