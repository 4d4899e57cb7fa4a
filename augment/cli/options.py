"""The recipe's plain fields as options of the command line.

Values are passed on as text: the recipe reads them, so that a wrong one is named together with
whatever else is wrong.
"""

from __future__ import annotations

import argparse
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo

from augment.errors import InputError
from augment.recipe import Recipe, load
from augment.recipe_fields import Serving, dashed
from augment.records import EMPTY

_ONLY_IN_A_FILE = frozenset(
    {
        "headers", "extra_body", "model_options", "prices", "serving", "labels", "glossary",
        "attributes", "strategies", "sampling", "filters", "entities", "relations", "events",
        "identities", "mentions",
    }
)  # fmt: skip


_REPEATED = frozenset({"endpoint", "guard_endpoint", "against"})
"""Options that may be given several times."""

ENGINE_OPTIONS = (
    "endpoint", "serve", "model", "engine", "api_key_env", "concurrency", "timeout_s", "max_wait_s",
    "random_seed", "language", "text_field", "text_pair_field", "label_field", "lenient",
)  # fmt: skip
"""What a command needs that asks an engine something once."""


def add_seeds(parser: argparse.ArgumentParser) -> None:
    """Add the seeds, which may be left out where the recipe describes its labels."""
    parser.add_argument(
        "seeds",
        type=Path,
        nargs="?",
        help="a file or folder of rows, in any format that `augment export` writes; none where "
        "the recipe describes labels",
    )


def add_options(
    parser: argparse.ArgumentParser,
    *,
    only: Collection[str] = Recipe.model_fields,
    defaults: Mapping[str, Any] = EMPTY,
) -> None:
    """Add an option for each field that fits on a command line, of those named, and --recipe.

    Args:
        parser: to add to.
        only: fields that may be given.
        defaults: of this command, where they are not the recipe's.
    """
    parser.add_argument("--recipe", type=Path, metavar="FILE", help="options and more, as YAML")
    for name, field in Recipe.model_fields.items():
        if name in _ONLY_IN_A_FILE or name not in only:
            continue
        _add(parser, name, field, default=defaults.get(name, field.default))


def add_serving(parser: argparse.ArgumentParser) -> None:
    """Add an option for each field of the recipe's `serving`; vLLM's own stand after `--`."""
    for name, field in Serving.model_fields.items():
        if name != "arguments":
            _add(parser, name, field, default=field.default)


def _add(parser: argparse.ArgumentParser, name: str, field: FieldInfo, *, default: object) -> None:
    option, text = f"--{dashed(name)}", _help(field.description or "", default)
    if field.annotation is bool:
        parser.add_argument(
            option, dest=name, default=argparse.SUPPRESS, help=text, action="store_true"
        )
    else:
        parser.add_argument(
            option,
            dest=name,
            default=argparse.SUPPRESS,
            help=text,
            metavar="VALUE",
            action="append" if name in _REPEATED else "store",
        )


def parted(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return what stands before `--`, and what stands after it and goes to vLLM."""
    words = list(arguments)
    at = words.index("--") if "--" in words else len(words)
    return words[:at], words[at + 1 :]


def settled(
    options: argparse.Namespace,
    *,
    under: Mapping[str, Any] = EMPTY,
    over: Mapping[str, Any] = EMPTY,
    more: Sequence[str] = (),
) -> Recipe:
    """Return the recipe with the options of the command line over it.

    Args:
        options: of the command line, those of `serving` among them.
        under: what the command line wins over, and wins over the file.
        over: what wins over everything.
        more: words for vLLM, after those that the recipe has.

    Raises:
        InputError: every unknown key and value that is not allowed; words for vLLM and no `serve`.
    """
    path: Path | None = options.recipe
    given = {**under, **given_options(options), **over}
    found = load(path, options=given)
    wish = {name: value for name, value in vars(options).items() if name in Serving.model_fields}
    if more and found.serve is None:
        raise InputError.one("--", f"{more[0]!r} is for vLLM, and only --serve starts one")
    if not wish and not more:
        return found
    before = found.serving.model_dump(exclude_unset=True)
    arguments = [*before.get("arguments", ()), *more]
    return load(path, options={**given, "serving": {**before, **wish, "arguments": arguments}})


def given_options(options: argparse.Namespace) -> Mapping[str, Any]:
    """Return the recipe's fields that the command line gives."""
    return {name: value for name, value in vars(options).items() if name in Recipe.model_fields}


def _help(description: str, default: object) -> str:
    text = (
        description
        if default is None or default is False or default == ()
        else f"{description} ({default})"
    )
    return text.replace("%", "%%")
