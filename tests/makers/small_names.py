"""A spaCy pipeline in a folder that marks the names and places that it was told."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import spacy

PEOPLE = ("Lena Vogt", "Otto", "Anna Maria Berg", "Mia Doe")
PLACES = ("Kiel", "12 Harbour Road")


def write_pipeline(
    folder: Path, *, people: Sequence[str] = PEOPLE, places: Sequence[str] = PLACES
) -> Path:
    """Write a blank English pipeline with an entity ruler and return its folder."""
    pipeline = spacy.blank("en")
    ruler = pipeline.add_pipe("entity_ruler")
    found = [("PERSON", people), ("GPE", places), ("PERSON", ["NAME"]), ("ORG", ["Acme"])]
    ruler.add_patterns(
        [{"label": label, "pattern": name} for label, names in found for name in names]
    )
    pipeline.to_disk(folder)
    return folder
