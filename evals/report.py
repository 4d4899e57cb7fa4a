"""The report that a run leaves: one HTML file that needs no network and no server.

Its only script is `report.js`, by which a map answers to the pointer and the keys; the page's
policy names it by its digest, so that no other one runs. Without it the page stands all the same.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

import yaml
from jinja2 import Environment, FunctionLoader, StrictUndefined, Template
from markupsafe import Markup, escape

from augment.records import Json
from evals import charts, wording
from evals.marked import colours_of, links, pieces
from evals.marks import marks


def render(figures: Mapping[str, Json]) -> str:
    """Return the report on figures from `evals.figures.gather` as an HTML document.

    Whatever the figures hold stays text: everything is escaped, and hidden characters are shown
    by their code points. The same figures give the same document.
    """
    scale, bins = charts.histogram(figures["lengths"]["histogram"])
    throughput = figures["throughput"]
    script, digest = _script()
    return _template().render(
        {**figures, **_annotated(figures), "map": _map(figures)},
        script=script,
        script_digest=digest,
        score_charts=[{**each, "chart": charts.scores(each)} for each in figures["scores"]],
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


def _map(figures: Mapping[str, Json]) -> dict[str, Json] | None:
    several = figures["seeds"]["several"] or figures["mentions"] is not None
    return marks(figures["map"], several=several)


def _annotated(figures: Mapping[str, Json]) -> dict[str, Json]:
    """Return what the page shows of annotations: rows in pieces, colours of types, charts."""
    found = figures["mentions"]
    types = [] if found is None else [each["type"] for each in found["types"]]
    colours = colours_of(types)
    rows: dict[str, Json] = {
        name: [
            {**row, "pieces": pieces(row["fields"], colours), "links": links(row["fields"])}
            for row in figures[name]
        ]
        for name in ("accepted_rows", "rejected_rows")
    }
    drawn = {} if found is None else {name: found[name] for name in ("lengths", "positions")}
    return {
        **rows,
        "plain": found is None,
        "noun": "label" if found is None else "type",
        "mark_colours": colours,
        "mention_charts": {
            name: dict(zip(("scale", "bins"), charts.histogram(each["histogram"]), strict=True))
            for name, each in drawn.items()
        },
    }


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
        loader=FunctionLoader(_source),
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "number": wording.number,
        "share": wording.share,
        "duration": wording.duration,
        "scale": wording.scale,
        "words": wording.in_words,
        "breakable": _breakable,
    }
    functions = {"counted": wording.counted, "steps": charts.steps}
    return environment.get_template("report.html.j2", globals=functions)


def _source(name: str) -> str:
    return files("evals").joinpath(name).read_text("utf-8")


@cache
def _script() -> tuple[Markup, str]:
    """Return the page's script and how its policy names it."""
    source = _source("report.js")
    digest = base64.b64encode(hashlib.sha256(source.encode()).digest()).decode("ascii")
    return Markup(source), f"sha256-{digest}"  # noqa: S704 - our own file


def _shown(value: object) -> object:
    """Make whatever a template puts out fit to be seen; markup is the template's own."""
    if isinstance(value, Markup):
        return value
    return wording.NOTHING if value is None else wording.visible(str(value))


def _breakable(name: str) -> Markup:
    """Let a label be broken into lines after its underscores."""
    return Markup("_<wbr>").join(escape(part) for part in wording.visible(name).split("_"))
