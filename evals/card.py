"""The dataset card: the README.md of a run's folder, which Hugging Face's `datasets` reads too."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

import yaml
from jinja2 import Environment, StrictUndefined, Template

from augment.records import Json
from evals import wording

# What CommonMark, GitHub's tables and bare links, or a formula could take for markup: an
# underscore at the edge of a word, a colon in an address, a mark at the beginning of a line.
_MARKUP = re.compile(
    r"[\\`*\[\]<>|&~$#@]|(?<![^\W_])_|_(?![^\W_])|:(?=//)|(?<=www)\.|^[-+=]", re.IGNORECASE
)
_PROVENANCE = ("strategy", "template", "template_digest", "engine", "model", "request_key")
_ARGUMENT = [{"name": "entity", "dtype": "int64"}, {"name": "role", "dtype": "string"}]
_LINKS: Mapping[str, list[Json]] = {
    "ner": [],
    "relations": [
        {
            "name": "relations",
            "list": [
                {"name": "head", "dtype": "int64"},
                {"name": "tail", "dtype": "int64"},
                {"name": "label", "dtype": "string"},
            ],
        }
    ],
    "events": [
        {
            "name": "events",
            "list": [
                {"name": "trigger", "dtype": "int64"},
                {"name": "type", "dtype": "string"},
                {"name": "arguments", "list": _ARGUMENT},
            ],
        }
    ],
}
"""The columns of each extraction task beside its entities."""
_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))


def card(figures: Mapping[str, Json]) -> str:
    """Return the card on figures from `evals.figures.gather`, in Markdown with YAML before it.

    The YAML names the configurations `accepted` (the default) and `rejected` and the type of every
    column, so that a column of nulls has its type too. `datasets` loads neither from a file
    without rows, except as a stream.
    """
    front = yaml.safe_dump(_front_matter(figures), sort_keys=False, allow_unicode=True)
    body = _template().render(
        figures,
        headline=wording.headline(figures),
        stops=[cell for cell in figures["cells"] if cell["given_up"]],
    )
    return f"---\n{front}---\n\n{body}\n"


def _front_matter(figures: Mapping[str, Json]) -> dict[str, Json]:
    rejected = [
        *_columns(figures),
        _column("filter", "string"),
        _column("score", "float64"),
        _column("threshold", "float64"),
        _column("reason", "string"),
        _column("detail", "string"),
    ]
    return {
        "pretty_name": wording.visible(figures["run"]["name"]),
        "license": "unknown",
        "task_categories": [
            "text-classification"
            if figures["run"]["task"] not in _LINKS
            else "token-classification"
        ],
        **({"tags": ["synthetic"]} if figures["run"]["kind"] == "made" else {}),
        "size_categories": [_size(figures["counts"]["accepted"])],
        "configs": [
            {
                "config_name": name,
                **({"default": True} if name == "accepted" else {}),
                "data_files": [{"split": "train", "path": f"{name}.jsonl"}],
            }
            for name in ("accepted", "rejected")
        ],
        "dataset_info": [
            {"config_name": "accepted", "features": _columns(figures)},
            {"config_name": "rejected", "features": rejected},
        ],
    }


def _columns(figures: Mapping[str, Json]) -> list[Json]:
    seeds = figures["seeds"]
    drawn: Mapping[str, Json] = figures["making"]["recipe"].get("attributes") or {}
    own = [_column(name, "string") for name in drawn]
    return [
        _column("text", "string"),
        *([_column("text_pair", "string")] if seeds["pairs"] else []),
        *_target_columns(figures),
        _column("id", "string"),
        {
            "name": "provenance",
            "struct": [
                *(_column(name, "string") for name in _PROVENANCE),
                {"name": "seed_ids", "list": "string"},
                _column("ask", "int64"),
                *([{"name": "attributes", "struct": own}] if own else []),
                *(
                    [_column("given", "string"), _column("probability", "float64")]
                    if figures["run"]["kind"] == "labelled"
                    else []
                ),
            ],
        },
    ]


def _target_columns(figures: Mapping[str, Json]) -> list[Json]:
    """Return the columns of what is to be learnt."""
    task = figures["run"]["task"]
    if task not in _LINKS:
        several = figures["seeds"]["several"]
        return [{"name": "label", "list": "string"} if several else _column("label", "string")]
    places = [_column("start", "int64"), _column("end", "int64")]
    entity = [*places, _column("label", "string"), _column("text", "string")]
    return [{"name": "entities", "list": entity}, *_LINKS[task]]


def _column(name: str, kind: str) -> dict[str, str]:
    return {"name": name, "dtype": kind}


def _size(rows: int) -> str:
    return next((name for limit, name in _SIZES if rows < limit), "n>1M")


@cache
def _template() -> Template:
    environment = Environment(  # noqa: S701 - this is Markdown; `finalize` escapes it
        undefined=StrictUndefined, finalize=_plain, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {
        "number": wording.number,
        "duration": wording.duration,
        "words": wording.in_words,
    }
    source = files("evals").joinpath("card.md.j2").read_text("utf-8")
    return environment.from_string(source, globals={"counted": wording.counted})


def _plain(value: object) -> str:
    """Return a value as Markdown that reads as just that value, on one line."""
    if value is None:
        return wording.NOTHING
    line = re.sub(r"[\n\t]", " ", wording.visible(str(value)))
    return _MARKUP.sub(lambda found: f"\\{found[0]}", line)
