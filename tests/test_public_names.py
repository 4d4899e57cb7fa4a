"""The names that `import augment` gives: all are there, all are described, and none costs much."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import augment
from augment import errors

SOURCE = ast.parse(Path(augment.__file__).read_text("utf-8"))
HEAVY = {"torch", "datasets", "pandas", "transformers", "langchain_core", "sklearn", "pydantic"}


def after(code: str) -> set[str]:
    """Return the heavy modules that a new interpreter has loaded after the code."""
    code += "\nimport sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return HEAVY & set(done.stdout.split())


@pytest.mark.parametrize("name", augment.__all__)
def test_every_public_name_can_be_imported_and_says_what_it_is(name):
    found = getattr(augment, name)

    assert found.__name__ == name
    assert found.__doc__.strip()
    assert found.__doc__ != (found.__base__.__doc__ if isinstance(found, type) else None)


def test_a_star_gives_what_is_public():
    names: dict[str, object] = {}
    exec("from augment import *", names)  # noqa: S102 - our own text

    assert names.keys() - {"__builtins__"} == set(augment.__all__)


def test_completion_shows_what_is_public():
    assert [name for name in dir(augment) if not name.startswith("_")] == sorted(augment.__all__)


def test_a_type_checker_is_told_of_the_names_that_there_are():
    [block] = [node for node in SOURCE.body if isinstance(node, ast.If)]
    told = {alias.name for node in block.body for alias in getattr(node, "names", ())}

    assert told == set(augment.__all__)


@pytest.mark.parametrize("name", ["run", "as_runnable"])
def test_every_error_that_is_said_to_be_raised_is_public(name):
    words = set(re.findall(r"\w+", getattr(augment, name).__doc__))
    raised = words & {each for each in vars(errors) if not each.startswith("_")}

    assert raised
    assert raised <= set(augment.__all__)


def test_every_public_error_is_an_augment_error():
    public = [getattr(augment, name) for name in augment.__all__]
    found = [each for each in public if isinstance(each, type) and issubclass(each, Exception)]

    assert augment.AugmentError in found
    assert all(issubclass(each, augment.AugmentError) for each in found)


def test_a_name_that_is_not_public_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'augment' has no attribute 'Runs'"):
        _ = augment.Runs  # pyright: ignore[reportAttributeAccessIssue]


def test_importing_augment_loads_nothing_heavy():
    assert after("import augment") == set()


def test_an_error_is_public_without_anything_heavy():
    assert after("from augment import InputError, QuotaNotMet") == set()


def test_run_is_there_before_any_model_or_table_library():
    assert after("from augment import run") & {"torch", "datasets", "pandas"} == set()
