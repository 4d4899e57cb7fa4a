"""Where the marks of a chart stand.

All charts are drawn on 100 x 100 units that a page stretches to the room it has; words and
numbers stand beside the drawing, so that they keep their size.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from augment.records import Json

_STEPS = (1.0, 2.0, 5.0, 10.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """A vertical axis from 0.

    Attributes:
        top: the value at its upper end.
        ticks: (value, height in units) from 0 to `top`.
    """

    top: float
    ticks: tuple[tuple[float, float], ...]


def axis(largest: float) -> Axis:
    """Return an axis of two to five round steps that reaches the largest value."""
    if largest <= 0:
        return Axis(top=1.0, ticks=((0.0, 0.0), (1.0, 100.0)))
    rough = largest / 4
    scale = 10.0 ** math.floor(math.log10(rough))
    step = next(each * scale for each in _STEPS if each * scale >= rough * (1 - 1e-9))
    steps = math.ceil(largest / step - 1e-9)
    return Axis(
        top=step * steps,
        ticks=tuple(
            (float(f"{step * n:.6g}"), round(100 * n / steps, 2)) for n in range(steps + 1)
        ),
    )


def steps(values: Sequence[float], *, top: float) -> str:
    """Return the path of a filled step curve, one step a value."""
    width = 100 / max(len(values), 1)
    path = ["M0 100"]
    for place, value in enumerate(values):
        height = _units(100 - 100 * value / top)
        path.append(f"V{height}H{_units(width * (place + 1))}")
    return "".join([*path, "V100Z"])


def columns(throughput: Mapping[str, Json]) -> list[dict[str, Json]]:
    """Return the bins of a run's throughput: where each stands and what it says."""
    bin_s, answers = throughput["bin_s"], throughput["answers_per_s"]
    edges = [100 * place / len(answers) for place in range(len(answers) + 1)] if answers else []
    return [
        {
            "x": _units(left),
            "width": _units(right - left),
            "from_s": round(place * bin_s, 2),
            "to_s": round((place + 1) * bin_s, 2),
            "answers": answers[place],
            "accepted": throughput["accepted_per_s"][place],
            "tokens": throughput["tokens_per_s"][place],
        }
        for place, (left, right) in enumerate(pairwise(edges))
    ]


def histogram(found: Mapping[str, Json]) -> tuple[Axis, list[dict[str, Json]]]:
    """Return the axis and the bins of seeds against accepted rows, as shares of each."""
    totals = {name: max(sum(found[name]), 1) for name in ("seeds", "accepted")}
    shares = {name: [rows / totals[name] for rows in found[name]] for name in totals}
    scale = axis(max((max(each, default=0) for each in shares.values()), default=0))
    width = 100 / max(len(found["from"]), 1)
    bins = [
        {
            "x": _units(width * place),
            "width": _units(width),
            "from": start,
            "to": found["from"][place + 1] - 1 if place + 1 < len(found["from"]) else None,
            **{
                name: {
                    "rows": found[name][place],
                    "share": shares[name][place],
                    "height": _units(100 * shares[name][place] / scale.top),
                }
                for name in totals
            },
        }
        for place, start in enumerate(found["from"])
    ]
    return scale, bins


def scores(found: Mapping[str, Json]) -> dict[str, Json]:
    """Return the chart of one filter's scores: seeds beside the rows that it passed or rejected.

    Seeds and rows are each shown as shares of their own number. A bin's rejected rows stand on
    its accepted ones.
    """
    histogram = found["histogram"]
    edges = [*histogram["from"], histogram["to"]]
    totals = {
        "seeds": sum(histogram["seeds"]),
        "rows": sum(histogram["accepted"]) + sum(histogram["rejected"]),
    }
    seeds = _shares(histogram["seeds"], total=totals["seeds"])
    accepted = _shares(histogram["accepted"], total=totals["rows"])
    rejected = _shares(histogram["rejected"], total=totals["rows"])
    tops = [*seeds, *(map(sum, zip(accepted, rejected, strict=True)))]
    scale = axis(max(tops, default=0))
    width = 100 / max(len(seeds), 1)
    return {
        "scale": scale,
        "totals": totals,
        "bins": [
            {
                "x": _units(width * place),
                "width": _units(width),
                "from": edges[place],
                "to": edges[place + 1],
                **{name: histogram[name][place] for name in ("seeds", "accepted", "rejected")},
                "heights": {
                    "seeds": _units(100 * seeds[place] / scale.top),
                    "accepted": _units(100 * accepted[place] / scale.top),
                    "rejected": _units(100 * rejected[place] / scale.top),
                },
            }
            for place in range(len(seeds))
        ],
        "marks": [
            {"value": value, "x": _units(100 * (value - edges[0]) / (edges[-1] - edges[0]))}
            for value in (found["thresholds"] if seeds else ())
        ],
    }


def _shares(counts: Sequence[int], *, total: int) -> list[float]:
    return [count / max(total, 1) for count in counts]


def _units(value: float) -> float:
    return round(value, 2)
