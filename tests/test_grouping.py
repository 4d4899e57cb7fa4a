"""Which groups a run looks for, and what a recipe may say of them."""

from __future__ import annotations

import pytest
from small_runs import seed_set

from augment.errors import InputError
from augment.grouping import identities_of
from augment.recipe import Recipe

SEEDS = seed_set([("where is the card that I lost", "card"), ("send it back to me", "refund")])


def recipe(**identities: object) -> Recipe:
    return Recipe.model_validate({"identities": identities})


def test_the_lists_are_those_of_the_seeds_language_unless_others_are_named() -> None:
    assert identities_of(SEEDS, recipe()).languages == ("en",)
    both = identities_of(SEEDS, recipe(languages=["en", "de"]))
    assert both.groups_in("die Türken and Poles") == {
        ("nationality", "Turks"), ("nationality", "Poles"),
    }  # fmt: skip
    assert identities_of(SEEDS, recipe(languages=[])).groups == {}


def test_a_recipe_brings_axes_of_its_own() -> None:
    axes = {"job": {"groups": ["nurses", "doctors"], "terms": [["nurse", ["doctor", "medic"]]]}}
    found = identities_of(SEEDS, recipe(axes=axes))
    assert found.groups_in("a medic, she said") == {("job", "doctors"), ("gender", "women")}


def test_everything_that_does_not_fit_is_named_at_once() -> None:
    axes = {"job": {"groups": ["a", "b"], "terms": [["x"], ["y", "z"], ["u", "v", "w"]]}}
    with pytest.raises(InputError) as error:
        identities_of(SEEDS, recipe(axes=axes))
    assert "identities, axes, job: ['x'] has 1 cells for 2 groups" in str(error.value)
    assert "['u', 'v', 'w'] has 3 cells for 2 groups" in str(error.value)
    target = {"gender": {"women": 1, "robots": 1}, "height": {"tall": 1, "short": 1},
              "age": {"young people": 1, "old people": 0}}  # fmt: skip
    with pytest.raises(InputError) as error:
        identities_of(SEEDS, recipe(target=target))
    assert "identities, target, gender: 'robots' is none of ['women', 'men']" in str(error.value)
    assert "identities, target, height: is none of the axes ['gender'," in str(error.value)
    assert "identities, target, age: needs shares above 0 for two groups" in str(error.value)


def test_groups_and_terms_that_can_never_be_found_are_faults() -> None:
    axes = {"job": {"groups": ["a", "a"], "level": ["zzz"], "terms": [["!!", ["b", "--"]]]}}
    with pytest.raises(InputError) as error:
        identities_of(SEEDS, recipe(axes=axes))
    for said in (
        "names a group twice: ['a', 'a']",
        "level: 'zzz' is none of ['a', 'a']",
        "'!!' is no term: it has no letter or digit",
        "'--' is no term",
    ):
        assert said in str(error.value)
