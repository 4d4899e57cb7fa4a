"""What tests of formats share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

import pytest


@pytest.fixture(name="spacy", scope="session")
def _spacy(missing: Callable[[str], NoReturn]) -> Any:
    """The extra: where it is not installed the tests that need it are skipped."""
    try:
        import spacy.tokens
    except ImportError:
        missing("spaCy is not installed: pip install 'augment-corpora[spacy]'")
    return spacy
