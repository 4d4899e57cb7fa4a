"""The recipe knows, without loading a filter, by what each one compares rows."""

from __future__ import annotations

from typing import get_args

import pytest

from augment.filters.agreement import Agreement
from augment.filters.balance import Balance
from augment.filters.confidence import Confidence
from augment.filters.copy import Copy
from augment.filters.form import Form
from augment.filters.language import Language
from augment.filters.leak import Leak
from augment.filters.length import Length
from augment.filters.near_duplicate import NearDuplicate
from augment.filters.pii import Pii
from augment.filters.semantic_duplicate import SemanticDuplicate
from augment.filters.shortcuts import Shortcuts
from augment.filters.similarity import Similarity
from augment.filters.toxicity import ToxicityFilter
from augment.filters.unmarked import Unmarked
from augment.filters.variants import Variants
from augment.recipe_fields import STAGES, FilterName

FILTERS = (
    Agreement, Balance, Confidence, Copy, Form, Language, Leak, Length, NearDuplicate, Pii,
    SemanticDuplicate, Shortcuts, Similarity, ToxicityFilter, Unmarked, Variants,
)  # fmt: skip


@pytest.mark.parametrize("kind", FILTERS, ids=lambda kind: kind.name)
def test_the_recipe_has_each_filter_in_its_stage(kind):
    texts, meaning, accepted = STAGES.values()
    assert kind.name in (accepted if kind.sequential else meaning if kind.by_meaning else texts)


def test_the_recipe_names_every_filter_once():
    names = [name for own in STAGES.values() for name in own]
    allowed = get_args(get_args(FilterName)[0])
    assert sorted(names) == sorted(kind.name for kind in FILTERS) == sorted(allowed)
