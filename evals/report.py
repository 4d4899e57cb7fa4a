"""The report that a run leaves: one HTML file that needs no network, no script and no server."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files

import yaml
from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup, escape

from augment.records import Json
from evals import charts, wording


def render(figures: Mapping[str, Json]) -> str:
    """Return the report on figures from `evals.figures.gather` as an HTML document.

    Whatever the figures hold stays text: everything is escaped, and hidden characters are shown
    by their code points. The same figures give the same document.
    """
    scale, bins = charts.histogram(figures["lengths"]["histogram"])
    throughput = figures["throughput"]
    return _template().render(
        figures,
        headline=wording.headline(figures),
        stops=[cell for cell in figures["cells"] if cell["given_up"]],
        cell_rows=_cell_rows(figures),
        bins=charts.columns(throughput),
        speed=charts.axis(max([0, *throughput["answers_per_s"], *throughput["accepted_per_s"]])),
        token_speed=charts.axis(max([0, *throughput["tokens_per_s"]])),
        length_scale=scale,
        length_bins=bins,
        recipe_yaml=yaml.safe_dump(
            {k: v for k, v in figures["making"]["recipe"].items() if v is not None},
            sort_keys=False,
            allow_unicode=True,
        ),
    )


def _cell_rows(figures: Mapping[str, Json]) -> list[dict[str, Json]]:
    """Return the cells by shortfall, then name; with its label's counts where a cell is one."""
    by_label = {each["label"]: each for each in figures["labels"]}
    rows = [
        {
            **cell,
            "short": max(cell["wanted"] - cell["accepted"], 0),
            "label": by_label.get(cell["cell"]),
        }
        for cell in figures["cells"]
    ]
    return sorted(rows, key=lambda row: (-row["short"], row["cell"].casefold(), row["cell"]))


@cache
def _template() -> Template:
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "number": wording.number,
        "share": wording.share,
        "duration": wording.duration,
        "words": wording.in_words,
        "breakable": _breakable,
    }
    source = files("evals").joinpath("report.html.j2").read_text("utf-8")
    functions = {"counted": wording.counted, "steps": charts.steps}
    return environment.from_string(source, globals=functions)


def _shown(value: object) -> object:
    """Make whatever a template puts out fit to be seen; markup is the template's own."""
    if isinstance(value, Markup):
        return value
    return wording.NOTHING if value is None else wording.visible(str(value))


def _breakable(name: str) -> Markup:
    """Let a label be broken into lines after its underscores."""
    return Markup("_<wbr>").join(escape(part) for part in wording.visible(name).split("_"))
